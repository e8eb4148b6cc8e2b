"""Positions and account values, as the gateway tells them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from brokers.simulator import messages
from brokers.simulator.session import Session
from brokers.simulator.wire import Fields, frame
from portfolio.types import multiplier

if TYPE_CHECKING:
    from brokers.simulator.gateway import Gateway

SUMMARIES = 2  # open summaries a client may have


def values(gateway: Gateway) -> list[tuple[str, object, str]]:
    """(tag, value, currency) of the account: sums in its own currency, and money by currency with its rate."""
    exchange, currency = gateway.exchange, gateway.exchange.store.currency
    cash, equity, margin = exchange.cash(), exchange.equity(), exchange.margin()
    money: list[tuple[str, object]] = [
        ("AvailableFunds", equity - margin),
        ("BuyingPower", (equity - margin) * 2),
        ("EquityWithLoanValue", equity),
        ("ExcessLiquidity", equity - margin / 2),
        ("GrossPositionValue", exchange.gross()),
        ("InitMarginReq", margin),
        ("MaintMarginReq", margin / 2),
        ("NetLiquidation", equity),
        ("SettledCash", cash),
        ("TotalCashValue", cash),
    ]
    general: list[tuple[str, object, str]] = [("AccountCode", exchange.store.account, ""), ("AccountType", "INDIVIDUAL", "")]
    sums: list[tuple[str, object, str]] = [(tag, _cents(value), currency) for tag, value in money]
    return [*general, *sums, *(row for place in _places(gateway) for row in _ledger(gateway, place))]


def _places(gateway: Gateway) -> tuple[str, ...]:
    """The currencies in which there is something, the account's own first, and all of them together."""
    exchange, store = gateway.exchange, gateway.exchange.store
    priced = {exchange.listing(symbol).currency for symbol, held in store.positions.items() if held.quantity}
    return (store.currency, *sorted({*store.money, *priced} - {store.currency}), "BASE")


def _ledger(gateway: Gateway, place: str) -> list[tuple[str, object, str]]:
    exchange = gateway.exchange
    if place == "BASE":
        cash, held, rate = exchange.cash(), exchange.held(), Decimal(1)
    else:
        cash, held = exchange.store.money.get(place, Decimal(0)), exchange.held(place)
        rate = (exchange.rate(place) or Decimal(0)).quantize(Decimal("0.0000001"))
    return [
        ("CashBalance", _cents(cash), place),
        ("ExchangeRate", rate, place),
        ("NetLiquidationByCurrency", _cents(cash + held), place),
        ("StockMarketValue", _cents(held), place),
        ("TotalCashBalance", _cents(cash), place),
    ]


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
        session.send(frame(71, 1, request, store.account, *contract, held.quantity, held.average * multiplier(symbol), ""))
    session.send(frame(72, 1, request))


def account_updates(gateway: Gateway, session: Session, fields: Fields) -> None:
    fields.skip(1)
    session.wants_account = fields.flag()
    if not session.wants_account:
        return
    exchange, store = gateway.exchange, gateway.exchange.store
    session.send(*(frame(6, 2, tag, value, currency, store.account) for tag, value, currency in values(gateway)))
    session.send(*(frame for symbol in store.positions for frame in portfolio_frames(gateway, symbol)))
    clock = exchange.now().astimezone(messages.ZONE)
    session.send(frame(8, 1, f"{clock:%H:%M}"), frame(54, 1, store.account))


def portfolio_frames(gateway: Gateway, symbol: str) -> list[bytes]:
    """What the gateway tells of a position whenever it changes, to who subscribed to the account."""
    exchange, store = gateway.exchange, gateway.exchange.store
    return [messages.portfolio(store.account, exchange.listing(symbol), store.positions[symbol], exchange.price(symbol))]


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
