"""Rules on weights alone. A pair of currencies is borrowed in one and held in the other: what it may be large is said by
[risk.max_group] currency and by its hedge, not by the rules on single weights and on the gross.
"""

from __future__ import annotations

import math
from dataclasses import replace

from portfolio.risk.limits import ROUNDING, passed, scaled, within
from portfolio.risk.situation import Situation
from portfolio.types import Action, Policy, RiskPolicy, Verdict, Weights, money_of


def finite_weights(weights: Weights) -> Verdict:
    bad = tuple(s for s, w in weights.items() if not math.isfinite(w))
    if bad:
        return Verdict("finite_weights", Action.BLOCK, 0.0, bad, f"the weight of {', '.join(bad)} is not a finite number")
    return passed("finite_weights", "every weight is a finite number")


def long_only(weights: Weights, there: Situation) -> Verdict:
    """Short is only what hedges by being short, or anything where the policy has a margin account and allows it."""
    short = tuple(s for s, w in weights.items() if w < -ROUNDING)
    if short and may_sell_short(there.policy):
        return passed("long_only", f"sold short, which the policy allows: {', '.join(short)}")
    bare = tuple(s for s in short if not there.hedging.get(s, 0.0) < 0.0)
    if bare:
        return Verdict("long_only", Action.DROP, 0.0, bare, f"{', '.join(bare)} would be sold short; dropped")
    return passed("long_only", f"only hedges are sold short: {', '.join(short)}" if short else "nothing is sold short")


def may_sell_short(policy: Policy) -> bool:
    return policy.margin is not None and policy.gate.allow_short


def max_weight(weights: Weights, policy: RiskPolicy) -> list[Verdict]:
    """One verdict a symbol over its limit, or one that passes."""
    limit, held = policy.max_weight, _securities(weights)
    over = {s: w for s, w in held.items() if not within(abs(w), limit + ROUNDING)}
    if not over:
        name, largest = max(held.items(), key=lambda item: abs(item[1]), default=("nothing", 0.0))
        words = f"the largest, {name}, is {largest:.2%} of a limit of {limit:.2%}"
        return [replace(passed("max_weight", words, (), abs(largest), limit), of=name)]
    return [
        scaled("max_weight", abs(w), limit, f"{s} at {w:.2%} is over the limit of {limit:.2%}", (s,)) for s, w in over.items()
    ]


def max_gross(weights: Weights, policy: RiskPolicy) -> Verdict:
    gross, limit = sum(abs(w) for w in _securities(weights).values()), policy.max_gross
    if within(gross, limit + ROUNDING):
        return passed("max_gross", f"gross exposure {gross:.2%} of a limit of {limit:.2%}", (), gross, limit)
    return scaled("max_gross", gross, limit, f"gross exposure {gross:.2%} is over the limit of {limit:.2%}")


def _securities(weights: Weights) -> Weights:
    return {s: w for s, w in weights.items() if not money_of(s)}
