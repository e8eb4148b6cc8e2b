"""What the rules see beside the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from portfolio.market import Market
from portfolio.types import Policy, TradingState


@dataclass(frozen=True, slots=True)
class Situation:
    """history: (session, equity at its end), oldest first; equity: now, in the base currency. anchor: the session of the newest
    `resume`, from which drawdowns are counted anew. hedging: symbol -> weight that is there as a hedge, so that it may be short.
    """

    policy: Policy
    market: Market
    state: TradingState
    history: Sequence[tuple[date, Decimal]]
    equity: Decimal
    anchor: date | None = None
    hedging: Mapping[str, float] = field(default_factory=dict)
