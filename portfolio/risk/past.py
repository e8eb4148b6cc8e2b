"""What has been of the symbols of one book: computed once, looked at by every rule on figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from portfolio.market import MINIMUM_DAYS, Market
from portfolio.measures import SESSIONS_A_YEAR
from portfolio.types import ContractKind, FloatArray, Weights, contract_kind, currency_pair, money_of


@dataclass(frozen=True)
class Past:
    """symbols: those held; weights: theirs, shape (symbols,); returns: shape (sessions, symbols), simple and daily, of the
    sessions in which all are known; benchmark: of the same sessions, NaN where unknown. why: what is missing where no figure
    can be told; then the returns are empty. left_out: bought options without closes of their own.
    """

    symbols: tuple[str, ...]
    weights: FloatArray
    returns: FloatArray
    benchmark: FloatArray
    why: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What the sentence of a figure says of those that are not in it."""
        return f", without what {' and '.join(self.left_out)} would pay" if self.left_out else ""

    @cached_property
    def book(self) -> FloatArray:
        """Daily returns of these constant weights, shape (sessions,); cash earns nothing."""
        out: FloatArray = self.returns @ self.weights
        return out

    @cached_property
    def covariance(self) -> FloatArray:
        """Of the symbols' daily returns, shape (symbols, symbols)."""
        return np.atleast_2d(np.cov(self.returns, rowvar=False))

    @cached_property
    def volatilities(self) -> FloatArray:
        """Of each symbol, a year, shape (symbols,)."""
        out: FloatArray = self.returns.std(axis=0, ddof=1) * np.sqrt(SESSIONS_A_YEAR)
        return out


def look_back(weights: Weights, market: Market, days: int) -> Past:
    """The past of what `weights` hold over the last `days` sessions.

    A bought option without closes of its own is left out, and named: it can lose what it cost and no more, which its hedge's
    ceiling limits, and what it would pay is not counted. The closes of a pair of currencies are the rates of the one that is
    bought.
    """
    left_out = tuple(s for s, w in weights.items() if w != 0.0 and _bought_option(s, w, market))
    return replace(_look_back({s: w for s, w in weights.items() if s not in left_out}, market, days), left_out=left_out)


def _look_back(weights: Weights, market: Market, days: int) -> Past:
    held = tuple(s for s, w in weights.items() if w != 0.0)
    amounts = np.array([weights[s] for s in held])
    closes = _closes(market, held, days + 1)
    if isinstance(closes, str):
        return _nothing(held, amounts, closes)
    benchmark = market.benchmark[-(days + 1) :]
    if not held:  # cash alone: as many sessions as there are, and enough of them
        count = min(days, max(len(market.sessions) - 1, MINIMUM_DAYS))
        return Past((), amounts, np.zeros((count, 0)), np.full(count, np.nan))
    returns, other = closes[1:] / closes[:-1] - 1.0, benchmark[1:] / benchmark[:-1] - 1.0
    complete = np.isfinite(returns).all(axis=1)
    if complete.sum() < MINIMUM_DAYS:
        return _nothing(held, amounts, f"fewer than {MINIMUM_DAYS} complete sessions of history")
    return Past(held, amounts, returns[complete], other[complete])


def portfolio_returns(weights: Weights, market: Market, days: int) -> FloatArray | None:
    """Daily returns of these constant weights (cash earns nothing) over the sessions in which all held symbols are
    known; shape (<= days,), or None where fewer than 60 such sessions exist or a held symbol is no part of the market.
    """
    past = look_back(weights, market, days)
    return None if past.why else past.book


def _nothing(held: tuple[str, ...], amounts: FloatArray, why: str) -> Past:
    return Past(held, amounts, np.empty((0, len(held))), np.empty(0), why)


def _bought_option(symbol: str, weight: float, market: Market) -> bool:
    return weight > 0.0 and contract_kind(symbol) is ContractKind.OPTION and market.closes_of(symbol) is None


def _closes(market: Market, symbols: Sequence[str], rows: int) -> FloatArray | str:
    """Of the newest `rows` sessions, shape (<= rows, symbols); a sentence where one of the symbols has none."""
    places = {s: i for i, s in enumerate(market.symbols)}
    if all(s in places for s in symbols):
        return market.closes[-rows:][:, [places[s] for s in symbols]]
    columns = [_column(market, s, rows) for s in symbols]
    missing = [s for s, column in zip(symbols, columns, strict=True) if column is None]
    if missing:
        return f"{', '.join(missing)} is no part of the market"
    return np.column_stack([column for column in columns if column is not None])


def _column(market: Market, symbol: str, rows: int) -> FloatArray | None:
    closes = market.closes_of(symbol)
    return _rate(market, symbol, rows) if closes is None else closes[-rows:]


def _rate(market: Market, symbol: str, rows: int) -> FloatArray | None:
    """Of a balance in a currency, or of a pair that is paid for in the base currency, the only one without a rate of its own."""
    pair, money = currency_pair(symbol), money_of(symbol)
    rates = market.rates.get(money or "") if not pair or pair[1] not in market.rates else None
    return None if rates is None else rates[-rows:]
