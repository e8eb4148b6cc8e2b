"""The tail of a law that is told by its moments: the normal law, and Cornish and Fisher's bend of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from portfolio.measures.series import checked_level, clean
from portfolio.types import FloatArray

NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Moments:
    """Of the returns of one day. deviation: one degree of freedom. skewness, kurtosis: of the sample as it is (scipy's
    `skew` and `kurtosis` with bias), kurtosis in excess of 3; both 0 where nothing varies.
    """

    mean: float
    deviation: float
    skewness: float = 0.0
    kurtosis: float = 0.0

    def over(self, days: int) -> Moments:
        """Of the sum of `days` independent days: means and variances add up, skewness falls by the root, kurtosis by the days."""
        root = math.sqrt(days)
        return Moments(self.mean * days, self.deviation * root, self.skewness / root, self.kurtosis / days)


def moments(returns: FloatArray) -> Moments:
    """returns: shape (days,), simple daily returns, no NaN (raises `Refused`)."""
    values = clean(returns)
    mean = float(values.mean())
    apart = values - mean
    variance = float((apart**2).mean())
    if len(values) < 2 or math.sqrt(variance) <= 1e-14 * float(np.abs(values).max()):
        return Moments(mean, 0.0)
    skewness, kurtosis = float((apart**3).mean()) / variance**1.5, float((apart**4).mean()) / variance**2 - 3.0
    return Moments(mean, math.sqrt(variance * len(values) / (len(values) - 1)), skewness, kurtosis)


def normal_value_at_risk(told: Moments, level: float = 0.95) -> float:
    """The loss that a normal law of this mean and deviation passes with probability 1 - `level`; level: in (0, 1).

    Source: Rockafellar & Uryasev (2000), eq. 20.

    >>> round(normal_value_at_risk(Moments(0.0, 0.01), 0.95), 6)
    0.016449
    """
    return -told.mean - told.deviation * _quantile(level)


def normal_conditional_value_at_risk(told: Moments, level: float = 0.95) -> float:
    """Mean loss of a normal law beyond its value at risk; level: in (0, 1). Source: Rockafellar & Uryasev (2000), eq. 21.

    >>> round(normal_conditional_value_at_risk(Moments(0.0, 0.01), 0.95), 6)
    0.020627
    """
    return -told.mean + told.deviation * NORMAL.pdf(_quantile(level)) / (1.0 - level)


def is_monotone(told: Moments) -> bool:
    """Whether Cornish and Fisher's quantile rises with its probability everywhere, so that it is one.

    Its slope in z is a parabola; it has no root where skewness and kurtosis are in Maillard's (2012) domain.

    >>> is_monotone(Moments(0.0, 1.0, -0.5, 2.0)), is_monotone(Moments(0.0, 1.0, -2.0, 2.0))
    (True, False)
    """
    s, k = told.skewness, told.kurtosis
    bend, base = k / 8.0 - s * s / 6.0, 1.0 - k / 8.0 + 5.0 * s * s / 36.0
    return s == k == 0.0 or (bend > 0.0 and s * s / 9.0 <= 4.0 * bend * base)


def cornish_fisher(told: Moments, level: float = 0.95) -> tuple[float, float] | None:
    """(VaR, CVaR) with the normal quantile bent by skewness and kurtosis; None where the bent quantile is not monotone.

    level: in (0, 1). CVaR is the mean of the bent quantile over the tail, in closed form: not the "modified expected
    shortfall" of Boudt, Peterson and Croux (2008), which bends the density too.
    Source: Cornish & Fisher (1937), third order; domain: Maillard (2012).
    """
    if not is_monotone(told):
        return None
    z, s, k = _quantile(level), told.skewness, told.kurtosis
    bent = z + (z * z - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s * s / 36
    mean = NORMAL.pdf(z) / (1.0 - level) * (1 + z * s / 6 + (z * z - 1) * k / 24 - (2 * z * z - 1) * s * s / 36)
    return -told.mean - told.deviation * bent, -told.mean + told.deviation * mean


def _quantile(level: float) -> float:
    """Of the standard normal law, for the lower tail of 1 - level."""
    return -NORMAL.inv_cdf(checked_level(level))
