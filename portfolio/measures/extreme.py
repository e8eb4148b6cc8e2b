"""Extreme values: the worst losses follow a generalized Pareto law, whatever the rest does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from portfolio.errors import Refused
from portfolio.measures.series import checked_level, clean
from portfolio.types import FloatArray

SHARE = 0.10  # of the days, the worst, that the law is fitted to
LEAST = 20  # of losses beyond the threshold
LOWEST_INDEX = -0.5  # below it the likelihood has no regular maximum (Smith 1985)


@dataclass(frozen=True, slots=True)
class ParetoTail:
    """Losses beyond `threshold`, which `share` of the days bring, exceed it by a generalized Pareto law.

    index: the tail index (xi, scipy's c): 0 is exponential, above 0 a power law; scale: as the losses.
    """

    threshold: float
    share: float
    index: float
    scale: float

    def value_at_risk(self, level: float) -> float:
        """level: at least 1 - share (raises `Refused`: below it the law says nothing). Source: McNeil & Frey (2000), eq. 6."""
        if 1.0 - checked_level(level) > self.share + 1e-12:
            what = f"Extreme values say nothing of a level of {level:g}: they begin at {1.0 - self.share:g}."
            raise Refused(what, "Ask for a higher level.", level=level)
        rarer = math.log(self.share / (1.0 - level))
        steps = math.expm1(self.index * rarer) / self.index if self.index else rarer
        return self.threshold + self.scale * steps

    def conditional_value_at_risk(self, level: float) -> float | None:
        """None where the index is 1 or more: then the mean loss of the tail is infinite. Source: McNeil & Frey (2000), eq. 16."""
        if self.index >= 1.0:
            return None
        tail = self.value_at_risk(level)
        return tail + (self.scale + self.index * (tail - self.threshold)) / (1.0 - self.index)


def pareto_tail(returns: FloatArray, share: float = SHARE) -> ParetoTail | None:
    """The law of the losses beyond the threshold that `share` of the days pass; None of fewer than 20 such losses.

    returns: shape (days,), simple returns, no NaN (raises `Refused`). Maximum likelihood along Grimshaw's (1993) profile,
    with an index of -0.5 or more: what scipy's `genpareto.fit` with floc=0 finds, to the last digits.
    """
    losses = np.sort(-clean(returns))[::-1]
    count = math.ceil(share * len(losses) - 1e-9)
    if not LEAST <= count < len(losses):
        return None
    threshold = float(losses[count])
    excess = losses[:count] - threshold
    mean = float(excess.mean())
    if mean <= 1e-12 * max(abs(float(losses[0])), abs(threshold)):  # nothing lies beyond
        return ParetoTail(threshold, count / len(losses), 0.0, 0.0)
    index, scale = _fitted(excess / mean)
    return ParetoTail(threshold, count / len(losses), index, scale * mean)


def _fitted(excess: FloatArray) -> tuple[float, float]:
    """(index, scale) of the greatest likelihood; excess: of mean 1. Along the profile only rate = index / scale is free."""
    top = float(excess.max())
    rates = np.concatenate([(np.geomspace(1e-6, 1.0, 40) - 1.0) / top, np.geomspace(1e-4, 1e3, 60)])
    index = np.log1p(np.outer(rates, excess)).mean(axis=1)
    allowed = index >= LOWEST_INDEX
    likelihood = np.where(allowed, -np.log(_over(index, rates)) - index, -np.inf)
    best = int(likelihood.argmax())
    low, high = float(rates[max(best - 1, 0)]), float(rates[min(best + 1, len(rates) - 1)])
    rate = _crossing(excess, max(low, _lowest_rate(excess, low, high)), high)
    if abs(rate) < 1e-8:
        return 0.0, 1.0
    found = float(np.log1p(rate * excess).mean())
    return found, found / rate


def _over(index: FloatArray, rates: FloatArray) -> FloatArray:
    """The scale, index / rate; 1, the mean, at a rate of 0."""
    return np.where(rates == 0.0, 1.0, index / np.where(rates == 0.0, 1.0, rates))


def _lowest_rate(excess: FloatArray, low: float, high: float) -> float:
    """The rate from which on the index is allowed."""
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if float(np.log1p(middle * excess).mean()) < LOWEST_INDEX else (low, middle)
    return high if float(np.log1p(low * excess).mean()) < LOWEST_INDEX else low


def _crossing(excess: FloatArray, low: float, high: float) -> float:
    """Where the profile's slope falls through 0 between two rates; the edge itself where it does not."""
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if _slope(excess, middle) > 0.0 else (low, middle)
    return (low + high) / 2.0


def _slope(excess: FloatArray, rate: float) -> float:
    """Of the log-likelihood a loss, by the rate. Near 0 by its series, where the two large terms would cancel."""
    if abs(rate) < 1e-6:
        return float((excess**2).mean() / 2.0 - 1.0)
    index, change = float(np.log1p(rate * excess).mean()), float((excess / (1.0 + rate * excess)).mean())
    return 1.0 / rate - change / index - change
