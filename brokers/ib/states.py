"""IB's words in ours, totally. A word that is missing here raises `Broken` and names this file."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from portfolio.errors import Broken
from portfolio.types import OrderState, Side

UNSET = 1e300  # IB writes "unset" as the largest double

OPEN = {
    "ApiPending": OrderState.ACKED,
    "PendingSubmit": OrderState.ACKED,
    "PendingCancel": OrderState.ACKED,
    "PreSubmitted": OrderState.ACKED,
    "Submitted": OrderState.ACKED,
    "Filled": OrderState.FILLED,
    "Cancelled": OrderState.CANCELLED,
    "ApiCancelled": OrderState.CANCELLED,
    "Inactive": OrderState.UNKNOWN,  # refused, or held and able to fill later: a person must look
}
COMPLETED = OPEN | {"Inactive": OrderState.REJECTED}

# Errors about an order that mean: this order does not exist. Every other code is a note about one that may live.
DEAD = {
    103: "duplicate order id",
    105: "the id belongs to an open order",
    106: "cannot transmit the order",
    107: "cannot transmit an incomplete order",
    109: "price out of range",
    110: "price not on the tick",
    111: "tif and order type do not agree",
    113: "tif must be DAY",
    116: "the order cannot go to this exchange",
    135: "no such order",
    200: "unknown contract",
    201: "rejected",
    203: "not allowed for this account",
    320: "the request cannot be read",
    321: "the request is not valid, or the API is read-only",
    322: "the request cannot be processed",
    387: "order type not supported here",
    388: "order too small",
    434: "order size zero",
    435: "the account is missing",
    436: "an allocation is missing",
    442: "algorithm not valid",
    463: "limit price missing",
    10243: "fractional size",
    10268: "eTradeOnly is not supported",
    10289: "cash quantity needed",
}
LIVE = {202, 399, 404, 492, 2109, 10147, 10148, 10167, 10349}  # the picture says what became of it


def exact(value: Any) -> Decimal:
    """A wire number as a Decimal, whole numbers without a fraction.

    >>> exact(100.0), exact(172.98)
    (Decimal('100'), Decimal('172.98'))
    """
    number = Decimal(str(value))
    return number.quantize(Decimal(1)) if number == number.to_integral_value() and abs(number) < 10**20 else number


def state_of(status: str, completed: bool) -> OrderState:
    """Our state for a status that the broker sent of an open or a completed order."""
    known = COMPLETED if completed else OPEN
    if status not in known:
        raise Broken(f"The broker sent the order state {status!r}, which is unknown.", "Teach it to brokers/ib/states.py.")
    return known[status]


def signed(side: str, shares: Any) -> Decimal:
    """Signed shares of an execution: BOT is +, SLD is -."""
    if side not in {"BOT", "SLD"}:
        raise Broken(f"The broker sent the execution side {side!r}, which is unknown.", "Teach it to brokers/ib/states.py.")
    return exact(shares) if side == "BOT" else -exact(shares)


def side_of(action: str) -> Side:
    if action == "SSHORT":
        return Side.SELL
    if action not in {"BUY", "SELL"}:
        raise Broken(f"The broker sent the action {action!r}, which is unknown.", "Teach it to brokers/ib/states.py.")
    return Side(action)


def commission_of(value: Any) -> Decimal | None:
    """A commission, or None where it is unset or negative: unknown until a good report has come."""
    number = Decimal(str(value))
    return exact(value) if number.is_finite() and 0 <= number < Decimal(UNSET) else None


def money_of(value: Any) -> Decimal | None:
    """An amount as it is told in words, or None where it is empty, unset or no number."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return exact(value) if number.is_finite() and abs(number) < Decimal(UNSET) else None


def size_of(value: Any) -> Decimal | None:
    """A quoted size, which may be zero, or None where IB says "none" (-1, NaN, unset)."""
    number = Decimal(str(value))
    return exact(value) if number.is_finite() and 0 <= number < Decimal(UNSET) else None


def price_of(value: Any) -> Decimal | None:
    """A quoted price, or None where IB says "none" (-1, 0, NaN, unset)."""
    number = Decimal(str(value))
    return exact(value) if number.is_finite() and 0 < number < Decimal(UNSET) else None
