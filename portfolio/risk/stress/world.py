"""What the scenarios look at, each thing computed once: classes, betas, the closes of two dates, returns, prices and volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from portfolio.market import MINIMUM_DAYS
from portfolio.risk.situation import Situation
from portfolio.risk.stress.episodes import class_of
from portfolio.risk.stress.options import bought
from portfolio.types import FloatArray, Health, Weights, money_of, option_terms

Flags = NDArray[np.bool_]
FILLED = 5  # rows of closes in which a missing one is filled in from before
NEAR = np.timedelta64(7, "D")  # a date that is no session of the market stands for the newest one so near before it


class World:
    """One situation, seen by those that are held (`held`) and by what their options are on; `symbols` are all of them, sorted.
    What the market does not know is all unknown. Arrays are (symbols,).

    A symbol whose data is blocked has no history here: its closes cannot be believed. The closes of money in another currency
    (or of a pair, which is bought with the second) are its rates. currencies: index of the symbol -> which. options: index of
    an option that was bought -> what it is today, where it can be revalued.
    """

    def __init__(self, there: Situation, held: Iterable[str]) -> None:
        self.there, self.market, self.held = there, there.market, frozenset(held)
        priced = {s: found for s in self.held if (found := bought(s, there))}
        self.symbols = symbols = tuple(sorted(self.held | {found.underlying for found in priced.values()}))
        self.options = {symbols.index(s): found for s, found in priced.items()}
        at = {s: i for i, s in enumerate(self.market.symbols)}
        self.column = np.array([at.get(s, -1) for s in symbols], dtype=np.int64)
        sick = [self.market.health.get(s) is Health.BLOCKED for s in symbols]
        self._seen = (self.column >= 0) & ~np.array(sick, dtype=bool)
        self.is_option: Flags = np.array([option_terms(s) is not None for s in symbols], dtype=bool)
        named = {i: money_of(s) for i, s in enumerate(symbols) if s not in at}
        self.currencies = {i: currency for i, currency in named.items() if currency}
        self._watched = {i: self.market.watched[s] for i, s in enumerate(symbols) if s not in at and s in self.market.watched}

    def weights(self, *books: Weights) -> FloatArray:
        """Shape (symbols, books)."""
        rows = [[book.get(s, 0.0) for book in books] for s in self.symbols]
        return np.array(rows, dtype=float).reshape(len(self.symbols), len(books))

    def beneath(self, symbol: str) -> str:
        """What an option that can be revalued is on, "" of anything else."""
        found = self.options.get(self.symbols.index(symbol))
        return found.underlying if found else ""

    @cached_property
    def classes(self) -> tuple[str | None, ...]:
        """Of each symbol what [universe.groups.asset_class] says, in our words; money is a currency."""
        said = self.there.policy.classes.get("asset_class", {})
        own = (class_of(said[s]) if s in said else None for s in self.symbols)
        return tuple("currency" if i in self.currencies else name for i, name in enumerate(own))

    @cached_property
    def quoted_in(self) -> tuple[str, ...]:
        """The currency of each symbol; of money the currency itself."""
        return tuple(self.currencies.get(i) or self.there.policy.currency(s) for i, s in enumerate(self.symbols))

    def of_class(self, figures: Mapping[str, float]) -> FloatArray:
        """The figure of each symbol's class, NaN where there is none."""
        return np.array([figures.get(c, np.nan) if c else np.nan for c in self.classes], dtype=float)

    def _cut(self, rows: slice) -> FloatArray:
        """Closes of these rows, shape (rows, symbols)."""
        out: FloatArray = np.where(self._seen, self.market.closes[rows][:, self.column], np.nan)
        for i, closes in self._watched.items():
            out[:, i] = closes[rows]
        for i, currency in self.currencies.items():
            if currency in self.market.rates:
                out[:, i] = self.market.rates[currency][rows]
        return out

    # ------------------------------------------------------------ two dates of the past
    def between(self, start: date, end: date) -> tuple[FloatArray, float]:
        """(own return of each symbol, the benchmark's) from close to close; NaN where one of the two is missing."""
        first, last = self._rows(start), self._rows(end)
        if first is None or last is None:
            return np.full(len(self.symbols), np.nan), np.nan
        own = _newest(self._cut(last)) / _newest(self._cut(first)) - 1.0
        held = self.market.benchmark[:, None]
        return own, float((_newest(held[last]) / _newest(held[first]) - 1.0)[0])

    def money_between(self, start: date, end: date) -> FloatArray:
        """What the currency that each symbol is quoted in did against the base currency; 0 of the base, NaN where unknown."""
        first, last = self._rows(start), self._rows(end)
        out = np.array([0.0 if c == self.there.policy.base_currency else np.nan for c in self.quoted_in])
        for i, currency in enumerate(self.quoted_in):
            rates = self.market.rates.get(currency)
            if np.isnan(out[i]) and rates is not None and first is not None and last is not None:
                out[i] = (_newest(rates[last][:, None]) / _newest(rates[first][:, None]) - 1.0)[0]
        return out

    def _rows(self, day: date) -> slice | None:
        """The few rows that end with the session of `day`, or the newest one near before it."""
        sessions, moment = self.market.sessions, np.datetime64(day)
        end = int(np.searchsorted(sessions, moment, side="right"))
        if end == 0 or sessions[end - 1] < moment - NEAR:
            return None
        return slice(max(end - FILLED, int(np.searchsorted(sessions, moment - NEAR))), end)

    # ------------------------------------------------------------ the last months
    @cached_property
    def returns(self) -> FloatArray:
        """Daily returns over the policy's lookback, shape (days, symbols)."""
        closes = self._cut(slice(-(self.there.policy.risk.lookback + 1), None))
        out: FloatArray = closes[1:] / closes[:-1] - 1.0
        return out

    @cached_property
    def benchmark(self) -> FloatArray:
        """The benchmark's daily returns over the same days, shape (days,)."""
        held = self.market.benchmark[-(self.there.policy.risk.lookback + 1) :]
        out: FloatArray = held[1:] / held[:-1] - 1.0
        return out

    @cached_property
    def beta(self) -> FloatArray:
        """Slope of each symbol's returns on the benchmark's, over the days that both know; NaN where fewer than 60."""
        both = np.isfinite(self.returns) & np.isfinite(self.benchmark)[:, None]
        days = np.maximum(both.sum(axis=0), 1)
        mine = np.where(both, self.returns, 0.0)
        its = np.where(both, self.benchmark[:, None], 0.0)
        x, y = its - its.sum(axis=0) / days, mine - mine.sum(axis=0) / days
        x, y = np.where(both, x, 0.0), np.where(both, y, 0.0)
        spread = (x * x).sum(axis=0)
        known = (days >= MINIMUM_DAYS) & (spread > 0)
        out: FloatArray = np.where(known, (x * y).sum(axis=0) / np.where(known, spread, 1.0), np.nan)
        return out

    @cached_property
    def young(self) -> Flags:
        """Whether a symbol has fewer than 60 returns."""
        out: Flags = np.isfinite(self.returns).sum(axis=0) < MINIMUM_DAYS
        return out

    @cached_property
    def complete(self) -> FloatArray | None:
        """Returns of the sessions that all others know, a young symbol moving as the benchmark (without one: as the mean of
        the others); shape (days, symbols). None where fewer than 60 such sessions are left, or nobody is known.
        """
        young, index = self.young, self.benchmark
        if not np.isfinite(index).any() and not young.all():
            index = self.returns[:, ~young].mean(axis=1)
        filled = np.where(young, index[:, None], self.returns)
        known: FloatArray = filled[np.isfinite(filled).all(axis=1)]
        return known if len(known) >= MINIMUM_DAYS else None

    # ------------------------------------------------------------ today
    @cached_property
    def day_volume(self) -> FloatArray:
        """What is dealt of each symbol in a day, as a multiple of our equity; NaN: nobody says it; infinite of a currency."""
        equity = float(self.there.equity)
        shares = np.array([self.market.volumes.get(s, np.nan) for s in self.symbols], dtype=float)
        out: FloatArray = np.where(shares > 0, shares * _newest(self._cut(slice(-FILLED, None))) / equity, np.nan)
        out[list(self.currencies)] = np.inf
        return out


def _newest(closes: FloatArray) -> FloatArray:
    """The last known value of each column, NaN where there is none; shape (columns,)."""
    out: FloatArray = np.full(closes.shape[1], np.nan)
    for row in closes:
        out = np.where(np.isfinite(row), row, out)
    return out
