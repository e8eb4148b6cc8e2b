"""Everything a report says, handed in: it computes nothing that a decision has not decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from portfolio.market import DateArray
from portfolio.types import FloatArray, LawResult, currency_pair, multiplier


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One order and what became of it. quantity: positive shares; price: average fill, None while unfilled; both prices in
    `currency`, whose unit is worth `rate` in the base currency; commission: in `paid_in`, worth `fee_rate`.
    """

    symbol: str
    side: str
    quantity: Decimal
    filled: Decimal
    planned_price: Decimal
    price: Decimal | None
    commission: Decimal | None
    state: str
    reason: str
    currency: str = ""
    rate: Decimal = Decimal(1)
    paid_in: str = ""
    fee_rate: Decimal = Decimal(1)

    @property
    def conversion(self) -> bool:
        return currency_pair(self.symbol) is not None

    @property
    def value(self) -> Decimal:
        """What was dealt, in the base currency."""
        return self.filled * (self.price or Decimal(0)) * multiplier(self.symbol) * self.rate

    @property
    def fee(self) -> Decimal:
        """In the base currency; nothing while it is unknown."""
        return (self.commission or Decimal(0)) * self.fee_rate

    @property
    def slippage(self) -> Decimal:
        """What the fills cost against the price they were planned at, in the base currency; positive is a cost."""
        if self.price is None:
            return Decimal(0)
        signed = self.filled if self.side == "BUY" else -self.filled
        return signed * (self.price - self.planned_price) * multiplier(self.symbol) * self.rate


@dataclass(frozen=True, slots=True)
class Hindsight:
    """Wealth of one unit over the past, had it been held in the decided weights, rebalanced daily, without costs.

    sessions, portfolio, benchmark: shape (days,); benchmark NaN where there is none.
    """

    sessions: DateArray
    portfolio: FloatArray
    benchmark: FloatArray
    benchmark_name: str


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """decision: the recorded document. equity, weights: (label, value) over time, oldest first, the opening included."""

    decision: Mapping[str, Any]
    plan_status: str
    trades: Sequence[TradeRow]
    equity: Sequence[tuple[str, Decimal]]
    weights: Sequence[tuple[str, Mapping[str, float]]]
    holdings: Mapping[str, float]  # what is held after the trades, fraction of equity
    cash: Decimal
    currency: str
    hindsight: Hindsight | None
    laws: Sequence[LawResult]
    quarantined: Mapping[str, int]
    limits: Mapping[str, float]
    breaks: Sequence[str]
    journal_head: str
    made_at: datetime
    session: date
    policy_text: str
    foreign: Mapping[str, Decimal] = field(default_factory=dict)  # cash in other currencies, each in its own
