"""Variance, utility, tracking error, return and Sharpe ratio under caps, beside plain cvxpy, skfolio and Riskfolio."""

import os
import zipfile
from dataclasses import replace
from pathlib import Path

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.errors import Broken
from portfolio.measures import conditional_value_at_risk
from portfolio.optimize import Constraints, Infeasible, long_only
from portfolio.optimize.fast import (
    maximum_return,
    maximum_sharpe,
    maximum_utility,
    minimum_tracking_error,
    minimum_variance,
    violation,
)

SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
TIGHT = {"solver": "CLARABEL", "tol_gap_abs": 1e-12, "tol_gap_rel": 1e-10, "tol_feas": 1e-11}
SCALE = 100.0  # cvxpy sees percent, so that its tolerances mean something
CAPS = ("none", "volatility", "tracking", "cvar", "both", "all")


def root(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))).T


class Universe:
    """Drawn returns, a box with groups and turnover around equal weights, caps that bind."""

    def __init__(self, seed, assets=12, days=80):
        rng = np.random.default_rng(seed)
        market = rng.standard_t(4, (days, 1)) * 0.008
        self.returns = (
            0.0005 + market * rng.uniform(0.5, 1.5, assets) + rng.normal(0, 0.01, (days, assets)) * rng.uniform(0.5, 2, assets)
        )
        self.mean, self.covariance = self.returns.mean(axis=0), np.cov(self.returns, rowvar=False)
        self.even = np.full(assets, 1.0 / assets)
        self.free = Constraints(
            np.zeros(assets),
            np.full(assets, 0.4),
            rows=np.array([(np.arange(assets) % 3 == 0) * 1.0]),
            low=np.array([0.1]),
            high=np.array([0.5]),
            held=self.even,
            turnover=1.2,
            benchmark=self.even,
        )

    def capped(self, kind):
        least = minimum_variance(self.covariance, self.free).weights
        sigma, tail = np.sqrt(least @ self.covariance @ least), conditional_value_at_risk(self.returns @ least, 0.9)
        away = least - self.even
        caps = {
            "volatility": {"volatility": 1.1 * sigma},
            "tracking": {"tracking_error": 0.8 * float(np.sqrt(away @ self.covariance @ away))},
            "cvar": {"conditional_value_at_risk": 1.15 * tail, "level": 0.9},
            "both": {"volatility": 1.15 * sigma, "tracking_error": float(np.sqrt(away @ self.covariance @ away))},
        }
        caps["all"] = caps["both"] | {"conditional_value_at_risk": 1.2 * tail, "level": 0.9}
        return replace(self.free, **caps.get(kind, {}))

    def rules(self, w, c, scale=1.0):
        """Homogenised by `scale`."""
        spread = SCALE * root(self.covariance)
        out = [w >= 0, w <= c.upper * scale, cp.sum(w) == scale, cp.norm1(w - c.held * scale) <= c.turnover * scale]
        out += [c.rows @ w >= c.low * scale, c.rows @ w <= c.high * scale]
        out += [] if c.volatility is None else [cp.norm(spread @ w) <= SCALE * c.volatility * scale]
        out += (
            [] if c.tracking_error is None else [cp.norm(spread @ (w - c.benchmark * scale)) <= SCALE * c.tracking_error * scale]
        )
        if c.conditional_value_at_risk is not None:
            tail, days = cp.Variable(), len(self.returns)
            excess = cp.sum(cp.pos(-SCALE * self.returns @ w - tail)) / ((1 - c.level) * days)
            out.append(tail + excess <= SCALE * c.conditional_value_at_risk * scale)
        return out

    def least(self, objective, c):
        """The optimum by cvxpy; `objective` of w in units of SCALE."""
        w = cp.Variable(len(self.mean))
        problem = cp.Problem(cp.Minimize(objective(w)), self.rules(w, c))
        problem.solve(**TIGHT)
        return problem.value

    def best_ratio(self, c, risk_free):
        w, scale = cp.Variable(len(self.mean)), cp.Variable(nonneg=True)
        rules = [*self.rules(w, c, scale), SCALE * (self.mean @ w - risk_free * scale) == 1]
        problem = cp.Problem(cp.Minimize(cp.norm(SCALE * root(self.covariance) @ w)), rules)
        problem.solve(**TIGHT)
        return 1.0 / problem.value


@pytest.mark.parametrize("kind", CAPS)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_objective_is_cvxpys_under_every_cap(kind, seed):
    u = Universe(seed)
    c, spread = u.capped(kind), SCALE * root(u.covariance)
    seen = {"returns": u.returns}
    try:
        answers = {
            "return": (maximum_return(u.mean, c, **seen), lambda w: -SCALE * u.mean @ w, SCALE),
            "utility": (
                maximum_utility(u.mean, u.covariance, c, risk_aversion=3.0, **seen),
                lambda w: 3.0 * cp.sum_squares(spread @ w) - SCALE**2 * u.mean @ w,
                SCALE**2,
            ),
            "tracking": (
                minimum_tracking_error(u.covariance, c, **seen),
                lambda w: cp.sum_squares(spread @ (w - u.even)),
                SCALE**2,
            ),
            "variance": (minimum_variance(u.covariance, c, **seen), lambda w: cp.sum_squares(spread @ w), SCALE**2),
        }
    except Infeasible:
        w = cp.Variable(len(u.mean))
        problem = cp.Problem(cp.Minimize(0), u.rules(w, c))
        problem.solve(solver="CLARABEL")
        assert "infeasible" in problem.status
        return
    for found, objective, unit in answers.values():
        told = u.least(objective, c)
        assert violation(found.weights, c, u.returns) <= 1e-9
        assert found.objective * unit == pytest.approx(told, rel=1e-6, abs=2e-7)
        assert found.bound * unit <= told + 1e-6 * abs(told) + 2e-7
        assert found.gap <= 1e-7 * abs(found.objective) + 1e-12


@pytest.mark.parametrize("kind", CAPS)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), risk_free=st.sampled_from([0.0, 1e-4, -2e-4]))
def test_the_largest_sharpe_ratio_is_cvxpys(kind, seed, risk_free):
    u = Universe(seed)
    c = u.capped(kind)
    try:
        found = maximum_sharpe(u.mean, u.covariance, c, risk_free=risk_free, returns=u.returns)
    except Infeasible as error:
        assert "above the risk-free rate" in str(error) or "no allowed weights" in str(error)
        return
    assert violation(found.weights, c, u.returns) <= 1e-9
    assert -found.objective == pytest.approx(u.best_ratio(c, risk_free), rel=1e-6)
    loose = {"none": 1e-9, "cvar": 1e-4, "all": 1e-4}.get(
        kind, 1e-5
    )  # what is proven under a cap; `solve` closes what is left by planes
    assert found.gap <= loose * abs(found.objective)


def test_a_cap_is_met_to_the_last_digits():
    u = Universe(3)
    c = u.capped("volatility")
    w = maximum_return(u.mean, c, covariance=u.covariance).weights
    assert np.sqrt(w @ u.covariance @ w) == pytest.approx(c.volatility, rel=1e-9)
    assert np.sqrt(w @ u.covariance @ w) <= c.volatility * (1 + 1e-12)


@pytest.mark.parametrize("window", [(-1260, None), (-3000, -2000), (-300, -150)])
def test_riskfolio_and_skfolio_find_the_same(stocks, riskfolio, window):
    import pandas as pd
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk, ObjectiveFunction

    returns = stocks[1][slice(*window)]
    mean, covariance = returns.mean(axis=0), np.cov(returns, rowvar=False)
    frame, box = pd.DataFrame(returns), long_only(returns.shape[1], 0.15)
    book = riskfolio.Portfolio(returns=frame)
    book.upperlng = 0.15
    book.assets_stats(method_mu="hist", method_cov="hist")
    ask = {"model": "Classic", "rm": "MV", "rf": 0, "hist": True}
    asked = {"risk_measure": RiskMeasure.VARIANCE, "min_weights": 0, "max_weights": 0.15}

    calm = minimum_variance(covariance, box)
    for theirs in (
        book.optimization(obj="MinRisk", l=0, **ask).to_numpy().ravel(),
        MeanRisk(ObjectiveFunction.MINIMIZE_RISK, solver_params={"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12}, **asked)
        .fit(frame)
        .weights_,
    ):
        assert calm.objective == pytest.approx(theirs @ covariance @ theirs, rel=1e-6)
        assert calm.bound <= theirs @ covariance @ theirs * (1 + 1e-9)
    best = maximum_sharpe(mean, covariance, box)
    for theirs in (
        book.optimization(obj="Sharpe", l=0, **ask).to_numpy().ravel(),
        MeanRisk(ObjectiveFunction.MAXIMIZE_RATIO, **asked).fit(frame).weights_,
    ):
        assert -best.objective == pytest.approx(mean @ theirs / np.sqrt(theirs @ covariance @ theirs), rel=1e-6)
    wise = maximum_utility(mean, covariance, box, risk_aversion=4.0)
    params = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12}
    theirs = MeanRisk(ObjectiveFunction.MAXIMIZE_UTILITY, risk_aversion=4.0, solver_params=params, **asked).fit(frame).weights_
    assert -wise.objective == pytest.approx(mean @ theirs - 4.0 * theirs @ covariance @ theirs, rel=1e-6, abs=1e-10)


@pytest.mark.shared
@pytest.mark.parametrize("year", ["2008", "2013", "2019"])
def test_the_recorded_fifty_stocks_too(year):
    archive = SHARED / "yahoo_sp500_1999_2020" / "yahoo_2020-10-28.zip"
    if not archive.exists():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    import pandas as pd

    with zipfile.ZipFile(archive) as files:
        tables = [pd.read_csv(files.open(name), index_col=0)["Adj Close"] for name in files.namelist() if name.endswith(".csv")]
    closes = pd.concat(tables, axis=1).sort_index().loc[f"{year}-01-01" : f"{year}-12-31"].dropna(axis=1)
    returns = closes.to_numpy()[1:] / closes.to_numpy()[:-1] - 1
    mean, covariance, assets = returns.mean(axis=0), np.cov(returns, rowvar=False), returns.shape[1]
    assert assets > 30
    w, spread = cp.Variable(assets), SCALE * root(covariance)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(spread @ w)), [cp.sum(w) == 1, w >= 0, w <= 0.1])
    problem.solve(**TIGHT)
    assert minimum_variance(covariance, long_only(assets, 0.1)).objective * SCALE**2 == pytest.approx(problem.value, rel=1e-7)
    try:
        found = maximum_sharpe(mean, covariance, long_only(assets, 0.1))
    except Infeasible:
        assert mean[np.argsort(-mean)[:10]].mean() <= 0
        return
    y, scale = cp.Variable(assets, nonneg=True), cp.Variable()
    ratio = cp.Problem(cp.Minimize(cp.norm(spread @ y)), [SCALE * mean @ y == 1, cp.sum(y) == scale, y <= 0.1 * scale])
    ratio.solve(**TIGHT)
    assert -found.objective == pytest.approx(1 / ratio.value, rel=1e-7)


def test_no_mean_above_the_risk_free_rate_is_said():
    covariance = np.diag([1.0, 2.0, 3.0]) * 1e-4
    for mean, risk_free in ((np.array([-0.1, -0.2, 0.0]), 0.0), (np.array([0.01, 0.02, 0.03]), 0.03)):
        with pytest.raises(Infeasible, match="no allowed portfolio has a mean above the risk-free rate"):
            maximum_sharpe(mean, covariance, long_only(3), risk_free=risk_free)


def test_a_ratio_without_risk_has_no_end():
    with pytest.raises(Infeasible, match="without any variance"):
        maximum_sharpe(np.array([0.01, 0.02]), np.diag([0.0, 1e-4]), long_only(2))


def test_sharpe_by_hand():
    """Uncorrelated: weights as mean / variance. (1/1, 2/4) = (2, 1) / 3, ratio sqrt(1 + 1)."""
    found = maximum_sharpe(np.array([1.0, 2.0]), np.diag([1.0, 4.0]), long_only(2))
    np.testing.assert_allclose(found.weights, [2 / 3, 1 / 3], atol=1e-10)
    assert -found.objective == pytest.approx(np.sqrt(2.0), rel=1e-12)


def test_a_cap_that_nothing_obeys_names_itself_and_the_least():
    covariance = np.diag([1.0, 1.0]) * 1e-4
    with pytest.raises(Infeasible, match=r"volatility at 0.005 a day: 0.0070"):
        minimum_variance(covariance, replace(long_only(2), volatility=0.005))
    with pytest.raises(Infeasible, match=r"tracking error at 0.001 a day"):
        far = Constraints(np.zeros(2), np.array([0.4, 1.0]), benchmark=np.array([1.0, 0.0]), tracking_error=0.001)
        maximum_return(np.array([0.0, 1.0]), far, covariance=covariance)
    returns = np.random.default_rng(0).normal(0, 0.01, (100, 2))
    with pytest.raises(Infeasible, match=r"CVaR at 0.0001 a day"):
        maximum_return(np.array([0.0, 1.0]), replace(long_only(2), conditional_value_at_risk=0.0001), returns=returns)


def test_a_cap_without_what_it_is_measured_on_is_our_bug():
    for cap in ({"volatility": 0.1}, {"conditional_value_at_risk": 0.1}):
        with pytest.raises(Broken):
            maximum_return(np.ones(2), replace(long_only(2), **cap))


def test_the_benchmark_itself_has_no_tracking_error():
    covariance = np.cov(np.random.default_rng(1).normal(size=(50, 5)), rowvar=False)
    middle = np.array([0.1, 0.2, 0.3, 0.3, 0.1])
    found = minimum_tracking_error(covariance, long_only(5), benchmark=middle)
    np.testing.assert_allclose(found.weights, middle, atol=1e-9)
    assert 0.0 <= found.bound <= found.objective <= 1e-15


@pytest.mark.parametrize("days", [2, 5, 30])
def test_fewer_days_than_assets_have_one_answer(days):
    returns = np.random.default_rng(days).normal(0, 0.01, (days, 30))
    covariance = np.cov(returns, rowvar=False)
    found = minimum_variance(covariance, long_only(30))
    assert (found.weights == minimum_variance(covariance, long_only(30)).weights).all()
    order = np.random.default_rng(1).permutation(30)
    turned = minimum_variance(covariance[np.ix_(order, order)], long_only(30))
    assert turned.objective == pytest.approx(found.objective, abs=1e-12 * np.trace(covariance))
    assert found.gap <= 1e-9 * np.trace(covariance)
