"""One snapshot of the lake, attached to a connection of its own, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from portfolio.errors import WrongUse
from portfolio.schema import TABLES
from warehouse import views
from warehouse.extensions import text
from warehouse.faults import translated

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NAMES = count(1)


class Snapshot:
    """One snapshot, read only. Close it after use (or use it as a context)."""

    def __init__(self, cursor: DuckDBPyConnection, attach: Callable[[str], None], snapshot: int) -> None:
        self.snapshot = snapshot
        self._cursor = cursor
        self._name = f"at_{snapshot}_{next(_NAMES)}"
        attach(self._name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the snapshot. Safe to call twice."""
        with suppress(Exception):
            self._cursor.execute(f"DETACH {self._name}")
        with suppress(Exception):
            self._cursor.close()

    def _newest(self, table: str, known: str, where: str = "true") -> str:
        return views.newest(TABLES[table], f"{self._name}.", known, where)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with translated("The warehouse"):
            return self._cursor.execute(sql).fetchall()

    def _columns(self, sql: str) -> dict[str, NDArray[Any]]:
        with translated("The warehouse"):
            found = self._cursor.execute(sql).fetchnumpy()
        return {name: _plain(column) for name, column in found.items()}


def _plain(column: Any) -> NDArray[Any]:
    """A plain array of a perhaps masked one: NaN, NaT or None where nothing is known."""
    if not isinstance(column, np.ma.MaskedArray):
        return np.asarray(column)
    empty: Any = np.datetime64("NaT") if column.dtype.kind == "M" else np.nan if column.dtype.kind == "f" else None
    masked: Any = column if empty is not None else column.astype(object)
    return np.asarray(masked.filled(empty))


def listed(words: Sequence[str]) -> str:
    """What stands in an IN list."""
    return ", ".join(map(text, words)) or "NULL"


def instant(moment: datetime | None) -> str:
    """An aware instant as an SQL expression; None means all that is known."""
    if moment is None:
        return "'infinity'::TIMESTAMPTZ"
    if moment.tzinfo is None:
        raise WrongUse("The instant of a read has no time zone.", "Give an aware datetime.")
    return f"{text(moment.isoformat())}::TIMESTAMPTZ"
