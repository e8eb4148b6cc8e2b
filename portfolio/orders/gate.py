"""The one door. Every order passes it just before it is sent; each refusal is a named reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from portfolio.types import Action, Contract, GatePolicy, Intent, OrderState, Plan, PlanLine, Quote, Side, TradingState, Verdict


@dataclass(frozen=True, slots=True)
class GateView:
    """What the door sees at the moment of sending. Money in the base currency, `now` on the broker's clock."""

    policy: GatePolicy
    base_currency: str
    unknown: str  # warn | block
    now: datetime
    nav: Decimal
    cash: Decimal
    state: TradingState
    positions: Mapping[str, Decimal]
    quotes: Mapping[str, Quote]
    contracts: Mapping[str, Contract]
    volumes: Mapping[str, float | None]  # 20-day average, shares
    sent: Sequence[Intent]  # handed to the broker in this session
    symbols: frozenset[str]  # the policy's universe
    funding: bool


Reason = str | None
Rule = Callable[[PlanLine, GateView], Reason]


def admit_plan(plan: Plan, view: GateView) -> tuple[Verdict, ...]:
    """Verdicts on the plan as a whole: its turnover."""
    turnover = _ratio(sum((line.notional for line in plan.lines), Decimal(0)), view.nav)
    limit = view.policy.funding_turnover if view.funding else view.policy.max_turnover
    reasons = {"plan_turnover": _over(turnover, limit, "the plan's turnover", "of net asset value")}
    return _verdicts(reasons, ())


def admit(line: PlanLine, view: GateView) -> tuple[Verdict, ...]:
    """One verdict a rule of the door. The order may pass only if none of them blocks."""
    rules: dict[str, Rule] = {
        "trading_state": _state,
        "allowed_symbol": _allowed,
        "session_open": _session,
        "fresh_quote": _quote,
        "price_distance": _distance,
        "order_value": _value,
        "no_short": _short,
        "minimum_cash": _cash,
        "daily_notional": _daily,
        "orders_a_symbol": _per_symbol,
        "duplicate": _duplicate,
        "unknown_order": _unknown_order,
    }
    reasons = {name: _answered(rule, line, view) for name, rule in rules.items()}
    verdicts = _verdicts(reasons, (line.symbol,))
    return (*verdicts, _volume(line, view))


def _answered(rule: Rule, line: PlanLine, view: GateView) -> Reason:
    """What the rule says; a figure that cannot be reckoned with (decimals raise on NaN) is a refusal like any other."""
    try:
        return rule(line, view)
    except ArithmeticError:
        return f"the order in {line.symbol} or the account holds a figure that is not a number"


def _verdicts(reasons: Mapping[str, Reason], symbols: tuple[str, ...]) -> tuple[Verdict, ...]:
    return tuple(
        Verdict(rule, Action.BLOCK if reason else Action.PASS, 0.0 if reason else 1.0, symbols, reason or "within its limit")
        for rule, reason in reasons.items()
    )


def _ratio(value: Decimal, nav: Decimal) -> float:
    return float(value / nav) if nav.is_finite() and nav > 0 and value.is_finite() else math.inf


def _over(figure: float, limit: float, what: str, unit: str) -> Reason:
    """None only if the figure is finite and at most the limit."""
    if math.isfinite(figure) and figure <= limit:
        return None
    return f"{what} is {figure:.4g} {unit}, the limit is {limit:.4g}"


def _state(line: PlanLine, view: GateView) -> Reason:
    if view.state is TradingState.ACTIVE:
        return None
    if view.state is TradingState.REDUCING and line.side is Side.SELL and line.quantity <= _to_sell(line, view):
        return None
    return f"the account is {view.state.value}"


def _allowed(line: PlanLine, view: GateView) -> Reason:
    contract = view.contracts.get(line.symbol)
    if line.symbol not in view.symbols and line.side is Side.BUY:
        return f"{line.symbol} is no part of the policy's universe"
    if contract is None or contract.con_id <= 0:
        return f"the broker has no contract for {line.symbol}"
    if contract.currency != view.base_currency or line.currency != view.base_currency:
        return f"{line.symbol} trades in {contract.currency}, the portfolio's currency is {view.base_currency}"
    if line.quantity <= 0 or line.quantity % contract.size_increment:
        return f"{line.quantity} is no positive multiple of the broker's increment {contract.size_increment}"
    return None


def _session(line: PlanLine, view: GateView) -> Reason:
    contract = view.contracts.get(line.symbol)
    if contract is None or contract.session_open is None or contract.session_close is None:
        return f"the exchange of {line.symbol} is closed today"
    last = contract.session_close - timedelta(minutes=view.policy.minutes_before_close)
    if not contract.session_open <= view.now <= last:
        return f"{view.now:%H:%M} UTC is outside {contract.session_open:%H:%M} to {last:%H:%M} UTC"
    return None


def _quote(line: PlanLine, view: GateView) -> Reason:
    quote = view.quotes.get(line.symbol)
    if quote is None or quote.reference is None:
        return f"there is no quote for {line.symbol}"
    if quote.currency != view.base_currency:
        return f"{line.symbol} is quoted in {quote.currency}, the portfolio's currency is {view.base_currency}"
    if quote.crossed:
        return f"the bid {quote.bid} of {line.symbol} is above its ask {quote.ask}"
    if quote.dealable is None:
        return f"the quote for {line.symbol} is {quote.bid} to {quote.ask}, last {quote.last}"
    age = (view.now - quote.time).total_seconds()
    return _over(abs(age), view.policy.max_quote_age, f"the quote for {line.symbol}", "seconds old")


def _distance(line: PlanLine, view: GateView) -> Reason:
    quote = view.quotes.get(line.symbol)
    reference = quote.reference if quote else None
    if reference is None or not reference.is_finite() or reference <= 0:
        return f"there is no price to hold {line.symbol} against"
    if not line.price.is_finite() or line.price <= 0:
        return f"{line.symbol} was planned at {line.price}, which is no price"
    distance = float(abs(line.price / reference - 1))
    return _over(distance, view.policy.max_price_distance, f"{line.symbol} was planned at {line.price}, which", "from the quote")


def _value(line: PlanLine, view: GateView) -> Reason:
    limit = view.policy.funding_order_value if view.funding else view.policy.max_order_value
    absolute = _over(float(line.notional), view.policy.max_order_value_absolute, "the order's value", view.base_currency)
    return _over(_ratio(line.notional, view.nav), limit, "the order's value", "of net asset value") or absolute


def _to_sell(line: PlanLine, view: GateView) -> Decimal:
    """Shares held that no other order of ours is selling already; none where the books are no number."""
    held = view.positions.get(line.symbol, Decimal(0))
    others = [i for i in view.sent if i.symbol == line.symbol and i.side is Side.SELL and i.ref != line.ref]
    working = sum((i.quantity - i.filled for i in others if not i.state.final), Decimal(0))
    return held - working if held.is_finite() else Decimal(0)


def _short(line: PlanLine, view: GateView) -> Reason:
    free = _to_sell(line, view)
    if line.side is Side.SELL and line.quantity > free and not view.policy.allow_short:
        return f"selling {line.quantity} of {free} held and not yet being sold would be short"
    return None


def _cash(line: PlanLine, view: GateView) -> Reason:
    if line.side is Side.SELL:
        return None
    after = _ratio(view.cash - line.notional, view.nav)
    if math.isfinite(after) and after >= view.policy.minimum_cash_after:
        return None
    return f"cash after it would be {after:.4g} of net asset value, at least {view.policy.minimum_cash_after:.4g} is kept"


def _daily(line: PlanLine, view: GateView) -> Reason:
    today = sum((i.quantity * i.price for i in view.sent if i.ref != line.ref), Decimal(0)) + line.notional
    return _over(_ratio(today, view.nav), view.policy.max_daily_notional, "today's notional", "times net asset value")


def _per_symbol(line: PlanLine, view: GateView) -> Reason:
    today = 1 + sum(1 for i in view.sent if i.symbol == line.symbol and i.ref != line.ref)
    return _over(today, view.policy.max_orders_a_symbol_a_day, f"orders in {line.symbol} today", "with this one")


def _duplicate(line: PlanLine, view: GateView) -> Reason:
    horizon = view.now - timedelta(minutes=view.policy.duplicate_minutes)
    twins = [
        i for i in view.sent if i.ref != line.ref and (i.symbol, i.side, i.quantity) == (line.symbol, line.side, line.quantity)
    ]
    if any(i.sent_at is not None and i.sent_at > horizon for i in twins):
        return f"the same order was sent less than {view.policy.duplicate_minutes:g} minutes ago"
    return None


def _unknown_order(line: PlanLine, view: GateView) -> Reason:
    lost = [i for i in view.sent if i.symbol == line.symbol and i.state is OrderState.UNKNOWN and i.ref != line.ref]
    return f"order {lost[0].ref} in {line.symbol} is UNKNOWN: a person must look first" if lost else None


def _volume(line: PlanLine, view: GateView) -> Verdict:
    """Share of the average volume; unknown where no source gives one, as the policy says."""
    volume = view.volumes.get(line.symbol)
    if volume is None or not math.isfinite(volume) or volume <= 0:
        action = Action.BLOCK if view.unknown == "block" else Action.WARN
        return Verdict("volume_share", action, 1.0, (line.symbol,), f"unknown: no volume of {line.symbol} is on record")
    reason = _over(float(line.quantity) / volume, view.policy.max_volume_share, "the order", "of the 20-day average volume")
    return _verdicts({"volume_share": reason}, (line.symbol,))[0]
