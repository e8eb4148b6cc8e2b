"""The journal from the terminal: verify, export, head."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.output import Json, emit, guarded, say


def register(app: typer.Typer) -> None:
    journal = typer.Typer(help="The chain of everything that was decided and done.", no_args_is_help=True)
    journal.command("verify")(verify)
    journal.command("export")(export)
    journal.command("head")(head)
    app.add_typer(journal, name="journal")


@guarded
def verify(
    head: Annotated[str | None, typer.Option(help="A head that you kept: finds a cut tail.")] = None,
    json: Json = False,
) -> None:
    """Walk the hash chain; exit 1 and name the first bad row where it is broken."""
    from tasks.doors import open_ledger
    from tasks.settings import settings

    found = open_ledger(settings()).verify(head)
    if json:
        emit({"status": "done", "rows": found.rows, "head": found.head})
    else:
        say(f"The journal is whole: {found.rows} rows, head {found.head}.")


@guarded
def export(file: Annotated[Path, typer.Argument(help="Where to write JSON lines.")], json: Json = False) -> None:
    """Write the journal as JSON lines, whole or not at all."""
    from tasks.doors import open_ledger
    from tasks.settings import settings

    found = open_ledger(settings()).export(file)
    if json:
        emit({"status": "done", "file": file, "rows": found.rows, "head": found.head})
    else:
        say(f"{found.rows} rows in {file}, head {found.head}.")


@guarded
def head(json: Json = False) -> None:
    """The hash of the newest row: keep it, and no tail can be cut unseen."""
    from tasks.doors import open_ledger
    from tasks.settings import settings

    found = open_ledger(settings()).head()
    if json:
        emit({"status": "done", "head": found})
    else:
        say(found)
