"""Views: read strictly, and mixed in as He and Litterman's table, Riskfolio and skfolio say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.errors import WrongUse
from portfolio.optimize import Infeasible
from portfolio.optimize.views import View, aversion_of, black_litterman, entropy_pooling, matrices, read_views

ASSETS = ("SPY", "TLT", "GLD")
TEXT = """
[[view]]
assets = { SPY = 1.0, TLT = -1.0 }
return_a_year = 0.05
confidence = 0.4

[[view]]
assets = { GLD = 1 }
return_a_year = -0.0252
"""


@pytest.fixture(scope="module", autouse=True)
def _opened(riskfolio):
    """Riskfolio's import prints and warns; it is none of these tests' matter."""


@pytest.fixture(scope="module")
def returns(stocks):
    return stocks[1][7000:7400, :6]


NAMES = tuple("ABCDEF")
VIEWS = (View({"A": 1.0, "B": -1.0}, 0.03), View({"C": 0.5, "D": 0.5}, 0.10))


# --- the file -------------------------------------------------------------------------------------------------------


def test_a_file_is_read():
    first, second = read_views(TEXT, ASSETS)
    assert first == View({"SPY": 1.0, "TLT": -1.0}, 0.05, 0.4)
    assert second == View({"GLD": 1.0}, -0.0252, None)
    rows, told = matrices((first, second), ASSETS)
    assert rows.tolist() == [[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]]
    assert told == pytest.approx([0.05 / 252, -0.0001])


@pytest.mark.parametrize(
    ("line", "instead", "words"),
    [
        ("GLD = 1", "GOLD = 1", "GOLD, which is not in the universe"),
        ("GLD = 1", "GLD = 0", "weight that is not zero"),
        ("GLD = 1", "GLD = nan", "a number from -10 to 10"),
        ("{ GLD = 1 }", "{}", "a table of symbol = weight"),
        ("{ GLD = 1 }", '"GLD"', "must be a table"),
        ("confidence = 0.4", "confidence = 1.2", "a number from 1e-06 to 1"),
        ("confidence = 0.4", "sure = 0.4", "unknown key `sure`"),
        ("return_a_year = 0.05", "", "lacks `return_a_year`"),
        ("return_a_year = 0.05", "return_a_year = 5000", "a number from -1 to 10"),
        ("[[view]]", "[[opinion]]", "unknown key `opinion`"),
        ("[[view]]", "[view", "no TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_name(line, instead, words):
    with pytest.raises(WrongUse, match=words):
        read_views(TEXT.replace(line, instead, 1), ASSETS, "views.toml")


@pytest.mark.parametrize("text", ["", "view = []", "view = 3"])
def test_a_file_without_views_is_refused(text):
    with pytest.raises(WrongUse, match="holds no view"):
        read_views(text, ASSETS)


def test_a_view_on_somebody_who_is_not_seen_today_is_left_out():
    views = read_views(TEXT, ASSETS)
    rows, told = matrices(views, ("SPY", "TLT"))
    assert (rows.shape, told.shape) == ((1, 2), (1,))
    assert matrices(views, ("GLD", "SPY"))[0].tolist() == [[1.0, 0.0]]


# --- Black-Litterman ------------------------------------------------------------------------------------------------

COUNTRIES = ("Australia", "Canada", "France", "Germany", "Japan", "UK", "USA")
VOLATILITY = np.array([0.160, 0.203, 0.248, 0.271, 0.210, 0.200, 0.187])
CAPITAL = np.array([0.016, 0.022, 0.052, 0.055, 0.116, 0.124, 0.615])
CORRELATION = np.array(
    [
        [1.000, 0.488, 0.478, 0.515, 0.439, 0.512, 0.491],
        [0.488, 1.000, 0.664, 0.655, 0.310, 0.608, 0.779],
        [0.478, 0.664, 1.000, 0.861, 0.355, 0.783, 0.668],
        [0.515, 0.655, 0.861, 1.000, 0.354, 0.777, 0.653],
        [0.439, 0.310, 0.355, 0.354, 1.000, 0.405, 0.306],
        [0.512, 0.608, 0.783, 0.777, 0.405, 1.000, 0.652],
        [0.491, 0.779, 0.668, 0.653, 0.306, 0.652, 1.000],
    ]
)
GERMANY = View({"Germany": 1.0, "France": -0.295, "UK": -0.705}, 0.05 * 252)  # of a year, told as if it were of a day


def test_he_and_litterman_s_tables():
    """He & Litterman (1999), tables 1, 2 and 4: the equilibrium of seven countries, and Germany over the rest of Europe."""
    covariance = CORRELATION * np.outer(VOLATILITY, VOLATILITY)
    asked = {"days": 20, "aversion": 2.5}  # tau = 0.05
    prior, _ = black_litterman(covariance, CAPITAL, (), COUNTRIES, **asked)
    assert np.round(100 * prior, 1).tolist() == [3.9, 6.9, 8.4, 9.0, 4.3, 6.8, 7.6]
    after, _ = black_litterman(covariance, CAPITAL, (GERMANY,), COUNTRIES, **asked)
    assert 100 * after == pytest.approx([4.3, 7.6, 9.3, 11.0, 4.5, 7.0, 8.1], abs=0.06)


@pytest.mark.parametrize("risk_free", [0.0, 0.0001])
def test_black_litterman_is_riskfolio_s(returns, risk_free, riskfolio):
    import pandas as pd

    frame = pd.DataFrame(returns, columns=list(NAMES))
    market = np.array([0.3, 0.1, 0.2, 0.1, 0.2, 0.1])
    rows, told = matrices(VIEWS, NAMES)
    plain = riskfolio.Portfolio(returns=frame)
    plain.assets_stats()
    excess = told - risk_free * rows.sum(axis=1)
    plain.blacklitterman_stats(
        P=pd.DataFrame(rows), Q=pd.DataFrame(excess), rf=risk_free, w=pd.DataFrame(market, index=list(NAMES)), eq=True
    )
    covariance = np.cov(returns, rowvar=False)
    price = float((market @ returns.mean(axis=0) - risk_free) / (market @ covariance @ market))
    found = black_litterman(covariance, market, VIEWS, NAMES, days=len(returns), aversion=price, risk_free=risk_free)
    assert found[0] == pytest.approx(plain.mu_bl.to_numpy().ravel(), abs=1e-10)
    assert found[1] == pytest.approx(plain.cov_bl.to_numpy(), abs=1e-10)
    assert max(price, 0.0) == pytest.approx(aversion_of(returns.mean(axis=0), covariance, market, risk_free))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 0.99), st.floats(-0.5, 0.5), st.integers(0, 1000))
def test_confidence_is_how_far_the_mean_goes_to_the_view(confidence, told, seed):
    x = np.random.default_rng(seed).normal(0, 0.01, (50, 3))
    covariance, market = np.cov(x, rowvar=False), np.full(3, 1 / 3)
    asked = {"days": 50, "aversion": 3.0, "risk_free": 0.0001}
    before, _ = black_litterman(covariance, market, (), ASSETS, **asked)
    for mix in ({"SPY": 1.0}, {"SPY": 1.0, "GLD": -1.0}):
        after, _ = black_litterman(covariance, market, (View(mix, told, confidence),), ASSETS, **asked)
        row = np.array([mix.get(a, 0.0) for a in ASSETS])
        assert row @ after - row @ before == pytest.approx(confidence * (told / 252 - row @ before), abs=1e-12)
    sure, _ = black_litterman(covariance, market, (View({"SPY": 1.0}, told, 1.0),), ASSETS, **asked)
    assert sure[0] == pytest.approx(told / 252, abs=1e-9)


def test_the_same_view_twice_and_a_singular_covariance_are_no_trouble():
    x = np.random.default_rng(2).normal(0, 0.01, (2, 3))
    twice = (View({"SPY": 1.0}, 0.1, 0.5), View({"SPY": 1.0}, 0.1, 0.5))
    mean, covariance = black_litterman(np.cov(x, rowvar=False), np.full(3, 1 / 3), twice, ASSETS, days=2, aversion=2.0)
    assert np.isfinite(mean).all()
    assert np.linalg.eigvalsh(covariance).min() >= -1e-15


def test_a_market_that_never_moves_has_no_price_of_risk():
    with pytest.raises(Infeasible, match="never moves"):
        aversion_of(np.zeros(3), np.zeros((3, 3)), np.full(3, 1 / 3))


# --- entropy pooling ------------------------------------------------------------------------------------------------


def test_entropy_pooling_is_riskfolio_s(returns):
    import pandas as pd
    from riskfolio.src import ParamsEstimation

    rows, told = matrices(VIEWS, NAMES)
    frame = pd.DataFrame(returns, columns=list(NAMES))
    theirs = ParamsEstimation.entropy_pooling(frame, P_eq=rows @ returns.T, Q_eq=told[:, None])
    mean, covariance, shares = entropy_pooling(returns, VIEWS, NAMES)
    assert mean == pytest.approx(np.asarray(theirs[0]).ravel(), abs=1e-6)
    assert covariance == pytest.approx(np.asarray(theirs[1]), abs=1e-6)
    assert shares == pytest.approx(np.asarray(theirs[4]).ravel(), abs=1e-6)


def test_entropy_pooling_is_skfolio_s(returns):
    import pandas as pd
    from skfolio.prior import EntropyPooling

    frame = pd.DataFrame(returns, columns=list(NAMES))
    told = matrices(VIEWS, NAMES)[1]
    model = EntropyPooling(mean_views=[f"A - B == {float(told[0])!r}", f"0.5 * C + 0.5 * D == {float(told[1])!r}"])
    theirs = model.fit(frame).return_distribution_.sample_weight
    assert entropy_pooling(returns, VIEWS, NAMES)[2] == pytest.approx(theirs, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(-0.3, 0.3), st.floats(0.0, 1.0, exclude_min=True))
def test_a_view_holds_exactly_and_confidence_mixes(seed, told, confidence):
    x = np.random.default_rng(seed).normal(0, 0.01, (80, 3))
    view = {"SPY": 1.0, "GLD": -0.5}
    mean, covariance, shares = entropy_pooling(x, (View(view, told),), ASSETS)
    assert mean[0] - 0.5 * mean[2] == pytest.approx(told / 252, abs=1e-10)
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    assert shares.min() > 0
    assert np.linalg.eigvalsh(covariance).min() >= -1e-18
    less = entropy_pooling(x, (View(view, told, confidence),), ASSETS)[2]
    assert less == pytest.approx(confidence * shares + (1 - confidence) / 80, abs=1e-12)


def test_a_view_beyond_every_day_is_infeasible():
    x = np.random.default_rng(2).normal(0, 0.01, (50, 3))
    with pytest.raises(Infeasible, match="no probabilities"):
        entropy_pooling(x, (View({"SPY": 1.0}, 10.0 * 252),), ASSETS)


def test_no_view_of_anybody_seen_changes_nothing(returns):
    mean, covariance, shares = entropy_pooling(returns, (View({"Z": 1.0}, 0.1),), NAMES)
    assert mean == pytest.approx(returns.mean(axis=0))
    assert covariance == pytest.approx(np.cov(returns, rowvar=False, ddof=0))
    assert (shares == 1 / len(returns)).all()


@pytest.mark.parametrize("text", ["x = " + "1" * 5000, "x = " + "[" * 5000, "\x00", "view = [1, 2]", "view = { a = 1 }"])
def test_what_is_no_views_file_at_all_is_refused(text):
    with pytest.raises(WrongUse):
        read_views(text, ("AAA",), "views.toml")
