"""The policy's values; `portfolio.policy` reads and checks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from portfolio.types.constraints import Classes, ConstraintPolicy


@dataclass(frozen=True, slots=True)
class DrawdownLimit:
    reduce: float  # fraction of equity, 0.03 = 3 %
    halt: float


@dataclass(frozen=True, slots=True)
class TailLimit:
    level: float  # 0.95
    days: int
    limit: float  # fraction of equity


class StrategyRule(Protocol):
    """A strategy's own settings; portfolio.strategies.protocol says what else it can."""

    kind: ClassVar[str]


@dataclass(frozen=True, slots=True)
class StrategyPolicy:
    """fallback: the road where the strategy has no answer, step by step; relax: the constraints that its step `relax` lets
    go of, in this order.
    """

    kind: str
    rule: StrategyRule
    fallback: tuple[str, ...] = ("hold",)
    relax: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RebalancePolicy:
    """When to trade. Bands are fractions of equity.

    when: calendar | drift | signal | cost_aware. band_by: the class (such as asset_class) whose sums are held against the
    bands, "" for each symbol. cooldown: sessions after a rebalance without another. max_a_month: rebalances in a calendar
    month. cash_flows: what comes in or is taken out is dealt with at once, towards the target.
    """

    when: str
    absolute_band: float = 0.05
    relative_band: float = 0.25
    band_by: str = ""
    every: str = "month"  # week | month | quarter | year
    day: str = "first"  # first | last session of the period, its n-th as a text, or a weekday ("third friday")
    months: tuple[int, ...] = ()  # only in these, where given
    cooldown: int = 0
    max_a_month: int | None = None
    cash_flows: bool = False
    cash_band: float = 0.01  # of equity: less cash than this too much, or too little, is no flow
    risk_aversion: float = 5.0  # of cost_aware: per unit of variance a year
    horizon: int = 21  # sessions until the next chance to trade
    cost: float = 0.001  # of a trade's value: half the spread, commission and impact
    minimum_gain: float = 0.0  # of equity


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
    classes: Classes  # class -> symbol -> its name there
    strategy: StrategyPolicy
    constraints: ConstraintPolicy
    rebalance: RebalancePolicy
    risk: RiskPolicy
    gate: GatePolicy
    execution: ExecutionPolicy
    fresh: tuple[str, ...]  # the datasets that its objective asks to be fresh
    text: str  # the file as it was read
    hash: str  # sha256 of the parsed values, canonical JSON
    files: Mapping[str, str] = field(default_factory=dict)  # name -> text of the files it names (views)
