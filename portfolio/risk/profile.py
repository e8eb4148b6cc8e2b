"""The risk figures that a decision shows, before and after."""

from __future__ import annotations

from portfolio.market import Market
from portfolio.measures import conditional_value_at_risk, max_drawdown, value_at_risk, volatility
from portfolio.risk.tail import portfolio_returns
from portfolio.types import Policy, Weights


def risk_profile(weights: Weights, market: Market, policy: Policy) -> dict[str, float | None]:
    """Figures of these weights held constant over the policy's risk lookback; None where history does not carry them.

    value_at_risk and conditional_value_at_risk (95 %, one day), volatility (a year), max_drawdown: fractions of equity.
    gross: sum of absolute weights. names: how many are held.
    """
    returns = portfolio_returns(weights, market, policy.risk.lookback)
    held = sum(1 for w in weights.values() if abs(w) > 1e-9)
    figures: dict[str, float | None] = {"gross": sum(abs(w) for w in weights.values()), "names": float(held)}
    measured = {"volatility": volatility, "value_at_risk": value_at_risk}
    measured |= {"conditional_value_at_risk": conditional_value_at_risk, "max_drawdown": max_drawdown}
    for name, measure in measured.items():
        figures[name] = None if returns is None else measure(returns)
    return figures
