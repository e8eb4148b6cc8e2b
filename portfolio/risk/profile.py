"""The risk figures that a decision shows, before and after."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from portfolio.market import Market
from portfolio.measures import (
    conditional_value_at_risk,
    effective_names,
    max_drawdown,
    value_at_risk,
    volatility,
    volatility_at_one,
)
from portfolio.risk.market_beta import betas
from portfolio.risk.past import Past, look_back
from portfolio.risk.spread import shares_of_volatility
from portfolio.types import FloatArray, Policy, Weights, money_of

MEASURES: dict[str, Callable[[FloatArray], float]] = {
    "volatility": volatility,
    "value_at_risk": value_at_risk,
    "conditional_value_at_risk": conditional_value_at_risk,
    "max_drawdown": max_drawdown,
}


def risk_profile(weights: Weights, market: Market, policy: Policy) -> dict[str, float | None]:
    """Figures of these weights held constant over the policy's risk lookback; None where history does not carry them.

    value_at_risk and conditional_value_at_risk (historical, 95 %, one day), volatility and volatility_at_one (a year, the
    second were every correlation one), max_drawdown: fractions of equity. beta: to the policy's benchmark. gross: sum of
    absolute weights. names: how many are held; effective_names: of how many equal ones they are worth; none of these three
    counts money in another currency.
    """
    past = look_back(weights, market, policy.risk.lookback)
    sizes = np.array([w for s, w in weights.items() if not money_of(s)], dtype=float)
    held = int((np.abs(sizes) > 1e-9).sum())
    figures: dict[str, float | None] = {"gross": float(np.abs(sizes).sum()), "names": float(held)}
    for name, measure in MEASURES.items():
        figures[name] = None if past.why else measure(past.book)
    figures["beta"] = _beta(past)
    figures["effective_names"] = effective_names(sizes)
    figures["volatility_at_one"] = None if past.why else volatility_at_one(past.weights, past.volatilities)
    return figures


def contributions(weights: Weights, market: Market, policy: Policy) -> dict[str, float]:
    """symbol -> the part of the book's volatility that it brings, of what is held, adding up to 1 (each 0 of a book that does
    not vary); empty where history does not carry it.
    """
    past = look_back(weights, market, policy.risk.lookback)
    return {} if past.why else dict(zip(past.symbols, shares_of_volatility(past).tolist(), strict=True))


def _beta(past: Past) -> float | None:
    parts = betas(past)
    return None if isinstance(parts, str) else float(parts.sum())
