"""Means and covariances by name against scikit-learn, pandas, skfolio and their papers' formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.optimize import Infeasible
from portfolio.optimize.estimators import COVARIANCES, MEANS, covariance, mean

OURS = ("historical", "ewma", "factor", "ledoit_wolf", "oas", "shrunk")


@pytest.fixture(scope="module", autouse=True)
def _opened(riskfolio):
    """Riskfolio's import prints and warns; it is none of these tests' matter."""


@pytest.fixture(scope="module")
def returns(stocks):
    return stocks[1][7000:7250, :12]


@pytest.mark.parametrize("decay", [0.9, 0.97])
def test_ewma_is_pandas_with_normalised_weights(returns, decay):
    import pandas as pd

    frame = pd.DataFrame(returns).ewm(alpha=1 - decay, adjust=True)
    assert mean(returns, "ewma", decay=decay) == pytest.approx(frame.mean().iloc[-1].to_numpy(), rel=1e-12)
    theirs = frame.cov(bias=False).loc[len(returns) - 1].to_numpy()
    assert covariance(returns, "ewma", decay=decay) == pytest.approx(theirs, rel=1e-9, abs=1e-16)


def test_the_plain_ones_are_numpy_s(returns):
    assert mean(returns) == pytest.approx(returns.mean(axis=0), rel=1e-15)
    assert covariance(returns) == pytest.approx(np.cov(returns, rowvar=False), rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 25), st.integers(2, 150))
def test_the_shrunk_ones_are_scikit_learn_s(seed, size, days):
    from sklearn.covariance import OAS, LedoitWolf, ShrunkCovariance

    luck = np.random.default_rng(seed)
    x = luck.standard_t(3, (days, size)) * luck.uniform(0.1, 2, size) * 0.01 + luck.normal(size=(days, 1)) * 0.01
    for name, owner in [("ledoit_wolf", LedoitWolf()), ("oas", OAS()), ("shrunk", ShrunkCovariance(shrinkage=0.1))]:
        theirs = owner.fit(x).covariance_
        assert covariance(x, name) == pytest.approx(theirs, abs=1e-10 * np.abs(theirs).max())


def test_gerber_is_its_paper_s_count(returns):
    """Gerber et al. (2022): days of moves beyond half a deviation together, less those apart, over days on which one moves."""
    spread = returns.std(axis=0)
    signs = np.where(returns >= 0.5 * spread, 1, 0) - np.where(returns <= -0.5 * spread, 1, 0)
    both = np.einsum("ti,tj->ij", signs, signs)
    either = len(signs) - np.einsum("ti,tj->ij", 1 - np.abs(signs), 1 - np.abs(signs))
    found = covariance(returns, "gerber")
    scale = np.sqrt(np.diag(found))
    assert found / np.outer(scale, scale) == pytest.approx(both / either, abs=0.02)  # made positive where it is not


def test_james_and_stein_pull_to_the_grand_mean_by_their_formula(returns):
    days, size = returns.shape
    plain, eigenvalues = returns.mean(axis=0), np.linalg.eigvalsh(np.cov(returns, rowvar=False))
    away = plain - plain.mean()
    share = (size * eigenvalues.mean() - 2 * eigenvalues.max()) / (away @ away) / days
    assert mean(returns, "james_stein") == pytest.approx((1 - share) * plain + share * plain.mean(), rel=1e-9)


def test_jorion_pulls_to_the_grand_mean_by_his_formula(returns):
    days, size = returns.shape
    plain, inverse = returns.mean(axis=0), np.linalg.inv(np.cov(returns, rowvar=False))
    away = plain - plain.mean()
    share = (size + 2) / (size + 2 + days * away @ inverse @ away)
    assert mean(returns, "bayes_stein") == pytest.approx((1 - share) * plain + share * plain.mean(), rel=1e-9)


def test_factors_keep_every_variance_and_the_common_part(returns):
    plain, found = np.cov(returns, rowvar=False), covariance(returns, "factor")
    assert np.diag(found) == pytest.approx(np.diag(plain), rel=1e-12)
    size, axes = np.linalg.eigh(plain)
    top = axes[:, -1]
    rest = found - size[-1] * np.outer(top, top)
    if size[-1] / size.sum() >= 0.5:  # one factor
        assert rest - np.diag(np.diag(rest)) == pytest.approx(np.zeros_like(rest), abs=1e-15)
    assert np.linalg.eigvalsh(found).min() > np.linalg.eigvalsh(plain).min()  # better conditioned


@pytest.mark.parametrize("name", COVARIANCES)
def test_every_covariance_is_one(returns, name):
    found = covariance(returns, name)
    assert found.shape == (12, 12)
    assert (found == found.T).all()
    assert np.linalg.eigvalsh(found).min() >= -1e-15
    assert 0.3 < np.trace(found) / np.trace(np.cov(returns, rowvar=False)) < 3


@pytest.mark.parametrize("name", MEANS)
def test_every_mean_is_one(returns, name):
    found = mean(returns, name)
    assert found.shape == (12,)
    assert np.abs(found).max() <= 5 * np.abs(returns.mean(axis=0)).max() + 0.005


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(("estimate", "name"), [*((mean, n) for n in MEANS), *((covariance, n) for n in COVARIANCES)])
def test_what_is_not_finite_is_no_input(returns, estimate, name, bad):
    broken = returns.copy()
    broken[5, 2] = bad
    with pytest.raises(Infeasible, match="not finite"):
        estimate(broken, name)
    with pytest.raises(Infeasible, match="no days"):
        estimate(returns[:0], name)


@pytest.mark.parametrize("name", COVARIANCES)
@pytest.mark.parametrize("shape", ["few days", "one asset", "a still one"])
def test_a_poor_history_has_a_covariance_or_a_typed_failure(returns, name, shape):
    poor = {"few days": returns[:8], "one asset": returns[:, :1], "a still one": np.c_[returns[:, :6], np.zeros(250)]}[shape]
    try:
        found = covariance(poor, name)
    except Infeasible as failure:
        assert name in str(failure)
        assert name not in OURS
        return
    assert found.shape == (poor.shape[1],) * 2
    assert np.isfinite(found).all()
    assert np.linalg.eigvalsh(found).min() >= -1e-15


@pytest.mark.parametrize("name", ["james_stein", "bayes_stein", "bodnar_okhrin_parolya"])
def test_a_shrunk_mean_of_a_singular_covariance_is_refused(returns, name):
    for poor in (returns[:8], np.c_[returns[:, :6], np.zeros(250)], returns[:, [0, 0, 1]]):
        with pytest.raises(Infeasible, match="can be inverted"):
            mean(poor, name)


@pytest.mark.parametrize("name", COVARIANCES)
def test_the_order_of_assets_changes_nothing(returns, name):
    order = np.random.default_rng(1).permutation(12)
    assert covariance(returns[:, order], name) == pytest.approx(covariance(returns, name)[np.ix_(order, order)], abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(2, 30), st.floats(1e-6, 1e3))
def test_scale_goes_through(seed, size, days, scale):
    x = np.random.default_rng(seed).normal(size=(days, size))
    for name in OURS:
        assert covariance(scale * x, name) == pytest.approx(scale**2 * covariance(x, name), rel=1e-6, abs=1e-9 * scale**2)
