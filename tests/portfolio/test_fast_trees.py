"""Risk parity, HRP and HERC beside Riskfolio's own answers and a book's example."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.optimize import Infeasible
from portfolio.optimize.fast import herc, hrp, risk_parity

LINKAGES = ("single", "complete", "average", "weighted", "ward")


def shares_of_risk(weights, covariance):
    return weights * (covariance @ weights) / (weights @ covariance @ weights)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6))
def test_every_asset_carries_its_budget(seed):
    rng = np.random.default_rng(seed)
    assets = int(rng.integers(1, 40))
    days = int(rng.integers(2, 90))  # fewer than assets too
    returns = rng.normal(size=(days, assets)) + rng.normal(size=(days, 1))
    covariance = np.atleast_2d(np.cov(returns, rowvar=False)) + 1e-8 * np.eye(assets)
    covariance *= np.outer(*[10.0 ** rng.uniform(-3, 1, assets)] * 2)
    budgets = rng.dirichlet(np.ones(assets)) * 0.9 + 0.1 / assets
    found = risk_parity(covariance, budgets)
    assert (found.weights > 0).all() and found.weights.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(shares_of_risk(found.weights, covariance), budgets, atol=1e-9 if days > 1.5 * assets else 1e-7)


def test_uncorrelated_assets_weigh_as_their_inverse_deviation():
    np.testing.assert_allclose(risk_parity(np.diag([1.0, 4.0, 16.0])).weights, np.array([4, 2, 1]) / 7, atol=1e-12)


def test_riskfolio_has_the_same_parity_less_exactly(stocks, riskfolio):
    import pandas as pd

    returns = stocks[1][-1000:]
    book = riskfolio.Portfolio(returns=pd.DataFrame(returns))
    book.assets_stats(method_mu="hist", method_cov="hist")
    budgets = np.arange(1.0, 21.0) / 210.0
    for budget in (None, budgets):
        theirs = book.rp_optimization(model="Classic", rm="MV", rf=0, b=None if budget is None else budget[:, None], hist=True)
        ours = risk_parity(np.cov(returns, rowvar=False), budget).weights
        np.testing.assert_allclose(ours, theirs.to_numpy().ravel(), atol=2e-5)


@pytest.mark.parametrize(
    ("covariance", "budgets", "sentence"),
    [
        (np.diag([1.0, 0.0]), None, "asset 1 never moves"),
        (np.array([[1.0, -1.0], [-1.0, 1.0]]), None, "hedge"),
        (np.full((2, 2), np.nan), None, "not finite"),
        (np.eye(2), np.array([1.0, 0.0]), "budgets"),
        (np.eye(2), np.array([0.7, 0.7]), "budgets"),
    ],
)
def test_no_parity_is_said(covariance, budgets, sentence):
    with pytest.raises(Infeasible, match=sentence):
        risk_parity(covariance, budgets)


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize("window", [(-1260, None), (-2500, -2300)])
def test_the_trees_are_riskfolios(stocks, riskfolio, window, linkage):
    import pandas as pd

    returns = stocks[1][slice(*window)]
    for model, ours in (("HRP", hrp(returns, linkage=linkage)), ("HERC", herc(returns, linkage=linkage))):
        book = riskfolio.HCPortfolio(returns=pd.DataFrame(returns))
        theirs = book.optimization(model=model, codependence="pearson", rm="MV", linkage=linkage, max_k=10, leaf_order=True)
        np.testing.assert_allclose(ours, theirs.to_numpy().ravel(), atol=1e-12)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), linkage=st.sampled_from(LINKAGES))
def test_the_trees_are_riskfolios_over_drawn_universes(riskfolio, seed, linkage):
    import pandas as pd

    rng = np.random.default_rng(seed)
    assets = int(rng.integers(3, 30))
    returns = rng.normal(size=(60, 3)) @ rng.normal(size=(3, assets)) + rng.normal(size=(60, assets)) * rng.uniform(
        0.3, 3, assets
    )
    frame = pd.DataFrame(returns * 0.01)
    covariance = pd.DataFrame(np.cov(returns * 0.01, rowvar=False) * 0.9 + np.diag(returns.var(axis=0)) * 1e-5)
    for model, kernel in (("HRP", hrp), ("HERC", herc)):
        book = riskfolio.HCPortfolio(returns=frame)
        ask = {"model": model, "codependence": "pearson", "rm": "MV", "linkage": linkage, "leaf_order": True}
        theirs = book.optimization(method_cov="custom_cov", custom_cov=covariance, **ask)
        ours = kernel(frame.to_numpy(), covariance=covariance.to_numpy(), linkage=linkage)
        np.testing.assert_allclose(ours, theirs.to_numpy().ravel(), atol=1e-10)


def test_skfolio_bisects_the_same(stocks):
    import pandas as pd
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.distance import PearsonDistance
    from skfolio.optimization import HierarchicalRiskParity

    returns = stocks[1][-1260:]
    tree = HierarchicalClustering(linkage_method=LinkageMethod.SINGLE)
    theirs = HierarchicalRiskParity(hierarchical_clustering_estimator=tree, distance_estimator=PearsonDistance())
    np.testing.assert_allclose(hrp(returns), theirs.fit(pd.DataFrame(returns)).weights_, atol=1e-8)


@pytest.mark.parametrize("kernel", [hrp, herc])
def test_what_has_no_tree_is_said_and_one_asset_has_all(kernel):
    returns = np.random.default_rng(0).normal(size=(50, 4))
    assert kernel(returns[:, :1]).tolist() == [1.0]
    assert kernel(returns[:, :2]).sum() == pytest.approx(1.0, abs=1e-12)
    still, missing = returns.copy(), returns.copy()
    still[:, 2], missing[3, 1] = 0.01, np.nan
    with pytest.raises(Infeasible, match="asset 2 never moves"):
        kernel(still)
    with pytest.raises(Infeasible, match="finite"):
        kernel(missing)


def test_a_tree_with_inversions_is_not_cut():
    returns = np.random.default_rng(3).normal(size=(60, 25)) + np.random.default_rng(4).normal(size=(60, 1))
    with pytest.raises(Infeasible, match="inversions"):
        herc(returns, linkage="centroid")
