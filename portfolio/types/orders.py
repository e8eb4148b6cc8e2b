"""The decision, its plan, its orders and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from portfolio.types.account import Certificate, Verdict
from portfolio.types.contracts import multiplier
from portfolio.types.risk import Hedge, MarginPicture, StressResult, VarBacktest
from portfolio.types.timing import Timing
from portfolio.types.words import OrderState, Side, Weights


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One wished order: positive quantity, its reference price and its reason.

    parts: what the signed quantity is made of, by cause (cash_flow, drift, signal, risk_limit, timing, hedge, cash, rounding);
    they add up to it exactly. cost: expected, in the line's currency: commission, half the spread and impact.
    """

    ref: str  # 16 hex digits of sha256(account | plan | instrument | leg)
    instrument: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal  # the quote the line was sized at, per share
    currency: str
    reason: str
    leg: int = 0
    rate: Decimal = Decimal(1)  # what one unit of `currency` is worth in the base currency
    parts: Mapping[str, Decimal] = field(default_factory=dict)
    cost: Decimal = Decimal(0)

    @property
    def signed(self) -> Decimal:
        return self.quantity if self.side is Side.BUY else -self.quantity

    @property
    def notional(self) -> Decimal:
        """In the line's currency."""
        return self.quantity * self.price * multiplier(self.symbol)

    @property
    def value(self) -> Decimal:
        """The notional in the base currency."""
        return self.notional * self.rate


def plan_line(written: Mapping[str, Any]) -> PlanLine:
    """A line from its JSON values; what older records do not have is as it is where nobody said it."""
    exact = {name: Decimal(written[name]) for name in ("quantity", "price", "rate", "cost") if name in written}
    parts = {cause: Decimal(quantity) for cause, quantity in written.get("parts", {}).items()}
    return PlanLine(**{**written, **exact, "side": Side(written["side"]), "parts": parts})


@dataclass(frozen=True, slots=True)
class Plan:
    """Which orders. People approve, and the executor trades, plans."""

    plan: str
    decision: str
    portfolio: str
    account: str
    session: date
    lines: tuple[PlanLine, ...]
    funding: bool  # the first investment of an account that holds nothing
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to hold and why. One a portfolio, `as_of` and snapshot; `inputs` is all that a replay needs beside it."""

    decision: str
    portfolio: str
    as_of: datetime
    session: date
    snapshot: int
    policy_hash: str
    code_version: str
    status: str  # trade | nothing to trade | refused
    targets: Weights  # what the strategy wished
    weights: Weights  # what the rules left of it
    current: Weights  # what the account held
    verdicts: tuple[Verdict, ...]
    road: tuple[str, ...]
    reasons: tuple[str, ...]
    risk_before: Mapping[str, float | None]
    risk_after: Mapping[str, float | None]
    plan: Plan | None
    why: Mapping[str, str] = field(default_factory=dict)  # symbol -> the sentence behind its weight
    certificate: Certificate | None = None  # of the optimizer's answer, where one was asked
    timing: Timing | None = None  # whether to trade now; None where a rule stopped everything before
    hedges: tuple[Hedge, ...] = ()
    stresses: tuple[StressResult, ...] = ()
    margin_before: MarginPicture | None = None  # None where the policy has no margin
    margin_after: MarginPicture | None = None
    backtests: tuple[VarBacktest, ...] = ()
    kept: tuple[Verdict, ...] = ()  # every rule's word on what is held once the plan is filled
    after: Weights = field(default_factory=dict)  # what is held once the plan is filled
    judged: Weights = field(default_factory=dict)  # what the rules left of the wish, before it was said how far to trade
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """An order as the ledger knows it: written down before it is sent."""

    ref: str
    plan: str
    account: str
    instrument: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    currency: str
    session: date
    state: OrderState
    attempt: int = 0
    order_id: int | None = None
    client_id: int | None = None
    perm_id: int | None = None
    sent_at: datetime | None = None
    filled: Decimal = Decimal(0)
    note: str = ""

    @property
    def signed(self) -> Decimal:
        return self.quantity if self.side is Side.BUY else -self.quantity

    @property
    def wire_ref(self) -> str:
        return f"{self.ref}#{self.attempt}"


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill as the broker told it. `quantity` is signed; `commission` is None until its report has come, and in `currency`
    unless `commission_currency` says otherwise (that of a conversion is paid in the account's own).
    """

    exec_id: str
    order_ref: str  # as on the wire: ref#attempt, or "" for a foreign order
    perm_id: int
    account: str
    symbol: str
    quantity: Decimal
    price: Decimal
    commission: Decimal | None
    currency: str
    time: datetime
    commission_currency: str = ""
