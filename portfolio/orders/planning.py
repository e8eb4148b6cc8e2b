"""Whole shares: as close to the wished weights as the cash allows, sells first, small tickets left out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_FLOOR, Decimal

from portfolio.errors import Refused
from portfolio.orders.costs import ib_fixed_commission
from portfolio.types import Account, PlanLine, Quote, Side, Weights

ONE = Decimal(1)
ROUNDING = Decimal("1e-9")  # of a position


@dataclass(frozen=True, slots=True)
class Sizing:
    """What the planner needs beside the weights. increments: the smallest tradable quantity of a symbol (1 if absent)."""

    decision: str
    account_name: str
    session: date
    account: Account
    quotes: Mapping[str, Quote]
    instruments: Mapping[str, str]  # symbol -> instrument
    increments: Mapping[str, Decimal]
    reserve: float  # of equity, kept in cash after fees
    minimum_trade: float  # in the account's currency
    max_weight: float = 1.0  # of equity; rounding lifts no symbol above it


def order_ref(account: str, plan: str, instrument: str, leg: int) -> str:
    """16 hex digits that name an order for ever: a pure function of what it is for."""
    return hashlib.sha256(f"{account}|{plan}|{instrument}|{leg}".encode()).hexdigest()[:16]


def plan_id(decision: str) -> str:
    """The id of the plan of a decision: a decision has one."""
    return hashlib.sha256(f"plan|{decision}".encode()).hexdigest()[:16]


def plan_orders(wish: Weights, keep: frozenset[str], reasons: Mapping[str, str], sizing: Sizing) -> tuple[PlanLine, ...]:
    """The orders that bring the account to `wish` (fractions of equity): whole shares, sells before buys.

    keep: symbols that are not traded. The cash after all fills at the quotes' far side and their commissions is at least
    the reserve, or no buy is left. `Refused` where a symbol to trade or held has no usable quote.
    """
    held = {s for s, q in sizing.account.positions.items() if q}
    prices = {s: _price(s, sizing) for s in sorted({*held, *(s for s, w in wish.items() if w and s not in keep)})}
    equity = sizing.account.equity(prices)
    if not equity.is_finite() or equity <= 0:
        raise Refused(f"The account's equity is {equity:.2f}: there is nothing to plan with.", "Fund the account first.")
    targets = _whole_shares({s: w for s, w in wish.items() if s in prices and s not in keep}, prices, equity, sizing)
    deltas = {s: _tradable(t - sizing.account.positions.get(s, Decimal(0)), _step(s, sizing)) for s, t in targets.items()}
    deltas = {s: d for s, d in deltas.items() if d and abs(d) * prices[s] >= Decimal(str(sizing.minimum_trade))}
    deltas = _within_cash(deltas, prices, equity, sizing)
    ordered = sorted(deltas, key=lambda s: (deltas[s] > 0, s))
    return tuple(_line(s, deltas[s], prices[s], reasons.get(s, ""), sizing) for s in ordered)


def _price(symbol: str, sizing: Sizing) -> Decimal:
    quote = sizing.quotes.get(symbol)
    price = quote.dealable if quote and quote.currency == sizing.account.currency else None
    if price is None:
        raise Refused(
            f"There is no usable quote for {symbol} in {sizing.account.currency}.",
            "Check the gateway's market data, then run again.",
            symbol=symbol,
        )
    return price


def _step(symbol: str, sizing: Sizing) -> Decimal:
    return sizing.increments.get(symbol, ONE)


def _tradable(delta: Decimal, step: Decimal) -> Decimal:
    """The part of `delta` that is whole increments: a fraction of a share that is held stays."""
    return (delta / step).to_integral_value(ROUND_DOWN) * step


def _increments(weight: float, equity: Decimal, cost: Decimal) -> Decimal:
    """How many increments of `cost` each a weight is worth. A weight is a float: what its last bits are off (1e-9 of the
    position) is no share bought or sold.
    """
    exact = Decimal(repr(float(weight))) * equity / cost
    whole = exact.to_integral_value()
    return whole if abs(exact - whole) <= ROUNDING * max(abs(whole), ONE) else exact


def _whole_shares(wish: Weights, prices: Mapping[str, Decimal], equity: Decimal, sizing: Sizing) -> dict[str, Decimal]:
    """Floor every target, then give single increments to the largest remainders while the sum of the wish allows it and
    none rises above `max_weight`.
    """
    cost = {s: _step(s, sizing) * prices[s] for s in wish}
    exact = {s: _increments(w, equity, cost[s]) for s, w in wish.items()}
    whole = {s: n.to_integral_value(ROUND_FLOOR) for s, n in exact.items()}
    left = sum(((exact[s] - whole[s]) * cost[s] for s in sorted(exact)), Decimal(0))
    cap = Decimal(repr(sizing.max_weight)) * equity * (1 + ROUNDING)
    for symbol in sorted(exact, key=lambda s: (whole[s] - exact[s], s)):
        lifted = (whole[symbol] + 1) * cost[symbol]
        if exact[symbol] > whole[symbol] and cost[symbol] <= left and lifted <= cap:
            whole[symbol] += 1
            left -= cost[symbol]
    return {s: n * _step(s, sizing) for s, n in whole.items()}


def _within_cash(
    deltas: dict[str, Decimal], prices: Mapping[str, Decimal], equity: Decimal, sizing: Sizing
) -> dict[str, Decimal]:
    """Take increments off the largest buys until the cash after everything is at least the reserve."""
    floor = equity * Decimal(repr(sizing.reserve))
    planned = dict(deltas)
    while (short := floor - cash_after(planned, sizing)) > 0:
        buys = [s for s, d in planned.items() if d > 0]
        if not buys:
            return planned
        symbol = max(buys, key=lambda s: (planned[s] * _far_side(sizing.quotes[s], ONE), s))
        cost = _step(symbol, sizing) * _far_side(sizing.quotes[symbol], ONE)
        drop = max((short / cost / len(buys)).to_integral_value(ROUND_FLOOR), ONE) * _step(symbol, sizing)
        planned[symbol] -= min(drop, planned[symbol])
        if planned[symbol] * prices[symbol] < Decimal(str(sizing.minimum_trade)) or not planned[symbol]:
            del planned[symbol]
    return planned


def cash_after(deltas: Mapping[str, Decimal], sizing: Sizing) -> Decimal:
    """Cash once every delta (signed shares) was filled at the quote's far side and its commission paid."""
    cash = sizing.account.cash
    for symbol, delta in deltas.items():
        price = _far_side(sizing.quotes[symbol], delta)
        cash -= delta * price + ib_fixed_commission(abs(delta), price)
    return cash


def _far_side(quote: Quote, delta: Decimal) -> Decimal:
    """What a taker pays: the ask when buying, the bid when selling; the reference where that side is absent."""
    side = quote.ask if delta > 0 else quote.bid
    price = side if side is not None and side > 0 else quote.reference
    assert price is not None
    return price


def _line(symbol: str, delta: Decimal, price: Decimal, reason: str, sizing: Sizing) -> PlanLine:
    instrument = sizing.instruments[symbol]
    return PlanLine(
        ref=order_ref(sizing.account_name, plan_id(sizing.decision), instrument, 0),
        instrument=instrument,
        symbol=symbol,
        side=Side.BUY if delta > 0 else Side.SELL,
        quantity=abs(delta),
        price=price,
        currency=sizing.account.currency,
        reason=reason,
    )
