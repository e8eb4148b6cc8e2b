"""What is worked out from bars and filings for a decision: ratios and indicators, as they were known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolio.errors import WrongUse
from portfolio.types import FloatArray
from warehouse import histories, indicators, ratios, valuation
from warehouse.extensions import text
from warehouse.faults import translated
from warehouse.snapshot import instant, listed
from warehouse.wide import Wide

_BAR = ("high", "low", "close", "volume", "raw_close", "raw_volume")


@dataclass(frozen=True, slots=True)
class Indicators:
    """Long columns, one row a bar, sorted by symbol (in the order asked) and session.

    session datetime64[D]; symbol index into `symbols`; each of `values` as its name says (warehouse.indicators,
    warehouse.valuation), NaN where unknown.
    """

    symbols: tuple[str, ...]
    symbol: NDArray[np.int32]
    session: NDArray[np.datetime64]
    values: Mapping[str, FloatArray]


class Measured(Wide):
    """Ratios and indicators."""

    def ratios(self, instruments: Sequence[str], names: Sequence[str], known_by: datetime) -> dict[str, NDArray[Any]]:
        """Columns instrument, symbol, ratio, period_end, value, known_at, currency, source; sorted by the first four.

        One row a ratio and period end that is known; `names` as in warehouse.ratios.
        """
        _checked(names, tuple(ratios.RATIOS), "ratio")
        mine = f"f.instrument IN ({listed(instruments)})"
        sql = ratios.ratios(f"{self._name}.", instant(known_by), mine, tuple(names))
        return self._columns(f"SELECT * FROM ({sql}) ORDER BY instrument, ratio, period_end, currency, source")

    def histories(self, symbols: Sequence[str] | None = None) -> histories.Histories:
        """The histories of `symbols` (None: of all) that two sources or more tell, beside each other."""
        with translated("The warehouse"):
            return histories.lay(self._cursor, f"{self._name}.", symbols)

    def indicators(
        self,
        symbols: Sequence[str],
        names: Sequence[str],
        known_by: datetime | None,
        *,
        since: date | None = None,
        until: date | None = None,
        benchmark: str | None = None,
        sessions: Sequence[date] | None = None,
    ) -> Indicators:
        """Indicators of `symbols` at each of their bars from `since` to `until`, both included.

        Prices are as known by the instant, one source a symbol (as in `prices`); what filings say is as known at each
        session's own close. `benchmark` is needed by beta alone. With `sessions`, the exchange's own, a session without a
        bar counts as missing; without them only a window that is too long does. Of one source no figure depends on `since`;
        of several that are equally new, the one with most bars from there on is read.
        """
        _checked(names, (*indicators.INDICATORS, *valuation.NAMES), "indicator")
        if "beta_252d" in names and benchmark is None:
            raise WrongUse("Beta was asked for without a benchmark.", "Name one, such as SPY.")
        everyone = tuple(dict.fromkeys([*symbols, *([benchmark] if benchmark else [])]))
        wanted = self._instruments_of(everyone, instant(known_by))
        begins = None if since is None or "drawdown" in names else since - timedelta(days=indicators.WARM_UP)
        base = self.base(wanted, known_by, adjusted=True, since=begins, until=until)
        market = everyone.index(benchmark) if benchmark else None
        with translated("The warehouse"):
            self._cursor.execute(f"CREATE OR REPLACE TEMP TABLE measured_bars AS {_bars(base, wanted, sessions, market)}")
        return self._indicated(tuple(symbols), tuple(names), instant(known_by), since)

    def _indicated(self, symbols: tuple[str, ...], names: tuple[str, ...], known: str, since: date | None) -> Indicators:
        """The indicators of the bars in `measured_bars`."""
        first = f"DATE {text(since.isoformat() if since else '0001-01-01')}"
        bars = indicators.indicators("measured_bars", tuple(name for name in names if name in indicators.INDICATORS))
        mine = f"position < {len(symbols)} AND instrument IS NOT NULL AND session >= {first}"
        sql = f"SELECT * FROM ({bars}) WHERE {mine}"
        told = tuple(name for name in names if name in valuation.NAMES)
        if told:
            inside = f"f.instrument IN (SELECT instrument FROM measured_bars WHERE {mine})"
            sql = valuation.valued(sql, f"{self._name}.", known, inside, first, told)
        chosen = "".join(f", CASE WHEN isfinite({name}) THEN {name} END AS {name}" for name in names)
        day = "(session - DATE '1970-01-01')::INTEGER"
        found = self._columns(f"SELECT position::INTEGER AS position, {day} AS day{chosen} FROM ({sql}) ORDER BY 1, 2")
        days = found["day"].astype("datetime64[D]")
        return Indicators(symbols, found["position"], days, {name: found[name].astype(np.float64) for name in names})


def _checked(names: Sequence[str], known: tuple[str, ...], word: str) -> None:
    wrong = [name for name in names if name not in known]
    if wrong:
        raise WrongUse(f"There is no {word} {wrong[0]!r}.", f"There are {', '.join(known)}.")
    if len(set(names)) != len(names):
        raise WrongUse(f"The same {word} was asked for twice.", "Name each once.")


def _bars(base: str, wanted: Mapping[str, int], sessions: Sequence[date] | None, market: int | None) -> str:
    """The bars of one source a symbol, on the exchange's sessions where they are given, beside the benchmark's close."""
    pairs = ", ".join(f"({text(one)}, {position})" for one, position in wanted.items()) or "(NULL, -1)"
    days = ", ".join(f"DATE {text(day.isoformat())}" for day in sessions or ())
    whole = f"""grid AS (
  SELECT g.position, s.session FROM (SELECT position, min(session) AS first, max(session) AS last FROM own GROUP BY position) g
  JOIN (SELECT DISTINCT unnest([{days}]::DATE[]) AS session) s ON s.session BETWEEN g.first AND g.last),
held AS (SELECT * FROM own FULL JOIN grid USING (position, session))"""
    close = "NULL::DOUBLE" if market is None else "m.close"
    beside = "" if market is None else f"LEFT JOIN held m ON m.position = {market} AND m.session = h.session"
    return f"""
WITH v (instrument, position) AS (VALUES {pairs}),
b AS (SELECT b.*, v.position FROM ({base}) b JOIN v USING (instrument)),
best AS (SELECT instrument, source FROM b GROUP BY instrument, source
         QUALIFY row_number() OVER (PARTITION BY instrument ORDER BY max(session) DESC, count(*) DESC, source) = 1),
own AS (SELECT position, instrument, session, source, currency, adjustment, {", ".join(_BAR)}
        FROM b SEMI JOIN best USING (instrument, source)),
{"held AS (FROM own)" if sessions is None else whole}
SELECT h.*, {close} AS market FROM held h {beside}"""
