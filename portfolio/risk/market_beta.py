"""The rule on the book's beta to its benchmark: too much is scaled down, too little loosens the hedges."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from portfolio.market import MINIMUM_DAYS
from portfolio.measures import beta
from portfolio.risk.limits import passed, unknown
from portfolio.risk.past import Past
from portfolio.risk.situation import Situation
from portfolio.types import Action, FloatArray, Verdict

RULE = "beta"


def betas(past: Past) -> FloatArray | str:
    """What each symbol adds to the book's beta, shape (symbols,), or a sentence that says what is missing."""
    if past.why:
        return past.why
    if not past.symbols:
        return np.zeros(0)
    known = np.isfinite(past.benchmark)
    if not known.any():
        return "the benchmark has no history beside what is held"
    if known.sum() < MINIMUM_DAYS:
        return f"fewer than {MINIMUM_DAYS} sessions of the benchmark"
    other = past.benchmark[known]
    if beta(other, other) is None:
        return "the benchmark does not vary"
    apart = other - other.mean()
    return np.asarray(past.weights * (past.returns[known].T @ apart) / (apart @ apart))


def beta_rule(past: Past, there: Situation) -> list[Verdict]:
    """One verdict where the policy gives a range. Above it what adds to beta is scaled, so that hedges stay whole.

    Below it what was sold short is scaled (hedges, and any other short position); where nothing is short no smaller weight
    raises beta, and the rule warns.
    """
    span = there.policy.risk.beta
    if span is None:
        return []
    parts = betas(past)
    if isinstance(parts, str):
        return [unknown(RULE, there.policy.risk, parts)]
    (low, high), whole = span, float(parts.sum())
    words = f"beta {whole:.2f} to the benchmark, allowed {low:g} to {high:g}{past.note}"
    if math.isfinite(whole) and low <= whole <= high:
        return [passed(RULE, words, (), whole, high)]
    if whole > high:
        return [_scaled(past, parts, parts > 0.0, high, f"{words}: too much")]
    return [_scaled(past, parts, (parts < 0.0) & (past.weights < 0.0), low, f"{words}: too little")]


def _scaled(past: Past, parts: FloatArray, moved: NDArray[np.bool_], limit: float, words: str) -> Verdict:
    """Scale what is `moved` so that all together meet the limit, or as near to it as nothing of it is."""
    whole, its = float(parts.sum()), float(parts[moved].sum())
    symbols = tuple(s for s, moves in zip(past.symbols, moved, strict=True) if moves)
    if not math.isfinite(whole):
        return Verdict(RULE, Action.BLOCK, 0.0, symbols, f"{words}; the figure is not finite")
    if not symbols:
        return Verdict(RULE, Action.WARN, 1.0, (), f"{words}, and no smaller position raises it", whole, limit)
    scale = min(max((limit - (whole - its)) / its, 0.0), 1.0)
    return Verdict(RULE, Action.SCALE, scale, symbols, words, whole, limit)
