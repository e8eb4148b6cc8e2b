"""What a hedge looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from portfolio.market import MINIMUM_DAYS, Market
from portfolio.types import FloatArray, HedgePolicy, Policy, Quote, Rate, Weights, money_of, option_terms


@dataclass(frozen=True, slots=True)
class Scene:
    """weights: what the strategy wishes, fractions of equity. quotes: by symbol, for options. held: units by symbol, those that
    orders at work will bring among them. rates: by foreign currency; where there is none the market's newest counts. alone: the
    strategy's part of `weights`, which makes room for a hedge that is bought; None: no room is to be made any more.
    """

    policy: Policy
    market: Market
    weights: Weights
    equity: Decimal
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    held: Mapping[str, Decimal] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    alone: Weights | None = None

    def returns(self, hedge: HedgePolicy) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None:
        """(book, instrument, instrument bought, benchmark) over the sessions among the last `lookback` in which all are known,
        shape (days,); bought: less what the strategy makes room for a unit of it; the benchmark is NaN where there is none.
        None with fewer than 60 such sessions.
        """
        held = [s for s, w in self.weights.items() if w and not option_terms(s)]
        theirs = self._returns_of(hedge.instrument, hedge.lookback)
        mine = np.column_stack([np.empty((len(theirs), 0)), *(self._returns_of(s, hedge.lookback) for s in held)])
        closes = self.market.benchmark[-(hedge.lookback + 1) :]
        benchmark = closes[1:] / closes[:-1] - 1.0 if len(closes) > 1 else np.empty(0)
        known = np.isfinite(mine).all(axis=1) & np.isfinite(theirs)
        if self.policy.benchmark is not None:
            known &= np.isfinite(benchmark)
        if known.sum() < MINIMUM_DAYS:
            return None
        book = mine[known] @ np.array([self.weights[s] for s in held])
        given = mine[known] @ np.array([(self.alone or {}).get(s, 0.0) / self.policy.invested for s in held])
        return book, theirs[known], theirs[known] - given, benchmark[known]

    def _returns_of(self, symbol: str, days: int) -> FloatArray:
        """Shape (<= days,), NaN where a close is missing."""
        closes = self.market.rates.get(symbol) if money_of(symbol) else self.market.closes_of(symbol)
        window = np.full(len(self.market.sessions), np.nan)[-(days + 1) :] if closes is None else closes[-(days + 1) :]
        out: FloatArray = window[1:] / window[:-1] - 1.0
        return out

    @property
    def may_short(self) -> bool:
        return self.policy.margin is not None and self.policy.gate.allow_short
