"""The one place where time is cut: what was not known then cannot matter."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import AS_OF, SESSION, history, market

from portfolio.errors import Broken, Refused
from portfolio.market import as_it_came, newest_by, view

SYMBOLS = ("SPY", "IEF", "GLD")
CUT = AS_OF.replace(tzinfo=None)
BASE = [
    (s, f"2022-12-{day:02d}", 100.0 + 10 * i + day, f"2022-12-{day:02d}T21:00")
    for i, s in enumerate(SYMBOLS)
    for day in range(1, 11)
]


def seen(rows, *, as_of=AS_OF, symbols=SYMBOLS, benchmark=None, names=SYMBOLS):
    return view(history(rows, names), as_of=as_of, session=SESSION, snapshot=1, symbols=symbols, benchmark=benchmark)


def same(a, b) -> bool:
    parts = [(a.sessions, b.sessions), (a.closes, b.closes), (a.benchmark, b.benchmark)]
    return a.symbols == b.symbols and all(np.array_equal(x, y, equal_nan=x.dtype.kind == "f") for x, y in parts)


ROW = some.tuples(
    some.sampled_from(SYMBOLS),
    some.integers(1, 40).map(lambda n: str(np.datetime64("2022-12-01") + n)),
    some.one_of(some.floats(-5, 500), some.just(float("nan")), some.just(float("inf"))),
)
PAST = some.lists(some.tuples(ROW, some.integers(0, 500_000)), max_size=15)
FUTURE = some.lists(some.tuples(ROW, some.integers(1, 500_000)), max_size=15)


@given(past=PAST, future=FUTURE, again=FUTURE, luck=some.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None)
def test_the_future_cannot_matter(past, future, again, luck):
    known = BASE + [(*row, CUT - timedelta(seconds=s)) for row, s in past]
    one = known + [(*row, CUT + timedelta(microseconds=s)) for row, s in future]
    other = [(*row, CUT + timedelta(seconds=s)) for row, s in again] + known
    luck.shuffle(one)
    expected = seen(known)
    assert same(seen(one), expected)
    assert same(seen(other), expected)


def test_the_instant_itself_is_known_and_the_microsecond_after_is_not():
    at = [*BASE, ("SPY", "2022-12-28", 500.0, CUT)]
    after = [*BASE, ("SPY", "2022-12-28", 500.0, CUT + timedelta(microseconds=1))]
    assert seen(at).last_closes()["SPY"] == 500.0
    assert seen(after).last_closes()["SPY"] == 110.0


def test_an_instant_of_another_zone_is_the_same_instant():
    there = AS_OF.astimezone(timezone(timedelta(hours=-5)))
    rows = [*BASE, ("SPY", "2022-12-28", 500.0, CUT)]
    assert same(seen(rows, as_of=there), seen(rows))


def test_the_newest_version_known_then_wins():
    rows = [
        ("SPY", "2022-12-10", 777.0, "2022-12-12T21:00"),
        *BASE,
        ("SPY", "2022-12-10", 888.0, "2022-12-11T21:00"),
        ("SPY", "2022-12-10", 999.0, "2022-12-29T21:00"),
    ]
    assert seen(rows).last_closes()["SPY"] == 777.0
    early = seen(rows, as_of=datetime(2022, 12, 11, 22, tzinfo=UTC))
    assert early.last_closes()["SPY"] == 888.0


@given(rows=PAST, luck=some.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_the_order_of_rows_does_not_matter(rows, luck):
    """Also where two versions were known at the same instant."""
    known = BASE + [(*row, CUT - timedelta(seconds=s % 3)) for row, s in rows]
    expected = seen(known)
    luck.shuffle(known)
    assert same(seen(known), expected)


def test_of_two_versions_known_at_one_instant_the_same_one_counts_in_any_order():
    twins = [("SPY", "2022-12-10", close, "2022-12-10T22:00") for close in (500.0, 400.0)]
    assert same(seen([*BASE, *twins]), seen([*BASE, *twins[::-1]]))


def test_a_naive_instant_is_our_own_bug():
    with pytest.raises(Broken, match="time zone"):
        seen(BASE, as_of=CUT)


def test_a_symbol_never_seen_is_refused_by_name():
    with pytest.raises(Refused, match="TLT") as caught:
        seen(BASE, symbols=("SPY", "TLT"), names=(*SYMBOLS, "TLT"))
    assert caught.value.facts["symbols"] == ["TLT"]
    with pytest.raises(Refused, match="GLD"):  # known, but only later
        seen([r for r in BASE if r[0] != "GLD"] + [("GLD", "2022-12-01", 1.0, "2022-12-29")])
    with pytest.raises(Refused, match="TLT"):
        seen(BASE, benchmark="TLT")


@pytest.mark.parametrize("close", [float("nan"), 0.0, -1.0, float("-inf"), float("inf")])
def test_a_close_that_is_no_price_is_unknown(close):
    rows = [*BASE, ("SPY", "2022-12-10", close, "2022-12-10T22:00")]
    shown = seen(rows)
    assert np.isnan(shown.closes[-1, 0])
    assert shown.last_closes()["SPY"] == 109.0
    assert not np.isfinite(shown.returns(1)[:, 0]).any()


def test_a_benchmark_that_is_also_held_is_both():
    shown = seen(BASE, benchmark="SPY")
    assert np.array_equal(shown.closes[:, 0], shown.benchmark)
    assert shown.last_closes()["SPY"] == 110.0
    assert shown.symbols == SYMBOLS


def test_the_layout_is_oldest_first_in_the_asked_order():
    shown = seen(BASE, symbols=("GLD", "SPY"), benchmark="IEF")
    assert shown.symbols == ("GLD", "SPY")
    assert shown.closes[0].tolist() == [121.0, 101.0]
    assert shown.closes[-1].tolist() == [130.0, 110.0]
    assert shown.benchmark[-1] == 120.0
    assert (np.diff(shown.sessions) > np.timedelta64(0)).all()
    with pytest.raises(ValueError, match="read-only"):
        shown.closes[0, 0] = 1.0


def test_a_session_without_a_bar_is_unknown_for_that_symbol_only():
    shown = seen([r for r in BASE if r[:2] != ("IEF", "2022-12-05")])
    assert np.isnan(shown.closes[4]).tolist() == [False, True, False]


def test_returns_are_simple_daily_and_at_most_as_many_as_asked():
    shown = market(closes=[[100, 50, 1], [110, 25, float("nan")], [121, 50, 4]])
    assert np.allclose(shown.returns(5), [[0.1, -0.5, np.nan], [0.1, 1.0, np.nan]], equal_nan=True)
    assert np.allclose(shown.returns(1, ["IEF"]), [[1.0]])
    assert shown.returns(1).shape == (1, 3)
    assert market(closes=[[100, 50, 1]]).returns(5).shape == (0, 3)


def test_real_prices_round_trip(sample_closes):
    """The bundled prices, laid out by us and by polars' pivot, are the same panel."""
    symbols, days, closes, known = sample_closes
    rows, columns = np.nonzero(np.isfinite(closes))
    from portfolio.market import PriceHistory

    long = PriceHistory(symbols, days[rows], columns, closes[rows, columns], known[rows])
    as_of = datetime(2009, 3, 9, 15, tzinfo=UTC)
    wanted = [s for s in symbols if s != "SP500"]
    shown = view(long, as_of=as_of, session=as_of.date(), snapshot=1, symbols=wanted, benchmark="SP500")
    cut = days < np.datetime64("2009-03-09")
    assert shown.sessions[-1] == np.datetime64("2009-03-06")
    assert np.array_equal(shown.sessions, days[cut])
    assert np.array_equal(shown.closes, closes[cut][:, [symbols.index(s) for s in wanted]], equal_nan=True)
    assert np.array_equal(shown.benchmark, closes[cut][:, symbols.index("SP500")], equal_nan=True)


# --- series as they came --------------------------------------------------------------------------------------------

VINTAGES = some.lists(some.tuples(some.integers(0, 12), some.integers(0, 15), some.floats(-5, 5)), min_size=0, max_size=25)


@given(rows=VINTAGES)
@settings(max_examples=150, deadline=None)
def test_a_series_at_a_session_is_the_newest_date_known_by_its_end(rows):
    """Against the definition, row by row. A value known later, or of an older date, changes nothing before."""
    days = np.datetime64("2022-01-03") + np.arange(14)
    rows = list({(date, known): (date, known, value) for date, known, value in rows}.values())
    dates = np.array([days[0] + d for d, _, _ in rows], dtype="datetime64[D]")
    known = np.array(
        [(days[0] + k).astype("datetime64[us]") + np.timedelta64(18, "h") for _, k, _ in rows], dtype="datetime64[us]"
    )
    values = np.array([v for _, _, v in rows], dtype=float)
    found = as_it_came(days, dates, values, known)
    for at in range(len(days)):
        there = [(d, k, v) for d, k, v in rows if k <= at]
        expected = max(there)[2] if there else np.nan
        assert found[at] == expected or (np.isnan(found[at]) and np.isnan(expected))


DAYS_OLD = some.lists(some.tuples(some.integers(0, 40), some.one_of(some.just(float("nan")), some.floats(-5, 5))), max_size=20)


@given(rows=DAYS_OLD, within=some.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_the_newest_value_by_a_session_is_that_of_pandas_merge_asof(rows, within):
    """An unknown value hides the one before it; one that is too old is none."""
    first, told = np.datetime64("2022-01-03"), dict(rows)
    days = np.array([first + day for day in sorted(told)], dtype="datetime64[D]")
    values = np.array([told[day] for day in sorted(told)], dtype=float)
    sessions = np.busday_offset(first, np.arange(30), roll="forward").astype("datetime64[D]")
    left = pd.DataFrame({"day": pd.DatetimeIndex(sessions)})
    right = pd.DataFrame({"day": pd.DatetimeIndex(days).astype(left["day"].dtype), "value": values})
    expected = pd.merge_asof(left, right, on="day", tolerance=pd.Timedelta(days=within))["value"]
    np.testing.assert_array_equal(newest_by(sessions, days, values, within), expected.to_numpy(dtype=float))
