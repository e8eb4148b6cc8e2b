"""The policy's values; `portfolio.policy` reads and checks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
