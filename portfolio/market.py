"""What may be seen at an instant: the one place where time is cut, on the moment a fact was known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolio.errors import Broken, Refused
from portfolio.types import Declaration, FloatArray, Health

DateArray = NDArray[np.datetime64]
MINIMUM_DAYS = 60  # fewer sessions carry no figure of risk
DECIDED = np.timedelta64(19, "h")  # in UTC: two hours before the close of New York in winter, one in summer


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """Closes as the warehouse remembers them, one row a bar, in no promised order.

    session: shape (rows,), datetime64[D]; symbol: shape (rows,), index into `symbols`; close: adjusted, per share, NaN
    where absent; known_at: shape (rows,), datetime64[us] in UTC.
    """

    symbols: tuple[str, ...]
    session: DateArray
    symbol: NDArray[np.int64]
    close: FloatArray
    known_at: DateArray


@dataclass(frozen=True, slots=True)
class Market:
    """The market as it was known at `as_of`: closes of shape (sessions, symbols), oldest first, NaN where unknown.

    Closes, the benchmark and what is watched are in the portfolio's base currency.
    """

    as_of: datetime
    session: date
    snapshot: int
    symbols: tuple[str, ...]
    sessions: DateArray
    closes: FloatArray
    benchmark: FloatArray  # shape (sessions,), NaN where unknown or where the policy names none
    health: Mapping[str, Health] = field(default_factory=dict)
    illness: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # symbol -> the laws behind its health
    declarations: tuple[Declaration, ...] = ()
    instruments: Mapping[str, str] = field(default_factory=dict)  # symbol -> identity, for those the warehouse knows
    watched: Mapping[str, FloatArray] = field(default_factory=dict)  # closes of symbols that are only looked at; (sessions,)
    macro: Mapping[str, FloatArray] = field(default_factory=dict)  # series, as the session after each could know it; (sessions,)
    ratios: Mapping[str, FloatArray] = field(default_factory=dict)  # as known at each session's end; (sessions, symbols)
    stale: Mapping[str, str] = field(default_factory=dict)  # dataset that is looked at and too old -> why
    volumes: Mapping[str, float] = field(default_factory=dict)  # 20-day average, shares a day; absent where nobody says it
    rates: Mapping[str, FloatArray] = field(default_factory=dict)  # currency -> base currency a unit, (sessions,)
    rate_days: Mapping[str, date] = field(default_factory=dict)  # currency -> the day of its newest rate

    def returns(self, days: int, symbols: Sequence[str] | None = None) -> FloatArray:
        """Simple daily returns of the last `days` sessions, shape (<= days, symbols); NaN where a close is missing."""
        chosen = self.closes if symbols is None else self.closes[:, [self.symbols.index(s) for s in symbols]]
        window = chosen[-(days + 1) :]
        if len(window) < 2:
            return np.empty((0, chosen.shape[1]))
        out: FloatArray = window[1:] / window[:-1] - 1.0
        return out

    def closes_of(self, symbol: str) -> FloatArray | None:
        """Closes of a symbol of the portfolio or of one that is only watched, shape (sessions,); None of any other."""
        if symbol not in self.symbols:
            return self.watched.get(symbol)
        column: FloatArray = self.closes[:, self.symbols.index(symbol)]
        return column

    def covariance(self, days: int, symbols: Sequence[str]) -> FloatArray | None:
        """Of daily returns over the sessions among the last `days` in which all `symbols` are known, shape (symbols,
        symbols); None where those are fewer than 60.
        """
        returns = self.returns(days, symbols)
        complete = returns[np.isfinite(returns).all(axis=1)]
        return np.atleast_2d(np.cov(complete, rowvar=False)) if len(complete) >= MINIMUM_DAYS else None

    def ratio(self, name: str) -> FloatArray:
        """The newest value of a ratio, shape (symbols,); NaN where unknown.

        Only the newest sessions of `ratios` are filled in where no strategy asked for more (`Needs.ratio_sessions`).
        """
        panel = self.ratios[name]
        newest: FloatArray = panel[-1] if len(panel) else np.full(len(self.symbols), np.nan)
        return newest

    def last_closes(self) -> dict[str, float]:
        """Newest known close of each symbol, absent where there is none."""
        out: dict[str, float] = {}
        for column, symbol in enumerate(self.symbols):
            known = self.closes[:, column][np.isfinite(self.closes[:, column])]
            if len(known):
                out[symbol] = float(known[-1])
        return out

    def usual_day(self, symbols: Sequence[str], days: int) -> dict[str, tuple[float, float]]:
        """Symbol -> (average volume in shares, volatility of a day over `days` sessions), where both are known."""
        known = [s for s in symbols if self.volumes.get(s, 0.0) >= 1.0 and s in self.symbols]
        if not known:
            return {}
        returns = self.returns(days, known)
        seen = np.isfinite(returns)
        count = seen.sum(axis=0)
        mean = np.where(seen, returns, 0.0).sum(axis=0) / np.maximum(count, 1)
        square = np.where(seen, (returns - mean) ** 2, 0.0).sum(axis=0)
        deviation = np.sqrt(square / np.maximum(count - 1, 1))
        told = zip(known, deviation, count, strict=True)
        return {s: (self.volumes[s], float(d)) for s, d, n in told if n > 1 and np.isfinite(self.volumes[s])}


def view(  # noqa: PLR0913
    history: PriceHistory,
    *,
    as_of: datetime,
    session: date,
    snapshot: int,
    symbols: Sequence[str],
    benchmark: str | None = None,
    health: Mapping[str, Health] | None = None,
    illness: Mapping[str, tuple[str, ...]] | None = None,
    declarations: Sequence[Declaration] = (),
    instruments: Mapping[str, str] | None = None,
    watched: Sequence[str] = (),
) -> Market:
    """Cut `history` at `as_of` and lay it out by session and symbol; `watched` are looked at and not traded.

    Where a bar is known in several versions the newest one known at `as_of` counts. `Refused` where a symbol of the
    portfolio has no bar at all: nothing can be decided about what was never seen.
    """
    if as_of.tzinfo is None:
        raise Broken("A market view was asked for an instant without a time zone.")
    wanted = list(dict.fromkeys([*symbols, *([benchmark] if benchmark else []), *watched]))
    known = np.nonzero(history.known_at <= np.datetime64(as_of.astimezone(UTC).replace(tzinfo=None), "us"))[0]
    # The newest version is written last; of two known at one instant, the higher close and NaN above all: never the row order.
    order = known[np.lexsort((history.close[known], history.known_at[known]))]
    held = [history.symbols[i] for i in np.unique(history.symbol[order])]
    missing = [symbol for symbol in wanted if symbol not in held]
    if missing:
        raise Refused(
            f"The warehouse knows no price of {', '.join(missing)} at {as_of:%Y-%m-%d %H:%M} UTC.",
            "Ingest it (`trimtab ingest prices --symbols …`), or take it out of the policy.",
            symbols=missing,
        )
    sessions, closes = _panel(history, order, wanted)
    return Market(
        as_of=as_of,
        session=session,
        snapshot=snapshot,
        symbols=tuple(symbols),
        sessions=sessions,
        closes=closes[:, : len(symbols)],
        benchmark=closes[:, wanted.index(benchmark)] if benchmark else np.full(len(sessions), np.nan),
        health=dict(health or {}),
        illness=dict(illness or {}),
        declarations=tuple(declarations),
        instruments=dict(instruments or {}),
        watched={symbol: closes[:, wanted.index(symbol)] for symbol in watched if symbol not in symbols},
    )


def as_it_came(decided: DateArray, dates: DateArray, values: FloatArray, known_at: DateArray) -> FloatArray:
    """Of one series, for the decision of each session, the value of the newest date that was known by then; shape (sessions,).

    decided, dates: datetime64[D], the sessions of the decisions; known_at: datetime64[us] in UTC; one row a vintage, in any
    order. NaN before the first. Of two vintages of one date the one known last counts. Known by a decision is what was known
    two hours before the close of New York, whatever the hour of the policy.
    """
    out = np.full(len(decided), np.nan)
    order = np.lexsort((values, known_at))
    moments = decided.astype("datetime64[us]") + DECIDED
    first = np.searchsorted(moments, known_at[order])  # the first decision by which the row was known
    newest = np.datetime64(date.min, "D")
    for at, row in zip(first.tolist(), order.tolist(), strict=True):
        if dates[row] >= newest and at < len(decided):
            newest = dates[row]
            out[at:] = values[row]
    return out


def newest_by(sessions: DateArray, dates: DateArray, values: FloatArray, within: int) -> FloatArray:
    """At each session the value of the newest date up to it, NaN where that is more than `within` days before; (sessions,).

    sessions, dates: datetime64[D], ascending, each once; values: shape (dates,). An unknown (NaN) value is the newest too.

    >>> newest_by(np.array(["2024-01-02", "2024-01-05"], "M8[D]"), np.array(["2024-01-03"], "M8[D]"), np.array([7.0]), 5).tolist()
    [nan, 7.0]
    """
    if len(dates) == 0:
        return np.full(len(sessions), np.nan)
    at = np.searchsorted(dates, sessions, side="right") - 1
    known = (at >= 0) & (sessions - dates[np.maximum(at, 0)] <= np.timedelta64(within, "D"))
    out: FloatArray = np.where(known, values[np.maximum(at, 0)], np.nan)
    return out


def _panel(history: PriceHistory, order: NDArray[Any], wanted: Sequence[str]) -> tuple[DateArray, FloatArray]:
    """(sessions, closes) of the rows in `order`; a later row overwrites an earlier one of the same cell."""
    column_of = np.full(len(history.symbols), -1)
    for column, symbol in enumerate(wanted):
        column_of[history.symbols.index(symbol)] = column
    columns = column_of[history.symbol[order]]
    order, columns = order[columns >= 0], columns[columns >= 0]
    sessions, rows = np.unique(history.session[order], return_inverse=True)
    closes = np.full((len(sessions), len(wanted)), np.nan)
    closes[rows, columns] = history.close[order]
    closes[~(np.isfinite(closes) & (closes > 0))] = np.nan
    closes.setflags(write=False)
    return sessions, closes
