"""Rules on the tail of the wished portfolio's own past: historical VaR and CVaR."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from portfolio.market import MINIMUM_DAYS, Market
from portfolio.measures import conditional_value_at_risk, value_at_risk
from portfolio.risk.limits import passed, scaled, unknown, within
from portfolio.types import FloatArray, Policy, TailLimit, Verdict, Weights


def portfolio_returns(weights: Weights, market: Market, days: int) -> FloatArray | None:
    """Daily returns of these constant weights (cash earns nothing) over the sessions in which all held symbols are
    known; shape (<= days,), or None where fewer than 60 such sessions exist or a held symbol is no part of the market.
    """
    held = [s for s, w in weights.items() if w != 0.0]
    if any(s not in market.symbols for s in held):
        return None
    if not held:
        return np.zeros(min(days, max(len(market.sessions) - 1, MINIMUM_DAYS)))
    returns = market.returns(days, held)
    complete = returns[np.isfinite(returns).all(axis=1)]
    if len(complete) < MINIMUM_DAYS:
        return None
    out: FloatArray = complete @ np.array([weights[s] for s in held])
    return out


def tail_rules(weights: Weights, market: Market, policy: Policy) -> list[Verdict]:
    """value_at_risk and conditional_value_at_risk, where the policy limits them."""
    rules: list[tuple[str, TailLimit | None, Callable[[FloatArray, float], float]]] = [
        ("value_at_risk", policy.risk.value_at_risk, value_at_risk),
        ("conditional_value_at_risk", policy.risk.conditional_value_at_risk, conditional_value_at_risk),
    ]
    returns = portfolio_returns(weights, market, policy.risk.lookback)
    return [_tail(name, limit, measure, returns, policy) for name, limit, measure in rules if limit is not None]


def _tail(
    name: str,
    limit: TailLimit,
    measure: Callable[[FloatArray, float], float],
    returns: FloatArray | None,
    policy: Policy,
) -> Verdict:
    if returns is None:
        return unknown(name, policy.risk, f"fewer than {MINIMUM_DAYS} complete sessions of history")
    figure = measure(returns, limit.level)
    words = f"{limit.level:.0%} {limit.days}-day {name.replace('_', ' ')} {figure:.2%} of equity over {len(returns)} sessions"
    if within(figure, limit.limit):
        return passed(name, f"{words}, limit {limit.limit:.2%}")
    return scaled(name, figure, limit.limit, f"{words} is over the limit of {limit.limit:.2%}")
