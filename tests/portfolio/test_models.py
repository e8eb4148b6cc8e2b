"""Every model and every measure against other programs: plain cvxpy, skfolio, Riskfolio's own functions, and neighbours."""

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from portfolio.optimize import RISKS, Infeasible, Model, Problem, long_only, solve
from portfolio.optimize.risks import risk

SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
UNIT = 50.0  # in which cvxpy sees returns: its solvers lose small numbers
LEVEL, CAP, RATE, AVERSION = 0.95, 0.35, 0.00002, 1.5
WINDOWS = {"2007 to 2008": (4500, 160, slice(0, 10)), "2020": (7650, 160, slice(8, 18))}
BY_RISKFOLIO = ("rlvar", "rlvar_range", "rldar")  # written down below for cvxpy are all but these


@pytest.fixture(scope="module", autouse=True)
def _opened(riskfolio):
    """Riskfolio's import prints and warns; it is none of these tests' matter."""


def problem(returns: np.ndarray, cap: float = CAP) -> Problem:
    size = returns.shape[1]
    names = tuple(f"S{i}" for i in range(size))
    return Problem(names, returns, returns.mean(axis=0), np.cov(returns, rowvar=False), long_only(size, cap))


@pytest.fixture(scope="module", params=WINDOWS)
def real(request, stocks) -> Problem:
    first, days, columns = WINDOWS[request.param]
    return problem(stocks[1][first : first + days, columns])


# --- the measures, written down for cvxpy ---------------------------------------------------------------------------


def ordered(weights):
    """A sum of ordered returns with weights that grow: convex."""
    import cvxpy as cp

    return lambda x, _: cp.dotsort(x, np.asarray(weights).ravel())


def cvar(x, extra):
    import cvxpy as cp

    a = cp.Variable()
    return a + cp.sum(cp.pos(-x - a)) / (x.shape[0] * (1 - LEVEL))


def evar(x, extra):
    import cvxpy as cp

    t, z, u, days = cp.Variable(), cp.Variable(nonneg=True), cp.Variable(x.shape[0]), x.shape[0]
    extra += [cp.sum(u) <= z, cp.ExpCone(-x - t, z * np.ones(days), u)]
    return t - z * np.log((1 - LEVEL) * days)


def under_water(measure):
    """The measure of minus the drawdown."""
    import cvxpy as cp

    def of(x, extra):
        depth = cp.Variable(x.shape[0] + 1)
        extra += [depth[0] == 0, depth >= 0, depth[1:] >= depth[:-1] - x]
        return measure(-depth[1:], extra)

    return of


def both(measure):
    return lambda x, extra: measure(x, extra) + measure(-x, extra)


def measures(days: int) -> dict:
    """name -> (of the portfolio's returns, of their deviations): the measure as cvxpy sees it."""
    import cvxpy as cp
    from riskfolio.src import OwaWeights as owa

    def least_squares(x, _):
        return cp.norm(cp.neg(x), 2) / np.sqrt(days - 1)

    def moment(p, half):
        return lambda x, _: cp.square(cp.norm(cp.neg(x) if half else x, 2 * p)) / days ** (1 / p)

    tail = owa.owa_tg(days, alpha=1 - LEVEL)
    worst = lambda x, _: -cp.min(x)  # noqa: E731
    mean_loss = lambda x, _: -cp.sum(x) / days  # noqa: E731
    return {
        "mean_absolute_deviation": (lambda x, _: cp.norm1(x) / days, True),
        "semi_deviation": (least_squares, True),
        "kurtosis": (moment(2, False), True),
        "semi_kurtosis": (moment(2, True), True),
        "even_moment": (moment(3, False), True),
        "even_semi_moment": (moment(3, True), True),
        "gini": (ordered(owa.owa_gmd(days)), False),
        "first_lower_partial_moment": (lambda x, _: cp.sum(cp.pos(UNIT * RATE - x)) / days, False),
        "second_lower_partial_moment": (lambda x, _: cp.norm(cp.pos(UNIT * RATE - x), 2) / np.sqrt(days - 1), False),
        "cvar": (cvar, False),
        "tail_gini": (ordered(tail), False),
        "evar": (evar, False),
        "worst_realization": (worst, False),
        "range": (both(worst), False),
        "cvar_range": (both(cvar), False),
        "tail_gini_range": (lambda x, e: ordered(tail)(x, e) + ordered(tail)(-x, e), False),
        "evar_range": (both(evar), False),
        "max_drawdown": (under_water(worst), False),
        "average_drawdown": (under_water(mean_loss), False),
        "cdar": (under_water(cvar), False),
        "edar": (under_water(evar), False),
        "ulcer": (under_water(lambda x, _: cp.norm(x, 2) / np.sqrt(days)), False),
    }


def by_cvxpy(name: str, asked: Problem, *, goal: str = "minimum_risk") -> float:
    import cvxpy as cp

    weights, extra = cp.Variable(len(asked.assets)), []
    if name == "variance":
        size = cp.sum_squares(np.linalg.cholesky(asked.covariance).T @ weights)
    else:
        measure, centred = measures(len(asked.returns))[name]
        x = (asked.returns - asked.mean if centred else asked.returns) @ weights
        size = measure(UNIT * x, extra) / UNIT ** (2 if RISKS[name].squared else 1)
    given = asked.constraints
    extra += [cp.sum(weights) == 1, weights >= given.lower, weights <= given.upper]
    sought = AVERSION * size - asked.mean @ weights if goal == "maximum_utility" else size
    program = cp.Problem(cp.Minimize(1000 * sought), extra)
    try:
        program.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10)
    except cp.SolverError:
        program.solve(solver=cp.CLARABEL)
    return float(program.value) / 1000 * (-1 if goal == "maximum_utility" else 1)


def by_riskfolio_s_function(name: str, weights: np.ndarray, asked: Problem) -> float:
    from riskfolio.src import RiskFunctions

    p = RISKS[name].order
    value = RiskFunctions.Sharpe_Risk(
        asked.returns, w=weights, cov=asked.covariance, rm=RISKS[name].code, rf=RATE, alpha=1 - LEVEL, p_em=p, p_esm=p
    )
    return float(value) ** 2 if name == "variance" else float(value)


def asked_of(name: str, goal: str = "minimum_risk", engine: str = "riskfolio") -> Model:
    return Model(goal, risk=name, level=LEVEL, risk_free=RATE, risk_aversion=AVERSION, engine=engine)


def test_there_are_twenty_six_measures():
    assert len(RISKS) == 26


@pytest.mark.parametrize("name", RISKS)
def test_a_measure_is_riskfolio_s_and_its_slope_is_its_slope(name, real):
    luck = np.random.default_rng(5)
    for _ in range(3):
        weights, step = luck.dirichlet(np.ones(10)), luck.normal(size=10) * 1e-7
        value, slope = risk(weights, asked_of(name), real)
        close = 1e-4 if name in BY_RISKFOLIO else 1e-6  # Riskfolio solves a program for these, to its solver's tolerance
        assert value == pytest.approx(by_riskfolio_s_function(name, weights, real), rel=close)
        ahead, behind = (risk(weights + s * step, asked_of(name), real)[0] for s in (1, -1))
        assert (ahead - behind) / 2 == pytest.approx(float(slope @ step), rel=1e-3, abs=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_the_relativistic_value_at_risk_is_the_worst_mean_loss_of_its_paper(seed):
    """Cajas (2023): over the probabilities q with sum (q^(1+k) - q^(1-k)) / 2k <= ln_k(1 / (tail x days)), k = 0.3, by SLSQP."""
    from scipy.optimize import minimize

    from portfolio.optimize.slopes import relativistic

    days, k, tail = 25, 0.3, 0.2
    x = np.random.default_rng(seed).standard_t(4, days)
    room = ((1 / (tail * days)) ** k - (1 / (tail * days)) ** -k) / (2 * k)
    limits = [
        {"type": "eq", "fun": lambda q: q.sum() - 1},
        {"type": "ineq", "fun": lambda q: room - ((q ** (1 + k) - q ** (1 - k)) / (2 * k)).sum()},
    ]
    start, bounds = np.full(days, 1 / days), [(1e-12, 1)] * days
    worst = minimize(
        lambda q: q @ x, start, jac=lambda q: x, bounds=bounds, constraints=limits, options={"ftol": 1e-14, "maxiter": 2000}
    )
    value, slope = relativistic(x, 1 - tail, 0.0)
    assert value == pytest.approx(-worst.fun, rel=1e-6)
    assert -slope @ np.ones(days) == pytest.approx(1.0)
    assert value == pytest.approx(slope @ x)


@pytest.mark.parametrize("name", [n for n in RISKS if n not in BY_RISKFOLIO])
def test_the_least_risk_is_plain_cvxpy_s(name, real):
    answer = solve(asked_of(name), real)
    assert answer.certificate.objective == pytest.approx(by_cvxpy(name, real), rel=1e-6)
    assert answer.certificate.status == "optimal"
    assert answer.certificate.gap <= 1e-6


@pytest.mark.parametrize(
    "name", ["variance", "mean_absolute_deviation", "semi_deviation", "kurtosis", "cvar", "tail_gini", "ulcer"]
)
def test_the_largest_utility_is_plain_cvxpy_s(name, real):
    """Riskfolio's utility counts half of a mean absolute deviation and a thousandth of an ulcer index; ours does not."""
    answer = solve(asked_of(name, "maximum_utility"), real)
    if name in {"variance", "mean_absolute_deviation", "cvar", "ulcer"}:
        assert answer.certificate.engine == "Riskfolio"  # and no planes had to mend it
    size = AVERSION * risk(answer.weights, asked_of(name), real)[0]
    assert answer.certificate.objective == pytest.approx(by_cvxpy(name, real, goal="maximum_utility"), abs=1e-6 * size)


SKFOLIO = {
    "variance": "VARIANCE",
    "mean_absolute_deviation": "MEAN_ABSOLUTE_DEVIATION",
    "semi_deviation": "SEMI_DEVIATION",
    "cvar": "CVAR",
    "evar": "EVAR",
    "worst_realization": "WORST_REALIZATION",
    "max_drawdown": "MAX_DRAWDOWN",
    "average_drawdown": "AVERAGE_DRAWDOWN",
    "cdar": "CDAR",
    "edar": "EDAR",
    "ulcer": "ULCER_INDEX",
    "gini": "GINI_MEAN_DIFFERENCE",
}


def by_skfolio(name: str, asked: Problem, goal: str) -> np.ndarray:
    import pandas as pd
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk, ObjectiveFunction

    frame = pd.DataFrame(asked.returns, columns=list(asked.assets))
    levels = {f"{kind}_beta": LEVEL for kind in ("cvar", "evar", "cdar", "edar")}
    model = MeanRisk(
        risk_measure=RiskMeasure[SKFOLIO[name]],
        objective_function=ObjectiveFunction.MAXIMIZE_RATIO if goal == "maximum_sharpe" else ObjectiveFunction.MINIMIZE_RISK,
        max_weights=float(asked.constraints.upper[0]),
        risk_free_rate=RATE,
        solver_params={"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11},
        **levels,
    )
    return np.asarray(model.fit(frame).weights_)


@pytest.mark.parametrize("name", SKFOLIO)
def test_the_least_risk_is_skfolio_s(name, real):
    ours = by_riskfolio_s_function(name, solve(asked_of(name), real).weights, real)
    theirs = by_riskfolio_s_function(name, by_skfolio(name, real, "minimum_risk"), real)
    assert ours <= theirs * (1 + 1e-6)
    assert ours == pytest.approx(theirs, rel=2e-5 if name in {"edar", "evar", "gini"} else 1e-6)


def rising(asked: Problem) -> Problem:
    """The same with means above the risk-free rate for some."""
    returns = asked.returns + 0.0008
    return replace(asked, returns=returns, mean=returns.mean(axis=0))


@pytest.mark.parametrize("name", ["variance", "mean_absolute_deviation", "cvar", "evar", "cdar", "ulcer"])
def test_the_largest_ratio_is_skfolio_s(name, real):
    asked = rising(real)
    answer = solve(asked_of(name, "maximum_sharpe"), asked)
    ratios = [
        (float(asked.mean @ w) - RATE) / by_riskfolio_s_function(name, w, asked) ** (0.5 if name == "variance" else 1.0)
        for w in (answer.weights, by_skfolio(name, asked, "maximum_sharpe"))
    ]
    assert ratios[0] >= ratios[1] * (1 - 1e-6)
    assert ratios[0] == pytest.approx(ratios[1], rel=2e-5 if name == "evar" else 2e-6)
    assert answer.certificate.objective == pytest.approx(ratios[0], rel=1e-7)


def no_neighbour_is_better(model: Model, asked: Problem, weights: np.ndarray) -> None:
    from portfolio.optimize.objective import LARGEST, objective, unit

    luck, here = np.random.default_rng(11), objective(weights, model, asked)
    sign, room = (1 if model.name in LARGEST else -1), 1e-6 * unit(weights, model, asked)
    corners = [solve(Model("maximum_return"), replace(asked, mean=luck.normal(size=len(weights)))).weights for _ in range(40)]
    for corner in corners:
        for step in (1.0, 0.1, 0.01, 1e-3):
            assert sign * (objective(weights + step * (corner - weights), model, asked) - here) <= room


@pytest.mark.parametrize("name", RISKS)
@pytest.mark.parametrize("goal", ["minimum_risk", "maximum_sharpe"])
def test_no_allowed_neighbour_is_better(name, goal, stocks):
    asked = rising(problem(stocks[1][7650:7800, 8:16]))
    model = asked_of(name, goal)
    answer = solve(model, asked)
    no_neighbour_is_better(model, asked, answer.weights)
    assert answer.certificate.status in {"optimal", "within gap"}
    assert answer.certificate.gap <= 1e-5


# --- two roads, one answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "name"),
    [
        *(("minimum_risk", n) for n in ("variance", "cvar")),
        *((g, "variance") for g in ("maximum_sharpe", "maximum_utility", "maximum_return", "minimum_tracking_error")),
    ],
)
def test_our_kernels_reach_what_riskfolio_reaches(goal, name, real):
    asked = rising(real)
    bench = replace(asked.constraints, benchmark=np.r_[np.full(4, 0.25), np.zeros(6)], upper=np.full(10, 0.2))
    asked = replace(asked, constraints=bench) if goal == "minimum_tracking_error" else asked
    ours, theirs = (solve(asked_of(name, goal, engine), asked).certificate for engine in ("fast", "riskfolio"))
    assert ours.engine == "fast"
    assert theirs.engine.startswith("Riskfolio")
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)


@pytest.mark.parametrize("linkage", ["single", "ward"])
@pytest.mark.parametrize("name", ["hrp", "herc"])
def test_our_trees_are_riskfolio_s(name, linkage, real):
    asked = replace(real, constraints=long_only(10))
    ours, theirs = (solve(Model(name, linkage=linkage, engine=e), asked).weights for e in ("fast", "riskfolio"))
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("name", ["hrp", "herc", "nco"])
def test_a_tree_called_plainly_is_the_same(name, real, riskfolio):
    import pandas as pd

    plain = riskfolio.HCPortfolio(returns=pd.DataFrame(real.returns))
    theirs = plain.optimization(model=name.upper(), rm="MV", obj="MinRisk", linkage="ward")["weights"].to_numpy()
    ours = solve(Model(name, linkage="ward"), replace(real, constraints=long_only(10)))
    assert ours.weights == pytest.approx(theirs, abs=2e-4 if name == "nco" else 1e-9)
    assert ours.certificate.status == "heuristic"


@pytest.mark.parametrize("name", [n for n in RISKS if RISKS[n].parity])
def test_risk_parity_gives_every_asset_its_budget(name, stocks):
    asked = problem(stocks[1][7650:7800, 8:13], 1.0)
    budgets = np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    model = replace(asked_of(name, "risk_parity"), budgets=budgets)
    weights = solve(model, asked).weights
    parts = weights * risk(weights, model, asked)[1]
    close = 0.03 if RISKS[name].tailed or name in {"tail_gini", "gini"} else 2e-3  # a kink has many slopes
    assert parts / parts.sum() == pytest.approx(budgets, abs=close)


def test_risk_parity_of_variance_is_exact(real):
    asked = replace(real, constraints=long_only(10))
    answer = solve(Model("risk_parity"), asked)
    parts = answer.weights * (asked.covariance @ answer.weights)
    assert parts / parts.sum() == pytest.approx(np.full(10, 0.1), abs=1e-9)
    assert answer.certificate.status == "optimal"


@pytest.mark.parametrize("uncertainty", ["box", "ellip"])
def test_the_worst_case_is_riskfolio_s(uncertainty, stocks, riskfolio):
    import pandas as pd

    asked = problem(stocks[1][7650:7800, 8:13], 1.0)
    answer = solve(Model("worst_case", uncertainty=uncertainty, risk_aversion=3.0), asked)
    plain = riskfolio.Portfolio(returns=pd.DataFrame(asked.returns, columns=list(asked.assets)))
    plain.assets_stats()
    plain.wc_stats(box="s", ellip="s", n_sim=1000, seed=0)
    theirs = plain.wc_optimization(obj="Utility", l=3.0, Umu=uncertainty, Ucov=uncertainty)["weights"].to_numpy()
    assert answer.weights == pytest.approx(theirs, abs=1e-4)


# --- a universe of Riskfolio's own ----------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize(("first", "days"), [(0, 250), (600, 400)])
@pytest.mark.parametrize("name", ["variance", "cvar", "mean_absolute_deviation", "evar", "cdar"])
def test_the_least_risk_of_another_universe(first, days, name):
    file = SHARED / "riskfolio" / "stock_prices.csv"
    if not file.is_file():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    with file.open() as lines:
        rows = list(csv.reader(lines))[1:]
    closes = np.array([[float(cell) if cell else np.nan for cell in row[1:]] for row in rows])
    closes = closes[:, np.isfinite(closes).all(axis=0)]
    returns = (closes[1:] / closes[:-1] - 1.0)[first : first + days]
    assert returns.shape == (days, 11)
    asked = problem(returns, 0.2)
    for engine in ("fast", "riskfolio"):
        assert solve(asked_of(name, engine=engine), asked).certificate.objective == pytest.approx(by_cvxpy(name, asked), rel=1e-6)


# --- defined answers to everything that has none --------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["fast", "riskfolio"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["minimum_risk", "hrp", "herc", "risk_parity"])
def test_returns_that_are_not_finite_are_no_input_and_name_the_asset(name, bad, engine, real):
    """Riskfolio's HCPortfolio would answer NaN weights without a word."""
    returns = real.returns.copy()
    returns[7, 3] = bad
    with pytest.raises(Infeasible, match="S3 hold a value that is not finite"):
        solve(Model(name, engine=engine), replace(real, returns=returns))


@pytest.mark.parametrize("engine", ["fast", "riskfolio"])
def test_no_mean_above_the_risk_free_rate_has_no_largest_ratio(engine, real, capfd):
    with pytest.raises(Infeasible, match=r"no allowed (weights have|portfolio has) a mean above the risk-free rate"):
        solve(Model("maximum_sharpe", risk_free=1.0, engine=engine), real)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("engine", ["fast", "riskfolio"])
def test_means_that_are_all_negative_and_still_above_the_rate(engine, real):
    """Riskfolio changes its formulation there; the answer must be that of the same problem moved up."""
    down = replace(real, mean=real.mean - real.mean.max() - 0.0001)
    rate = float(down.mean.min()) * 2
    answer = solve(Model("maximum_sharpe", risk_free=rate, engine=engine), down)
    moved = solve(Model("maximum_sharpe", risk_free=0.0, engine="fast"), replace(down, mean=down.mean - rate))
    assert answer.certificate.objective == pytest.approx(moved.certificate.objective, rel=1e-6)


@pytest.mark.parametrize("engine", ["fast", "riskfolio"])
@pytest.mark.parametrize("name", ["minimum_risk", "maximum_return", "risk_parity", "hrp", "herc", "nco"])
def test_one_asset_is_the_whole_portfolio(name, engine, real):
    alone = problem(real.returns[:, :1], 1.0)
    alone = replace(alone, covariance=np.atleast_2d(alone.covariance))
    assert solve(Model(name, engine=engine), alone).weights.tolist() == [1.0]


@pytest.mark.parametrize("name", ["hrp", "herc", "nco", "risk_parity"])
def test_two_assets_are_enough(name, real):
    two = problem(real.returns[:, :2], 1.0)
    ours, theirs = (solve(Model(name, engine=e), two).weights for e in ("fast", "riskfolio"))
    assert ours == pytest.approx(theirs, abs=1e-4)
    calm = 1 / np.diag(two.covariance)
    if name in {"hrp", "herc"}:
        assert ours == pytest.approx(calm / calm.sum(), abs=1e-9)


@pytest.mark.parametrize("goal", ["minimum_risk", "maximum_sharpe", "maximum_utility"])
@pytest.mark.parametrize(("low", "budget", "gross"), [(0.0, (0.0, 1.0), 1.0), (-0.2, (1.0, 1.3), 1.6), (-0.4, (0.0, 0.0), 1.0)])
def test_cash_leverage_and_no_net_position(low, budget, gross, goal, real):
    asked = rising(problem(real.returns[:, :6], 0.5))
    limits = replace(asked.constraints, lower=np.full(6, low), budget=budget, gross=gross)
    asked = replace(asked, constraints=limits)
    ours, theirs = (solve(replace(asked_of("variance", goal, e), risk_aversion=30.0), asked) for e in ("fast", "riskfolio"))
    assert ours.certificate.objective == pytest.approx(theirs.certificate.objective, rel=2e-6, abs=1e-12)
    for answer in (ours, theirs):
        assert budget[0] - 1e-9 <= answer.weights.sum() <= budget[1] + 1e-9
        assert np.abs(answer.weights).sum() <= gross + 1e-9


@pytest.mark.parametrize("shape", [(300, 0), (1, 5), (0, 5)])
def test_nothing_to_learn_from_is_infeasible(shape):
    size = shape[1]
    empty = Problem(tuple("abcde"[:size]), np.zeros(shape), np.zeros(size), np.zeros((size, size)), long_only(size))
    with pytest.raises(Infeasible):
        solve(Model("minimum_risk"), empty)


@pytest.mark.parametrize("engine", ["fast", "riskfolio"])
@pytest.mark.parametrize("name", ["variance", "cvar"])
def test_fewer_days_than_assets(name, engine, stocks, capfd):
    few = problem(stocks[1][5000:5008, :12], 0.2)
    answer = solve(asked_of(name, engine=engine), few)
    assert answer.certificate.objective == pytest.approx(solve(asked_of(name), few).certificate.objective, rel=1e-5, abs=1e-12)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("engine", ["fast", "riskfolio"])
def test_series_that_never_move(engine, real):
    """Cash that never moves is the least risk of all, and its cap says how much of it there is; it has no share of risk."""
    returns = real.returns.copy()
    returns[:, 2] = 0.0
    still = problem(returns)
    for name in ("variance", "cvar"):
        assert solve(asked_of(name, engine=engine), still).weights[2] == pytest.approx(CAP, abs=1e-6)
    for model in ("risk_parity", "hrp", "herc", "nco"):
        with pytest.raises(Infeasible, match="S2 never moves"):
            solve(Model(model, engine=engine), still)
    frozen = problem(np.full((200, 4), 0.001), 0.5)
    assert solve(asked_of("cvar", engine=engine), frozen).certificate.objective == pytest.approx(-0.001, abs=1e-9)
    assert solve(asked_of("variance", engine=engine), frozen).certificate.objective == pytest.approx(0.0, abs=1e-12)


def test_the_order_of_assets_changes_nothing(real):
    order = np.random.default_rng(3).permutation(10)
    mixed = problem(real.returns[:, order])
    for model in (asked_of("cvar"), asked_of("variance", engine="fast"), Model("nco"), Model("worst_case")):
        here, there = solve(model, real), solve(model, mixed)
        assert there.certificate.objective == pytest.approx(here.certificate.objective, rel=2e-6)


@pytest.mark.parametrize("name", ["variance", "cvar", "evar"])
def test_the_unit_of_returns_changes_no_weight_s_quality(name, real):
    best = solve(asked_of(name), real).certificate.objective
    for scale in (1e-2, 1e2):
        there = solve(asked_of(name), problem(real.returns * scale))
        assert risk(there.weights, asked_of(name), real)[0] == pytest.approx(best, rel=2e-5)


def test_riskfolio_s_words_are_kept_and_nothing_is_printed(real, monkeypatch, riskfolio, capfd):
    def silent(self, **_):
        print("The problem doesn't have a solution with actual input parameters")

    monkeypatch.setattr(riskfolio.Portfolio, "wc_optimization", silent)
    with pytest.raises(Infeasible, match="actual input parameters"):
        solve(Model("worst_case"), real)
    assert capfd.readouterr().out == ""


def test_an_error_inside_riskfolio_is_a_typed_failure(real, monkeypatch, riskfolio):
    def broken(self, *_, **__):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(riskfolio.HCPortfolio, "optimization", broken)
    with pytest.raises(Infeasible, match="Singular matrix"):
        solve(Model("nco"), real)


def test_a_solver_that_did_not_finish_is_heard(real):
    """Riskfolio takes whatever weights an unfinished solve left; our solvers give them up and say so."""
    import cvxpy as cp

    from portfolio.optimize.listening import Heard, solvers

    heard = Heard()
    weights = cp.Variable(10)
    program = cp.Problem(cp.Minimize(cp.quad_form(weights, cp.psd_wrap(real.covariance))), [cp.sum(weights) == 1, weights >= 0])
    with pytest.raises(cp.SolverError):
        program.solve(solver=solvers(False, heard)[0], max_iter=2)
    assert "user_limit" in heard.why()
    assert weights.value is None


def test_a_model_or_a_measure_nobody_taught_is_a_typed_failure(real):
    for model in (Model("magic"), Model("minimum_risk", risk="luck"), Model("risk_parity", risk="max_drawdown")):
        with pytest.raises(Infeasible):
            solve(model, real)
