"""The one door. Every order passes it just before it is sent; each refusal is a named reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from portfolio.orders.reducing import reduces, to_close
from portfolio.orders.view import GateView
from portfolio.types import Action, Intent, OrderState, Plan, PlanLine, Side, TradingState, Verdict, currency_pair, option_terms

Reason = str | None
Rule = Callable[[PlanLine, GateView], Reason]
Asked = TypeVar("Asked", Plan, PlanLine)


def admit_plan(plan: Plan, view: GateView) -> tuple[Verdict, ...]:
    """Verdicts on the plan as a whole: its turnover. Money that is changed for a purchase is counted with the purchase."""
    return _verdicts({"plan_turnover": _answered(_turnover, plan, view, f"plan {plan.plan}")}, ())


def _turnover(plan: Plan, view: GateView) -> Reason:
    values = (abs(view.value(line)) for line in plan.lines if not currency_pair(line.symbol))
    turnover = _ratio(sum(values, Decimal(0)), view.nav)
    return _over(turnover, _most_turnover(view), "the plan's turnover", "of net asset value")


def admit(line: PlanLine, view: GateView) -> tuple[Verdict, ...]:
    """One verdict a rule of the door. The order may pass only if none of them blocks."""
    rules: dict[str, Rule] = {
        "trading_state": _state,
        "allowed_symbol": _allowed,
        "session_open": _session,
        "fresh_quote": _quote,
        "fresh_rate": _fresh_rate,
        "price_distance": _distance,
        "order_value": _value,
        "no_short": _short,
        "minimum_cash": _cash,
        "margin_cushion": _cushion,
        "daily_notional": _daily,
        "orders_a_symbol": _per_symbol,
        "duplicate": _duplicate,
        "unknown_order": _unknown_order,
    }
    reasons = {name: _answered(rule, line, view, f"the order in {line.symbol}") for name, rule in rules.items()}
    verdicts = _verdicts(reasons, (line.symbol,))
    return (*verdicts, _volume(line, view))


def _answered(rule: Callable[[Asked, GateView], Reason], asked: Asked, view: GateView, name: str) -> Reason:
    """What the rule says; a figure that cannot be reckoned with (decimals raise on NaN) is a refusal like any other."""
    try:
        return rule(asked, view)
    except (ArithmeticError, ValueError):
        return f"{name} or the account holds a figure that is not a number"


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


def _most_turnover(view: GateView) -> float:
    return view.policy.funding_turnover if view.funding else view.policy.max_turnover


def _state(line: PlanLine, view: GateView) -> Reason:
    if view.state is TradingState.ACTIVE:
        return None
    if view.state is TradingState.REDUCING and reduces(line, view):
        return None
    return f"the account is {view.state.value}"


def _allowed(line: PlanLine, view: GateView) -> Reason:
    contract, currency = view.contracts.get(line.symbol), view.currency(line.symbol)
    if reason := _known(line, view):
        return reason
    if contract is None or contract.con_id <= 0:
        return f"the broker has no contract for {line.symbol}"
    if contract.currency != currency or line.currency != currency:
        there = contract.currency if contract.currency != currency else line.currency
        return f"{line.symbol} trades in {there}, the policy says {currency}"
    if line.quantity <= 0 or line.quantity % contract.size_increment:
        return f"{line.quantity} is no positive multiple of the broker's increment {contract.size_increment}"
    return None


def _known(line: PlanLine, view: GateView) -> Reason:
    """Of the universe, or it only ends what is held; a conversion is between currencies of the policy, or of what is there."""
    if pair := currency_pair(line.symbol):
        spent, gained = pair[::-1] if line.side is Side.BUY else pair
        mine = {view.base_currency, *view.currencies.values()}
        if gained in mine and (spent in mine or view.balance(spent) > 0):
            return None
        return f"{line.symbol} is between currencies of which the policy has only {', '.join(sorted(mine))}"
    option = option_terms(line.symbol)
    wanted = option.right == "P" and option.underlying in view.insured if option else line.symbol in view.symbols
    if wanted or line.quantity <= to_close(line, view):
        return None
    return f"{line.symbol} is no part of the policy's universe"


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
    if quote.currency != view.currency(line.symbol):
        return f"{line.symbol} is quoted in {quote.currency}, the policy says {view.currency(line.symbol)}"
    if quote.crossed:
        return f"the bid {quote.bid} of {line.symbol} is above its ask {quote.ask}"
    if quote.dealable is None:
        return f"the quote for {line.symbol} is {quote.bid} to {quote.ask}, last {quote.last}"
    age = (view.now - quote.time).total_seconds()
    return _over(abs(age), view.policy.max_quote_age, f"the quote for {line.symbol}", "seconds old")


def _fresh_rate(line: PlanLine, view: GateView) -> Reason:
    """Whoever reckons in another currency has a rate of it that is as young as a quote must be."""
    for currency in sorted({line.currency, *(currency_pair(line.symbol) or ())}):
        rate = view.rate(currency)
        if not rate.is_finite() or rate <= 0:
            return f"there is no fresh rate of {currency} in {view.base_currency}"
    return None


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
    """A conversion pays for all purchases in a currency: it is held against what they may be together."""
    value = view.value(line)
    if currency_pair(line.symbol):
        return _over(_ratio(value, view.nav), _most_turnover(view), "the conversion's value", "of net asset value")
    limit = view.policy.funding_order_value if view.funding else view.policy.max_order_value
    absolute = _over(float(value), view.policy.max_order_value_absolute, "the order's value", view.base_currency)
    return _over(_ratio(value, view.nav), limit, "the order's value", "of net asset value") or absolute


def _short(line: PlanLine, view: GateView) -> Reason:
    if line.side is Side.BUY or currency_pair(line.symbol):
        return None
    free = to_close(line, view)
    if line.quantity <= free:
        return None
    if not view.policy.allow_short:
        return f"selling {line.quantity} of {free} held and not yet being sold would be short"
    if line.symbol not in view.shorts:
        return f"selling {line.quantity} of {free} would be short of {line.symbol}, which the policy wants to hold or to leave"
    return None


def _cash(line: PlanLine, view: GateView) -> Reason:
    """Enough is left of all cash, and no currency is overdrawn; with a margin account, not deeper than the plan wants it."""
    takes = view.outlay(line, line.quantity)
    if not takes:
        return None
    spent = sum((amount * view.rate(c) for c, amount in takes.items()), Decimal(0))
    after = _ratio(view.cash_in_base() - (Decimal(0) if currency_pair(line.symbol) else spent), view.nav)
    kept = -math.inf if view.margin is not None or currency_pair(line.symbol) else view.policy.minimum_cash_after
    if not (math.isfinite(after) and after >= kept):
        return f"cash after it would be {after:.4g} of net asset value, at least {kept:.4g} is kept"
    for currency, amount in takes.items():
        left = view.balance(currency) - amount
        floor = view.loans.get(currency, Decimal(0)) if view.margin is not None else Decimal(0)
        if not left.is_finite() or left < floor:
            return f"cash in {currency} after it would be {left:.2f}: what is missing must be changed or paid in first"
    return None


def wants_preview(line: PlanLine, view: GateView) -> bool:
    """Whether the broker must be asked what the order would do to the margin."""
    return view.margin is not None and (currency_pair(line.symbol) is not None or line.quantity > to_close(line, view))


def _cushion(line: PlanLine, view: GateView) -> Reason:
    """What a margin account keeps above maintenance, by the broker's own reckoning; whatever closes a position may go."""
    if view.margin is None or not wants_preview(line, view):
        return None
    if view.preview is None:
        return f"the broker does not say what {line.symbol} would do to the margin: {view.no_preview or 'it was not asked'}"
    left = _ratio(view.preview.excess, view.preview.equity)
    if math.isfinite(left) and left >= view.margin.cushion:
        return None
    return f"excess liquidity after it would be {left:.4g} of equity, at least {view.margin.cushion:.4g} is kept"


def _daily(line: PlanLine, view: GateView) -> Reason:
    before: list[PlanLine | Intent] = [i for i in view.sent if i.ref != line.ref]
    today = sum((view.value(one) for one in (*before, line) if not currency_pair(one.symbol)), Decimal(0))
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
    """Share of the average volume; unknown where no source gives one, as the policy says. Currencies have none."""
    if currency_pair(line.symbol):
        return _verdicts({"volume_share": None}, (line.symbol,))[0]
    volume = view.volumes.get(line.symbol)
    if volume is None or not math.isfinite(volume) or volume <= 0:
        action = Action.BLOCK if view.unknown == "block" else Action.WARN
        return Verdict("volume_share", action, 1.0, (line.symbol,), f"unknown: no volume of {line.symbol} is on record")
    reason = _over(float(line.quantity) / volume, view.policy.max_volume_share, "the order", "of the 20-day average volume")
    return _verdicts({"volume_share": reason}, (line.symbol,))[0]
