"""Which strategy a policy names."""

from __future__ import annotations

from collections.abc import Mapping

from portfolio.errors import Broken
from portfolio.market import Market
from portfolio.strategies.fixed import fixed
from portfolio.strategies.optimized import optimized
from portfolio.types import Policy, Target, Weights

STRATEGIES = {"fixed": fixed, "optimized": optimized}


def target(policy: Policy, market: Market, current: Weights) -> Target:
    """The wish of the policy's strategy over the instruments that are not blocked.

    current: what is held now, for the road that ends in `hold`. Weights are fractions of the invested part (they add up to
    at most 1); the cash reserve is taken off later, once.
    """
    strategy = STRATEGIES.get(policy.strategy.kind)
    if strategy is None:
        raise Broken(f"Nobody taught portfolio/strategies the kind {policy.strategy.kind!r}.")
    wish = strategy(policy, market, current)
    return Target(_ordered(wish.weights), wish.road, wish.reasons, wish.certificate)


def _ordered(weights: Mapping[str, float]) -> dict[str, float]:
    return {symbol: float(weights[symbol]) for symbol in sorted(weights)}
