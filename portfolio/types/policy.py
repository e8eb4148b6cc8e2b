"""The policy's values; `portfolio.policy` reads and checks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from portfolio.types.constraints import Classes, ConstraintPolicy
from portfolio.types.contracts import option_terms


@dataclass(frozen=True, slots=True)
class DrawdownLimit:
    reduce: float  # fraction of equity, 0.03 = 3 %
    halt: float


@dataclass(frozen=True, slots=True)
class TailLimit:
    level: float  # 0.95
    days: int
    limit: float  # fraction of equity
    method: str = "historical"  # | normal | cornish_fisher | extreme_value | monte_carlo | filtered_historical
    degrees: float | None = None  # of freedom of monte_carlo's Student t; None: it draws from a normal law


@dataclass(frozen=True, slots=True)
class SizingPolicy:
    """How large one position may be at the most, by its own risk; see portfolio.risk.sizing.

    kind: fixed_fraction | volatility | kelly | equal_risk. budget: what one position may lose at its stop (fixed_fraction), or
    its weight times its volatility a year (volatility), both fractions of equity. stop: distance of the stop, a fraction of
    the price. fraction: of the full Kelly bet. cap: no position above it, of equity.
    """

    kind: str
    budget: float = 0.0
    stop: float = 0.0
    fraction: float = 0.5
    cap: float = 1.0


@dataclass(frozen=True, slots=True)
class LiquidityPolicy:
    """participation: the share of a day's volume that we may be; days: how long the slowest position may take to sell;
    volume_share: the largest position as a share of a day's volume, None: no limit.
    """

    participation: float = 0.10
    days: float | None = None
    volume_share: float | None = None


@dataclass(frozen=True, slots=True)
class StressPolicy:
    """max_loss: scenario -> the loss it may cause at the most, a fraction of equity; "any": every loss without its own limit."""

    max_loss: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MarginPolicy:
    """A margin account. leverage: what is invested, as a multiple of equity. Rates are a year.

    initial, maintenance: of a long position's value (Regulation T: 0.50; FINRA 4210: 0.25); short_initial,
    short_maintenance: of a short position's value, beside its proceeds (0.50, 0.30). benchmark_rate: what spreads are added
    to; tiers: (up to this loan in the base currency, spread over it), the last without an end. borrow_fee: of a short
    position's value; borrow_fees: by symbol. cushion: excess liquidity that is left at the least, of equity.
    """

    leverage: float = 1.0
    initial: float = 0.50
    maintenance: float = 0.25
    short_initial: float = 0.50
    short_maintenance: float = 0.30
    benchmark_rate: float = 0.0
    tiers: tuple[tuple[float, float], ...] = ((100_000.0, 0.015), (1_000_000.0, 0.010), (float("inf"), 0.0075))
    borrow_fee: float = 0.0025
    borrow_fees: Mapping[str, float] = field(default_factory=dict)
    cushion: float = 0.10


@dataclass(frozen=True, slots=True)
class HedgePolicy:
    """One hedge; which keys a kind reads is said in portfolio.hedging. ceiling: what it may cost a year, of equity."""

    name: str
    kind: str  # beta | minimum_variance | tail | currency | put
    instrument: str  # a symbol, or the currency that is hedged
    ceiling: float
    target: float = 0.0  # of beta: the beta that is left; of currency: the share that stays open
    lookback: int = 252
    max_weight: float = 0.30
    weight: float = 0.0  # of tail: what is held while the rule holds
    when: str = ""  # of tail: volatility | drawdown | trend
    threshold: float = 0.0
    moneyness: float = 0.90  # of put: strike over price
    days: int = 90  # of put: to expiry, at the least
    cover: float = 1.0  # of put: share of the portfolio's beta-weighted value


@dataclass(frozen=True, slots=True)
class CostPolicy:
    """What a trade is expected to cost. commission: ib_fixed | ib_tiered | per_share | per_value | none.

    rate, minimum, maximum: of per_share (a share) and per_value (a fraction); maximum: of the value. half_spread: a fraction of
    the price, where no two-sided quote says it. impact: of the square-root law, in units of a day's volatility at a whole
    day's volume.
    """

    commission: str = "ib_fixed"
    rate: float = 0.0
    minimum: float = 0.0
    maximum: float = 1.0
    half_spread: float = 0.0005
    impact: float = 1.0


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
    peak_drawdown: DrawdownLimit | None = None
    max_group: Mapping[str, float] = field(default_factory=dict)  # class (or "currency") -> the most one name of it may hold
    min_effective_names: float | None = None  # 1 over the sum of squared shares
    max_component: float | None = None  # share of the portfolio's volatility that one symbol may bring
    max_volatility: float | None = None  # a year
    max_volatility_at_one: float | None = None  # a year, were every correlation one
    beta: tuple[float, float] | None = None  # to the benchmark, both ends belong to it
    sizing: SizingPolicy | None = None
    liquidity: LiquidityPolicy = LiquidityPolicy()
    stress: StressPolicy = StressPolicy()


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
    currencies: Mapping[str, str] = field(default_factory=dict)  # symbol -> currency, of those that trade in another one
    margin: MarginPolicy | None = None
    hedges: tuple[HedgePolicy, ...] = ()
    costs: CostPolicy = CostPolicy()

    @property
    def invested(self) -> float:
        """What the strategy's wish is a fraction of, as a multiple of equity: all of it, or with the loan, less the reserve."""
        return (self.margin.leverage if self.margin else 1.0) - self.risk.cash_reserve

    @property
    def hedged_currencies(self) -> tuple[str, ...]:
        """Currencies that a hedge may owe."""
        return tuple(h.instrument for h in self.hedges if h.kind == "currency")

    @property
    def traded(self) -> tuple[str, ...]:
        """The universe, and after it the instruments of hedges that are no part of it."""
        more = (h.instrument for h in self.hedges if h.kind not in {"currency", "put"})
        return tuple(dict.fromkeys([*self.symbols, *more]))

    def currency(self, symbol: str) -> str:
        """The currency in which `symbol` is quoted, an option as its underlying."""
        terms = option_terms(symbol)
        return self.currencies.get(terms.underlying if terms else symbol, self.base_currency)
