"""What the gateway says: one function a message, fields in wire order.

Sources: the decoders of the official client (10.50) and of ib_insync, which disagree nowhere in 157 to 178 but in the
trailing `duration` of openOrder (from 158 in the former, which is followed here).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from brokers.simulator.market import CASH, OPT, STK, Listing
from brokers.simulator.store import Fill, Order, Position
from brokers.simulator.wire import UNSET, UNSET_INTEGER, frame, text
from portfolio.types import multiplier, option_terms
from portfolio.types.contracts import SHARES_A_CONTRACT

ZONE = ZoneInfo("US/Eastern")
ORDER_TYPES = "ACTIVETIM,ADJUST,ALGO,DAY,LMT,MKT,MOC,WHATIF"
PREVIEW_UNSET = (UNSET,) * 9 + (UNSET, UNSET, UNSET, "", "")


def stamp(at: datetime) -> str:
    """The gateway's way to write an instant."""
    return at.astimezone(ZONE).strftime("%Y%m%d %H:%M:%S US/Eastern")


def error(version: int, request: int, code: int, sentence: str) -> bytes:
    tail = ("",) if version >= 166 else ()
    return frame(4, 2, request, code, sentence, *tail)


def contract_fields(listing: Listing, exchange: str | None = None, right: str = "") -> tuple[Any, ...]:
    """Id, symbol, kind, last trade date, strike, right, multiplier, exchange, currency, local symbol, trading class."""
    where = listing.route if exchange is None else exchange
    day, strike, side, shares = option_fields(listing)
    names = (listing.currency, listing.local, trading_class(listing))
    return (listing.contract_id, listing.wire, listing.kind, day, strike, side or right, shares, where, *names)


def option_fields(listing: Listing) -> tuple[str, object, str, object]:
    """Last trade date, strike, right and multiplier: of anything but an option empty."""
    terms = option_terms(listing.symbol)
    return (f"{terms.expiry:%Y%m%d}", terms.strike, terms.right, SHARES_A_CONTRACT) if terms else ("", "0", "", "")


def trading_class(listing: Listing) -> str:
    return {CASH: listing.local, OPT: listing.wire}.get(listing.kind, listing.exchange)


def contract_details(version: int, request: int, listing: Listing, hours: str) -> bytes:
    old, route = version < 164, listing.route
    day, strike, side, shares = option_fields(listing)
    sizes = (listing.size_increment,) * 3
    return frame(
        *((10, 8) if old else (10,)),
        *(request, listing.wire, listing.kind, day, strike, side, route, listing.currency, listing.local),
        *(trading_class(listing), trading_class(listing)),
        *(listing.contract_id, listing.min_tick, *((1,) if old else ())),
        *(shares, ORDER_TYPES, ",".join(dict.fromkeys((route, listing.exchange))), 1, 0, listing.name or listing.symbol),
        *("" if listing.kind == CASH else listing.exchange,),
        *(day[:6], "", "", "", "US/Eastern", hours, hours, "", "", 0),
        *(1, listing.wire if side else "", STK if side else "", "26,26", day, "" if side else "COMMON"),
        *((sizes[:1] if version == 163 else ()) if old else sizes),
    )


def open_order(version: int, order: Order, listing: Listing, account: str) -> bytes:
    return _open_order(version, order, listing, account, False, (UNSET,) * 12 + ("", ""))


def preview(version: int, order: Order, listing: Listing, account: str, figures: Sequence[object]) -> bytes:
    """The answer to a what-if: nine margins, commission, its bounds and currency, a warning."""
    return _open_order(version, order, listing, account, True, figures)


def _open_order(version: int, order: Order, listing: Listing, account: str, what_if: bool, figures: Sequence[object]) -> bytes:
    return frame(
        *(5, order.order_id, *contract_fields(listing, right="?"), *_terms(order, account)),
        *(order.client_id, order.perm_id, 0, 0, "0", "", ""),
        *_advisor(version),
        *("", "", "", UNSET, "", 0, "", -1, 0, UNSET, UNSET, UNSET, UNSET, UNSET),
        *(UNSET_INTEGER, 0, 0, 0, UNSET_INTEGER, 3, 0, 0, UNSET, 0, 0, UNSET, 0),
        *("None", UNSET, 0, "", "", "", "?", 0, 0, ""),
        *(0, 0, UNSET, UNSET, UNSET, UNSET_INTEGER, "", 0, 0, 0),
        *(UNSET_INTEGER, UNSET_INTEGER, UNSET, "", 0, "", "IB", 0, 0),
        *(*_algo(order), 0, what_if, "PreSubmitted" if what_if else order.status, *figures, 0, 0, 0),
        *("None", UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, 0, "", "", "", "0", 0, 0, 0, 0),
        *((UNSET_INTEGER,) if version >= 158 else ()),
        *((UNSET_INTEGER,) if version >= 160 else ()),
        *((0,) if version >= 162 else ()),
        *_pegs(version),
    )


def completed_order(version: int, order: Order, listing: Listing, account: str, filled: Decimal) -> bytes:
    done = stamp(order.done_at or order.at)
    return frame(
        *(101, *contract_fields(listing, right="?"), *_terms(order, account)),
        *(order.perm_id, 0, 0, "0", ""),
        *_advisor(version),
        *("", "", "", UNSET, "", 0, "", -1, UNSET, UNSET, UNSET, UNSET, UNSET),
        *(UNSET_INTEGER, 0, 0, UNSET_INTEGER, 3, 0, UNSET, 0),
        *("None", UNSET, 0, 0, 0, ""),
        *(0, 0, UNSET, UNSET, "", 0, 0, 0),
        *(UNSET_INTEGER, UNSET_INTEGER, UNSET, "", "", "IB", 0, 0),
        *(*_algo(order), 0, order.status, 0, 0, 0),
        *(UNSET, UNSET, "0", 0, 0, "", filled, 0, 0, "Not an insider or substantial shareholder", 0, 0),
        *("9223372036854775807", done, order.note or f"Filled Size: {text(filled)}"),
        *_pegs(version),
    )


def _terms(order: Order, account: str) -> tuple[Any, ...]:
    limit = Decimal(0) if order.limit is None else order.limit
    return (order.action, order.quantity, order.kind, limit, "0", order.tif, "", account, "", 0, order.ref)


def _advisor(version: int) -> tuple[str, ...]:
    return ("", "", "", "") if version < 177 else ("", "", "")


def _algo(order: Order) -> tuple[Any, ...]:
    strategy, parameters = order.algo
    return (strategy, len(parameters), *(word for pair in parameters for word in pair)) if strategy else ("",)


def _pegs(version: int) -> tuple[str, ...]:
    return (UNSET_INTEGER, UNSET_INTEGER, UNSET, UNSET, UNSET) if version >= 170 else ()


def order_status(order: Order, filled: Decimal, average: Decimal, last: Decimal) -> bytes:
    remaining = order.quantity - filled
    return frame(*(3, order.order_id, order.status, filled, remaining, average, order.perm_id, 0, last, order.client_id, "", "0"))


def execution(
    version: int, request: int, fill: Fill, order: Order, listing: Listing, account: str, total: tuple[Decimal, Decimal]
) -> bytes:
    """`total` is the quantity filled so far and its average price."""
    return frame(
        *(11, request, order.order_id, *contract_fields(listing, listing.exchange), fill.exec_id, stamp(fill.at), account),
        *(listing.exchange, "BOT" if order.action == "BUY" else "SLD", fill.shares, fill.price, order.perm_id),
        *(order.client_id, 0, *total, order.ref, "", "", "", 2),
        *((0,) if version >= 178 else ()),
    )


def commission(fill: Fill, currency: str) -> bytes:
    return frame(59, 1, fill.exec_id, fill.commission, currency, fill.realized or UNSET, UNSET, "")


def position(account: str, listing: Listing, held: Position) -> bytes:
    """The average cost of an option is of its hundred shares."""
    return frame(61, 3, account, *contract_fields(listing, ""), held.quantity, held.average * multiplier(listing.symbol))


def portfolio(account: str, listing: Listing, held: Position, price: Decimal) -> bytes:
    """The market price is of one share; value and average cost of an option are of its hundred."""
    shares = multiplier(listing.symbol)
    value, cost = held.quantity * price * shares, held.average * shares
    fields = contract_fields(listing, listing.exchange)
    return frame(7, 8, *fields, held.quantity, price, value, cost, value - held.quantity * cost, 0, account)


def bars(request: int, rows: Sequence[tuple[str, float]]) -> bytes:
    """Daily bars of a close alone: volume, average and count are -1, unknown."""
    first, last = (rows[0][0], rows[-1][0]) if rows else ("", "")
    cells = [cell for day, close in rows for cell in (day, close, close, close, close, -1, close, -1)]
    return frame(17, request, f"{first} 00:00:00", f"{last} 23:59:59", len(rows), *cells)
