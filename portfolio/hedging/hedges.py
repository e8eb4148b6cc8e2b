"""All hedges of a policy over one wish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from portfolio.hedging.currency import currency_hedge
from portfolio.hedging.put import put_hedge
from portfolio.hedging.ratios import beta_hedge, variance_hedge
from portfolio.hedging.scene import Scene
from portfolio.hedging.tail import tail_hedge
from portfolio.types import CURRENCIES, Hedge, HedgePolicy, Weights

KINDS: dict[str, Callable[[HedgePolicy, Scene], Hedge]] = {
    "beta": beta_hedge,
    "minimum_variance": variance_hedge,
    "tail": tail_hedge,
    "currency": currency_hedge,
    "put": put_hedge,
}


def hedge(scene: Scene) -> tuple[Hedge, ...]:
    """What each [[hedge]] of the policy asks for, in its order, each beside those before it; weight 0 where it waits, with the
    reason. The weights of `scene` are the strategy's alone.
    """
    found: tuple[Hedge, ...] = ()
    for one in scene.policy.hedges:
        beside = together(scene.weights, found, scene.policy.invested)
        found = (*found, KINDS[one.kind](one, replace(scene, weights=beside, alone=scene.weights)))
    return found


def hedge_weights(hedges: Sequence[Hedge]) -> dict[str, float]:
    """Symbol -> weight of all hedges in it together."""
    out: dict[str, float] = {}
    for one in hedges:
        out[one.symbol] = out.get(one.symbol, 0.0) + one.weight
    return out


def rest(hedges: Sequence[Hedge], invested: float) -> float:
    """The part of the strategy's wish that is left where bought hedges take some of what is invested (a multiple of equity)."""
    bought = sum(w for s, w in hedge_weights(hedges).items() if w > 0 and s not in CURRENCIES)
    return max(1.0 - bought / invested, 0.0) if invested > 0 else 0.0


def together(wish: Weights, hedges: Sequence[Hedge], invested: float) -> dict[str, float]:
    """The wish (fractions of equity) with the hedges: it makes room for those that are bought."""
    left, extra = rest(hedges, invested), hedge_weights(hedges)
    return {s: wish.get(s, 0.0) * left + extra.get(s, 0.0) for s in dict.fromkeys([*wish, *extra])}
