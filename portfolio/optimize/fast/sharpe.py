"""Maximum Sharpe ratio: the point of the efficient frontier whose tangent passes through the risk-free rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portfolio.optimize.fast.active import Active, stationary
from portfolio.optimize.fast.capped import RiskLimits, risk_limits, within
from portfolio.optimize.fast.form import dual_bound
from portfolio.optimize.fast.quadratic import Quadratic, prepared, solve
from portfolio.optimize.fast.solved import Solved
from portfolio.optimize.problem import Constraints
from portfolio.optimize.solution import Infeasible
from portfolio.types import FloatArray

STEPS = 100
CLOSE = 1e-13  # relative, of the tolerance for risk
NO_RISK = 1e-10  # of the assets' mean variance: a variance below is none
ENDLESS = 1e8  # a ratio above is none


@dataclass(frozen=True, slots=True)
class _Frontier:
    """The portfolio with the least w'Sw / 2 - t mean'w; t is the tolerance for risk."""

    tolerance: float
    weights: FloatArray
    variance: float
    excess: float  # mean - risk_free
    lacks: float  # by how much (Sw - t mean)'(v - w) can fall below 0 over all allowed v, divided by the deviation of v
    start: float  # variance at tolerance 0 if the same constraints bound; NaN where that is not known
    active: Active | None = None

    @property
    def miss(self) -> float:
        """0 at the largest ratio; linear in the tolerance while the same constraints bind."""
        return self.variance - self.tolerance * self.excess


def maximum_sharpe(
    mean: FloatArray,
    covariance: FloatArray,
    constraints: Constraints,
    *,
    risk_free: float = 0.0,
    returns: FloatArray | None = None,
) -> Solved:
    """The allowed weights with the largest (mean'w - risk_free) / sqrt(w'Sw). objective: minus that ratio, of a period.

    mean: shape (assets,); covariance: shape (assets, assets), as minimum_variance. `Infeasible` where no allowed portfolio
    has a mean above risk_free, or one has and carries no variance at all. Where many scales of one portfolio have the same
    ratio (cash is allowed, risk_free is 0), the largest. The bound is over all that carry a thousandth of this deviation or
    more. A root search along the efficient frontier, exact because that is made of finitely many pieces, on each of which the
    tangency's first-order condition is linear in the tolerance for risk.
    Source: Sharpe (1966, 1994); critical lines: Markowitz (1956).
    """
    limits = risk_limits(constraints, returns, covariance)
    problem = _Tangency(mean, covariance, constraints, risk_free, limits)
    calm = within(limits, 2.0 * covariance, np.zeros(len(mean)), constraints)
    found = _root(problem, calm)
    deviation = float(np.sqrt(found.variance))
    if not deviation > 0.0:
        raise Infeasible("the portfolio with the best mean carries no variance: its ratio is not defined")
    least = max(float(np.sqrt(max(calm.bound, 0.0))), 1e-3 * deviation)
    ratio = found.excess / deviation
    lacks = max(found.lacks, 0.0) + max(-found.miss, 0.0) / least
    best = (deviation + lacks) / found.tolerance if found.tolerance > 0.0 else np.inf
    return Solved(found.weights, -ratio, -max(best, ratio))


def _root(problem: _Tangency, calm: Solved) -> _Frontier:
    """The tolerance at which nothing is missed: from piece to piece of the frontier, inside a bracket that shrinks."""
    low, high = 0.0, np.inf
    before = (0.0, calm.objective)
    found = problem.at(_first(problem, calm))
    for _ in range(STEPS):
        _risky(problem, found)
        low, high = (found.tolerance, high) if found.miss > 0.0 else (low, found.tolerance)
        trial = _tangent(found, before)
        near = abs(trial - found.tolerance) <= CLOSE * found.tolerance or abs(found.miss) <= CLOSE * found.variance
        if near or high <= low * (1.0 + CLOSE):
            return found
        if not low < trial < high:
            trial = 4.0 * found.tolerance if np.isinf(high) else (low + high) / 2
        before = (found.tolerance, found.miss)
        found = problem.at(trial, found.active)
    raise Infeasible("the search for the largest Sharpe ratio did not end")


def _risky(problem: _Tangency, found: _Frontier) -> None:
    """`Infeasible` where there is a mean and no variance to speak of."""
    usual = float(np.trace(problem.covariance)) / len(problem.mean) * float(found.weights @ found.weights)
    if found.excess > 0.0 and found.variance <= max(NO_RISK * usual, (found.excess / ENDLESS) ** 2):
        raise Infeasible("an allowed portfolio earns more than the risk-free rate without any variance: its ratio has no end")


def _tangent(found: _Frontier, before: tuple[float, float]) -> float:
    """Where the line through this piece of the frontier (or, under caps, through the last point) misses nothing."""
    origin, start = (0.0, found.start) if np.isfinite(found.start) else before
    slope = (found.miss - start) / (found.tolerance - origin)
    return found.tolerance - found.miss / slope if slope < 0.0 else np.inf


def _first(problem: _Tangency, calm: Solved) -> float:
    """A tolerance to begin with, from a portfolio that earns something. `Infeasible` where none does, or risk is missing."""
    mean, covariance = problem.mean, problem.covariance
    weights, usual = calm.weights, float(np.trace(covariance)) / len(mean)
    small = 1e-12 * float(np.abs(mean).max())
    if mean @ weights - problem.risk_free <= small or calm.objective <= NO_RISK * usual:
        weights = within(problem.limits, np.zeros_like(covariance), -mean, problem.constraints).weights
    excess, variance = float(mean @ weights) - problem.risk_free, float(weights @ covariance @ weights)
    if not excess > small:
        raise Infeasible(f"no allowed portfolio has a mean above the risk-free rate of {problem.risk_free:g} a period")
    return max(variance, NO_RISK * usual) / excess


@dataclass(frozen=True, slots=True)
class _Tangency:
    mean: FloatArray
    covariance: FloatArray
    constraints: Constraints
    risk_free: float
    limits: RiskLimits

    def at(self, tolerance: float, guess: Active | None = None) -> _Frontier:
        if self.limits:
            return self._capped(tolerance)
        linear = -tolerance * self.mean
        problem = prepared(self.covariance, linear, self.constraints)
        point = solve(problem, guess)
        weights = problem.form.weights(point.x)
        slope = self.covariance @ weights + linear
        least = dual_bound(problem.form, problem.form.lifted(slope) / problem.scale, point.multipliers) * problem.scale
        lacks = float(slope @ (weights - problem.form.origin)) - least
        variance = float(weights @ self.covariance @ weights)
        start = self._start(problem, point.active)
        return self._frontier(tolerance, weights, lacks / np.sqrt(variance), start, point.active)

    def _start(self, problem: Quadratic, active: Active) -> float:
        """The variance at tolerance 0 on the line of what binds now."""
        form = problem.form
        linear = form.lifted(self.covariance @ form.origin) / problem.scale
        found = stationary(problem.hessian, linear, form, active, problem.ridge)
        if found is None:
            return np.nan
        weights = form.weights(found[0])
        return float(weights @ self.covariance @ weights)

    def _capped(self, tolerance: float) -> _Frontier:
        """With caps on deviation or tail. What is lacking follows from the gap e: at most sqrt(2 e) a deviation."""
        linear = -tolerance * self.mean
        found = within(self.limits, self.covariance, linear, self.constraints)
        return self._frontier(tolerance, found.weights, 2.0 * np.sqrt(2.0 * found.gap), np.nan, None)

    def _frontier(self, tolerance: float, weights: FloatArray, lacks: float, start: float, active: Active | None) -> _Frontier:
        variance, excess = float(weights @ self.covariance @ weights), float(self.mean @ weights) - self.risk_free
        return _Frontier(tolerance, weights, variance, excess, lacks, start, active)
