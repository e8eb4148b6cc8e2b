"""The tail of what has been: each day of the past counts the same."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from portfolio.measures.series import SESSIONS_A_YEAR, checked_level, clean
from portfolio.types import FloatArray


def value_at_risk(returns: FloatArray, level: float = 0.95) -> float:
    """The loss that the worst 1 - `level` share of days reaches, historical.

    returns: shape (days,), simple daily returns, no NaN (raises `Refused`); level: in [0, 1). The k-th worst return with
    k = ceil((1 - level) * days), negated: Riskfolio's definition (`RiskFunctions.VaR_Hist`).

    >>> round(value_at_risk(np.array([-0.05, -0.02, 0.01, 0.03]), 0.75), 4)
    0.05
    """
    checked_level(level)
    values = clean(returns)
    last = tail_days(len(values), level) - 1
    return float(0.0 - np.partition(values, last)[last])


def conditional_value_at_risk(returns: FloatArray, level: float = 0.95) -> float:
    """Mean loss over the worst 1 - `level` share of days, the day on the boundary counted in part.

    returns: shape (days,), simple daily returns, no NaN (raises `Refused`).
    Source: Rockafellar & Uryasev (2000), eq. 3: VaR plus the mean excess over it divided by 1 - level.
    """
    values = clean(returns)
    tail = value_at_risk(values, level)
    excess = np.maximum(-values - tail, 0.0).sum() / (len(values) * (1.0 - level))
    return float(tail + excess)


def entropic_value_at_risk(returns: FloatArray, level: float = 0.95) -> float:
    """The least bound on VaR and CVaR that Chernoff's inequality gives: min over z > 0 of z ln(mean exp(-r / z) / (1 - level)).

    returns: shape (days,), simple daily returns, no NaN (raises `Refused`). The logarithm of z is searched by golden section
    from e^-9 to e^9 times the range of the returns; beyond lie the worst day and the mean, which the figure then is close to.
    Source: Ahmadi-Javid (2012), definition 3.1; Riskfolio's `RiskFunctions.EVaR_Hist`.
    """
    losses = -clean(returns)
    top, spread = float(losses.max()), float(np.ptp(losses))
    if spread == 0.0:
        return top

    def bound(log_z: float) -> float:
        z = math.exp(log_z) * spread
        return top + z * math.log(float(np.exp((losses - top) / z).mean()) / (1.0 - checked_level(level)))

    return bound(_lowest(bound, -9.0, 9.0))


def _lowest(cost: Callable[[float], float], low: float, high: float) -> float:
    """Where `cost`, which falls and then rises, is lowest: golden section, to a hundred-millionth of the stretch."""
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if cost(left) <= cost(right) else (left, high)
    return (low + high) / 2.0


def tail_days(days: int, level: float) -> int:
    """How many days the tail holds: ceil, but never tipped up by the last bit of a product that is a whole number."""
    return max(math.ceil((1.0 - level) * days - 1e-9), 1)


def volatility(returns: FloatArray) -> float:
    """Standard deviation a year (252 sessions, one degree of freedom). 0 for a single day."""
    values = clean(returns)
    return float(values.std(ddof=1) * math.sqrt(SESSIONS_A_YEAR)) if len(values) > 1 else 0.0
