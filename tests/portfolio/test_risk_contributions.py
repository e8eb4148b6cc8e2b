"""What each asset brings: Euler's sums, Riskfolio's numerical derivatives, and the difference that leaving one out makes."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from mind import market, policy, walk

from portfolio.errors import Refused
from portfolio.measures import (
    components,
    conditional_value_at_risk,
    incremental,
    marginal_conditional_value_at_risk,
    marginal_value_at_risk,
    marginal_volatility,
    value_at_risk,
    volatility,
)
from portfolio.risk import contributions

LEVEL = some.sampled_from((0.9, 0.95, 0.975, 0.99))


def world(seed: int, assets: int, days: int = 252) -> tuple[np.ndarray, np.ndarray]:
    """(weights, some of them short, returns)."""
    rng = np.random.default_rng(seed)
    common = rng.standard_t(4, days)[:, None] * rng.uniform(0, 0.01, assets)
    return rng.uniform(-0.3, 1.0, assets), 0.0003 + common + 0.01 * rng.standard_t(5, (days, assets))


@given(seed=some.integers(0, 10_000), assets=some.integers(1, 12), level=LEVEL)
@settings(max_examples=80, deadline=None)
def test_contributions_add_up_to_the_measure(seed, assets, level):
    weights, returns = world(seed, assets)
    book = returns @ weights
    sums = [
        (components(weights, marginal_volatility(weights, returns)), volatility(book)),
        (components(weights, marginal_value_at_risk(weights, returns, level)), value_at_risk(book, level)),
        (
            components(weights, marginal_conditional_value_at_risk(weights, returns, level)),
            conditional_value_at_risk(book, level),
        ),
    ]
    for parts, whole in sums:
        assert parts.sum() == pytest.approx(whole, abs=1e-12)
    assume(value_at_risk(book, level) > 0.005)
    near = components(weights, marginal_value_at_risk(weights, returns, level, neighbours=2))
    assert near.sum() == pytest.approx(value_at_risk(book, level), abs=1e-12)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_parts_are_riskfolio_s(riskfolio, stocks, level):
    """Its derivative is numerical: a step of 1e-7 either way."""
    returns = stocks[1][-501:, :6]
    weights, alpha = np.array([0.3, 0.1, 0.2, 0.15, 0.2, 0.05]), 1 - level
    measures = {"MV": marginal_volatility(weights, returns) / math.sqrt(252)}
    measures["VaR"] = marginal_value_at_risk(weights, returns, level)
    measures["CVaR"] = marginal_conditional_value_at_risk(weights, returns, level)
    for name, marginal in measures.items():
        theirs = riskfolio.RiskFunctions.Risk_Contribution(weights, returns, rm=name, alpha=alpha)
        assert components(weights, marginal) == pytest.approx(theirs, abs=1e-8)


@given(seed=some.integers(0, 10_000), at=some.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_a_margin_is_the_slope_of_its_measure(seed, at):
    weights, returns = world(seed, 4)
    step = np.zeros(4)
    step[at] = 1e-6
    slope = (volatility(returns @ (weights + step)) - volatility(returns @ (weights - step))) / 2e-6
    assert marginal_volatility(weights, returns)[at] == pytest.approx(slope, abs=1e-6)
    # CVaR is convex: no step away from the book falls below its own tangent.
    tangent = marginal_conditional_value_at_risk(weights, returns)
    for move in (step * 1e4, -step * 1e4, step * 5e5):
        above = conditional_value_at_risk(returns @ (weights + move)) - conditional_value_at_risk(returns @ weights)
        assert above >= tangent @ move - 1e-12


def test_cash_and_a_weight_of_nothing_bring_nothing():
    weights, returns = world(3, 4)
    with_cash, padded = np.append(weights, 0.4), np.column_stack([returns, np.zeros(len(returns))])
    without = np.append(weights, 0.0)
    for marginal in (marginal_volatility, marginal_value_at_risk, marginal_conditional_value_at_risk):
        assert components(with_cash, marginal(with_cash, padded))[-1] == 0.0
        assert components(without, marginal(without, np.column_stack([returns, returns[:, 0]])))[-1] == 0.0
    assert incremental(with_cash, padded, volatility)[-1] == 0.0
    assert set(marginal_volatility(np.zeros(2), returns[:, :2])) == {0.0}


def test_incremental_is_what_leaving_one_out_spares():
    weights, returns = world(5, 3)
    found = incremental(weights, returns, lambda x: conditional_value_at_risk(x, 0.9))
    whole = conditional_value_at_risk(returns @ weights, 0.9)
    for i in range(3):
        rest = np.delete(weights, i)
        assert found[i] == pytest.approx(whole - conditional_value_at_risk(np.delete(returns, i, axis=1) @ rest, 0.9), abs=1e-12)


def test_neighbours_of_the_tail_that_gain_cannot_share_out_a_loss():
    returns = np.array([[-0.01], [0.5], [0.6], [0.7]])
    with pytest.raises(Refused, match="neighbours"):
        marginal_value_at_risk(np.array([1.0]), returns, 0.9, neighbours=3)


def test_the_shares_of_a_book_add_up_to_one_and_cash_has_none():
    shown, rules = market(closes=walk(3, 400)), policy()
    found = contributions({"SPY": 0.5, "IEF": 0.2, "GLD": 0.0}, shown, rules)
    assert set(found) == {"SPY", "IEF"}
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-12)
    simple = shown.closes[1:] / shown.closes[:-1] - 1
    covariance = np.cov(simple[:, :2], rowvar=False)
    weights = np.array([0.5, 0.2])
    assert list(found.values()) == pytest.approx(weights * (covariance @ weights) / (weights @ covariance @ weights), abs=1e-10)
    assert contributions({}, shown, rules) == {}
    assert contributions({"SPY": 0.5}, market(days=30), rules) == {}
