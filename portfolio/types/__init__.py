"""The values that travel: frozen, with their unit in the type or the name.

A weight is a fraction of equity, money is in a named currency, shares are signed (+ bought, - sold) except on an
order, whose quantity is positive and whose side says the direction. Instants are aware UTC datetimes; a session is
the exchange's own date.
"""

from portfolio.types.account import Account, Certificate, LawResult, Target, Verdict
from portfolio.types.broker import BrokerOrder, BrokerPicture, Contract, OrderTicket, Preview
from portfolio.types.constraints import Classes, ConstraintPolicy, Range
from portfolio.types.contracts import (
    CURRENCIES,
    ContractKind,
    OptionTerms,
    contract_kind,
    currency_pair,
    money_of,
    multiplier,
    option_terms,
    pair_symbol,
)
from portfolio.types.incidents import Incident, IncidentEvent, IncidentState, Judged, Resolution
from portfolio.types.market import Declaration, Instrument, Quote, Rate
from portfolio.types.orders import Decision, Execution, Intent, Plan, PlanLine, plan_line
from portfolio.types.policy import (
    CostPolicy,
    DrawdownLimit,
    ExecutionPolicy,
    GatePolicy,
    HedgePolicy,
    LiquidityPolicy,
    MarginPolicy,
    Policy,
    RebalancePolicy,
    RiskPolicy,
    SizingPolicy,
    StrategyPolicy,
    StrategyRule,
    StressPolicy,
    TailLimit,
)
from portfolio.types.risk import Hedge, MarginPicture, StressResult, VarBacktest
from portfolio.types.timing import SessionPlace, Timing
from portfolio.types.words import BY_LOSS, Action, FloatArray, Health, OrderState, Side, Span, TradingState, Weights

__all__ = [
    "BY_LOSS",
    "CURRENCIES",
    "Account",
    "Action",
    "BrokerOrder",
    "BrokerPicture",
    "Certificate",
    "Classes",
    "ConstraintPolicy",
    "Contract",
    "ContractKind",
    "CostPolicy",
    "Decision",
    "Declaration",
    "DrawdownLimit",
    "Execution",
    "ExecutionPolicy",
    "FloatArray",
    "GatePolicy",
    "Health",
    "Hedge",
    "HedgePolicy",
    "Incident",
    "IncidentEvent",
    "IncidentState",
    "Instrument",
    "Intent",
    "Judged",
    "LawResult",
    "LiquidityPolicy",
    "MarginPicture",
    "MarginPolicy",
    "OptionTerms",
    "OrderState",
    "OrderTicket",
    "Plan",
    "PlanLine",
    "Policy",
    "Preview",
    "Quote",
    "Range",
    "Rate",
    "RebalancePolicy",
    "Resolution",
    "RiskPolicy",
    "SessionPlace",
    "Side",
    "SizingPolicy",
    "Span",
    "StrategyPolicy",
    "StrategyRule",
    "StressPolicy",
    "StressResult",
    "TailLimit",
    "Target",
    "Timing",
    "TradingState",
    "VarBacktest",
    "Verdict",
    "Weights",
    "contract_kind",
    "currency_pair",
    "money_of",
    "multiplier",
    "option_terms",
    "pair_symbol",
    "plan_line",
]
