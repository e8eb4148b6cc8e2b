"""Figures of risk, plain numpy. All are positive fractions of equity unless a docstring says otherwise.

>>> import numpy as np
>>> round(conditional_value_at_risk(np.array([-0.05, -0.03, 0.01, 0.03]), 0.5), 4)
0.04
"""

from portfolio.measures.contributions import (
    components,
    incremental,
    marginal_conditional_value_at_risk,
    marginal_value_at_risk,
    marginal_volatility,
)
from portfolio.measures.drawdowns import (
    average_drawdown,
    conditional_drawdown_at_risk,
    drawdown_at_risk,
    drawdowns,
    max_drawdown,
    ulcer_index,
)
from portfolio.measures.execution import Liquidation, evenly, holdings, shortfall, urgency
from portfolio.measures.extreme import ParetoTail, pareto_tail
from portfolio.measures.filtered import ewma_deviation, filtered
from portfolio.measures.historical import conditional_value_at_risk, entropic_value_at_risk, value_at_risk, volatility
from portfolio.measures.methods import METHODS, Horizon, Tail, tail
from portfolio.measures.parametric import (
    Moments,
    cornish_fisher,
    is_monotone,
    moments,
    normal_conditional_value_at_risk,
    normal_value_at_risk,
)
from portfolio.measures.performance import calmar_ratio, growth, sharpe_ratio, sortino_ratio
from portfolio.measures.relative import beta, concentration, effective_names, tracking_error, volatility_at_one
from portfolio.measures.series import SESSIONS_A_YEAR, horizon_sums
from portfolio.measures.simulated import simulated_book, simulated_returns

__all__ = [
    "METHODS",
    "SESSIONS_A_YEAR",
    "Horizon",
    "Liquidation",
    "Moments",
    "ParetoTail",
    "Tail",
    "average_drawdown",
    "beta",
    "calmar_ratio",
    "components",
    "concentration",
    "conditional_drawdown_at_risk",
    "conditional_value_at_risk",
    "cornish_fisher",
    "drawdown_at_risk",
    "drawdowns",
    "effective_names",
    "entropic_value_at_risk",
    "evenly",
    "ewma_deviation",
    "filtered",
    "growth",
    "holdings",
    "horizon_sums",
    "incremental",
    "is_monotone",
    "marginal_conditional_value_at_risk",
    "marginal_value_at_risk",
    "marginal_volatility",
    "max_drawdown",
    "moments",
    "normal_conditional_value_at_risk",
    "normal_value_at_risk",
    "pareto_tail",
    "sharpe_ratio",
    "shortfall",
    "simulated_book",
    "simulated_returns",
    "sortino_ratio",
    "tail",
    "tracking_error",
    "ulcer_index",
    "urgency",
    "value_at_risk",
    "volatility",
    "volatility_at_one",
]
