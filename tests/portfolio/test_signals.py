"""The signals against pandas, SciPy and plain loops that follow the papers' words."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene import walk
from scipy.spatial.distance import mahalanobis
from scipy.stats import rankdata, zscore

from portfolio.signals.deviation import drawdown, turbulence, z_score
from portfolio.signals.hysteresis import Condition, newest_turn, states
from portfolio.signals.ranking import best, replayed
from portfolio.signals.reading import carried, points, smoothed
from portfolio.signals.standing import neutralised, rank_scores, winsorised, z_scores
from portfolio.signals.trend import breakout, momentum, moving_average
from portfolio.signals.volatility import a_year, ewma, realised
from portfolio.signals.weighting import capped, inverse_volatility, within

SEEDS = st.integers(0, 10_000)
LENGTHS = st.integers(0, 90)
WINDOWS = st.integers(2, 30)


def series(seed: int, length: int) -> np.ndarray:
    return walk(length, 1, seed)[:, 0] if length else np.empty(0)


def same(found: np.ndarray, expected: pd.Series) -> None:
    np.testing.assert_allclose(found, expected.to_numpy(dtype=float), rtol=1e-7, atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(SEEDS, LENGTHS, WINDOWS, st.integers(0, 29))
def test_momentum_is_the_return_between_two_days(seed, length, window, skip):
    skip = min(skip, window - 1)
    x = series(seed, length)
    told = pd.Series(x, dtype=float)
    same(momentum(x, window, skip), told.shift(skip) / told.shift(window) - 1)


@settings(max_examples=40, deadline=None)
@given(SEEDS, LENGTHS, WINDOWS)
def test_a_moving_average_is_that_of_pandas(seed, length, window):
    x = series(seed, length)
    told = pd.Series(x, dtype=float)
    same(moving_average(x, window), told / told.rolling(window).mean() - 1)


@settings(max_examples=40, deadline=None)
@given(SEEDS, LENGTHS, st.integers(3, 30))
def test_a_z_score_is_that_of_pandas(seed, length, window):
    x = np.log(series(seed, length))
    told = pd.Series(x, dtype=float)
    expected = (told - told.rolling(window).mean()) / told.rolling(window).std()
    np.testing.assert_allclose(z_score(x, window), expected, rtol=1e-6, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(SEEDS, LENGTHS, WINDOWS)
def test_a_drawdown_is_from_the_highest_of_the_window(seed, length, window):
    x = series(seed, length)
    told = pd.Series(x, dtype=float)
    same(drawdown(x, window), 1 - told / told.rolling(window).max())


@settings(max_examples=40, deadline=None)
@given(SEEDS, LENGTHS, st.integers(1, 25), st.integers(1, 25))
def test_a_breakout_is_above_the_high_or_below_the_low_of_the_days_before(seed, length, window, exit_window):
    x = np.round(series(seed, length))  # many days are as high as the highest: that is no breakout
    told = pd.Series(x, dtype=float)
    high, low = told.shift(1).rolling(window).max(), told.shift(1).rolling(exit_window).min()
    expected = (told > high).astype(float) - (told < low).astype(float)
    same(breakout(x, window, exit_window), expected.where(high.notna() & low.notna()))


def test_a_window_that_does_not_move_has_no_z_score():
    assert np.isnan(z_score(np.full(10, 0.1), 5)).all()
    assert np.isnan(z_score(np.array([]), 5)).all()


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(1, 4), st.integers(8, 20))
def test_turbulence_is_the_squared_mahalanobis_distance_from_the_days_before(seed, assets, window):
    returns = np.random.default_rng(seed).normal(0.0, 0.01, (40, assets))
    found = turbulence(returns, window)
    assert np.isnan(found[:window]).all()
    for day in range(window, 40):
        past = returns[day - window : day]
        inverse = np.linalg.inv(np.atleast_2d(np.cov(past, rowvar=False)))
        assert found[day] == pytest.approx(mahalanobis(returns[day], past.mean(axis=0), inverse) ** 2, rel=1e-6, abs=1e-9)


def test_turbulence_of_two_equal_assets_is_that_of_one():
    one = np.random.default_rng(3).normal(0.0, 0.01, (60, 1))
    np.testing.assert_allclose(turbulence(np.hstack([one, one]), 30), turbulence(one, 30), rtol=1e-5)


def test_turbulence_of_normal_returns_is_chi_squared():
    returns = np.random.default_rng(5).normal(0.0, 0.01, (4000, 5))
    found = turbulence(returns, 1000)[1000:]
    assert (found > 11.07).mean() == pytest.approx(0.05, abs=0.015)  # the 95 % point of five degrees of freedom


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 60), st.floats(0.6, 0.99))
def test_ewma_is_that_of_pandas(seed, length, decay):
    returns = np.random.default_rng(seed).normal(0.0, 0.01, length)
    expected = np.sqrt((pd.Series(returns) ** 2).ewm(alpha=1 - decay, adjust=True).mean().iloc[-1])
    assert ewma(returns, decay) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(2, 60))
def test_realised_volatility_is_of_the_known_returns(seed, length):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0, 0.01, (length, 3))
    returns[rng.random((length, 3)) < 0.3] = np.nan
    expected = pd.DataFrame(returns).std(ddof=1).where(pd.DataFrame(returns).notna().sum() >= 5)
    np.testing.assert_allclose(realised(returns, 5), expected.to_numpy(), rtol=1e-9)
    assert a_year(0.01) == pytest.approx(0.15874507866387544)  # 0.01 x sqrt(252)


NUMBERS = st.one_of(st.floats(-3.0, 3.0), st.just(float("nan")), st.sampled_from([-1.0, 0.0, 1.0]))


@settings(max_examples=150, deadline=None)
@given(st.lists(NUMBERS, max_size=40), st.sampled_from([">", ">="]), st.sampled_from(["<", "<="]), st.booleans())
def test_states_are_those_of_a_machine_that_looks_at_one_value_after_the_other(values, above, below, upwards):
    high, low = Condition(above, 1.0), Condition(below, -1.0)
    enter, leave = (high, low) if upwards else (low, high)

    def met(condition, value):
        return {
            ">": value > condition.level,
            ">=": value >= condition.level,
            "<": value < condition.level,
            "<=": value <= condition.level,
        }[condition.sign]

    state, expected, turn = False, [], None
    for at, value in enumerate(values):
        new = True if met(enter, value) else False if met(leave, value) else state
        turn = at if new != state else turn
        state = new
        expected.append(state)
    found = states(np.array(values, dtype=float), enter, leave)
    assert found.tolist() == expected
    assert newest_turn(found) == turn


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=60), st.booleans())
def test_between_the_thresholds_nothing_turns(values, once_in):
    path = np.array([5.0 if once_in else -5.0, *values])
    found = states(path, Condition(">", 1.0), Condition("<", -1.0))
    assert found.tolist() == [once_in] * len(path)


@pytest.mark.parametrize(
    ("enter", "leave", "fits"),
    [
        ((">", 1.0), ("<", -1.0), True),
        (("<", -1.0), (">", 1.0), True),
        ((">", 0.0), ("<=", 0.0), True),
        ((">=", 0.0), ("<=", 0.0), False),  # 0 would be both
        ((">", -1.0), ("<", 1.0), False),  # 0 would be both
        (("<", 1.0), (">", -1.0), False),
        ((">", 1.0), (">", -1.0), False),
    ],
)
def test_two_conditions_are_opposite_or_refused(enter, leave, fits):
    assert Condition(*enter).opposes(Condition(*leave)) is fits


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.integers(1, 8), st.integers(0, 4), st.integers(1, 5))
def test_the_best_with_a_buffer_follow_the_index_provider_s_words(seed, names, buffer, top):
    rng = np.random.default_rng(seed)
    panel = rng.normal(size=(12, names))
    panel[rng.random(panel.shape) < 0.2] = np.nan
    held: set[int] = set()
    found = replayed(panel, top, buffer)
    for row, values in enumerate(panel):
        ranked = sorted((i for i in range(names) if not np.isnan(values[i])), key=lambda i: -values[i])
        if ranked:
            stay = [i for i in ranked if i in held and ranked.index(i) < top + buffer][:top]
            held = set(stay + [i for i in ranked if i not in stay][: top - len(stay)])
        assert set(np.nonzero(found[row])[0].tolist()) == held


def test_a_name_on_the_edge_of_the_best_stays_and_does_not_come_and_go():
    edge = np.array([[3.0, 2.0, 1.0 + 0.1 * (-1) ** i, 1.0] for i in range(20)])
    assert len({tuple(row) for row in replayed(edge, 3, 1).tolist()}) == 1
    assert len({tuple(row) for row in replayed(edge, 3, 0).tolist()}) == 2  # without the buffer it does


def test_equal_values_go_to_the_earlier_name():
    values = np.tile([1.0, 3.0, 2.0], 100)
    assert np.nonzero(best(values, np.zeros(300, dtype=bool), 4, 0))[0].tolist() == [1, 4, 7, 10]


@pytest.mark.parametrize("price", [100.1, 1 / 3, 7e-5])
def test_a_price_that_stands_on_its_average_stands_there_in_any_unit(price):
    assert set(moving_average(np.full(300, price), 200)[199:].tolist()) == {0.0}


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(["week", "month"]))
def test_the_points_are_the_ends_of_the_periods_that_are_over(seed, every):
    rng = np.random.default_rng(seed)
    every_day = np.arange("2021-11-01", "2022-12-28", dtype="datetime64[D]")  # of a market that never shuts
    sessions = np.sort(rng.choice(every_day, 300, replace=False))
    today = pd.Timestamp(sessions[-1]) + pd.Timedelta(days=int(rng.integers(1, 9)))
    told = pd.Series(np.arange(300), index=pd.DatetimeIndex(sessions))
    rule = {"week": "W-SUN", "month": "M"}[every]
    last = told.groupby(told.index.to_period(rule)).last()
    expected = last[last.index < today.to_period(rule)].tolist()
    assert points(sessions, every, today.date()).tolist() == expected


def test_a_month_is_over_when_the_day_of_the_decision_is_in_the_next():
    sessions = np.array(["2022-01-28", "2022-01-31"], dtype="datetime64[D]")
    assert points(sessions, "month", date(2022, 1, 31)).tolist() == []
    assert points(sessions, "month", date(2022, 2, 1)).tolist() == [1]
    assert points(sessions, "day", date(2022, 1, 31)).tolist() == [0, 1]
    assert points(sessions[:0], "month", date(2022, 1, 31)).tolist() == []


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 5))
def test_carried_and_smoothed_are_those_of_pandas(seed, limit):
    rng = np.random.default_rng(seed)
    panel = rng.normal(size=(40, 3))
    panel[rng.random(panel.shape) < 0.5] = np.nan
    np.testing.assert_array_equal(carried(panel, limit), pd.DataFrame(panel).ffill(limit=limit))
    np.testing.assert_array_equal(carried(panel[:, 0], limit), pd.Series(panel[:, 0]).ffill(limit=limit))
    np.testing.assert_allclose(smoothed(panel[:, 0], 3), pd.Series(panel[:, 0]).rolling(3).mean(), atol=1e-11)


def with_gaps(seed: int, size: int = 25) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(size) < 0.2, np.nan, np.round(rng.normal(size=size), 1))


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(0.0, 0.25))
def test_standing_is_that_of_scipy_and_pandas(seed, share):
    x = with_gaps(seed)
    np.testing.assert_allclose(z_scores(x), zscore(x, ddof=1, nan_policy="omit"), atol=1e-12)
    np.testing.assert_allclose(rank_scores(x), zscore(rankdata(x, nan_policy="omit"), ddof=1, nan_policy="omit"), atol=1e-12)
    told = pd.Series(x)
    np.testing.assert_allclose(winsorised(x, share), told.clip(told.quantile(share), told.quantile(1 - share)), atol=1e-12)


def test_what_does_not_differ_has_no_standing():
    for x in ([2.0, 2.0, 2.0], [1.0], [], [np.nan, np.nan]):
        assert np.isnan(z_scores(np.array(x, dtype=float))).all()
        assert np.isnan(rank_scores(np.array(x, dtype=float))).all()


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_neutral_to_a_class_is_less_the_group_s_mean(seed):
    x, groups = with_gaps(seed), [["north", "south", "", "east"][i % 4] for i in range(25)]
    expected = pd.Series(x) - pd.Series(x).groupby(groups).transform("mean")
    np.testing.assert_allclose(neutralised(x, [groups]), expected, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_neutral_to_classes_and_size_is_the_residual_of_the_regression(seed):
    rng = np.random.default_rng(seed)
    x, size = with_gaps(seed), rng.normal(20.0, 2.0, 25)
    size[3] = np.nan
    one, two = [str(i % 3) for i in range(25)], [str(i % 2) for i in range(25)]
    found = neutralised(x, [one, two], size)
    known = np.isfinite(x) & np.isfinite(size)
    assert (np.isfinite(found) == known).all()
    left = pd.Series(found[known])
    for groups in (one, two):
        assert np.allclose(left.groupby(np.array(groups)[known]).sum(), 0.0, atol=1e-8)
    assert left @ (size[known] - size[known].mean()) == pytest.approx(0.0, abs=1e-7)
    design = pd.get_dummies(pd.DataFrame({"one": one, "two": two})[known], drop_first=True, dtype=float)
    design["size"], design["const"] = size[known], 1.0
    solved = np.linalg.pinv(design.to_numpy()) @ x[known]
    np.testing.assert_allclose(found[known], x[known] - design.to_numpy() @ solved, atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12), st.floats(0.02, 1.0))
def test_a_cap_moves_what_it_cuts_off_to_the_others(shares, cap):
    shares = np.array(shares)
    found = capped(shares, cap)
    assert (found >= 0.0).all()
    assert (found <= cap + 1e-12).all()
    held = int((shares > 0.0).sum())
    assert found.sum() == pytest.approx(min(1.0, held * cap), abs=1e-9)
    free = (found < cap - 1e-9) & (shares > 1e-6)
    ratio = found[free] / shares[free]
    assert np.ptp(ratio) <= 1e-6 * max(ratio.max(), 1.0) if free.any() else True


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.001, 1.0), min_size=2, max_size=8), st.floats(0.0, 1.0))
def test_inverse_volatility_gives_each_the_same_risk_and_room_is_kept(volatility, room):
    found = inverse_volatility(np.array(volatility))
    assert np.ptp(found * volatility) == pytest.approx(0.0, abs=1e-12)
    assert found.sum() == pytest.approx(1.0)
    assert within(found, room).sum() == pytest.approx(min(room, 1.0))
