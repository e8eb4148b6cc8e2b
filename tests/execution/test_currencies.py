"""A euro account that trades dollar shares, and a dollar account that sells short, over a real socket: to the cent."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from execution_trading import ACCOUNT, BACK, CONVERT, EUROS, PRICES, deposit, line, market, open_state, plan, policy

from portfolio.errors import Outage
from portfolio.types import HedgePolicy, MarginPolicy, OrderState, TradingState

D = Decimal
FILLED, REJECTED, PLANNED = OrderState.FILLED, OrderState.REJECTED, OrderState.PLANNED
EUR = {"currency": "EUR"}
# 60,000 euros at the bid of 1.24995, the fee of 2 dollars in euros; a hundred each at 200.02 and 400.04, 1 dollar each
AFTER = {"EUR": D("39998.40"), "USD": D("74997.00") - D("20003.00") - D("40005.00")}


@pytest.fixture
def euros(world):
    """An account of 100,000 euros and nothing else."""
    open_state(world.state, D(100_000), {}, "EUR")
    return world


def notes(world, name="p1") -> dict[str, str]:
    return {i.symbol: i.note for i in world.ledger.intents(ACCOUNT, name)}


# ------------------------------------------------------------ conversions
def test_money_is_changed_shares_are_bought_sold_and_it_is_changed_back(euros):
    euros.serve(fill_delay=0.1)
    there = plan(wish=CONVERT)
    assert euros.run(there, **EUR).status == "done"
    euros.exact(there, "EUR")
    assert euros.money() == AFTER
    dealt = euros.ask("SELECT symbol, at, done_at FROM placed ORDER BY perm_id")
    assert dealt[0][0] == "EUR.USD" and all(at >= dealt[0][2] for _, at, _ in dealt[1:]), "the buys wait for their money"

    euros.stop_gateway()
    deposit(euros.state, "EUR", D("10000.00"))
    euros.ledger.adjustment(ACCOUNT, "deposit", None, D(0), D("10000.00"), datetime(2024, 3, 14, tzinfo=UTC), "wire")
    euros.serve()
    assert euros.run(plan("p2", BACK), **EUR).status == "done"
    proceeds = 100 * D("199.98") - 1  # of DDD
    spent = 20_000 * D("1.25005")
    assert euros.money() == {"EUR": AFTER["EUR"] + 10_000 + 20_000 - D("1.60"), "USD": AFTER["USD"] + proceeds - spent}
    assert min(euros.money().values()) > 0 and euros.trading_state() is TradingState.ACTIVE
    euros.agree("EUR")


KILLS = [("after_fill", 1), ("after_sending", 2), pytest.param("after_bytes", 1, marks=pytest.mark.soak)]


@pytest.mark.parametrize(("point", "on"), KILLS)
def test_killed_between_the_conversion_and_the_buys(euros, point, on):
    euros.serve(process=True)
    euros.killed_at(point, on, wish=CONVERT, **EUR)
    there = plan(wish=CONVERT)
    assert euros.run_until_over(there, **EUR).status == "done"
    euros.exact(there, "EUR")
    assert euros.money() == AFTER


def test_the_buys_wait_while_the_conversion_works(euros):
    euros.serve(hold=True)
    assert euros.run(plan(wish=CONVERT), settle=0.3, **EUR).status == "working"
    assert [symbol for (symbol,) in euros.ask("SELECT symbol FROM placed")] == ["EUR.USD"]
    assert euros.states() == {"EUR.USDS": OrderState.ACKED, "DDDB": PLANNED, "FFFB": PLANNED}


def test_nothing_is_bought_with_money_that_is_not_there(euros):
    """The conversion is refused, so the dollars are missing: no loan."""
    euros.serve(reject=1)
    assert euros.run(plan(wish=CONVERT), **EUR).status == "refused"
    assert euros.states()["EUR.USDS"] is REJECTED and euros.money() == {"EUR": D(100_000)}
    assert "minimum_cash: cash in USD after it would be -20003.00" in notes(euros)["DDD"]
    euros.agree("EUR")


def test_money_in_flight_is_spent_once(euros):
    euros.serve(hold=True)
    assert euros.run(plan(wish=(("SELL", "EUR.USD", 60_000),)), settle=0.3, **EUR).status == "working"
    assert euros.run(plan("p2", (("SELL", "EUR.USD", 40_001),)), settle=0.3, **EUR).status == "refused"
    assert "minimum_cash: cash in EUR" in notes(euros, "p2")["EUR.USD"]


def test_without_a_quote_of_the_pair_nothing_is_sent(euros):
    """What dollars are worth cannot be said: of shares to buy it is a refusal, of money that is there an outage."""
    euros.serve(no_quote=("EUR.USD",))
    small = plan(wish=(("BUY", "EEE", 1),))
    assert euros.run(small, **EUR).status == "refused"
    assert "fresh_rate: there is no fresh rate of USD in EUR" in notes(euros)["EEE"]
    euros.serve()
    assert euros.run(plan("p2", (("SELL", "EUR.USD", 1000),)), **EUR).status == "done"
    euros.serve(no_quote=("EUR.USD",))
    with pytest.raises(Outage, match="no rate of USD"):
        euros.run(plan("p3", (("BUY", "EEE", 1),)), **EUR)
    assert len(euros.accepted()) == 1


def test_slices_corrections_and_late_commissions_of_a_conversion(euros):
    euros.serve(slices=3, correct=1, commission_delay=0.3)
    assert euros.run(plan(wish=(("SELL", "EUR.USD", 1000),)), **EUR).status == "done"
    assert euros.money()["EUR"] == 100_000 - 1000 - D("1.60")
    euros.agree("EUR")


def test_the_account_opens_with_all_its_money(euros):
    deposit(euros.state, "USD", D("250.25"))
    euros.serve()
    assert euros.run(plan(wish=(("BUY", "EEE", 20),)), **EUR).status == "done"
    books = euros.ledger.account(ACCOUNT, "EUR")
    assert (books.cash, dict(books.foreign)) == (D(100_000), {"USD": D("250.25") - 20 * D("10.01") - 1})
    euros.agree("EUR")


def test_a_cent_that_is_missing_in_one_currency_halts(euros):
    euros.serve()
    assert euros.run(plan(wish=(("SELL", "EUR.USD", 1000),)), **EUR).status == "done"
    euros.stop_gateway()
    deposit(euros.state, "USD", D("-0.01"))
    euros.serve()
    with pytest.raises(Exception, match="cash USD: the ledger says"):
        euros.run(plan("p2", (("SELL", "EUR.USD", 1000),)), **EUR)
    assert euros.trading_state() is TradingState.HALTED


# ------------------------------------------------------------ short sales
def lending(cushion: float = 0.10, short: bool = True, hedge: str = "GGG"):
    """A dollar policy with a margin account, in which `hedge` may be sold short."""
    rules = policy()
    hedges = (HedgePolicy("beta", "beta", hedge, ceiling=0.05),)
    return replace(rules, margin=MarginPolicy(cushion=cushion), hedges=hedges, gate=replace(rules.gate, allow_short=short))


SHORT = (("SELL", "GGG", 10),)


def test_a_hedge_is_sold_short_and_bought_back(world):
    world.serve()
    small = plan(wish=SHORT)
    assert world.run(small, rules=lending()).status == "done"
    assert world.positions()["GGG"] == -10
    world.exact(small)
    world.ledger.set_trading_state(ACCOUNT, TradingState.REDUCING, "a drawdown", datetime(2024, 3, 14, tzinfo=UTC))
    more = plan("p2", (("SELL", "GGG", 1), ("BUY", "GGG", 11)))
    assert world.run(more, rules=lending()).status == "refused"
    assert world.run(plan("p3", (("BUY", "GGG", 10),)), rules=lending()).status == "done"
    assert "GGG" not in world.positions()
    world.agree()


@pytest.mark.parametrize(
    ("rules", "faults", "word"),
    [
        (policy(), {}, "no_short: selling 10 of 0"),
        (lending(short=False), {}, "no_short: selling 10 of 0"),
        (lending(hedge="FFF"), {}, "no_short: selling 10 of 0 would be short of GGG, which the policy wants"),
        (lending(cushion=0.99), {}, "margin_cushion: excess liquidity after it would be"),
        (lending(), {"no_previews": True}, "margin_cushion: the broker does not say"),
        (lending(), {"absurd_previews": True}, "margin_cushion: the broker does not say"),
    ],
    ids=["no margin", "not allowed", "not this one", "no cushion", "silent", "absurd"],
)
def test_a_short_sale_is_refused_without_leave_and_without_the_broker_s_word(world, monkeypatch, rules, faults, word):
    monkeypatch.setattr("brokers.ib.previews.PATIENCE", 0.3)
    world.serve(**faults)
    assert world.run(plan(wish=SHORT), rules=rules).status == "refused"
    assert world.accepted() == {} and word in notes(world)["GGG"]


def test_a_loan_may_be_as_deep_as_the_cushion(world):
    """100,000 in all, of which 20,000 is cash: 50,000 more of shares is a loan of 30,000."""
    world.serve()
    deep = plan(wish=(("BUY", "FFF", 125),))
    assert world.run(deep).status == "refused", "no loan without a margin account"
    again = replace(plan("p2"), lines=(line("BUY", "FFF", 125, "p2"),))
    assert world.run(again, rules=lending()).status == "done"
    assert world.cash() == 20_000 - 125 * D("400.04") - 1
    world.agree()
    assert world.run(plan("p3", (("BUY", "FFF", 125),)), rules=lending(0.80)).status == "refused"
    assert "margin_cushion" in notes(world, "p3")["FFF"]


def test_a_conversion_that_fails_becomes_no_loan_that_nobody_planned(euros):
    """The broker would lend the dollars: the account has a margin and the cushion holds."""
    euros.serve(reject=1)
    rules = replace(policy(text=EUROS), margin=MarginPolicy())
    assert euros.run(plan(wish=CONVERT), rules=rules, **EUR).status == "refused"
    assert euros.money() == {"EUR": D(100_000)} and "minimum_cash: cash in USD" in notes(euros)["DDD"]
    euros.serve()
    assert euros.run(plan("p2", CONVERT[1:2]), rules=rules, **EUR).status == "done", "this plan wants a loan in dollars"
    assert euros.money() == {"EUR": D(100_000), "USD": -100 * D("200.02") - 1}
    euros.agree("EUR")


def test_what_closes_asks_no_preview(world):
    world.serve(no_previews=True)
    began = time.monotonic()
    assert world.run(plan(wish=(("SELL", "AAA", 100),)), rules=lending()).status == "done"
    assert time.monotonic() - began < 5, "nobody waits for an answer that does not matter"


def test_a_put_is_bought_by_the_hundred_and_sold_again(world):
    world.serve()
    put, here = "AAA240621P00090000", market()
    last = here.quote(here.option(put, here.now)).last
    rules = replace(policy(), hedges=(HedgePolicy("floor", "put", "AAA", ceiling=0.05),))
    bought = replace(plan(), lines=(line("BUY", put, 3, price=str(last)),))
    assert world.run(bought).status == "refused", "this policy buys none"
    bought = replace(plan("p2"), lines=(line("BUY", put, 3, "p2", price=str(last)),))
    assert world.run(bought, rules=rules).status == "done"
    paid = world.ledger.executions(ACCOUNT, "p2")[0]
    assert (paid.symbol, paid.quantity) == (put, 3) and world.cash() == 20_000 - 300 * paid.price - paid.commission
    world.agree()
    sold = replace(plan("p3"), lines=(line("SELL", put, 3, "p3", price=str(last)),))
    assert world.run(sold).status == "done" and put not in world.positions()
    world.agree()


def test_the_child_of_these_tests_knows_the_pair():
    """The market that is handed to a process of its own has it."""
    from brokers.simulator.market import from_json, to_json

    world = from_json(json.loads(json.dumps(to_json(market()))))
    assert set(world.prices) == {*PRICES, "EUR.USD"} and world.prices["EUR.USD"] == D("1.25")
