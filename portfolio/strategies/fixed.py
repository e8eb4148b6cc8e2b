"""The weights that the policy names, always (a strategic asset allocation)."""

from __future__ import annotations

from portfolio.market import Market
from portfolio.types import Policy, Target, Weights


def fixed(policy: Policy, market: Market, current: Weights) -> Target:
    """The policy's own weights; a symbol it does not weigh is wished away (weight 0)."""
    weights = {symbol: policy.strategy.weights.get(symbol, 0.0) for symbol in policy.symbols}
    return Target(weights, road=("fixed",), reasons={s: f"the policy fixes {w:.2%}" for s, w in weights.items()})
