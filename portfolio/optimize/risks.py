"""The convex risk measures by name: Riskfolio's code for each, and our own evaluation that checks its answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portfolio.optimize import slopes
from portfolio.optimize.problem import Model, Problem
from portfolio.optimize.slopes import Slope
from portfolio.types import FloatArray


@dataclass(frozen=True, slots=True)
class Risk:
    """code: Riskfolio's `rm`. slope: of the portfolio's returns, of its deviations from the mean where `centred`; None:
    w' covariance w. linear: a linear program, which HiGHS solves many times faster than a cone solver. parity: can be
    budgeted. tailed: reads `level`. order: Riskfolio's p of the even moments.
    """

    code: str
    slope: Slope | None
    centred: bool = False
    linear: bool = False
    parity: bool = True
    tailed: bool = False
    order: int = 2

    @property
    def squared(self) -> bool:
        """Whether it is in units of squared returns."""
        return self.code in {"MV", "EM", "ESM"}


_TAIL = slopes.ordered(slopes.tail_weights)
_TAIL_GINI = slopes.ordered(slopes.tail_gini_weights)
_WORST = slopes.ordered(slopes.worst_weights)

# Of Riskfolio's own: SKT looks at a matrix of the assets' own bad days, which is not the portfolio's semi-kurtosis; its ESM
# of order 2 is. EM of order 2 is the kurtosis, so the even moments here are of order 3.
RISKS: dict[str, Risk] = {
    "variance": Risk("MV", None),
    "mean_absolute_deviation": Risk("MAD", slopes.absolute, centred=True, linear=True),
    "gini": Risk("GMD", slopes.ordered(slopes.gini_weights)),
    "semi_deviation": Risk("MSV", slopes.below, centred=True),
    "kurtosis": Risk("EM", slopes.even_moment(2, half=False), centred=True),
    "semi_kurtosis": Risk("ESM", slopes.even_moment(2, half=True), centred=True),
    "even_moment": Risk("EM", slopes.even_moment(3, half=False), centred=True, order=3),
    "even_semi_moment": Risk("ESM", slopes.even_moment(3, half=True), centred=True, order=3),
    "first_lower_partial_moment": Risk("FLPM", slopes.first_lower_moment, linear=True),
    "second_lower_partial_moment": Risk("SLPM", slopes.second_lower_moment),
    "cvar": Risk("CVaR", _TAIL, linear=True, tailed=True),
    "tail_gini": Risk("TG", _TAIL_GINI, tailed=True),
    "evar": Risk("EVaR", slopes.entropic, tailed=True),
    "rlvar": Risk("RLVaR", slopes.relativistic, tailed=True),
    "worst_realization": Risk("WR", _WORST, linear=True, parity=False),
    "range": Risk("RG", slopes.both_sides(_WORST), linear=True, parity=False),
    "cvar_range": Risk("CVRG", slopes.both_sides(_TAIL), linear=True, tailed=True),
    "tail_gini_range": Risk("TGRG", slopes.both_sides(_TAIL_GINI), tailed=True),
    "evar_range": Risk("EVRG", slopes.both_sides(slopes.entropic), tailed=True),
    "rlvar_range": Risk("RVRG", slopes.both_sides(slopes.relativistic), tailed=True),
    "max_drawdown": Risk("MDD", slopes.of_drawdown(_WORST), linear=True, parity=False),
    "average_drawdown": Risk("ADD", slopes.of_drawdown(slopes.mean_depth), linear=True, parity=False),
    "cdar": Risk("CDaR", slopes.of_drawdown(_TAIL), linear=True, tailed=True),
    "edar": Risk("EDaR", slopes.of_drawdown(slopes.entropic), tailed=True),
    "rldar": Risk("RLDaR", slopes.of_drawdown(slopes.relativistic), tailed=True),
    "ulcer": Risk("UCI", slopes.of_drawdown(slopes.root_mean_square)),
}


def risk(weights: FloatArray, model: Model, problem: Problem) -> tuple[float, FloatArray]:
    """(the model's risk of `weights`, a subgradient by asset); a variance is w' covariance w, the rest are of a day.

    Deviations are from problem.mean @ weights; a lower partial moment is under the model's risk_free.
    """
    kind = RISKS[model.risk]
    if kind.slope is None:
        pull = problem.covariance @ weights
        return float(weights @ pull), 2.0 * pull
    returns = problem.returns - problem.mean if kind.centred else problem.returns
    value, by_day = kind.slope(returns @ weights, model.level, threshold(model, problem))
    return value, np.asarray(returns.T @ by_day)


def threshold(model: Model, problem: Problem) -> float:
    """The return of a day that risk-free money of the same size would earn."""
    return model.risk_free * problem.constraints.budget[1]
