"""Plain measures against their owners: Riskfolio's `RiskFunctions`, numpy, scipy and empirical definitions."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar

from portfolio.errors import Refused
from portfolio.measures import conditional_value_at_risk, max_drawdown, value_at_risk, volatility

LEVELS = (0.5, 0.75, 0.9, 0.95, 0.975, 0.99)
LEVEL = some.sampled_from(LEVELS)
RETURNS = arrays(float, some.integers(1, 120), elements=some.floats(-0.9, 0.9))
MEASURES = (value_at_risk, conditional_value_at_risk, volatility, max_drawdown)


def whole_tail(days: int, level: float) -> bool:
    """Whether (1 - level) * days is a whole number, where Riskfolio's own product may tip over by its last bit."""
    return ((1 - Fraction(str(level))) * days).denominator == 1


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("days", [61, 252, 504, 1259, 8311])
def test_the_tail_equals_riskfolio_s_on_real_returns(riskfolio, stocks, days, level):
    owner = riskfolio.RiskFunctions
    alpha = float(1 - Fraction(str(level)))
    for column in (0, 7, 19):
        returns = stocks[1][-days:, column]
        if not whole_tail(len(returns), level):
            assert value_at_risk(returns, level) == pytest.approx(float(owner.VaR_Hist(returns, alpha)), abs=1e-8)
        assert conditional_value_at_risk(returns, level) == pytest.approx(float(owner.CVaR_Hist(returns, alpha)), abs=1e-8)
        assert max_drawdown(returns) == pytest.approx(float(owner.MDD_Rel(returns)), abs=1e-8)


@given(returns=RETURNS, level=LEVEL)
@settings(max_examples=150, deadline=None)
def test_the_tail_equals_riskfolio_s_on_any_returns(riskfolio, returns, level):
    assume(not whole_tail(len(returns), level))
    alpha = float(1 - Fraction(str(level)))
    assert value_at_risk(returns, level) == pytest.approx(float(riskfolio.RiskFunctions.VaR_Hist(returns, alpha)), abs=1e-8)
    assert conditional_value_at_risk(returns, level) == pytest.approx(
        float(riskfolio.RiskFunctions.CVaR_Hist(returns, alpha)), abs=1e-8
    )


@pytest.mark.parametrize(("days", "level"), [(n, level) for level in LEVELS for n in (20, 40, 100, 140, 200, 1000, 1260)])
def test_a_tail_of_whole_days_is_exactly_that_many(days, level):
    """Whatever the last bit of (1 - level) * days says: 5 % of 140 days are 7 days, not 8."""
    tail = (1 - Fraction(str(level))) * days
    worst = -np.arange(days, 0, -1) / (2.0 * days)
    assert value_at_risk(worst, level) == -worst[math.ceil(tail) - 1]


@given(returns=RETURNS, level=LEVEL)
@settings(max_examples=60, deadline=None)
def test_the_conditional_tail_is_the_minimum_that_rockafellar_and_uryasev_define(returns, level):
    """CVaR = min over a of a + mean(max(-r - a, 0)) / (1 - level), minimised here over the only candidates, the losses."""
    losses = -returns
    best = min(a + np.maximum(losses - a, 0).mean() / (1 - level) for a in losses)
    assert conditional_value_at_risk(returns, level) == pytest.approx(best, abs=1e-9)


def test_the_conditional_tail_against_a_general_minimiser(stocks):
    returns = stocks[1][-1000:, 3]
    best = minimize_scalar(lambda a: a + np.maximum(-returns - a, 0).mean() / 0.05, bracket=(0.0, 0.05), tol=1e-12)
    assert conditional_value_at_risk(returns, 0.95) == pytest.approx(best.fun, abs=1e-8)


@given(returns=RETURNS, level=LEVEL, shift=some.floats(-0.5, 0.5), scale=some.floats(0, 10))
@settings(max_examples=100, deadline=None)
def test_translation_and_homogeneity(returns, level, shift, scale):
    for measure in (value_at_risk, conditional_value_at_risk):
        plain = measure(returns, level)
        assert measure(returns + shift, level) == pytest.approx(plain - shift, abs=1e-9)
        assert measure(returns * scale, level) == pytest.approx(plain * scale, abs=1e-8)
    assert volatility(returns + shift) == pytest.approx(volatility(returns), abs=1e-8)
    assert volatility(returns * scale) == pytest.approx(volatility(returns) * scale, abs=1e-7)


@given(both=arrays(float, some.tuples(some.integers(1, 80), some.just(2)), elements=some.floats(-0.9, 0.9)), level=LEVEL)
@settings(max_examples=100, deadline=None)
def test_the_conditional_tail_is_subadditive(both, level):
    one, other = both[:, 0], both[:, 1]
    parts = conditional_value_at_risk(one, level) + conditional_value_at_risk(other, level)
    assert conditional_value_at_risk(one + other, level) <= parts + 1e-9


@given(returns=RETURNS, level=LEVEL)
@settings(max_examples=100, deadline=None)
def test_the_conditional_tail_is_at_least_the_tail_and_at_most_the_worst_day(returns, level):
    tail, mean = value_at_risk(returns, level), conditional_value_at_risk(returns, level)
    assert tail - 1e-12 <= mean <= -returns.min() + 1e-12
    assert mean >= -returns.mean() - 1e-12


@given(returns=RETURNS)
@settings(max_examples=60, deadline=None)
def test_a_higher_level_never_lowers_the_tail(returns):
    for measure in (value_at_risk, conditional_value_at_risk):
        figures = [measure(returns, level) for level in LEVELS]
        assert all(b >= a - 1e-12 for a, b in itertools.pairwise(figures))


@given(returns=RETURNS, luck=some.randoms(use_true_random=False), level=LEVEL)
@settings(max_examples=50, deadline=None)
def test_the_order_of_days_means_nothing_to_a_tail(returns, luck, level):
    mixed = returns.copy()
    order = list(range(len(mixed)))
    luck.shuffle(order)
    assert value_at_risk(mixed[order], level) == value_at_risk(returns, level)
    assert conditional_value_at_risk(mixed[order], level) == pytest.approx(conditional_value_at_risk(returns, level), abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("returns", [[], [np.nan], [0.1, np.nan], [np.inf, 0.0], [[0.1, 0.2]]])
def test_what_is_not_a_row_of_finite_returns_is_refused(measure, returns):
    with pytest.raises(Refused):
        measure(np.array(returns, dtype=float))


@pytest.mark.parametrize("measure", [value_at_risk, conditional_value_at_risk])
@pytest.mark.parametrize("level", [1.0, -0.1, 1.5, float("nan"), float("inf")])
def test_a_level_that_is_no_share_of_days_is_refused(measure, level):
    with pytest.raises(Refused, match="level"):
        measure(np.array([0.1, -0.1]), level)


def test_volatility_is_numpy_s_over_a_year(stocks):
    returns = stocks[1][-504:, 5]
    assert volatility(returns) == pytest.approx(
        math.sqrt(252) * float(np.sqrt(((returns - returns.mean()) ** 2).sum() / 503)), abs=1e-12
    )
    assert volatility(np.array([0.3])) == 0.0
    assert volatility(np.full(10, 0.01)) == pytest.approx(0.0, abs=1e-12)


@given(returns=arrays(float, some.integers(1, 40), elements=some.floats(-0.5, 0.5)))
@settings(max_examples=80, deadline=None)
def test_the_drawdown_is_the_worst_fall_between_any_two_moments(returns):
    wealth = [1.0]
    for r in returns:
        wealth.append(wealth[-1] * (1 + r))
    worst = max(1 - wealth[j] / wealth[i] for i in range(len(wealth)) for j in range(i, len(wealth)))
    assert max_drawdown(returns) == pytest.approx(worst, abs=1e-9)


def test_a_first_day_s_loss_is_a_drawdown_from_the_start():
    assert max_drawdown(np.array([-0.1, 0.05])) == pytest.approx(0.1)
    assert max_drawdown(np.array([0.1, 0.1])) == 0.0
