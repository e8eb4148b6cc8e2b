"""From wished weights to orders: whole increments as close to the wish as the cash allows, what they cost, and the
conversions that pay for them. Sells first, then conversions, then buys.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from portfolio.errors import Refused
from portfolio.orders.conversions import Conversion, after, conversions, fee_of, under_way
from portfolio.orders.costs import commission_of, square_root_impact
from portfolio.orders.rounding import Lots, whole_lots
from portfolio.orders.sizing import ONE, ZERO, Sizing
from portfolio.types import FloatArray, PlanLine, Side, Weights, currency_pair, multiplier

ROUNDING = 1e-9  # of a position: what the last bits of a weight are off is no share bought or sold
TRIES = 8
HUGE = 1_000_000
CENT = Decimal("0.01")
INFINITE = Decimal("Infinity")
Parts = Mapping[str, Mapping[str, Decimal]]  # symbol -> cause -> signed quantity


@dataclass(frozen=True, slots=True)
class Because:
    """Why: the sentence of each symbol, and what its trade is made of before it is whole."""

    reasons: Mapping[str, str]
    parts: Parts


NO_REASON = Because({}, {})


def order_ref(account: str, plan: str, instrument: str, leg: int) -> str:
    """16 hex digits that name an order for ever: a pure function of what it is for."""
    return hashlib.sha256(f"{account}|{plan}|{instrument}|{leg}".encode()).hexdigest()[:16]


def plan_id(decision: str) -> str:
    """The id of the plan of a decision: a decision has one."""
    return hashlib.sha256(f"plan|{decision}".encode()).hexdigest()[:16]


def plan_orders(wish: Weights, keep: frozenset[str], because: Because, sizing: Sizing) -> tuple[PlanLine, ...]:
    """The orders that bring the account to `wish` (fractions of equity), net of what is at work already.

    keep: symbols that are not traded. After all fills at the quotes' far side, all commissions and conversions, the cash is at
    least the reserve, or nothing is bought; and no balance is below what shall be left in it. `Refused` where a symbol to
    trade or held has no usable quote, or a currency no rate.
    """
    table = _table(wish, keep, sizing)
    deltas, converted = _affordable(table, sizing)
    traded = sorted(deltas, key=lambda s: (deltas[s] > 0, s))
    lines = [_line(s, deltas[s], because, sizing) for s in traded]
    sells = [line for line in lines if line.side is Side.SELL]
    return (*sells, *(_conversion_line(one, sizing) for one in converted), *lines[len(sells) :])


@dataclass(frozen=True, slots=True)
class _Table:
    """The symbols that may trade, in order; arrays have one row each. Money in the account's currency."""

    symbols: tuple[str, ...]
    equity: Decimal
    ideal: FloatArray
    low: FloatArray  # of the increments traded: no long position is sold into a short one, no short one bought into a long one
    high: FloatArray
    held: FloatArray
    value: tuple[Decimal, ...]  # of one increment


def _table(wish: Weights, keep: frozenset[str], sizing: Sizing) -> _Table:
    mine = {s for s, q in (*sizing.account.positions.items(), *sizing.pending.items()) if q and not currency_pair(s)}
    moving = tuple(s for s in sorted(wish) if s not in keep and (wish[s] or s in mine))
    worth = {s: sizing.price(s) * sizing.rate(sizing.currency(s)) for s in sorted({*mine, *moving})}
    rates = {c: sizing.rate(c) for c in sizing.account.foreign}
    equity = sizing.account.equity({s: price / multiplier(s) for s, price in worth.items()}, rates)
    if not equity.is_finite() or equity <= 0:
        raise Refused(f"The account's equity is {equity:.2f}: there is nothing to plan with.", "Fund the account first.")
    value = tuple(worth[s] * sizing.step(s) for s in moving)
    if max(value, default=ONE) > equity * HUGE:
        raise Refused("One increment is worth a million times the account.", "Look at the quotes and the account's cash.")
    ideal = np.array([_increments(s, wish[s], equity, value[i], sizing) for i, s in enumerate(moving)], dtype=float)
    held = np.array([float(sizing.held(s) / sizing.step(s)) for s in moving])
    cap = float(equity) * sizing.max_weight * (1 + ROUNDING) / np.array([float(v) for v in value])
    low, high = _bounds({s: (wish[s], float(x)) for s, x in zip(moving, ideal, strict=True)}, cap, sizing)
    return _Table(moving, equity, ideal, low, high, held, value)


def _bounds(wished: Mapping[str, tuple[float, float]], cap: FloatArray, sizing: Sizing) -> tuple[FloatArray, FloatArray]:
    """(low, high) of the increments traded. No long position is sold into a short one and no short one bought into a long one
    unless that is the wish; what an order at work will bring is not sold before it is there; none rises above its cap.

    wished: symbol -> (weight, ideal increments to trade); a short position is never rounded to a larger one.
    """
    low, high = np.zeros(len(cap)), np.zeros(len(cap))
    for row, (symbol, (weight, ideal)) in enumerate(wished.items()):
        step = sizing.step(symbol)
        there, then = float(sizing.account.positions.get(symbol, ZERO) / step), float(sizing.held(symbol) / step)
        most = min(cap[row], float(sizing.ceilings.get(symbol, INFINITE) / step))
        if (weight or then) < 0:
            low[row] = min(math.ceil(max(-most - then, ideal)), 0.0)
            high[row] = max(math.floor(-max(there, then)), 0.0)
        else:
            low[row] = -max(math.floor(min(there, then)), 0.0)
            high[row] = max(math.floor(most - then), 0.0)
    return low, high


def _increments(symbol: str, weight: float, equity: Decimal, value: Decimal, sizing: Sizing) -> float:
    """How many increments to trade. A weight is a float: what its last bits are off is rounded away, and a fraction of an
    increment that is held stays where all of it shall go.
    """
    held = sizing.held(symbol) / sizing.step(symbol)
    exact = Decimal(repr(float(weight))) * equity / value - held
    whole = exact.to_integral_value()
    size = max(abs(whole + held), ONE)
    return float(whole) if abs(exact - whole) <= Decimal(repr(ROUNDING)) * size else float(exact)


def _affordable(table: _Table, sizing: Sizing) -> tuple[dict[str, Decimal], tuple[Conversion, ...]]:
    """The trades, and the conversions that pay for them: the room for shares is cut by what conversions cost until the cash
    after everything is what it must be, to the cent.
    """
    floor = table.equity * Decimal(repr(sizing.reserve))
    room = _cash(sizing, {}) - floor
    best: tuple[dict[str, Decimal], tuple[Conversion, ...]] | None = None
    for number in range(TRIES):
        found = whole_lots(_lots(table, float(room), sizing))
        steps = found.traded if found.affordable else np.minimum(found.traded, 0.0)
        deltas = {s: int(k) * sizing.step(s) for s, k in zip(table.symbols, steps, strict=True) if k}
        converted, short = _paid(deltas, floor, sizing)
        short = max(short, _beyond(table, steps))
        if short <= 0 or not any(d > 0 for d in deltas.values()):
            best = deltas, converted
            break
        room = min(room, Decimal(repr(found.spent))) - short * 2 ** max(number - 2, 0)
    if best is None:
        deltas = {s: d for s, d in deltas.items() if d < 0}
        best = deltas, _paid(deltas, floor, sizing)[0]
    return ({}, _paid({}, floor, sizing)[0]) if _no_better(best[0], table, floor, sizing) else best


def _no_better(deltas: Mapping[str, Decimal], table: _Table, floor: Decimal, sizing: Sizing) -> bool:
    """Whether holding still is as near to the wish, and keeps the cash: then nothing is traded for nothing."""
    if not deltas or _paid({}, floor, sizing)[1] > 0:
        return False
    traded = np.array([float(deltas.get(s, ZERO) / sizing.step(s)) for s in table.symbols])
    unit = np.array([float(v) for v in table.value])
    still, moved = (float((((k - table.ideal) * unit) ** 2).sum()) for k in (np.zeros(len(traded)), traded))
    return still <= moved


def _paid(deltas: Mapping[str, Decimal], floor: Decimal, sizing: Sizing) -> tuple[tuple[Conversion, ...], Decimal]:
    """(the conversions that pay for the trades, what is lacking in spite of them: of the floor, or in the base currency)."""
    balances = _balances(deltas, sizing)
    converted = conversions(balances, sizing)
    left = after(balances, list(converted), sizing)
    kept = floor - sum((amount * sizing.rate(c) for c, amount in left.items()), ZERO)
    lacking = max(kept, -left[sizing.base]) if sizing.reserve >= 0 else kept
    return converted, lacking + CENT if lacking > 0 else lacking


def _beyond(table: _Table, steps: FloatArray) -> Decimal:
    """By how much what is held afterwards is worth more, longs and shorts added up, than what was wished."""
    wished = np.abs(table.ideal + table.held) @ np.array([float(v) for v in table.value])
    after_it = np.abs(steps + table.held) @ np.array([float(v) for v in table.value])
    return Decimal(repr(float(after_it - wished))) if after_it > wished * (1 + ROUNDING) else ZERO


def _cash(sizing: Sizing, deltas: Mapping[str, Decimal]) -> Decimal:
    """All balances after the trades, in the account's currency."""
    return sum((amount * sizing.rate(c) for c, amount in _balances(deltas, sizing).items()), ZERO)


def _balances(deltas: Mapping[str, Decimal], sizing: Sizing) -> dict[str, Decimal]:
    """Cash by currency once every trade, and every buy and conversion that is at work, was filled at the far side and its
    commission paid.
    """
    left = {sizing.base: sizing.account.cash, **sizing.account.foreign}
    buying = {s: q for s, q in sizing.pending.items() if q > 0 and not currency_pair(s)}
    for symbol, delta in [*deltas.items(), *buying.items()]:
        currency = sizing.currency(symbol)
        left[currency] = left.get(currency, ZERO) - spent(symbol, delta, sizing)
    return after(left, under_way(sizing), sizing)


def spent(symbol: str, delta: Decimal, sizing: Sizing) -> Decimal:
    """Cash that a trade of `delta` takes (or brings), commission included, in the symbol's currency."""
    price = sizing.far(symbol, delta)
    return delta * price + commission_of(sizing.costs, symbol).of(abs(delta), price)


def _lots(table: _Table, room: float, sizing: Sizing) -> Lots:
    symbols = table.symbols
    rate = [sizing.rate(sizing.currency(s)) for s in symbols]
    buy = np.array([float(sizing.far(s, ONE) * sizing.step(s) * r) for s, r in zip(symbols, rate, strict=True)])
    sell = np.array([float(sizing.far(s, -ONE) * sizing.step(s) * r) for s, r in zip(symbols, rate, strict=True)])
    unit = np.array([float(v) for v in table.value])
    least = sizing.minimum_trade / unit
    return Lots(
        ideal=table.ideal,
        unit=unit,
        buy=buy,
        sell=sell,
        low=table.low,
        high=table.high,
        ticket=np.where(np.abs(least - np.round(least)) < ROUNDING, np.round(least), np.ceil(least)),
        fee=_fees(symbols, rate, sizing),
        equity=float(table.equity),
        room=room,
    )


def _fees(symbols: tuple[str, ...], rate: list[Decimal], sizing: Sizing) -> Callable[[FloatArray, Any], FloatArray]:
    """Commissions of increments, in the account's currency: of the shares of the policy's one schedule."""
    step = np.array([float(sizing.step(s)) for s in symbols])
    price = np.array([float(sizing.price(s)) for s in symbols])
    base = np.array([float(r) for r in rate])
    schedule = commission_of(sizing.costs, "")

    def fee(increments: FloatArray, rows: Any) -> FloatArray:
        some: FloatArray = schedule.about(increments * step[rows], price[rows]) * base[rows]
        return some

    return fee


def _line(symbol: str, delta: Decimal, because: Because, sizing: Sizing) -> PlanLine:
    instrument = sizing.instruments.get(symbol, symbol)
    told = {cause: part for cause, part in because.parts.get(symbol, {}).items() if part}
    left = delta - sum(told.values(), ZERO)
    if told and abs(left) < Decimal(repr(ROUNDING)):  # the last bits of a weight are no cause of their own
        largest = max(told, key=lambda cause: abs(told[cause]))
        told[largest] += left
        left = ZERO
    parts = {**told, "rounding": left}
    return PlanLine(
        ref=order_ref(sizing.account_name, plan_id(sizing.decision), instrument, 0),
        instrument=instrument,
        symbol=symbol,
        side=Side.BUY if delta > 0 else Side.SELL,
        quantity=abs(delta),
        price=sizing.price(symbol) / multiplier(symbol),
        currency=sizing.currency(symbol),
        reason=because.reasons.get(symbol, ""),
        rate=sizing.rate(sizing.currency(symbol)),
        parts={cause: part for cause, part in parts.items() if part},
        cost=_cost(symbol, delta, sizing),
    )


def _cost(symbol: str, delta: Decimal, sizing: Sizing) -> Decimal:
    """Expected, in the symbol's currency: commission, the way to the far side of the quote, and the impact where the day's
    volume and volatility are known.
    """
    price, far, size = sizing.price(symbol), sizing.far(symbol, delta), abs(delta)
    paid = commission_of(sizing.costs, symbol).of(size, far) + size * abs(far - price)
    volume, volatility = sizing.daily.get(symbol, (0.0, 0.0))
    concession = square_root_impact(float(size), volume, volatility, sizing.costs.impact)
    impact = Decimal(repr(concession)) * size * price if np.isfinite(concession) else ZERO
    return (paid + impact).quantize(Decimal("0.01"))


def _conversion_line(one: Conversion, sizing: Sizing) -> PlanLine:
    second = one.symbol.partition(".")[2]
    rate = sizing.rate(second)
    fee = fee_of(one, sizing) / rate
    return PlanLine(
        ref=order_ref(sizing.account_name, plan_id(sizing.decision), f"FX:{one.symbol}", 0),
        instrument=f"FX:{one.symbol}",
        symbol=one.symbol,
        side=Side.BUY if one.delta > 0 else Side.SELL,
        quantity=abs(one.delta),
        price=one.price,
        currency=second,
        reason=f"{one.needed:,.2f} {one.currency} are lacking once the shares are traded",
        rate=rate,
        parts={"cash": one.delta},
        cost=(fee + abs(one.delta) * abs(one.far - one.price)).quantize(Decimal("0.01")),
    )


__all__ = ["NO_REASON", "Because", "Sizing", "order_ref", "plan_id", "plan_orders", "spent"]
