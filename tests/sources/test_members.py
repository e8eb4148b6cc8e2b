"""Index membership and ticker history: each layout, two versions a spell, and the lake asked who was a member when."""

import csv
import datetime as dt

import polars as pl
import pytest
import records
from hypothesis import given
from hypothesis import strategies as st

from portfolio.errors import Refused
from sources import open_source
from sources.members.spells import Spell, versions
from sources.sessions import is_session
from warehouse.lake import Lake

UTC = dt.UTC
D = dt.date


def opened(write, body, name="members.csv"):
    return open_source("members", write(name, body))


def test_a_spell_is_open_when_it_begins_and_closed_when_it_has_ended(write):
    rows = opened(write, records.SPELLS).read("universe", ["BBB"])
    assert rows.select("name", "from_session", "to_session", "known_at").rows() == [
        ("sp500", D(1996, 1, 2), None, dt.datetime(1996, 1, 2, 14, 30, tzinfo=UTC)),
        ("sp500", D(1996, 1, 2), D(2008, 9, 12), dt.datetime(2008, 9, 15, 13, 30, tzinfo=UTC)),
        ("sp500", D(2015, 3, 23), None, dt.datetime(2015, 3, 23, 13, 30, tzinfo=UTC)),
        ("sp500", D(2015, 3, 23), D(2024, 9, 20), dt.datetime(2024, 9, 23, 13, 30, tzinfo=UTC)),
    ]


def test_a_day_that_is_no_session_becomes_the_one_after(write):
    rows = opened(write, records.SPELLS).read("universe", ["CCC"])
    assert rows.get_column("from_session").to_list() == [D(2023, 6, 12)]  # a Saturday in the list


def test_lists_of_members_tell_the_same_spells(write):
    lists = 'date,tickers\n1996-01-02,"AAA,BBB"\n2008-09-15,AAA\n2015-03-23,"AAA,BBB"\n2023-06-10,"AAA,BBB,CCC"\n2024-09-23,"AAA, CCC"\n'
    spells = opened(write, records.SPELLS).read("universe")
    assert opened(write, lists, "lists.csv").read("universe").equals(spells)


def test_a_list_of_today_tells_members_and_who_they_are(write):
    today = 'Symbol,Security,GICS Sector,Date added,CIK\nAAA,Triple A,Energy,2015-03-23,66740\nBRK.B,"B, Inc.",Financials,2010-02-16,1067983\n'
    source = opened(write, today)
    assert source.datasets == ("universe", "identifiers")
    assert source.read("universe").select("symbol", "from_session", "to_session").rows() == [
        ("AAA", D(2015, 3, 23), None),
        ("BRK.B", D(2010, 2, 16), None),
    ]
    told = {(row["instrument"], row["kind"]): row["value"] for row in source.read("identifiers").iter_rows(named=True)}
    assert told["US:BRK.B", "cik"] == "0001067983"
    assert (told["US:AAA", "sector"], told["US:BRK.B", "name"]) == ("Energy", "B, Inc.")


def test_a_column_names_the_index(write):
    rows = opened(write, "name,ticker,start_date,end_date\ndow,AAA,2020-01-02,\n").read("universe")
    assert rows.get_column("name").to_list() == ["dow"]


def test_a_ticker_file_of_our_own(write):
    rows = opened(write, records.TICKERS).read("symbols", ["FB"])
    closed = rows.drop_nulls("to_session").select("instrument", "from_session", "to_session").rows()
    assert closed == [("US:FB.1", D(1999, 9, 29), D(2003, 3, 28)), ("US:META", D(2012, 5, 18), D(2022, 6, 8))]


def test_a_map_file_gives_the_last_day_of_each_ticker(write):
    write("abc.csv", "19990310,abc,Q\n20041130,abc,Q\n20110322,abcd,Q\n20501231,abc,Q\n")
    file = write("abc.1.csv", "19900102,abc\n19950630,abc\n")
    rows = open_source("members", file.parent).read("symbols")
    spells = (
        rows.group_by("instrument", "symbol", "from_session", maintain_order=True)
        .agg(pl.col("to_session").max())
        .sort("from_session")
        .rows()
    )
    assert spells == [
        ("US:ABC.1", "ABC", D(1990, 1, 2), D(1995, 6, 30)),
        ("US:ABC", "ABC", D(1999, 3, 10), D(2004, 11, 30)),
        ("US:ABC", "ABCD", D(2004, 12, 1), D(2011, 3, 22)),
        ("US:ABC", "ABC", D(2011, 3, 23), None),
    ]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("ticker,start_date,end_date\nA,2020-01-02,\nB,02/01/2020,\n", "line 3"),
        ("ticker,start_date,end_date\nA,2020-01-02,2019-01-02\n", "A ends before it begins"),
        ("ticker,start_date,end_date\n,2020-01-02,\n", "ticker is empty"),
        ("date,tickers\n2020-01-02,\n", "tickers is empty"),
        ("what,ever\n1,2\n", "has the columns ever, what"),
        ("19990310,abc\n19980101,abc\n", "line 2"),
        ("19990310,abc\n99999999,abc\n", "line 2"),
        ("19990310,abc\n=1+1,x\n", "line 2.*no line of a map file"),
        ("", "empty"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(write, body, says):
    source = opened(write, body)
    with pytest.raises(Refused, match=says) as caught:
        source.read(source.datasets[0])
    assert "\n" not in str(caught.value)


@given(st.dates(D(1980, 1, 1), D(2024, 1, 1)), st.integers(1, 900))
def test_the_versions_of_a_spell_never_know_the_future(begins, days):
    told = list(versions([Spell("US:A", "A", begins, begins + dt.timedelta(days=days))]))
    for version in told:
        assert is_session(version.from_session)
        assert begins <= version.from_session <= begins + dt.timedelta(days=7)
        assert version.known_at.date() >= version.from_session
        assert version.to_session is None or version.from_session <= version.to_session < version.known_at.date()
    assert len(told) in {0, 2}
    assert len(told) == 2 or days < 5


def held(lake, sql, day):
    return [row[0] for row in lake.query(sql, as_known_at=dt.datetime(day.year, day.month, day.day, 22, tzinfo=UTC))[1]]


@pytest.fixture
def lake(tmp_path):
    with Lake.open(f"sqlite:///{tmp_path}/catalog.sqlite", f"{tmp_path}/lake") as opened_lake:
        yield opened_lake


def merge(lake, table, source, at=dt.datetime(2026, 1, 1, tzinfo=UTC)):
    with lake.transaction("run", at) as tx:
        return tx.merge(table, tx.stage(table, source.read(table)), vintages=source.vintages)


def test_a_later_file_closes_a_spell_and_the_past_stays_as_it_was(write, lake):
    before = "ticker,start_date,end_date\nAAA,2015-03-23,\n"
    merge(lake, "universe", opened(write, before))
    again = merge(lake, "universe", opened(write, before.replace(",\n", ",2024-09-23\n"), "later.csv"))
    assert (again.added, again.revised, again.unchanged) == (0, 1, 1)
    sql = "SELECT to_session FROM universe"
    assert held(lake, sql, D(2024, 9, 20)) == [None]
    assert held(lake, sql, D(2024, 9, 23)) == [D(2024, 9, 20)]


@pytest.mark.shared
def test_the_real_memberships_on_two_days(shared_data, lake):
    """496 members on 2008-09-12 and 505 on 2020-03-16, counted on the file by its own half-open days."""
    file = shared_data / "constituents" / "sp500_ticker_start_end.csv"
    told = list(csv.DictReader(file.open()))
    merge(lake, "universe", open_source("members", file))
    for day, count in ((D(2008, 9, 12), 496), (D(2020, 3, 16), 505), (D(2024, 9, 23), 503)):
        mine = {row["ticker"] for row in told if row["start_date"] <= str(day) and (row["end_date"] or "9999") > str(day)}
        assert len(mine) == count
        sql = f"SELECT symbol FROM universe WHERE from_session <= '{day}' AND (to_session IS NULL OR to_session >= '{day}')"
        assert set(held(lake, sql, day)) == mine
        assert set(held(lake, sql, D(2025, 12, 31))) == mine, "the same list, looked back at"
    spells = open_source("members", file).read("universe").select("symbol", "from_session").unique()
    several = spells.group_by("symbol").len().filter(pl.col("len") > 1)
    assert (spells.height, several.height) == (1230, 48)


@pytest.mark.shared
def test_the_real_list_of_today_and_leans_map_files(shared_data):
    today = open_source("members", shared_data / "constituents" / "constituents.csv")
    assert today.read("universe").height == 503
    assert today.read("identifiers").filter(pl.col("kind") == "cik").height == 503
    rows = open_source("members", shared_data / "lean" / "Data" / "equity" / "usa" / "map_files").read("symbols")
    spells = rows.group_by("instrument", "symbol", "from_session").agg(pl.col("to_session").max())
    fb = spells.filter(pl.col("symbol") == "FB").sort("from_session").select("instrument", "from_session", "to_session").rows()
    assert fb == [("US:FB.1", D(1999, 9, 29), D(2003, 3, 28)), ("US:FB", D(2012, 5, 18), None)]
    qqq = (
        spells.filter(pl.col("instrument") == "US:QQQ").sort("from_session").select("symbol", "from_session", "to_session").rows()
    )
    assert qqq == [
        ("QQQ", D(1999, 3, 10), D(2004, 11, 30)),
        ("QQQQ", D(2004, 12, 1), D(2011, 3, 22)),
        ("QQQ", D(2011, 3, 23), None),
    ]
