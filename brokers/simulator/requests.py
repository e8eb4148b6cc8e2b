"""What clients send, read into values. Field order: the public client sources, server versions 157 to 178."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from brokers.simulator.wire import Fields
from portfolio.types import OptionTerms


@dataclass(frozen=True, slots=True)
class ContractRequest:
    con_id: int
    symbol: str
    kind: str  # STK, CASH or OPT
    exchange: str
    primary: str
    currency: str
    option: str = ""  # our symbol of an option, where the message describes one


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A placeOrder message: what of it this gateway heeds."""

    order_id: int
    contract: ContractRequest
    action: str
    quantity: Decimal | None
    kind: str  # MKT, LMT, MOC
    limit: Decimal | None
    tif: str
    account: str
    ref: str
    transmit: bool
    outside_rth: bool
    algo: str
    algo_parameters: tuple[tuple[str, str], ...]
    what_if: bool


def contract(fields: Fields) -> ContractRequest:
    """The twelve fields of a contract."""
    con_id, symbol, kind = fields.number(), fields.text(), fields.text()
    last, strike, right = fields.text(), fields.decimal(), fields.text()
    fields.skip(1)  # multiplier
    exchange, primary, currency = fields.text(), fields.text(), fields.text()
    local, _trading_class = fields.text(), fields.text()
    option = _option(symbol, last, strike, right) if kind == "OPT" else ""
    return ContractRequest(con_id, symbol or local, kind, exchange, primary, currency, option)


def _option(symbol: str, last: str, strike: Decimal | None, right: str) -> str:
    """Our symbol, or nothing where the terms are not whole."""
    try:
        expiry = datetime.strptime(last[:8], "%Y%m%d").date()  # noqa: DTZ007  a day has no zone
    except ValueError:
        return ""
    if strike is None or not strike.is_finite() or strike <= 0 or right[:1] not in {"C", "P"}:
        return ""
    return OptionTerms(symbol.replace(" ", "."), expiry, right[:1], strike).symbol


def order(fields: Fields, version: int) -> OrderRequest:
    """A placeOrder message after its id 3, up to the what-if flag."""
    order_id, what = fields.number(), contract(fields)
    fields.skip(2)  # secIdType, secId
    action, quantity, kind, limit = fields.text(), fields.decimal(), fields.text(), fields.decimal()
    fields.skip(1)  # auxPrice
    tif = fields.text()
    fields.skip(1)  # ocaGroup
    account = fields.text()
    fields.skip(2)  # openClose, origin
    ref, transmit = fields.text(), fields.flag()
    fields.skip(5)  # parentId, blockOrder, sweepToFill, displaySize, triggerMethod
    outside_rth = fields.flag()
    fields.skip(1)  # hidden
    if what.kind != "BAG":
        _skip_to_algo(fields, version)
        algo, parameters, what_if = _algo(fields)
    else:
        algo, parameters, what_if = "", (), False
    return OrderRequest(
        order_id, what, action, quantity, kind, limit, tif, account, ref, transmit, outside_rth, algo, parameters, what_if
    )


def _skip_to_algo(fields: Fields, version: int) -> None:
    fields.skip(7 + (1 if version < 177 else 0))  # allocation .. faPercentage, faProfile below 177
    fields.skip(1 + 3 + 1 + 2 + 3)  # modelCode, short sale, ocaType, rule80A, settlingFirm, allOrNone, minQty, percentOffset
    fields.skip(3 + 1 + 5 + 1 + 2)  # deprecated, auctionStrategy, box and range, override, volatility
    if fields.text():  # deltaNeutralOrderType
        fields.skip(8)
    fields.skip(1 + 2 + 2 + 2)  # auxPrice, continuousUpdate, reference, trail, scale sizes
    if (fields.decimal() or 0) > 0:  # scalePriceIncrement
        fields.skip(7)
    fields.skip(3)  # scaleTable, activeStartTime, activeStopTime
    if fields.text():  # hedgeType
        fields.skip(1)
    fields.skip(4)  # optOutSmartRouting, clearing, notHeld
    if fields.flag():  # delta neutral contract
        fields.skip(3)


def _algo(fields: Fields) -> tuple[str, tuple[tuple[str, str], ...], bool]:
    strategy = fields.text()
    count = fields.number() if strategy else 0
    parameters = tuple((fields.text(), fields.text()) for _ in range(count))
    fields.skip(1)  # algoId
    return strategy, parameters, fields.flag()
