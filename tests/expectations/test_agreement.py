"""Two histories of one instrument: where their total returns part, and which of the two is wrong."""

import datetime as dt
import math

import polars as pl
import pytest

from benchmarks import recordings, vendors
from expectations.agreement import partings
from portfolio.errors import Broken

DAYS = [dt.date(2004, 1, 2) + dt.timedelta(days=i) for i in range(365 * 8)]
SPLIT = dt.date(2008, 2, 20)
# The five whose dividends before the last split are known to be wrong, and splits as their companies announced them.
WRONG = {"BAC", "CVX", "KO", "PG", "XOM"}
SPLITS = [
    ("BAC", "2004-08-30", 2), ("CVX", "2004-09-13", 2), ("KO", "2012-08-13", 2), ("PG", "2004-06-21", 2), ("XOM", "2001-07-19", 2),
    ("AAPL", "2005-02-28", 2), ("AAPL", "2014-06-09", 7), ("AAPL", "2020-08-31", 4), ("MSFT", "2003-02-18", 2), ("JNJ", "2001-06-13", 2),
    ("UNH", "2003-06-19", 2), ("UNH", "2005-05-31", 2), ("GE", "2000-05-08", 3), ("JPM", "2000-06-12", 1.5),
    ("CAT", "2005-07-14", 2), ("MMM", "2003-09-30", 2), ("NKE", "2007-04-03", 2), ("NKE", "2012-12-26", 2), ("NKE", "2015-12-24", 2),
]  # fmt: skip


def put(cursor, levels, prices, splits=()):
    for name, frame in (("levels", levels), ("prices", prices)):
        cursor.register("given", frame.to_arrow())
        cursor.execute(f"create or replace temp table {name} as select * from given")
        cursor.unregister("given")
    cursor.execute("create or replace temp table splits (instrument varchar, ex_session date, ratio double)")
    for each in splits:
        cursor.execute("insert into splits values (?, ?, ?)", each)


def history(source, factor_before=1.0, factor_after=1.0, missed=()):
    """A price that waves, and one dividend of 1 % a quarter, times a factor before and after the split."""
    level, last, rows = 100.0, 0.0, []
    for i, day in enumerate(DAYS):
        price = 50 + 10 * math.sin(i / 90)
        if i:
            paid = 0.01 * price if i % 91 == 45 and day not in missed else 0.0
            level *= (price + paid * (factor_before if day < SPLIT else factor_after)) / last
        rows.append(("US:KO", source, day, level, price))
        last = price
    return pl.DataFrame(rows, schema=["instrument", "source", "session", "level", "price"], orient="row")


def compared(cursor, *histories, splits=()):
    put(cursor, pl.concat(histories), histories[0].select("instrument", "session", "price"), splits)
    return partings(cursor, "levels", "prices", splits="splits")


def test_two_equal_histories_do_not_part(cursor):
    assert compared(cursor, history("one"), history("two")) == ()


def test_a_single_dividend_that_one_forgot_is_no_parting(cursor):
    assert compared(cursor, history("one"), history("two", missed={DAYS[91 * 8 + 45]})) == ()


def test_dividends_that_halve_at_a_split_are_wrong_and_the_split_is_named(cursor):
    (found,) = compared(cursor, history("one"), history("two", factor_before=2), splits=[("US:KO", SPLIT, 2.0)])
    assert (found.wrong, found.one, found.other) == ("two", "one", "two")
    assert found.reason == f"two's dividends fall by 2.00 at the split of 2 on {SPLIT}: those before it were not adjusted for it."
    assert found.ratio == pytest.approx(2, rel=0.02)
    assert found.gap == pytest.approx(-0.04, abs=0.004)  # 1 % a quarter
    assert found.since == dt.date(2004, 6, 30)
    assert found.until == dt.date(2008, 3, 31)


def test_without_the_splits_the_one_whose_dividends_shrink_is_wrong(cursor):
    (found,) = compared(cursor, history("one"), history("two", factor_before=2))
    assert found.wrong == "two"
    assert "shrink by that in the next year" in found.reason


def test_with_three_sources_the_odd_one_is_wrong(cursor):
    found = compared(cursor, history("a"), history("b", 1.6, 1.6), history("c"))
    assert {(p.one, p.other, p.wrong) for p in found} == {("a", "b", "b"), ("b", "c", "b")}


def test_a_source_without_dividends_is_wrong(cursor):
    (found,) = compared(cursor, history("one"), history("two", 0, 0))
    assert (found.wrong, found.reason) == ("two", "two has no dividends where one has.")


def test_where_nothing_tells_nobody_is_accused(cursor):
    (found,) = compared(cursor, history("one"), history("two", 1.6, 1.6))
    assert found.wrong == ""
    assert "nothing tells" in found.reason


def test_only_a_relations_name_is_a_relation(cursor):
    with pytest.raises(Broken, match="not the name of a relation"):
        partings(cursor, "levels; drop table x", "prices")


@pytest.fixture
def vendor():
    if not recordings.folder().is_dir():
        pytest.skip(f"the recordings are not at {recordings.folder()} (TRIMTAB_SHARED_DATA)")
    return vendors


def yahoo_beside(cursor, vendor, others):
    """Every stock of Yahoo's that another source has too; how many."""
    levels, prices = [], []
    told = others.partition_by("instrument", as_dict=True)
    for symbol in vendor.yahoo_symbols():
        if (symbol,) in told:
            frame = vendor.yahoo(symbol).with_columns(pl.lit(symbol).alias("instrument"), pl.lit("yahoo").alias("source"))
            levels += [told[symbol,], frame.select("instrument", "source", "session", pl.col("adjusted").alias("level"))]
            prices.append(frame.select("instrument", "session", pl.col("close").alias("price")))
    put(cursor, pl.concat(levels), pl.concat(prices), [(s, dt.date.fromisoformat(d), float(r)) for s, d, r in SPLITS])
    return len(prices)


def as_levels(frame, source):
    return frame.select("instrument", pl.lit(source).alias("source"), "session", pl.col("close").alias("level"))


@pytest.mark.shared
def test_yahoos_dividends_before_a_split_are_found_and_nobody_else_is_accused(cursor, vendor):
    """Of 17 stocks that skfolio has too. Where the splits are not given, the same five are found by their dividends alone."""
    assert yahoo_beside(cursor, vendor, as_levels(vendor.skfolio(), "skfolio")) == 17
    for splits, said in (("splits", "at the split of 2"), (None, "shrink by that")):
        found = partings(cursor, "levels", "prices", splits=splits)
        assert {(p.instrument, p.wrong) for p in found} == {(symbol, "yahoo") for symbol in WRONG}
        assert len(found) == len(WRONG)
        assert all(said in p.reason for p in found)
    until = {p.instrument: str(p.until) for p in found}
    assert until == {"BAC": "2004-06-30", "CVX": "2004-09-30", "KO": "2012-06-29", "PG": "2004-06-30", "XOM": "2001-06-29"}


@pytest.mark.shared
def test_with_lean_as_a_third_yahoo_is_the_odd_one_for_bank_of_america(cursor, vendor):
    lean = pl.concat([as_levels(vendor.lean(symbol).adjusted, "lean") for symbol in ("AAPL", "BAC")])
    others = pl.concat([as_levels(vendor.skfolio(), "skfolio").filter(pl.col("instrument").is_in(["AAPL", "BAC"])), lean])
    assert yahoo_beside(cursor, vendor, others) == 2
    found = partings(cursor, "levels", "prices", splits="splits")
    assert {(p.instrument, p.one, p.other, p.wrong) for p in found} == {
        ("BAC", "lean", "yahoo", "yahoo"),
        ("BAC", "skfolio", "yahoo", "yahoo"),
    }
    assert all("agree, yahoo does not" in p.reason for p in found)


@pytest.mark.shared
def test_stooq_has_no_old_dividends_and_three_more_of_yahoos_are_found_beside_it(cursor, vendor):
    stooq = vendor.stooq("stocks")
    assert yahoo_beside(cursor, vendor, as_levels(stooq, "stooq")) == 29
    found = partings(cursor, "levels", "prices", splits="splits")
    wrong = {source: {p.instrument for p in found if p.wrong == source} for source in ("yahoo", "stooq", "")}
    assert wrong["yahoo"] == WRONG | {"CAT", "MMM", "NKE"}
    assert len(wrong["stooq"]) >= 15
    assert wrong[""] <= {"DUK"}
