"""Riskfolio itself, the owner of every model's meaning, asked so that its traps cannot close: never None, status heard.

It takes positions for labels, limits for those of a day, one and the same `alpha` for objective and limit, prints where it
finds nothing, and takes an unfinished solve for an answer. Here its solvers tell how they ended, and what it prints is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from portfolio.optimize.limits import Row, bounds, caps, rows
from portfolio.optimize.listening import Heard, listening, solvers
from portfolio.optimize.problem import Model, Problem
from portfolio.optimize.risks import RISKS, threshold
from portfolio.optimize.solution import Infeasible
from portfolio.types import FloatArray

GOALS = {
    "minimum_risk": "MinRisk",
    "minimum_tracking_error": "MinRisk",
    "maximum_sharpe": "Sharpe",
    "maximum_utility": "Utility",
    "maximum_return": "MaxRet",
}
ROUNDS = 60  # of cuts for the limits that Riskfolio does not know
ENOUGH = 1e-8  # by which a cut limit may be broken before the last polish
WIDE = 100.0  # weights that may be short without end are short of this at the most
SAMPLES = 1000  # bootstraps of the uncertainty of worst_case
UNCERTAIN = ("cov_l", "cov_u", "cov_mu", "cov_sigma", "d_mu", "k_mu", "k_sigma")  # what they tell


def open_solver() -> None:
    """Import Riskfolio now (seconds), for a caller that has something else to wait for meanwhile."""
    import riskfolio  # noqa: F401


def owner(model: Model, problem: Problem) -> FloatArray:
    """Riskfolio's weights, shape (assets,). They hold the limits of `problem` to about 1e-7 where the model knows limits.

    The hierarchical models and risk parity look at no limit but the sum. `Infeasible` where Riskfolio has no answer.
    """
    if model.name in GOALS:
        return _cut(problem, lambda extra: _mean_risk(model, problem, extra))
    if model.name == "worst_case":
        known: dict[str, Any] = {}
        return _cut(problem, lambda extra: _worst_case(model, problem, extra, known))
    if model.name == "risk_parity":
        return _parity(model, problem)
    return _hierarchy(model, problem)


def _cut(problem: Problem, ask: Callable[[list[Row]], FloatArray]) -> FloatArray:
    """Ask, cut off what breaks a limit that Riskfolio does not know by a plane, and ask again (Kelley 1960)."""
    extra: list[Row] = []
    weights = ask(extra)
    for _ in range(ROUNDS):
        found = [(cap, *cap.value(weights)) for cap in caps(problem)]
        worst = [(cap, size, slope) for cap, size, slope in found if size > cap.limit + ENOUGH * max(cap.limit, 1e-3)]
        if not worst:
            break
        extra += [Row(cap.name, slope, cap.limit - size + float(slope @ weights)) for cap, size, slope in worst]
        weights = ask(extra)
    return np.asarray(weights)


def _portfolio(model: Model, problem: Problem, extra: list[Row], heard: Heard) -> tuple[Any, list[str]]:
    """Riskfolio's portfolio with estimates and limits set by position, and the names of its columns.

    Where the sum may lie in a range one column more, that earns nothing and never moves, takes up what is not invested.
    """
    import pandas as pd
    import riskfolio

    low, high = problem.constraints.budget
    slack = int(low < high)
    names = [f"a{i}" for i in range(len(problem.assets) + slack)]
    pad = ((0, 0), (0, slack))
    portfolio = riskfolio.Portfolio(
        returns=pd.DataFrame(np.pad(problem.returns, pad), columns=names),
        alpha=1.0 - model.level,
        budget=high,
        p_em=RISKS[model.risk].order,
        p_esm=RISKS[model.risk].order,
    )
    portfolio.mu = pd.DataFrame(np.pad(problem.mean, (0, slack))[None, :], columns=names)
    portfolio.cov = pd.DataFrame(np.pad(problem.covariance, ((0, slack), (0, slack))), index=names, columns=names)
    portfolio.kurt = portfolio.skurt = None
    _limits(portfolio, problem, extra, slack)
    portfolio.solvers = solvers(_is_linear(model), heard)
    return portfolio, names


def _limits(portfolio: Any, problem: Problem, extra: list[Row], slack: int) -> None:
    """Bounds, rows and planes as Riskfolio's linear inequalities, where it does not know them by itself."""
    given = problem.constraints
    shorts = min(float(np.maximum(-given.lower, 0.0).sum()), WIDE)
    portfolio.sht = shorts > 0.0
    if portfolio.sht:
        portfolio.uppersht = portfolio.budgetsht = shorts
    low, high = given.budget
    portfolio.upperlng = max(min(float(given.upper.max()), high + shorts), high * slack)
    sums = [r for r in rows(problem) if not r.name.startswith("weights add up")]
    lines = [*(r for r in bounds(problem) if _needed(r, portfolio)), *sums, *extra]
    matrix = [np.pad(r.coefficients, (0, slack)) for r in lines]
    limits = [r.limit for r in lines]
    if slack:
        matrix.append(np.eye(len(problem.assets) + 1)[-1])
        limits.append(high - low)
    if lines or slack:
        portfolio.ainequality, portfolio.binequality = np.array(matrix), np.array(limits)[:, None]


def _needed(row: Row, portfolio: Any) -> bool:
    """Whether the bound is not one that Riskfolio sets by itself."""
    if (row.coefficients > 0).any():
        return bool(row.limit < portfolio.upperlng)
    return bool(portfolio.sht or row.limit < 0.0)


def _is_linear(model: Model) -> bool:
    return model.name == "maximum_return" or (model.name in GOALS and RISKS[model.risk].linear)


def _mean_risk(model: Model, problem: Problem, extra: list[Row]) -> FloatArray:
    asked = _active(problem) if model.name == "minimum_tracking_error" else problem
    first = np.abs(problem.mean - model.risk_free).max() if model.name == "maximum_sharpe" else 1.0
    return _in_units(model, asked, float(first), lambda m, p: _one_mean_risk(m, p, problem, extra))


def _one_mean_risk(model: Model, asked: Problem, problem: Problem, extra: list[Row]) -> FloatArray:
    kind = RISKS[model.risk]
    with listening() as heard:
        portfolio, names = _portfolio(model, asked, extra, heard)
        code = "WR" if model.name == "maximum_return" else kind.code
        aversion = model.risk_aversion * (2.0 if code == "MAD" else 1.0)  # its MAD is half of one
        rate = threshold(model, asked)
        answer = portfolio.optimization("Classic", code, GOALS[model.name], rf=rate, l=aversion, hist=True)
        return _read(answer, names, problem, heard)


def _in_units(model: Model, problem: Problem, first: float, ask: Callable[[Model, Problem], FloatArray]) -> FloatArray:
    """Ask in one unit of returns, and where the solvers give up in others (a day's usual move, 1): the weights mean the same.

    A ratio is asked first in a unit in which means are about one: Riskfolio divides by the mean, and small ones get lost.
    """
    usual = float(np.sqrt(np.mean(problem.returns**2)))
    failure: Infeasible | None = None
    for unit in dict.fromkeys((first, usual, 1.0)):
        size = max(unit, 1e-12)
        degree = 2.0 if RISKS[model.risk].squared else 1.0
        other = replace(model, risk_free=model.risk_free / size, risk_aversion=model.risk_aversion * size ** (degree - 1.0))
        try:
            return ask(other, _scaled(problem, size))
        except Infeasible as none:
            failure = failure or none
    raise failure or Infeasible("Riskfolio was not asked")


def _scaled(problem: Problem, size: float) -> Problem:
    if size == 1.0:
        return problem
    return replace(problem, returns=problem.returns / size, mean=problem.mean / size, covariance=problem.covariance / size**2)


def _active(problem: Problem) -> Problem:
    """Returns over the benchmark's: the weights add up to the budget, so each column gives up its share of it."""
    given = problem.constraints
    if abs(given.budget[1]) < 1e-12:
        raise Infeasible("Riskfolio follows no benchmark with weights that add up to nothing")
    benchmark = np.zeros(len(problem.assets)) if given.benchmark is None else given.benchmark
    swap = np.eye(len(problem.assets)) - np.outer(benchmark, np.ones(len(problem.assets))) / given.budget[1]
    return replace(
        problem,
        returns=problem.returns @ swap,
        mean=problem.mean @ swap,
        covariance=swap.T @ problem.covariance @ swap,
        constraints=replace(given, budget=(given.budget[1], given.budget[1])),
    )


def _worst_case(model: Model, problem: Problem, extra: list[Row], known: dict[str, Any]) -> FloatArray:
    """known: the uncertainty sets, once they were sampled."""
    with listening() as heard:
        portfolio, names = _portfolio(model, problem, extra, heard)
        if not known:
            portfolio.wc_stats(box="s", ellip="s", q=0.05, n_sim=SAMPLES, window=3, seed=0)
            known |= {name: getattr(portfolio, name) for name in UNCERTAIN}
        for name, value in known.items():
            setattr(portfolio, name, value)
        sets = {"Umu": model.uncertainty, "Ucov": model.uncertainty}
        answer = portfolio.wc_optimization(obj="Utility", rf=threshold(model, problem), l=model.risk_aversion, **sets)
        return _read(answer, names, problem, heard)


def _parity(model: Model, problem: Problem) -> FloatArray:
    if not RISKS[model.risk].parity:
        raise Infeasible(f"Riskfolio has no risk parity of {model.risk}")
    weights = _in_units(model, _loose(problem), 1.0, _one_parity)
    return weights * problem.constraints.budget[1]


def _one_parity(model: Model, problem: Problem) -> FloatArray:
    with listening() as heard:
        portfolio, names = _portfolio(model, problem, [], heard)
        budgets = None if model.budgets is None else np.asarray(model.budgets, dtype=float)[:, None]
        answer = portfolio.rp_optimization("Classic", RISKS[model.risk].code, rf=threshold(model, problem), b=budgets)
        return _read(answer, names, problem, heard)


def _hierarchy(model: Model, problem: Problem) -> FloatArray:
    import pandas as pd
    import riskfolio

    names = [f"a{i}" for i in range(len(problem.assets))]
    covariance = pd.DataFrame(problem.covariance, index=names, columns=names)
    kind = RISKS[model.risk]
    with listening() as heard:
        tree = riskfolio.HCPortfolio(
            returns=pd.DataFrame(problem.returns, columns=names), alpha=1.0 - model.level, p_em=kind.order, p_esm=kind.order
        )
        tree.solvers = solvers(kind.linear, heard)
        answer = tree.optimization(
            model=model.name.upper(),
            codependence="pearson",
            obj="MinRisk",
            rm=kind.code,
            rf=threshold(model, problem),
            method_cov="custom_cov",
            custom_cov=covariance,
            linkage=model.linkage,
            k=1 if len(names) == 2 else None,  # its count of clusters fails for two
            max_k=min(10, len(names)),
        )
        return _read(answer, names, _loose(problem), heard) * problem.constraints.budget[1]


def _loose(problem: Problem) -> Problem:
    """Long only and fully invested: what the models that know no limits are asked."""
    size = len(problem.assets)
    return replace(
        problem, constraints=replace(problem.constraints, lower=np.zeros(size), upper=np.ones(size), budget=(1.0, 1.0), rows=None)
    )


def _read(answer: Any, names: list[str], problem: Problem, heard: Heard) -> FloatArray:
    if answer is None:
        raise Infeasible(f"Riskfolio found no solution ({heard.why()})")
    weights: FloatArray = np.asarray(answer["weights"].loc[names], dtype=float)[: len(problem.assets)]
    if not np.isfinite(weights).all():
        raise Infeasible(f"Riskfolio's weights are not finite ({heard.why()})")
    return weights
