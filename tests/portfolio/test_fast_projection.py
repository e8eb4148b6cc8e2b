"""From a wish to the nearest weights that are allowed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portfolio.measures import conditional_value_at_risk
from portfolio.optimize import Constraints, Infeasible, long_only
from portfolio.optimize.fast import nearest, violation
from portfolio.optimize.fast.form import form_of

seeds = st.integers(0, 10**6)


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_a_wish_that_obeys_comes_back_to_the_bit(seed):
    wish = np.random.default_rng(seed).dirichlet(np.ones(8))
    c = Constraints(np.zeros(8), np.ones(8), held=wish[::-1].copy(), turnover=2.0, gross=1.0, names=8)
    assert (nearest(wish, c) == wish).all()
    assert (nearest(nearest(wish, long_only(8, 0.2)), long_only(8, 0.2)) == nearest(wish, long_only(8, 0.2))).all()


def turned_over(rng):
    """Weights within a turnover of what is held, long or short, and the constraints."""
    assets = int(rng.integers(2, 25))
    held = rng.dirichlet(np.full(assets, rng.choice([0.3, 1.0, 5.0])))
    short = rng.random() < 0.4
    c = Constraints(
        np.full(assets, -0.2 if short else 0.0),
        np.full(assets, 0.9),
        budget=(1.0, 1.0) if rng.random() < 0.6 else (0.3, 1.0),
        gross=1.3 if short else None,
        held=held,
        turnover=rng.uniform(0.05, 0.8),
    )
    wish = rng.dirichlet(np.full(assets, rng.choice([0.3, 1.0, 5.0]))) * np.where(rng.random(assets) < 0.2 * short, -1, 1)
    return nearest(wish, c), c


@given(seeds, st.sampled_from([1e-10, 1e-9, 1e-8, 1e-7, 1e-5, 1e-3]), st.sampled_from([0.2, 1.0]))
@example(seed=25, hair=1e-8, share=1.0)  # two stretches of an asset change places
@example(seed=999999, hair=1e-10, share=1.0)  # the price of turnover is next to nothing
@settings(max_examples=150, deadline=None)
def test_a_wish_a_hair_outside_goes_no_further_than_it_must(seed, hair, share):
    """An allowed point is at a known distance, so the nearest is no further; and the nearest stays where it is."""
    rng = np.random.default_rng(seed)
    inside, c = turned_over(rng)
    away = rng.normal(size=len(inside)) * (rng.random(len(inside)) < share)
    wish = inside + hair * away
    found = nearest(wish, c)
    assert np.linalg.norm(found - wish) <= np.linalg.norm(hair * away) + 1e-9
    assert violation(found, c) <= 1e-9
    np.testing.assert_allclose(nearest(found, c), found, atol=1e-9, rtol=0)


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_weights_are_made_of_stretches_in_their_order(seed):
    """Each asset fills the stretch below a kink before the one above: the sum of distances is then no overstatement."""
    rng = np.random.default_rng(seed)
    w, c = turned_over(rng)
    form = form_of(c)
    x = form.variables(w)
    np.testing.assert_allclose(form.weights(x), w, atol=1e-14)
    assert (form.lower <= x).all() and (x <= form.upper).all()
    same = np.nonzero(np.diff(form.owner) == 0)[0]
    assert ((x[same + 1] <= form.lower[same + 1]) | (x[same] >= form.upper[same])).all()


def test_by_hand():
    """What a cap takes from one is given to the others in equal parts."""
    np.testing.assert_allclose(nearest(np.array([0.6, 0.3, 0.1]), long_only(3, 0.5)), [0.5, 0.35, 0.15], atol=1e-12)
    cash = Constraints(np.zeros(2), np.ones(2), budget=(0.0, 1.0))
    np.testing.assert_allclose(nearest(np.array([0.9, 0.5]), cash), [0.7, 0.3], atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.02, 0.05, 0.1]), st.booleans(), st.booleans())
def test_names_and_the_smallest_position_are_obeyed(seed, least, cash, short):
    rng = np.random.default_rng(seed)
    assets = int(rng.integers(4, 30))
    wish = rng.dirichlet(np.full(assets, rng.choice([0.2, 1.0, 50.0]))) * np.where(rng.random(assets) < 0.2 * short, -1, 1)
    rows = np.array([(np.arange(assets) % 2) * 1.0])
    c = Constraints(
        np.full(assets, -0.3 if short else 0.0),
        np.full(assets, 0.6),
        budget=(0.0 if cash else 1.0, 1.0),
        rows=rows,
        low=np.array([0.2]),
        high=np.array([0.7]),
        names=int(rng.integers(3, assets + 1)),
        minimum_position=least,
    )
    found = nearest(wish, c)
    assert violation(found, c) <= 1e-9
    assert (found != 0).sum() <= c.names and (np.abs(found[found != 0]) >= least - 1e-9).all()
    free = nearest(wish, replace(c, names=None, minimum_position=0.0))
    assert ((found - wish) ** 2).sum() >= ((free - wish) ** 2).sum() - 1e-12
    order = rng.permutation(assets)
    turned = replace(c, lower=c.lower[order], upper=c.upper[order], rows=rows[:, order])
    np.testing.assert_allclose(nearest(wish[order], turned), found[order], atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 4))
def test_few_names_are_near_the_best_of_all_choices(seed, names):
    """Of seven assets, every choice can be tried: the heuristic is not far from the best."""
    from itertools import combinations

    wish = np.random.default_rng(seed).dirichlet(np.ones(7))
    found = nearest(wish, replace(long_only(7), names=names))
    best = np.inf
    for chosen in combinations(range(7), names):
        upper = np.zeros(7)
        upper[list(chosen)] = 1.0
        best = min(best, ((nearest(wish, Constraints(np.zeros(7), upper)) - wish) ** 2).sum())
    assert ((found - wish) ** 2).sum() == pytest.approx(best, abs=1e-9)


def test_a_crumb_is_dropped_and_a_near_miss_is_raised():
    wish = np.array([0.5, 0.47, 0.02, 0.01])
    c = Constraints(np.zeros(4), np.ones(4), budget=(0.0, 1.0), minimum_position=0.03)
    np.testing.assert_allclose(nearest(wish, c)[2:], [0.03, 0.0], atol=1e-12)


def test_fixed_weights_stay_though_they_are_small():
    lower, upper = np.array([0.01, 0, 0]), np.array([0.01, 1, 1])
    c = Constraints(lower, upper, minimum_position=0.05, names=2)
    found = nearest(np.array([0.4, 0.5, 0.1]), c)
    assert found[0] == 0.01 and found[2] == 0.0 and found.sum() == pytest.approx(1.0, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_caps_on_risk_are_obeyed_and_no_more_is_changed(seed):
    rng = np.random.default_rng(seed)
    returns = rng.standard_t(4, (150, 6)) * 0.01 * np.array([0.5, 0.7, 1, 1.5, 2, 3])
    wish = np.array([0, 0, 0, 0, 0.3, 0.7])
    away = np.full(6, 1 / 6)
    covariance = np.cov(returns, rowvar=False)
    for cap, measure in (
        ({"volatility": 0.012}, lambda w: np.sqrt(w @ covariance @ w) - 0.012),
        ({"tracking_error": 0.004, "benchmark": away}, lambda w: np.sqrt((w - away) @ covariance @ (w - away)) - 0.004),
        ({"conditional_value_at_risk": 0.025}, lambda w: conditional_value_at_risk(returns @ w) - 0.025),
    ):
        found = nearest(wish, replace(long_only(6), **cap), returns)
        assert measure(wish) > 0 and abs(measure(found)) <= 1e-9  # it binds, and no further
        for other in (nearest(found + rng.normal(0, 0.05, 6), replace(long_only(6), **cap), returns) for _ in range(3)):
            assert ((found - wish) ** 2).sum() <= ((other - wish) ** 2).sum() + 1e-10


@pytest.mark.parametrize(
    ("wish", "c"),
    [
        ([np.nan, 0.5], long_only(2)),
        ([0.5, 0.5], long_only(2, 0.4)),
        ([0.5, 0.5], replace(long_only(2, 0.6), names=1)),
        ([0.5, 0.5], replace(long_only(2, 0.9), names=1, minimum_position=0.2)),
        ([0.3, 0.3], Constraints(np.zeros(2), np.full(2, 0.5), budget=(0.6, 0.6), minimum_position=0.55)),
    ],
)
def test_no_answer_is_said(wish, c):
    with pytest.raises(Infeasible):
        nearest(np.array(wish), c)


def test_each_breach_is_measured_in_its_own_unit():
    c = Constraints(np.zeros(2), np.full(2, 0.7), rows=np.eye(2)[:1], low=np.array([0.3]), high=np.array([0.5]))
    held = np.array([1.0, 0.0])
    w = np.array([0.4, 0.6])
    assert violation(w, c) == 0.0
    for broken, breach in (
        (replace(c, upper=np.full(2, 0.55)), 0.05),
        (replace(c, lower=np.array([0.42, 0])), 0.02),
        (replace(c, budget=(0.0, 0.9)), 0.1),
        (replace(c, budget=(1.2, 2.0)), 0.2),
        (replace(c, high=np.array([0.36])), 0.04),
        (replace(c, low=np.array([0.45])), 0.05),
        (replace(c, gross=0.7), 0.3),
        (replace(c, held=held, turnover=1.1), 0.1),
        (replace(c, names=1), 1.0),
        (replace(c, minimum_position=0.43), 0.03),
    ):
        assert violation(w, broken) == pytest.approx(breach, abs=1e-12)
    assert violation(w, replace(c, volatility=0.05), covariance=np.eye(2) * 0.01) == pytest.approx(np.sqrt(0.0052) - 0.05)
    returns = np.array([[-0.1, -0.1], [0.1, 0.1]])
    assert violation(w, replace(c, conditional_value_at_risk=0.04, level=0.5), returns) == pytest.approx(0.06)
