"""Minimum CVaR against two other programs, and a defined answer to everything that has none."""

import itertools
import sys

import numpy as np
import pytest

from portfolio.optimize import Infeasible, Solution, minimum_cvar

mine = sys.modules["portfolio.optimize.minimum_cvar"]
WINDOWS = [  # (first day, days, symbols, level, cap)
    (0, 252, slice(0, 20), 0.95, 0.10),
    (4500, 504, slice(0, 20), 0.95, 0.15),  # 2007 to 2009
    (7200, 1000, slice(0, 20), 0.95, 0.10),  # 2018 to 2022
    (2500, 400, slice(3, 8), 0.90, 0.40),
    (6000, 300, slice(10, 13), 0.99, 1.00),
    (7000, 350, slice(0, 20), 0.975, 0.05),  # the cap leaves one answer
]
CASES = pytest.mark.parametrize(("first", "days", "columns", "level", "cap"), WINDOWS)


@pytest.fixture(scope="module", autouse=True)
def _opened(riskfolio):
    """Riskfolio's import prints and warns; it is none of these tests' matter."""


def tail(returns: np.ndarray, weights: np.ndarray, level: float) -> float:
    """CVaR by its definition, written down here: the least of a + mean excess over a / (1 - level), at a loss."""
    losses = np.sort(-(returns @ weights))
    excess = np.maximum(losses[None, :] - losses[:, None], 0.0).mean(axis=1)
    return float((losses + excess / (1 - level)).min())


def by_cvxpy(returns: np.ndarray, level: float, cap: float) -> float:
    import cvxpy as cp

    days, assets = returns.shape
    weights, a = cp.Variable(assets), cp.Variable()
    objective = a + cp.sum(cp.pos(-returns @ weights - a)) / (days * (1 - level))
    problem = cp.Problem(cp.Minimize(objective), [cp.sum(weights) == 1, weights >= 0, weights <= cap])
    problem.solve(solver=cp.CLARABEL)
    return float(problem.value)


def by_skfolio(returns: np.ndarray, level: float, cap: float) -> float:
    import pandas as pd
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk

    frame = pd.DataFrame(returns, columns=[f"s{i}" for i in range(returns.shape[1])], index=pd.RangeIndex(len(returns)))
    model = MeanRisk(risk_measure=RiskMeasure.CVAR, cvar_beta=level, max_weights=cap, min_weights=0.0)
    return tail(returns, model.fit(frame).weights_, level)


@CASES
def test_the_objective_equals_plain_cvxpy_s_and_skfolio_s(stocks, first, days, columns, level, cap):
    returns = stocks[1][first : first + days, columns]
    assert returns.shape[0] == days
    answer = minimum_cvar(returns, level=level, cap=cap)
    found = tail(returns, answer.weights, level)
    assert found == pytest.approx(by_cvxpy(returns, level, cap), rel=1e-6)
    assert found <= by_skfolio(returns, level, cap) * (1 + 1e-6)
    assert answer.certificate.objective == pytest.approx(found, rel=1e-9)
    assert answer.certificate.status == "optimal"


@CASES
def test_the_weights_hold_their_bounds_and_add_up(stocks, first, days, columns, level, cap, capfd):
    weights = minimum_cvar(stocks[1][first : first + days, columns], level=level, cap=cap).weights
    assert weights.shape == (stocks[1][:, columns].shape[1],)
    assert weights.sum() == pytest.approx(1.0, abs=1e-7)
    assert weights.min() >= -1e-7
    assert weights.max() <= cap + 1e-7
    assert capfd.readouterr().out == ""


def test_the_order_of_assets_changes_nothing(stocks):
    returns = stocks[1][5000:5400]
    plain = minimum_cvar(returns, level=0.95, cap=0.1)
    luck = np.random.default_rng(3)
    for _ in range(3):
        order = luck.permutation(20)
        mixed = minimum_cvar(returns[:, order], level=0.95, cap=0.1)
        assert mixed.certificate.objective == pytest.approx(plain.certificate.objective, rel=1e-9)
        back = np.empty(20)
        back[order] = mixed.weights
        assert tail(returns, back, 0.95) == pytest.approx(plain.certificate.objective, rel=1e-6)


def test_a_wider_cap_never_worsens_the_tail(stocks):
    returns = stocks[1][7600:8000]
    figures = [minimum_cvar(returns, level=0.95, cap=cap).certificate.objective for cap in (0.05, 0.1, 0.3, 1.0)]
    assert all(b <= a * (1 + 1e-9) for a, b in itertools.pairwise(figures))
    assert figures[0] == pytest.approx(tail(returns, np.full(20, 0.05), 0.95), rel=1e-9)


def test_the_binding_caps_are_named(stocks):
    answer = minimum_cvar(stocks[1][7600:8000], level=0.95, cap=0.1)
    named = {int(words.rsplit(" ", 1)[1]) for words in answer.certificate.binding}
    assert named == {i for i, w in enumerate(answer.weights) if w > 0.1 - 1e-7}
    assert named


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_returns_that_are_not_finite_are_no_input(stocks, bad):
    returns = stocks[1][:300].copy()
    returns[7, 3] = bad
    with pytest.raises(Infeasible, match="not finite"):
        minimum_cvar(returns, level=0.95, cap=0.1)


@pytest.mark.parametrize("cap", [0.049, 0.0, -1.0, float("nan")])
def test_a_cap_that_leaves_no_room_is_infeasible(stocks, cap):
    with pytest.raises(Infeasible, match="cannot hold"):
        minimum_cvar(stocks[1][:300], level=0.95, cap=cap)


def test_one_asset_is_the_whole_portfolio(stocks):
    returns = stocks[1][:300, :1]
    answer = minimum_cvar(returns, level=0.95, cap=1.0)
    assert answer.weights.tolist() == [1.0]
    assert answer.certificate.objective == pytest.approx(tail(returns, np.ones(1), 0.95), rel=1e-9)
    with pytest.raises(Infeasible):
        minimum_cvar(returns, level=0.95, cap=0.5)


@pytest.mark.parametrize("shape", [(300, 0), (0, 5), (1, 5), (0, 1)])
def test_nothing_to_learn_from_is_infeasible(shape):
    with pytest.raises(Infeasible):
        minimum_cvar(np.zeros(shape), level=0.95, cap=1.0)


def optimal(returns: np.ndarray, cap: float, level: float = 0.95) -> Solution:
    """The answer, which is as good as cvxpy's."""
    answer = minimum_cvar(returns, level=level, cap=cap)
    assert np.isfinite(answer.weights).all()
    assert answer.certificate.objective == pytest.approx(by_cvxpy(returns, level, cap), rel=1e-5, abs=1e-8)
    return answer


def test_fewer_days_than_assets(stocks, capfd):
    optimal(stocks[1][:10], cap=0.2)
    assert capfd.readouterr().out == ""


def test_a_constant_series_and_a_zero_variance_asset(stocks, capfd):
    """Cash that never moves is the least tail of all: the cap, not an accident, says how much of it there is."""
    returns = stocks[1][7000:7400, :5].copy()
    returns[:, 2] = 0.0
    answer = optimal(returns, cap=0.4)
    assert answer.weights[2] == pytest.approx(0.4, abs=1e-6)
    optimal(np.zeros((300, 4)), cap=0.5)
    optimal(np.full((300, 4), 0.001), cap=0.5)
    assert capfd.readouterr().out == ""


def test_two_equal_assets_share_as_they_like(stocks):
    returns = stocks[1][7000:7400, [0, 0, 1]]
    answer = optimal(returns, cap=0.6)
    assert answer.weights.sum() == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e3])
def test_the_unit_of_returns_changes_no_weight_s_quality(stocks, scale):
    returns = stocks[1][7000:7400, :5]
    best = by_cvxpy(returns, 0.95, 0.5)
    assert tail(returns, minimum_cvar(returns * scale, level=0.95, cap=0.5).weights, 0.95) == pytest.approx(best, rel=1e-4)


def test_an_early_stopped_answer_is_refused(stocks, monkeypatch):
    """Feasible but worse than possible: what Riskfolio accepts at an iteration limit, the certificate does not."""
    returns = stocks[1][7600:8000]
    monkeypatch.setattr(mine, "_riskfolio", lambda returns, level, cap: np.full(20, 0.05))
    with pytest.raises(Infeasible, match="stopped early"):
        minimum_cvar(returns, level=0.95, cap=0.1)


def test_a_hair_worse_than_optimal_is_refused_and_the_optimum_is_not(stocks, monkeypatch):
    returns = stocks[1][7600:8000]
    best = minimum_cvar(returns, level=0.95, cap=0.1)
    for share, accepted in [(0.0, True), (1e-3, False)]:
        mixed = (1 - share) * best.weights + share * 0.05
        monkeypatch.setattr(mine, "_riskfolio", lambda returns, level, cap, mixed=mixed: mixed)
        if accepted:
            minimum_cvar(returns, level=0.95, cap=0.1)
        else:
            with pytest.raises(Infeasible):
                minimum_cvar(returns, level=0.95, cap=0.1)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.full(20, np.nan), "not finite"),
        (np.r_[np.full(19, 0.05), np.inf], "not finite"),
        (np.full(20, 0.0500001), "constraint"),
        (np.r_[0.11, np.full(19, 0.89 / 19)], "constraint"),
        (np.r_[-0.01, np.full(19, 1.01 / 19)], "constraint"),
    ],
)
def test_an_answer_that_breaks_a_constraint_is_refused(stocks, monkeypatch, weights, words):
    monkeypatch.setattr(mine, "_riskfolio", lambda returns, level, cap: weights)
    with pytest.raises(Infeasible, match=words):
        minimum_cvar(stocks[1][7600:8000], level=0.95, cap=0.1)


def test_no_answer_of_riskfolio_is_a_typed_failure_with_its_words(stocks, monkeypatch, riskfolio, capfd):
    def silent(self, **_):
        print("The problem doesn't have a solution with actual input parameters")

    monkeypatch.setattr(riskfolio.Portfolio, "optimization", silent)
    with pytest.raises(Infeasible, match="actual input parameters"):
        minimum_cvar(stocks[1][:300], level=0.95, cap=0.1)
    assert capfd.readouterr().out == ""


def test_an_error_inside_riskfolio_is_a_typed_failure(stocks, monkeypatch, riskfolio):
    def broken(self, **_):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(riskfolio.Portfolio, "optimization", broken)
    with pytest.raises(Infeasible, match="Singular matrix"):
        minimum_cvar(stocks[1][:300], level=0.95, cap=0.1)
