"""How a command speaks: a document on standard output with --json, words and tables for a person otherwise."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from portfolio.errors import Broken, Outage, Trouble

if TYPE_CHECKING:
    from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
WHOLE = {"ref", "decision", "plan", "incident", "bid", "ask", "last", "close"}  # ids are for copying, prices for comparing
Command = TypeVar("Command", bound=Callable[..., None])


def plain(value: Any) -> Any:
    """JSON values: decimals as numbers, instants in ISO 8601, NaN as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def emit(document: Any) -> None:
    """The one document of a `--json` command."""
    sys.stdout.write(json.dumps(plain(document), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say(words: str) -> None:
    """A line for a person."""
    from rich.console import Console

    Console(highlight=False, soft_wrap=True).print(words, markup=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table for a person."""
    from rich.console import Console

    Console(highlight=False).print(grid(title, columns, rows))


def _cell(value: Any) -> str:
    """Text; of a long fraction ten digits, which a column can hold (`--json` has them all). Money keeps its cents."""
    if isinstance(value, float) and len(repr(value)) > 12:
        return f"{value:.10g}" if abs(value) < 1e8 else f"{value:.2f}"
    return "" if value is None else str(value)


def grid(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table; every cell is text, never markup."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=Text(title), title_justify="left", header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold", no_wrap=column in WHOLE)
    for row in rows:
        drawn.add_row(*(Text(_cell(cell)) for cell in row))
    return drawn


@contextmanager
def progress(quiet: bool) -> Iterator[None]:
    """Show on standard error what is being done while the block runs; nothing where `quiet`."""
    if quiet:
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from tasks import narration

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=False) as bar:
        seen: dict[str, Any] = {}

        def hear(what: str, done: int, of: int) -> None:
            if what not in seen:
                for name, known in seen.items():
                    if not bar.tasks[known].finished:
                        bar.update(known, total=1, completed=1, description=name)
                seen[what] = bar.add_task(what, total=None)
            if of:
                bar.update(seen[what], total=of, completed=done)

        with narration.listening(hear):
            yield
        for known in seen.values():
            if not bar.tasks[known].finished:
                bar.update(known, total=1, completed=1)


def guarded(command: Command) -> Command:
    """Ends a command as DESIGN promises: one clear sentence, no traceback, the exit code of its trouble."""

    @wraps(command)
    def inner(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:
            os._exit(0)
        except Exception as error:
            trouble = _trouble(error)
            if kwargs.get("json"):
                emit({"status": trouble.kind, "error": trouble.what, "way_out": trouble.way_out})
            sys.stderr.write(f"{trouble.kind}: {trouble}\n")
            raise typer.Exit(trouble.exit_code) from None

    return inner  # type: ignore[return-value]


def _trouble(error: BaseException) -> Trouble:
    """Whatever went wrong, as one of the kinds of trouble. TRIMTAB_DEBUG=1 lets the traceback through."""
    if os.environ.get("TRIMTAB_DEBUG") == "1":
        raise error
    if isinstance(error, Trouble):
        return error
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Outage(
            f"The disk is full ({error.filename or 'no file named'}).", "Make room, then run again: nothing is half-done."
        )
    if isinstance(error, OSError) and error.filename:
        reason = (error.strerror or "it failed").lower()
        return Outage(f"{error.filename} cannot be used: {reason}.", "Mend that, or set TRIMTAB_HOME elsewhere.")
    words = " ".join(str(error).split())[:300]
    return Broken(f"A bug of ours: {type(error).__name__}: {words}", "Run with TRIMTAB_DEBUG=1 and report the traceback.")
