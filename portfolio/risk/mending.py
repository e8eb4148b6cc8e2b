"""What is held is over a limit, by its price alone: the least that is sold to keep it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portfolio.risk.apply import frozen
from portfolio.risk.drawdown import RULES as DRAWDOWNS
from portfolio.risk.judge import judge
from portfolio.risk.settling import SETTLED, settle
from portfolio.risk.situation import Situation
from portfolio.types import Action, Verdict, Weights

OPENING = frozenset({"initial_margin"})  # rules on what is opened; what is held need not be brought back within them
STATES = frozenset({"trading_state", *DRAWDOWNS})  # no trade mends them


@dataclass(frozen=True, slots=True)
class Mended:
    """weights: what is held, made smaller until every limit holds that it broke. broken: what was said of those.

    whole: that does not do, and all of the wish is needed. Something may be held no longer (an option in its last days, a hedge
    of nothing), and what comes in its place is part of the wish; or no smaller weights keep the limits.
    """

    weights: Weights
    broken: tuple[Verdict, ...]
    whole: bool

    @property
    def why(self) -> str:
        return "; ".join(f"{v.rule}: {v.reason}" for v in self.broken[:3]) + ("; and others" if len(self.broken) > 3 else "")


def mended(held: Weights, there: Situation) -> Mended | None:
    """None where what is held breaks no limit that trading could mend."""
    broken = over(judge(held, there))
    if not broken:
        return None
    weights, _ = settle(held, held, there, OPENING)
    whole = any(v.action is not Action.SCALE for v in broken) or bool(over(judge(weights, there)))
    return Mended(weights, broken, whole)


def over(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """The limits broken by more than rounding that a trade could mend: not one of symbols alone that are frozen."""
    still = frozen(verdicts)
    return tuple(v for v in verdicts if _broken(v) and (not v.symbols or not set(v.symbols) <= still))


def _broken(verdict: Verdict) -> bool:
    if verdict.rule in OPENING | STATES:
        return False
    scaled = verdict.action is Action.SCALE and 1.0 - verdict.scale > SETTLED
    return scaled or verdict.action in {Action.DROP, Action.REDUCE}
