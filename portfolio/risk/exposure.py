"""Rules on weights alone."""

from __future__ import annotations

import math

from portfolio.risk.limits import ROUNDING, passed, scaled, within
from portfolio.types import Action, RiskPolicy, Verdict, Weights


def finite_weights(weights: Weights) -> Verdict:
    bad = tuple(s for s, w in weights.items() if not math.isfinite(w))
    if bad:
        return Verdict("finite_weights", Action.BLOCK, 0.0, bad, f"the weight of {', '.join(bad)} is not a finite number")
    return passed("finite_weights", "every weight is a finite number")


def long_only(weights: Weights) -> Verdict:
    short = tuple(s for s, w in weights.items() if w < -ROUNDING)
    if short:
        return Verdict("long_only", Action.DROP, 0.0, short, f"{', '.join(short)} would be sold short; dropped")
    return passed("long_only", "nothing is sold short")


def max_weight(weights: Weights, policy: RiskPolicy) -> list[Verdict]:
    """One verdict a symbol over its limit, or one that passes."""
    limit = policy.max_weight
    over = {s: w for s, w in weights.items() if not within(abs(w), limit + ROUNDING)}
    if not over:
        largest = max(weights.items(), key=lambda item: abs(item[1]), default=("nothing", 0.0))
        return [passed("max_weight", f"the largest, {largest[0]}, is {largest[1]:.2%} of a limit of {limit:.2%}")]
    return [
        scaled("max_weight", abs(w), limit, f"{s} at {w:.2%} is over the limit of {limit:.2%}", (s,)) for s, w in over.items()
    ]


def max_gross(weights: Weights, policy: RiskPolicy) -> Verdict:
    gross = sum(abs(w) for w in weights.values())
    if within(gross, policy.max_gross + ROUNDING):
        return passed("max_gross", f"gross exposure {gross:.2%} of a limit of {policy.max_gross:.2%}")
    return scaled("max_gross", gross, policy.max_gross, f"gross exposure {gross:.2%} is over the limit of {policy.max_gross:.2%}")
