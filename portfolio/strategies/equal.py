"""The same weight for every symbol.

Source: DeMiguel, Garlappi and Uppal (2009), the 1/N rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from portfolio.optimize import Infeasible
from portfolio.strategies.protocol import Needs, Seen
from portfolio.types import Classes, Target

NOBODY = "no symbol of the universe is free to trade"


@dataclass(frozen=True, slots=True)
class Equal:
    """The room, shared equally among the symbols that are free to trade. `Infeasible` where there is none."""

    kind: ClassVar[str] = "equal"
    objectives: ClassVar[tuple[str, ...]] = ("allocation", "smart_beta")

    def check(self, symbols: tuple[str, ...], classes: Classes) -> None:
        """Nothing can contradict it."""

    def needs(self) -> Needs:
        return Needs(sessions=0)

    def wish(self, seen: Seen) -> Target:
        if not seen.symbols:
            raise Infeasible(NOBODY)
        share = max(seen.room, 0.0) / len(seen.symbols)
        why = f"one of {len(seen.symbols)} equal parts"
        return Target(dict.fromkeys(seen.symbols, share), (self.kind,), dict.fromkeys(seen.symbols, why))
