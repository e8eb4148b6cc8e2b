"""Prices laid out wide, sessions by symbols, for whatever looks at many symbols at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from portfolio.types import FloatArray
from warehouse.extensions import text
from warehouse.inventory import Inventory
from warehouse.snapshot import instant


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
        base = self.base(wanted, known_by, adjusted=adjusted, since=since, until=until)
        pairs = ", ".join(f"({text(one)}, {position})" for one, position in wanted.items()) or "(NULL, -1)"
        self._cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE places AS SELECT instrument, position::INTEGER AS place "
            f"FROM (VALUES {pairs}) v (instrument, position)"
        )
        late = f"WHERE session >= DATE {text(since.isoformat())}" if since else ""
        found = self._columns(f"""
        WITH b AS (SELECT p.place, b.instrument, b.source, b.session, b."{field}" AS value
                   FROM ({base}) b JOIN places p ON p.instrument = b.instrument),
        best AS (SELECT instrument, source FROM b GROUP BY instrument, source
                 QUALIFY row_number() OVER (PARTITION BY instrument ORDER BY max(session) DESC, count(*) DESC, source) = 1)
        SELECT place, (session - DATE '1970-01-01')::INTEGER AS day, value
        FROM b SEMI JOIN best USING (instrument, source) {late}""")
        return _scattered(tuple(symbols), found["place"], found["day"], found["value"].astype(np.float64, copy=False))


def _scattered(symbols: tuple[str, ...], place: NDArray[np.int32], day: NDArray[np.int32], value: FloatArray) -> Panel:
    if not len(day):
        return Panel(symbols, np.empty(0, "datetime64[D]"), np.empty((0, len(symbols))))
    first = int(day.min())
    present = np.zeros(int(day.max()) - first + 1, dtype=bool)
    present[day - first] = True
    row = np.cumsum(present, dtype=np.int32) - 1
    values = np.full((int(row[-1]) + 1, len(symbols)), np.nan)
    values[row[day - first], place] = value
    sessions = (np.nonzero(present)[0] + first).astype("datetime64[D]")
    return Panel(symbols, sessions, values)
