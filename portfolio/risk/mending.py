"""Somebody is over a limit of its own because its price moved: the least that is sold to keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portfolio.risk.breaches import over
from portfolio.risk.judge import judge
from portfolio.risk.situation import Situation
from portfolio.types import CURRENCIES, Action, Verdict, Weights

OF_A_NAME = frozenset({"max_weight", "sizing", "liquidity"})  # rules whose limit is a single name's


@dataclass(frozen=True, slots=True)
class Mended:
    """weights: what is held, each name that is over its own limit cut to it. broken: what was said of the limits.

    whole: that does not do, and all of the wish is needed: a limit of the whole is broken, a hedge or a short is too large, or
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
    names = [v for v in broken if _of_a_name(v)]
    scales = {s: min(v.scale for v in names if s in v.symbols) for v in names for s in v.symbols}
    cut = {s: held[s] * scale for s, scale in scales.items() if _worth(abs(held[s]) * (1.0 - scale), tickets.get(s, 0.0))}
    worth_it = tuple(v for v in broken if not _of_a_name(v) or set(v.symbols) & cut.keys())
    if not worth_it:
        return None
    if not all(_of_a_name(v) for v in worth_it) or any(held[s] < 0.0 or s in there.hedging for s in cut):
        return Mended(held, worth_it, True)
    weights = _with_loans({**held, **cut}, held, there)
    left = [v for v in over(judge(weights, there)) if not _of_a_name(v) or set(v.symbols) & cut.keys()]
    return Mended(weights, worth_it, bool(left))


def _worth(excess: float, ticket: float) -> bool:
    return excess >= ticket * (1.0 - 1e-6)


def _of_a_name(verdict: Verdict) -> bool:
    return verdict.rule in OF_A_NAME and verdict.action is Action.SCALE


def _with_loans(weights: Weights, held: Weights, there: Situation) -> dict[str, float]:
    """A loan that hedges a currency shrinks with what is held in it."""
    out = dict(weights)
    for currency in CURRENCIES:
        mine = [s for s in held if s in there.policy.symbols and there.policy.currency(s) == currency]
        before = sum(held[s] for s in mine)
        if held.get(currency, 0.0) < 0.0 < before:
            out[currency] = held[currency] * max(sum(weights[s] for s in mine) / before, 0.0)
    return out
