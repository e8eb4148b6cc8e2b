"""Somebody is over a limit of its own because its price moved: the least that is sold to keep it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portfolio.risk.apply import frozen
from portfolio.risk.drawdown import RULES as DRAWDOWNS
from portfolio.risk.judge import judge
from portfolio.risk.settling import SETTLED
from portfolio.risk.situation import Situation
from portfolio.types import CURRENCIES, Action, Verdict, Weights

OPENING = frozenset({"initial_margin"})  # rules on what is opened; what is held need not be brought back within them
STATES = frozenset({"trading_state", *DRAWDOWNS})  # no trade mends them
OF_A_NAME = frozenset({"max_weight", "sizing", "liquidity"})  # rules whose limit is a single name's


@dataclass(frozen=True, slots=True)
class Mended:
    """weights: what is held, each name that is over its own limit cut to it. broken: what was said of the limits.

    whole: that does not do, and all of the wish is needed: a limit of the whole is broken, a hedge is too large or of nothing, or
    something may be held no longer and what comes in its place is part of the wish.
    """

    weights: Weights
    broken: tuple[Verdict, ...]
    whole: bool

    @property
    def why(self) -> str:
        return "; ".join(f"{v.rule}: {v.reason}" for v in self.broken[:3]) + ("; and others" if len(self.broken) > 3 else "")


def mended(held: Weights, there: Situation, tickets: Mapping[str, float]) -> Mended | None:
    """None where what is held breaks no limit, or where what is over is too little to be sold.

    tickets: symbol -> the least that can be sold of it, a fraction of equity.
    """
    broken = over(judge(held, there))
    if not all(_of_a_name(v) and not set(v.symbols) & set(there.hedging) for v in broken):
        return Mended(held, broken, True)
    scales = {s: min(v.scale for v in broken if s in v.symbols) for v in broken for s in v.symbols}
    cut = {s: held[s] * scale for s, scale in scales.items() if abs(held[s]) * (1.0 - scale) >= tickets.get(s, 0.0)}
    if not cut:
        return None
    weights = _with_loans({**held, **cut}, held, there)
    mended_here = tuple(v for v in broken if set(v.symbols) & cut.keys())
    left = [v for v in over(judge(weights, there)) if not _of_a_name(v) or set(v.symbols) & cut.keys()]
    return Mended(weights, mended_here, bool(left))


def over(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """The limits broken by more than rounding that a trade could mend: not one of symbols alone that are frozen."""
    still = frozen(verdicts)
    return tuple(v for v in verdicts if _broken(v) and (not v.symbols or not set(v.symbols) <= still))


def _broken(verdict: Verdict) -> bool:
    if verdict.rule in OPENING | STATES:
        return False
    scaled = verdict.action is Action.SCALE and 1.0 - verdict.scale > SETTLED
    return scaled or verdict.action in {Action.DROP, Action.REDUCE}


def _of_a_name(verdict: Verdict) -> bool:
    return verdict.rule in OF_A_NAME and verdict.action is Action.SCALE and bool(verdict.symbols)


def _with_loans(weights: Weights, held: Weights, there: Situation) -> dict[str, float]:
    """A loan that hedges a currency shrinks with what is held in it."""
    out = dict(weights)
    for currency in CURRENCIES:
        mine = [s for s in held if s in there.policy.symbols and there.policy.currency(s) == currency]
        before = sum(held[s] for s in mine)
        if held.get(currency, 0.0) < 0.0 < before:
            out[currency] = held[currency] * sum(weights[s] for s in mine) / before
    return out
