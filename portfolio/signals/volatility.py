"""How much a series moves: realised over a window, or exponentially weighted."""

from __future__ import annotations

import math

import numpy as np

from portfolio.measures import SESSIONS_A_YEAR
from portfolio.types import FloatArray


def realised(returns: FloatArray, minimum: int = 2) -> FloatArray:
    """Standard deviation of each column, of a day (one degree of freedom), over its own known returns.

    returns: shape (days, names), simple daily returns, NaN where unknown. NaN for a column that knows fewer than `minimum`.
    """
    known = np.isfinite(returns)
    count = known.sum(axis=0)
    enough = count >= max(minimum, 2)
    mean = np.where(known, returns, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(known, (returns - mean) ** 2, 0.0).sum(axis=0)
    out: FloatArray = np.where(enough, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)
    return out


def ewma(returns: FloatArray, decay: float) -> float:
    """Exponentially weighted volatility of a day: the newest of s2 = decay x s2 + (1 - decay) x r2, weights made to add up to 1.

    returns: shape (days,), oldest first, no NaN; at least one. The mean is taken as zero.
    Source: J.P. Morgan/Reuters, RiskMetrics Technical Document (1996); decay 0.94 there for daily data.
    """
    weights = decay ** np.arange(len(returns) - 1, -1, -1, dtype=float)
    return float(math.sqrt(float(weights @ returns**2) / float(weights.sum())))


def a_year(daily: float) -> float:
    """Volatility of a year (252 sessions) of a volatility of a day."""
    return daily * math.sqrt(SESSIONS_A_YEAR)
