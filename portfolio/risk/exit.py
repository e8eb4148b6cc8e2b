"""What it would take to sell everything at the participation that the policy allows."""

from __future__ import annotations

import math

import numpy as np

from portfolio.measures import evenly, holdings, shortfall
from portfolio.risk.situation import Situation
from portfolio.types import Weights, money_of

DAYS = 60  # behind the volatility of a day


def exit_figures(weights: Weights, there: Situation) -> dict[str, float | None]:
    """exit_days: the sessions that the slowest position takes; exit_cost: what selling all of them evenly is expected to cost,
    and exit_deviation: the standard deviation of that were they all to move together, both fractions of equity. None where
    the volume or the price of something that is held is not known.
    """
    held = {s: w for s, w in weights.items() if w and not money_of(s)}
    told = [_one(s, w, there) for s, w in held.items()]
    known = [one for one in told if one is not None]
    if len(known) < len(told):
        return dict.fromkeys(("exit_days", "exit_cost", "exit_deviation"))
    days, cost, deviation = (list(column) for column in zip(*known, strict=True)) if known else ([], [], [])
    return {"exit_days": max(days, default=0.0), "exit_cost": math.fsum(cost), "exit_deviation": math.fsum(deviation)}


def _one(symbol: str, weight: float, there: Situation) -> tuple[float, float, float] | None:
    """(days, cost, deviation), the last two of equity."""
    market, equity = there.market, float(there.equity)
    volume = market.volumes.get(symbol, math.nan)
    closes = market.closes[-(DAYS + 1) :, market.symbols.index(symbol)] if symbol in market.symbols else np.empty(0)
    known = closes[np.isfinite(closes)]
    if not volume > 0 or len(known) < 3:
        return None
    price, volatility = float(known[-1]), float(np.std(known[1:] / known[:-1] - 1.0, ddof=1))
    units = abs(weight) * equity / price
    days = units / (there.policy.risk.liquidity.participation * volume)
    order = evenly(units, days, price=price, volume=volume, volatility=volatility, half_spread=there.policy.costs.half_spread)
    cost, deviation = shortfall(order, holdings(order))
    return days, cost / equity, deviation / equity
