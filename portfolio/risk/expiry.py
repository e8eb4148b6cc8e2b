"""The rule on options near their end: none is held into the days before its expiry."""

from __future__ import annotations

from portfolio.measures.options import LAST_DAYS
from portfolio.risk.limits import passed
from portfolio.risk.situation import Situation
from portfolio.types import Action, Verdict, Weights, option_terms

RULE = "expiry"


def expiry(weights: Weights, there: Situation) -> list[Verdict]:
    """One verdict that drops the options with 5 days left or fewer, or one that passes; none where no option is held.

    In the money they would be exercised, and the account would hold, or owe, shares that nobody decided on. What is held and
    breaks this does not wait for the next rebalance.
    """
    left = {s: (terms.expiry - there.market.session).days for s, w in weights.items() if w and (terms := option_terms(s))}
    late = tuple(s for s, days in left.items() if days <= LAST_DAYS)
    if late:
        told = " and ".join(f"{s} in {left[s]} days" for s in late)
        return [Verdict(RULE, Action.DROP, 0.0, late, f"{told} would be exercised if it is in the money; dropped")]
    nearest = min(left, key=lambda s: left[s], default=None)
    return [] if nearest is None else [passed(RULE, f"the next option to expire, {nearest}, has {left[nearest]} days left")]
