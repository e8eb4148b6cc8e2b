"""How few names carry the book: the rule on effective names caps the largest until enough of them count."""

from __future__ import annotations

import math

import numpy as np

from portfolio.measures import concentration, effective_names
from portfolio.risk.limits import ROUNDING, passed, within
from portfolio.types import Action, FloatArray, RiskPolicy, Verdict, Weights, money_of

RULE = "concentration"


def concentration_rule(weights: Weights, policy: RiskPolicy) -> list[Verdict]:
    """One verdict a symbol that is capped, or one that passes; empty where the policy sets no limit.

    The figure is the sum of squared shares of the gross exposure, the limit one over the least number of effective names.
    Cash and pairs of currencies count as no name. Where fewer names are held than the limit asks for, no cap helps: nothing
    more is bought.
    """
    if policy.min_effective_names is None:
        return []
    held = [s for s, w in weights.items() if w != 0.0 and not money_of(s)]
    sizes = np.abs(np.array([weights[s] for s in held]))
    figure, limit = concentration(sizes), 1.0 / policy.min_effective_names
    words = f"{effective_names(sizes):.2f} effective names, at least {policy.min_effective_names:g}"
    if within(figure, limit + ROUNDING):
        return [passed(RULE, words if held else "nothing is held", (), figure, limit)]
    if not math.isfinite(figure):
        return [Verdict(RULE, Action.BLOCK, 0.0, tuple(held), f"{words}; the figure is not finite")]
    cap = cap_of(sizes, limit)
    if cap is None:
        why = f"{words}: {len(held)} names cannot be as many, so nothing is bought until more are wished for"
        return [Verdict(RULE, Action.REDUCE, 1.0, (), why, figure, limit)]
    over = [(s, float(size)) for s, size in zip(held, sizes, strict=True) if size > cap]
    why = f"{words}: nothing above {cap:.2%}"
    return [Verdict(RULE, Action.SCALE, cap / size, (s,), why, figure, limit) for s, size in over]


def cap_of(sizes: FloatArray, limit: float) -> float | None:
    """The largest cap on each of `sizes` under which the sum of squared shares is at most `limit`; None where there is none.

    Lowering the cap never raises that sum (its slope has the sign of cap x the rest's sum less the rest's squares, and no
    rest is above the cap), so that halving finds it.
    """
    if limit * len(sizes) < 1.0 - 1e-12:
        return None
    low, high = float(sizes.min()), float(sizes.max())
    for _ in range(200):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if concentration(np.minimum(sizes, middle)) <= limit else (low, middle)
    return low
