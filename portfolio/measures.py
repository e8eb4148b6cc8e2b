"""Plain historical measures. All are positive fractions of equity unless a docstring says otherwise."""

from __future__ import annotations

import math

import numpy as np

from portfolio.errors import Refused
from portfolio.types import FloatArray

SESSIONS_A_YEAR = 252


def _clean(returns: FloatArray) -> FloatArray:
    values = np.asarray(returns, dtype=float)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise Refused("A risk measure was asked of returns that are empty or not finite.", "Hand it finite daily returns.")
    return values


def value_at_risk(returns: FloatArray, level: float = 0.95) -> float:
    """The loss that the worst 1 - `level` share of days reaches, historical.

    returns: shape (days,), simple daily returns, no NaN (raises `Refused`); level: in [0, 1). The k-th worst return with
    k = ceil((1 - level) * days), negated: Riskfolio's definition (`RiskFunctions.VaR_Hist`).

    >>> round(value_at_risk(np.array([-0.05, -0.02, 0.01, 0.03]), 0.75), 4)
    0.05
    """
    if not 0.0 <= level < 1.0:
        raise Refused(f"{level:g} is no level of a tail.", "Hand it a level from 0 to below 1, such as 0.95.", level=level)
    worst = np.sort(_clean(returns))
    return float(-worst[_tail_days(len(worst), level) - 1])


def conditional_value_at_risk(returns: FloatArray, level: float = 0.95) -> float:
    """Mean loss over the worst 1 - `level` share of days, the day on the boundary counted in part.

    returns: shape (days,), simple daily returns, no NaN (raises `Refused`).
    Source: Rockafellar & Uryasev (2000), eq. 3: VaR plus the mean excess over it divided by 1 - level.
    """
    values = _clean(returns)
    tail = value_at_risk(values, level)
    excess = np.maximum(-values - tail, 0.0).sum() / (len(values) * (1.0 - level))
    return float(tail + excess)


def _tail_days(days: int, level: float) -> int:
    """How many days the tail holds: ceil, but never tipped up by the last bit of a product that is a whole number."""
    return max(math.ceil((1.0 - level) * days - 1e-9), 1)


def volatility(returns: FloatArray) -> float:
    """Standard deviation a year (252 sessions, one degree of freedom). 0 for a single day."""
    values = _clean(returns)
    return float(values.std(ddof=1) * math.sqrt(SESSIONS_A_YEAR)) if len(values) > 1 else 0.0


def max_drawdown(returns: FloatArray) -> float:
    """Largest fall from a peak of compounded wealth; the start is a peak too."""
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + _clean(returns))])
    return float((1.0 - wealth / np.maximum.accumulate(wealth)).max())
