"""Stooq's CSV over real HTTP and out of the recordings: whole, or refused."""

import csv
import datetime as dt
import zipfile

import charts
import pytest
import replay
from charts import STOOQ

from portfolio.errors import Outage, Refused
from sources import open_source
from sources.bodies import Body
from sources.port import Access
from sources.stooq.table import bars

UTC = dt.UTC
KEY = "k3y"


@pytest.fixture
def stooq(replaying):
    """stooq(answer or routes, ...) -> the source over a server that answers so; `.server` is the server."""

    class Opened:
        def __init__(self, answer, **access):
            self.server = replaying(answer if isinstance(answer, dict) else {STOOQ: answer})
            self.source = open_source("stooq", access=Access(url=self.server.url, **access))
            self.read = self.source.read

    return Opened


def test_bars_are_stooqs_own_and_said_to_be_adjusted(stooq):
    source = stooq(charts.AAPL_CSV)
    row = source.read("prices", ["AAPL"]).row(0, named=True)
    assert (row["instrument"], row["currency"], row["adjustment"]) == ("US:AAPL", "USD", "adjusted")
    assert (row["open"], row["high"], row["low"], row["close"], row["volume"]) == (125.24, 125.96, 124.13, 124.55, 169118848)
    assert row["known_at"] == dt.datetime(2020, 8, 26, 20, tzinfo=UTC)
    assert "dividends in part" in source.source.declaration().note
    assert source.server.requests[0].query == {"s": "aapl.us", "i": "d"}


def test_days_are_asked_for_and_a_class_of_shares_has_a_dash_there(stooq):
    source = stooq(charts.AAPL_CSV, key=KEY)
    rows = source.read("prices", ["BRK.B"], dt.date(2020, 8, 27), dt.date(2020, 8, 31))
    assert rows.get_column("session").to_list() == [dt.date(2020, 8, day) for day in (27, 28, 31)]
    assert source.server.requests[0].query == {"s": "brk-b.us", "i": "d", "d1": "20200827", "d2": "20200831", "apikey": KEY}


def test_the_bar_of_a_session_that_has_not_closed_is_not_there(stooq):
    source = stooq(charts.AAPL_CSV, now=dt.datetime(2020, 9, 1, 19, tzinfo=UTC))
    assert source.read("prices", ["AAPL"]).get_column("session").max() == dt.date(2020, 8, 31)


def test_no_data_for_some_days_is_none_and_for_all_days_a_stranger(stooq):
    routes = {STOOQ: "No data", STOOQ + "?s=aapl.us&i=d": charts.AAPL_CSV}
    source = stooq(routes)
    assert source.read("prices", ["AAPL"], dt.date(2024, 1, 1)).height == 0
    assert len(source.server.requests) == 2  # for these days, then for all of them
    with pytest.raises(Refused, match="The source stooq has no symbol NOPE, NOR"):
        source.read("prices", ["NOPE", "AAPL", "NOR"])


@pytest.mark.parametrize("word", ["aapl", "AAPL.US", "^SPX", "../x", "A\0", "A" * 300, "\u200fA", ""])
def test_a_symbol_that_is_none_never_gets_into_an_address(stooq, word):
    source = stooq(charts.AAPL_CSV)
    if word == "AAPL.US":
        assert source.read("prices", [word]).height == 5  # for Stooq to know: aapl-us.us
        return
    with pytest.raises(Refused, match="has no symbol"):
        source.read("prices", [word])
    assert source.server.requests == []


def test_no_more_hits_today_is_refused_for_asking_again_would_not_help(stooq):
    source = stooq("Exceeded the daily hits limit", key=KEY)
    with pytest.raises(Refused, match="no hits left for us today") as caught:
        source.read("prices", ["AAPL"])
    assert len(source.server.requests) == 1
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("body", [replay.HTML, b"Get your apikey:\n\n1. Open the page\n"])
def test_who_has_no_key_hears_that_one_is_wanted(stooq, body):
    with pytest.raises(Refused, match="wants a key or a browser"):
        stooq(replay.Answer(body)).read("prices", ["AAPL"])


def test_a_busy_stooq_is_an_outage(stooq):
    with pytest.raises(Outage, match="Stooq answered 503"):
        stooq(replay.again(503, after=999)).read("prices", ["AAPL"])


HEAD = "Date,Open,High,Low,Close,Volume\n"
REFUSED = {
    "another table": ("Symbol,Price\nA,1\n", "no table of prices but 'Symbol,Price'"),
    "columns elsewhere": ("Date,Close,High,Low,Open,Volume\n2020-01-02,1,1,1,1,1\n", "no table of prices"),
    "half a line": (HEAD + "2020-01-02,1,1,1,1,1\n2020-01-03,1,1", "last line has no end"),
    "a cell too few": (HEAD + "2020-01-02,1,1,1,1\n", "5 cells for 6 on line 2"),
    "a word for a number": (HEAD + "2020-01-02,1,1,1,1,1\n2020-01-03,1,n/a,1,1,1\n", "'n/a' for high on line 3"),
    "infinity": (HEAD + "2020-01-02,1,1,1,inf,1\n", "'inf' for close on line 2"),
    "no day": (HEAD + ",1,1,1,1,1\n", "'' for date on line 2"),
    "another date": (HEAD + "02.01.2020,1,1,1,1,1\n", "'02.01.2020' for date on line 2"),
    "the header again": (HEAD * 2, "'Date' for date on line 2"),
    "not text": ("\udcff", "not UTF-8"),
    "nothing": ("", "an empty body"),
}


@pytest.mark.parametrize(("text", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_whole_table_is_refused_in_one_sentence(text, says):
    with pytest.raises(Refused, match=says) as caught:
        bars(Body("Stooq", text.encode("utf-8", "surrogateescape")), "X")
    assert "\n" not in str(caught.value)


def test_an_empty_cell_is_null_and_a_table_may_lack_volume():
    assert bars(Body("Stooq", (HEAD + "2020-01-02,,1,1,2,\n").encode()), "X").row(0) == (
        dt.date(2020, 1, 2),
        None,
        1.0,
        1.0,
        2.0,
        None,
    )
    assert bars(Body("Stooq", b"Date,Open,High,Low,Close\n2020-01-02,1,1,1,2\n"), "X").item(0, "volume") is None
    assert bars(Body("Stooq", HEAD.encode()), "X").height == 0


@pytest.mark.shared
def test_the_recorded_gold_fund_is_read_to_the_last_figure(shared_data, stooq):
    body = (shared_data / "stooq_csv" / "gld_us_d.csv").read_bytes()
    rows = stooq(replay.packed(body)).read("prices", ["GLD"])
    told = list(csv.DictReader(body.decode().splitlines()))
    assert rows.get_column("close").to_list() == [float(row["Close"]) for row in told]
    assert rows.item(-1, "session") == dt.date(2026, 4, 17)
    assert rows.get_column("known_at").is_sorted()


@pytest.mark.shared
@pytest.mark.parametrize("name", ["etfs", "stocks"])
def test_every_recorded_file_is_read_whole(shared_data, name):
    with zipfile.ZipFile(shared_data / "stooq_kaggle" / f"{name}.zip") as archive:
        files = [each for each in archive.namelist() if each.endswith(".txt")]
        counts = {}
        for each in files:
            body = archive.read(each)
            counts[each] = bars(Body("Stooq", body), each).height == body.count(b"\n") - 1
    assert all(counts.values())
    assert len(counts) == {"etfs": 37, "stocks": 29}[name]


@pytest.mark.shared
def test_sessions_that_stooq_lacks_across_symbols_stay_for_the_law_of_gaps(shared_data):
    day = dt.date(2011, 2, 17)
    with zipfile.ZipFile(shared_data / "stooq_kaggle" / "etfs.zip") as archive:
        files = [Body("Stooq", archive.read(each)) for each in archive.namelist() if each.endswith(".txt")]
    sessions = [bars(body, "X").get_column("session") for body in files]
    assert sum(each.min() < day < each.max() and day not in each for each in sessions) == 30
