"""From wished weights to orders: whole increments as close to the wish as the cash allows, what they cost, and the
conversions that pay for them. Sells first, then conversions, then buys.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from portfolio.errors import Refused
from portfolio.orders.conversions import Conversion, after, conversions, under_way
from portfolio.orders.costs import commission_of
from portfolio.orders.lines import NO_REASON, ROUNDING, Because, conversion_line, line_of, order_ref, plan_id
from portfolio.orders.rounding import Lots, whole_lots
from portfolio.orders.sizing import ONE, ZERO, Sizing
from portfolio.types import FloatArray, PlanLine, Side, Weights, currency_pair, multiplier, option_terms

TRIES = 8
HUGE = 1_000_000
OPTION = "SPY230120P00360000"  # any one: the schedule is the same for all
CENT = Decimal("0.01")
INFINITE = Decimal("Infinity")


def plan_orders(wish: Weights, keep: frozenset[str], because: Because, sizing: Sizing) -> tuple[PlanLine, ...]:
    """The orders that bring the account to `wish` (fractions of equity), net of what is at work already.

    keep: symbols that are not traded. After all fills at the quotes' far side, all commissions and conversions, the cash is at
    least the reserve, or nothing is bought; and no balance is below what shall be left in it. `Refused` where a symbol to
    trade or held has no usable quote, or a currency no rate.
    """
    table = _table(wish, keep, sizing)
    deltas, converted = _affordable(table, sizing)
    traded = sorted(deltas, key=lambda s: (deltas[s] > 0, s))
    wanted = _deltas(table, _contracts(table, sizing), sizing)
    lines = [line_of(s, deltas[s], because, sizing, wanted.get(s)) for s in traded]
    sells = [line for line in lines if line.side is Side.SELL]
    return (*sells, *(conversion_line(one, sizing) for one in converted), *lines[len(sells) :])


_Trades = tuple[dict[str, Decimal], tuple[Conversion, ...]]  # signed quantities, and the conversions that pay for them


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
    price = {s: sizing.price(s) if s in moving else sizing.worth(s) for s in sorted({*mine, *moving})}
    worth = {s: each * sizing.rate(sizing.currency(s)) for s, each in price.items()}
    rates = {c: sizing.rate(c) for c in sizing.account.foreign}
    equity = sizing.account.equity({s: each / multiplier(s) for s, each in worth.items()}, rates)
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
    unless that is the wish; what an order at work will bring is not sold before it is there; none rises above its cap, and no
    long one stays above it where the wish is within.

    wished: symbol -> (weight, ideal increments to trade); a short position is never rounded to a larger one.
    """
    low, high = np.zeros(len(cap)), np.zeros(len(cap))
    for row, (symbol, (weight, ideal)) in enumerate(wished.items()):
        step = sizing.step(symbol)
        there, then = float(sizing.account.positions.get(symbol, ZERO) / step), float(sizing.held(symbol) / step)
        most = min(cap[row], float(sizing.ceilings.get(symbol, INFINITE) / step))
        if (weight or then) < 0:
            high[row] = max(math.floor(-max(there, then)), 0.0)
            low[row] = min(math.ceil(max(-most - then, ideal)), 0.0)
        else:
            low[row] = -max(math.floor(min(there, then)), 0.0)
            over = ideal <= most - then < 0.0
            high[row] = max(math.floor(most - then), low[row] if over else 0.0)
    return low, high


def _increments(symbol: str, weight: float, equity: Decimal, value: Decimal, sizing: Sizing) -> float:
    """How many increments to trade. A weight is a float: what its last bits are off is rounded away, and a fraction of an
    increment that is held stays where all of it shall go.
    """
    held = sizing.held(symbol) / sizing.step(symbol)
    most = sizing.ceilings.get(symbol, INFINITE) / sizing.step(symbol)
    exact = max(min(Decimal(repr(float(weight))) * equity / value, most), -most) - held
    whole = exact.to_integral_value()
    size = max(abs(whole + held), ONE)
    return float(whole) if abs(exact - whole) <= Decimal(repr(ROUNDING)) * size else float(exact)


def _affordable(table: _Table, sizing: Sizing) -> _Trades:
    """The trades, and the conversions that pay for them. The contracts of a hedge come first, as many as were asked for; where
    the cash does not pay for them, whatever else is left undone, as many as it does.
    """
    floor = table.equity * Decimal(repr(sizing.reserve))
    wanted = _contracts(table, sizing)
    found, low, high = _within(table, wanted, floor, sizing), 0, int(wanted.max(initial=0.0))
    while high - low > 1 and (found is None or low):
        middle = (low + high) // 2
        fewer = _within(table, np.minimum(wanted, middle), floor, sizing)
        low, high, found = (middle, high, fewer) if fewer else (low, middle, found)
    if found is not None and wanted.any():
        return found
    best = found or _within(table, np.zeros(len(wanted)), floor, sizing)
    assert best is not None
    return ({}, _paid({}, floor, sizing)[0]) if _no_better(best[0], table, floor, sizing) else best


def _contracts(table: _Table, sizing: Sizing) -> FloatArray:
    """The whole contracts to buy of each option; 0 of everything else, and of what is worth no ticket."""
    options = np.array([option_terms(s) is not None for s in table.symbols], bool)
    unit = np.array([float(v) for v in table.value])
    whole = np.minimum(np.floor(table.ideal + ROUNDING), table.high)
    out: FloatArray = np.where(options & (whole > 0) & (whole * unit >= sizing.minimum_trade), whole, 0.0)
    return out


def _within(table: _Table, contracts: FloatArray, floor: Decimal, sizing: Sizing) -> _Trades | None:
    """The trades with these contracts: the room for shares is cut by what they and conversions cost, until the cash after
    everything is what it must be, to the cent. None where even without a purchase of shares it does not pay for the contracts.
    """
    rest = replace(table, low=np.where(contracts > 0, 0.0, table.low), high=np.where(contracts > 0, 0.0, table.high))
    room, tight = _cash(sizing, _deltas(table, contracts, sizing)) - floor, False
    for number in range(TRIES):
        found = whole_lots(_lots(rest, float(room), sizing))
        shares = found.traded if found.affordable else np.minimum(found.traded, 0.0)
        deltas = _deltas(table, shares + contracts, sizing)
        converted, short = _paid(deltas, floor, sizing)
        over = _beyond(table, shares + contracts, tight)
        if max(short, over) <= 0:
            return deltas, converted
        if short <= 0 and not tight:  # what is sold is rounded up before what is bought is cut, which may be a short bought back
            rest, tight = replace(rest, high=_sold_enough(rest)), True
            continue
        short = max(short, over)
        if not (shares > 0).any():
            break
        room = min(room, Decimal(repr(found.spent))) - short * 2 ** max(number - 2, 0)
    deltas = _deltas(table, np.minimum(shares, 0.0) + contracts, sizing)
    converted, short = _paid(deltas, floor, sizing)
    return None if short > 0 and contracts.any() else (deltas, converted)


def _sold_enough(table: _Table) -> FloatArray:
    """The most increments of each where no long position that shall shrink stays above its wish."""
    shrinks = (table.held > 0) & (table.ideal < 0)
    out: FloatArray = np.where(shrinks, np.maximum(np.floor(table.ideal), table.low), table.high)
    return out


def _deltas(table: _Table, steps: FloatArray, sizing: Sizing) -> dict[str, Decimal]:
    return {s: int(k) * sizing.step(s) for s, k in zip(table.symbols, steps, strict=True) if k}


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


def _beyond(table: _Table, steps: FloatArray, tight: bool) -> Decimal:
    """By how much what is held afterwards is worth more, longs and shorts added up, than what was wished. tight: where nothing
    is bought but shorts back, or than what is held, if that is more: what is too small to be sold may stay.
    """
    value = np.array([float(v) for v in table.value])
    most, after_it = np.abs(table.ideal + table.held) @ value, np.abs(steps + table.held) @ value
    if tight and not ((steps > 0) & (table.held >= 0)).any():
        most = max(most, np.abs(table.held) @ value)
    return Decimal(repr(float(after_it - most))) if after_it > most * (1 + ROUNDING) else ZERO


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
    """Commissions of increments, in the account's currency: shares by the policy's one schedule, options each by theirs."""
    step = np.array([float(sizing.step(s)) for s in symbols])
    price = np.array([float(sizing.price(s)) for s in symbols])
    base = np.array([float(r) for r in rate])
    shares, options = commission_of(sizing.costs, ""), commission_of(sizing.costs, OPTION)
    apart = np.array([bool(option_terms(s)) for s in symbols], bool)

    def fee(increments: FloatArray, rows: Any) -> FloatArray:
        units, each = increments * step[rows], price[rows]
        some = shares.about(units, each)
        if apart.any():
            some = np.where(apart[rows], options.about(units, each), some)
        paid: FloatArray = some * base[rows]
        return paid

    return fee


__all__ = ["NO_REASON", "Because", "Sizing", "order_ref", "plan_id", "plan_orders", "spent"]
