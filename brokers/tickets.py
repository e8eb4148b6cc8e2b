"""From an admitted line to what is put on the wire."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from portfolio.orders import GateView
from portfolio.types import OrderTicket, PlanLine, Quote, Side


def ticket(line: PlanLine, wire_ref: str, order_id: int, view: GateView, terms: tuple[str, str]) -> OrderTicket:
    """What is put on the wire for a line. terms: account, order type."""
    contract, (account, order_type) = view.contracts[line.symbol], terms
    limit = _limit(line.side, view.quotes[line.symbol], contract.min_tick) if order_type == "limit" else None
    return OrderTicket(wire_ref, order_id, account, contract, line.side, line.quantity, order_type, limit)


def priced(line: PlanLine, view: GateView) -> bool:
    """Whether there is a quote to put a limit at."""
    quote = view.quotes.get(line.symbol)
    return quote is not None and quote.dealable is not None


def _limit(side: Side, quote: Quote, tick: Decimal) -> Decimal:
    """The far side of the quote, on the tick and marketable when it was seen."""
    far = quote.ask if side is Side.BUY else quote.bid
    price = far if far is not None else quote.reference
    assert price is not None
    return (price / tick).to_integral_value(ROUND_CEILING if side is Side.BUY else ROUND_FLOOR) * tick
