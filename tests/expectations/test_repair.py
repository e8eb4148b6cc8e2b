"""Repairs: each needs its evidence, and what is repaired is what was there before the fault."""

import datetime as dt

import duckdb
import pytest
from clean import price_rows, stage
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.repair import propose
from portfolio.errors import Broken

DAY = dt.date(2022, 11, 15)
WHEN = "symbol = 'AAA' and session = '2022-11-15'"
RIGHT = {(row[1], row[2]): row for row in price_rows()}
PRICES = ("open", "high", "low", "close")


def spoilt(cursor, fault, law, marked=WHEN, second=None):
    """The clean batch with one fault; the `marked` rows are taken out under `law`. `second`: another source, and its fault."""
    stage(cursor, "prices")
    cursor.execute(fault)
    cursor.execute(f"create or replace temp table bad as select *, ['{law}'] as laws from rows where {marked}")
    cursor.execute(f"create or replace temp table sound as select * from rows where not ({marked})")
    cursor.execute("create or replace temp table acts (instrument varchar, ex_session date, kind varchar, ratio double)")
    stage(cursor, "prices", "others")
    cursor.execute(f"update others set source = 'second', adjustment = '{second or 'raw'}'")
    return {"actions": "acts"} | ({"others": "others"} if second else {})


def times(factor, columns=PRICES, where=WHEN):
    return f"update rows set {', '.join(f'{c} = {c} * {factor}' for c in columns)} where {where}"


def equal(proposal):
    right = RIGHT[proposal.row["symbol"], proposal.row["session"]]
    return [proposal.repaired[name] for name in PRICES] == pytest.approx(right[3:7], rel=1e-9)


def test_a_slipped_bar_without_a_second_source_stays_as_it_is(cursor):
    """Its columns have slipped together: that the bars around fit is no evidence yet."""
    beside = spoilt(cursor, times(100), "no_slip")
    assert propose(cursor, "bad", "sound", **beside) == ()


@pytest.mark.parametrize("factor", [100, 0.01, 1000, 0.1])
@pytest.mark.parametrize("adjustment", ["raw", "adjusted"])
def test_a_slipped_bar_is_put_right_where_a_second_source_says_so(cursor, factor, adjustment):
    beside = spoilt(cursor, times(factor), "no_slip", second=adjustment)
    (proposal,) = propose(cursor, "bad", "sound", **beside)
    assert equal(proposal)
    assert (proposal.law, proposal.row["session"]) == ("no_slip", DAY)
    assert "second's" in proposal.evidence
    assert proposal.repaired["volume"] == proposal.row["volume"]


def test_a_second_source_that_says_otherwise_is_no_evidence(cursor):
    beside = spoilt(cursor, times(100), "no_slip", second="raw")
    cursor.execute("update others set close = close * 1.05")
    assert propose(cursor, "bad", "sound", **beside) == ()


def test_a_slipped_close_is_put_right_by_the_bars_own_open(cursor):
    beside = spoilt(cursor, times(0.01, ("close", "low")), "no_slip")
    (proposal,) = propose(cursor, "bad", "sound", **beside)
    assert equal(proposal)
    assert "its own open" in proposal.evidence


def test_a_slipped_high_is_put_right_where_the_bar_then_contains_itself(cursor):
    beside = spoilt(cursor, times(100, ("high",)), "no_slip_in_one_column")
    (proposal,) = propose(cursor, "bad", "sound", **beside)
    assert equal(proposal)
    beside = spoilt(cursor, times(10.8, ("low",)), "no_slip_in_one_column")  # a tenth of it is above the close
    assert propose(cursor, "bad", "sound", **beside) == ()


@pytest.mark.parametrize(("fault", "law"), [
    ("update rows set close = null where " + WHEN, "close_present"),
    ("update rows set close = 'nan' where " + WHEN, "close_finite"),
    ("update rows set close = 0 where " + WHEN, "close_positive"),
    ("update rows set high = low, low = high where " + WHEN, "high_above_low"),
    (times(10.8, ("low",)), "no_slip_in_one_column"),
])  # fmt: skip
def test_a_broken_column_is_taken_from_a_second_source_that_agrees_around(cursor, fault, law):
    beside = spoilt(cursor, fault, law, second="raw")
    (proposal,) = propose(cursor, "bad", "sound", **beside)
    assert equal(proposal)
    assert "agree within 50 bp" in proposal.evidence
    cursor.execute("update others set close = close * 1.02 where symbol = 'AAA' and session = '2022-11-16'")
    assert propose(cursor, "bad", "sound", **beside) == ()


def test_a_bar_off_by_a_split_is_put_right_with_its_volume(cursor):
    beside = spoilt(cursor, times(0.25) + "; update rows set volume = volume * 4 where " + WHEN, "split_bar")
    assert propose(cursor, "bad", "sound", **beside) == ()  # no split is known
    cursor.execute("update rows set close = close")
    cursor.execute("insert into acts values ('US:AAA', '2022-11-01', 'split', 4)")
    cursor.execute(
        f"update sound set {', '.join(f'{c} = {c} / 4' for c in PRICES)} where symbol = 'AAA' and session >= '2022-11-01'"
    )
    cursor.execute(f"update bad set {', '.join(f'{c} = {c} / 4' for c in PRICES)}")
    (proposal,) = propose(cursor, "bad", "sound", **beside)
    right = RIGHT["AAA", DAY]
    assert [proposal.repaired[name] * 4 for name in PRICES] == pytest.approx(right[3:7], rel=1e-9)
    assert proposal.repaired["volume"] == pytest.approx(right[7])
    assert "the split of 4 on 2022-11-01" in proposal.evidence


def test_a_history_that_is_not_adjusted_for_its_split_is_put_right_back_to_its_beginning(cursor):
    """Declared adjusted; all before the split of 2022-11-15 is twice too high."""
    beside = spoilt(cursor, times(2, where="symbol = 'AAA' and session < '2022-11-15'"), "split_as_declared")
    for name in ("bad", "sound"):
        cursor.execute(f"update {name} set adjustment = 'adjusted'")
    assert propose(cursor, "bad", "sound", **beside) == ()
    cursor.execute("insert into acts values ('US:AAA', '2022-11-15', 'split', 2), ('US:BBB', '2022-11-15', 'split', 2)")
    found = propose(cursor, "bad", "sound", **beside)
    assert [p.row["session"] for p in found] == sorted((d for s, d in RIGHT if s == "AAA" and d < DAY), reverse=True)
    assert all(equal(p) for p in found)
    assert {p.law for p in found} == {"split_as_declared"}


def test_pence_are_put_right_only_where_a_second_source_has_pounds(cursor):
    fault = times(100, where="symbol = 'AAA' and session >= '2022-12-01'")
    marked = "symbol = 'AAA' and session between '2022-12-01' and '2022-12-05'"  # the law names the first bars of the new level
    assert propose(cursor, "bad", "sound", **spoilt(cursor, fault, "scale_kept", marked)) == ()
    found = propose(cursor, "bad", "sound", **spoilt(cursor, fault, "scale_kept", marked, second="raw"))
    assert [p.row["session"] for p in found] == [d for s, d in RIGHT if s == "AAA" and d >= dt.date(2022, 12, 1)]
    assert all(equal(p) for p in found)


def test_nothing_is_written(cursor):
    beside = spoilt(cursor, times(100), "no_slip", second="raw")
    before = cursor.execute(
        "select sum(hash(r)) from (from bad union all by name from sound union all by name from others) r"
    ).fetchone()
    assert propose(cursor, "bad", "sound", **beside)
    after = cursor.execute(
        "select sum(hash(r)) from (from bad union all by name from sound union all by name from others) r"
    ).fetchone()
    assert before == after


@pytest.mark.parametrize("name", ["bad; drop table x", "(select 1)", ""])
def test_only_a_relations_name_is_a_relation(cursor, name):
    with pytest.raises(Broken, match="not the name of a relation"):
        propose(cursor, name, "sound")


@settings(max_examples=25, deadline=None)
@given(
    tens=st.sampled_from([-3, -2, -1, 1, 2, 3]),
    columns=st.sampled_from([PRICES, ("close", "low"), ("close", "high"), ("close",)]),
    at=st.integers(6, 50),
    symbol=st.sampled_from(["AAA", "BBB", "CCC"]),
)
def test_what_is_proposed_is_what_was_there(tens, columns, at, symbol):
    """Law: a slip of any size, of any columns that include the close, on any bar, with a second source beside it."""
    if (tens > 0 and columns == ("close", "low")) or (tens < 0 and columns == ("close", "high")):
        columns = ("close",)
    day = sorted(d for s, d in RIGHT if s == symbol)[at]
    where = f"symbol = '{symbol}' and session = '{day}'"
    connection = duckdb.connect()
    beside = spoilt(connection, times(10.0**tens, columns, where), "no_slip", where, second="raw")
    (proposal,) = propose(connection, "bad", "sound", **beside)
    assert equal(proposal)
    connection.close()
