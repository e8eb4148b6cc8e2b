"""What an account that may only reduce may still do: close positions, bring money home, pay back what it owes."""

from __future__ import annotations

from decimal import Decimal

from portfolio.orders.view import ZERO, GateView, proceeds
from portfolio.types import PlanLine, Side, currency_pair, multiplier

SLACK = Decimal("1.01")  # of what is owed: prices move, and a conversion is of whole units


def reduces(line: PlanLine, view: GateView) -> bool:
    """It brings a position closer to zero; or it spends no more of a currency than is there, and brings money home, or no more
    than pays back a loan and buys back what is short.
    """
    pair = currency_pair(line.symbol)
    if pair is None:
        return line.quantity <= to_close(line, view)
    if any(not view.balance(currency) >= amount for currency, amount in view.outlay(line, line.quantity).items()):
        return False
    gained, _ = proceeds(line, line.quantity)
    return gained == view.base_currency or _less(line, view) < SLACK * owed(gained, view)


def to_close(line: PlanLine, view: GateView) -> Decimal:
    """How much of the line's side brings its position to zero, less what other orders of ours are buying back already (what
    they sell is no longer among the positions); none where the books are no number.
    """
    held = view.positions.get(line.symbol, ZERO)
    if not held.is_finite():
        return ZERO
    return held if line.side is Side.SELL else -held - _being_bought(line.symbol, view, line.ref)


def owed(currency: str, view: GateView) -> Decimal:
    """What is lacking in `currency` to pay back its loan and to buy back what is short in it, less what conversions at work
    will bring; 0 where nothing is.
    """
    short = sum((_buying_back(symbol, view) for symbol in view.positions if view.currency(symbol) == currency), ZERO)
    coming = [i for i in view.sent if not i.state.final and currency_pair(i.symbol)]
    brought = sum((amount for gained, amount in (proceeds(i, i.quantity - i.filled) for i in coming) if gained == currency), ZERO)
    return max(short - view.balance(currency) - brought, ZERO)


def _less(line: PlanLine, view: GateView) -> Decimal:
    """What the conversion brings, had it one increment less."""
    contract = view.contracts.get(line.symbol)
    step = contract.size_increment if contract else ZERO
    return proceeds(line, max(line.quantity - step, ZERO))[1]


def _being_bought(symbol: str, view: GateView, but: str = "") -> Decimal:
    bought = [i for i in view.sent if i.symbol == symbol and i.side is Side.BUY and i.ref != but and not i.state.final]
    return sum((i.quantity - i.filled for i in bought), ZERO)


def _buying_back(symbol: str, view: GateView) -> Decimal:
    """What buying back a short position would take, in its currency; nothing where it has no quote."""
    short, quote = -view.positions[symbol] - _being_bought(symbol, view), view.quotes.get(symbol)
    if not short > 0 or quote is None or quote.dealable is None:
        return ZERO
    return short * (quote.ask or quote.dealable) * multiplier(symbol)
