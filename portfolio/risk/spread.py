"""Rules on volatility: the book's, the one it would have were every correlation one, and the share that one symbol brings."""

from __future__ import annotations

import math

import numpy as np

from portfolio.measures import components, marginal_volatility, volatility, volatility_at_one
from portfolio.risk.limits import ROUNDING, judged, passed, unknown, within
from portfolio.risk.past import Past
from portfolio.types import Action, FloatArray, RiskPolicy, Verdict

ROUNDS = 500


def max_volatility(past: Past, policy: RiskPolicy) -> list[Verdict]:
    return _limited("max_volatility", policy.max_volatility, past, policy)


def max_volatility_at_one(past: Past, policy: RiskPolicy) -> list[Verdict]:
    return _limited("max_volatility_at_one", policy.max_volatility_at_one, past, policy)


def _limited(rule: str, limit: float | None, past: Past, policy: RiskPolicy) -> list[Verdict]:
    if limit is None:
        return []
    if past.why:
        return [unknown(rule, policy, past.why)]
    if rule == "max_volatility":
        return [judged(rule, volatility(past.book), limit, f"volatility {volatility(past.book):.2%} a year{past.note}")]
    figure = volatility_at_one(past.weights, past.volatilities)
    return [judged(rule, figure, limit, f"volatility {figure:.2%} a year were every correlation one{past.note}")]


def shares_of_volatility(past: Past) -> FloatArray:
    """What part of the book's volatility each symbol brings, shape (symbols,); they add up to 1, or are 0 of a book that does
    not vary. A symbol that calms the book brings less than nothing.
    """
    whole = volatility(past.book)
    parts = components(past.weights, marginal_volatility(past.weights, past.returns))
    return parts / whole if whole > 0.0 else np.zeros(len(parts))


def max_component(past: Past, policy: RiskPolicy) -> list[Verdict]:
    """One verdict a symbol that is made smaller, or one that passes; empty where the policy sets no limit.

    Making one symbol smaller raises the others' shares, so all are found together. Where fewer symbols are held than the
    limit needs, no scale helps: nothing more is bought.
    """
    limit = policy.max_component
    if limit is None:
        return []
    if past.why:
        return [unknown("max_component", policy, past.why)]
    shares = shares_of_volatility(past)
    if len(shares) == 0 or within(float(shares.max()), limit + ROUNDING):
        return [_largest(past, shares, limit)]
    if not np.isfinite(shares).all() or not math.isfinite(limit):
        why = "what a symbol brings to the volatility, or its limit, is not a finite number"
        return [Verdict("max_component", Action.BLOCK, 0.0, past.symbols, why)]
    scales = component_scales(past.weights, past.covariance, limit)
    if scales is None:
        top = past.symbols[int(shares.argmax())]
        why = f"{top} brings {shares.max():.2%} of the volatility, limit {limit:.2%}, which no smaller weights reach"
        why = f"{why}: nothing is bought"
        return [Verdict("max_component", Action.REDUCE, 1.0, (), why, float(shares.max()), limit)]
    smaller = [i for i in range(len(scales)) if scales[i] < 1.0]
    return [_smaller(past, i, float(shares[i]), limit, float(scales[i])) for i in smaller]


def component_scales(weights: FloatArray, covariance: FloatArray, limit: float) -> FloatArray | None:
    """Scales from 0 to 1, shape (symbols,), under which no symbol brings more than `limit` of the variance; None where none
    are found.

    In turn each symbol over the limit gets the scale s that brings it there while the others stay: the positive root of
    (1 - limit) own s^2 + (1 - 2 limit) cross s = limit rest, with own its variance, cross its covariance with the rest.
    """
    if limit * len(weights) < 1.0 - 1e-12:
        return None
    left = weights.astype(float).copy()
    for _ in range(ROUNDS):
        pull = covariance @ left
        variance = float(left @ pull)
        if variance <= 0.0:
            return None
        shares = left * pull / variance
        over = np.flatnonzero(shares > limit + ROUNDING / 2.0)
        if len(over) == 0:
            return np.asarray(left / weights)
        for i in over:
            own = float(covariance[i, i] * left[i] ** 2)
            cross = float(left[i] * pull[i]) - own
            scale = _root(own, cross, float(left @ pull) - own - 2.0 * cross, limit)
            pull = pull + covariance[:, i] * (left[i] * (scale - 1.0))
            left[i] *= scale
    return None


def _root(own: float, cross: float, rest: float, limit: float) -> float:
    """At most 1. No share is negative: a rest without variance leaves nothing."""
    half, square = (1.0 - 2.0 * limit) * cross, (1.0 - limit) * own
    if square <= 0.0:
        return 1.0
    root = (np.sqrt(half**2 + 4.0 * square * limit * max(rest, 0.0)) - half) / (2.0 * square)
    return float(min(max(root, 0.0), 1.0))


def _largest(past: Past, shares: FloatArray, limit: float) -> Verdict:
    if len(shares) == 0:
        return passed("max_component", "nothing is held", (), 0.0, limit)
    at = int(shares.argmax())
    words = f"{past.symbols[at]} brings {shares[at]:.2%} of the volatility, the most of all, limit {limit:.2%}{past.note}"
    return passed("max_component", words, (), float(shares[at]), limit)


def _smaller(past: Past, at: int, share: float, limit: float, scale: float) -> Verdict:
    symbol = past.symbols[at]
    words = f"{symbol} brings {share:.2%} of the volatility, limit {limit:.2%} a symbol{past.note}"
    return Verdict("max_component", Action.SCALE, scale, (symbol,), words, share, limit)
