"""The values that travel: frozen, with their unit in the type or the name.

A weight is a fraction of equity, money is in a named currency, shares are signed (+ bought, - sold) except on an
order, whose quantity is positive and whose side says the direction. Instants are aware UTC datetimes; a session is
the exchange's own date.
"""

from portfolio.types.account import Account, Certificate, LawResult, Target, Verdict
from portfolio.types.broker import BrokerOrder, BrokerPicture, Contract, OrderTicket
from portfolio.types.constraints import Classes, ConstraintPolicy, Range
from portfolio.types.incidents import Incident, IncidentEvent, IncidentState, Judged, Resolution
from portfolio.types.market import Declaration, Instrument, Quote
from portfolio.types.orders import Decision, Execution, Intent, Plan, PlanLine
from portfolio.types.policy import (
    DrawdownLimit,
    ExecutionPolicy,
    GatePolicy,
    Policy,
    RebalancePolicy,
    RiskPolicy,
    StrategyPolicy,
    StrategyRule,
    TailLimit,
)
from portfolio.types.timing import SessionPlace, Timing
from portfolio.types.words import Action, FloatArray, Health, OrderState, Side, Span, TradingState, Weights

__all__ = [
    "Account",
    "Action",
    "BrokerOrder",
    "BrokerPicture",
    "Certificate",
    "Classes",
    "ConstraintPolicy",
    "Contract",
    "Decision",
    "Declaration",
    "DrawdownLimit",
    "Execution",
    "ExecutionPolicy",
    "FloatArray",
    "GatePolicy",
    "Health",
    "Incident",
    "IncidentEvent",
    "IncidentState",
    "Instrument",
    "Intent",
    "Judged",
    "LawResult",
    "OrderState",
    "OrderTicket",
    "Plan",
    "PlanLine",
    "Policy",
    "Quote",
    "Range",
    "RebalancePolicy",
    "Resolution",
    "RiskPolicy",
    "SessionPlace",
    "Side",
    "Span",
    "StrategyPolicy",
    "StrategyRule",
    "TailLimit",
    "Target",
    "Timing",
    "TradingState",
    "Verdict",
    "Weights",
]
