"""When to trade: periods that turn with the calendar, and bands at their edges."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import down, up

from portfolio.orders import rebalance
from portfolio.types import RebalancePolicy

HELD = {"A": 0.5, "B": 0.5}


def calendar(every, session, last, current=HELD, repair=False):
    return rebalance(
        RebalancePolicy("calendar", every=every), wish=HELD, current=current, session=session, last=last, repair=repair
    )


def drift(wish, current, absolute=0.05, relative=0.25, repair=False):
    policy = RebalancePolicy("drift", absolute_band=absolute, relative_band=relative)
    return rebalance(policy, wish=wish, current=current, session=date(2022, 12, 28), last=date(2022, 12, 27), repair=repair)


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


@pytest.mark.parametrize("when", ["calendar", "drift"])
@pytest.mark.parametrize("current", [{}, {"A": 0.0, "B": 0.0}])
def test_the_first_investment_waits_for_nothing(when, current):
    policy = RebalancePolicy(when)
    traded, why = rebalance(policy, wish=HELD, current=current, session=date(2022, 12, 28), last=date(2022, 12, 28), repair=False)
    assert traded
    assert "first investment" in why


def test_a_broken_limit_waits_for_nothing():
    assert calendar("year", date(2022, 12, 28), date(2022, 12, 28), repair=True)[0]
    assert drift(HELD, HELD, repair=True) == (True, "what is held breaks a limit")


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
    assert "B at +10.00%" in why


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
