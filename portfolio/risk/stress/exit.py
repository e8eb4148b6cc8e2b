"""What it costs to get out: to sell everything in a thin market, or because the broker wants more margin."""

from __future__ import annotations

import numpy as np

from portfolio.risk.stress.world import World
from portfolio.types import FloatArray, MarginPolicy


def liquidation_cost(world: World, weights: FloatArray, asked: dict[str, float]) -> FloatArray:
    """What selling each position costs, shape of `weights` (symbols, books), fractions of equity; NaN where nobody says a volume.

    asked: `volume` and `spread`, multiples of the usual day's. Half the spread, and an impact of impact x volatility a day x
    sqrt(shares / shares dealt in a day), the square-root law (Grinold and Kahn 2000, ch. 16; Almgren et al. 2005 fit a power of
    0.6). No position costs more than all of it. A young symbol is as volatile as the most volatile of the others.
    """
    costs = world.there.policy.costs
    known = np.where(world.young, np.nan, _deviations(world))
    volatility = np.where(np.isfinite(known), known, np.nanmax(known) if np.isfinite(known).any() else np.nan)
    size = np.abs(weights)
    dealt = (world.day_volume * asked.get("volume", 1.0))[:, None]
    impact = costs.impact * volatility[:, None] * np.sqrt(size / dealt)
    rate = np.minimum(costs.half_spread * asked.get("spread", 1.0) + impact, 1.0)
    out: FloatArray = np.where(size == 0, 0.0, size * rate)
    return out


def _deviations(world: World) -> FloatArray:
    """Daily volatility of each symbol over the days that it knows."""
    seen = np.isfinite(world.returns)
    days = np.maximum(seen.sum(axis=0), 2)
    mean = np.where(seen, world.returns, 0.0).sum(axis=0) / days
    apart = np.where(seen, world.returns - mean, 0.0)
    out: FloatArray = np.sqrt((apart**2).sum(axis=0) / (days - 1))
    return out


def days_to_sell(world: World, weights: FloatArray, asked: dict[str, float]) -> FloatArray:
    """Sessions that the slowest position takes at the policy's share of a day's volume, a figure a book; NaN where unknown."""
    share = world.there.policy.risk.liquidity.participation * asked.get("volume", 1.0)
    days = np.where(weights == 0, 0.0, np.abs(weights) / (share * world.day_volume)[:, None])
    out: FloatArray = days.max(axis=0, initial=0.0)
    return out


def requirement(weights: FloatArray, margin: MarginPolicy, multiple: float) -> FloatArray:
    """The maintenance margin of each position, shape of `weights`, fractions of equity (FINRA rule 4210, times `multiple`)."""
    rates = np.where(weights >= 0, margin.maintenance, margin.short_maintenance)
    out: FloatArray = multiple * rates * np.abs(weights)
    return out


def called(weights: FloatArray, margin: MarginPolicy, multiple: float) -> FloatArray:
    """Which share of the book must be sold so that equity meets the margin, by symbol (they add up to it): 1 - 1 / requirement.

    Selling changes no equity; what is left of each position is the same share.
    """
    needs = requirement(weights, margin, multiple)
    whole = needs.sum(axis=0)
    share = np.where(whole > 1.0, 1.0 - 1.0 / np.where(whole > 1.0, whole, 1.0), np.where(np.isfinite(whole), 0.0, np.nan))
    out: FloatArray = needs / np.where(whole > 0, whole, 1.0) * share
    return out
