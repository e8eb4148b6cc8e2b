"""The weights that the policy names, always.

Source: strategic asset allocation, as in Brinson, Hood and Beebower (1986).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from portfolio.errors import WrongUse
from portfolio.knobs import shares
from portfolio.signals.weighting import within
from portfolio.strategies.protocol import Needs, Seen
from portfolio.types import Classes, Target, Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """The policy's own weights; what they leave is cash, and a symbol without a weight is wished away.

    weights: fractions of the invested part. Where they add up to more than the room (because something must stay) all
    are made smaller by the same factor.
    """

    kind: ClassVar[str] = "fixed"
    objectives: ClassVar[tuple[str, ...]] = ("allocation",)

    weights: Weights = shares()

    def check(self, symbols: tuple[str, ...], classes: Classes) -> None:
        check_weights("weights", self.weights, symbols)

    def needs(self) -> Needs:
        return Needs(sessions=0)

    def wish(self, seen: Seen) -> Target:
        named = np.array([self.weights.get(s, 0.0) for s in seen.symbols])
        weights = within(named, seen.room)
        reasons = {s: _why(n, w) for s, n, w in zip(seen.symbols, named, weights, strict=True)}
        return Target(dict(zip(seen.symbols, weights.tolist(), strict=True)), (self.kind,), reasons)


def _why(named: float, weight: float) -> str:
    if weight < named:
        return f"the policy fixes {named:.2%}; {weight:.2%} is its part of the room that is left"
    return f"the policy fixes {named:.2%}"


def check_weights(key: str, weights: Weights, symbols: tuple[str, ...]) -> None:
    """`WrongUse` where a table of weights names a symbol that is not in the universe, or adds up to more than 1."""
    unknown = sorted(set(weights) - set(symbols))
    if unknown:
        raise WrongUse(f"[strategy] {key} names {', '.join(unknown)}, absent from [universe] symbols.", "Add it there.", key=key)
    total = sum(weights.values())
    if total > 1.0 + 1e-9:
        raise WrongUse(
            f"[strategy] {key} add up to {total:g}, more than 1.", "Lower them: a weight is a fraction of equity.", key=key
        )
