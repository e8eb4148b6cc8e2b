"""FRED: its CSV with both headers, its API with every vintage, its refusals; and the lake asked what was known when."""

import datetime as dt
import gzip
import json
import logging
import traceback

import polars as pl
import pytest
import records
import replay

from portfolio.errors import Outage, Refused
from sources import open_source
from sources.fred import api
from sources.fred.series import GROUPS, SERIES, unit_of
from sources.port import Access, keeps_vintages
from sources.publication import accounts_known, mondays_known, rates_known, thursdays_known, vix_known
from warehouse.lake import Lake

UTC = dt.UTC
KEY = "abcdefghijklmnopqrstuvwxyz123456"
OBSERVATIONS, DATES = "/fred/series/observations", "/fred/series/vintagedates"


def at(day, hour=18):
    from zoneinfo import ZoneInfo

    return dt.datetime(*day, hour, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)


# -------------------------------------------------------------------- without a key
def test_the_curve_is_eleven_series_and_a_holiday_has_no_row(replaying):
    source = open_source("fred", access=Access(url=replaying(records.fred(SERIES)).url))
    rows = source.read("macro", ["treasury_curve"])
    assert list(rows.get_column("series").unique().sort()) == sorted(GROUPS["treasury_curve"])
    assert len(GROUPS["treasury_curve"]) == 11
    assert rows.filter(pl.col("series") == "DGS10").select("date", "value", "unit", "known_at").rows() == [
        (dt.date(2022, 11, 22), 3.76, "percent", at((2022, 11, 23))),
        (dt.date(2022, 11, 23), 3.71, "percent", at((2022, 11, 25))),  # the day after is Thanksgiving
    ]
    vix = source.read("macro", ["vix"])
    assert set(vix.select("series", "unit").rows()) == {("VIXCLS", "index")}
    assert not keeps_vintages(source)


def test_what_was_not_known_when_we_asked_is_left_out(replaying):
    access = Access(url=replaying(records.fred(["DGS10"])).url, now=at((2022, 11, 25), 17))
    rows = open_source("fred", access=access).read("macro", ["DGS10"])
    assert rows.get_column("date").to_list() == [dt.date(2022, 11, 22)]


@pytest.mark.parametrize(
    ("known", "day", "wanted"),
    [
        (rates_known, dt.date(2024, 10, 11), (2024, 10, 15)),  # Columbus Day: stocks trade, the Federal Reserve rests
        (rates_known, dt.date(2024, 11, 8), (2024, 11, 12)),  # Veterans Day on a Monday
        (rates_known, dt.date(2023, 11, 10), (2023, 11, 13)),  # Veterans Day on a Saturday
        (rates_known, dt.date(2024, 6, 18), (2024, 6, 20)),  # Juneteenth
        (mondays_known, dt.date(2024, 5, 24), (2024, 5, 28)),  # Memorial Day
        (thursdays_known, dt.date(2024, 11, 23), (2024, 11, 29)),  # Thanksgiving
        (accounts_known, dt.date(2025, 7, 1), (2025, 12, 29)),  # came out on December 23
    ],
)
def test_a_lag_is_never_shorter_than_what_really_happened(known, day, wanted):
    assert known(day) == at(wanted)


def test_the_vix_is_known_after_its_session():
    assert vix_known(dt.date(2022, 11, 25)) == at((2022, 11, 25), 13) + dt.timedelta(minutes=15)


WRONG = {
    "a page": (replay.page(), "HTML page"),
    "another series": ("observation_date,DGS2\n2022-11-22,3\n", "sent DGS2 and not DGS10"),
    "another header": ("day,DGS10\n2022-11-22,3\n", "the header 'day,DGS10'"),
    "words": ("observation_date,DGS10\n2022-11-22,n/a\n", "'2022-11-22,n/a' on line 2"),
    "infinite": ("observation_date,DGS10\n2022-11-22,inf\n", "'2022-11-22,inf' on line 2"),
    "another date": ("observation_date,DGS10\n2022-11-22,1\n11/23/2022,1\n", "'11/23/2022,1' on line 3"),
    "ragged": ("observation_date,DGS10\n2022-11-22,1,2\n", "no whole CSV"),
    "empty": ("", "empty body"),
}


@pytest.mark.parametrize(("answer", "says"), WRONG.values(), ids=WRONG)
def test_what_is_no_table_of_that_series_is_refused(replaying, answer, says):
    url = replaying({records.GRAPH: answer}).url
    with pytest.raises(Refused, match=says) as caught:
        open_source("fred", access=Access(url=url)).read("macro", ["DGS10"])
    assert "\n" not in str(caught.value)


def test_a_file_of_a_series_without_a_lag_asks_for_a_key(write):
    with pytest.raises(Refused, match=r"when the values of NFCI come out\. Set TRIMTAB_FRED_KEY"):
        open_source("fred", write("NFCI.csv", "DATE,NFCI\n2022-11-18,-0.1\n")).read("macro")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "series", "rows", "last"),
    [
        ("old_header_DGS10", "DGS10", 14736, 0.93),
        ("new_header_DGS10", "DGS10", 2823, 4.32),
        ("new_header_DTWEXBGS", "DTWEXBGS", 2810, 118.8552),
        ("old_header_DGS30", "DGS30", None, None),
    ],
)
def test_real_downloads_with_both_headers(shared_data, name, series, rows, last):
    file = shared_data / "fred" / f"{name}.csv"
    lines = [line.split(",") for line in file.read_text().split()[1:]]
    told = [(day, value) for day, value in lines if value not in {"", "."}]
    assert len(told) < len(lines), "holidays are in the file"
    frame = open_source("fred", file).read("macro")
    assert frame.height == len(told)
    assert rows is None or (frame.height, frame.item(-1, "value")) == (rows, last)
    assert set(frame.get_column("series")) == {series}
    assert [f"{value:g}" for value in frame.get_column("value").head(50)] == [f"{float(value):g}" for _, value in told[:50]]


# -------------------------------------------------------------------- with a key
def vintage(date, since, value, until="9999-12-31"):
    return {"realtime_start": since, "realtime_end": until, "date": date, "value": value}


def told(*observations):
    return {"count": len(observations), "offset": 0, "observations": list(observations)}


def dates(*days):
    return {"count": len(days), "vintage_dates": list(days)}


@pytest.fixture
def fred(replaying):
    def opened(routes, **more):
        server = replaying(routes)
        return open_source("fred", access=Access(url=server.url, key=KEY, **more)), server

    return opened


def test_each_vintage_is_a_row_and_a_value_taken_back_is_a_known_absence(fred):
    rows = told(
        vintage("2009-07-01", "2009-10-29", "100.0"),
        vintage("2009-07-01", "2009-11-24", "."),
        vintage("2009-07-01", "2009-12-22", "101.5"),
        vintage("2009-10-01", "2009-12-22", "."),
    )
    source, server = fred({DATES: dates("2009-10-29", "2009-11-24", "2009-12-22"), OBSERVATIONS: rows})
    frame = source.read("macro", ["GDP"])
    assert keeps_vintages(source)
    assert frame.select("date", "value", "unit", "known_at").rows() == [
        (dt.date(2009, 7, 1), 100.0, "billions of dollars", at((2009, 10, 29), 23) + dt.timedelta(minutes=59)),
        (dt.date(2009, 7, 1), None, "billions of dollars", at((2009, 11, 24), 23) + dt.timedelta(minutes=59)),
        (dt.date(2009, 7, 1), 101.5, "billions of dollars", at((2009, 12, 22), 23) + dt.timedelta(minutes=59)),
    ]
    assert {request.query["api_key"] for request in server.requests} == {KEY}


def test_todays_vintage_waits_for_the_end_of_its_day(fred):
    rows = told(vintage("2009-07-01", "2009-10-29", "1"), vintage("2009-07-01", "2009-11-24", "2"))
    source, _ = fred({DATES: dates("2009-10-29"), OBSERVATIONS: rows}, now=at((2009, 11, 24)))
    assert source.read("macro", ["GDP"]).get_column("value").to_list() == [1.0]


def test_the_first_vintage_of_an_archive_tells_nothing_of_a_rate_that_is_never_revised(fred):
    rows = told(
        vintage("1999-03-01", "2005-12-01", "5.3"),
        vintage("2005-12-01", "2005-12-02", "4.5"),
        vintage("2005-12-02", "2005-12-05", "4.6"),
    )
    source, _ = fred({DATES: dates("2005-12-01", "2005-12-02", "2005-12-05"), OBSERVATIONS: rows})
    assert source.read("macro", ["DGS10"]).select("known_at").to_series().to_list() == [
        at((1999, 3, 2)),
        at((2005, 12, 2), 23) + dt.timedelta(minutes=59),
        at((2005, 12, 5), 23) + dt.timedelta(minutes=59),
    ]


def test_a_long_archive_comes_in_windows_and_what_is_told_again_is_one_vintage(fred, monkeypatch):
    monkeypatch.setattr(api, "WINDOW", 2)
    days = ("2001-01-05", "2001-01-06", "2001-01-07", "2001-01-08", "2001-01-09")
    windows = [("1776-07-04", "2001-01-06"), ("2001-01-07", "2001-01-08"), ("2001-01-09", "9999-12-31")]
    values = [
        [vintage("2001-01-01", "2001-01-05", "1"), vintage("2001-01-02", "2001-01-06", "5")],
        [
            vintage("2001-01-01", "2001-01-07", "1"),
            vintage("2001-01-01", "2001-01-08", "2"),
            vintage("2001-01-02", "2001-01-07", "5"),
        ],
        [vintage("2001-01-01", "2001-01-09", "2"), vintage("2001-01-02", "2001-01-09", "6")],
    ]
    asked = "limit=100000&offset=0&series_id=GDP&file_type=json&api_key=" + KEY
    routes = {
        f"{OBSERVATIONS}?{asked}&realtime_start={start}&realtime_end={end}": told(*rows)
        for (start, end), rows in zip(windows, values, strict=True)
    }
    frame = fred({DATES: dates(*days), **routes})[0].read("macro", ["GDP"])
    known = [
        (date.day, value, known.astimezone(UTC).date()) for date, value, known in frame.select("date", "value", "known_at").rows()
    ]
    assert [(day, value) for day, value, _ in known] == [(1, 1.0), (1, 2.0), (2, 5.0), (2, 6.0)]
    assert [(each - dt.timedelta(days=1)).day for _, _, each in known] == [5, 8, 6, 9]


def test_a_long_answer_comes_in_pages(fred, monkeypatch):
    monkeypatch.setattr(api, "PAGE", 2)
    every = [vintage(f"2001-01-0{i}", "2001-02-01", str(i)) for i in range(1, 6)]
    pages = [{"count": 5, "offset": i, "observations": every[i : i + 2]} for i in (0, 2, 4)]
    source, server = fred({DATES: dates("2001-02-01"), OBSERVATIONS: pages})
    assert source.read("macro", ["GDP"]).get_column("value").to_list() == [1, 2, 3, 4, 5]
    assert [request.query["offset"] for request in server.requests if request.path == OBSERVATIONS] == ["0", "2", "4"]


def test_a_series_that_is_not_known_here_brings_its_own_unit(fred):
    routes = {
        DATES: dates("2001-02-01"),
        OBSERVATIONS: told(vintage("2001-01-01", "2001-02-01", "5")),
        "/fred/series": {"seriess": [{"id": "NFCI", "units": "Index 1971=100"}]},
    }
    assert fred(routes)[0].read("macro", ["NFCI"]).get_column("unit").to_list() == ["index"]
    assert unit_of("Billions of  Dollars") == "billions of dollars"


def test_a_refusal_says_freds_own_words_and_never_the_key(fred, caplog):
    caplog.set_level(logging.DEBUG)
    said = {"error_code": 400, "error_message": f"Bad Request.  The value {KEY} for api_key is not registered."}
    with pytest.raises(
        Refused, match=r"FRED refused GDP: Bad Request\. The value \*\*\* for api_key is not registered\."
    ) as caught:
        fred({DATES: replay.Answer(json.dumps(said).encode(), 400)})[0].read("macro", ["GDP"])
    told_all = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value.facts)
    assert KEY not in told_all


def test_the_key_is_in_no_word_about_an_outage(replaying, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("sources.web.Web._pause", lambda *_: 0.0)
    access = Access(url=replaying({DATES: replay.RESET}).url, key=KEY)
    with pytest.raises(Outage) as caught:
        open_source("fred", access=access).read("macro", ["GDP"])
    assert KEY not in "".join(traceback.format_exception(caught.value)) + caplog.text + repr(access)


@pytest.mark.parametrize("name", ["../../x", "DGS10&file_type=xml", "A" * 300, "", "DG\u202eS10"])
def test_a_name_that_is_none_is_never_put_into_an_address(fred, name):
    source, server = fred({})
    with pytest.raises(Refused, match="no name of a series"):
        source.read("macro", [name])
    assert server.requests == []


SHAPES = {
    "no observations": {"count": 1},
    "a word": told(vintage("2001-01-01", "2001-02-01", "many")),
    "a number": told(vintage("2001-01-01", "2001-02-01", 5)),
    "infinite": told(vintage("2001-01-01", "2001-02-01", "1e999")),
    "no date": told(vintage("2001-13-01", "2001-02-01", "5")),
    "a list": {"count": 1, "observations": [[1]]},
}


@pytest.mark.parametrize("answer", SHAPES.values(), ids=SHAPES)
def test_an_answer_of_another_shape_is_refused(fred, answer):
    with pytest.raises(Refused, match="answer of another shape"):
        fred({DATES: dates("2001-02-01"), OBSERVATIONS: answer})[0].read("macro", ["GDP"])


# -------------------------------------------------------------------- what was known when
@pytest.mark.shared
@pytest.mark.parametrize("day", [dt.date(1996, 6, 1), dt.date(2010, 1, 1), dt.date(2024, 10, 29)])
def test_gdp_in_the_lake_as_known_on_a_day_is_the_vintage_of_that_day(shared_data, fred, tmp_path, day):
    body = gzip.decompress((shared_data / "fred" / "GDP_all_vintages.json.gz").read_bytes())
    days = (shared_data / "fred" / "GDP_vintagedates.json").read_bytes()
    source, _ = fred({DATES: days, OBSERVATIONS: body})
    frame = source.read("macro", ["GDP"])
    with Lake.open(f"sqlite:///{tmp_path}/catalog.sqlite", f"{tmp_path}/lake") as lake:
        with lake.transaction("run", dt.datetime(2026, 1, 1, tzinfo=UTC)) as tx:
            tx.merge("macro", tx.stage("macro", frame), vintages=keeps_vintages(source))
        query = "SELECT date, value FROM macro WHERE series = 'GDP' AND value IS NOT NULL ORDER BY date"
        _, held = lake.query(query, as_known_at=dt.datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    eve = (day - dt.timedelta(days=1)).isoformat()  # at noon, what came out that day is not known yet
    vintage_then = [
        (dt.date.fromisoformat(each["date"]), float(each["value"]))
        for each in json.loads(body)["observations"]
        if each["realtime_start"] <= eve <= each["realtime_end"] and each["value"] != "."
    ]
    assert held == sorted(vintage_then)
    assert len(held) > 140
    if day == dt.date(2010, 1, 1):
        assert held[-1] == (dt.date(2009, 7, 1), 14242.1)
