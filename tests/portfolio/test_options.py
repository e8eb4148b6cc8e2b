"""Black and Scholes against the field's published examples, against the integral that it solves, and against its own laws."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some

from portfolio.measures.options import European, implied_volatility, option_delta, option_value

HULL = European("C", 40.0, 0.5, rate=0.1)
OPTIONS = some.builds(
    European,
    right=some.sampled_from("CP"),
    strike=some.floats(1.0, 500.0),
    years=some.floats(0.0, 3.0),
    rate=some.floats(-0.02, 0.12),
    dividend=some.floats(0.0, 0.08),
)
PRICES, VOLATILITIES = some.floats(1.0, 500.0), some.floats(0.01, 1.5)


def value(option, price, volatility) -> float:
    return float(option_value(option, price, volatility))


@pytest.mark.parametrize(
    ("option", "price", "volatility", "told", "digits"),
    [
        (HULL, 42.0, 0.2, 4.76, 2),  # Hull, "Options, futures and other derivatives", example 15.6
        (replace(HULL, right="P"), 42.0, 0.2, 0.81, 2),
        (European("C", 900.0, 2 / 12, rate=0.08, dividend=0.03), 930.0, 0.2, 51.83, 2),  # Hull, example 17.1
        (European("C", 50.0, 0.3846, rate=0.05), 49.0, 0.2, 2.40, 2),  # Hull, chapter 19
        (
            European("C", 65.0, 0.25, rate=0.08),
            60.0,
            0.3,
            2.1334,
            4,
        ),  # Haug, "The complete guide to option pricing formulas", 1.1.1
        (European("P", 95.0, 0.5, rate=0.1, dividend=0.05), 100.0, 0.2, 2.4648, 4),  # Haug, 1.1.2
    ],
)
def test_the_books_examples(option, price, volatility, told, digits):
    assert round(value(option, price, volatility), digits) == told


def test_the_books_delta_and_implied_volatility():
    assert round(float(option_delta(European("C", 50.0, 0.3846, rate=0.05), 49.0, 0.2)), 3) == 0.522  # Hull, chapter 19
    assert round(implied_volatility(European("C", 20.0, 0.25, rate=0.1), 21.0, 1.875), 3) == 0.235  # Hull, section 15.11


@pytest.mark.parametrize("right", ["C", "P"])
@pytest.mark.parametrize(("price", "volatility", "years"), [(100.0, 0.2, 0.25), (60.0, 0.5, 2.0), (180.0, 0.1, 0.05)])
def test_it_is_the_mean_of_what_is_paid(right, price, volatility, years):
    """Over a lognormal price whose mean is the forward's, by scipy's own integral."""
    from scipy import integrate, stats

    option = European(right, 100.0, years, rate=0.03, dividend=0.01)
    spread = volatility * math.sqrt(years)
    forward = price * math.exp(0.02 * years)
    law = stats.norm(math.log(forward) - spread**2 / 2, spread)
    ends = (math.log(100.0), law.mean() + 12 * spread) if right == "C" else (law.mean() - 12 * spread, math.log(100.0))
    paid = 0.0
    if ends[0] < ends[1]:
        paid, _ = integrate.quad(lambda x: option.sign * (math.exp(x) - 100.0) * law.pdf(x), *ends, limit=200, epsabs=1e-12)
    assert value(option, price, volatility) == pytest.approx(math.exp(-0.03 * years) * paid, rel=1e-7, abs=1e-9)


@given(option=OPTIONS, price=PRICES, volatility=VOLATILITIES)
@settings(max_examples=100, deadline=None)
def test_a_call_less_a_put_is_the_forward(option, price, volatility):
    call, put = (value(replace(option, right=right), price, volatility) for right in "CP")
    forward = price * math.exp(-option.dividend * option.years) - option.strike * option.discount
    assert call - put == pytest.approx(forward, abs=1e-9 * (price + option.strike))


@given(option=OPTIONS, price=PRICES, volatility=VOLATILITIES)
@settings(max_examples=100, deadline=None)
def test_no_arbitrage_bounds(option, price, volatility):
    share, strike = price * math.exp(-option.dividend * option.years), option.strike * option.discount
    least, most = max(option.sign * (share - strike), 0.0), share if option.right == "C" else strike
    room = 1e-12 * (share + strike)
    assert least - room <= value(option, price, volatility) <= most + room
    delta = option.sign * float(option_delta(option, price, volatility))
    assert 0.0 <= delta <= math.exp(-option.dividend * option.years)


@given(option=OPTIONS, prices=some.tuples(PRICES, PRICES), volatilities=some.tuples(VOLATILITIES, VOLATILITIES))
@settings(max_examples=100, deadline=None)
def test_more_volatility_is_worth_more_and_a_put_less_as_the_price_rises(option, prices, volatilities):
    (low, high), (calm, wild) = sorted(prices), sorted(volatilities)
    room = 1e-12 * (high + option.strike)
    assert value(option, low, calm) <= value(option, low, wild) + room
    moved = option.sign * (value(option, high, calm) - value(option, low, calm))
    assert -room <= moved <= high - low + room
    middle = value(option, (low + high) / 2, calm)
    assert middle <= (value(option, low, calm) + value(option, high, calm)) / 2 + room  # convex
    dearer = replace(option, strike=option.strike * 1.5)
    assert option.sign * (value(option, low, calm) - value(dearer, low, calm)) >= -room


@given(option=OPTIONS, price=PRICES, volatility=VOLATILITIES, scale=some.floats(0.01, 100.0))
@settings(max_examples=60, deadline=None)
def test_money_has_no_unit(option, price, volatility, scale):
    other = value(replace(option, strike=option.strike * scale), price * scale, volatility)
    assert other == pytest.approx(scale * value(option, price, volatility), rel=1e-9, abs=1e-10 * scale * price)


@given(option=OPTIONS, price=PRICES, volatility=some.floats(0.05, 1.0))
@settings(max_examples=60, deadline=None)
def test_delta_is_the_slope(option, price, volatility):
    assume(option.years > 0.02)
    step = price * 1e-4
    slope = (value(option, price + step, volatility) - value(option, price - step, volatility)) / (2 * step)
    assert float(option_delta(option, price, volatility)) == pytest.approx(slope, abs=1e-5)


@given(option=OPTIONS, price=PRICES, volatility=some.floats(0.05, 1.0))
@settings(max_examples=60, deadline=None)
def test_the_implied_volatility_brings_the_premium_back(option, price, volatility):
    premium = value(option, price, volatility)
    assume(option.years > 0.02 and premium - value(option, price, 0.0) > 1e-6 * price)
    assert value(option, price, implied_volatility(option, price, premium)) == pytest.approx(premium, rel=1e-9)


def test_what_no_volatility_explains_has_none():
    put = European("P", 100.0, 0.25)
    for premium in (math.nan, -1.0, 0.0, 9.999, 100.1, math.inf):  # it is worth 10 if exercised, and 100 at the most
        assert math.isnan(implied_volatility(put, 90.0, premium))
    assert math.isnan(implied_volatility(put, math.nan, 5.0))


def test_without_time_or_volatility_it_is_what_exercise_brings():
    prices = np.array([0.0, 80.0, 100.0, 120.0])
    for right, paid in (("P", [100.0, 20.0, 0.0, 0.0]), ("C", [0.0, 0.0, 0.0, 20.0])):
        assert option_value(European(right, 100.0, 0.0), prices, 0.3).tolist() == paid
        assert option_value(European(right, 100.0, 0.5), prices, 0.0).tolist() == paid
    assert value(European("P", 100.0, 0.5, rate=0.04), 0.0, 0.3) == pytest.approx(100.0 * math.exp(-0.02))


@pytest.mark.parametrize(
    ("price", "volatility"), [(math.nan, 0.2), (-1.0, 0.2), (math.inf, 0.2), (100.0, math.nan), (100.0, -0.1)]
)
def test_what_is_no_number_stays_none(price, volatility):
    option = European("P", 100.0, 0.5)
    assert math.isnan(value(option, price, volatility))
    assert math.isnan(float(option_delta(option, price, volatility)))
