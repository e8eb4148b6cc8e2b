"""The day of a portfolio with a protective put: asked for by name, quoted, bought whole, and in the books."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from portfolio.policy import parse_policy
from portfolio.types import Side, option_terms
from tasks import decide, doors, fetch, ingest, trade
from tasks.book import Look
from tasks.gateway import running_gateway
from tasks.settings import Settings, settings
from tasks.stress import stress

SESSION = date(2022, 12, 28)
NOW = datetime(2026, 6, 15, tzinfo=UTC)
D = Decimal
POLICY = """
[portfolio]
name = "covered"
objective = "allocation"
base_currency = "USD"
benchmark = "SP500"
[universe]
symbols = ["KO", "PG"]
[strategy]
kind = "fixed"
weights = { KO = 0.5, PG = 0.4 }
[gate]
profile = "paper"
[risk]
max_weight = 0.6
[execution]
mode = "paper"
quiet_seconds = 1
[[hedge]]
kind = "put"
instrument = "UNDERLYING"
ceiling = 0.05
"""
ON_PG, ON_JNJ = POLICY.replace("UNDERLYING", "PG"), POLICY.replace("UNDERLYING", "JNJ")


@pytest.fixture(scope="module")
def where(tmp_path_factory) -> Iterator[Settings]:
    home = settings({"TRIMTAB_HOME": str(tmp_path_factory.mktemp("puts") / "home")})
    ingest.ingest(home, fetch.Batch("prices", "sample", symbols=("KO", "PG", "JNJ", "SP500")), NOW)
    with running_gateway(home, SESSION) as port:
        yield replace(home, ib_port=port)


def test_a_trial_shows_the_put_at_a_model_s_price(where):
    for text, name in ((ON_PG, "PG"), (ON_JNJ, "JNJ")):  # one of the universe, and one that is only watched
        found, market, book = decide.tried(where, parse_policy(text), SESSION)
        (hedge,) = found.hedges
        assert hedge.symbol.startswith(f"{name}230421P")
        assert hedge.weight > 0 and hedge.cost <= 0.05
        assert book.quotes[hedge.symbol].delayed
        assert market.closes_of(name) is not None


def test_a_stress_of_the_plan_revalues_it(where):
    told = {one["name"]: one for one in stress(where, parse_policy(ON_PG), SESSION)["scenarios"]}
    (symbol,) = [s for s in told["equities-40"]["parts"] if option_terms(s)]
    assert told["equities-40"]["parts"][symbol] < 0, "it gains where equities fall"
    assert "revalued" in told["equities-40"]["proxied"][symbol]


def test_the_put_is_bought_and_kept_and_the_record_replays(where):
    rules, ledger = parse_policy(ON_PG), doors.open_ledger(where)
    proposal = decide.propose(where, rules, SESSION, NOW)
    (hedge,) = ledger.decision(proposal.decision)["document"]["hedges"]
    (line,) = [x for x in ledger.plan(proposal.plan).lines if option_terms(x.symbol)]
    assert (line.symbol, line.side) == (hedge["symbol"], Side.BUY)
    assert trade.trade(where, proposal.plan) == "done"
    trade.close_books(where, rules, NOW)
    held = ledger.account(where.account, "USD").positions
    assert held[line.symbol] == line.quantity == int(line.quantity)
    wanted = Decimal(repr(hedge["weight"])) * 1_000_000 / (100 * line.price)
    assert abs(wanted - wanted.to_integral_value()) < D("1e-6"), "the hedge asks for whole contracts"
    assert line.quantity == round(wanted), "and gets them"
    again = decide.propose(where, rules, SESSION, NOW)
    assert (again.plan, again.status) == (None, "nothing to trade")
    assert decide.replay(where, proposal.decision)["differences"] == []


def test_a_put_that_the_broker_does_not_know_is_no_hedge_and_stops_nothing(where):
    """The simulated gateway has no stock of that name, so no option on it either."""

    async def looked() -> Look:
        desk = doors.open_desk(where, parse_policy(ON_PG), doors.open_ledger(where))
        return await decide.look(desk, ("KO", "PG", "ZZZZ230421P00100000", "PG230421P00130000"), SESSION)

    found = asyncio.run(looked())
    assert set(found.contracts) == {"KO", "PG", "PG230421P00130000"}
    assert "ZZZZ230421P00100000" not in found.quotes
    assert found.quotes["PG230421P00130000"].dealable > 0
