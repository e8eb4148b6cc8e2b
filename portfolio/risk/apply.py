"""From verdicts to weights: the most careful one wins, symbol by symbol."""

from __future__ import annotations

import math
from collections.abc import Sequence

from portfolio.types import Action, Verdict, Weights


def blocked(verdicts: Sequence[Verdict]) -> bool:
    """Whether a rule forbids any trade at all."""
    return any(v.action is Action.BLOCK for v in verdicts)


def frozen(verdicts: Sequence[Verdict]) -> frozenset[str]:
    """Symbols that are neither bought nor sold."""
    return frozenset(s for v in verdicts if v.action is Action.FREEZE for s in v.symbols)


def apply_verdicts(wish: Weights, current: Weights, verdicts: Sequence[Verdict]) -> dict[str, float]:
    """What the rules leave of `wish`.

    Blocked: what is held stays. Scales do not multiply: the smallest one that means a symbol counts. Reducing: each weight
    moves towards zero only, from what is held, and never through it. Frozen: that symbol stays and takes its room first, so
    that the rest is scaled down and the whole never exceeds what was allowed.
    """
    if blocked(verdicts):
        return dict(current)
    left = {s: w * _scale(s, verdicts) for s, w in wish.items()}
    still = {s: current.get(s, 0.0) for s in frozen(verdicts)}
    allowed = sum(abs(w) for w in left.values())
    moving = {s: w for s, w in left.items() if s not in still}
    room = max(allowed - sum(abs(w) for w in still.values()), 0.0)
    gross = sum(abs(w) for w in moving.values())
    shrink = min(1.0, room / gross) if gross > 0 else 1.0
    moving = {s: w * shrink for s, w in moving.items()}
    if any(v.action is Action.REDUCE for v in verdicts):
        moving = {s: towards_zero(w, current.get(s, 0.0)) for s, w in moving.items()}
    return {**moving, **still}


def towards_zero(weight: float, held: float) -> float:
    """`weight`, no larger than what is held and on its side; else nothing."""
    return math.copysign(min(abs(weight), abs(held)), weight) if weight * held > 0.0 else 0.0


def _scale(symbol: str, verdicts: Sequence[Verdict]) -> float:
    scales = [v.scale for v in verdicts if v.action is Action.SCALE and (not v.symbols or symbol in v.symbols)]
    drops = any(v.action is Action.DROP and symbol in v.symbols for v in verdicts)
    return 0.0 if drops else min([1.0, *scales])
