"""Which limits are broken, and how far."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.risk.apply import frozen
from portfolio.risk.drawdown import RULES as DRAWDOWNS
from portfolio.risk.settling import SETTLED
from portfolio.types import Action, Verdict

# What is held need not be brought back within a rule on what is opened; and no trade mends a state.
NOT_MENDED = frozenset({"initial_margin", "trading_state", *DRAWDOWNS})
SEVERE = {Action.REDUCE: -1.0, Action.BLOCK: -2.0}  # as if scaled so far

Broken = tuple[str, str, tuple[str, ...]]  # rule, which of its own, symbols


def over(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """The limits broken by more than rounding that a trade could mend: not one of symbols alone that are frozen."""
    still = frozen(verdicts)
    return tuple(v for v in verdicts if _broken(v) and (not v.symbols or not set(v.symbols) <= still))


def _broken(verdict: Verdict) -> bool:
    if verdict.rule in NOT_MENDED:
        return False
    scaled = verdict.action is Action.SCALE and 1.0 - verdict.scale > SETTLED
    return scaled or verdict.action in {Action.DROP, Action.REDUCE}


def how_far(verdicts: Sequence[Verdict]) -> dict[Broken, float]:
    """How far each broken limit would scale: what is not there is kept."""
    out: dict[Broken, float] = {}
    for one in verdicts:
        if one.action in {Action.SCALE, Action.DROP, *SEVERE}:
            key = limit_of(one)
            out[key] = min(out.get(key, 1.0), SEVERE.get(one.action, one.scale))
    return out


def limit_of(verdict: Verdict) -> Broken:
    """Which limit it is of: a rule says several of its own apart, or its symbols do."""
    return verdict.rule, verdict.of, () if verdict.of else verdict.symbols
