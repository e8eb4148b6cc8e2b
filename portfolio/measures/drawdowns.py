"""Falls from a peak of compounded wealth; the start is a peak too. Positive fractions of the peak."""

from __future__ import annotations

import numpy as np

from portfolio.measures.historical import conditional_value_at_risk, value_at_risk
from portfolio.measures.series import clean
from portfolio.types import FloatArray


def drawdowns(returns: FloatArray) -> FloatArray:
    """How far wealth is under its highest point so far at each day's end, shape (days,).

    returns: shape (days,), simple daily returns, no NaN (raises `Refused`).

    >>> drawdowns(np.array([0.1, -0.5, 1.0])).round(4).tolist()
    [0.0, 0.5, 0.0]
    """
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + clean(returns))])
    out: FloatArray = (1.0 - wealth / np.maximum.accumulate(wealth))[1:]
    return out


def max_drawdown(returns: FloatArray) -> float:
    """The largest fall (Riskfolio's `MDD_Rel`)."""
    return max(float(drawdowns(returns).max()), 0.0)


def average_drawdown(returns: FloatArray) -> float:
    """Mean over all days, those on a peak counting 0 (Riskfolio's `ADD_Rel`)."""
    return float(drawdowns(returns).mean())


def ulcer_index(returns: FloatArray) -> float:
    """Root of the mean square over all days (Martin 1987; Riskfolio's `UCI_Rel`)."""
    return float(np.sqrt((drawdowns(returns) ** 2).mean()))


def drawdown_at_risk(returns: FloatArray, level: float = 0.95) -> float:
    """The fall that the worst 1 - `level` share of days reaches (Riskfolio's `DaR_Rel`)."""
    return value_at_risk(-drawdowns(returns), level)


def conditional_drawdown_at_risk(returns: FloatArray, level: float = 0.95) -> float:
    """Mean fall over those days (Chekhlov, Uryasev and Zabarankin 2005, on compounded wealth; Riskfolio's `CDaR_Rel`)."""
    return conditional_value_at_risk(-drawdowns(returns), level)
