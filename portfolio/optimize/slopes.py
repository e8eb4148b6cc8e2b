"""Each risk measure of a series of returns with a subgradient, in numpy: value, and how it changes with each day's return.

All measures are convex. A slope takes x, shape (days,), and answers (value, subgradient of shape (days,)). Level is the
level of the tail (0.95), threshold the return below which a day is a loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from portfolio.types import FloatArray

Sloped = tuple[float, FloatArray]
Slope = Callable[[FloatArray, float, float], Sloped]  # (x, level, threshold)
KAPPA = 0.3  # deformation of the relativistic measures; Riskfolio's default
TAIL_STEPS = 100  # CVaRs that make up a tail Gini; Riskfolio's default


def absolute(x: FloatArray, level: float, threshold: float) -> Sloped:
    """Mean of |x| (Konno & Yamazaki 1991, of deviations)."""
    return float(np.abs(x).mean()), np.sign(x) / len(x)


def below(x: FloatArray, level: float, threshold: float) -> Sloped:
    """Root of the sum of squares below zero over days - 1 (semi-deviation, Markowitz 1959, of deviations)."""
    short = np.minimum(x, 0.0)
    value = math.sqrt(float(short @ short) / max(len(x) - 1, 1))
    return value, short / (value * max(len(x) - 1, 1)) if value > 0 else np.zeros_like(x)


def even_moment(order: int, half: bool) -> Slope:
    """(mean of x^(2 order))^(1 / order), of the days below zero alone where `half`: a measure of squared size."""

    def slope(x: FloatArray, level: float, threshold: float) -> Sloped:
        inside = np.minimum(x, 0.0) if half else x
        largest = float(np.abs(inside).max())
        if largest == 0.0:
            return 0.0, np.zeros_like(x)
        unit = inside / largest
        moment = float((unit ** (2 * order)).mean())
        value = largest**2 * moment ** (1.0 / order)
        return value, 2.0 * largest * moment ** (1.0 / order - 1.0) * unit ** (2 * order - 1) / len(x)

    return slope


def first_lower_moment(x: FloatArray, level: float, threshold: float) -> Sloped:
    """Mean shortfall under the threshold (Fishburn 1977, order 1)."""
    short = threshold - x
    return float(np.maximum(short, 0.0).mean()), -(short > 0).astype(float) / len(x)


def second_lower_moment(x: FloatArray, level: float, threshold: float) -> Sloped:
    """Root of the squared shortfall under the threshold over days - 1 (Fishburn 1977, order 2)."""
    return below(x - threshold, level, threshold)


def ordered(shape: Callable[[int, float], FloatArray]) -> Slope:
    """Weights of the ordered returns, smallest first (an ordered weighted average, Cajas 2021)."""

    def slope(x: FloatArray, level: float, threshold: float) -> Sloped:
        order = np.argsort(x, kind="stable")
        weights = shape(len(x), level)
        out = np.empty_like(x)
        out[order] = weights
        return float(weights @ x[order]), out

    return slope


def tail_weights(days: int, level: float) -> FloatArray:
    """Of CVaR (Rockafellar & Uryasev 2000): the worst 1 - level of days alike, the day on the boundary in part."""
    out = np.zeros(days)
    held = days * (1.0 - level)
    whole = min(max(math.ceil(held - 1e-9), 1), days) - 1
    out[:whole] = -1.0 / max(held, 1e-12)
    out[whole] = -1.0 - out[:whole].sum()
    return out


def gini_weights(days: int, level: float) -> FloatArray:
    """Of Gini's mean difference (Yitzhaki 1982): mean |x_i - x_j| over pairs."""
    return 2.0 * (2.0 * np.arange(1, days + 1) - 1.0 - days) / (days * max(days - 1, 1))


def tail_gini_weights(days: int, level: float) -> FloatArray:
    """Of the tail Gini (Ogryczak & Ruszczynski 2002), as Riskfolio builds it of TAIL_STEPS CVaRs."""
    tails = np.linspace(1.0 - level, 0.0001, TAIL_STEPS)[::-1]
    share = np.empty(TAIL_STEPS)
    share[0] = tails[1] * tails[0] / tails[-1] ** 2
    share[1:-1] = (tails[2:] - tails[:-2]) * tails[1:-1] / tails[-1] ** 2
    share[-1] = (tails[-1] - tails[-2]) / tails[-1]
    return np.asarray(sum(s * tail_weights(days, 1.0 - t) for s, t in zip(share, tails, strict=True)))


def worst_weights(days: int, level: float) -> FloatArray:
    """Of the worst day (Young 1998)."""
    out = np.zeros(days)
    out[0] = -1.0
    return out


def entropic(x: FloatArray, level: float, threshold: float) -> Sloped:
    """Entropic value at risk (Ahmadi-Javid 2012, eq. 12): min over z > 0 of z ln(mean exp(-x / z) / (1 - level))."""
    from scipy.optimize import minimize_scalar

    losses, spread = -x, float(x.max() - x.min())
    top = float(losses.max())
    if spread <= 1e-15 * max(abs(top), 1.0):
        return float(losses.mean()), np.full_like(x, -1.0 / len(x))

    def cost(log_z: float) -> float:
        z = math.exp(log_z) * spread
        return top + z * math.log(float(np.exp((losses - top) / z).mean()) / (1.0 - level))

    found = minimize_scalar(cost, bounds=(-9.0, 9.0), method="bounded", options={"xatol": 1e-10})
    z = math.exp(float(found.x)) * spread
    share = np.exp((losses - top) / z)
    # The share of days in the tail is a probability that may not go beyond the entropy of the level.
    return float(found.fun), -share / share.sum()


def relativistic(x: FloatArray, level: float, threshold: float) -> Sloped:
    """Relativistic value at risk (Cajas 2023), kappa = KAPPA, by its dual: the worst mean loss over the probabilities q
    with sum (q^(1 + k) - q^(1 - k)) / 2k <= ln_k(1 / ((1 - level) days)); q has a closed form given two multipliers.
    """
    from scipy.optimize import brentq

    losses, spread, days = -x, float(x.max() - x.min()), len(x)
    if spread <= 1e-15 * max(float(np.abs(x).max()), 1.0):
        return float(losses.mean()), np.full_like(x, -1.0 / days)
    unit = (losses - losses.max()) / spread
    room = _deformed(1.0 / ((1.0 - level) * days))

    def beyond(log_scale: float) -> float:
        q = _probabilities(unit, math.exp(log_scale))
        return float((q ** (1 + KAPPA) - q ** (1 - KAPPA)).sum() / (2 * KAPPA)) - room

    low, high = -12.0, 12.0
    if beyond(low) <= 0.0:  # the tail is a single day
        return float(losses.max()), -_probabilities(unit, math.exp(low))
    q = _probabilities(unit, math.exp(brentq(beyond, low, high, xtol=1e-13)))
    return float(q @ losses), -q


def _deformed(value: float) -> float:
    return float((value**KAPPA - value ** (-KAPPA)) / (2 * KAPPA))


def _probabilities(unit: FloatArray, scale: float) -> FloatArray:
    """q of each day with sum 1: (1 + k) q^k - (1 - k) q^-k = 2k (unit - shift) / scale, the shift by Newton's method."""

    def at(shift: float) -> tuple[FloatArray, FloatArray]:
        y = KAPPA * (unit - shift) / scale
        root = np.hypot(y, math.sqrt(1 - KAPPA**2))
        u = np.where(y > 0, y + root, (1 - KAPPA**2) / (root - y)) / (1 + KAPPA)
        return u ** (1 / KAPPA), -(u ** (1 / KAPPA)) / (scale * root)

    low, high = _bracket(at, scale)
    shift = low
    for _ in range(200):
        q, slope = at(shift)
        excess = float(q.sum()) - 1.0
        low, high = (shift, high) if excess > 0 else (low, shift)
        step = shift - excess / float(slope.sum())
        step = step if low < step < high else 0.5 * (low + high)
        if abs(step - shift) <= 1e-15 * max(1.0, abs(shift)) or excess == 0.0:
            break
        shift = step
    q = at(shift)[0]
    return np.asarray(q / q.sum())


def _bracket(at: Callable[[float], tuple[FloatArray, FloatArray]], scale: float) -> tuple[float, float]:
    low, high = -scale, scale
    while float(at(low)[0].sum()) < 1.0:
        low *= 2.0
    while float(at(high)[0].sum()) > 1.0:
        high *= 2.0
    return low, high


def both_sides(slope: Slope) -> Slope:
    """A range: the measure of the losses plus that of the gains."""

    def both(x: FloatArray, level: float, threshold: float) -> Sloped:
        loss, down = slope(x, level, threshold)
        gain, up = slope(-x, level, threshold)
        return loss + gain, down - up

    return both


def of_drawdown(slope: Slope) -> Slope:
    """The measure of drawdowns of uncompounded wealth (Chekhlov, Uryasev & Zabarankin 2005) instead of losses."""

    def under_water(x: FloatArray, level: float, threshold: float) -> Sloped:
        wealth = np.concatenate([[0.0], np.cumsum(x)])
        peak = np.maximum.accumulate(wealth)
        since = np.maximum.accumulate(np.where(wealth >= peak, np.arange(len(wealth)), 0))[1:]  # session of the peak
        value, by_depth = slope(wealth[1:] - peak[1:], level, threshold)
        behind = np.cumsum(by_depth[::-1])[::-1]  # of this day and all that follow
        day = np.arange(1, len(wealth))
        ends = np.searchsorted(since, since, side="right")  # first day under a later peak
        after = np.concatenate([behind, [0.0]])[ends]
        return value, np.where(day > since, behind - after, 0.0)

    return under_water


def mean_depth(x: FloatArray, level: float, threshold: float) -> Sloped:
    """The mean of -x."""
    return float(-x.mean()), np.full_like(x, -1.0 / len(x))


def root_mean_square(x: FloatArray, level: float, threshold: float) -> Sloped:
    """Root of the mean of x squared (the ulcer index, Martin & McCann 1989, of drawdowns)."""
    value = math.sqrt(float(x @ x) / len(x))
    return value, x / (value * len(x)) if value > 0 else np.zeros_like(x)
