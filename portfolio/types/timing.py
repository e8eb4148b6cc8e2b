"""When to trade: where a session stands in the calendar, and what was said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from portfolio.types.words import Weights


@dataclass(frozen=True, slots=True)
class SessionPlace:
    """Where a session stands: the exchange's next one, and its number (from 1) in its week, month, quarter and year."""

    next: date
    week: int
    month: int
    quarter: int
    year: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Whether to trade now, to which weights (all of the wish, or the part that is worth it), and the sentence why.

    kind: first investment | rule | repair (all of the wish, for a limit's sake) | mend (the least that keeps it) | cash flow;
    the last two are no rebalance: a calendar, a cooldown and a month's maximum do not count them. gain, cost: of cost_aware,
    fractions of equity over its horizon; trading is worth gain - cost.
    """

    trade: bool
    weights: Weights
    why: str
    kind: str = "rule"
    gain: float | None = None
    cost: float | None = None
