"""The contracts on real data: the bundled prices and series, recorded filings, and recordings known to be bad."""

import datetime as dt
import io
import os
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import polars as pl
import pytest

from expectations.check import check
from expectations.context import Context
from portfolio.schema import PRICES
from portfolio.types import Declaration
from sources import open_source
from sources.frames import staged

NOW = dt.datetime(2022, 12, 29, 12, tzinfo=dt.UTC)


@pytest.fixture
def shared_data():
    default = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("TRIMTAB_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"the recordings are not at {folder} (TRIMTAB_SHARED_DATA)")
    return folder


def judge(cursor, dataset, frame, context):
    cursor.register("given", frame.to_arrow())
    cursor.execute("create or replace temp table incoming as select * from given")
    return check(cursor, dataset, "incoming", run="real", context=context)


def broken(report):
    return {r.law: (r.bad, r.symbols) for r in report.results if r.status in {"failed", "error"}}


def test_the_bundled_prices_break_nothing_critical(cursor):
    source = open_source("sample")
    context = Context(now=NOW, expected_session=dt.date(2022, 12, 28), declarations=(source.declaration(),))
    report = judge(cursor, "prices", source.read("prices"), context)
    assert (report.rows, report.bad_rows, report.blocked) == (185_893, 0, {})
    # Three decimals on prices below a dollar stand still; three real falls and rises: Apple on 2000-09-29 is the best known.
    # Eleven days that the next one undid: JPMorgan on 2009-01-20, Procter & Gamble on 2007-02-27.
    assert broken(report) == {
        "moves": (502, ("AMD", "BBY", "GE", "JPM", "KO", "PG", "RRC", "SIZE")),
        "no_jump": (3, ("AAPL", "AMD", "RRC")),
        "no_spike": (11, ("AMD", "BBY", "GE", "JPM", "LLY", "PG", "RRC")),
    }


def test_the_bundled_prices_are_judged_in_seconds(cursor):
    source = open_source("sample")
    frame = source.read("prices")
    context = Context(now=NOW, expected_session=dt.date(2022, 12, 28), declarations=(source.declaration(),))
    judge(cursor, "prices", frame.head(100), context)  # Great Expectations and the calendar are there
    started = time.process_time()
    judge(cursor, "prices", frame, context)
    assert time.process_time() - started < 8  # 1.5 s on a quiet core


def test_the_bundled_series_break_nothing_critical(cursor):
    report = judge(cursor, "macro", open_source("sample").read("macro"), Context(now=NOW))
    assert broken(report) == {"no_jump": (1, ("VIX",))}  # 2018-02-05: 17.31 -> 37.32
    assert report.bad_rows == 0


def test_threads_with_cursors_of_their_own_do_not_meet():
    source = open_source("sample")
    frame = source.read("prices", ["AAPL", "GE"])
    context = Context(now=NOW, expected_session=dt.date(2022, 12, 28), declarations=(source.declaration(),))
    connection = duckdb.connect()

    def one(number):
        cursor = connection.cursor()
        cursor.execute("begin")
        spoilt = frame.with_columns(
            pl.when(pl.col("session") == dt.date(1999, 1, 4 + number)).then(None).otherwise("close").alias("close")
        )
        report = judge(cursor, "prices", spoilt if number else frame, context)
        cursor.execute("rollback")
        return report.bad_rows

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, [0, 1, 2, 3, 0, 1, 2, 3])) == [0, 2, 2, 2, 0, 2, 2, 2]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "warnings"),
    [("0000320193_AAPL", {"restated", "scale_kept", "scale_over_periods"}), ("0001835632_MRVL", {"restated"}),
     ("0001640147_SNOW", {"restated", "balance"})],
)  # fmt: skip
def test_recorded_filings_break_nothing_critical(cursor, shared_data, name, warnings):
    frame = open_source("edgar", shared_data / "edgar" / f"companyfacts_CIK{name}.json.gz").read("fundamentals")
    report = judge(cursor, "fundamentals", frame, Context(now=dt.datetime(2026, 11, 1, tzinfo=dt.UTC)))
    assert set(broken(report)) == warnings
    assert report.bad_rows == 0


def recorded(folder, name):
    """A recording of bad_open.zip as staged prices; its exchange is not XNYS, so laws of the calendar do not matter."""
    with zipfile.ZipFile(folder / "yfinance_bad" / "bad_open.zip") as archive:
        member = next(each for each in archive.namelist() if each.endswith(name))
        raw = pl.read_csv(io.BytesIO(archive.read(member)), infer_schema=False)
    numbers = [pl.col(c.title()).cast(pl.Float64, strict=False).alias(c) for c in ("open", "high", "low", "close", "volume")]
    frame = raw.select(pl.col(raw.columns[0]).str.slice(0, 10).str.to_date().alias("session"), *numbers)
    named = {"instrument": "X", "symbol": "X", "currency": "ZAR", "adjustment": "adjusted", "source": "yahoo"}
    known = (pl.col("session").cast(pl.Datetime("us")) + pl.duration(hours=30)).dt.replace_time_zone("UTC")
    return staged(frame.with_columns(known.alias("known_at"), *(pl.lit(v).alias(k) for k, v in named.items())), PRICES)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("SSW-JO-1d-100x-error.csv", "scale_kept"),
        ("MOB-ST-1d-bad-stock-split.csv", "no_slip"),
        ("DEX-AX-1d-bad-stock-split.csv", "no_jump"),
    ],
)
def test_a_recorded_fault_is_found_and_its_repaired_twin_is_not(cursor, shared_data, name, law):
    has = frozenset({"open", "high", "low", "close", "volume"})
    context = Context(now=dt.datetime(2026, 11, 1, tzinfo=dt.UTC), declarations=(Declaration("yahoo", "adjusted", has),))
    found = broken(judge(cursor, "prices", recorded(shared_data, name), context))
    repaired = broken(judge(cursor, "prices", recorded(shared_data, name.replace(".csv", "-fixed.csv")), context))
    assert law in found
    assert law not in repaired
