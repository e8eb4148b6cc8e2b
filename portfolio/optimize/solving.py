"""One question, one road: our own kernel where it knows the model, else Riskfolio; then the finish and the certificate."""

from __future__ import annotations

import numpy as np

from portfolio.optimize import fast
from portfolio.optimize.certify import GAP, certify, missing
from portfolio.optimize.conflict import conflict
from portfolio.optimize.cutting import Bounded, least
from portfolio.optimize.objective import CONVEX, LARGEST, cost, excess_mean, objective, parity_error, shortfall, unit
from portfolio.optimize.owner import owner
from portfolio.optimize.problem import MODELS, Model, Problem
from portfolio.optimize.risks import RISKS, risk, threshold
from portfolio.optimize.solution import Infeasible, Solution
from portfolio.types import FloatArray

MINIMUM_DAYS = 2  # fewer have no spread
ROUNDS = 400  # of cutting planes
STEPS = 12  # of ratios that are tried
DUST = 1e-10  # a weight smaller than this is a solver's noise
PARITY = 0.01  # a share of risk that is further from its budget is none
CRUMBS = 1e-4  # a weight smaller than this may be left out where that costs nothing
CLOSE = 1e-7  # how near interior points come to the corner that they mean
OWNER, FAST, PLANES = "Riskfolio", "fast", "cutting planes"
FREE = ("risk_parity", "hrp", "herc", "nco")  # look at no limit: their weights are moved to the nearest that are allowed


def solve(model: Model, problem: Problem) -> Solution:
    """The model's weights within the problem's constraints, with a certificate. Never None: `Infeasible` says why.

    Where the constraints contradict each other its `conflict` names a smallest set of them that does. Singular covariances
    and fewer days than assets are no trouble; series that never move are none for the models of least risk.
    """
    _sane(model, problem)
    given = problem.constraints
    try:
        if given.names is not None or given.minimum_position > 0.0:
            from portfolio.optimize.cardinality import few

            return few(model, problem, solve_plain)
        return solve_plain(model, problem)
    except Infeasible as failure:
        against = failure.conflict or conflict(problem)
        if against:
            raise Infeasible(f"no weights obey all of: {'; '.join(against)}", against) from failure
        raise


def solve_plain(model: Model, problem: Problem) -> Solution:
    """`solve` without counts of names and minimum positions."""
    if model.name in FREE:
        return _free(model, problem)
    if model.engine == FAST and (solution := _fast(model, problem)) is not None:
        return solution
    if model.name == "maximum_sharpe":
        _something_earns(model, problem)
    try:
        start, engine = owner(model, problem), OWNER
    except Infeasible:
        if model.name not in CONVEX and model.name != "maximum_sharpe":
            raise
        size = len(problem.assets)  # its solver gave up: the planes start from equal weights, and find out whether any obey
        start, engine = np.full(size, problem.constraints.budget[1] / size), PLANES
    return _finished(polished(start, problem), model, problem, engine)


def _sane(model: Model, problem: Problem) -> None:
    days, size = problem.returns.shape
    if model.name not in MODELS or model.risk not in RISKS:
        raise Infeasible(f"nobody taught the optimizer {model.name} of {model.risk}")
    if size == 0:
        raise Infeasible("no symbol is free to trade")
    if days < MINIMUM_DAYS:
        raise Infeasible(f"{days} days of returns carry no answer")
    bad = [a for a, column in zip(problem.assets, problem.returns.T, strict=True) if not np.isfinite(column).all()]
    if bad:
        raise Infeasible(f"the returns of {', '.join(bad)} hold a value that is not finite")
    if not (np.isfinite(problem.mean).all() and np.isfinite(problem.covariance).all()):
        raise Infeasible("the estimated mean or covariance holds a value that is not finite")
    given = problem.constraints
    if np.isnan(given.lower).any() or np.isnan(given.upper).any():
        raise Infeasible("a bound of a weight is not a number")


def _something_earns(model: Model, problem: Problem) -> None:
    best = solve_plain(Model("maximum_return", engine=model.engine), problem)
    if excess_mean(best.weights, model, problem) <= 0.0:
        raise Infeasible(f"no allowed weights have a mean above the risk-free rate of {model.risk_free:.3g} a day")


def _fast(model: Model, problem: Problem) -> Solution | None:
    """The answer of our own kernels, finished where their bound leaves a gap; None where they do not know the model."""
    found = _kernel(model, problem)
    if found is None:
        return None
    weights = clean(found.weights)
    bound = -found.bound if model.name in LARGEST else found.bound
    if missing(objective(weights, model, problem), bound, model) > GAP * unit(weights, model, problem):
        return _finished(polished(weights, problem), model, problem, FAST)
    return Solution(weights, certify(weights, model, problem, bound=bound, engine=FAST))


def _kernel(model: Model, problem: Problem) -> fast.Solved | None:
    given, name, seen = problem.constraints, model.name, {"returns": problem.returns}
    if name == "maximum_return":
        return fast.maximum_return(problem.mean, given, **seen)
    if name == "minimum_risk" and model.risk == "cvar" and given.volatility is None and given.tracking_error is None:
        return fast.minimum_cvar(problem.returns, given, level=model.level)
    if model.risk != "variance":
        return None
    if name == "minimum_risk":
        return fast.minimum_variance(problem.covariance, given, **seen)
    if name == "minimum_tracking_error":
        return fast.minimum_tracking_error(problem.covariance, given, benchmark=given.benchmark, **seen)
    if name == "maximum_utility":
        return fast.maximum_utility(problem.mean, problem.covariance, given, risk_aversion=model.risk_aversion, **seen)
    if name == "maximum_sharpe":
        rate = threshold(model, problem)
        return fast.maximum_sharpe(problem.mean, problem.covariance, given, risk_free=rate, **seen)
    return None


def ours(model: Model) -> bool:
    """Whether our own kernels know the model: its answer opens no Riskfolio, which takes seconds to import.

    (But for the least CVaR under a cap on volatility or tracking error.)
    """
    if model.engine != FAST:
        return False
    known = model.name in (*CONVEX, "maximum_sharpe", "risk_parity", "hrp", "herc") and model.risk == "variance"
    return known or model.name == "maximum_return" or (model.name == "minimum_risk" and model.risk == "cvar")


def polished(weights: FloatArray, problem: Problem) -> FloatArray:
    """The nearest weights that obey every limit to 1e-9; a weight next to its bound, to what is held or to zero is there."""
    given, near = problem.constraints, weights.astype(float)
    for place in (given.held, np.zeros(len(near)), given.lower, given.upper):
        if place is not None:
            near = np.where(np.abs(near - place) < CLOSE, place, near)
    return clean(fast.nearest(near, given, problem.returns))


def clean(weights: FloatArray) -> FloatArray:
    """Without the solver's dust, and without minus zero."""
    return np.where(np.abs(weights) < DUST, 0.0, weights) + 0.0


def _finished(weights: FloatArray, model: Model, problem: Problem, engine: str) -> Solution:
    """Bound the answer by cutting planes, which take it further where Riskfolio stopped early or only came near."""
    if model.name not in (*CONVEX, "maximum_sharpe"):
        return Solution(weights, certify(weights, model, problem, bound=None, engine=engine))
    start, size = objective(weights, model, problem), unit(weights, model, problem)
    weights, bound = _best_ratio(weights, model, problem) if model.name == "maximum_sharpe" else _best(weights, model, problem)
    weights = _tidy(polished(weights, problem), model, problem)
    if engine != PLANES and abs(objective(weights, model, problem) - start) > GAP * size:
        engine = f"{engine}, finished by {PLANES}"
    return Solution(weights, certify(weights, model, problem, bound=bound if np.isfinite(bound) else None, engine=engine))


def _best(weights: FloatArray, model: Model, problem: Problem) -> tuple[FloatArray, float]:
    """(weights, what no allowed weights can beat)."""

    def near(found: Bounded) -> bool:
        return found.cost - found.bound <= 0.5 * GAP * unit(found.weights, model, problem)

    found = least(cost(model, problem), problem, weights, near=near, rounds=ROUNDS)
    return found.weights, -found.bound if model.name in LARGEST else found.bound


def _best_ratio(weights: FloatArray, model: Model, problem: Problem) -> tuple[FloatArray, float]:
    """(weights, a ratio that no allowed weights exceed): asks for weights with a ratio a hair above (Dinkelbach 1967)."""
    for _ in range(STEPS):
        ratio = max(objective(weights, model, problem), 0.0) * (1.0 + 0.5 * GAP)
        value = shortfall(ratio, model, problem)
        found = least(value, problem, weights, near=lambda f: f.bound >= 0.0 or f.cost < 0.5 * f.bound, rounds=ROUNDS)
        if found.bound >= 0.0:
            return weights, ratio
        if found.cost >= 0.0:
            break
        weights = found.weights
    return weights, np.inf


def _tidy(weights: FloatArray, model: Model, problem: Problem) -> FloatArray:
    """Without the crumbs that the way from the start left behind, where they are worth nothing."""
    swept = polished(np.where(np.abs(weights) < CRUMBS, 0.0, weights), problem)
    worse = objective(swept, model, problem) - objective(weights, model, problem)
    worse = -worse if model.name in LARGEST else worse
    return swept if worse <= 0.1 * GAP * unit(weights, model, problem) else weights


def _free(model: Model, problem: Problem) -> Solution:
    """The models that look at no limit, then the nearest weights that are allowed; the certificate tells how they came."""
    _moving(problem)
    own, engine = _unbound(model, problem)
    own = own * (problem.constraints.budget[1] / own.sum())
    weights = polished(own, problem)
    moved = float(np.abs(weights - own).max()) > 1e-7
    status, bound = "conformed" if moved else "heuristic", 0.0 if model.name == "risk_parity" and not moved else None
    return Solution(weights, certify(weights, model, problem, bound=bound, engine=engine, status=status))


def _unbound(model: Model, problem: Problem) -> tuple[FloatArray, str]:
    if len(problem.assets) == 1:
        return np.ones(1), FAST
    if model.engine == FAST and model.risk == "variance":
        if model.name == "risk_parity":
            return fast.risk_parity(problem.covariance, model.budgets).weights, FAST
        if model.name == "hrp":
            return fast.hrp(problem.returns, covariance=problem.covariance, linkage=model.linkage), FAST
        if model.name == "herc":
            return fast.herc(problem.returns, covariance=problem.covariance, linkage=model.linkage), FAST
    try:
        return owner(model, problem), OWNER
    except Infeasible:
        if model.name != "risk_parity" or not RISKS[model.risk].parity:
            raise
    return _descended(model, problem), "descent"


def _descended(model: Model, problem: Problem) -> FloatArray:
    """Risk parity where Riskfolio's solver gave up: the least risk(e^u) - budgets @ u, whose slope is zero where each weight
    carries its budget (Spinu 2013 of variance; the argument holds for any risk that grows with its size).
    """
    from scipy.optimize import minimize

    size = len(problem.assets)
    budgets = np.full(size, 1.0 / size) if model.budgets is None else np.asarray(model.budgets, dtype=float)
    usual = risk(np.full(size, 1.0 / size), model, problem)[0]

    def cost(u: FloatArray) -> tuple[float, FloatArray]:
        weights = np.exp(u)
        value, slope = risk(weights, model, problem)
        return value / usual - float(budgets @ u), weights * slope / usual - budgets

    found = minimize(cost, np.full(size, -np.log(size)), jac=True, method="L-BFGS-B", options={"maxiter": 5000, "ftol": 1e-16})
    weights = np.exp(found.x)
    if not np.isfinite(weights).all() or parity_error(weights / weights.sum(), model, problem) > PARITY:
        raise Infeasible(f"no weights were found that share the {model.risk} by their budgets")
    return np.asarray(weights / weights.sum())


def _moving(problem: Problem) -> None:
    still = [a for a, column in zip(problem.assets, problem.returns.T, strict=True) if np.ptp(column) <= 1e-12]
    if still and len(problem.assets) > 1:
        raise Infeasible(f"{', '.join(still)} never moves, so that it has no share of risk and no correlation")
