"""What the rules see beside the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from portfolio.market import Market
from portfolio.types import Policy, Quote, TradingState


@dataclass(frozen=True, slots=True)
class Situation:
    """history: (session, equity at its end), oldest first; equity: now, in the base currency. anchor: the newest session on
    record at the newest `resume`, from which drawdowns are counted anew. hedging: symbol -> weight that is there as a hedge, so
    that it may be short. quotes: of options and what they are on, to revalue them by; an option without one is worth nothing
    in a stress. strange: symbol -> why its quote is not believed. standing: the state in words, who brought it about
    and when; "" where nobody said.
    """

    policy: Policy
    market: Market
    state: TradingState
    history: Sequence[tuple[date, Decimal]]
    equity: Decimal
    anchor: date | None = None
    hedging: Mapping[str, float] = field(default_factory=dict)
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    strange: Mapping[str, str] = field(default_factory=dict)
    standing: str = ""
