"""What a risk was paid: growth and the ratios by which books are compared. 252 sessions are a year."""

from __future__ import annotations

import math

import numpy as np

from portfolio.measures.drawdowns import max_drawdown
from portfolio.measures.series import SESSIONS_A_YEAR, clean
from portfolio.types import FloatArray


def growth(returns: FloatArray) -> float:
    """Compound growth a year; -1 where everything was lost.

    >>> round(growth(np.full(504, 0.0004)), 6)
    0.106033
    """
    wealth = float(np.prod(1.0 + clean(returns)))
    return wealth ** (SESSIONS_A_YEAR / len(returns)) - 1.0 if wealth > 0.0 else -1.0


def sharpe_ratio(returns: FloatArray, risk_free: float = 0.0) -> float | None:
    """Mean over deviation (one degree of freedom) of what was earned beyond `risk_free` a day, by the root of a year; None where
    it does not vary. Source: Sharpe (1994), eq. 3 to 6.
    """
    beyond = clean(returns) - risk_free
    deviation = float(beyond.std(ddof=1)) if len(beyond) > 1 else 0.0
    if deviation <= 1e-14 * float(np.abs(beyond).max()):
        return None
    return float(beyond.mean()) / deviation * math.sqrt(SESSIONS_A_YEAR)


def sortino_ratio(returns: FloatArray, risk_free: float = 0.0) -> float | None:
    """The same mean over the downside deviation, whose mean is over all days; None where no day fell short of `risk_free`.

    Source: Sortino & Price (1994).
    """
    beyond = clean(returns) - risk_free
    downside = math.sqrt(float((np.minimum(beyond, 0.0) ** 2).mean()))
    return float(beyond.mean()) / downside * math.sqrt(SESSIONS_A_YEAR) if downside > 0.0 else None


def calmar_ratio(returns: FloatArray) -> float | None:
    """Growth a year over the largest fall of all days given; None where there was no fall. Source: Young (1991), there over 36
    months.
    """
    fall = max_drawdown(returns)
    return growth(returns) / fall if fall > 0.0 else None
