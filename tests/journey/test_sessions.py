"""Several sessions in one home, through the steps themselves: ingest, decide, trade, close the books, report."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from terminal import ROOT

from portfolio.types import TradingState
from tasks import decide, doors, fetch, ingest, report, trade
from tasks.gateway import running_gateway
from tasks.settings import Settings, settings
from tasks.summary import summary

SESSIONS = [date(2022, 10, 31), date(2022, 11, 30), date(2022, 12, 28)]
NOW = datetime(2023, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with the bundled prices in it."""
    where = settings({"TRIMTAB_HOME": str(tmp_path_factory.mktemp("sessions") / "home")})
    ingest.ingest(where, fetch.Batch("prices", "sample"), NOW)
    return where


def day(where: Settings, session: date, text: str) -> dict[str, object]:
    """One session's run, from its gateway to its report."""
    path = where.home / "policy.toml"
    path.write_text(text, encoding="utf-8")
    policy = doors.read_policy(path)
    with running_gateway(where, session) as port:
        here = replace(where, ib_port=port)
        proposal = decide.propose(here, policy, session, NOW)
        ended = trade.trade(here, proposal.plan) if proposal.plan else proposal.status
        closed = trade.close_books(here, policy, NOW)
    assert closed["breaks"] == []
    return {**summary(where, proposal.decision, ended), "closed": closed}


DEMO = (ROOT / "examples" / "demo.toml").read_text(encoding="utf-8")


def test_three_month_ends(home: Settings) -> None:
    """Drift or not, the books agree every day, each decision sees the history before it, and cash is never spent twice."""
    equities = []
    for session in SESSIONS:
        document = day(home, session, DEMO)
        assert document["status"] in {"done", "nothing to trade"}, document
        assert document["closed"]["cash"] >= Decimal(document["closed"]["equity"]) * Decimal("0.0199")
        equities.append((session, document["closed"]["equity"]))
        replayed = decide.replay(home, document["decision"])
        assert replayed["status"] == "equal", replayed
    ledger = doors.open_ledger(home)
    assert ledger.equity_history(home.account) == equities
    page = report.write(home, document["decision"]).read_text(encoding="utf-8")
    assert all(str(session) in page for session in SESSIONS[1:])
    last = ledger.decision(document["decision"])["document"]["inputs"]["book"]
    assert [row[0] for row in last["history"]] == [s.isoformat() for s in SESSIONS[:-1]]
    assert last["rebalances"]


def test_a_changed_record_no_longer_replays(tmp_path: Path, home: Settings) -> None:
    where = replace(home, account="DU4000004", home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    decision = day(where, date(2022, 12, 28), DEMO)["decision"]
    with sqlite3.connect(tmp_path / "ledger.sqlite") as ledger:
        (text,) = ledger.execute("SELECT document FROM decisions").fetchone()
        document = json.loads(text)
        line = document["plan"]["lines"][0]
        line["quantity"] = str(Decimal(line["quantity"]) + 1)
        ledger.execute("UPDATE decisions SET document = ?", (json.dumps(document),))
    replayed = decide.replay(where, decision)
    assert replayed["status"] == "different"
    assert any("quantity" in words for words in replayed["differences"]), replayed


def test_a_plan_that_nobody_traded_expires_with_its_session(tmp_path: Path, home: Settings) -> None:
    where = replace(home, account="DU5000005", home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    path = tmp_path / "policy.toml"
    path.write_text(DEMO, encoding="utf-8")
    with running_gateway(where, date(2022, 11, 30)) as port:
        left = decide.propose(replace(where, ib_port=port), doors.read_policy(path), date(2022, 11, 30), NOW)
    ledger = doors.open_ledger(where)
    assert ledger.plan_status(left.plan) == "open"
    assert day(where, date(2022, 12, 28), DEMO)["status"] == "done"
    assert ledger.plan_status(left.plan) == "expired"
    assert {i.state.value for i in ledger.intents(where.account, left.plan)} == {"EXPIRED"}
    assert ledger.open_plans("demo", where.account) == []


CAPPED = """
[portfolio]
name = "capped"
objective = "allocation"
base_currency = "USD"
[universe]
symbols = ["AAPL", "JPM", "MSFT", "XOM"]
[strategy]
kind = "fixed"
weights = { AAPL = 0.25, JPM = 0.25, MSFT = 0.25, XOM = 0.25 }
[rebalance]
when = "calendar"
every = "year"
[risk]
max_weight = 0.255
[gate]
profile = "paper"
[execution]
mode = "paper"
quiet_seconds = 1
minimum_trade = 100
"""


def test_a_limit_that_prices_broke_is_mended_at_once_and_is_no_rebalance(tmp_path: Path, home: Settings) -> None:
    """In November 2022 MSFT and JPM rose by a tenth: they alone are cut to the limit, and the year's rebalance stays the first."""
    where = replace(home, account="DU7000007", home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    assert day(where, date(2022, 10, 31), CAPPED)["status"] == "done"
    mended = day(where, date(2022, 11, 30), CAPPED)
    assert mended["status"] == "done"
    assert {(order["symbol"], order["side"]) for order in mended["orders"]} == {("JPM", "SELL"), ("MSFT", "SELL")}
    record = doors.open_ledger(where).decision(mended["decision"])["document"]
    assert record["timing"]["kind"] == "mend"
    assert all(record["after"][s] == pytest.approx(0.255, abs=0.0003) for s in ("JPM", "MSFT"))
    assert all(set(line["parts"]) <= {"risk_limit", "rounding"} for line in record["plan"]["lines"])
    assert doors.open_ledger(where).rebalances("capped") == [date(2022, 10, 31)]
    assert decide.replay(where, mended["decision"])["status"] == "equal"


def test_a_calendar_policy_trades_once_a_month(tmp_path: Path, home: Settings) -> None:
    text = DEMO.replace('when = "drift"', 'when = "calendar"\nevery = "month"').replace(
        "absolute_band = 0.02\nrelative_band = 0.25\n", ""
    )
    text = text.replace('name = "demo"', 'name = "monthly"').replace("minimum_trade = 500", "minimum_trade = 0")
    where = replace(home, account="DU2000002", home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    plans = [day(where, session, text)["status"] for session in (date(2022, 9, 30), date(2022, 10, 3), date(2022, 10, 4))]
    assert plans == ["done", "done", "nothing to trade"]


def test_a_crash_of_the_account_reduces_then_halts(tmp_path: Path, home: Settings) -> None:
    """The day's loss is held against the equity on record; HALTED stays until a person resumes."""
    where = replace(home, account="DU3000003", home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    assert day(where, date(2022, 11, 30), DEMO)["status"] == "done"
    ledger = doors.open_ledger(where)
    equity = ledger.equity_history(where.account)[-1][1]
    ledger.record_equity(where.account, "demo", date(2022, 12, 27), equity * Decimal("1.09"), Decimal(0), {}, NOW)
    halted = day(where, date(2022, 12, 28), DEMO)
    assert halted["status"] == "refused"
    assert doors.open_ledger(where).trading_state(where.account) is TradingState.HALTED
    assert any(v["rule"] == "daily_drawdown" and v["action"] == "block" for v in halted["verdicts"])
    assert halted["error"] == next(v["reason"] for v in halted["verdicts"] if v["rule"] == "daily_drawdown")
    assert "HALTED since" in halted["way_out"]
    assert "trimtab resume" in halted["way_out"]
