"""What is said beside a decision that was only tried: what was assumed, and what is on record. And which decisions are listed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from typer.testing import CliRunner

from cli.main import app
from tasks import decide, doors, fetch, ingest, trade
from tasks.gateway import running_gateway
from tasks.settings import Settings, settings

NOW = datetime(2023, 1, 2, tzinfo=UTC)
TODAY = date(2022, 12, 28)
POLICY = """
[portfolio]
name = "tried"
objective = "allocation"
base_currency = "USD"
benchmark = "SP500"
[universe]
symbols = ["AAPL", "MSFT"]
[strategy]
kind = "fixed"
weights = { AAPL = 0.5, MSFT = 0.5 }
[rebalance]
when = "drift"
absolute_band = 0.005
relative_band = 0.01
[risk]
max_weight = 0.60
daily_drawdown = { reduce = 0.03, halt = 0.06 }
monthly_drawdown = { reduce = 0.08, halt = 0.11 }
[gate]
profile = "paper"
[execution]
mode = "paper"
quiet_seconds = 1
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Prices, two policies, and nothing decided yet."""
    where = settings({"TRIMTAB_HOME": str(tmp_path_factory.mktemp("tried") / "home")})
    since = date(2020, 1, 2)
    ingest.ingest(where, fetch.Batch("prices", "sample", symbols=("AAPL", "MSFT", "SP500"), since=since), NOW)
    for name in ("tried", "other"):
        (where.home / f"{name}.toml").write_text(POLICY.replace('"tried"', f'"{name}"'), encoding="utf-8")
    return where


@pytest.fixture(scope="module")
def untouched(warehouse: Settings) -> tuple[dict, str]:
    """What `decide` says (as JSON, as a person reads it) before there is an account."""
    return told(warehouse, "tried")


@pytest.fixture(scope="module")
def traded(warehouse: Settings, untouched: object) -> dict[str, decide.Proposal]:
    """Both policies decided and traded for the day, portfolio -> what was recorded."""
    found = {}
    for name in ("tried", "other"):
        policy = doors.read_policy(warehouse.home / f"{name}.toml")
        with running_gateway(warehouse, TODAY) as port:
            here = replace(warehouse, ib_port=port)
            found[name] = decide.propose(here, policy, TODAY, NOW)
            if found[name].plan:
                trade.trade(here, found[name].plan)
                trade.close_books(here, policy, NOW)
    return found


def here(where: Settings, *words: str):
    return CliRunner().invoke(app, words, env={"TRIMTAB_HOME": str(where.home), "COLUMNS": "200"})


def told(where: Settings, name: str, command: str = "decide") -> tuple[dict, str]:
    words = (command, str(where.home / f"{name}.toml"), "--as-of", str(TODAY))
    document, shown = here(where, *words, "--json"), here(where, *words)
    assert (document.exit_code, shown.exit_code) == (0, 0), document.stderr + shown.stderr
    return json.loads(document.stdout), " ".join(shown.stdout.split())


# --- what is assumed ---------------------------------------------------------------------------------------------


def test_without_an_account_the_million_that_is_assumed_is_said(untouched: tuple[dict, str]) -> None:
    document, shown = untouched
    words = "no account DU1000001 is on record (TRIMTAB_ACCOUNT), so 1,000,000 USD in cash"
    assert document["assumed"] == words
    assert f"Assumed: {words}." in shown
    spent = sum(line["quantity"] * line["price"] for line in document["orders"])
    assert 970_000 < spent < 1_000_000  # and it is what was decided with


def test_the_stress_of_it_says_so_too(warehouse: Settings, untouched: object) -> None:
    document, shown = told(warehouse, "tried", "stress")
    assert "1,000,000 USD in cash" in document["assumed"]
    assert "Assumed: no account DU1000001" in shown


def test_with_an_account_nothing_is_assumed(warehouse: Settings, traded: object) -> None:
    for command in ("decide", "stress"):
        document, shown = told(warehouse, "tried", command)
        assert document["assumed"] is None
        assert "Assumed" not in shown


# --- which decision is shown -------------------------------------------------------------------------------------


def test_a_first_trial_says_that_nothing_is_on_record(untouched: tuple[dict, str]) -> None:
    document, shown = untouched
    assert document["recorded_decision"] is None
    assert document["note"] == "tried, not recorded; no decision of this session is on record"
    assert "Tried, not recorded; no decision of this session is on record." in shown
    assert f"Tried, not recorded: decision {document['decision']}" in shown


def test_a_session_that_was_decided_is_tried_anew_and_the_record_is_named(
    warehouse: Settings, traded: dict[str, decide.Proposal]
) -> None:
    document, shown = told(warehouse, "tried")
    recorded = traded["tried"].decision
    assert document["recorded_decision"] == recorded
    assert f"tried, not recorded; the session's recorded decision is {recorded}" in document["note"]
    assert document["note"].endswith("of the same id because policy, moment and snapshot are the same")
    assert f"Tried again, not recorded: what decision {recorded} would be now" in shown
    assert f"`trimtab decision show {recorded}` shows that one." in shown
    record = json.loads(here(warehouse, "decision", "show", recorded, "--json").stdout)
    assert record["decision"] == document["decision"]  # one id, for it is one policy, moment and snapshot
    assert record["current"] != document["current"]  # yet not one content: what was bought is held now
    assert "Tried" not in here(warehouse, "decision", "show", recorded).stdout


def test_a_changed_policy_is_another_decision_of_the_same_session(
    warehouse: Settings, traded: dict[str, decide.Proposal]
) -> None:
    text = (warehouse.home / "tried.toml").read_text(encoding="utf-8")
    (warehouse.home / "changed.toml").write_text(
        text.replace("AAPL = 0.5, MSFT = 0.5", "AAPL = 0.4, MSFT = 0.5"), encoding="utf-8"
    )
    document, shown = told(warehouse, "changed")
    recorded = traded["tried"].decision
    assert document["recorded_decision"] == recorded != document["decision"]
    assert document["note"].endswith(f"the session's recorded decision is {recorded}")
    assert f"Tried, not recorded: decision {document['decision']}" in shown


# --- decision list -----------------------------------------------------------------------------------------------


def test_all_portfolios_are_listed_unless_one_is_named(warehouse: Settings, traded: dict[str, decide.Proposal]) -> None:
    rows = json.loads(here(warehouse, "decision", "list", "--json").stdout)["decisions"]
    assert {row["decision"]: row["portfolio"] for row in rows} == {p.decision: name for name, p in traded.items()}
    shown = here(warehouse, "decision", "list").stdout
    assert "Decisions of all portfolios" in shown
    assert all(p.decision in shown for p in traded.values())
    alone = here(warehouse, "decision", "list", "other")
    assert "Decisions of other" in alone.stdout
    assert traded["other"].decision in alone.stdout
    assert traded["tried"].decision not in alone.stdout
    rows = json.loads(here(warehouse, "decision", "list", "other", "--json").stdout)["decisions"]
    assert [row["decision"] for row in rows] == [traded["other"].decision]


def test_a_portfolio_without_decisions_is_answered_with_those_that_have_some(warehouse: Settings, traded: object) -> None:
    said = here(warehouse, "decision", "list", "demo")
    assert said.exit_code == 0
    assert "No decision of demo is on record; there are decisions of other, tried." in said.stdout
    assert json.loads(here(warehouse, "decision", "list", "demo", "--json").stdout) == {"status": "done", "decisions": []}


def test_nothing_at_all_on_record(tmp_path) -> None:
    said = here(settings({"TRIMTAB_HOME": str(tmp_path / "home")}), "decision", "list")
    assert (said.exit_code, said.stdout.strip()) == (0, "No decision is on record.")
