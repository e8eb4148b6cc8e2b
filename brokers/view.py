"""What the gate sees at the moment of sending: fresh quotes, contracts, the books less what is in flight."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Protocol

from brokers.reconcile import EXCHANGE_ZONE, Desk, Reconciled
from portfolio.errors import Outage, Refused
from portfolio.ledger import add
from portfolio.orders import GateView
from portfolio.orders.view import planned_outlay, proceeds
from portfolio.rates import worth
from portfolio.types import (
    CURRENCIES,
    Account,
    Contract,
    Intent,
    OrderState,
    Plan,
    PlanLine,
    Policy,
    Quote,
    Side,
    currency_pair,
    pair_symbol,
)

SOLD_SHORT = frozenset({"beta", "minimum_variance"})  # kinds of hedges


class Work(Protocol):
    """What is to be done, as the gate needs to know it. volumes: 20-day average shares a day, None where unknown."""

    @property
    def plan(self) -> Plan: ...

    @property
    def policy(self) -> Policy: ...

    @property
    def volumes(self) -> Mapping[str, float | None]: ...


async def gate_view(desk: Desk, work: Work, seen: Reconciled, waiting: Sequence[PlanLine]) -> GateView:
    """The view for the lines that wait. Money and shares of every other order in flight count as spent.

    `Outage` where a held symbol, or the currency of something that is held, has no quote.
    """
    symbols, policy = sorted({line.symbol for line in waiting}), work.policy
    books = desk.ledger.account(desk.account, desk.currency)
    sent = _sent_in(seen.session, desk)
    pairs = _pairs(books, (*waiting, *sent), policy, seen.picture.strays)
    contracts = await _contracts(desk, symbols)
    flying = _flying(desk, waiting)
    held = (s for s, q in books.positions.items() if q)
    quotes = await desk.broker.quotes(sorted({*symbols, *pairs.values(), *held, *(i.symbol for i in flying)}))
    now = await desk.broker.time()
    view = GateView(
        policy=policy.gate,
        base_currency=policy.base_currency,
        unknown=policy.risk.unknown,
        now=now,
        nav=_value(books, quotes),
        cash=books.cash,
        state=desk.ledger.trading_state(desk.account),
        positions=books.positions,
        quotes=quotes,
        contracts=contracts,
        volumes=work.volumes,
        sent=sent,
        symbols=frozenset(policy.traded),
        funding=work.plan.funding,
        foreign=books.foreign,
        rates=_rates(pairs, quotes, books.currency, lambda quote: _young(quote, now, policy.gate.max_quote_age)),
        currencies=policy.currencies,
        shorts=wanted_short(policy),
        insured=frozenset(hedge.instrument for hedge in policy.hedges if hedge.kind == "put"),
        margin=policy.margin,
        costs=policy.costs,
    )
    view = replace(view, loans=_loans(view, work.plan, desk.ledger.intents(desk.account, work.plan.plan)))
    for intent in flying:
        view = committed(view, intent)
    return view


def _sent_in(session: date, desk: Desk) -> list[Intent]:
    """Our orders of the exchange's day."""
    midnight = datetime.combine(session, datetime.min.time(), EXCHANGE_ZONE).astimezone(UTC)
    return desk.ledger.sent_since(desk.account, midnight)


def _flying(desk: Desk, waiting: Sequence[PlanLine]) -> list[Intent]:
    """Orders that are at work, without those that wait to be sent again."""
    again = {line.ref for line in waiting}
    unfinished = desk.ledger.intents(desk.account, unfinished=True)
    return [i for i in unfinished if i.state is not OrderState.PLANNED and i.ref not in again]


def committed(view: GateView, intent: Intent) -> GateView:
    """The view once what is left of an order in flight is spent: its money, or its shares. Nothing is gained before it fills."""
    left = max(intent.quantity - intent.filled, Decimal(0))
    view = view.spent(view.outlay(intent, left))
    if intent.side is Side.BUY or currency_pair(intent.symbol):
        return view
    return replace(view, positions={**view.positions, intent.symbol: view.positions.get(intent.symbol, Decimal(0)) - left})


def wanted_short(policy: Policy) -> frozenset[str]:
    """What the policy may be short of: the instruments of its hedges that sell, and symbols whose weight may fall below zero."""
    ranges = {symbol: policy.constraints.symbols.get(symbol, policy.constraints.weight) for symbol in policy.symbols}
    hedges = (hedge.instrument for hedge in policy.hedges if hedge.kind in SOLD_SHORT)
    return frozenset({*hedges, *(symbol for symbol, each in ranges.items() if each.low < 0)})


def _loans(view: GateView, plan: Plan, intents: Sequence[Intent]) -> dict[str, Decimal]:
    """The balances below zero that the plan leads to at its prices, as deep as they become at the quotes' far sides with
    commissions. None where a figure is no number, and without a margin account.
    """
    if view.margin is None:
        return {}
    filled = {intent.ref: intent.filled for intent in intents}
    end = {view.base_currency: view.cash, **view.foreign}
    dearest = dict(end)
    try:
        for line in plan.lines:
            left = max(line.quantity - filled.get(line.ref, Decimal(0)), Decimal(0))
            currency, gained = proceeds(line, left)
            spent, amount = planned_outlay(line, left)
            for moved in ({currency: gained}, {spent: -amount}):
                add(end, moved)
            for moved in ({currency: gained}, {c: -paid for c, paid in view.outlay(line, left).items()}):
                add(dearest, moved)
        return {c: dearest[c] for c, amount in end.items() if amount < 0}
    except ArithmeticError:
        return {}


def _pairs(books: Account, orders: Iterable[PlanLine | Intent], policy: Policy, strays: Mapping[str, str]) -> dict[str, str]:
    """Foreign currency -> the pair that says what it is worth, of all that is held, dealt or planned."""
    units = {*(c for c, amount in books.foreign.items() if amount), *(order.currency for order in orders)}
    units |= {strays.get(s, policy.currency(s)) for s, quantity in books.positions.items() if quantity}
    units |= {currency for order in orders for currency in currency_pair(order.symbol) or ()}
    return {c: pair_symbol(c, books.currency) for c in sorted(units - {books.currency}) if c in CURRENCIES}


def _rates(pairs: Mapping[str, str], quotes: Mapping[str, Quote], base: str, good: Callable[[Quote], bool]) -> dict[str, Decimal]:
    """What each currency is worth in `base`, by the quotes of its pair that are good."""
    prices = {s: quote.dealable for s, quote in quotes.items() if s in pairs.values() and good(quote)}
    told = {currency: worth(currency, base, prices) for currency in pairs}
    return {currency: rate for currency, rate in told.items() if rate is not None}


def _young(quote: Quote, now: datetime, limit: float) -> bool:
    return abs((now - quote.time).total_seconds()) <= limit


def value_in_base(books: Account, quotes: Mapping[str, Quote]) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """(price of one unit of each symbol held, rate of each foreign currency), both in the books' currency.

    `Outage` names what is held and has no quote, and a currency that has none; `Refused` one that has no pair.
    """
    held = {s: quotes.get(s) for s, quantity in books.positions.items() if quantity}
    priced = {s: quote for s, quote in held.items() if quote is not None and _price(quote) is not None}
    if unpriced := sorted(set(held) - set(priced)):
        words = f"The gateway gave neither a quote nor a mark of its own for {', '.join(unpriced)}, which is held."
        raise Outage(words, "Check its market data, or close the position at the broker.", symbols=unpriced)
    units = {*(quote.currency for quote in priced.values()), *(c for c, amount in books.foreign.items() if amount)}
    pairs = {c: pair_symbol(c, books.currency) for c in sorted(units - {books.currency}) if c in CURRENCIES}
    rates = _rates(pairs, quotes, books.currency, lambda quote: True) | {books.currency: Decimal(1)}
    if unknown := sorted(units - {*CURRENCIES, books.currency}):
        what = [f"{s} in {quote.currency}" for s, quote in sorted(priced.items()) if quote.currency in unknown]
        holds = f" (it holds {', '.join(what)})" if what else ""
        words = f"The account has {', '.join(unknown)}{holds}, and only {', '.join(CURRENCIES)} can be reckoned with."
        way = "Sell it, or change it into one of them at the broker, and book that."
        raise Refused(words, way, currencies=unknown, symbols=what)
    if unrated := sorted(units - set(rates)):
        raise Outage(f"The gateway gave no rate of {', '.join(unrated)}, in which something is held.", "Check its market data.")
    return {s: (_price(quote) or Decimal(0)) * rates[quote.currency] for s, quote in priced.items()}, rates


def _price(quote: Quote) -> Decimal | None:
    """What a holding is worth: see `Quote.worth`; a last trade that no order would be sized on still values it."""
    return quote.reference if quote.worth is None else quote.worth


def _value(books: Account, quotes: Mapping[str, Quote]) -> Decimal:
    """What is held and all cash, at the quotes."""
    return books.equity(*value_in_base(books, quotes))


async def _contracts(desk: Desk, symbols: Sequence[str]) -> Mapping[str, Contract]:
    """The contracts that the broker knows; the gate refuses the line of a symbol without one."""
    with contextlib.suppress(Refused):
        return await desk.broker.contracts(symbols)
    found: dict[str, Contract] = {}
    for symbol in symbols:
        with contextlib.suppress(Refused):
            found |= await desk.broker.contracts([symbol])
    return found
