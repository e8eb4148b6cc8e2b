"""Yahoo's chart over real HTTP: back to what was dealt on the day, or refused. Raw figures here are the exchange's own."""

import datetime as dt
import struct

import charts
import polars as pl
import pytest
import replay
from charts import CHART, WEEK, chart
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from portfolio.errors import Broken, Outage
from sources.yahoo.chart import Event
from sources.yahoo.dealt import amounts, as_dealt

UTC = dt.UTC
SPLIT = {WEEK[3]: "4:1"}


def closes(frame):
    return frame.get_column("close").to_list()


def test_the_bars_are_those_of_the_day_and_not_of_todays_shares(yahoo):
    rows = yahoo({"AAPL": charts.AAPL}).read("prices", ["AAPL"])
    assert closes(rows) == [506.09, 500.04, 499.23, 129.04, 134.18]  # dealt on Nasdaq on these days
    assert rows.get_column("volume").to_list() == [250, 500, 750, 4000, 5000]
    assert set(rows.select("instrument", "currency", "adjustment", "source").rows()) == {("US:AAPL", "USD", "raw", "yahoo")}
    assert rows.item(2, "known_at") == dt.datetime(2020, 8, 28, 20, tzinfo=UTC)


def test_actions_are_in_shares_of_their_day_and_known_from_the_open(yahoo):
    rows = yahoo({"AAPL": charts.AAPL}).read("corporate_actions", ["AAPL"])
    assert rows.select("ex_session", "kind", "ratio", "amount").rows() == [
        (WEEK[1], "dividend", None, 0.82),  # Apple paid 0.82 before the split of 4:1
        (WEEK[3], "split", 4.0, None),
    ]
    assert rows.get_column("known_at").to_list() == [
        dt.datetime(day.year, day.month, day.day, 13, 30, tzinfo=UTC) for day in (WEEK[1], WEEK[3])
    ]


def short(value):
    """As a 32-bit float carries it."""
    return struct.unpack("f", struct.pack("f", value))[0]


def quoted(dealt, ratio):
    """What Yahoo sends for prices dealt before a split of `ratio`."""
    return [short(price / ratio) for price in dealt]


def test_a_history_fetched_before_a_split_and_after_it_is_the_same(yahoo):
    dealt = [506.09, 102.8125, 12.03, 0.87, 1999.99]
    before = yahoo({"X": chart("X", quoted(dealt, 1))}).read("prices", ["X"])
    later = {dt.date(2021, 3, 1): "4:1", dt.date(2024, 6, 10): "10:1", dt.date(2025, 1, 2): "3:2"}
    answer = chart("X", quoted(dealt, 60.0), splits=later)
    quote = answer["chart"]["result"][0]["indicators"]["quote"][0]
    quote["volume"] = [each * 60 for each in quote["volume"]]
    quote["high"], quote["low"] = (quoted([each * way for each in quoted(dealt, 1)], 60.0) for way in (1.01, 0.99))
    after = yahoo({"X": answer}).read("prices", ["X"])
    assert closes(before) == dealt
    names = ["session", "open", "close", "volume", "known_at"]
    assert_frame_equal(before.select(names), after.select(names), check_exact=True)


RATIOS = st.sampled_from([2.0, 3.0, 4.0, 7.0, 1.5, 0.1, 0.05, 20.0])
CENTS = st.integers(1, 5_000_00).map(lambda cents: cents / 100)
SIXTEENTHS = st.integers(1, 16_000).map(lambda parts: parts / 16)


@given(st.lists(CENTS | SIXTEENTHS, min_size=1, max_size=8), st.lists(RATIOS, max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_price_in_cents_or_sixteenths_comes_back_exactly_whatever_splits_follow(dealt, ratios):
    shares = 1.0
    for ratio in ratios:
        shares *= ratio
    assume(shares < 4000)  # Yahoo's sixth decimal is then a four-hundredth, and 0.0625 is no longer told from 0.06
    day = dt.date(1999, 1, 4)
    frame = pl.DataFrame({"session": [day] * len(dealt)}).with_columns(
        pl.Series(name, quoted(dealt, shares)) for name in ("open", "high", "low", "close", "volume")
    )
    splits = [Event(day + dt.timedelta(days=n), dt.datetime(2000, 1, 1, tzinfo=UTC), ratio) for n, ratio in enumerate(ratios, 1)]
    assert closes(as_dealt(frame, splits, 1)) == dealt


@given(st.floats(1e-4, 1e5), st.sampled_from([1.0, 4.0, 28.0, 0.05]))
@settings(max_examples=200, deadline=None)
def test_no_price_moves_by_more_than_its_noise(price, shares):
    frame = pl.DataFrame({"ex_session": [dt.date(2000, 1, 3)], "amount": [short(price / shares)]})
    split = Event(dt.date(2000, 1, 4), dt.datetime(2000, 1, 4, tzinfo=UTC), shares)
    back = amounts(frame, [split], 1).item(0, "amount")
    assert abs(back - price) <= 11 * max(price * 2**-24, shares * 5e-7)


def test_splits_of_one_day_and_dividends_of_one_day_are_put_together(yahoo):
    answer = chart("X", [10.0] * 5, dividends={WEEK[4]: 0.25})
    events = answer["chart"]["result"][0]["events"]
    events["dividends"]["special"] = {"amount": 2.0, "date": charts.at(WEEK[4], dt.time(10))}
    events["splits"] = {"a": charts.split(charts.at(WEEK[4]), "2:1"), "b": charts.split(charts.at(WEEK[4]), "3:1")}
    rows = yahoo({"X": answer}).read("corporate_actions", ["X"])
    assert rows.select("kind", "ratio", "amount").rows() == [("dividend", None, 2.25), ("split", 6.0, None)]


def test_a_reverse_split_is_undone_too(yahoo):
    rows = yahoo({"X": chart("X", [40.0, 40.2, 40.4, 41.0, 42.0], splits={WEEK[3]: "1:20"})}).read("prices", ["X"])
    assert closes(rows) == [2.0, 2.01, 2.02, 41.0, 42.0]
    assert rows.get_column("volume").to_list() == [20_000, 40_000, 60_000, 4000, 5000]


@pytest.mark.parametrize(("now", "there"), [((19, 59), 4), ((20, 0), 5)])
def test_the_bar_of_a_session_that_has_not_closed_is_not_there(yahoo, now, there):
    source = yahoo({"AAPL": charts.AAPL}, now=dt.datetime(2020, 9, 1, *now, tzinfo=UTC))
    assert source.read("prices", ["AAPL"]).height == there


def test_an_action_is_not_known_before_its_open_but_its_split_is_undone(yahoo):
    source = yahoo({"AAPL": charts.AAPL}, now=dt.datetime(2020, 8, 31, 13, 29, tzinfo=UTC))
    assert source.read("corporate_actions", ["AAPL"]).get_column("kind").to_list() == ["dividend"]
    assert closes(source.read("prices", ["AAPL"])) == [506.09, 500.04, 499.23]


def test_a_young_session_that_comes_twice_counts_once_as_it_is_now(yahoo):
    days = (*WEEK[:4], WEEK[3])
    assert closes(yahoo({"X": chart("X", [1.0, 2.0, 3.0, 4.0, 5.0], days)}).read("prices", ["X"])) == [1.0, 2.0, 3.0, 5.0]
    early = chart("X", [1.0, 2.0, 3.0, 4.0, 5.0], (WEEK[0], WEEK[0], *WEEK[1:4]))
    assert yahoo({"X": early}).read("prices", ["X"]).height == 5  # elsewhere it is for the laws


def test_a_session_without_a_price_is_left_to_the_law_for_gaps(yahoo):
    rows = yahoo({"X": chart("X", [1.0, None, 3.0, 4.0, 5.0])}).read("prices", ["X"])
    assert rows.get_column("session").to_list() == [WEEK[0], *WEEK[2:]]


SYDNEY = {"exchangeName": "ASX", "exchangeTimezoneName": "Australia/Sydney", "currency": "AUD"}
LONDON = {"exchangeName": "LSE", "exchangeTimezoneName": "Europe/London"}


def regular(day, hour, zone):
    return {"currentTradingPeriod": {"regular": {"end": charts.at(day, hour, zone)}}}


def test_a_session_is_the_exchanges_own_day_and_ends_by_its_clock(yahoo):
    days = (dt.date(2024, 4, 5), dt.date(2024, 4, 8))  # summer time ended there between them
    meta = SYDNEY | regular(days[0], dt.time(16, 12), "Australia/Sydney")
    source = yahoo({"ALL.AX": chart("ALL.AX", [40.0, 41.0], days, opens=dt.time(10), **meta)})
    rows = source.read("prices", ["ALL.AX"])
    assert rows.get_column("session").to_list() == list(days)  # by UTC both would be the day before
    assert [each.strftime("%d %H:%M") for each in rows.get_column("known_at")] == ["05 05:12", "08 06:12"]
    assert source.source.instruments()[0].exchange == "XASX"
    assert rows.item(0, "instrument") == "XASX:ALL"


def test_the_weeks_when_only_one_side_has_switched_have_one_bar_a_session(yahoo):
    days = tuple(dt.date(2024, 3, 7) + dt.timedelta(days=n) for n in (0, 1, 4, 5))  # New York switched on the 10th
    rows = yahoo({"X": chart("X", [1.0, 2.0, 3.0, 4.0], days)}).read("prices", ["X"])
    assert rows.get_column("session").to_list() == list(days)
    assert [each.hour for each in rows.get_column("known_at")] == [21, 21, 20, 20]


def test_a_half_day_is_known_early(yahoo):
    day = dt.date(2022, 11, 25)
    rows = yahoo({"X": chart("X", [1.0], (day,))}).read("prices", ["X"])
    assert rows.item(0, "known_at") == dt.datetime(2022, 11, 25, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "code", "unit"),
    [("GBp", "GBP", 100), ("GBX", "GBP", 100), ("ZAc", "ZAR", 100), ("ILA", "ILS", 100), ("KWF", "KWD", 1000)],
)
def test_pence_become_pounds(yahoo, word, code, unit):
    answer = chart("OCDO.L", [short(1259.5)] * 5, currency=word, dividends={WEEK[1]: 4.5}, **LONDON)
    source = yahoo({"OCDO.L": answer})
    rows, paid = source.read("prices", ["OCDO.L"]), source.read("corporate_actions", ["OCDO.L"])
    assert (closes(rows)[0], rows.item(0, "currency")) == (1259.5 / unit, code)
    assert (paid.item(0, "amount"), paid.item(0, "currency")) == (4.5 / unit, code)
    assert source.source.instruments()[0].currency == code
    assert "Pence" in source.source.declaration().note


@pytest.mark.parametrize("meta", [{"currency": "GBZ"}, {"currency": "gbp"}, {"exchangeName": "MARS"}])
def test_a_word_nobody_taught_us_is_broken_and_names_the_file_to_teach(yahoo, meta):
    with pytest.raises(Broken, match=r"Teach sources/yahoo/words\.py"):
        yahoo({"X": chart("X", [1.0] * 5, **meta)}).read("prices", ["X"])


def test_one_answer_serves_prices_and_actions_and_reaches_up_to_now(yahoo):
    now = dt.datetime(2024, 1, 2, tzinfo=UTC)
    source = yahoo({"AAPL": charts.AAPL}, now=now)
    for dataset in ("prices", "corporate_actions", "prices"):
        source.read(dataset, ["AAPL"], dt.date(2020, 8, 27), dt.date(2020, 8, 28))
    assert [each.path for each in source.server.requests] == [CHART + "AAPL"]
    asked = source.server.requests[0].query
    assert int(asked["period1"]) == dt.datetime(2020, 8, 26, tzinfo=UTC).timestamp()
    assert int(asked["period2"]) > now.timestamp()  # a split after `until` must be seen
    assert (asked["interval"], asked["events"]) == ("1d", "div|split")
    source.read("prices", ["AAPL"])
    assert [each.query["period1"] for each in source.server.requests[1:]] == ["0"]


def test_a_busy_yahoo_is_an_outage_and_nothing_is_kept(yahoo):
    source = yahoo({"AAPL": replay.again(429, after=999)})
    with pytest.raises(Outage, match="Yahoo answered 429"):
        source.read("prices", ["AAPL"])
    assert source.source.instruments() == ()
    source.server.play(CHART + "AAPL", charts.AAPL)
    assert source.read("prices", ["AAPL"]).height == 5


def test_a_symbol_without_bars_is_known_and_has_none(yahoo):
    empty = chart("X", [1.0])
    empty["chart"]["result"][0] = {"meta": empty["chart"]["result"][0]["meta"], "indicators": {"quote": [{}]}}
    source = yahoo({"X": empty})
    assert (source.read("prices", ["X"]).height, len(source.source.instruments())) == (0, 1)
