"""What a trade and a way out cost: commissions as published, the square-root law, Almgren and Chriss's own figures."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import D, market, policy

from portfolio.errors import Refused, WrongUse
from portfolio.measures import Liquidation, evenly, holdings, shortfall, urgency
from portfolio.orders.costs import (
    IB_CURRENCIES,
    IB_FIXED,
    IB_TIERED,
    Commission,
    commission_of,
    conversion_commission,
    square_root_impact,
)
from portfolio.policy import parse_policy
from portfolio.risk import Situation
from portfolio.risk.exit import exit_figures
from portfolio.types import CostPolicy, TradingState

PAPER = Liquidation(1e6, 5.0, 5, sigma=0.95, gamma=2.5e-7, eta=2.5e-6, epsilon=0.0625)  # its table 1


# --- Almgren & Chriss (2000) ------------------------------------------------------------------------------------------


def test_the_paper_s_parameters_follow_from_its_market():
    """Section 3.4: a share of 50 with a spread of 1/8, 30 % volatility a year (0.95 a day), 5 million shares a day."""
    made = evenly(1e6, 5.0, price=50.0, volume=5e6, volatility=0.019, half_spread=0.0625 / 50)
    for name in ("sigma", "gamma", "eta", "epsilon", "tau"):
        assert getattr(made, name) == pytest.approx(getattr(PAPER, name))


def test_the_paper_s_urgency():
    """Its example: for an aversion of 1e-6 kappa is about 0.61 a day (without the correction for steps 0.6, so a half-life of 1.6)."""
    assert urgency(PAPER, 1e-6) == pytest.approx(0.61, abs=0.01)
    assert math.sqrt(1e-6 * 0.95**2 / 2.5e-6) == pytest.approx(0.6, abs=0.005)


def test_selling_evenly_costs_what_the_closed_forms_say():
    """Equations 10 and 11: gamma X^2 / 2 + epsilon X + (eta - gamma tau / 2) X^2 / T, and sigma^2 X^2 T (1 - 1/N)(1 - 1/2N) / 3."""
    cost, deviation = shortfall(PAPER, holdings(PAPER))
    assert cost == pytest.approx(125_000 + 62_500 + 475_000)
    assert deviation**2 == pytest.approx(0.95**2 * 1e12 * 5 / 3 * 0.8 * 0.9)


def test_selling_at_once_costs_what_the_closed_form_says():
    """Equation 12: epsilon X + eta X^2 / tau, and no variance."""
    cost, deviation = shortfall(PAPER, np.array([1e6, 0, 0, 0, 0, 0.0]))
    assert cost == pytest.approx(62_500 + 2_500_000)
    assert deviation == 0


@pytest.mark.parametrize("aversion", [1e-7, 1e-6, 2e-6, 1e-5])
def test_the_optimal_schedule_is_what_an_optimizer_finds(aversion):
    """E + lambda V is a quadratic of the holdings: solved by numpy, it has the same minimum."""
    tau, eta = PAPER.tau, PAPER.eta_net
    n = PAPER.steps - 1
    hessian = 2 * eta / tau * (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)) + 2 * aversion * PAPER.sigma**2 * tau * np.eye(n)
    start = np.zeros(n)
    start[0] = 2 * eta / tau * PAPER.units
    best = np.linalg.solve(hessian, start)
    assert holdings(PAPER, aversion)[1:-1] == pytest.approx(best, rel=1e-9)


@given(aversion=some.floats(1e-8, 1e-4))
@settings(max_examples=40, deadline=None)
def test_the_frontier_trades_cost_for_certainty(aversion):
    slow, fast = shortfall(PAPER, holdings(PAPER)), shortfall(PAPER, holdings(PAPER, aversion))
    assert fast[0] >= slow[0] - 1e-6
    assert fast[1] <= slow[1] + 1e-6


def test_steps_too_long_for_the_impact_are_refused():
    with pytest.raises(Refused, match="steps"):
        urgency(replace(PAPER, steps=1, days=30.0), 1e-6)


# --- commissions and impact -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "quantity", "price", "fee"),
    [
        (IB_FIXED, "1000", "0.25", "2.50"),
        (IB_TIERED, "100", "25", "0.35"),  # 0.35 is both the product and the least
        (IB_TIERED, "1000", "25", "3.50"),
        (IB_TIERED, "1000", "0.25", "2.50"),  # 1 % of the value
        (IB_CURRENCIES, "100000", "1", "2.00"),
        (IB_CURRENCIES, "1000000", "1", "20.00"),
        (Commission(of_value=D("0.001"), minimum=D(5)), "100", "10", "5.00"),
        (Commission(of_value=D("0.001"), minimum=D(5)), "1000", "10", "10.00"),
        (Commission(), "1000", "10", "0.00"),
    ],
)
def test_schedules_as_published(schedule, quantity, price, fee):
    assert schedule.of(D(quantity), D(price)) == D(fee)


@given(
    quantity=some.integers(0, 10**6),
    cents=some.integers(1, 10**6),
    schedule=some.sampled_from([IB_FIXED, IB_TIERED, IB_CURRENCIES]),
)
@settings(max_examples=100, deadline=None)
def test_the_estimate_is_the_fee_before_it_is_rounded(quantity, cents, schedule):
    about = schedule.about(np.array([float(quantity)]), np.array([cents / 100]))[0]
    exact = schedule.of(D(quantity), D(cents) / 100) if quantity else D(0)
    assert about == pytest.approx(float(exact), abs=0.0051)


def test_the_policy_names_its_schedule():
    assert commission_of(CostPolicy("per_share", rate=0.01, minimum=2.0, maximum=0.005), "SPY").of(D(100), D(50)) == D("2.00")
    assert commission_of(CostPolicy("per_value", rate=0.001), "SPY").of(D(100), D(50)) == D("5.00")
    assert conversion_commission(CostPolicy("none"), "USD").of(D(10**6), D(1)) == 0
    assert conversion_commission(CostPolicy("per_value", rate=0.001), "USD") == IB_CURRENCIES
    assert conversion_commission(CostPolicy(), "JPY").of(D(1), D(1)) == 400  # two dollars, however small it is


def test_impact_grows_with_the_root_of_the_size():
    small, large = square_root_impact(100, 10**6, 0.02), square_root_impact(400, 10**6, 0.02)
    assert large == pytest.approx(2 * small)
    assert square_root_impact(10**6, 10**6, 0.02) == pytest.approx(0.02)


@pytest.mark.parametrize("bad", [(0, 1e6, 0.02), (100, 0, 0.02), (100, math.nan, 0.02), (100, 1e6, math.nan), (-1, 1e6, 0.02)])
def test_impact_that_is_not_known_is_no_number(bad):
    assert math.isnan(square_root_impact(*bad))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('commission = "per_share"', "rate"),
        ('commission = "free"', "unknown"),
        ("rate = 0.1", "unknown key"),
        ("impact = -1", "impact"),
        ('commission = "per_value"\nrate = 0.5', "rate"),
    ],
)
def test_a_wrong_table_is_refused_by_name(table, words):
    from mind import FIXED

    with pytest.raises(WrongUse, match=words):
        parse_policy(f"{FIXED}\n[costs]\n{table}\n")


# --- the way out ------------------------------------------------------------------------------------------------------


def test_the_slowest_position_says_how_long_it_takes():
    shown = market(volumes={"SPY": 100_000.0, "IEF": 10_000.0, "GLD": 1e6})
    there = Situation(policy(), shown, TradingState.ACTIVE, (), D(1_000_000))
    figures = exit_figures({"SPY": 0.5, "IEF": 0.4, "EUR": -0.1}, there)
    price = dict(zip(("SPY", "IEF", "GLD"), shown.closes[-1], strict=True))
    assert figures["exit_days"] == pytest.approx(max(500_000 / price["SPY"] / 10_000, 400_000 / price["IEF"] / 1_000))
    assert 0 < figures["exit_cost"] < 0.1
    assert figures["exit_deviation"] > 0
    assert exit_figures({}, there) == {"exit_days": 0.0, "exit_cost": 0.0, "exit_deviation": 0.0}


def test_a_way_out_that_nobody_knows_is_unknown():
    there = Situation(policy(), market(volumes={"SPY": 1e6}), TradingState.ACTIVE, (), D(1_000_000))
    assert set(exit_figures({"SPY": 0.5, "IEF": 0.4}, there).values()) == {None}


# --- options: IB's published schedule, US options, up to 10,000 contracts a month -------------------------------------
PUBLISHED = [  # contracts, premium a share, commission: 0.65, 0.50 or 0.25 a contract, at least 1.00 an order
    ("10", "5.00", "6.50"),
    ("10", "0.10", "6.50"),
    ("10", "0.099", "5.00"),
    ("10", "0.05", "5.00"),
    ("10", "0.049", "2.50"),
    ("1", "5.00", "1.00"),
    ("2", "5.00", "1.30"),
    ("1", "0.01", "1.00"),
    ("3", "0.01", "1.00"),
]
PUT = "SPY230421P00360000"


@pytest.mark.parametrize(("contracts", "premium", "fee"), PUBLISHED)
@pytest.mark.parametrize("name", ["ib_fixed", "ib_tiered"])
def test_an_option_pays_by_the_contract(name, contracts, premium, fee):
    """The price of a unit is that of a contract, of a hundred shares; a share's 1 % at the most is no law of options."""
    schedule = commission_of(CostPolicy(name), PUT)
    assert schedule.of(D(contracts), D(premium) * 100) == D(fee)
    about = schedule.about(np.array([0.0, float(contracts)]), np.array([float(premium) * 100] * 2))
    assert about == pytest.approx([0.0, float(fee)])


@pytest.mark.parametrize(("contracts", "premium", "fee"), PUBLISHED)
def test_the_simulated_broker_takes_the_same(contracts, premium, fee):
    from brokers.simulator.valuation import option_commission

    assert option_commission(D(contracts), D(premium)) == D(fee)


def test_a_schedule_of_one_s_own_and_none_know_no_contract():
    assert commission_of(CostPolicy("none"), PUT).of(D(10), D(500)) == 0
    assert commission_of(CostPolicy("per_share", rate=0.7), PUT).of(D(10), D(500)) == D("7.00")
    assert commission_of(CostPolicy(), "SPY") is IB_FIXED
