"""Variance as the objective: the least of it, the least of a difference to a benchmark, and mean against it."""

from __future__ import annotations

import numpy as np

from portfolio.optimize.fast.capped import minimise
from portfolio.optimize.fast.solved import Solved
from portfolio.optimize.problem import Constraints
from portfolio.types import FloatArray


def minimum_variance(covariance: FloatArray, constraints: Constraints, *, returns: FloatArray | None = None) -> Solved:
    """The allowed weights with the least variance w'Sw.

    covariance S: shape (assets, assets), of one period, positive semidefinite, finite; singular is allowed (the shortest of
    the optima). returns: see `minimise`. objective: variance of a period. Raises `Infeasible`.
    Source: Markowitz (1952).
    """
    return minimise(2.0 * covariance, np.zeros(len(covariance)), constraints, returns=returns, covariance=covariance)


def maximum_utility(
    mean: FloatArray, covariance: FloatArray, constraints: Constraints, *, risk_aversion: float, returns: FloatArray | None = None
) -> Solved:
    """The allowed weights with the largest mean - risk_aversion x variance. objective: its negative.

    mean: shape (assets,). risk_aversion: >= 0, of variance without the half that some books write. Else as minimum_variance.
    Source: Markowitz (1952); the quadratic utility of Levy & Markowitz (1979).
    """
    return minimise(2.0 * risk_aversion * covariance, -mean, constraints, returns=returns, covariance=covariance)


def maximum_return(
    mean: FloatArray, constraints: Constraints, *, returns: FloatArray | None = None, covariance: FloatArray | None = None
) -> Solved:
    """The allowed weights with the largest mean. objective: its negative. A linear program where no deviation is capped."""
    nothing = np.zeros((len(mean), len(mean)))
    return minimise(nothing, -mean, constraints, returns=returns, covariance=covariance)


def minimum_tracking_error(
    covariance: FloatArray, constraints: Constraints, *, benchmark: FloatArray | None = None, returns: FloatArray | None = None
) -> Solved:
    """The allowed weights with the least variance of w - benchmark (the constraints' own where None; no benchmark: zero).

    objective: that variance, of a period; its root is the tracking error. Else as minimum_variance.
    Source: Roll (1992).
    """
    chosen = constraints.benchmark if benchmark is None else benchmark
    centre = np.zeros(len(covariance)) if chosen is None else np.asarray(chosen, dtype=float)
    found = minimise(2.0 * covariance, -2.0 * covariance @ centre, constraints, returns=returns, covariance=covariance)
    constant = float(centre @ covariance @ centre)
    away = found.weights - centre
    value = max(float(away @ covariance @ away), 0.0)
    return Solved(found.weights, value, max(min(found.bound + constant, value), 0.0))
