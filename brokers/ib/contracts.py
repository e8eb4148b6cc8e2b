"""Contracts by kind: what of ours is what of Interactive Brokers'."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.ib.hours import session
from brokers.ib.states import exact
from brokers.ib.symbols import Symbols
from portfolio.types import Contract, ContractKind, contract_kind, currency_pair, option_terms

CURRENCY_MARKET = "IDEALPRO"


def wanted(symbols: Symbols, symbol: str, con_id: int = 0) -> Any:
    """The contract to ask for, or to deal in, in the library's words."""
    from brokers.ib.client import library

    pair, option = currency_pair(symbol), option_terms(symbol)
    about: dict[str, Any] = {"secType": "STK", "symbol": symbols.theirs(symbol), "exchange": "SMART"}
    if pair:
        about = {"secType": "CASH", "symbol": pair[0], "exchange": CURRENCY_MARKET}
    elif option:
        about = {"secType": "OPT", "symbol": symbols.theirs(option.underlying), "exchange": "SMART", "right": option.right}
        about |= {"lastTradeDateOrContractMonth": f"{option.expiry:%Y%m%d}", "strike": float(option.strike), "multiplier": "100"}
    return library.Contract(conId=con_id, currency=symbols.currency(symbol), **about)


def told(symbol: str, details: Any, now: datetime) -> Contract:
    """The broker's description of `symbol` in our words; its hours are those of the exchange's present day."""
    what = details.contract
    hours = session(details.liquidHours, details.timeZoneId, now) if details.liquidHours else None
    return Contract(
        symbol=symbol,
        con_id=what.conId,
        currency=what.currency,
        exchange=what.primaryExchange or what.exchange,
        min_tick=exact(details.minTick),
        size_increment=exact(details.sizeIncrement) or Decimal(1),
        session_open=hours[0] if hours else None,
        session_close=hours[1] if hours else None,
    )


def algorithm(symbol: str, order_type: str) -> str:
    """The algorithm of an order: currencies and options have none."""
    return "Adaptive" if order_type == "adaptive" and contract_kind(symbol) is ContractKind.STOCK else ""
