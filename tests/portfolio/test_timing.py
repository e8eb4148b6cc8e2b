"""When to trade: periods that turn with the calendar, bands at their edges, signals, cash flows, and what a trade is worth."""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from mind import down, up

from portfolio.timing import Occasion, rebalance
from portfolio.types import RebalancePolicy, SessionPlace

HELD = {"A": 0.5, "B": 0.5}
TODAY = date(2022, 12, 28)


def asked(policy, wish=HELD, current=HELD, session=TODAY, last=None, **more):
    """(trade?, why) of an occasion."""
    timing = rebalance(policy, Occasion(wish, current, session, (last,) if last else (), **more))
    return timing.trade, timing.why


def calendar(every, session, last, current=HELD, repair=None):
    return asked(RebalancePolicy("calendar", every=every), current=current, session=session, last=last, repair=repair)


def drift(wish, current, absolute=0.05, relative=0.25, repair=None):
    policy = RebalancePolicy("drift", absolute_band=absolute, relative_band=relative)
    return asked(policy, wish, current, last=date(2022, 12, 27), repair=repair)


@pytest.mark.parametrize(
    ("every", "last", "session", "trade"),
    [
        ("week", "2022-12-23", "2022-12-27", True),  # Friday, then Tuesday after a holiday
        ("week", "2022-12-27", "2022-12-30", False),
        ("week", "2021-01-04", "2021-01-08", False),
        ("week", "2020-12-31", "2021-01-01", False),  # both in ISO week 53 of 2020
        ("week", "2024-12-30", "2025-01-02", False),  # both in ISO week 1 of 2025
        ("week", "2024-12-27", "2024-12-30", True),
        ("month", "2022-11-30", "2022-12-01", True),
        ("month", "2022-12-01", "2022-12-30", False),
        ("month", "2022-12-30", "2023-01-03", True),
        ("month", "2021-12-15", "2022-12-15", True),  # the same month of another year
        ("quarter", "2022-09-30", "2022-10-03", True),
        ("quarter", "2022-10-03", "2022-12-30", False),
        ("quarter", "2022-12-30", "2023-01-03", True),
        ("quarter", "2022-01-03", "2023-01-03", True),
        ("year", "2022-01-03", "2022-12-30", False),
        ("year", "2022-12-30", "2023-01-03", True),
    ],
)
def test_a_period_turns_with_the_calendar(every, last, session, trade):
    traded, why = calendar(every, date.fromisoformat(session), date.fromisoformat(last))
    assert traded is trade
    assert last in why


@given(start=some.dates(date(1990, 1, 1), date(2040, 1, 1)), every=some.sampled_from(["week", "month", "quarter", "year"]))
@settings(max_examples=60, deadline=None)
def test_trading_at_each_first_session_trades_once_a_period(start, every):
    """Over 800 days, whatever the first one: as many trades as there are new periods, by pandas' own periods."""
    import pandas as pd

    days = [start + timedelta(days=n) for n in range(800)]
    last, traded = start, [start]
    for day in days[1:]:
        if calendar(every, day, last)[0]:
            last = day
            traded.append(day)
    letter = {"week": "W-SUN", "month": "M", "quarter": "Q-DEC", "year": "Y-DEC"}[every]
    assert len(traded) == len(pd.PeriodIndex(pd.to_datetime(days), freq=letter).unique())


def test_without_a_record_the_first_session_trades():
    assert calendar("year", date(2022, 12, 28), None)[0]


@pytest.mark.parametrize("when", ["calendar", "drift", "signal", "cost_aware"])
@pytest.mark.parametrize("current", [{}, {"A": 0.0, "B": 0.0}])
def test_the_first_investment_waits_for_nothing(when, current):
    policy = RebalancePolicy(when, cooldown=100, max_a_month=1)
    traded, why = asked(policy, current=current, last=TODAY, since=0)
    assert traded
    assert "first investment" in why


LESS = {"A": 0.45, "B": 0.5}


def test_a_broken_limit_waits_for_nothing():
    assert calendar("year", date(2022, 12, 28), date(2022, 12, 28), repair=(LESS, "A is over"))[0]
    assert drift(HELD, HELD, repair=(LESS, "A is over")) == (True, "what is held breaks a limit: A is over")


@pytest.mark.parametrize(
    ("wish", "repair", "kind", "goes"),
    [
        (HELD, LESS, "mend", LESS),  # inside the bands: the least that mends it
        ({"A": 0.4, "B": 0.6}, LESS, "rule", {"A": 0.4, "B": 0.6}),  # outside of them: the wish, which keeps every limit
        ({"A": 0.48, "B": 0.5}, {"A": 0.48, "B": 0.5}, "repair", {"A": 0.48, "B": 0.5}),  # only the wish mends it: a rebalance
    ],
)
def test_a_limit_is_mended_by_the_least_trade_unless_the_rule_trades_itself(wish, repair, kind, goes):
    policy = RebalancePolicy("drift", absolute_band=0.05, relative_band=0.25, cash_flows=True)
    timing = rebalance(policy, Occasion(wish, HELD, TODAY, repair=(repair, "why")))
    assert (timing.trade, timing.kind, timing.weights) == (True, kind, goes)


def test_the_absolute_band_at_its_edge():
    """Outside only beyond the band: the drift at the band is inside."""
    wide = {"absolute": 0.125, "relative": 1.0}
    assert not drift({"A": 0.5}, {"A": 0.625}, **wide)[0]
    assert drift({"A": 0.5}, {"A": up(0.625)}, **wide)[0]
    assert not drift({"A": 0.5}, {"A": 0.375}, **wide)[0]
    assert drift({"A": 0.5}, {"A": down(0.375)}, **wide)[0]


def test_the_relative_band_at_its_edge():
    bands = {"absolute": 0.5, "relative": 0.25}
    assert not drift({"A": 0.5}, {"A": 0.625}, **bands)[0]
    assert drift({"A": 0.5}, {"A": up(0.625)}, **bands)[0]
    assert not drift({"A": 0.5}, {"A": 0.375}, **bands)[0]
    assert drift({"A": 0.5}, {"A": down(0.375)}, **bands)[0]


def test_a_name_of_a_few_basis_points_trades_nothing_by_its_relative_band():
    """Twice its wish, but by less than a tenth of the absolute band."""
    assert not drift({"A": 0.002, "B": 0.9}, {"A": 0.004, "B": 0.9})[0]
    assert drift({"A": 0.006, "B": 0.9}, {"A": 0.0121, "B": 0.9})[0]


def test_a_symbol_held_but_not_wished_has_drifted():
    traded, why = drift({"A": 0.5}, {"A": 0.5, "B": 0.1})
    assert traded
    assert "B the most, at +10.00%" in why


@given(
    wish=some.dictionaries(some.sampled_from("ABCD"), some.floats(0, 1), max_size=4),
    held=some.dictionaries(some.sampled_from("ABCD"), some.floats(0, 1), min_size=1, max_size=4),
    factor=some.floats(1, 5),
)
@settings(max_examples=100, deadline=None)
def test_wider_bands_never_trade_more(wish, held, factor):
    narrow, wide = drift(wish, held), drift(wish, held, 0.05 * factor, 0.25 * factor)
    if any(held.values()):
        assert narrow[0] or not wide[0]
        assert not drift(held, held)[0]


# --- any session of the exchange's calendar -------------------------------------------------------------------------


@cache
def exchange(year):
    """The sessions of three years and of each the place, worked out by pandas' periods."""
    import exchange_calendars
    import pandas as pd

    days = exchange_calendars.get_calendar("XNYS", start=f"{year - 1}-01-01", end=f"{year + 2}-12-31").sessions
    frame = pd.DataFrame({"day": days, "next": [*days[1:], days[-1]]})
    for name, letter in (("week", "W-SUN"), ("month", "M"), ("quarter", "Q-DEC"), ("year", "Y-DEC")):
        frame[name] = frame.groupby(days.to_period(letter)).cumcount() + 1
        frame[f"{name}_last"] = frame.groupby(days.to_period(letter))[name].transform("max")
    chosen = frame[(frame["day"].dt.year == year)]
    return [
        (row.day.date(), SessionPlace(row.next.date(), row.week, row.month, row.quarter, row.year), row._asdict())
        for row in chosen.itertuples(index=False)
    ]


@pytest.mark.parametrize("every", ["week", "month", "quarter", "year"])
@pytest.mark.parametrize("day", ["last", "2", "5", "22"])
def test_the_last_and_the_nth_session_are_the_exchange_s(every, day):
    policy = RebalancePolicy("calendar", every=every, day=day)
    for session, place, row in exchange(2022):
        due = row[every] == (row[f"{every}_last"] if day == "last" else min(int(day), row[f"{every}_last"]))
        assert asked(policy, session=session, last=date(2021, 12, 1), place=place)[0] is bool(due), (session, every, day)


@pytest.mark.parametrize("year", [2021, 2022, 2024])
@pytest.mark.parametrize("words", ["third friday", "first monday", "last thursday", "fourth wednesday"])
def test_a_weekday_of_the_month_is_pandas_s_or_the_session_before(year, words):
    """2022-04-15, Good Friday, was a third Friday: the day before trades."""
    import pandas as pd

    which, name = words.split()
    weeks = {"first": "WOM-1", "third": "WOM-3", "fourth": "WOM-4"}
    if which == "last":
        told = pd.date_range(f"{year}-01-01", f"{year}-12-31", freq=pd.offsets.LastWeekOfMonth(weekday=3))
    else:
        told = pd.date_range(f"{year}-01-01", f"{year}-12-31", freq=f"{weeks[which]}{name[:3].upper()}")
    told = [stamp.date() for stamp in told]
    days = [day for day, _, _ in exchange(year)]
    wanted = {max(d for d in days if d <= day) for day in told if day >= days[0]}
    policy = RebalancePolicy("calendar", every="month", day=words)
    traded = {day for day, place, _ in exchange(year) if asked(policy, session=day, last=date(2000, 1, 3), place=place)[0]}
    assert traded - wanted <= {days[-1]}, "at most the year's last session, before a holiday of the next"
    assert wanted <= traded


def test_a_weekday_of_the_week_and_only_of_named_months():
    fridays = RebalancePolicy("calendar", every="week", day="friday")
    traded = [day for day, place, _ in exchange(2022) if asked(fridays, session=day, last=date(2000, 1, 3), place=place)[0]]
    assert all(day.weekday() == 4 for day in traded if day not in {date(2022, 4, 14)})
    assert date(2022, 4, 14) in traded, "Good Friday"
    assert 51 <= len(traded) <= 53
    third = RebalancePolicy("calendar", every="month", day="third friday", months=(3, 6, 9, 12))
    quarterly = [day for day, place, _ in exchange(2022) if asked(third, session=day, last=date(2000, 1, 3), place=place)[0]]
    assert quarterly == [date(2022, 3, 18), date(2022, 6, 17), date(2022, 9, 16), date(2022, 12, 16)]


def test_the_edge_knows_where_a_session_stands():
    from tasks.calendar import place

    assert all(place(session) == told for session, told, _ in exchange(2022))


def test_a_day_is_not_traded_twice_and_unknown_places_wait():
    policy = RebalancePolicy("calendar", every="month", day="last")
    place = SessionPlace(date(2023, 1, 3), 3, 21, 63, 251)
    assert asked(policy, session=date(2022, 12, 30), last=date(2022, 11, 30), place=place)[0]
    assert not asked(policy, session=date(2022, 12, 30), last=date(2022, 12, 30), place=place)[0]
    assert asked(policy, session=date(2022, 12, 30), last=date(2022, 11, 30)) == (
        False,
        "nobody says where this session stands in the calendar",
    )


def test_only_in_the_months_that_are_named():
    policy = RebalancePolicy("calendar", every="month", months=(3, 12))
    assert asked(policy, session=date(2022, 12, 1), last=date(2022, 11, 1))[0]
    traded, why = asked(policy, session=date(2022, 11, 1), last=date(2022, 3, 1))
    assert not traded
    assert "3, 12" in why


# --- what holds back ------------------------------------------------------------------------------------------------


def test_a_cooldown_at_its_edge():
    policy = RebalancePolicy("drift", cooldown=5)
    wide = {"A": 0.9, "B": 0.1}
    assert not asked(policy, wide, last=date(2022, 12, 20), since=4)[0]
    assert asked(policy, wide, last=date(2022, 12, 20), since=5)[0]
    assert asked(policy, wide, since=None)[0]
    assert asked(policy, wide, last=date(2022, 12, 20), since=0, repair=(LESS, "A is over"))[0]


def test_a_month_has_so_many_rebalances_and_the_next_one_begins_anew():
    policy = RebalancePolicy("drift", max_a_month=2)
    wide, done = {"A": 0.9, "B": 0.1}, (date(2022, 12, 5), date(2022, 12, 12))
    assert not rebalance(policy, Occasion(wide, HELD, TODAY, done)).trade
    assert rebalance(policy, Occasion(wide, HELD, TODAY, done[:1])).trade
    assert rebalance(policy, Occasion(wide, HELD, date(2023, 1, 3), done)).trade
    assert rebalance(policy, Occasion(wide, HELD, TODAY, (date(2021, 12, 5), date(2021, 12, 12)))).trade


# --- by asset class -------------------------------------------------------------------------------------------------


def test_bands_of_a_class_see_only_its_sum():
    policy = RebalancePolicy("drift", absolute_band=0.05, relative_band=10.0, band_by="asset_class")
    members = {"SPY": "Equity", "EFA": "Equity", "IEF": "Bonds"}
    wish = {"SPY": 0.3, "EFA": 0.3, "IEF": 0.4}
    assert not asked(policy, wish, {"SPY": 0.45, "EFA": 0.15, "IEF": 0.4}, members=members)[0], "moves inside a class"
    traded, why = asked(policy, wish, {"SPY": 0.4, "EFA": 0.3, "IEF": 0.3}, members=members)
    assert traded
    assert "Bonds the most, at -10.00%" in why


# --- signals --------------------------------------------------------------------------------------------------------


def test_a_signal_that_turned_since_the_last_rebalance_trades_once():
    policy = RebalancePolicy("signal")
    turned = {"SPY": date(2022, 12, 20), "IEF": date(2022, 6, 1)}
    traded, why = asked(policy, last=date(2022, 12, 1), turned=turned)
    assert traded
    assert "SPY on 2022-12-20" in why
    assert "IEF" not in why
    assert not asked(policy, last=date(2022, 12, 21), turned=turned)[0]
    assert not asked(policy, last=date(2022, 12, 21), turned={})[0]


# --- cash flows -----------------------------------------------------------------------------------------------------

CALM = RebalancePolicy("signal", cash_flows=True, cash_band=0.02)  # no signal turns here: cash alone can trade


def test_a_contribution_buys_what_is_below_its_target_and_sells_nothing():
    timing = rebalance(CALM, Occasion({"A": 0.5, "B": 0.49}, {"A": 0.5, "B": 0.4}, TODAY, (TODAY,)))
    assert timing.trade
    assert timing.weights == pytest.approx({"A": 0.5, "B": 0.49})
    assert "above its target" in timing.why


def test_a_withdrawal_sells_what_is_above_its_target():
    timing = rebalance(CALM, Occasion({"A": 0.45, "B": 0.45}, {"A": 0.6, "B": 0.4}, TODAY, (TODAY,)))
    assert timing.weights == pytest.approx({"A": 0.5, "B": 0.4})


def test_the_cash_band_at_its_edge():
    wide = replace(CALM, cash_band=0.125)
    assert not rebalance(wide, Occasion({"A": 1.0}, {"A": 0.875}, TODAY, (TODAY,))).trade
    assert rebalance(wide, Occasion({"A": 1.0}, {"A": down(0.875)}, TODAY, (TODAY,))).trade
    assert not rebalance(replace(CALM, cash_flows=False), Occasion({"A": 1.0}, {"A": 0.5}, TODAY, (TODAY,))).trade


weights_of_four = some.lists(some.floats(0.0, 0.25), min_size=4, max_size=4).map(lambda w: dict(zip("ABCD", w, strict=True)))


@given(wish=weights_of_four, held=weights_of_four)
@settings(max_examples=200, deadline=None)
def test_a_cash_flow_never_goes_beyond_the_target_nor_against_it(wish, held):
    assume(any(held.values()))
    timing = rebalance(CALM, Occasion(wish, held, TODAY, (TODAY,)))
    excess = sum(wish.values()) - sum(held.values())
    assert timing.trade is (abs(excess) > 0.02)
    if not timing.trade:
        return
    moved = {s: timing.weights[s] - held[s] for s in wish}
    assert all(move * excess >= 0 for move in moved.values()), "one direction only"
    assert all(abs(moved[s]) <= abs(wish[s] - held[s]) + 1e-12 for s in wish)
    assert sum(timing.weights.values()) == pytest.approx(sum(wish.values()), abs=1e-9)


# --- what a trade is worth ------------------------------------------------------------------------------------------


def covariance(assets, seed):
    steps = np.random.default_rng(seed).normal(0, 0.01, (300, assets)) + np.random.default_rng(seed + 1).normal(
        0, 0.008, (300, 1)
    )
    return np.cov(steps, rowvar=False)


def priced(cost=0.001, **more):
    return RebalancePolicy("cost_aware", cost=cost, **more)


def test_one_asset_trades_to_the_edge_of_its_no_trade_region():
    """By hand: the marginal gain a x d equals the cost at d = cost / a, a = risk aversion x horizon x variance."""
    variance, cost = 0.0001, 0.0005
    a = 5.0 * 21 * variance
    edge = cost / a
    policy = priced(cost)
    inside = rebalance(policy, Occasion({"A": 0.5}, {"A": 0.5 + edge * 0.99}, TODAY, (TODAY,), covariance=np.array([[variance]])))
    assert not inside.trade
    assert "wait" in inside.why
    outside = rebalance(policy, Occasion({"A": 0.5}, {"A": 0.5 + edge * 3}, TODAY, (TODAY,), covariance=np.array([[variance]])))
    assert outside.trade
    assert outside.weights["A"] == pytest.approx(0.5 + edge, abs=1e-9)
    assert outside.gain == pytest.approx(a / 2 * ((3 * edge) ** 2 - edge**2))
    assert outside.cost == pytest.approx(cost * 2 * edge)


@given(wish=weights_of_four, held=weights_of_four, seed=some.integers(0, 50), cost=some.sampled_from([0.0, 0.0002, 0.002]))
@settings(max_examples=40, deadline=None)
def test_what_is_traded_to_is_as_good_as_cvxpy_finds(wish, held, seed, cost):
    import cvxpy

    assume(any(held.values()))
    sigma = covariance(4, seed) * 5.0 * 21
    goal, now = np.array(list(wish.values())), np.array(list(held.values()))
    moving = [i for i, s in enumerate("ABCD") if wish[s] != held[s]]
    shown = covariance(4, seed)[np.ix_(moving, moving)] if moving else None
    timing = rebalance(priced(cost), Occasion(wish, held, TODAY, (TODAY,), covariance=shown))
    x = cvxpy.Variable(4)
    loss = cvxpy.quad_form(x - goal, cvxpy.psd_wrap(sigma)) / 2 + cost * cvxpy.norm1(x - now)
    inside = [x >= np.minimum(goal, now), x <= np.maximum(goal, now), cvxpy.sum(x) <= max(goal.sum(), now.sum())]
    best = cvxpy.Problem(cvxpy.Minimize(loss), inside).solve(solver="CLARABEL")
    before = (now - goal) @ sigma @ (now - goal) / 2
    assert timing.gain - timing.cost == pytest.approx(before - best, abs=1e-8)  # Clarabel's own tolerance
    assert timing.trade is (timing.gain - timing.cost > 0) or before - best < 1e-9
    if timing.trade:
        reached = np.array([timing.weights[s] for s in "ABCD"])
        assert (reached >= np.minimum(goal, now) - 1e-12).all()
        assert (reached <= np.maximum(goal, now) + 1e-12).all()


def test_without_cost_all_of_the_way_is_traded_and_every_knob_matters():
    wish, held, sigma = {"A": 0.6, "B": 0.4}, {"A": 0.3, "B": 0.7}, covariance(2, 3)

    def way(**knobs):
        return rebalance(priced(**knobs), Occasion(wish, held, TODAY, (TODAY,), covariance=sigma))

    assert way(cost=0.0).weights == pytest.approx(wish, abs=1e-7)
    plain = way(cost=0.0002)
    assert plain.trade
    assert plain.weights != pytest.approx(way(cost=0.0004).weights)
    assert plain.weights != pytest.approx(way(cost=0.0002, risk_aversion=8.0).weights)
    assert plain.weights != pytest.approx(way(cost=0.0002, horizon=42).weights)
    assert not way(cost=0.0002, minimum_gain=0.05).trade


def test_a_book_that_is_what_is_wished_waits():
    assert rebalance(priced(), Occasion(HELD, HELD, TODAY, (TODAY,))).why == "wait: the book is what is wished"


def test_what_history_cannot_judge_waits():
    for unknown in (None, np.full((2, 2), np.nan)):
        timing = rebalance(priced(), Occasion({"A": 0.6, "B": 0.4}, HELD, TODAY, (TODAY,), covariance=unknown))
        assert not timing.trade
        assert "wait" in timing.why
