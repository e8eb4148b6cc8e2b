"""What a decision reads: columns of one snapshot, as they were known at one instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolio.errors import WrongUse
from portfolio.types import Declaration, FloatArray, Instrument
from warehouse import views
from warehouse.extensions import text
from warehouse.faults import translated
from warehouse.measured import Measured
from warehouse.snapshot import instant, listed

_FIELDS = ("open", "high", "low", "close", "volume", "raw_close", "factor")


@dataclass(frozen=True, slots=True)
class Prices:
    """Long columns, sorted by symbol (in the order asked) and session; one source a symbol, never a mix.

    session datetime64[D]; symbol index into `symbols`; each field in `fields` per share (volume: shares), NaN where the
    source has none; known_at datetime64[us], UTC; sources, and the currencies of the rows, by symbol, for the symbols that
    have rows.
    """

    symbols: tuple[str, ...]
    symbol: NDArray[np.int32]
    session: NDArray[np.datetime64]
    known_at: NDArray[np.datetime64]
    fields: Mapping[str, FloatArray]
    sources: Mapping[str, str]
    currencies: Mapping[str, tuple[str, ...]]


class Reader(Measured):
    """One snapshot, read only. Close it after use (or use it as a context)."""

    def prices(
        self,
        symbols: Sequence[str],
        known_by: datetime | None,
        fields: Sequence[str] = ("close",),
        *,
        adjusted: bool = True,
        source: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Prices:
        """Prices of `symbols` as known by an instant, adjusted as of their last session known then (and not after `until`).

        `fields` of open, high, low, close, volume, raw_close, factor. A symbol means the instrument that carries it
        then, under every name it had. Without `source`, each symbol's comes from its source with the newest session
        (then most rows, then first by name). A symbol without prices has no rows.
        """
        wrong = [name for name in fields if name not in _FIELDS]
        if wrong:
            raise WrongUse(f"Prices have no field {wrong[0]!r}.", f"They have {', '.join(_FIELDS)}.")
        wanted = self._instruments_of(symbols, instant(known_by))
        base = self.base(wanted, known_by, adjusted=adjusted, since=since, until=until)
        only = f"WHERE source = {text(source)}" if source else ""
        late = f"WHERE session >= DATE {text(since.isoformat())}" if since else ""
        return self._priced(tuple(symbols), wanted, base, fields, only, late)

    def _priced(
        self,
        symbols: tuple[str, ...],
        wanted: dict[str, int],
        base: str,
        fields: Sequence[str],
        only: str,
        late: str,
    ) -> Prices:
        pairs = ", ".join(f"({text(one)}, {index})" for one, index in wanted.items()) or "(NULL, -1)"
        chosen = ", ".join(f'"{name}"' for name in fields)
        with translated("The warehouse"):
            self._cursor.execute(f"""
            CREATE OR REPLACE TEMP TABLE priced AS
            WITH v (instrument, position) AS (VALUES {pairs}),
            b AS (SELECT b.*, v.position FROM ({base}) b JOIN v USING (instrument) {only}),
            best AS (SELECT instrument, source FROM b GROUP BY instrument, source
                     QUALIFY row_number() OVER (PARTITION BY instrument ORDER BY max(session) DESC, count(*) DESC, source) = 1)
            SELECT position::INTEGER AS position, (session - DATE '1970-01-01')::INTEGER AS day, epoch_us(known_at) AS known,
              source, currency, {chosen} FROM b SEMI JOIN best USING (instrument, source) {late}""")
        found = self._columns(f"SELECT position, day, known, {chosen} FROM priced ORDER BY position, day")
        each = "any_value(source), list_sort(list(DISTINCT currency))"
        told = self._rows(f"SELECT position, {each} FROM priced GROUP BY position ORDER BY position")
        return Prices(  # numbers only: half a million names as Python objects would cost more than the bars
            symbols,
            found["position"],
            found["day"].astype("datetime64[D]"),
            found["known"].astype("datetime64[us]"),
            {name: found[name].astype(np.float64) for name in fields},
            {symbols[position]: str(source) for position, source, _ in told},
            {symbols[position]: tuple(currencies) for position, _, currencies in told},
        )

    def instruments(self, known_by: datetime | None = None) -> list[Instrument]:
        """Every instrument, by identity; where two sources describe one, the description known last."""
        rows = self._rows(
            f"SELECT instrument, symbol, currency, exchange, tradable FROM ({self._newest('instruments', instant(known_by))}) "
            "QUALIFY row_number() OVER (PARTITION BY instrument ORDER BY known_at DESC, loaded_at DESC, source) = 1 "
            "ORDER BY instrument"
        )
        return [Instrument(*row) for row in rows]

    def declarations(self, dataset: str = "prices", known_by: datetime | None = None) -> dict[str, Declaration]:
        """What each source says of its own rows of `dataset`, by source."""
        rows = self._rows(
            f"SELECT source, adjustment, has, note FROM ({self._newest('declarations', instant(known_by))}) "
            f"WHERE dataset = {text(dataset)} ORDER BY source"
        )
        return {
            row[0]: Declaration(row[0], row[1], frozenset(filter(None, (row[2] or "").split(","))), row[3] or "") for row in rows
        }

    def macro(self, series: Sequence[str], known_by: datetime) -> dict[str, NDArray[Any]]:
        """Columns series, date (datetime64[D]), value, unit, source, known_at; sorted by series, source, date, known_at.

        One row a vintage: a date that was revised stands there as often as it was told, so that its past can be known.
        """
        return self._columns(
            f"SELECT series, date, value, unit, source, known_at FROM {self._name}.raw.macro "
            f"WHERE series IN ({listed(series)}) AND known_at <= {instant(known_by)} "
            "ORDER BY series, source, date, known_at, loaded_at"
        )

    def fundamentals(self, instruments: Sequence[str], concepts: Sequence[str], known_by: datetime) -> dict[str, NDArray[Any]]:
        """Columns instrument, symbol, concept, period_start, period_end, value, unit, form, filed, source, known_at."""
        known = instant(known_by)
        inside = f"f.instrument IN ({listed(instruments)}) AND f.concept IN ({listed(concepts)})"
        names = ", ".join(views.COLUMNS["fundamentals"])
        return self._columns(
            f"SELECT {names} FROM ({self._newest('fundamentals', known, inside)}) "
            "ORDER BY instrument, concept, period_end, period_start, known_at"
        )

    def newest_filings(self, instruments: Sequence[str], known_by: datetime) -> dict[str, date]:
        """The end of the newest period that was told of each instrument; one without any filing is absent."""
        inside = f"f.instrument IN ({listed(instruments)})"
        told = self._newest("fundamentals", instant(known_by), inside)
        return dict(self._rows(f"SELECT instrument, max(period_end) FROM ({told}) GROUP BY instrument"))

    def universe(self, name: str, on: date, known_by: datetime) -> list[str]:
        """Instruments that are members of universe `name` on a session, sorted."""
        day = f"DATE {text(on.isoformat())}"
        rows = self._rows(
            f"SELECT DISTINCT instrument FROM ({self._newest('universe', instant(known_by), f'f.name = {text(name)}')}) "
            f"WHERE from_session <= {day} AND (to_session IS NULL OR to_session >= {day}) ORDER BY instrument"
        )
        return [row[0] for row in rows]
