"""The contracts of news, memberships, actions and vintages on real recordings, and what they do with versions of a fact."""

import csv
import datetime as dt
import gzip
import itertools
import json
import os
import zipfile
from pathlib import Path

import polars as pl
import pytest
from clean import NOW, stage

from expectations.check import check
from expectations.context import Context
from portfolio.schema import CORPORATE_ACTIONS, MACRO
from sources import open_source
from sources.frames import staged

LATE = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@pytest.fixture
def shared_data():
    default = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("TRIMTAB_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"the recordings are not at {folder} (TRIMTAB_SHARED_DATA)")
    return folder


def judge(cursor, dataset, frame, **more):
    cursor.register("given", frame.to_arrow())
    cursor.execute("create or replace temp table incoming as select * from given")
    return check(cursor, dataset, "incoming", run="real", context=Context(now=LATE, **more))


def broken(report):
    return {r.law: r.bad for r in report.results if r.status in {"failed", "error"}}


@pytest.mark.shared
def test_the_memberships_of_thirty_years_break_nothing(cursor, shared_data):
    source = open_source("members", shared_data / "constituents" / "sp500_ticker_start_end.csv")
    report = judge(cursor, "universe", source.read("universe"), vintages=True)
    assert (report.rows, report.bad_rows, broken(report)) == (1957, 0, {})


@pytest.mark.shared
def test_apples_current_reports_break_nothing(cursor, shared_data):
    rows = open_source("edgar", shared_data / "edgar" / "submissions_CIK0000320193.json.gz").read("news")
    assert rows.height > 100
    assert broken(judge(cursor, "news", rows)) == {}


@pytest.mark.shared
def test_two_years_of_headlines_break_nothing_but_what_comes_again(cursor, shared_data, tmp_path):
    with zipfile.ZipFile(shared_data / "news" / "stock_news_10tickers_2019_2021.zip") as archive:
        archive.extract("stock_news_data.csv", tmp_path)
    report = judge(cursor, "news", open_source("news", tmp_path / "stock_news_data.csv").read("news"))
    assert (report.rows, report.bad_rows, broken(report)) == (7464, 0, {})


@pytest.mark.shared
def test_every_vintage_of_gdp_stays_and_withdrawals_are_no_missing_values(cursor, shared_data):
    told = json.loads(gzip.decompress((shared_data / "fred" / "GDP_all_vintages.json.gz").read_bytes()))["observations"]
    rows = [(each["date"], None if each["value"] == "." else float(each["value"]), each["realtime_start"]) for each in told]
    frame = pl.DataFrame(rows, schema=["date", "value", "since"], orient="row").with_columns(pl.col("date").str.to_date())
    frame = frame.with_columns(
        (pl.col("since") + "T23:59:00-05:00").str.to_datetime(time_unit="us", time_zone="UTC").alias("known_at"),
        *(pl.lit(word).alias(name) for name, word in {"series": "GDP", "unit": "billions of dollars", "source": "fred"}.items()),
    )
    report = judge(cursor, "macro", staged(frame, MACRO), vintages=True)
    assert sum(each["value"] == "." for each in told) == 245
    assert (report.rows, report.bad_rows, broken(report)) == (3199, 0, {})


def test_versions_of_a_fact_are_copies_unless_the_context_says_vintages(cursor):
    stage(cursor, "universe")
    plain = check(cursor, "universe", "rows", run="a", context=Context(now=NOW))
    told = check(cursor, "universe", "rows", run="b", context=Context(now=NOW, vintages=True))
    assert broken(plain) == {"one_spell": 4}
    assert broken(told) == {}


def test_a_value_taken_back_is_kept_and_one_never_given_is_not(cursor):
    stage(cursor, "macro")
    cursor.execute(
        "insert into rows by name select * replace (null as value, known_at + interval 1 hour as known_at) from rows "
        "where series = 'GOLD' and date = '2022-11-15'"
    )
    cursor.execute("update rows set value = null where series = 'VIX' and date = '2022-11-15'")
    report = check(cursor, "macro", "rows", run="a", context=Context(now=NOW, vintages=True))
    assert broken(report) == {"value_present": 1}
    assert cursor.execute(f"select series from {report.bad}").fetchall() == [("VIX",)]


def actions(told):
    """Rows of (instrument, day, kind, ratio, amount) as staged corporate actions."""
    frame = pl.DataFrame(told, schema=["symbol", "ex_session", "kind", "ratio", "amount"], orient="row", infer_schema_length=None)
    opens = pl.col("ex_session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + pl.duration(hours=15)
    return staged(
        frame.with_columns(
            ("US:" + pl.col("symbol")).alias("instrument"),
            pl.lit("USD").alias("currency"),
            pl.lit("lean").alias("source"),
            opens.alias("known_at"),
        ),
        CORPORATE_ACTIONS,
    )


@pytest.mark.shared
def test_the_dividends_and_splits_of_twenty_years_break_nothing_critical(cursor, shared_data):
    """Implied by LEAN's factor files: dividend = price x (1 - factor / next factor), the session after the file's date."""
    from exchange_calendars import get_calendar

    sessions = [day.date() for day in get_calendar("XNYS", start="1990-01-01", end="2026-12-31").sessions]
    told = []
    for symbol in ("aapl", "aig", "bac", "ibm", "spy", "iwm", "eem", "qqq"):
        file = shared_data / "lean" / "Data" / "equity" / "usa" / "factor_files" / f"{symbol}.csv"
        rows = [(dt.datetime.strptime(r[0], "%Y%m%d").date(), *map(float, r[1:])) for r in csv.reader(file.open())]
        for (day, price, split, *close), (_, next_price, next_split, *_) in itertools.pairwise(rows):
            ex = next(each for each in sessions if each > day)
            if close and next_price != price:
                told.append((symbol.upper(), ex, "dividend", None, round(close[0] * (1 - price / next_price), 6)))
            if next_split != split:
                told.append((symbol.upper(), ex, "split", round(next_split / split, 6), None))
    report = judge(cursor, "corporate_actions", actions(told))
    assert (report.rows, report.bad_rows) == (591, 0)
    assert broken(report) == {"dividend_collapsed": 4}  # Bank of America, from 64 cents to one
    hundredfold = [(s, d, k, r, a * 100 if s == "IBM" and k == "dividend" and d.year == 2010 else a) for s, d, k, r, a in told]
    found = judge(cursor, "corporate_actions", actions(hundredfold))
    assert found.blocked == {"IBM": ("dividend_scale",)}
    assert broken(found)["dividend_scale"] == 4
