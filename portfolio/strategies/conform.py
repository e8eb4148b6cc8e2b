"""From a wish to the nearest weights that the policy allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from portfolio.market import MINIMUM_DAYS
from portfolio.optimize import Constraints, Infeasible, Problem
from portfolio.optimize.conflict import conflict
from portfolio.optimize.fast import nearest
from portfolio.optimize.limits import broken, evident
from portfolio.strategies.protocol import Seen
from portfolio.types import FloatArray, Target

MOVED = 1e-9  # of a weight: less is a rounding, no move
BINDS = 1e-7  # a limit with less room than this holds with equality
STEP = "nearest allowed weights"  # on the road of a wish that was moved


def conformed(wish: Target, seen: Seen, lookback: int) -> Target:
    """The wish, bit for bit where it obeys; else the nearest allowed weights, and in each reason what moved it.

    What is invested stays as much as was wished, where the constraints leave room for it; what they do not is cash.
    lookback: sessions behind limits on risk. `Infeasible` names constraints that contradict each other.
    """
    wished = np.array([wish.weights.get(s, 0.0) for s in seen.symbols])
    if not np.isfinite(wished).all():
        raise Infeasible("the strategy wished for a weight that is not a finite number")
    problem = _problem(seen, lookback)
    try:
        allowed = _nearest(wished, problem)
    except Infeasible as failure:
        names = conflict(problem)
        raise Infeasible(f"no weights obey together: {'; '.join(names)}", names) if names else failure from failure
    weights = dict(zip(seen.symbols, allowed.tolist(), strict=True))
    moved = [s for s, a, b in zip(seen.symbols, wished.tolist(), allowed.tolist(), strict=True) if abs(a - b) > MOVED]
    if not moved:
        return replace(wish, weights=weights)
    said = _said(wish, moved, allowed, problem)
    return replace(wish, weights=weights, reasons={**wish.reasons, **said}, road=(*wish.road, STEP))


def _nearest(wished: FloatArray, problem: Problem) -> FloatArray:
    asked, seen = problem.constraints, _seen(problem)
    total = min(max(float(wished.sum()), asked.budget[0]), asked.budget[1])
    try:
        return nearest(wished, replace(asked, budget=(total, total)), *seen)
    except Infeasible:
        return nearest(wished, asked, *seen)


def _seen(problem: Problem) -> tuple[FloatArray | None, FloatArray | None]:
    """(returns, covariance) where a limit on risk needs them."""
    return (problem.returns, problem.covariance) if _risky(problem.constraints) else (None, None)


def _risky(asked: Constraints) -> bool:
    return any(limit is not None for limit in (asked.tracking_error, asked.volatility, asked.conditional_value_at_risk))


def _problem(seen: Seen, lookback: int) -> Problem:
    """The constraints with the complete returns that limits on risk are judged by; zeros where there are none."""
    count = len(seen.symbols)
    if not _risky(seen.constraints):
        return Problem(seen.symbols, np.zeros((2, count)), np.zeros(count), np.zeros((count, count)), seen.constraints)
    returns = seen.returns(lookback)
    complete = returns[np.isfinite(returns).all(axis=1)]
    if len(complete) < MINIMUM_DAYS:
        raise Infeasible(f"only {len(complete)} sessions are complete, a limit on risk needs {MINIMUM_DAYS}")
    return Problem(seen.symbols, complete, complete.mean(axis=0), np.atleast_2d(np.cov(complete, rowvar=False)), seen.constraints)


def _said(wish: Target, moved: list[str], allowed: FloatArray, problem: Problem) -> dict[str, str]:
    """symbol -> its reason and what moved it: the limits that bind, but for the bounds of other symbols."""
    silent = evident(problem)
    binding = list(dict.fromkeys(n for n, excess in broken(allowed, problem) if excess > -BINDS and n not in silent))
    left = float(sum(wish.weights.values()) - allowed.sum())
    cash = f"; they leave {left:.2%} more in cash" if left > MOVED else ""
    out = {}
    for symbol in moved:
        mine = [n for n in binding if not any(n.startswith(f"{other} ") for other in problem.assets if other != symbol)]
        by = ", ".join(mine) or "the other constraints"
        out[symbol] = f"{wish.reasons.get(symbol, 'wished')}; moved from {wish.weights.get(symbol, 0.0):.2%} by {by}{cash}"
    return out
