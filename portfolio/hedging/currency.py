"""A hedge of a currency: what is held in it is borrowed in it, and the money kept at home."""

from __future__ import annotations

from portfolio.hedging.scene import Scene
from portfolio.types import Hedge, HedgePolicy, money_of


def currency_hedge(hedge: HedgePolicy, scene: Scene) -> Hedge:
    """Owes so much of the currency that the share `target` of what is held in it stays open. Needs a margin account.

    The cost is what the loan costs, at the rate of the first tier: cash at home is taken to earn nothing.
    """
    policy, margin = scene.policy, scene.policy.margin
    exposed = sum(w for s, w in scene.weights.items() if not money_of(s) and policy.currency(s) == hedge.instrument)
    name = f"{hedge.name}: {exposed:.2%} of equity is in {hedge.instrument}"
    if exposed <= 0 or margin is None:
        why = "nothing to hedge" if exposed <= 0 else "a loan in it needs [margin]"
        return Hedge(hedge.name, hedge.kind, hedge.instrument, 0.0, 0.0, 0.0, hedge.ceiling, f"{name}; {why}")
    each = margin.benchmark_rate + margin.tiers[0][1]
    wanted = exposed * (1.0 - hedge.target)
    most = hedge.ceiling / each if each > 0 else wanted
    owed = min(wanted, most)
    cut = "" if wanted <= most else f", cut from {wanted:.2%} by its ceiling of {hedge.ceiling:.2%} a year"
    why = f"{name}, {owed:.2%} is owed in it{cut}"
    return Hedge(hedge.name, hedge.kind, hedge.instrument, -owed, -wanted, owed * each, hedge.ceiling, why)
