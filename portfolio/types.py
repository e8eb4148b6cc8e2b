"""The values that travel: frozen, with their unit in the type or the name.

A weight is a fraction of equity, money is in a named currency, shares are signed (+ bought, - sold) except on an
order, whose quantity is positive and whose side says the direction. Instants are aware UTC datetimes; a session is
the exchange's own date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Weights = Mapping[str, float]  # symbol -> fraction of equity


# ---------------------------------------------------------------- words
class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class TradingState(StrEnum):
    UNRECONCILED = "UNRECONCILED"  # at start; clears itself when the reconcile passes
    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"  # only trades that bring the book closer to cash
    HALTED = "HALTED"  # cleared by `trimtab resume` only


class OrderState(StrEnum):
    PLANNED = "PLANNED"
    SENDING = "SENDING"  # written down; the broker may or may not have it
    ACKED = "ACKED"
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"  # a person must look

    @property
    def final(self) -> bool:
        return self in {OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED}


class Action(StrEnum):
    """What a rule wants, from the least careful to the most careful."""

    PASS = "pass"
    WARN = "warn"
    SCALE = "scale"
    DROP = "drop"
    FREEZE = "freeze"
    BLOCK = "block"


class Health(StrEnum):
    SOUND = "sound"
    SUSPECT = "suspect"
    BLOCKED = "blocked"


# ---------------------------------------------------------------- what the market is
@dataclass(frozen=True, slots=True)
class Instrument:
    """What is traded. `instrument` is the identity; `symbol` is only its name today."""

    instrument: str
    symbol: str
    currency: str
    exchange: str  # the calendar's name, e.g. XNYS
    tradable: bool = True  # an index is not


@dataclass(frozen=True, slots=True)
class Quote:
    """A price somebody would deal at, with its age. Prices in `currency` per share."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    currency: str
    time: datetime
    delayed: bool = False

    @property
    def reference(self) -> Decimal | None:
        """Mid where both sides are there and not crossed, else the last trade."""
        if self.bid is not None and self.ask is not None and 0 < self.bid <= self.ask:
            return (self.bid + self.ask) / 2
        return self.last


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a source says of its own prices."""

    source: str
    adjustment: str  # "raw" | "adjusted"
    has: frozenset[str]  # of open, high, low, close, volume
    note: str = ""


# ---------------------------------------------------------------- the account
@dataclass(frozen=True, slots=True)
class Account:
    """What the account holds: whole shares by symbol, cash in the base currency."""

    positions: Mapping[str, Decimal]
    cash: Decimal
    currency: str

    def equity(self, prices: Mapping[str, Decimal]) -> Decimal:
        """Cash plus positions at `prices` (per share, same currency). KeyError where a held symbol has no price."""
        return self.cash + sum((q * prices[s] for s, q in self.positions.items() if q), Decimal(0))


# ---------------------------------------------------------------- judgement
@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says, by how much to scale (1 = leave it), which symbols it means, and the sentence why."""

    rule: str
    action: Action
    scale: float
    symbols: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class LawResult:
    """How one law of a data contract fared in one run: `bad` of `rows`. status: passed | failed | unknown | error."""

    dataset: str
    law: str
    what: str
    severity: str  # critical | warning | info
    on_breach: str  # block | quarantine | warn
    status: str
    bad: int
    rows: int
    symbols: tuple[str, ...] = ()  # the symbols concerned (at most 50 named)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What an independent check of the optimizer's answer found."""

    status: str
    objective: float | None
    binding: tuple[str, ...] = ()
    worst_violation: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """The wish: weights by symbol, the road that led to them, and why in words."""

    weights: Weights
    road: tuple[str, ...]
    reasons: Mapping[str, str]
    certificate: Certificate | None = None


# ---------------------------------------------------------------- the decision, its plan, its orders
@dataclass(frozen=True, slots=True)
class PlanLine:
    """One wished order: positive quantity, its reference price and its reason."""

    ref: str  # 16 hex digits of sha256(account | plan | instrument | leg)
    instrument: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal  # the quote the line was sized at, per share
    currency: str
    reason: str
    leg: int = 0

    @property
    def signed(self) -> Decimal:
        return self.quantity if self.side is Side.BUY else -self.quantity

    @property
    def notional(self) -> Decimal:
        return self.quantity * self.price


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
    """One fill as the broker told it. `quantity` is signed; `commission` is None until its report has come."""

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


# ---------------------------------------------------------------- what a broker can be asked
@dataclass(frozen=True, slots=True)
class Contract:
    """The broker's own description of an instrument."""

    symbol: str
    con_id: int
    currency: str
    exchange: str
    min_tick: Decimal
    size_increment: Decimal
    session_open: datetime | None  # of the broker's current session, None where it is closed today
    session_close: datetime | None


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the broker knows it, in our own words. `filled` is the sum of executions where they are known."""

    order_ref: str
    perm_id: int
    symbol: str
    side: Side
    quantity: Decimal
    state: OrderState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BrokerPicture:
    """All the broker knows of one account, asked afresh; complete, or the asking raised `Outage`."""

    account: str
    time: datetime
    orders: tuple[BrokerOrder, ...]  # open and completed
    executions: tuple[Execution, ...]
    positions: Mapping[str, Decimal]
    cash: Mapping[str, Decimal]
    net_liquidation: Decimal | None


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """What is put on the wire. `order_type`: adaptive | market | limit; `limit` only for the last."""

    order_ref: str
    order_id: int
    account: str
    contract: Contract
    side: Side
    quantity: Decimal
    order_type: str
    limit: Decimal | None = None


# ---------------------------------------------------------------- the policy's values (portfolio.policy parses them)
@dataclass(frozen=True, slots=True)
class DrawdownLimit:
    reduce: float  # fraction of equity, 0.03 = 3 %
    halt: float


@dataclass(frozen=True, slots=True)
class TailLimit:
    level: float  # 0.95
    days: int
    limit: float  # fraction of equity


@dataclass(frozen=True, slots=True)
class StrategyPolicy:
    kind: str  # fixed | equal | optimized
    weights: Mapping[str, float] = field(default_factory=dict)
    model: str = "minimum_cvar"
    level: float = 0.95
    lookback: int = 1260  # sessions
    minimum_history: int = 252  # sessions
    fallback: tuple[str, ...] = ("hold",)


@dataclass(frozen=True, slots=True)
class RebalancePolicy:
    when: str  # calendar | drift
    absolute_band: float = 0.05
    relative_band: float = 0.25
    every: str = "month"  # week | month | quarter | year


@dataclass(frozen=True, slots=True)
class RiskPolicy:
    max_weight: float
    max_gross: float
    cash_reserve: float
    daily_drawdown: DrawdownLimit | None
    monthly_drawdown: DrawdownLimit | None
    value_at_risk: TailLimit | None
    conditional_value_at_risk: TailLimit | None
    unknown: str  # warn | block
    lookback: int = 504  # sessions behind the risk figures


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """Limits of the one door each order passes. Fractions are of net asset value unless a name says otherwise."""

    profile: str
    max_order_value: float
    max_order_value_absolute: float  # in the base currency
    max_volume_share: float  # of 20-day average volume
    max_price_distance: float  # from a fresh quote
    max_quote_age: float  # seconds
    max_turnover: float  # one plan
    max_daily_notional: float  # multiple of net asset value
    max_orders_a_minute: int
    max_orders_a_symbol_a_day: int
    minimum_cash_after: float
    allow_short: bool
    duplicate_minutes: float
    minutes_before_close: float
    funding_order_value: float
    funding_turnover: float


@dataclass(frozen=True, slots=True)
class ExecutionPolicy:
    mode: str  # paper | live
    approval: str  # automatic
    approval_minutes: float
    order_type: str  # adaptive | market | limit
    minimum_trade: float  # in the base currency; smaller lines are left out
    quiet_seconds: float  # how long an accepted order may stay invisible
    decide_minutes_before_close: float


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    objective: str
    base_currency: str
    benchmark: str | None
    symbols: tuple[str, ...]
    strategy: StrategyPolicy
    rebalance: RebalancePolicy
    risk: RiskPolicy
    gate: GatePolicy
    execution: ExecutionPolicy
    text: str  # the file as it was read
    hash: str  # sha256 of the parsed values, canonical JSON
