"""What the gate sees at the moment of sending: fresh quotes, contracts, the books less what is in flight."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Protocol

from brokers.reconcile import EXCHANGE_ZONE, Desk
from portfolio.errors import Outage, Refused
from portfolio.orders import GateView
from portfolio.types import Contract, Intent, OrderState, Plan, PlanLine, Policy, Quote, Side


class Work(Protocol):
    """What is to be done, as the gate needs to know it. volumes: 20-day average shares a day, None where unknown."""

    @property
    def plan(self) -> Plan: ...

    @property
    def policy(self) -> Policy: ...

    @property
    def volumes(self) -> Mapping[str, float | None]: ...


async def gate_view(desk: Desk, work: Work, session: date, waiting: Sequence[PlanLine]) -> GateView:
    """The view for the lines that wait. Money and shares of every other order in flight count as spent.

    `Outage` where a held symbol has no quote.
    """
    symbols = sorted({line.symbol for line in waiting})
    books = desk.ledger.account(desk.account, desk.currency)
    contracts = await _contracts(desk, symbols)
    quotes = await desk.broker.quotes(sorted({*symbols, *(s for s, q in books.positions.items() if q)}))
    midnight = datetime.combine(session, datetime.min.time(), EXCHANGE_ZONE)
    view = GateView(
        policy=work.policy.gate,
        base_currency=work.policy.base_currency,
        unknown=work.policy.risk.unknown,
        now=await desk.broker.time(),
        nav=_value(books.positions, quotes) + books.cash,
        cash=books.cash,
        state=desk.ledger.trading_state(desk.account),
        positions=books.positions,
        quotes=quotes,
        contracts=contracts,
        volumes=work.volumes,
        sent=desk.ledger.sent_since(desk.account, midnight.astimezone(UTC)),
        symbols=frozenset(work.policy.symbols),
        funding=work.plan.funding,
    )
    again = {line.ref for line in waiting}
    for intent in desk.ledger.intents(desk.account, unfinished=True):
        if intent.state is not OrderState.PLANNED and intent.ref not in again:
            view = committed(view, intent)
    return view


def committed(view: GateView, intent: Intent) -> GateView:
    """The view once what is left of an order in flight is spent: its money, or its shares. Nothing is gained before it fills."""
    left = max(intent.quantity - intent.filled, Decimal(0))
    if intent.side is Side.BUY:
        return replace(view, cash=view.cash - left * intent.price)
    return replace(view, positions={**view.positions, intent.symbol: view.positions.get(intent.symbol, Decimal(0)) - left})


def _value(positions: Mapping[str, Decimal], quotes: Mapping[str, Quote]) -> Decimal:
    """What is held, at the quotes. `Outage` where one is missing."""
    prices = {s: quote.reference for s, quote in quotes.items()}
    unpriced = [s for s, q in positions.items() if q and prices.get(s) is None]
    if unpriced:
        raise Outage(f"The gateway gave no quote for {', '.join(unpriced)}, which is held.", "Check its market data.")
    return sum((q * (prices[s] or 0) for s, q in positions.items() if q), Decimal(0))


async def _contracts(desk: Desk, symbols: Sequence[str]) -> Mapping[str, Contract]:
    """The contracts that the broker knows; the gate refuses the line of a symbol without one."""
    with contextlib.suppress(Refused):
        return await desk.broker.contracts(symbols)
    found: dict[str, Contract] = {}
    for symbol in symbols:
        with contextlib.suppress(Refused):
            found |= await desk.broker.contracts([symbol])
    return found
