"""The fast kernels beside plain cvxpy, over sets of weights of every shape and returns of every rank."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.optimize import Constraints, Infeasible, long_only
from portfolio.optimize.fast import maximum_return, maximum_sharpe, minimum_cvar, nearest, quadratic, violation
from portfolio.optimize.fast.cuts import tail_shares

TIGHT = {"solver": "CLARABEL", "tol_gap_abs": 1e-12, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
seeds = st.integers(0, 10**6)


def returns_of(rng, assets):
    """Returns of few or many days; some universes hold two equal assets, one that never moves, or coarse numbers."""
    returns = rng.normal(0, 0.01, (int(rng.integers(2, 60)), assets)) * rng.choice([0.3, 1, 3], assets)
    kind = rng.integers(0, 4)
    if kind == 1 and assets > 1:
        returns[:, 1] = returns[:, 0]
    if kind == 2:
        returns[:, 0] = 0.0
    return np.round(returns, 2) if kind == 3 else returns


def constraints_of(rng, assets):
    """Bounds, some fixed weights, rows with one or two sides, a budget that is a range, turnover, gross."""
    held = rng.dirichlet(np.ones(assets)) * (rng.random(assets) < 0.7)
    fixed, short = rng.random(assets) < 0.1, rng.random() < 0.3
    lower = np.where(fixed, held, -0.2 if short else 0.0)
    upper = np.where(fixed, held, np.maximum(rng.choice([0.1, 0.3, 1.0]), lower))
    count = int(rng.integers(0, 4))
    low = np.where(rng.random(count) < 0.5, -np.inf, rng.choice([0.0, 0.1, 0.2], count))
    high = np.where(rng.random(count) < 0.3, np.inf, rng.choice([0.2, 0.3, 0.5], count))
    return Constraints(
        lower,
        upper,
        budget=(1.0, 1.0) if rng.random() < 0.6 else (float(rng.choice([0.0, 0.5])), 1.0),
        rows=np.round(rng.normal(size=(count, assets)), 1)
        if count and rng.random() < 0.5
        else (rng.random((count, assets)) < 0.4) * 1.0,
        low=low,
        high=np.maximum(high, low),
        held=held,
        turnover=float(rng.choice([0.0, 0.1, 0.4, 1.0])) if rng.random() < 0.5 else None,
        gross=float(rng.choice([1.0, 1.2, 1.5])) if rng.random() < 0.4 else None,
    )


def rules(w, c):
    """The same constraints in cvxpy's words."""
    out = [w >= c.lower, w <= c.upper, cp.sum(w) >= c.budget[0], cp.sum(w) <= c.budget[1]]
    for row, low, high in zip(c.rows, c.low, c.high, strict=True):
        out += [row @ w >= low] if np.isfinite(low) else []
        out += [row @ w <= high] if np.isfinite(high) else []
    out += [] if c.turnover is None else [cp.norm1(w - c.held) <= c.turnover]
    return out + ([] if c.gross is None else [cp.norm1(w) <= c.gross])


def posed(seed):
    """(spread, linear, constraints): the objective is |spread w|^2 + linear w, in units around 1."""
    rng = np.random.default_rng(seed)
    assets = int(rng.integers(1, 20))
    returns = returns_of(rng, assets)
    spread = 100 * (returns - returns.mean(axis=0)) / np.sqrt(len(returns) - 1)
    return spread, -100 * returns.mean(axis=0) * rng.choice([0.0, 1.0]), constraints_of(rng, assets)


@settings(max_examples=120, deadline=None)
@given(seeds)
def test_the_optimum_is_cvxpys_and_the_bound_proves_it(seed):
    spread, linear, constraints = posed(seed)
    w = cp.Variable(spread.shape[1])
    problem = cp.Problem(cp.Minimize(cp.sum_squares(spread @ w) + linear @ w), rules(w, constraints))
    problem.solve(**TIGHT)
    try:
        found = quadratic(2 * spread.T @ spread, linear, constraints)
    except Infeasible:
        assert "infeasible" in problem.status
        return
    assert violation(found.weights, constraints) <= 1e-9
    room = 1e-6 * max(abs(problem.value), 1e-3)
    assert abs(found.objective - problem.value) <= room
    assert found.bound <= problem.value + room and found.gap <= room
    told = float(np.sum((spread @ found.weights) ** 2) + linear @ found.weights)
    assert found.objective == pytest.approx(told, rel=1e-9, abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(seeds)
def test_the_best_paid_weights_are_cvxpys(seed):
    _, _, constraints = posed(seed)
    mean = np.random.default_rng(seed).normal(0, 1, len(constraints.lower))
    w = cp.Variable(len(mean))
    problem = cp.Problem(cp.Maximize(mean @ w), rules(w, constraints))
    problem.solve(**TIGHT)
    try:
        found = maximum_return(mean, constraints)
    except Infeasible:
        assert "infeasible" in problem.status
        return
    assert violation(found.weights, constraints) <= 1e-9
    assert -found.objective == pytest.approx(problem.value, rel=1e-7, abs=1e-7)
    assert found.gap <= 1e-9 * max(abs(found.objective), 1.0)


@settings(max_examples=80, deadline=None)
@given(seeds)
def test_the_nearest_weights_are_cvxpys(seed):
    _, _, constraints = posed(seed)
    wish = np.random.default_rng(seed).dirichlet(np.ones(len(constraints.lower))) * 1.2
    w = cp.Variable(len(wish))
    problem = cp.Problem(cp.Minimize(cp.sum_squares(w - wish)), rules(w, constraints))
    problem.solve(**TIGHT)
    try:
        found = nearest(wish, constraints)
    except Infeasible:
        assert "infeasible" in problem.status
        return
    assert violation(found, constraints) <= 1e-9
    np.testing.assert_allclose(found, w.value, atol=1e-5)
    assert ((found - wish) ** 2).sum() <= problem.value + 1e-8


@settings(max_examples=80, deadline=None)
@given(seeds, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_least_cvar_is_cvxpys_and_the_bound_proves_it(seed, level):
    rng = np.random.default_rng(seed)
    assets = int(rng.integers(1, 20))
    returns, constraints = returns_of(rng, assets), constraints_of(rng, assets)
    w, tail = cp.Variable(assets), cp.Variable()
    loss = tail + cp.sum(cp.pos(-100 * returns @ w - tail)) / (len(returns) * (1 - level))
    problem = cp.Problem(cp.Minimize(loss), rules(w, constraints))
    problem.solve(**TIGHT)
    try:
        found = minimum_cvar(returns, constraints, level=level)
    except Infeasible:
        assert "infeasible" in problem.status
        return
    assert violation(found.weights, constraints) <= 1e-9
    assert 100 * found.objective == pytest.approx(problem.value, rel=1e-6, abs=1e-8)
    assert found.gap <= 1e-8 * max(abs(found.objective), 1e-4)


@settings(max_examples=80, deadline=None)
@given(seeds, st.sampled_from([0.0, 1e-4, -1e-3]))
def test_the_largest_sharpe_ratio_is_cvxpys_and_the_bound_proves_it(seed, risk_free):
    rng = np.random.default_rng(seed)
    assets = int(rng.integers(1, 20))
    returns, c = returns_of(rng, assets), constraints_of(rng, assets)
    mean, covariance = returns.mean(axis=0), np.atleast_2d(np.cov(returns, rowvar=False))
    y, scale = cp.Variable(assets), cp.Variable(nonneg=True)
    homogenised = [y >= c.lower * scale, y <= c.upper * scale, cp.sum(y) >= c.budget[0] * scale, cp.sum(y) <= c.budget[1] * scale]
    for row, low, high in zip(c.rows, c.low, c.high, strict=True):
        homogenised += [row @ y >= low * scale] if np.isfinite(low) else []
        homogenised += [row @ y <= high * scale] if np.isfinite(high) else []
    homogenised += [] if c.turnover is None else [cp.norm1(y - c.held * scale) <= c.turnover * scale]
    homogenised += [] if c.gross is None else [cp.norm1(y) <= c.gross * scale]
    homogenised.append(100 * (mean @ y - risk_free * scale) == 1)
    spread = 100 * (returns - returns.mean(axis=0)) / np.sqrt(len(returns) - 1)
    problem = cp.Problem(cp.Minimize(cp.norm(spread @ y)), homogenised)
    problem.solve(**TIGHT)
    try:
        found = maximum_sharpe(mean, covariance, c, risk_free=risk_free)
    except Infeasible:
        assert "infeasible" in problem.status or problem.value < 1e-6 or problem.value > 1e9  # no weights, no risk, no mean
        return
    assert violation(found.weights, c) <= 1e-9
    assert -found.objective == pytest.approx(1 / problem.value, rel=1e-6)
    unique = np.linalg.matrix_rank(covariance) == assets  # else many weights are best, and nobody knows what binds
    assert found.gap <= (1e-7 if unique else 1e-6) * abs(found.objective)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_the_order_of_the_assets_is_no_matter(seed):
    spread, linear, c = posed(seed)
    order = np.random.default_rng(seed).permutation(len(linear))
    turned = replace(c, lower=c.lower[order], upper=c.upper[order], rows=c.rows[:, order], held=c.held[order])
    try:
        found = quadratic(2 * spread.T @ spread + np.eye(len(linear)), linear, c)
    except Infeasible:
        with pytest.raises(Infeasible):
            quadratic((2 * spread.T @ spread + np.eye(len(linear)))[np.ix_(order, order)], linear[order], turned)
        return
    again = quadratic((2 * spread.T @ spread + np.eye(len(linear)))[np.ix_(order, order)], linear[order], turned)
    np.testing.assert_allclose(again.weights, found.weights[order], atol=1e-9)
    once_more = quadratic(2 * spread.T @ spread + np.eye(len(linear)), linear, c)
    assert (once_more.weights == found.weights).all()


def test_two_assets_by_hand():
    """Uncorrelated, variances 4 and 1: weights 1/5 and 4/5; with a cap of 0.7 the cap binds."""
    hessian = 2 * np.diag([4.0, 1.0])
    np.testing.assert_allclose(quadratic(hessian, np.zeros(2), long_only(2)).weights, [0.2, 0.8], atol=1e-12)
    assert quadratic(hessian, np.zeros(2), long_only(2, 0.7)).weights[1] == 0.7


@pytest.mark.parametrize("hessian", [np.zeros((4, 4)), np.ones((4, 4)), 1e-30 * np.eye(4), 1e12 * np.eye(4)])
def test_equal_assets_share_equally(hessian):
    np.testing.assert_allclose(quadratic(hessian, np.zeros(4), long_only(4)).weights, 0.25, atol=1e-7)


def test_one_asset_and_nothing_to_choose():
    assert quadratic(np.eye(1), np.zeros(1), long_only(1)).weights.tolist() == [1.0]
    fixed = Constraints(np.array([0.25, 0.75]), np.array([0.25, 0.75]))
    assert quadratic(np.eye(2), np.zeros(2), fixed).weights.tolist() == [0.25, 0.75]


def test_what_does_not_trade_is_met_to_the_bit():
    held = np.array([0.123456789, 0.3, 0.276543211, 0.3])
    constraints = Constraints(np.zeros(4), np.ones(4), held=held, turnover=0.1)
    found = quadratic(np.diag([9.0, 1.0, 2.0, 5.0]), np.zeros(4), constraints).weights  # slopes 1.11, 0.3, 0.55, 1.5
    assert (found == held).tolist() == [True, False, True, False]
    np.testing.assert_allclose(found - held, [0, 0.05, 0, -0.05], atol=1e-12)


@pytest.mark.parametrize(
    ("constraints", "sentence"),
    [
        (long_only(3, 0.2), "a sum of weights from 1 to 1"),
        (Constraints(np.array([0.5, 0, 0]), np.array([0.4, 1, 1])), "asset 0 has no room"),
        (
            Constraints(
                np.zeros(3), np.ones(3), rows=np.eye(3)[:1], low=np.array([1.5]), high=np.array([2.0]), labels=("Energy",)
            ),
            "no room for Energy",
        ),
        (
            Constraints(np.zeros(3), np.ones(3), rows=np.ones((1, 3)), low=np.array([0.0]), high=np.array([0.5])),
            "all that is asked: weights that add up to 100 %, the limit on row 0",
        ),
        (
            replace(
                long_only(3, 0.6), rows=np.eye(3)[:2], low=np.zeros(2), high=np.full(2, 0.15), labels=("sector Energy", "beta")
            ),
            "all that is asked: weights that add up to 100 %, the limit on sector Energy, the limit on beta",
        ),
        (Constraints(np.array([0, 0, np.nan]), np.ones(3)), "not a number"),
        (Constraints(np.full(3, 0.2), np.ones(3), held=np.array([1.0, 0, 0]), turnover=0.1), "no room"),
    ],
)
def test_no_answer_is_a_sentence(constraints, sentence):
    with pytest.raises(Infeasible, match=sentence):
        quadratic(np.eye(3), np.zeros(3), constraints)
    with pytest.raises(Infeasible):
        maximum_return(np.arange(3.0), constraints)


def test_returns_under_a_cap_are_looked_at_once(monkeypatch):
    """The search for the largest ratio asks hundreds of times under the same caps."""
    returns = np.random.default_rng(5).normal(0.001, 0.01, (60, 5))
    covariance, looked = np.cov(returns, rowvar=False), []
    real = np.cov
    monkeypatch.setattr(np, "cov", lambda *given, **named: (looked.append(1), real(*given, **named))[1])
    cap = replace(long_only(5), volatility=0.0047)
    found = maximum_sharpe(returns.mean(axis=0), covariance, cap, returns=returns)
    assert np.sqrt(found.weights @ covariance @ found.weights) <= 0.0047 + 1e-12
    assert len(looked) == 1


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_estimates_that_are_not_finite_are_refused(wrong):
    hessian = np.eye(3)
    hessian[0, 1] = wrong
    with pytest.raises(Infeasible, match="not finite"):
        quadratic(hessian, np.zeros(3), long_only(3))
    with pytest.raises(Infeasible, match="not finite"):
        maximum_return(np.array([1.0, wrong, 0.0]), long_only(3))


def test_the_tail_counts_its_days_in_part():
    """Ten days at 0.85: the worst day in whole (2/3), half of the next (1/3)."""
    shares = tail_shares(np.array([3, -2, 1, -5, 0, 4, 2, 6, 7, 8.0]), 0.85)
    np.testing.assert_allclose(shares[[3, 1]], [2 / 3, 1 / 3])
    assert shares.sum() == pytest.approx(1.0)
