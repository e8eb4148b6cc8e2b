"""Prices laid out wide, sessions by symbols, for whatever looks at many symbols at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from portfolio.types import FloatArray
from warehouse.extensions import text
from warehouse.faults import translated
from warehouse.inventory import Inventory
from warehouse.snapshot import instant

_DAY = "(session - DATE '1970-01-01')::INTEGER"
_PIECE = 1_000_000  # rows
_BEST = (
    "SELECT instrument, source FROM ({bars}) GROUP BY instrument, source "
    "QUALIFY row_number() OVER (PARTITION BY instrument ORDER BY max(session) DESC, count(*) DESC, source) = 1"
)


@dataclass(frozen=True, slots=True)
class Panel:
    """values: shape (sessions, symbols), NaN where there is no bar; sessions: datetime64[D], oldest first."""

    symbols: tuple[str, ...]
    sessions: NDArray[np.datetime64]
    values: FloatArray


class Wide(Inventory):
    """Panels of one field."""

    def panel(
        self,
        symbols: Sequence[str],
        known_by: datetime | None,
        field: str = "close",
        *,
        adjusted: bool = True,
        since: date | None = None,
        until: date | None = None,
    ) -> Panel:
        """One field of `symbols` as known by an instant, one source a symbol (the one with the newest session, then most rows).

        field: open, high, low, close, volume, raw_close, factor. Long rows are scattered by numpy: a pivot of 50 million
        rows in SQL or in a data frame takes ten times as long.
        """
        wanted = self._instruments_of(symbols, instant(known_by))
        plain = self.base(wanted, known_by, adjusted=False, since=since, until=until)
        told = self.base(wanted, known_by, adjusted=adjusted, since=since, until=until)
        self._place(wanted)
        late = f"WHERE session >= DATE {text(since.isoformat())}" if since else ""
        days = self._columns(f"SELECT {_DAY} AS day, source FROM (SELECT DISTINCT session, source FROM ({plain}) {late})")
        best = f"SEMI JOIN ({_BEST.format(bars=plain)}) USING (instrument, source)" if len(set(days["source"])) > 1 else ""
        sql = (
            f'SELECT p.place, b.session, b."{field}"::DOUBLE AS value '
            f"FROM (SELECT * FROM ({told}) {best} {late}) b JOIN places p ON p.instrument = b.instrument"
        )
        return self._filled(tuple(symbols), np.unique(days["day"]), sql)

    def _place(self, wanted: Mapping[str, int]) -> None:
        """`places`: in which column of the panel each instrument stands."""
        pairs = ", ".join(f"({text(one)}, {position})" for one, position in wanted.items()) or "(NULL, -1)"
        self._cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE places AS SELECT instrument, position::INTEGER AS place "
            f"FROM (VALUES {pairs}) v (instrument, position)"
        )

    def _filled(self, symbols: tuple[str, ...], days: NDArray[np.int32], sql: str) -> Panel:
        """The panel of the rows of `sql` (place, session, value), their sessions among `days` (since 1970, ascending)."""
        if not len(days):
            return Panel(symbols, np.empty(0, "datetime64[D]"), np.empty((0, len(symbols))))
        row = np.zeros(int(days[-1]) - int(days[0]) + 1, dtype=np.int64)
        row[days - days[0]] = np.arange(len(days)) * len(symbols)
        flat, present = np.full(len(days) * len(symbols), np.nan), np.zeros(len(row), dtype=bool)
        with translated("The warehouse"):
            for piece in self._cursor.execute(sql).to_arrow_table(_PIECE).to_batches():
                day = piece.column("session").view("int32").to_numpy() - days[0]
                present[day] = True
                flat[row[day] + piece.column("place").to_numpy()] = piece.column("value").to_numpy(zero_copy_only=False)
        seen = present[days - days[0]]
        values = flat.reshape(len(days), len(symbols))
        return Panel(symbols, days[seen].astype("datetime64[D]"), values if seen.all() else values[seen])
