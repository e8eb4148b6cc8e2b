"""Scores of the factors that carry a premium in the literature: the higher, the more of it a name has.

| factor | parts, each with the sign of what is better |
|---|---|
| value | earnings, book, sales and free cash flow to price |
| quality | return on equity, gross profitability, - accruals, - debt to equity |
| momentum | return from 12 months to 1 month ago |
| size | - logarithm of market value: the smaller, the higher |
| low_volatility | - realised volatility |
| dividend | dividend yield |

Sources: value: Fama and French (1993), Lakonishok, Shleifer and Vishny (1994); quality: Novy-Marx (2013), Sloan (1996), Asness,
Frazzini and Pedersen (2019); momentum: Jegadeesh and Titman (1993); size: Banz (1981), Fama and French (1993); low
volatility: Ang, Hodrick, Xing and Zhang (2006), theirs idiosyncratic; dividend: Litzenberger and Ramaswamy (1979).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from portfolio.signals.reading import carried
from portfolio.signals.standing import standardised
from portfolio.signals.volatility import realised
from portfolio.types import FloatArray

FACTORS: Mapping[str, Mapping[str, int]] = {
    "value": {"earnings_yield": 1, "book_to_price": 1, "sales_to_price": 1, "free_cash_flow_yield": 1},
    "quality": {"return_on_equity": 1, "gross_profitability": 1, "accruals": -1, "debt_to_equity": -1},
    "momentum": {"price_momentum": 1},
    "size": {"log_market_value": -1},
    "low_volatility": {"price_volatility": -1},
    "dividend": {"dividend_yield": 1},
}
_OF_PRICES = ("price_momentum", "price_volatility")
BETA_DAYS = 20  # fewer days in common say nothing of a beta


@dataclass(frozen=True, slots=True)
class Making:
    """How scores are made. winsorise: share at each end; windows are sessions."""

    standardise: str = "z_score"  # z_score | rank
    winsorise: float = 0.05
    momentum_window: int = 252
    momentum_skip: int = 21
    volatility_window: int = 252


USUAL = Making()


def ratios_of(factor: str) -> tuple[str, ...]:
    """The ratios of the warehouse that a factor looks at; none of `beta`.

    >>> ratios_of("size"), ratios_of("momentum")
    (('market_value',), ())
    """
    parts = [part for part in FACTORS.get(factor, ()) if part not in _OF_PRICES]
    return tuple("market_value" if part == "log_market_value" else part for part in parts)


def sessions_of(factor: str, making: Making = USUAL) -> int:
    """How many sessions of closes, beside the newest, a factor needs at the least."""
    return {"momentum": making.momentum_window, "low_volatility": making.volatility_window // 2, "beta": BETA_DAYS}.get(factor, 0)


def score(factor: str, closes: FloatArray, ratios: Mapping[str, FloatArray], making: Making = USUAL) -> FloatArray:
    """The mean of a factor's standardised parts, shape (symbols,); NaN where no more than half of them are known.

    closes: shape (sessions, symbols), oldest first, NaN where unknown; ratios: name -> shape (symbols,), `ratios_of` the
    factor. A ratio that is absent is unknown of everybody.
    """
    parts = FACTORS[factor]
    told = [
        sign * standardised(_figure(part, closes, ratios, making), making.standardise, making.winsorise)
        for part, sign in parts.items()
    ]
    known = np.isfinite(told)
    count = known.sum(axis=0)
    total = np.where(known, told, 0.0).sum(axis=0)
    out: FloatArray = np.where(2 * count > len(parts), total / np.maximum(count, 1), np.nan)
    return out


def scores(
    names: Iterable[str], closes: FloatArray, ratios: Mapping[str, FloatArray], making: Making = USUAL
) -> dict[str, FloatArray]:
    """factor -> its `score`."""
    return {name: score(name, closes, ratios, making) for name in names}


def composite(told: Mapping[str, FloatArray], shares: Mapping[str, float], coverage: float) -> FloatArray:
    """The mean of the known scores, weighted by `shares`; NaN where those known have less than `coverage` of all shares."""
    stacked = np.stack([told[name] for name in shares])
    weight = np.array(list(shares.values()))[:, None]
    known = np.isfinite(stacked)
    carried_weight = (known * weight).sum(axis=0)
    total = np.where(known, stacked * weight, 0.0).sum(axis=0)
    enough = (carried_weight > 0.0) & (carried_weight >= coverage * weight.sum() - 1e-12)
    out: FloatArray = np.where(enough, total / np.where(enough, carried_weight, 1.0), np.nan)
    return out


def beta(closes: FloatArray, benchmark: FloatArray) -> FloatArray:
    """Slope of each symbol's daily returns on the benchmark's, by least squares over the days that both know.

    closes: shape (sessions, symbols); benchmark: closes, shape (sessions,). NaN where fewer than `BETA_DAYS` days are in
    common or the benchmark does not move. Source: Sharpe (1964).
    """
    out = np.full(closes.shape[1], np.nan)
    moves, market = closes[1:] / closes[:-1] - 1.0, benchmark[1:] / benchmark[:-1] - 1.0
    for column in range(closes.shape[1]):
        both = np.isfinite(moves[:, column]) & np.isfinite(market)
        x, y = market[both], moves[both, column]
        if len(x) >= BETA_DAYS and x.std() > 1e-12:
            out[column] = ((x - x.mean()) @ (y - y.mean())) / ((x - x.mean()) @ (x - x.mean()))
    return out


def volatility(closes: FloatArray, window: int) -> FloatArray:
    """Realised volatility of a day over `window` sessions; NaN where fewer than half of the returns are known."""
    newest = closes[-(window + 1) :]
    return realised(newest[1:] / newest[:-1] - 1.0, max(window // 2, 2))


def _figure(part: str, closes: FloatArray, ratios: Mapping[str, FloatArray], making: Making) -> FloatArray:
    if part == "price_momentum":
        return _momentum(closes, making)
    if part == "price_volatility":
        return volatility(closes, making.volatility_window)
    if part == "log_market_value":
        return log_size(ratios.get("market_value", np.full(closes.shape[1], np.nan)))
    return ratios.get(part, np.full(closes.shape[1], np.nan))


def log_size(market_value: FloatArray) -> FloatArray:
    """Natural logarithm of market value; NaN where it is unknown or not positive."""
    positive = np.isfinite(market_value) & (market_value > 0.0)
    out: FloatArray = np.where(positive, np.log(np.where(positive, market_value, 1.0)), np.nan)
    return out


def _momentum(closes: FloatArray, making: Making) -> FloatArray:
    if len(closes) <= making.momentum_window:
        return np.full(closes.shape[1], np.nan)
    filled = carried(closes)
    out: FloatArray = filled[-1 - making.momentum_skip] / filled[-1 - making.momentum_window] - 1.0
    return out
