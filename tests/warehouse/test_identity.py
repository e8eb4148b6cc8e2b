"""Tickers are names for a while: renamed, given to another company, missing for years. The warehouse keeps who is meant."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from warehouse_rows import NOW, frame, load, price, when

from portfolio.errors import Refused

D = date
# FB was another company in 1999; Facebook bore it until 2022 and is META since. Washington Mutual, then Waste Management bore WM.
SPELLS = [
    ("US:FB.1999", "FB", D(1999, 3, 1), D(2000, 6, 30)),
    ("US:FB", "FB", D(2012, 5, 18), D(2022, 6, 8)),
    ("US:FB", "META", D(2022, 6, 9), None),
    ("US:WM.1983", "WM", D(1983, 3, 11), D(2008, 9, 26)),
    ("US:WMI", "WMI", D(1998, 7, 16), D(2009, 5, 1)),
    ("US:WMI", "WM", D(2009, 5, 4), None),
    ("US:QQQ", "QQQ", D(1999, 3, 10), D(2004, 11, 30)),
    ("US:QQQ", "QQQQ", D(2004, 12, 1), D(2011, 3, 22)),
    ("US:QQQ", "QQQ", D(2011, 3, 23), None),
]


def spell(instrument, symbol, since, until, known=None):
    row = {"instrument": instrument, "symbol": symbol, "from_session": since, "to_session": until, "source": "members"}
    return row | {"known_at": known or datetime(since.year, since.month, since.day, 14, tzinfo=UTC)}


def bars(lake, speaks, *rows):
    """Load bars given by (ticker, session, close) as a source that speaks `now` or `day` would give them."""
    given = [price("?", day, close, symbol=symbol) | {"instrument": f"US:{symbol}"} for symbol, day, close in rows]
    with lake.transaction("bars", NOW) as tx:
        tx.merge("prices", tx.identify("prices", tx.stage("prices", frame("prices", given)), speaks))
    found = lake.query("SELECT instrument, symbol, session, close FROM prices ORDER BY session, instrument")[1]
    return [(instrument, symbol, session.year) for instrument, symbol, session, _ in found]


@pytest.fixture
def named(lake):
    load(lake, "symbols", [spell(*one) for one in SPELLS])
    return lake


def test_a_vendor_that_gives_history_under_todays_ticker(named):
    found = bars(named, "now", ("META", D(2015, 1, 5), 77.0), ("META", D(2023, 1, 5), 126.0), ("WM", D(2000, 1, 5), 17.0))
    assert found == [("US:WMI", "WMI", 2000), ("US:FB", "FB", 2015), ("US:FB", "META", 2023)]


def test_the_days_before_the_bearer_belong_to_the_bearer_of_then(named):
    assert bars(named, "now", ("WM", D(1995, 1, 5), 12.0)) == [("US:WM.1983", "WM", 1995)]


def test_days_of_nobody_stay_with_the_bearer(named):
    """A ticker with a hole in its history (QQQ, 2004 to 2011) is one instrument throughout."""
    found = bars(named, "now", ("QQQ", D(2003, 1, 6), 25.0), ("QQQ", D(2008, 1, 7), 48.0), ("QQQ", D(2012, 1, 6), 57.0))
    assert found == [("US:QQQ", "QQQ", 2003), ("US:QQQ", "QQQQ", 2008), ("US:QQQ", "QQQ", 2012)]


def test_a_crawl_that_writes_the_ticker_of_the_day(named):
    rows = (("FB", D(1999, 6, 1), 3.0), ("FB", D(2015, 1, 5), 77.0), ("WM", D(2005, 1, 5), 41.0), ("WM", D(2010, 1, 5), 33.0))
    assert bars(named, "day", *rows) == [
        ("US:FB.1999", "FB", 1999),
        ("US:WM.1983", "WM", 2005),
        ("US:WMI", "WM", 2010),
        ("US:FB", "FB", 2015),
    ]


def test_a_ticker_of_the_day_that_nobody_bore_keeps_what_its_source_said(named):
    assert bars(named, "day", ("FB", D(2005, 1, 5), 1.0)) == [("US:FB", "FB", 2005)]
    assert bars(named, "now", ("SPY", D(2006, 1, 5), 1.0))[-1] == ("US:SPY", "SPY", 2006)


def test_without_any_spell_nothing_changes(lake):
    assert bars(lake, "now", ("META", D(2015, 1, 5), 77.0)) == [("US:META", "META", 2015)]


def test_a_symbol_means_its_bearer_of_that_time(named):
    bars(named, "day", ("WM", D(2005, 1, 5), 41.0), ("WM", D(2010, 1, 5), 33.0), ("WMI", D(2005, 1, 5), 29.0))
    with named.at(named.snapshot()) as reader:
        assert reader.identities(["WM", "META"], datetime(2007, 1, 1, tzinfo=UTC)) == {"WM": "US:WM.1983"}
        assert reader.identities(["WM", "META"], NOW) == {"WM": "US:WMI", "META": "US:FB"}
        before = reader.prices(["WM"], datetime(2007, 1, 1, tzinfo=UTC))
        after = reader.prices(["WM"], NOW)
    assert before.fields["close"].tolist() == [41.0]
    assert after.fields["close"].tolist() == [29.0, 33.0], "Waste Management under both its names"


def test_a_rename_known_later_does_not_reach_the_past(lake):
    load(lake, "symbols", [spell("US:FB", "FB", D(2012, 5, 18), None)])
    later = datetime(2022, 6, 9, 14, tzinfo=UTC)
    renamed = [spell("US:FB", "FB", D(2012, 5, 18), D(2022, 6, 8), later), spell("US:FB", "META", D(2022, 6, 9), None)]
    load(lake, "symbols", renamed, at=later)
    bars(lake, "now", ("META", D(2015, 1, 5), 77.0))
    with lake.at(lake.snapshot()) as reader:
        assert reader.identities(["FB"], datetime(2020, 1, 1, tzinfo=UTC)) == {"FB": "US:FB"}
        assert "META" not in reader.identities(["FB", "META"], datetime(2020, 1, 1, tzinfo=UTC))
        assert reader.identities(["META"], NOW) == {"META": "US:FB"}


def test_two_instruments_of_one_symbol_without_a_history_are_refused(lake):
    load(lake, "prices", [price("US:A1", D(2020, 1, 6), 1.0, symbol="A"), price("US:A2", D(2020, 1, 6), 2.0, symbol="A")])
    with lake.at(lake.snapshot()) as reader, pytest.raises(Refused, match="A names 2 instruments: US:A1, US:A2"):
        reader.identities(["A"], NOW)


def test_a_snapshot_of_before_symbols_were_kept_still_reads(lake):
    with lake.transaction("old", when(1)) as tx:
        tx.cursor.execute("DROP TABLE lake.raw.symbols")
    load(lake, "prices", [price("US:A", D(2020, 1, 6), 1.0, symbol="A")])
    with lake.at(lake.snapshot()) as reader:
        assert reader.identities(["A"], NOW) == {"A": "US:A"}


def test_after_a_rename_an_instrument_is_called_by_its_newest_name_and_what_a_run_wrote_names_it(named):
    """Rows of one load carry both names; the vendor is asked for the one it knows, and a policy says that one too."""
    given = [price("US:FB", D(2015, 1, 5), 77.0, symbol="FB"), price("US:FB", D(2023, 1, 5), 126.0, symbol="META")]
    load(named, "prices", given, run="backfill-1-1")
    load(named, "prices", [price("US:FB", D(2014, 1, 6), 57.0, symbol="FB")], run="backfill-2-1")
    with named.at(named.snapshot()) as reader:
        assert reader.symbols_of("prices", "test") == ["META"]
        assert reader.written_by("prices", "backfill-2-") == {"FB": {"added": 1, "revised": 0}}
        assert reader.instruments_written_by("prices", "backfill-2-") == {"US:FB"}
        assert reader.instruments_written_by("prices", "nobody") == set()
