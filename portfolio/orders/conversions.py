"""Conversions: which currencies must be bought, so that no balance falls below what shall be left in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from portfolio.orders.costs import conversion_commission
from portfolio.orders.sizing import ONE, ZERO, Sizing
from portfolio.types import currency_pair

MORE = Decimal("1.003")  # of what is lacking: prices move until the shares are bought, and no balance may go below zero
CENT = Decimal("0.01")
SPARE = Decimal("0.01")  # more than is needed, in the currency bought: what rounding to cents may take


@dataclass(frozen=True, slots=True)
class Conversion:
    """One trade in a pair: signed units of its first currency; `needed` of `currency` was lacking."""

    symbol: str
    delta: Decimal
    price: Decimal  # the mid
    far: Decimal  # what is dealt at
    currency: str
    needed: Decimal

    def moves(self, base: str, fee: Decimal) -> dict[str, Decimal]:
        """What it does to each balance; the fee is in the base currency."""
        first, second = self.symbol.split(".")
        out = {first: self.delta, second: -self.delta * self.far}
        out[base] = out.get(base, ZERO) - fee
        return out


def fee_of(one: Conversion, sizing: Sizing) -> Decimal:
    """The commission, in the base currency."""
    first = one.symbol.partition(".")[0]
    return conversion_commission(sizing.costs, sizing.base).of(abs(one.delta), sizing.rate(first))


def conversions(balances: Mapping[str, Decimal], sizing: Sizing) -> tuple[Conversion, ...]:
    """What brings each foreign balance up to what shall be left in it, paid from the base currency; and where that one then
    lacks money, what brings it back from the foreign ones that have more than they need, the largest first.

    balances: currency -> cash once the shares are traded.
    """
    out = []
    left = dict(balances)
    for currency in sorted(c for c in {*balances, *sizing.balances} if c != sizing.base):
        target = sizing.balances.get(currency, ZERO)
        lacking = target - left.get(currency, ZERO)
        if lacking > 0 and not (target < 0 and _small(currency, lacking, sizing)):
            out.append(_bought(currency, lacking * (ONE if target < 0 else MORE), sizing))
        elif target < 0 and lacking < 0:
            out += _lent(currency, -lacking, sizing)
    left = after(left, out, sizing)
    return (*out, *_back(left, {c.currency for c in out}, sizing))


def under_way(sizing: Sizing) -> list[Conversion]:
    """The conversions that are at work at the broker, dealt at the far side."""
    out = []
    for symbol, delta in sorted(sizing.pending.items()):
        first, _, second = symbol.partition(".")
        if delta and currency_pair(symbol):
            _, mid, far = _dealt(second if first == sizing.base else first, sizing, bought=(delta > 0) is (first != sizing.base))
            out.append(Conversion(symbol, delta, mid, far, first, abs(delta)))
    return out


def after(balances: Mapping[str, Decimal], done: list[Conversion], sizing: Sizing) -> dict[str, Decimal]:
    """The balances once the conversions are dealt and paid."""
    left = dict(balances)
    for one in done:
        for currency, moved in one.moves(sizing.base, fee_of(one, sizing)).items():
            left[currency] = left.get(currency, ZERO) + moved
    return left


def _back(left: Mapping[str, Decimal], done: set[str], sizing: Sizing) -> list[Conversion]:
    """Into the base currency, where it lacks money: from the currency that has most to spare, and so on."""
    floor = min(ZERO, _value(left, sizing)) if sizing.reserve < 0 else ZERO
    lacking, out = floor - left.get(sizing.base, ZERO), []
    spare = {c: left[c] - sizing.balances.get(c, ZERO) for c in left if c != sizing.base and c not in done}
    worth = {c: amount * sizing.rate(c) for c, amount in spare.items() if amount > 0}
    for currency in sorted(worth, key=lambda c: (-worth[c], c)):
        if lacking <= 0:
            break
        fee = fee_of(_paid(currency, lacking, spare[currency], sizing), sizing)
        fee = fee_of(_paid(currency, lacking + 2 * fee, spare[currency], sizing), sizing)
        found = _paid(currency, lacking + fee, spare[currency], sizing)
        if found.delta:
            out.append(found)
            lacking -= found.moves(sizing.base, fee_of(found, sizing))[sizing.base]
    return out


def _value(balances: Mapping[str, Decimal], sizing: Sizing) -> Decimal:
    return sum((amount * sizing.rate(c) for c, amount in balances.items()), ZERO)


def _bought(currency: str, amount: Decimal, sizing: Sizing) -> Conversion:
    """At least `amount` of `currency`."""
    symbol, mid, far = _dealt(currency, sizing, bought=True)
    step = sizing.step(symbol)
    units = amount + SPARE if symbol.startswith(currency) else -(amount + SPARE) / far
    return Conversion(symbol, _away(units, step), mid, far, currency, amount)


def _paid(currency: str, worth: Decimal, spare: Decimal, sizing: Sizing) -> Conversion:
    """So much of `currency` that `worth` of the base currency comes of it, but at most `spare` of it."""
    symbol, mid, far = _dealt(currency, sizing, bought=False)
    step = sizing.step(symbol)
    if symbol.startswith(currency):
        units = max(_away(-(worth + SPARE) / far, step), _near(-spare, step))
    else:
        units = min(_away(worth + SPARE, step), _near(spare / far, step))
    return Conversion(symbol, units, mid, far, sizing.base, worth)


def _lent(currency: str, amount: Decimal, sizing: Sizing) -> list[Conversion]:
    """At most `amount` of `currency` is sold for the base currency: a loan in it that hedges. Nothing below a ticket."""
    symbol, mid, far = _dealt(currency, sizing, bought=False)
    units = -amount if symbol.startswith(currency) else amount / far
    found = Conversion(symbol, _near(units, sizing.step(symbol)), mid, far, currency, amount)
    return [] if _small(currency, amount, sizing) or not found.delta else [found]


def _small(currency: str, amount: Decimal, sizing: Sizing) -> bool:
    """Whether it is worth less than a ticket, or than a cent: the last bits of a weight."""
    return amount * sizing.rate(currency) < max(Decimal(str(sizing.minimum_trade)), CENT)


def _dealt(currency: str, sizing: Sizing, *, bought: bool) -> tuple[str, Decimal, Decimal]:
    """(pair, its mid, its far side) where `currency` is bought or sold for the base currency."""
    symbol, quote = sizing.pair(currency)
    side = quote.ask if bought is symbol.startswith(currency) else quote.bid
    mid = quote.dealable
    assert mid is not None
    return symbol, mid, side if side is not None and side > 0 else mid


def _away(units: Decimal, step: Decimal) -> Decimal:
    """To whole steps, away from zero."""
    return (units / step).to_integral_value(ROUND_UP) * step


def _near(units: Decimal, step: Decimal) -> Decimal:
    """To whole steps, towards zero."""
    return (units / step).to_integral_value(ROUND_DOWN) * step
