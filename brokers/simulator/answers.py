"""What the gateway answers to each request: one function a message, and the table of them at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from brokers.simulator import messages, requests
from brokers.simulator.life import READ_ONLY
from brokers.simulator.market import CASH, Listing
from brokers.simulator.messages import PREVIEW_UNSET
from brokers.simulator.session import Session
from brokers.simulator.store import Order
from brokers.simulator.wire import Fields, frame

if TYPE_CHECKING:
    from brokers.simulator.gateway import Gateway

NO_CONTRACT = "No security definition has been found for the request"
DAYS = {"D": 1, "W": 7, "M": 31, "Y": 366}
ZONE = ZoneInfo("US/Eastern")


def hours(gateway: Gateway, listing: Listing) -> str:
    """Today's and the session's hours as the broker writes them: a day without a session is CLOSED."""
    today = gateway.exchange.now().astimezone(ZONE).date()
    first, last = (moment.astimezone(ZONE) for moment in gateway.exchange.hours(listing))
    by_day = {today: f"{today:%Y%m%d}:CLOSED", last.date(): f"{first:%Y%m%d:%H%M}-{last:%Y%m%d:%H%M}"}
    return ";".join(by_day[day] for day in sorted(by_day))


# ------------------------------------------------------------ contracts and prices
def _listings(gateway: Gateway, wanted: requests.ContractRequest) -> Listing | None:
    found = gateway.exchange.found(wanted)
    fits = found and wanted.primary in {"", found.exchange}
    return found if fits else None


def contract_details(gateway: Gateway, session: Session, fields: Fields) -> None:
    fields.skip(1)
    request, wanted = fields.number(), requests.contract(fields)
    found = _listings(gateway, wanted)
    if found is None:
        return session.error(request, 200, NO_CONTRACT)
    details = messages.contract_details(session.version, request, found, hours(gateway, found))
    return session.send(details, frame(52, 1, request))


def market_data_type(gateway: Gateway, session: Session, fields: Fields) -> None:
    """1 live only, 2 frozen too, 3 delayed too, 4 both too."""
    fields.skip(1)
    session.wants_delayed = fields.number() in {3, 4}


def market_data(gateway: Gateway, session: Session, fields: Fields) -> None:
    """A snapshot, or a ticker that answers at once and then with every move."""
    fields.skip(1)
    request, wanted = fields.number(), requests.contract(fields)
    fields.skip(2)  # delta neutral flag, generic ticks
    snapshot = fields.flag()
    found, faults = _listings(gateway, wanted), gateway.faults
    if found is None:
        return session.error(request, 200, NO_CONTRACT)
    barred = found.symbol in faults.no_subscription
    if barred and not session.wants_delayed:
        return session.error(request, 354, "Requested market data is not subscribed.")
    if barred:
        session.error(request, 10167, "Requested market data is not subscribed. Displaying delayed market data.")
    kind = max(faults.market_data_type, 3) if barred else faults.market_data_type
    session.send(frame(81, request, found.min_tick, "9c0001", 3), frame(58, 1, request, kind))
    tell = partial(_tell_price, gateway, session, request, found, kind > 2)
    tell()
    if snapshot:
        return session.send(frame(57, 1, request))
    later = asyncio.get_running_loop().call_later
    session.tickers[request] = [later(wait, tell, Decimal(str(factor))) for wait, factor in faults.moves]
    return None


def _tell_price(
    gateway: Gateway, session: Session, request: int, listing: Listing, delayed: bool, factor: Decimal = Decimal(1)
) -> None:
    """Bid, ask and last times `factor`, and when the last was dealt, -1 where there is no price; volume, the last close.

    Of a pair of currencies, whose trades nobody tells, the bid and the ask alone.
    """
    faults, quote = gateway.faults, gateway.exchange.market.quote(listing)
    there = quote is not None and factor > 0 and listing.symbol not in faults.no_quote
    prices = [one * factor if there else Decimal(-1) for one in ((quote.bid, quote.ask, quote.last) if quote else (0, 0, 0))]
    at = gateway.exchange.now() - timedelta(seconds=faults.quote_age)
    kinds = (66, 67, 68) if delayed else (1, 2, 4)
    if listing.kind == CASH:
        pairs = zip(kinds[:2], prices[:2], strict=True)
        return session.send(*(frame(1, 6, request, k, p, 1_000_000 if p > 0 else 0, 0) for k, p in pairs))
    session.send(
        *(frame(1, 6, request, k, p, 100 if p > 0 else 0, 0) for k, p in zip(kinds, prices, strict=True)),
        frame(46, 6, request, 88 if delayed else 45, int(at.timestamp())),
        frame(2, 6, request, 74 if delayed else 8, gateway.exchange.volume(listing.symbol)),
    )
    if bars := gateway.exchange.market.bars.get(listing.symbol):
        session.send(frame(1, 6, request, 75 if delayed else 9, bars[-1][1], 0, 0))
    return None


def cancel_market_data(gateway: Gateway, session: Session, fields: Fields) -> None:
    fields.skip(1)
    session.silence(fields.number())


def historical_bars(gateway: Gateway, session: Session, fields: Fields) -> None:
    request, wanted = fields.number(), requests.contract(fields)
    fields.skip(1)
    end, size, duration = fields.text(), fields.text(), fields.text()
    found = _listings(gateway, wanted)
    if found is None:
        return session.error(request, 200, NO_CONTRACT)
    if gateway.faults.historical_pacing:
        return session.error(
            request, 162, "Historical Market Data Service error message:API historical data query pacing violation"
        )
    if size != "1 day" or duration[-1:] not in DAYS:
        return session.error(request, 321, "Error validating request.-'bR' : cause - Only bars of 1 day are kept here")
    last = date.fromisoformat(f"{end[:4]}-{end[4:6]}-{end[6:8]}") if end else gateway.exchange.now().astimezone(ZONE).date()
    number = int(duration.split()[0])
    rows = [(day, close) for day, close in gateway.exchange.market.bars.get(found.symbol, ()) if day <= last]
    rows = rows[-number:] if duration.endswith("D") else _since(rows, last - timedelta(days=number * DAYS[duration[-1]]))
    if not rows:
        return session.error(request, 162, "Historical Market Data Service error message:HMDS query returned no data")
    return session.send(messages.bars(request, [(f"{day:%Y%m%d}", close) for day, close in rows]))


def _since(rows: list[tuple[date, float]], first: date) -> list[tuple[date, float]]:
    return [row for row in rows if row[0] > first]


# ------------------------------------------------------------ orders
def place_order(gateway: Gateway, session: Session, fields: Fields) -> None:
    wish = requests.order(fields, session.version)
    if not wish.what_if:
        return gateway.floor.place(wish, session.client_id)
    exchange = gateway.exchange
    why = exchange.objection(wish, session.client_id)
    if why:
        return session.error(wish.order_id, why.code, why.sentence)
    order, listing = exchange.draft(wish, session.client_id), exchange.listing(exchange.draft(wish, 0).symbol)
    figures, faults = _preview(gateway, order, listing), gateway.faults
    answers = (PREVIEW_UNSET, figures) if faults.two_previews else (PREVIEW_UNSET if faults.absurd_previews else figures,)
    answers = () if faults.no_previews else answers
    return session.send(*(messages.preview(session.version, order, listing, exchange.store.account, one) for one in answers))


def _preview(gateway: Gateway, order: Order, listing: Listing) -> tuple[object, ...]:
    """Margins before, changed, after (initial, maintenance, equity with loan), the commission and its currency."""
    exchange = gateway.exchange
    before, equity = exchange.margin(), exchange.equity()
    after, _ = exchange.margin_after(listing, order.sign * order.quantity)
    fee = exchange.fee(listing, order.quantity, exchange.price(order.symbol))
    changes = (after - before, (after - before) / 2, -fee)
    currency = exchange.fee_currency(listing)
    return (before, before / 2, equity, *changes, after, after / 2, equity - fee, fee, fee, fee, currency, "")


def cancel_order(gateway: Gateway, session: Session, fields: Fields) -> None:
    fields.skip(1)
    gateway.floor.cancel(fields.number(), session.client_id)


def cancel_all(gateway: Gateway, session: Session, fields: Fields) -> None:
    for order in [o for o in gateway.exchange.store.orders.values() if o.open]:
        gateway.floor.cancel(order.order_id, order.client_id)


def own_open_orders(gateway: Gateway, session: Session, fields: Fields) -> None:
    _open_orders(gateway, session, session.client_id)


def all_open_orders(gateway: Gateway, session: Session, fields: Fields) -> None:
    _open_orders(gateway, session, None)


def _open_orders(gateway: Gateway, session: Session, client_id: int | None) -> None:
    if gateway.faults.read_only:
        return session.error(-1, 321, READ_ONLY)
    for order in gateway.exchange.store.orders.values():
        if order.open and client_id in {None, order.client_id} and gateway.floor.visible(order):
            session.send(*gateway.order_frames(session, order))
    return session.send(frame(53, 1))


def completed_orders(gateway: Gateway, session: Session, fields: Fields) -> None:
    if gateway.faults.read_only:
        return session.error(-1, 321, READ_ONLY)
    exchange = gateway.exchange
    for order in exchange.store.orders.values():
        if not order.open and gateway.floor.visible(order):
            filled = exchange.filled(order.perm_id)[0]
            listing = exchange.listing(order.symbol)
            session.send(messages.completed_order(session.version, order, listing, exchange.store.account, filled))
    return session.send(frame(102))


def executions(gateway: Gateway, session: Session, fields: Fields) -> None:
    """Every execution the filter lets through, each with its commission where that has been reported."""
    fields.skip(1)
    request, client_id, account = fields.number(), fields.number(), fields.text()
    fields.skip(1)
    symbol, _kind, _exchange, side = fields.text(), fields.text(), fields.text(), fields.text()
    store = gateway.exchange.store
    for order in list(store.orders.values()):
        mine = not gateway.faults.own_executions_only or session.client_id in {0, order.client_id}
        fits = (
            mine
            and client_id in {0, order.client_id}
            and account in {"", store.account}
            and symbol in {"", gateway.exchange.listing(order.symbol).wire}
            and side in {"", order.action}
        )
        for fill in store.fills.get(order.perm_id, ()) if fits else ():
            session.send(*gateway.fill_frames(session, fill, request))
    session.send(frame(55, 1, request))


def next_id(gateway: Gateway, session: Session, fields: Fields) -> None:
    known = gateway.exchange.store.highest_id.get(session.client_id, 0)
    session.send(frame(9, 1, 1 if gateway.faults.id_reset else known + 1))


def auto_open_orders(gateway: Gateway, session: Session, fields: Fields) -> None:
    """Orders of a person in TWS would be bound to client 0; here there is no such person."""


# ------------------------------------------------------------ small talk
def current_time(gateway: Gateway, session: Session, fields: Fields) -> None:
    session.send(frame(49, 1, int(gateway.exchange.now().timestamp())))


def managed_accounts(gateway: Gateway, session: Session, fields: Fields) -> None:
    session.send(frame(15, 1, gateway.exchange.store.account))


def family_codes(gateway: Gateway, session: Session, fields: Fields) -> None:
    session.send(frame(78, 1, gateway.exchange.store.account, ""))


def market_rule(gateway: Gateway, session: Session, fields: Fields) -> None:
    session.send(frame(93, fields.number(), 1, 0, Decimal("0.01")))


def user_info(gateway: Gateway, session: Session, fields: Fields) -> None:
    session.send(frame(107, fields.number(), ""))


def matching_symbols(gateway: Gateway, session: Session, fields: Fields) -> None:
    request, pattern = fields.number(), fields.text().upper()
    found = [one for one in gateway.exchange.market.listings if one.symbol.startswith(pattern)][:16]
    more = ("", "") if session.version >= 176 else ()
    rows = [(o.contract_id, o.wire, o.kind, o.exchange, o.currency, 0, *more) for o in found]
    session.send(frame(79, request, len(found), *(cell for row in rows for cell in row)))


def empty_list(code: int, echo: bool) -> Callable[[Gateway, Session, Fields], None]:
    def answer(gateway: Gateway, session: Session, fields: Fields) -> None:
        session.send(frame(code, *((fields.number(),) if echo else ()), 0))

    return answer


def nothing(gateway: Gateway, session: Session, fields: Fields) -> None:
    """Cancellations, log levels and market data types want no answer."""
