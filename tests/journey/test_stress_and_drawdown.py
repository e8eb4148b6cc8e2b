"""The risk of a portfolio as a person meets it: `trimtab stress`, and the drill from ACTIVE to HALTED and back.

The drill takes an account through the crash of 2020, with real prices, a gateway, and the ledger opened anew at each step.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from terminal import trimtab
from typer.testing import CliRunner

from cli.main import app
from cli.stress import _show as show
from portfolio.errors import Refused
from portfolio.risk.stress import SCENARIOS
from portfolio.types import Action, PlanLine, Side, TradingState
from tasks import decide, doors, fetch, ingest, trade
from tasks.gateway import running_gateway
from tasks.settings import Settings, settings
from tasks.stress import stress

SYMBOLS = ("AAPL", "JPM", "MSFT", "XOM")
NOW = datetime(2023, 1, 2, tzinfo=UTC)
TODAY = date(2022, 12, 28)
POLICY = """
[portfolio]
name = "drill"
objective = "allocation"
base_currency = "USD"
benchmark = "SP500"
[universe]
symbols = ["AAPL", "JPM", "MSFT", "XOM"]
[universe.groups.sector]
tech = ["AAPL", "MSFT"]
[strategy]
kind = "fixed"
weights = { AAPL = 0.25, JPM = 0.25, MSFT = 0.25, XOM = 0.25 }
[rebalance]
when = "drift"
absolute_band = 0.005
relative_band = 0.01
[risk]
max_weight = 0.30
daily_drawdown = { reduce = 0.03, halt = 0.06 }
monthly_drawdown = { reduce = 0.08, halt = 0.11 }
peak_drawdown = { reduce = 0.20, halt = 0.30 }
[gate]
profile = "paper"
[execution]
mode = "paper"
quiet_seconds = 1
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    where = settings({"TRIMTAB_HOME": str(tmp_path_factory.mktemp("risk") / "home")})
    ingest.ingest(where, fetch.Batch("prices", "sample", symbols=(*SYMBOLS, "SP500"), since=date(2007, 1, 3)), NOW)
    (where.home / "policy.toml").write_text(POLICY, encoding="utf-8")
    return where


def limited(where: Settings, more: str):
    """The policy with more keys in [risk]."""
    path = where.home / "limited.toml"
    path.write_text(POLICY.replace("max_weight = 0.30\n", f"max_weight = 0.30\n{more}\n"), encoding="utf-8")
    return doors.read_policy(path)


# --- stress ------------------------------------------------------------------------------------------------------


def test_all_scenarios_of_the_book_and_of_the_plan(home: Settings) -> None:
    said = trimtab("stress", str(home.home / "policy.toml"), "--as-of", str(TODAY), "--json", home=home.home)
    assert said.code == 0, said.err
    document = said.document
    assert document["status"] == "done"
    assert [one["name"] for one in document["scenarios"]] == list(SCENARIOS)
    told = {one["name"]: one for one in document["scenarios"]}
    assert all(one["before"] == 0.0 for one in told.values())  # a trial of cash
    assert told["single-name"]["after"] == pytest.approx(0.6 * max(document["weights"].values()))
    assert told["2008"]["proxied"] == {}
    assert set(told["1987"]["proxied"]) == set(SYMBOLS)
    assert told["low-liquidity"]["after"] is None  # the sample has no volumes
    assert 0.2 < told["equities-20"]["after"] / 0.99 < 0.3
    for one in told.values():
        assert one["after"] is None or one["after"] == pytest.approx(sum(one["parts"].values()), abs=1e-12)


def test_shocks_by_hand(home: Settings) -> None:
    policy = doors.read_policy(home.home / "policy.toml")
    document = stress(home, policy, TODAY, ["sector.tech=-0.3", "AAPL=-0.6", "2008"])
    named, made = document["scenarios"]
    assert (named["name"], made["name"]) == ("2008", "by hand")
    assert made["parts"]["AAPL"] == pytest.approx(0.6 * document["weights"]["AAPL"])
    assert made["parts"]["MSFT"] == pytest.approx(0.3 * document["weights"]["MSFT"])
    assert made["parts"]["XOM"] == pytest.approx(named["parts"]["XOM"])
    words = ("--as-of", str(TODAY), "--shock", "volatility=2", "--shock", "2008")
    table = here(home, "stress", str(home.home / "policy.toml"), *words)
    assert table.exit_code == 0, table.stderr
    assert all(word in table.stdout for word in ("by hand", "volatility=2, 2008", "2007-10-09 to 2009-03-09"))


def here(where: Settings, *words: str):
    """A command in this process."""
    return CliRunner().invoke(app, words, env={"TRIMTAB_HOME": str(where.home), "COLUMNS": "200"})


def test_a_wrong_shock_is_one_sentence(home: Settings) -> None:
    said = here(home, "stress", str(home.home / "policy.toml"), "--shock", "equites=-0.2", "--json")
    assert said.exit_code == 2
    document = json.loads(said.stdout)
    assert document["status"] == "wrong use"
    assert "Did you mean `equities`?" in document["way_out"]


def test_a_limit_scales_the_plan(home: Settings) -> None:
    policy = limited(home, "stress = { max_loss = { equities-40 = 0.20 } }")
    document = stress(home, policy, TODAY, ["equities-40"])
    (one,) = document["scenarios"]
    assert (document["status"], document["broken"], document["decided"]) == ("done", [], "trade")
    assert 0.1995 < one["after"] <= 0.20 + 1e-9  # of whole shares
    assert (one["limit"], one["used"]) == (0.20, pytest.approx(one["after"] / 0.20))


def test_what_is_over_its_limit_is_told_with_both_figures_and_its_worst_lines(home: Settings, capsys) -> None:
    policy = doors.read_policy(home.home / "policy.toml")
    document = stress(home, policy, TODAY, ["equities-40"])
    (one,) = document["scenarios"]
    show({**document, "scenarios": [{**one, "limit": 0.20, "used": one["after"] / 0.20}], "broken": ["equities-40"]})
    said = " ".join(capsys.readouterr().out.split())
    worst = max(one["parts"], key=one["parts"].get)
    assert f"Over its limit of 20.00%: equities-40, {one['after']:.2%}: equities fall by 40 %; worst lines: {worst} " in said


def test_a_loss_that_cannot_be_told_blocks_where_the_policy_says_so(home: Settings) -> None:
    policy = limited(home, 'unknown = "block"\nstress = { max_loss = { low-liquidity = 0.20 } }')
    document = stress(home, policy, TODAY, ["low-liquidity"])
    assert document["decided"] == "refused"
    assert document["weights"] == document["current"]  # nothing would be held, and nothing is lost of it
    assert document["scenarios"][0]["after"] == 0.0


# --- the drill ---------------------------------------------------------------------------------------------------


def day(where: Settings, session: date) -> list[PlanLine]:
    """One session's run: decide, trade, close the books; the lines of its plan."""
    policy = doors.read_policy(where.home / "policy.toml")
    with running_gateway(where, session) as port:
        here = replace(where, ib_port=port)
        proposal = decide.propose(here, policy, session, NOW)
        if proposal.plan:
            trade.trade(here, proposal.plan)
        closed = trade.close_books(here, policy, NOW)
    assert closed["breaks"] == []
    plan = doors.open_ledger(where).plan(proposal.plan) if proposal.plan else None
    return list(plan.lines) if plan else []


def state(where: Settings) -> TradingState:
    """As a new process finds it."""
    return doors.open_ledger(where).trading_state(where.account)


def broken(where: Settings) -> dict[str, Action]:
    """The drawdown rules of the newest decision that did not pass."""
    verdicts = doors.open_ledger(where).decisions("drill")[-1]["document"]["verdicts"]
    return {v["rule"]: v["action"] for v in verdicts if v["rule"].endswith("drawdown") and v["action"] != "pass"}


def test_from_active_to_halted_and_back_across_restarts(home: Settings) -> None:
    assert {x.side for x in day(home, date(2020, 2, 21))} == {Side.BUY}
    assert state(home) is TradingState.ACTIVE

    lines = day(home, date(2020, 2, 24))  # -3.9 % in a day
    assert broken(home) == {"daily_drawdown": "reduce"}
    assert {x.side for x in lines} == {Side.SELL}
    assert state(home) is TradingState.REDUCING

    assert day(home, date(2020, 2, 28)) == []  # no record of the 25th to the 27th; the month is beyond its limit
    assert broken(home)["monthly_drawdown"] == "block"
    assert state(home) is TradingState.HALTED
    with pytest.raises(Refused, match="is HALTED"):
        decide.propose(home, doors.read_policy(home.home / "policy.toml"), date(2020, 3, 2), NOW)

    said = trimtab("resume", "looked at it: the market fell, nothing is wrong", "--json", home=home.home)
    assert (said.code, said.document["state"]) == (0, "UNRECONCILED"), said.err
    assert doors.open_ledger(home).resumed(home.account) == date(2020, 2, 28)
    day(home, date(2020, 3, 2))
    assert broken(home) == {}  # the loss that halted does not halt again
    assert state(home) is TradingState.ACTIVE

    day(home, date(2020, 3, 6))
    day(home, date(2020, 3, 9))  # a new loss of more than 6 % in a day
    assert broken(home)["daily_drawdown"] == "block"
    assert state(home) is TradingState.HALTED
    ledger = doors.open_ledger(home)
    ledger.verify()
    assert ledger.resumed(home.account) == date(2020, 2, 28)
