"""Positions and account values, as the gateway tells them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from brokers.simulator import messages
from brokers.simulator.session import Session
from brokers.simulator.wire import Fields, frame

if TYPE_CHECKING:
    from brokers.simulator.gateway import Gateway

SUMMARIES = 2  # open summaries a client may have


def values(gateway: Gateway) -> list[tuple[str, object, str]]:
    """(tag, value, currency) of the account, in one currency."""
    exchange = gateway.exchange
    cash, currency = exchange.store.cash, exchange.store.currency
    equity, margin = exchange.equity(), exchange.margin()
    gross, held = exchange.gross(), equity - cash
    money: list[tuple[str, object]] = [
        ("AvailableFunds", equity - margin),
        ("BuyingPower", (equity - margin) * 2),
        ("EquityWithLoanValue", equity),
        ("ExcessLiquidity", equity - margin / 2),
        ("GrossPositionValue", gross),
        ("InitMarginReq", margin),
        ("MaintMarginReq", margin / 2),
        ("NetLiquidation", equity),
        ("SettledCash", cash),
        ("TotalCashValue", cash),
    ]
    ledger: list[tuple[str, object]] = [
        ("CashBalance", cash),
        ("ExchangeRate", Decimal(1)),
        ("NetLiquidationByCurrency", equity),
        ("StockMarketValue", held),
        ("TotalCashBalance", cash),
    ]
    general: list[tuple[str, object, str]] = [("AccountCode", exchange.store.account, ""), ("AccountType", "INDIVIDUAL", "")]
    return (
        general
        + [(tag, _cents(value), currency) for tag, value in money]
        + [(tag, _cents(value), place) for tag, value in ledger for place in (currency, "BASE")]
    )


def _cents(value: object) -> object:
    return value.quantize(Decimal("0.01")) if isinstance(value, Decimal) else value


def positions(gateway: Gateway, session: Session, fields: Fields) -> None:
    """Every position, and from then on each that changes."""
    session.wants_positions = True
    session.send(*position_frames(gateway), frame(62, 1))


def position_frames(gateway: Gateway, symbol: str | None = None) -> list[bytes]:
    exchange, store = gateway.exchange, gateway.exchange.store
    return [
        messages.position(store.account, exchange.listing(name), held)
        for name, held in store.positions.items()
        if symbol == name or (symbol is None and held.quantity)
    ]


def cancel_positions(gateway: Gateway, session: Session, fields: Fields) -> None:
    session.wants_positions = False


def positions_multi(gateway: Gateway, session: Session, fields: Fields) -> None:
    fields.skip(1)
    request, exchange, store = fields.number(), gateway.exchange, gateway.exchange.store
    for symbol, held in store.positions.items():
        contract = messages.contract_fields(exchange.listing(symbol), "")
        session.send(frame(71, 1, request, store.account, *contract, held.quantity, held.average, ""))
    session.send(frame(72, 1, request))


def account_updates(gateway: Gateway, session: Session, fields: Fields) -> None:
    fields.skip(1)
    session.wants_account = fields.flag()
    if not session.wants_account:
        return
    exchange, store = gateway.exchange, gateway.exchange.store
    session.send(*(frame(6, 2, tag, value, currency, store.account) for tag, value, currency in values(gateway)))
    for symbol, held in store.positions.items():
        listing, price = exchange.listing(symbol), exchange.price(symbol)
        session.send(messages.portfolio(store.account, listing, held, price))
    clock = exchange.now().astimezone(messages.ZONE)
    session.send(frame(8, 1, f"{clock:%H:%M}"), frame(54, 1, store.account))


def account_updates_multi(gateway: Gateway, session: Session, fields: Fields) -> None:
    fields.skip(1)
    request, account = fields.number(), gateway.exchange.store.account
    session.send(
        *(frame(73, 1, request, account, "", tag, value, currency) for tag, value, currency in values(gateway)),
        frame(74, 1, request),
    )


def account_summary(gateway: Gateway, session: Session, fields: Fields) -> None:
    fields.skip(1)
    request, _group, wanted = fields.number(), fields.text(), fields.text()
    if len(session.summaries) >= SUMMARIES:
        sentence = "Error processing request.-'b1' : cause - Maximum number of account summary requests exceeded"
        return session.error(request, 322, sentence)
    session.summaries.add(request)
    tags, account = wanted.split(","), gateway.exchange.store.account
    ledger = any(tag.startswith("$LEDGER") for tag in tags)
    session.send(
        *(
            frame(63, 1, request, account, tag, value, currency)
            for tag, value, currency in values(gateway)
            if tag in tags or (ledger and currency == "BASE")
        ),
        frame(64, 1, request),
    )
    return None


def cancel_summary(gateway: Gateway, session: Session, fields: Fields) -> None:
    fields.skip(1)
    session.summaries.discard(fields.number())


def profit(gateway: Gateway, session: Session, fields: Fields) -> None:
    exchange = gateway.exchange
    held = sum((p.quantity * (exchange.price(s) - p.average) for s, p in exchange.store.positions.items()), Decimal(0))
    session.send(frame(94, fields.number(), 0, held, 0))
