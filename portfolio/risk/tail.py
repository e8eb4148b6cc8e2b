"""Rules on the tail of the wished portfolio: VaR and CVaR, by the method that the policy names."""

from __future__ import annotations

from portfolio.market import MINIMUM_DAYS
from portfolio.measures import Horizon, Tail, tail
from portfolio.risk.limits import judged, unknown
from portfolio.risk.past import Past
from portfolio.types import Policy, TailLimit, Verdict


def tail_rules(past: Past, policy: Policy) -> list[Verdict]:
    """value_at_risk and conditional_value_at_risk, where the policy limits them. Every method is homogeneous in the weights,
    so that scaling all of them by limit / figure meets the limit.
    """
    rules = [
        ("value_at_risk", policy.risk.value_at_risk),
        ("conditional_value_at_risk", policy.risk.conditional_value_at_risk),
    ]
    return [_tail(name, limit, past, policy) for name, limit in rules if limit is not None]


def tail_of(past: Past, limit: TailLimit) -> Tail | str:
    """The tail of the book, or a sentence that says what is missing. Over several days 60 stretches must be there too."""
    if past.why:
        return past.why
    if len(past.book) - limit.days + 1 < MINIMUM_DAYS:
        return f"fewer than {MINIMUM_DAYS} stretches of {limit.days} sessions of history"
    return tail(past.book, Horizon(limit.level, limit.days), limit.method, limit.degrees)


def _tail(name: str, limit: TailLimit, past: Past, policy: Policy) -> Verdict:
    found = tail_of(past, limit)
    if isinstance(found, str):
        return unknown(name, policy.risk, found)
    figure = found.value_at_risk if name == "value_at_risk" else found.conditional_value_at_risk
    if figure is None:
        return unknown(name, policy.risk, found.note)
    way = "" if found.method == "historical" else f" {found.method.replace('_', ' ')}"
    note = f" ({found.note})" if found.note else ""
    words = f"{limit.level * 100:g}% {limit.days}-day{way} {name.replace('_', ' ')} {figure:.2%} of equity"
    return judged(name, figure, limit.limit, f"{words} over {len(past.book)} sessions{note}{past.note}")
