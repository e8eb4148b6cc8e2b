"""VaR backtests against published figures and scipy, and what each forecast is held against."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import AS_OF, D, policy, walk

from portfolio.errors import Refused
from portfolio.market import Market
from portfolio.measures import METHODS, Horizon, tail, value_at_risk
from portfolio.risk import Situation
from portfolio.risk.backtests import backtests, basel_zone, christoffersen, kupiec
from portfolio.risk.rolling import REFITTED, rolling_value_at_risk
from portfolio.types import TailLimit, TradingState

# --- Kupiec ------------------------------------------------------------------------------------------------------

# Kupiec (1995), table of non-rejection regions at 95 % confidence: (days, level) -> fewer than low, more than high are rejected.
REGIONS = {
    (255, 0.99): (1, 6), (255, 0.975): (3, 11), (255, 0.95): (7, 20), (255, 0.925): (12, 27), (255, 0.90): (17, 35),
    (510, 0.99): (2, 10), (510, 0.975): (7, 20), (510, 0.95): (17, 35), (510, 0.925): (28, 50), (510, 0.90): (39, 64),
    (1000, 0.99): (5, 16), (1000, 0.975): (16, 35), (1000, 0.95): (38, 64), (1000, 0.925): (60, 91), (1000, 0.90): (82, 119),
}  # fmt: skip


@pytest.mark.parametrize(("size", "region"), REGIONS.items())
def test_kupiecs_regions(size, region):
    kept = [n for n in range(size[0] + 1) if kupiec(n, *size).p > 0.05]
    assert (kept[0], kept[-1]) == region


def test_kupiec_against_scipy_and_a_worked_example():
    """Jorion (2007), box 6-2: 20 exceptions in 252 days at 95 % give 3.91."""
    from scipy import stats

    assert kupiec(20, 252, 0.95).ratio == pytest.approx(3.91, abs=0.005)
    for n, days, level in [(0, 250, 0.99), (250, 250, 0.99), (13, 500, 0.975), (1, 1, 0.5)]:
        told, seen = stats.binom.logpmf(n, days, 1 - level), stats.binom.logpmf(n, days, n / days)
        found = kupiec(n, days, level)
        assert found.ratio == pytest.approx(2 * (seen - told), abs=1e-9)
        assert found.p == pytest.approx(stats.chi2.sf(found.ratio, 1), abs=1e-12)
    assert kupiec(10, 200, 0.95) == pytest.approx((0.0, 1.0), abs=1e-6)


@pytest.mark.parametrize("bad", [(-1, 10, 0.95), (11, 10, 0.95), (0, 0, 0.95), (1, 10, 1.0), (1, 10, 0.0), (1, 10, float("nan"))])
def test_nothing_to_test_is_refused(bad):
    with pytest.raises(Refused):
        kupiec(*bad)


# --- Christoffersen ----------------------------------------------------------------------------------------------


def chain(n00, n01, n10, n11):
    """Exceptions with these numbers of transitions, n01 being from no exception to one."""
    assert n01 == n10
    runs = [[True] * (1 + (n11 if i == 0 else 0)) + [False] for i in range(n01)]
    return [False] * (n00 + 1) + [hit for one in runs for hit in one]


def test_christoffersen_on_a_worked_example():
    """Jorion (2007), box 6-2: of 20 exceptions 6 follow one; 218 + 14 + 14 + 6 transitions give 9.53, together 13.44."""
    from scipy import stats

    hits = chain(218, 14, 14, 6)
    independence, both = christoffersen(hits, 0.95)
    assert independence.ratio == pytest.approx(9.53, abs=0.005)
    assert kupiec(20, 252, 0.95).ratio + independence.ratio == pytest.approx(13.44, abs=0.005)
    assert independence.p == pytest.approx(stats.chi2.sf(independence.ratio, 1), abs=1e-12)
    assert both.ratio == pytest.approx(independence.ratio + kupiec(sum(hits), len(hits), 0.95).ratio)
    assert both.p == pytest.approx(stats.chi2.sf(both.ratio, 2), abs=1e-12)


@given(hits=some.lists(some.booleans(), min_size=2, max_size=300), level=some.sampled_from([0.9, 0.95, 0.99]))
@settings(max_examples=100, deadline=None)
def test_christoffersen_against_its_table_of_counts(hits, level):
    from scipy.special import xlogy

    pairs = list(pairwise(hits))
    n = {(a, b): sum(p == (a, b) for p in pairs) for a in (False, True) for b in (False, True)}
    from_0, from_1 = n[False, False] + n[False, True], n[True, False] + n[True, True]
    p0, p1 = (n[a, True] / m if m else 0.0 for a, m in ((False, from_0), (True, from_1)))
    p = (n[False, True] + n[True, True]) / len(pairs)
    free = xlogy(n[False, False], 1 - p0) + xlogy(n[False, True], p0) + xlogy(n[True, False], 1 - p1) + xlogy(n[True, True], p1)
    bound = xlogy(n[False, False] + n[True, False], 1 - p) + xlogy(n[False, True] + n[True, True], p)
    independence, both = christoffersen(hits, level)
    assert independence.ratio == pytest.approx(2 * (free - bound), abs=1e-9)
    assert both.ratio >= independence.ratio >= 0
    assert 0 <= both.p <= 1


def test_one_day_tells_nothing_of_independence():
    for hits in ([], [True]):
        with pytest.raises(Refused):
            christoffersen(hits, 0.95)


# --- Basel -------------------------------------------------------------------------------------------------------

# Basel Committee (1996), table 2: exceptions -> (zone, multiplier, cumulative probability in percent).
BASEL = {
    0: ("green", 3.00, 8.11), 1: ("green", 3.00, 28.58), 2: ("green", 3.00, 54.32), 3: ("green", 3.00, 75.81),
    4: ("green", 3.00, 89.22), 5: ("yellow", 3.40, 95.88), 6: ("yellow", 3.50, 98.63), 7: ("yellow", 3.65, 99.60),
    8: ("yellow", 3.75, 99.89), 9: ("yellow", 3.85, 99.97), 10: ("red", 4.00, 99.99),
}  # fmt: skip


def test_basels_zones_and_the_probabilities_that_they_stand_on():
    from scipy import stats

    for exceptions, (zone, multiplier, cumulative) in BASEL.items():
        assert basel_zone(exceptions) == (zone, multiplier)
        assert 100 * stats.binom.cdf(exceptions, 250, 0.01) == pytest.approx(cumulative, abs=0.0051)
    assert basel_zone(250) == ("red", 4.0)
    for bad in [(-1, 250), (251, 250), (4, 249), (4, 251)]:
        with pytest.raises(Refused):
            basel_zone(*bad)


# --- rolling -----------------------------------------------------------------------------------------------------

RETURNS = np.random.default_rng(3).standard_t(4, 700) * 0.008


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_each_day_is_told_by_the_days_before_it_alone(method, level):
    asked = TailLimit(level, 1, 1.0, method)
    found = rolling_value_at_risk(RETURNS, 504, asked)
    assert found.shape == (196,)
    every = REFITTED if method == "extreme_value" else 1
    for day in (0, 19, 20, 77, 195):
        window = RETURNS[day - day % every :][:504]
        assert found[day] == pytest.approx(tail(window, Horizon(level), method).value_at_risk, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_the_future_is_not_in_the_room(method):
    asked, cut = TailLimit(0.95, 1, 1.0, method), 600
    other = RETURNS.copy()
    other[cut:] = np.random.default_rng(9).normal(0, 0.1, len(other) - cut)
    before, after = (rolling_value_at_risk(r, 504, asked)[: cut - 504 + 1] for r in (RETURNS, other))
    assert np.array_equal(before, after)
    assert rolling_value_at_risk(RETURNS[:504], 504, asked).shape == (0,)


# --- both results ------------------------------------------------------------------------------------------------

SESSION = date(2022, 12, 28)


def situation(days=900, history=(), seed=4, **risk):
    sessions = np.busday_offset("2022-12-27", np.arange(-days + 1, 1), roll="backward").astype("datetime64[D]")
    names, closes = ("AAA", "BBB"), walk(2, days, seed=seed, size=0.01)
    market = Market(AS_OF, SESSION, 17, names, sessions, closes, np.full(days, np.nan))
    return Situation(policy(risk=risk), market, TradingState.ACTIVE, history, D(100))


WEIGHTS = {"AAA": 0.6, "BBB": 0.3}


@pytest.mark.parametrize(("level", "zone"), [(0.95, ""), (0.99, "green")])
def test_simulated_counts_the_losses_beyond_the_rolling_figure(level, zone):
    there = situation(value_at_risk=TailLimit(level, 1, 0.5), lookback=300)
    closes = there.market.closes
    mine = (closes[1:] / closes[:-1] - 1) @ np.array([0.6, 0.3])
    hits = [-mine[t] > value_at_risk(mine[t - 300 : t], level) for t in range(len(mine) - 500, len(mine))]
    _, found = backtests(WEIGHTS, there)
    assert (found.on, found.method, found.level, found.days) == ("simulated", "historical", level, 500)
    assert found.exceptions == sum(hits)
    assert found.expected == pytest.approx(500 * (1 - level))
    assert found.kupiec == pytest.approx(kupiec(sum(hits), 500, level).p)
    assert found.christoffersen == pytest.approx(christoffersen(hits, level)[0].p)
    assert found.zone == (zone and basel_zone(sum(hits[-250:]))[0]) == zone


def test_as_many_days_as_history_carries_and_no_test_on_too_few():
    for days, carried in [(800, 295), (525, 20), (524, 19), (505, 0), (60, 0)]:
        _, found = backtests(WEIGHTS, situation(days, lookback=504))
        assert found.days == carried
        assert (found.kupiec is None) is (found.christoffersen is None) is (carried < 20)
    _, strange = backtests({"ZZZ": 1.0}, situation())
    assert strange.days == 0
    assert "fewer than 20" in strange.sentence


def test_live_holds_each_forecast_against_the_return_of_its_own_session():
    there = situation()
    days = [d.astype(object) for d in there.market.sessions[-40:]]
    rng = np.random.default_rng(6)
    equity = [D(100)]
    for change in rng.normal(0, 0.01, 39):
        equity.append(equity[-1] * (1 + D(float(change))))
    history = list(zip(days, equity, strict=True))
    figures = rng.uniform(0.001, 0.03, 39)
    told = list(zip(days[1:], figures, strict=True))
    beyond = [1 - float(b / a) > f for a, b, f in zip(equity, equity[1:], figures, strict=False)]
    live, _ = backtests(WEIGHTS, replace(there, history=history), told)
    assert (live.on, live.level, live.days, live.exceptions) == ("live", 0.95, 39, sum(beyond))
    assert 0 < sum(beyond) < 39
    assert live.christoffersen == pytest.approx(christoffersen(beyond, 0.95)[0].p)
    shuffled, _ = backtests(WEIGHTS, replace(there, history=history), told[::-1])
    assert shuffled == live
    gap = [row for row in history if row[0] != days[20]]  # neither the session itself nor the one after it has both ends
    left, _ = backtests(WEIGHTS, replace(there, history=gap), told)
    assert left.days == 37
    assert left.exceptions == sum(beyond) - beyond[19] - beyond[20]


def test_live_leaves_out_what_is_no_number():
    there = situation()
    a, b, c = (d.astype(object) for d in there.market.sessions[-3:])
    for history, told in [
        ([(a, D(100)), (b, D("NaN")), (c, D(90))], [(b, 0.01), (c, 0.01)]),
        ([(a, D(0)), (b, D(100))], [(b, 0.01)]),
        ([(a, D(100)), (b, D(90))], [(b, math.nan)]),
        ([(a, D(100)), (b, D(90))], [(date(2030, 1, 1), 0.01)]),
        ([], []),
    ]:
        live, _ = backtests(WEIGHTS, replace(there, history=history), told)
        assert (live.days, live.exceptions, live.kupiec) == (0, 0, None)
    live, _ = backtests(WEIGHTS, replace(there, history=[(a, Decimal(100)), (b, Decimal(90))]), [(b, 0.1)])
    assert (live.days, live.exceptions) == (1, 0)  # a loss that is the figure is not beyond it


def test_a_right_model_is_kept_and_a_wrong_one_found():
    """Draws whose volatility never changes fit; figures of half the size do not."""
    _, right = backtests(WEIGHTS, situation(1100, seed=11, value_at_risk=TailLimit(0.95, 1, 0.5, "normal"), lookback=504))
    assert right.kupiec > 0.05
    there = situation()
    days = [d.astype(object) for d in there.market.sessions[-260:]]
    rng = np.random.default_rng(12)
    equity = 100 * np.cumprod(1 + rng.normal(0, 0.01, 260))
    history = [(d, D(float(e))) for d, e in zip(days, equity, strict=True)]
    for size, kept in [(1.645, True), (0.8, False)]:
        live, _ = backtests(WEIGHTS, replace(there, history=history), [(d, 0.01 * size) for d in days[1:]])
        assert (live.kupiec > 0.05) is kept
