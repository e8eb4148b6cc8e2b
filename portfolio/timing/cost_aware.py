"""Trade now or wait: what a trade is expected to gain against what it costs, and the no-trade region between them."""

from __future__ import annotations

import numpy as np

from portfolio.optimize import Constraints
from portfolio.optimize.fast import quadratic
from portfolio.types import FloatArray, RebalancePolicy, Timing, Weights


def worth(policy: RebalancePolicy, wish: Weights, current: Weights, covariance: FloatArray | None) -> Timing:
    """The part of the way to the wish that is worth its cost; none of it inside the no-trade region.

    A book x off the target by d loses, in certainty equivalent, risk_aversion / 2 x d' Sigma d a year (the target being
    the best book). Over the horizon h that is the gain of going there; the cost is `cost` x sum of |trades|. The book that
    minimises both together is traded to, never beyond the target: where no trade does better, one waits.
    covariance: of a day, of the symbols whose wish differs from what is held, sorted; without it the gain is unknown, and
    one waits.
    Source: Davis & Norman (1990), the no-trade region under proportional costs; DeMiguel, Mei & Nogales (2016), its shape
    for many assets.
    """
    symbols = [s for s in sorted(wish) if wish[s] != current.get(s, 0.0)]
    if not symbols:
        return Timing(False, wish, "wait: the book is what is wished", gain=0.0, cost=0.0)
    if covariance is None or not np.isfinite(covariance).all():
        return Timing(False, wish, "history does not say what drift costs: wait")
    goal, held = (np.array([w.get(s, 0.0) for s in symbols]) for w in (wish, current))
    hessian = covariance * (policy.risk_aversion * policy.horizon)  # h / 252 x the covariance of a year
    reached = _reached(goal, held, hessian, policy.cost)
    gain, cost = _lost(held - goal, hessian) - _lost(reached - goal, hessian), policy.cost * float(np.abs(reached - held).sum())
    trade = gain - cost > policy.minimum_gain and bool(np.abs(reached - held).max() > 0)
    numbers = f"gain {gain:.4%} less cost {cost:.4%} of equity over {policy.horizon} sessions is {gain - cost:+.4%}"
    full = _lost(held - goal, hessian) - policy.cost * float(np.abs(goal - held).sum())
    if not trade:
        return Timing(False, wish, f"wait: {numbers}; all of the way would be worth {full:+.4%}", gain=gain, cost=cost)
    weights = {**wish, **dict(zip(symbols, reached.tolist(), strict=True))}
    return Timing(True, weights, f"trade now: {numbers}; all of the way would be worth {full:+.4%}", gain=gain, cost=cost)


def _lost(distance: FloatArray, hessian: FloatArray) -> float:
    return float(distance @ hessian @ distance) / 2.0


def _reached(goal: FloatArray, held: FloatArray, hessian: FloatArray, rate: float) -> FloatArray:
    """The book between `held` and `goal` that loses least with its cost. Each weight moves one way only, so that |trade| is
    linear: a quadratic program in a box.
    """
    lower, upper = np.minimum(goal, held), np.maximum(goal, held)
    linear = rate * np.sign(goal - held) - hessian @ goal
    most = max(float(goal.sum()), float(held.sum()))
    box = Constraints(lower, upper, budget=(float(lower.sum()), most))
    answer = quadratic(hessian, linear, box).weights
    settled: FloatArray = np.where(np.abs(answer - held) <= 1e-9, held, answer)
    return settled
