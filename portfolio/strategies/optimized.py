"""The portfolio of least expected tail loss, with a cap on each name, and the road where that has no answer."""

from __future__ import annotations

import numpy as np

from portfolio.errors import Refused
from portfolio.market import Market
from portfolio.optimize import Infeasible, minimum_cvar
from portfolio.types import Health, Policy, Target, Weights


def optimized(policy: Policy, market: Market, current: Weights) -> Target:
    """Minimum CVaR over the symbols that are not blocked and have history; else the policy's fallback, in its order.

    Source: Rockafellar & Uryasev (2000). The cap a name is the policy's max_weight, over the invested part.
    """
    eligible = [s for s in policy.symbols if market.health.get(s, Health.SOUND) is not Health.BLOCKED]
    held_back = [s for s in policy.symbols if s not in eligible]
    try:
        wish = _minimum_cvar(policy, market, eligible)
    except Infeasible as failure:
        wish = _fallback(policy, eligible, current, str(failure))
    zeros = dict.fromkeys(held_back, 0.0)
    why = dict.fromkeys(held_back, "its data is blocked, so the optimizer did not see it")
    return Target({**zeros, **wish.weights}, wish.road, {**why, **wish.reasons}, wish.certificate)


def _minimum_cvar(policy: Policy, market: Market, eligible: list[str]) -> Target:
    strategy = policy.strategy
    returns, seen, short = _window(market, eligible, strategy.lookback, strategy.minimum_history)
    solution = minimum_cvar(returns, level=strategy.level, cap=policy.risk.max_weight)
    weights = dict.fromkeys(short, 0.0) | dict(zip(seen, solution.weights.tolist(), strict=True))
    reasons = dict.fromkeys(short, "fewer sessions than minimum_history")
    reasons |= {s: _why(weights[s], policy.risk.max_weight, len(returns)) for s in seen}
    return Target(weights, ("minimum_cvar",), reasons, solution.certificate)


def _why(weight: float, cap: float, days: int) -> str:
    if weight < 1e-6:
        return f"adds more to the worst days than it takes away ({days} sessions)"
    if weight > cap - 1e-6:
        return f"lowers the mean of the worst days; held at its cap of {cap:.0%}"
    return f"its share of the least mean loss over the worst days ({days} sessions)"


def _window(market: Market, eligible: list[str], lookback: int, minimum: int) -> tuple[np.ndarray, list[str], list[str]]:
    """(complete returns, the symbols they are of, the symbols left out for want of history)."""
    if not eligible:
        raise Infeasible("no symbol of the universe is free to trade")
    returns = market.returns(lookback, eligible)
    usable = np.isfinite(returns).sum(axis=0) >= minimum
    seen = [s for s, ok in zip(eligible, usable, strict=True) if ok]
    rows = returns[:, usable]
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not seen or len(rows) < minimum:
        raise Infeasible(f"only {len(rows)} sessions are complete, {minimum} are needed")
    return rows, seen, [s for s in eligible if s not in seen]


def _fallback(policy: Policy, eligible: list[str], current: Weights, failure: str) -> Target:
    """Walk the policy's road: the first step that can be walked."""
    road = [f"minimum_cvar failed: {failure}"]
    for step in policy.strategy.fallback:
        if step == "hold":
            return Target(dict(current), (*road, "hold"), dict.fromkeys(current, f"held: {failure}"))
        if eligible and 1.0 / len(eligible) <= policy.risk.max_weight + 1e-12:
            share = 1.0 / len(eligible)
            return Target(dict.fromkeys(eligible, share), (*road, step), dict.fromkeys(eligible, f"equal weight: {failure}"))
        road.append(f"{step} not possible under max_weight")
    raise Refused(f"No road of the strategy led anywhere: {'; '.join(road)}.", 'End [strategy] fallback with "hold".')
