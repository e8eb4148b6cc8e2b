"""The price laws on real sets that are held to be sound: what they name there is a real event or a real fault, each looked up."""

import datetime as dt

import polars as pl
import pytest

from benchmarks import recordings, vendors
from expectations.check import check
from expectations.context import Context
from expectations.contract import contract
from portfolio.types import Declaration

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
pytestmark = pytest.mark.shared


@pytest.fixture(autouse=True)
def _shared_data():
    if not recordings.folder().is_dir():
        pytest.skip(f"the recordings are not at {recordings.folder()} (TRIMTAB_SHARED_DATA)")


def judge(cursor, batch, adjustment, **beside):
    for name, frame in {"batch": batch, **beside}.items():
        cursor.register("given", frame.to_arrow())
        cursor.execute(f"create or replace temp table {name} as select * from given")
        cursor.unregister("given")
    declared = (Declaration(batch["source"][0], adjustment, frozenset(recordings.COLUMNS)),)
    return check(cursor, "prices", "batch", run="real", context=Context(now=NOW, declarations=declared, **{k: k for k in beside}))


def days(cursor, law):
    """(symbol, day) of the rows that broke a row law."""
    scan = cursor.execute("select table_name from duckdb_tables() where table_name like 'expect_scan%'").fetchone()[0]
    bit = [each.name for each in contract("prices").rows].index(law)
    return [
        (s, str(d))
        for s, d in cursor.execute(f"select symbol, session from {scan} where broken >> {bit} & 1 = 1 order by all").fetchall()
    ]


def critical(report):
    return {r.law: r.bad for r in report.results if r.status in {"failed", "error"} and r.severity == "critical"}


def test_lean_has_four_prints_a_power_of_ten_off_and_lacks_the_split_of_google(cursor):
    """GOOG 2014-04-03: the class C shares were paid out as a 2:1 split, which the factor file does not have."""
    told = recordings.joined(vendors.lean(symbol) for symbol in vendors.LEAN)
    report = judge(cursor, told.raw, "raw", actions=told.actions, others=told.adjusted)
    assert critical(report) == {"no_slip_in_one_column": 4, "split_known": 1}
    assert days(cursor, "split_known") == [("GOOG", "2014-04-03")]
    assert days(cursor, "no_slip_in_one_column") == [
        ("AAPL", "2010-08-31"), ("AAPL", "2011-01-03"), ("AIG", "2009-05-05"), ("GOOG", "2007-12-18")
    ]  # fmt: skip
    assert report.rows > 50_000


def test_wiki_actions_raw_and_adjusted_prices_agree_but_for_a_day_on_which_the_exchange_was_closed(cursor):
    told = recordings.joined(vendors.wiki(symbol) for symbol in vendors.WIKI)
    report = judge(cursor, told.raw, "raw", actions=told.actions, others=told.adjusted)
    assert critical(report) == {"exchange_session": 1}
    assert days(cursor, "exchange_session") == [("AAPL", "1985-09-27")]  # a hurricane
    broken = {r.law for r in report.results if r.status == "failed"}
    assert not broken & {"dividend_taken_out", "dividend_as_adjusted", "dividend_in_line", "dividend_twice", "adjusted_as_raw"}
    assert days(cursor, "no_jump") == [("AAPL", "2000-09-29")]


def test_the_funds_of_alpha_vantage_pass_with_their_splits_and_are_named_without(cursor):
    raw, splits = vendors.alpha_vantage()
    report = judge(cursor, raw, "raw", actions=splits)
    assert critical(report) == {}
    report = judge(cursor, raw, "raw", actions=splits.head(0))
    assert report.blocked == dict.fromkeys(("EFA", "IWM", "QQQ", "VWO"), ("split_known",))
    assert set(days(cursor, "split_known")) == set(vendors.ALPHA_SPLITS)


def test_the_two_spikes_of_efa_are_where_the_sources_disagree(cursor):
    raw, splits = vendors.alpha_vantage()
    fund = vendors.yahoo_fund("EFA").with_columns(pl.lit(0.0).alias("dividend"))
    split = pl.when(pl.col("session") == dt.date(2005, 6, 9)).then(3.0).otherwise(0.0).alias("split")
    second = recordings.bars(recordings.undone(fund.with_columns(split)), "EFA", "yahoo", "raw")
    judge(cursor, raw.filter(pl.col("symbol") == "EFA"), "raw", actions=splits, others=second)
    found = days(cursor, "agrees")
    assert {("EFA", "2002-02-05"), ("EFA", "2014-07-03")} <= set(found)
    assert len(found) < 0.02 * raw.filter(pl.col("symbol") == "EFA").height
    assert days(cursor, "no_spike") == [("EFA", "2014-07-03")]


def test_fifty_two_stocks_of_yahoo_are_not_blocked(cursor):
    frames = []
    for symbol in vendors.yahoo_symbols():
        frame = vendors.yahoo(symbol)
        shown = pl.col("adjusted") / pl.col("close")
        scaled = [(pl.col(c) * shown).alias(c) for c in ("open", "high", "low")]
        frames.append(
            recordings.bars(frame.with_columns(*scaled, pl.col("adjusted").alias("close")), symbol, "yahoo", "adjusted")
        )
    report = judge(cursor, pl.concat(frames), "adjusted")
    assert (len(frames), critical(report), report.blocked) == (52, {}, {})
    assert days(cursor, "no_jump") == [("AAPL", "2000-09-29"), ("NVDA", "2000-03-07")]


@pytest.mark.parametrize(("kind", "day", "files"), [("stocks", "1999-11-16", 29), ("etfs", "2011-02-17", 37)])
def test_stooq_lacks_a_session_across_its_symbols(cursor, kind, day, files):
    rows = vendors.stooq(kind)
    report = judge(cursor, rows, "adjusted")
    across = next(r for r in report.results if r.law == "no_gap_across")
    assert (across.status, across.bad) == ("failed", 1)
    assert rows["symbol"].n_unique() == files
    assert rows.filter(pl.col("session") == dt.date.fromisoformat(day)).height * 2 < files
    if kind == "stocks":
        assert [d for _, d in days(cursor, "exchange_session")] == ["1985-09-27", "1985-09-27", "1978-03-24"]  # AAPL, INTC, WMT
        assert report.blocked == {"WMT": ("split_known",)}  # in 1974 it stands at half its price for two weeks


def test_a_vendor_that_rewrote_its_history_is_named_with_the_count(cursor):
    """Apple's closes of 2014 as an archive of WIKI has them, and as the last download has them."""
    old = pl.read_csv(recordings.read("quandl_wiki/QUANDL_ARCHIVE.zip", "QUANDL_SAMPLE_TABLE.csv"))
    old = old.filter(pl.col("ticker") == "AAPL").select(pl.col("date").str.to_date().alias("session"), *recordings.COLUMNS)
    history = recordings.bars(old, "AAPL", "wiki", "raw")
    new = vendors.wiki("AAPL").raw
    report = judge(cursor, new, "raw", history=history)
    kept = next(r for r in report.results if r.law == "history_kept")
    together = new.join(history, on="session", suffix="_old")
    changed = together.filter((pl.col("close") / pl.col("close_old") - 1).abs() > 1e-6).height
    assert together.height > 100
    assert (kept.status, kept.bad) == (("failed", changed) if changed >= 5 else ("passed", 0))
