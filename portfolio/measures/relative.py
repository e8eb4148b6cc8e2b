"""A book beside something else: its benchmark, or its own parts."""

from __future__ import annotations

import math

import numpy as np

from portfolio.errors import Refused
from portfolio.measures.historical import volatility
from portfolio.measures.series import clean
from portfolio.types import FloatArray


def beta(returns: FloatArray, benchmark: FloatArray) -> float | None:
    """Slope of `returns` on the benchmark's of the same days, both of shape (days,); None where the benchmark does not vary."""
    own, other = _paired(returns, benchmark)
    apart = other - other.mean()
    square = float(apart @ apart)
    if math.sqrt(square / len(other)) <= 1e-14 * float(np.abs(other).max()):
        return None
    return float(own @ apart) / square


def tracking_error(returns: FloatArray, benchmark: FloatArray) -> float:
    """Standard deviation a year of the difference to the benchmark (252 sessions, one degree of freedom)."""
    own, other = _paired(returns, benchmark)
    return volatility(own - other)


def volatility_at_one(weights: FloatArray, volatilities: FloatArray) -> float:
    """A book's volatility were every correlation one: the sum of weight times volatility, without its sign. Shorts count against.

    >>> round(volatility_at_one(np.array([0.6, 0.4]), np.array([0.2, 0.1])), 4)
    0.16
    """
    return abs(float(weights @ volatilities))


def concentration(weights: FloatArray) -> float:
    """Herfindahl and Hirschman's index: the sum of squared shares of what is held, by size. From 0 (an empty book) to 1.

    >>> concentration(np.array([0.3, -0.3]))
    0.5
    """
    sizes = np.abs(weights)
    gross = float(sizes.sum())
    if gross == 0.0:
        return 0.0
    return float(((sizes / gross) ** 2).sum())


def effective_names(weights: FloatArray) -> float:
    """How many names of equal size would be as concentrated: 1 over the index; 0 of an empty book."""
    index = concentration(weights)
    return 1.0 / index if index else 0.0


def _paired(returns: FloatArray, benchmark: FloatArray) -> tuple[FloatArray, FloatArray]:
    own, other = clean(returns), clean(benchmark)
    if len(own) != len(other):
        raise Refused(f"{len(own)} returns stand beside {len(other)} of the benchmark.", "Hand both for the same days.")
    return own, other
