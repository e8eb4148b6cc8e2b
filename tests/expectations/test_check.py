"""What a check promises beside its laws: scope, unknowns, errors, look-back, the caller's transaction, silence."""

import datetime as dt
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from clean import LAST, NOW, VENDOR, stage, stage_beside

from expectations import contract as contracts
from expectations.check import by_law, check
from expectations.context import Context
from portfolio.errors import Broken
from portfolio.types import Declaration, Health

CONTEXT = Context(now=NOW, expected_session=LAST, declarations=(VENDOR,))


def status(report):
    return {result.law: result.status for result in report.results}


def run(cursor, context=CONTEXT, relation="rows", name="r"):
    return check(cursor, "prices", relation, run=name, context=context)


def test_good_and_bad_share_out_the_rows_and_nothing_is_lost(cursor):
    stage(cursor, "prices")
    cursor.execute("update rows set close = null where symbol = 'AAA' and session = '2022-11-15'")
    cursor.execute("update rows set volume = -1, close = 'nan' where symbol = 'BBB' and session = '2022-11-16'")
    report = run(cursor)
    taken = cursor.execute(f"select symbol, laws from {report.bad} order by symbol").fetchall()
    assert taken == [("AAA", ["close_present"]), ("BBB", ["close_finite", "volume_sound"])]
    good = cursor.execute(f"select count(*), count(*) filter (close is null) from {report.good}").fetchone()
    assert good == (report.rows - 2, 0)
    assert report.bad_rows == 2
    rows = cursor.execute(f"select symbol, law from {by_law(cursor, report)} order by all").fetchall()
    assert rows == [("AAA", "close_present"), ("BBB", "close_finite"), ("BBB", "volume_sound")]


def test_the_transaction_stays_the_callers_own():
    connection = duckdb.connect()
    connection.execute("create table lasting (n integer)")
    cursor = connection.cursor()
    cursor.execute("begin")
    cursor.execute("insert into lasting values (1)")
    stage(cursor, "prices")
    run(cursor)
    assert connection.execute("select count(*) from lasting").fetchone() == (0,)  # nothing was committed
    cursor.execute("rollback")
    assert cursor.execute("select count(*) from lasting").fetchone() == (0,)
    assert cursor.execute("select count(*) from duckdb_tables() where table_name like 'expect_%'").fetchone() == (0,)


def test_only_the_sick_symbol_is_blocked(cursor):
    stage(cursor, "prices")
    cursor.execute("delete from rows where symbol = 'BBB' and session = '2022-12-28'")
    report = run(cursor)
    assert report.blocked == {"BBB": ("fresh",)}
    assert report.health == {"AAA": Health.SOUND, "BBB": Health.BLOCKED, "CCC": Health.SOUND}


def test_a_quarantined_newest_bar_is_not_fresh(cursor):
    stage(cursor, "prices")
    cursor.execute("update rows set close = 'nan' where symbol = 'BBB' and session = '2022-12-28'")
    assert run(cursor).blocked == {"BBB": ("fresh",)}


def test_a_wanted_symbol_that_never_came_is_blocked(cursor):
    stage(cursor, "prices")
    assert run(cursor, replace(CONTEXT, symbols=("AAA", "O'LEARY"))).blocked == {"O'LEARY": ("fresh",)}


def test_an_undeclared_column_makes_its_laws_unknown_and_never_passed(cursor):
    stage(cursor, "prices")
    cursor.execute("update rows set open = null, high = null, low = null, volume = null")
    report = run(cursor, replace(CONTEXT, declarations=(Declaration("vendor", "raw", frozenset({"close"})),)))
    unknown = {r.law for r in report.results if r.status == "unknown"}
    assert {"open_sound", "high_sound", "low_sound", "volume_sound", "high_above_low", "contained", "feed_moves"} <= unknown
    assert all(r.unknown == r.rows for r in report.results if r.law == "open_sound")
    assert "failed" not in status(report).values()


def test_what_was_not_given_is_unknown_and_says_so(cursor):
    stage(cursor, "prices")
    report = run(cursor, replace(CONTEXT, expected_session=None))
    fresh = next(r for r in report.results if r.law == "fresh")
    assert (fresh.status, fresh.note) == ("unknown", "not given: expected_session")


def test_a_jump_in_a_raw_series_is_unknown_without_actions_and_passes_with_its_split(cursor):
    stage(cursor, "prices")
    cursor.execute("update rows set open = open / 2, high = high / 2, low = low / 2, close = close / 2 "
                   "where symbol = 'AAA' and session >= '2022-11-15'")  # fmt: skip
    assert {status(run(cursor))[law] for law in ("no_jump", "split_known")} == {"unknown"}
    cursor.execute(
        "create temp table acts as select 'US:AAA' as instrument, date '2022-11-15' as ex_session, "
        "'split' as kind, 2.0 as ratio, null::double as amount"
    )
    known = status(run(cursor, replace(CONTEXT, actions="acts")))
    assert {known[law] for law in ("no_jump", "split_known", "split_as_declared")} == {"passed"}
    cursor.execute("update acts set instrument = 'US:CCC', ex_session = '2022-01-03'")
    assert status(run(cursor, replace(CONTEXT, actions="acts")))["split_known"] == "failed"


def test_a_wrong_dividend_freezes_its_symbol_and_leaves_the_bar_of_its_day(cursor):
    stage(cursor, "prices")
    stage_beside(cursor)
    cursor.execute("update clean_actions set amount = 500 where ex_session = '2022-11-17'")
    report = run(cursor, replace(CONTEXT, actions="clean_actions", others="clean_others"))
    assert report.blocked == {"BBB": ("dividend_below_price",)}
    assert report.bad_rows == 0


def test_look_back_sees_a_slip_on_the_first_new_session(cursor):
    stage(cursor, "prices", "earlier")
    cursor.execute("delete from earlier where session >= '2022-12-28'")
    stage(cursor, "prices")
    cursor.execute("delete from rows where session < '2022-12-28'")
    cursor.execute(
        "update rows set open = open * 100, high = high * 100, low = low * 100, close = close * 100 where symbol = 'AAA'"
    )
    alone = run(cursor, name="alone")
    assert status(alone)["scale_kept"] == "passed"  # one bar says nothing of itself
    report = run(cursor, replace(CONTEXT, history="earlier"))
    assert report.blocked == {"AAA": ("scale_kept", "fresh")}
    assert report.rows == 3  # history is looked at, not judged


def test_a_revision_is_compared_with_its_neighbours_and_not_with_itself(cursor):
    stage(cursor, "prices", "earlier")
    stage(cursor, "prices")
    cursor.execute("delete from rows where session <> '2022-11-15'")
    report = run(cursor, replace(CONTEXT, history="earlier"))
    assert "failed" not in status(report).values()
    assert status(report)["one_bar"] == "passed"


def test_an_old_warning_counts_but_makes_nobody_suspect(cursor):
    stage(cursor, "prices")
    cursor.execute("delete from rows where symbol = 'AAA' and session = '2022-11-15'")
    assert run(cursor).health["AAA"] is Health.SUSPECT
    report = run(cursor, replace(CONTEXT, watch_from=dt.date(2022, 12, 1)))
    assert report.health["AAA"] is Health.SOUND
    assert status(report)["no_gap"] == "failed"


def with_laws(monkeypatch, **changed):
    """The prices contract with other predicates: a law name -> what it breaks on."""
    real = contracts.contract("prices")

    def edit(laws):
        return tuple(replace(law, breaks=changed.get(law.name, law.breaks)) for law in laws)

    fake = replace(real, rows=edit(real.rows), batch=edit(real.batch))
    monkeypatch.setattr("expectations.check.contract", lambda _: fake)


@pytest.mark.parametrize(
    "predicate", ["no_such_column > 1", "cast(currency as integer) > 1", "ln(-close) > 0", "error('boom') is null"]
)
def test_a_law_that_raises_is_an_error_blocks_and_lets_nothing_through(cursor, monkeypatch, predicate):
    with_laws(monkeypatch, close_positive=predicate)
    stage(cursor, "prices")
    report = run(cursor)
    mine = next(r for r in report.results if r.law == "close_positive")
    assert mine.status == "error"
    assert mine.note
    assert set(report.health.values()) == {Health.BLOCKED}
    assert cursor.execute(f"select count(*) from {report.good}").fetchone() == (0,)
    assert cursor.execute("select 42").fetchone() == (42,)  # the transaction lives
    assert [law for law, word in status(report).items() if word == "error"] == ["close_positive"]


def test_a_warning_law_that_raises_blocks_too_but_rows_go_on(cursor, monkeypatch):
    with_laws(monkeypatch, moves="no_such_column")
    stage(cursor, "prices")
    report = run(cursor)
    assert status(report)["moves"] == "error"
    assert set(report.health.values()) == {Health.BLOCKED}
    assert report.bad_rows == 0


def test_a_batch_law_that_cannot_be_read_is_an_error(cursor, monkeypatch):
    with_laws(monkeypatch, no_gap_across="select nothing from nowhere")
    stage(cursor, "prices")
    report = run(cursor)
    assert status(report)["no_gap_across"] == "error"
    assert set(report.health.values()) == {Health.BLOCKED}


def test_a_batch_law_that_breaks_the_transaction_stops_everything(cursor, monkeypatch):
    with_laws(monkeypatch, no_gap_across="select error('boom'), 1")
    stage(cursor, "prices")
    with pytest.raises(Broken, match="Roll back"):
        run(cursor)


def test_a_scan_that_cannot_be_made_stops_everything(cursor, monkeypatch):
    fake = replace(contracts.contract("prices"), derive="select * from nowhere")
    monkeypatch.setattr("expectations.check.contract", lambda _: fake)
    stage(cursor, "prices")
    with pytest.raises(Broken):
        run(cursor)


def test_a_registered_frame_and_a_view_serve_as_relations(cursor):
    stage(cursor, "prices")
    cursor.register("framed", cursor.execute("select * from rows").to_arrow_table())
    assert run(cursor, relation="framed").bad_rows == 0
    cursor.execute("create temp view seen as select * from rows")
    assert run(cursor, relation="seen").bad_rows == 0


@pytest.mark.parametrize("name", ["rows; drop table x", "(select 1)", ""])
def test_only_a_relations_name_is_a_relation(cursor, name):
    with pytest.raises(Broken, match="not the name of a relation"):
        run(cursor, relation=name)


def test_a_naive_moment_is_refused(cursor):
    with pytest.raises(Broken, match="no time zone"):
        run(cursor, Context(now=dt.datetime(2022, 12, 29)))


def test_an_unknown_dataset_is_refused_with_those_that_have_a_contract(cursor):
    with pytest.raises(Broken, match="fundamentals, macro"):
        check(cursor, "weather", "rows", run="r", context=CONTEXT)


def test_two_runs_on_one_cursor_do_not_disturb_each_other(cursor):
    stage(cursor, "prices")
    first = run(cursor, name="first")
    cursor.execute("create temp table other as select * replace (null::double as close) from rows")
    second = run(cursor, relation="other", name="second")
    assert cursor.execute(f"select count(*) from {first.good}").fetchone() == (first.rows,)
    assert cursor.execute(f"select count(*) from {second.good}").fetchone() == (0,)


SILENT = """
import sys
sys.path.insert(0, {folder!r})
import duckdb
from clean import NOW, LAST, VENDOR, stage
from expectations.check import check
from expectations.context import Context
assert "great_expectations" not in sys.modules and "duckdb" in sys.modules
cursor = duckdb.connect()
cursor.execute("begin")
stage(cursor, "prices")
report = check(cursor, "prices", "rows", run="r", context=Context(now=NOW, expected_session=LAST, declarations=(VENDOR,)))
assert report.bad_rows == 0
"""


def test_great_expectations_is_imported_late_and_says_nothing():
    script = SILENT.format(folder=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
