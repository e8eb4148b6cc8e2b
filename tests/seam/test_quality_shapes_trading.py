"""What is wrong with the data freezes the symbol concerned and no other; a person lets rows in, mends them, settles the incident."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from portfolio.errors import Outage, WrongUse
from portfolio.types import Resolution
from tasks import decide, doors, fetch, ingest, letting_in, review, validate
from tasks.calendar import sessions
from tasks.settings import Settings, settings

SESSION = date(2022, 12, 28)
DAYS = sessions(date(2022, 1, 3), date(2022, 12, 27))
NOW = datetime(2022, 12, 28, 3, tzinfo=UTC)
POLICY = """
[portfolio]
name = "three"
objective = "allocation"
base_currency = "USD"
[universe]
symbols = ["AAA", "BBB", "CCC"]
[strategy]
kind = "fixed"
weights = { AAA = 0.4, BBB = 0.3, CCC = 0.2 }
[rebalance]
when = "drift"
[risk]
max_weight = 0.6
[gate]
profile = "paper"
[execution]
mode = "paper"
"""


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    return settings({"TRIMTAB_HOME": str(tmp_path / "home")})


def bars(symbol: str) -> list[dict]:
    """A quiet year of one symbol."""
    rng = np.random.default_rng(ord(symbol[0]))
    close = 40 * np.exp(np.cumsum(rng.normal(0, 0.01, len(DAYS)))).round(3)
    return [
        {"symbol": symbol, "session": day, "open": round(c * 1.001, 2), "high": round(c * 1.01, 2), "low": round(c * 0.99, 2),
         "close": round(c, 2), "volume": 1_000_000 + 1000 * n, "currency": "USD"}
        for n, (day, c) in enumerate(zip(DAYS, close, strict=True))
    ]  # fmt: skip


def load(where: Settings, rows: list[dict], number: int = 0) -> ingest.Ingested:
    file = where.home.parent / f"bars-{number}.csv"
    lines = [",".join(rows[0])] + [",".join(str(value) for value in row.values()) for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    batch = fetch.Batch("prices", "files", file, expected_session=DAYS[-1])
    return ingest.ingest(where, batch, NOW + timedelta(minutes=number))


def frozen(where: Settings) -> dict[str, str]:
    """Symbol -> why a decision for the next session would not touch it."""
    policy = doors.read_policy(where.home.parent / "policy.toml")
    decision = decide.trial(where, policy, SESSION)
    return {symbol: v.reason for v in decision.verdicts if v.action == "freeze" for symbol in v.symbols}


def scaled(row: dict, factor: float) -> dict:
    return row | {name: round(row[name] * factor, 2) for name in ("open", "high", "low", "close")}


def test_a_sound_year_freezes_nobody(where: Settings) -> None:
    done = load(where, [row for s in ("AAA", "BBB", "CCC") for row in bars(s)])
    assert (done.quarantined, done.blocked, [i for i in done.incidents if i.severity == "critical"]) == (0, (), [])
    assert frozen(where) == {}


def test_one_sick_symbol_is_frozen_the_others_go_on_until_a_person_settles_it(where: Settings) -> None:
    sick = bars("BBB")
    sick[-8:] = [scaled(row, 100) for row in sick[-8:]]
    done = load(where, bars("AAA") + sick + bars("CCC"))
    assert done.blocked == ("BBB",)
    assert set(frozen(where)) == {"BBB"}
    ledger = doors.open_ledger(where)
    blocking = [i for i in ledger.incidents() if i.on_breach == "block"]
    assert {i.scope for i in blocking} == {"BBB"}
    assert load(where, bars("AAA"), 1).blocked == ()
    assert set(frozen(where)) == {"BBB"}, "a good batch of another symbol heals nobody"
    for incident in blocking:
        ledger.resolve(incident.incident, Resolution.FALSE_POSITIVE, "ada", "it really went a hundredfold", NOW)
    assert "BBB" not in frozen(where)


def test_when_the_vendor_mends_it_the_symbol_is_free_by_itself(where: Settings) -> None:
    sick = bars("BBB")
    sick[-8:] = [scaled(row, 100) for row in sick[-8:]]
    load(where, sick)
    assert doors.open_ledger(where).incidents()
    done = load(where, bars("AAA") + bars("BBB") + bars("CCC"), 1)
    assert {i.resolution for i in done.incidents if i.scope == "BBB"} >= {Resolution.PASSED}
    assert frozen(where) == {}


def test_who_is_stopped_between_the_rows_and_their_record_leaves_nobody_free(where: Settings, monkeypatch) -> None:
    """The rows are in the warehouse, and what the laws said of them was never written."""
    from warehouse.ledger.records import Records

    sick = bars("BBB")
    sick[-8:] = [scaled(row, 100) for row in sick[-8:]]

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Records, "record_validation", stopped)
        load(where, bars("AAA") + sick + bars("CCC"))
    with doors.open_lake(where) as lake:
        assert lake.query("SELECT DISTINCT symbol FROM prices ORDER BY 1")[1] == [("AAA",), ("BBB",), ("CCC",)]
    assert set(frozen(where)) == {"BBB"}


def test_without_a_ledger_nothing_is_written(where: Settings, monkeypatch) -> None:
    from warehouse.ledger.records import Records

    def away(*_: object) -> None:
        raise Outage("The ledger did not answer.", "See that its server is up.")

    with monkeypatch.context() as patched, pytest.raises(Outage):
        patched.setattr(Records, "foresee", away)
        load(where, bars("AAA"))
    with doors.open_lake(where) as lake:
        assert lake.query("SELECT count(*) FROM prices")[1] == [(0,)]


def test_a_review_shows_the_history_the_runs_and_the_rows(where: Settings) -> None:
    rows = bars("AAA")
    rows[50] = rows[50] | {"close": -1.0}
    load(where, rows)
    (incident,) = [i for i in doors.open_ledger(where).incidents() if i.law == "close_positive"]
    shown = review.review(where, incident.incident)
    assert [event.kind for event in shown["history"]] == ["opened"]
    assert [(run["status"], run["bad"]) for run in shown["runs"]] == [("failed", 1)]
    assert [row["symbol"] for row in shown["quarantined"]] == ["AAA"]


def test_a_row_is_let_in_with_a_reason_and_the_journal_says_so(where: Settings) -> None:
    rows = bars("AAA")
    rows[50] = scaled(rows[50], 100)
    assert load(where, rows).quarantined >= 1
    (one,) = {row["id"] for row in letting_in.held(where, "prices", None, ("AAA",), 10)}
    with pytest.raises(WrongUse, match="without a reason"):
        letting_in.release(where, "prices", [one], "ada", " ", NOW)
    done = letting_in.release(where, "prices", [one], "ada", "it was dealt so", NOW)
    assert done["added"] == 1
    assert [row.kind for row in doors.open_ledger(where)._rows()][-1] == "release"


def test_a_repair_is_shown_first_written_on_request_and_taken_back(where: Settings) -> None:
    rows = bars("AAA")
    whole = rows[50]["close"]
    rows[50] = rows[50] | {"close": round(whole * 100, 2)}
    load(where, rows)
    shown = letting_in.repair(where, (), False, "ada", "", NOW)
    assert [(p["symbol"], p["session"]) for p in shown["proposals"]] == [("AAA", DAYS[50])]
    assert shown["proposals"][0]["evidence"] and shown["repaired"] == 0
    done = letting_in.repair(where, (), True, "ada", "decimal point", NOW)
    assert done["repaired"] == 1
    with doors.open_lake(where) as lake:
        found = lake.query(f"SELECT close FROM prices WHERE session = '{DAYS[50]}'")[1]
        assert found[0][0] == pytest.approx(whole, abs=0.011)
        assert lake.query("SELECT count(*) FROM repairs WHERE NOT undone")[1] == [(1,)]
    assert letting_in.repair(where, (), False, "ada", "", NOW)["proposals"] == []
    assert letting_in.undo(where, "AAA", DAYS[50], DAYS[50], "ada", "no", NOW + timedelta(hours=1))["undone"] == 1
    with doors.open_lake(where) as lake:
        assert lake.query(f"SELECT close FROM prices WHERE session = '{DAYS[50]}'")[1] == [(None,)]


def dividend(where: Settings, amount: float, number: int) -> None:
    """A dividend of BBB in the middle of the year, as the ledger of corporate actions has it."""
    import polars as pl

    from portfolio.schema import CORPORATE_ACTIONS
    from sources.frames import staged

    known = NOW + timedelta(minutes=number)
    row = {"instrument": "US:BBB", "symbol": "BBB", "ex_session": DAYS[100], "kind": "dividend", "amount": amount}
    frame = staged(pl.DataFrame([row | {"currency": "USD", "source": "files", "known_at": known}]), CORPORATE_ACTIONS)
    with doors.open_lake(where) as lake, lake.transaction(f"dividend-{number}", known) as tx:
        tx.merge("corporate_actions", tx.stage("corporate_actions", frame))


def test_a_wrong_dividend_freezes_until_its_ex_session_is_judged_again(where: Settings) -> None:
    """The bar of the ex-session is sound and stays in the warehouse; batches of other days say nothing of it."""
    dividend(where, 400.0, 0)
    assert load(where, bars("AAA") + bars("BBB") + bars("CCC"), 1).blocked == ("BBB",)
    assert load(where, bars("BBB")[-20:], 2).blocked == ()
    assert set(frozen(where)) == {"BBB"}, "a batch without the ex-session heals nobody"
    assert load(where, bars("BBB")[90:110], 3).blocked == ("BBB",), "the same wrong dividend"
    dividend(where, 0.4, 4)
    assert load(where, bars("BBB")[:50], 5).blocked == ()
    assert set(frozen(where)) == {"BBB"}
    validate.validate(where, "prices", NOW + timedelta(minutes=6))
    assert frozen(where) == {}, "what the warehouse holds was judged again, the ex-session with it"


def test_a_row_in_quarantine_is_not_passed_by_what_is_held_without_it(where: Settings) -> None:
    rows = bars("AAA")
    rows[50] = rows[50] | {"close": -1.0}
    load(where, rows)
    (incident,) = [i for i in doors.open_ledger(where).incidents() if i.law == "close_positive"]
    assert load(where, bars("AAA")[60:], 1).rows
    validate.validate(where, "prices", NOW + timedelta(minutes=2))
    assert doors.open_ledger(where).incident(incident.incident).live
    load(where, bars("AAA")[40:60], 3)
    settled = doors.open_ledger(where).incident(incident.incident)
    assert (settled.live, settled.resolution) == (False, Resolution.PASSED), "the vendor has mended that day"


def test_who_lacks_the_close_of_the_session_before_is_frozen_and_nobody_else(where: Settings) -> None:
    """Whatever the newest batch was: an order is never sized on the close of an earlier day."""
    load(where, bars("AAA") + bars("BBB")[:-1] + bars("CCC"))
    assert set(frozen(where)) == {"BBB"}
    ledger = doors.open_ledger(where)
    for incident in ledger.incidents():
        ledger.resolve(incident.incident, Resolution.ACCEPTED, "ada", "it was halted", NOW)
    assert f"its newest close is of {DAYS[-2]}, {DAYS[-1]} is missing" in frozen(where)["BBB"], "nobody can settle that away"
    load(where, bars("BBB")[-1:], 1)
    assert frozen(where) == {}


def test_a_batch_of_which_much_is_bad_stays_frozen_until_its_days_come_well(where: Settings) -> None:
    """Neither a good batch of other days nor what is held without the bad rows says that the feed is well."""
    rows = bars("AAA")
    rows[20:150] = [row | {"close": -1.0} for row in rows[20:150]]
    assert load(where, rows + bars("BBB") + bars("CCC")).blocked == ("AAA", "BBB", "CCC")
    load(where, bars("AAA")[-10:] + bars("BBB")[-10:] + bars("CCC")[-10:], 1)
    validate.validate(where, "prices", NOW + timedelta(minutes=2))
    assert set(frozen(where)) == {"AAA", "BBB", "CCC"}
    load(where, bars("AAA") + bars("BBB") + bars("CCC"), 3)
    assert frozen(where) == {}


def test_an_old_warning_that_a_batch_names_nobody_for_is_not_healed_by_it(where: Settings) -> None:
    rows = bars("AAA")
    rows[20] = rows[20] | {"open": rows[20]["high"] + 1}
    rows[-3] = rows[-3] | {"open": rows[-3]["high"] + 1}
    other = bars("BBB")
    other[-3] = other[-3] | {"open": other[-3]["high"] + 1}
    load(where, rows + other)
    validate.validate(where, "prices", NOW + timedelta(minutes=1))
    (old,) = [i for i in doors.open_ledger(where).incidents() if i.law == "contained" and i.scope == "AAA"]
    assert old.days["AAA"][0] == DAYS[20]
    load(where, [*rows[:-3], bars("AAA")[-3], *rows[-2:], *other], 2)
    assert doors.open_ledger(where).incident(old.incident).live, "the old bar is as it was"
