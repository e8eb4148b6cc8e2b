"""Minimum CVaR under a cap a name, by Riskfolio, checked by somebody else."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np

from portfolio.measures import conditional_value_at_risk
from portfolio.optimize.solution import Infeasible, Solution
from portfolio.types import Certificate, FloatArray

TOLERANCE = 1e-7  # of weights and bounds
MINIMUM_DAYS = 2  # fewer have no spread
GAP = 1e-6  # of the objective, relative to the independent bound


def open_solver() -> None:
    """Import Riskfolio now (seconds), for a caller that has something else to wait for meanwhile."""
    import riskfolio  # noqa: F401


def minimum_cvar(returns: FloatArray, *, level: float, cap: float) -> Solution:
    """The weights with the least mean loss over the worst 1 - `level` share of days, none above `cap`.

    returns: shape (days, assets), simple daily returns, no NaN. Long only, fully invested. Raises `Infeasible` where the
    cap leaves no room, the data cannot carry an answer, or the solver's answer fails the check.
    Source: Rockafellar & Uryasev (2000), eq. 9; solved by Riskfolio-Lib (`rm="CVaR"`, HiGHS).
    """
    days, assets = returns.shape
    if days < MINIMUM_DAYS:
        raise Infeasible(f"{days} days of returns carry no answer")
    if not np.isfinite(returns).all():
        raise Infeasible("the returns hold a value that is not finite")
    if not assets * cap >= 1.0 - 1e-12:  # a cap that is NaN holds nothing
        raise Infeasible(f"{assets} assets at {cap:g} each cannot hold a whole portfolio")
    if assets == 1:
        return Solution(np.ones(1), Certificate("optimal", conditional_value_at_risk(returns[:, 0], level)))
    weights = _riskfolio(returns, level, cap)
    return Solution(weights, _certify(weights, returns, level, cap))


def _riskfolio(returns: FloatArray, level: float, cap: float) -> FloatArray:
    """Riskfolio prints and returns None where it finds nothing; its words are kept for the failure."""
    import pandas as pd
    import riskfolio
    from cvxpy.error import SolverError

    names = [f"a{i}" for i in range(returns.shape[1])]  # labels are ignored by Riskfolio: position counts
    portfolio: Any = riskfolio.Portfolio(returns=pd.DataFrame(returns, columns=names), alpha=1.0 - level)
    portfolio.upperlng = cap  # per asset
    portfolio.solvers = ["HIGHS", "CLARABEL"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            portfolio.assets_stats(method_mu="hist", method_cov="hist")
            answer = portfolio.optimization(model="Classic", rm="CVaR", obj="MinRisk", rf=0, l=0, hist=True)
        except (ValueError, ArithmeticError, SolverError) as error:
            raise Infeasible(f"Riskfolio failed ({error})") from error
    if answer is None:
        raise Infeasible(f"Riskfolio found no solution ({said.getvalue().strip() or 'it did not say why'})")
    weights: FloatArray = np.asarray(answer["weights"].loc[names], dtype=float)
    return weights


def _certify(weights: FloatArray, returns: FloatArray, level: float, cap: float) -> Certificate:
    """Check the answer without its solver: finite, adds up, within bounds, and as good as the linear program's optimum."""
    if not np.isfinite(weights).all():
        raise Infeasible("the solver's weights are not finite")
    worst = max(abs(float(weights.sum()) - 1.0), float((weights - cap).max()), float((-weights).max()))
    if worst > TOLERANCE:
        raise Infeasible(f"the solver's weights break a constraint by {worst:.2e}")
    found, best = conditional_value_at_risk(returns @ weights, level), _bound(returns, level, cap)
    if found > best + GAP * max(abs(best), 1e-4):
        raise Infeasible(f"the solver stopped early: CVaR {found:.6f} where {best:.6f} is possible")
    binding = tuple(f"cap of asset {i}" for i in np.nonzero(weights > cap - TOLERANCE)[0])
    return Certificate("optimal", found, binding, max(worst, 0.0))


def _bound(returns: FloatArray, level: float, cap: float) -> float:
    """The optimum of the same linear program, written down here and solved by SciPy's HiGHS: min a + sum(u) / (k days)."""
    from scipy.optimize import linprog
    from scipy.sparse import eye, hstack

    days, assets = returns.shape
    cost = np.concatenate([np.zeros(assets), [1.0], np.full(days, 1.0 / (days * (1.0 - level)))])
    rows = hstack([-returns, -np.ones((days, 1)), -eye(days)], format="csr")
    budget = np.concatenate([np.ones(assets), [0.0], np.zeros(days)])[None, :]
    bounds = [(0.0, cap)] * assets + [(None, None)] + [(0.0, None)] * days
    solved = linprog(cost, A_ub=rows, b_ub=np.zeros(days), A_eq=budget, b_eq=[1.0], bounds=bounds, method="highs")
    if solved.status != 0:
        raise Infeasible(f"the linear program has no optimum ({solved.message})")
    return float(solved.fun)
