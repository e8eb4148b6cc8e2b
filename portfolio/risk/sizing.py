"""How large one position may be by its own risk: four ways of the field, each a cap on the weight's size.

fixed_fraction: what is lost when the price falls by `stop` is at most `budget` (Vince 1990): budget / stop.
volatility: weight times volatility a year is at most `budget`: budget / volatility.
kelly: `fraction` of the bet that makes wealth grow fastest, mean / variance of the position's own past over
[risk] lookback (Thorp 2006, with a risk-free rate of 0); 0 where the past lost money.
equal_risk: the weight that it would have if each position held brought the same weight times volatility and all together
were [risk] max_gross.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from portfolio.risk.limits import ROUNDING, passed, unknown, within
from portfolio.risk.past import Past
from portfolio.risk.situation import Situation
from portfolio.types import Action, FloatArray, RiskPolicy, SizingPolicy, Verdict, Weights, money_of

RULE = "sizing"


def sizing(weights: Weights, past: Past, there: Situation) -> list[Verdict]:
    """One verdict a position over its cap, or one that passes; empty where the policy sizes nothing.

    A hedge is sized by what it hedges: only what a symbol has beside its hedge counts.
    """
    policy, asked = there.policy.risk, there.policy.risk.sizing
    if asked is None:
        return []
    if asked.kind != "fixed_fraction" and past.why:
        return [unknown(RULE, policy, past.why)]
    caps = caps_of(asked, weights, past, policy)
    own = {s: size for s, w in weights.items() if (size := _own(w, there.hedging.get(s, 0.0))) != 0.0}
    over = {s: size for s, size in own.items() if not within(size, caps.get(s, asked.cap) + ROUNDING)}
    if over:
        return [_over(s, size, weights[s], caps.get(s, asked.cap), asked.kind) for s, size in over.items()]
    return [_fits(own, caps, asked)]


def caps_of(asked: SizingPolicy, weights: Weights, past: Past, policy: RiskPolicy) -> dict[str, float]:
    """symbol -> the largest size of its weight."""
    if asked.kind == "fixed_fraction":
        caps = np.full(len(weights), asked.budget / asked.stop)
        return dict(zip(weights, np.minimum(caps, asked.cap).tolist(), strict=True))
    with np.errstate(divide="ignore"):
        caps = _by_past(asked, past, policy.max_gross)
    return dict(zip(past.symbols, np.minimum(caps, asked.cap).tolist(), strict=True))


def _by_past(asked: SizingPolicy, past: Past, room: float) -> FloatArray:
    """Infinite where a symbol never moved."""
    if asked.kind == "volatility":
        return np.where(past.volatilities > 0.0, asked.budget / past.volatilities, math.inf)
    if asked.kind == "equal_risk":
        held = np.array([not money_of(s) for s in past.symbols])  # max_gross counts no money either
        inverse = np.where(held, 1.0 / np.maximum(past.volatilities, 1e-12), 0.0)
        return np.where(held, room * inverse / max(inverse.sum(), 1e-12), math.inf)
    mean, variance = past.returns.mean(axis=0), past.returns.var(axis=0, ddof=1)
    bet = np.where(variance > 0.0, mean / np.where(variance > 0.0, variance, 1.0), math.inf)
    return np.asarray(asked.fraction * np.maximum(bet * np.sign(past.weights), 0.0))


def _own(weight: float, hedge: float) -> float:
    """What a weight is beside the hedge in it, and never more than it is; NaN of what is no number."""
    own = weight - hedge
    if own * weight <= 0.0:
        return 0.0
    return min(abs(own), abs(weight))


def _over(symbol: str, size: float, weight: float, cap: float, kind: str) -> Verdict:
    words = f"{symbol} at {weight:.2%} is over its size by {kind.replace('_', ' ')}, {cap:.2%}"
    if not math.isfinite(size) or math.isnan(cap):
        return Verdict(RULE, Action.BLOCK, 0.0, (symbol,), f"{words}; the figure is not finite")
    return Verdict(RULE, Action.SCALE, cap / size, (symbol,), words, size, cap)


def _fits(own: Mapping[str, float], caps: Mapping[str, float], asked: SizingPolicy) -> Verdict:
    """The position that is nearest to its cap."""
    used = {s: size / caps.get(s, asked.cap) if caps.get(s, asked.cap) else 0.0 for s, size in own.items()}
    name = max(used, key=lambda s: used[s], default="")
    if not name:
        return passed(RULE, "nothing is held that is sized")
    cap, kind = caps.get(name, asked.cap), asked.kind.replace("_", " ")
    return passed(RULE, f"nearest to its size by {kind} is {name}: {own[name]:.2%} of {cap:.2%}", (), own[name], cap)
