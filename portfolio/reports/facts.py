"""Everything a report says, handed in: it computes nothing that a decision has not decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from portfolio.market import DateArray
from portfolio.types import FloatArray, LawResult


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One order and what became of it. quantity: positive shares; price: average fill, None while unfilled."""

    symbol: str
    side: str
    quantity: Decimal
    filled: Decimal
    planned_price: Decimal
    price: Decimal | None
    commission: Decimal | None
    state: str
    reason: str


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
