"""Filtered history: the past's surprises, each as large as today's volatility makes it."""

from __future__ import annotations

import numpy as np

from portfolio.measures.series import clean
from portfolio.types import FloatArray

DECAY = 0.94  # of daily data: RiskMetrics Technical Document (1996), table 5.9


def ewma_deviation(returns: FloatArray, decay: float = DECAY) -> FloatArray:
    """The deviation of each day as the days before it told it, and of the next one, shape (days + 1,).

    returns: shape (days,), no NaN (raises `Refused`). variance(t) = decay variance(t - 1) + (1 - decay) return(t - 1)^2 with a
    mean of 0 (RiskMetrics 1996, eq. 5.2); the first is the mean square of all days.
    """
    values = clean(returns)
    variance = float((values**2).mean())
    out = [variance]
    for square in (values**2).tolist():
        variance = decay * variance + (1.0 - decay) * square
        out.append(variance)
    deviation: FloatArray = np.sqrt(np.array(out))
    return deviation


def filtered(returns: FloatArray, decay: float = DECAY) -> FloatArray:
    """Each return over the deviation that was told for its day, times the one that is told for the next; shape (days,).

    Source: Hull & White (1998), with the filter of RiskMetrics. Barone-Adesi, Giannopoulos and Vosper (1999) filter by GARCH.
    """
    values = clean(returns)
    deviation = ewma_deviation(values, decay)
    if not deviation[0]:
        return values
    out: FloatArray = values / deviation[:-1] * deviation[-1]
    return out
