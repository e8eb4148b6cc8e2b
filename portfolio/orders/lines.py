"""The lines of a plan: each with the name it has for ever, its price, why it is there and what it is expected to cost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from portfolio.orders.conversions import Conversion, fee_of
from portfolio.orders.costs import commission_of, square_root_impact
from portfolio.orders.sizing import ZERO, Sizing
from portfolio.types import PlanLine, Side, multiplier

ROUNDING = 1e-9  # of a position: what the last bits of a weight are off is no share bought or sold
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


def line_of(symbol: str, delta: Decimal, because: Because, sizing: Sizing, contracts: Decimal | None = None) -> PlanLine:
    """contracts: how many an option's line was asked to buy; it says so where the cash pays for fewer."""
    instrument = sizing.instruments.get(symbol, symbol)
    few = f"the cash pays for {delta:f} of {contracts:f} contracts" if contracts and delta < contracts else ""
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
        reason="; ".join(words for words in (because.reasons.get(symbol, ""), few) if words),
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


def conversion_line(one: Conversion, sizing: Sizing) -> PlanLine:
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
        reason=f"{one.needed:,.2f} {one.currency} are wanted once the shares are traded, a little to spare for moving prices",
        rate=rate,
        parts={"cash": one.delta},
        cost=(fee + abs(one.delta) * abs(one.far - one.price)).quantize(Decimal("0.01")),
    )
