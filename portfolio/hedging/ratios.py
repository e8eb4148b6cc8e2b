"""Hedges by a ratio: against the beta to the benchmark, and the one of least variance."""

from __future__ import annotations

import math

import numpy as np

from portfolio.hedging.scene import Scene
from portfolio.types import FloatArray, Hedge, HedgePolicy


def minimum_variance_ratio(book: FloatArray, instrument: FloatArray) -> float:
    """What of the instrument, per unit of the book, makes the variance least: -cov / var; NaN where it does not move.

    book, instrument: returns, shape (days,). Source: Ederington (1979), "The hedging performance of the new futures markets".
    """
    covariance = np.cov(book, instrument)
    return float(-covariance[0, 1] / covariance[1, 1]) if covariance[1, 1] > 0 else math.nan


def beta_ratio(book: FloatArray, instrument: FloatArray, benchmark: FloatArray, target: float) -> tuple[float, float]:
    """(what of the instrument brings the beta of the book to `target`, the beta of the book); NaN where nothing moves."""
    covariance = np.cov(np.vstack([book, instrument, benchmark]))
    if not covariance[2, 2] > 0:
        return math.nan, math.nan
    mine, theirs = covariance[0, 2] / covariance[2, 2], covariance[1, 2] / covariance[2, 2]
    return (float((target - mine) / theirs) if theirs else math.nan), float(mine)


def beta_hedge(hedge: HedgePolicy, scene: Scene) -> Hedge:
    """Brings a beta above the target down to it, with an instrument sold short, or an inverse one bought."""
    seen = scene.returns(hedge)
    if seen is None:
        return _none(hedge, "too little history to measure a beta by")
    book, sold, bought, benchmark = seen
    wanted, beta = beta_ratio(book, sold, benchmark, hedge.target)
    if wanted > 0:
        wanted, _ = beta_ratio(book, bought, benchmark, hedge.target)
    if not math.isfinite(wanted):
        return _none(hedge, "the benchmark or the instrument does not move")
    if beta <= hedge.target:
        return _none(hedge, f"the book's beta is {beta:.2f}, not above {hedge.target:.2f}")
    return limited(hedge, scene, wanted, f"the book's beta is {beta:.2f}, wanted {hedge.target:.2f}")


def variance_hedge(hedge: HedgePolicy, scene: Scene) -> Hedge:
    """As much of the instrument as makes the variance of the book least."""
    seen = scene.returns(hedge)
    if seen is None:
        return _none(hedge, "too little history to measure a covariance by")
    book, instrument, bought, _ = seen
    wanted = minimum_variance_ratio(book, instrument)
    if wanted > 0:
        instrument = bought
        wanted = max(minimum_variance_ratio(book, instrument), 0.0)
    if not math.isfinite(wanted):
        return _none(hedge, "the instrument does not move")
    before, left = float(np.var(book, ddof=1)), float(np.var(book + wanted * instrument, ddof=1))
    gone = 1.0 - left / before if before > 0 else 0.0
    return limited(hedge, scene, wanted, f"the ratio of least variance; it takes {gone:.0%} of the variance away")


def limited(hedge: HedgePolicy, scene: Scene, wanted: float, why: str) -> Hedge:
    """The wanted weight within `max_weight` and the ceiling on cost; none where it would be a short sale that is not allowed."""
    if wanted < 0 and not scene.may_short:
        return _none(hedge, f"{why}; it would be sold short, which needs [margin] and [gate] allow_short")
    each = cost_of_one(hedge, scene, wanted)
    most = min(hedge.max_weight, hedge.ceiling / each if each > 0 else math.inf)
    weight = math.copysign(min(abs(wanted), most), wanted)
    cut = "" if abs(wanted) <= most else f"; cut from {wanted:.2%} by {_what(hedge, most)}"
    return Hedge(
        hedge.name, hedge.kind, hedge.instrument, weight, wanted, abs(weight) * each, hedge.ceiling, f"{hedge.name}: {why}{cut}"
    )


def cost_of_one(hedge: HedgePolicy, scene: Scene, wanted: float) -> float:
    """What a unit of the instrument costs a year: the borrowed shares, and the way in and out at half the spread."""
    margin = scene.policy.margin
    fee = margin.borrow_fees.get(hedge.instrument, margin.borrow_fee) if wanted < 0 and margin is not None else 0.0
    return fee + 2.0 * scene.policy.costs.half_spread


def _what(hedge: HedgePolicy, most: float) -> str:
    return "its max_weight" if most == hedge.max_weight else f"its ceiling of {hedge.ceiling:.2%} a year"


def _none(hedge: HedgePolicy, why: str) -> Hedge:
    return Hedge(hedge.name, hedge.kind, hedge.instrument, 0.0, 0.0, 0.0, hedge.ceiling, f"{hedge.name}: {why}")
