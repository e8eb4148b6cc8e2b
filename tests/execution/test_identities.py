"""Whose money, and whose share: a policy that does not mean what the broker means writes nothing down."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from execution_trading import ACCOUNT, EUROS, market, open_state, plan, policy

from brokers.ib.broker import IBBroker
from brokers.reconcile import reconcile_account
from brokers.simulator.market import Listing
from brokers.view import value_in_base, wanted_short
from portfolio.errors import Refused
from portfolio.types import Account, HedgePolicy, TradingState
from tasks import doors, trade
from tasks.settings import settings
from tasks.summary import _costs

D = Decimal
SAP = {"SAP": "EUR"}


def look(world, currencies, currency="USD", named=()):
    desk = world.desk()
    units = {"currency": currency, "currencies": currencies}
    broker = IBBroker("127.0.0.1", world.port, 7, ACCOUNT, "paper", timeout=8.0, named=named, **units)
    desk = replace(desk, broker=broker, **units)

    async def ask():
        try:
            await broker.connect()
            return await reconcile_account(desk)
        finally:
            await broker.disconnect()

    return asyncio.run(asyncio.wait_for(ask(), 60))


def holding(world, symbol="SAP", quantity="10", unit="EUR"):
    """A dollar account that holds ten of SAP, in euros."""
    open_state(world.state, held={})
    with sqlite3.connect(world.state) as db:
        db.execute("INSERT INTO position VALUES (?, ?, '175')", (symbol, quantity))
    db.close()
    here = market()
    return world.serve(
        replace(
            here,
            listings=(*here.listings, Listing("SAP", "SAP SE", currency=unit, exchange="IBIS")),
            prices={**here.prices, "SAP": D(175)},
        )
    )


@pytest.mark.parametrize(("others", "named"), [({"SAP": "GBP"}, ()), ({}, ("SAP",))])
def test_a_policy_that_means_another_share_by_the_name_opens_and_halts_nothing(world, others, named):
    holding(world)
    with pytest.raises(Refused, match="SAP in EUR") as error:
        look(world, others, named=named)
    assert error.value.facts["unnamed"] == (("SAP", "EUR"),)
    assert not world.ledger.opened(ACCOUNT) and world.trading_state() is TradingState.UNRECONCILED
    assert look(world, SAP).state is TradingState.ACTIVE
    rows = len(list(world.ledger._rows()))
    with pytest.raises(Refused, match="SAP in EUR"):
        look(world, others, named=named)
    assert len(list(world.ledger._rows())) == rows, "nothing is written"
    assert look(world, SAP).state is TradingState.ACTIVE


def test_a_foreign_share_that_no_policy_names_is_booked_with_a_warning(world, closing):
    """Ten of SAP at 175 euros; a policy that names it later finds the same position under the same name."""
    holding(world)
    seen = look(world, {})
    assert (seen.state, seen.breaks, seen.picture.strays) == (TradingState.ACTIVE, (), SAP)
    assert seen.warnings == (
        "SAP is held in EUR and no policy of this desk names it: it is booked, and valued by the rate of EUR",
    )
    assert world.ledger.account(ACCOUNT, "USD").positions == {"SAP": 10}
    closed = closing(policy())
    assert closed["equity"] == 20_000 + 10 * 175 * D("1.25") and closed["warnings"] == list(seen.warnings)
    assert world.run(plan(wish=(("BUY", "EEE", 1),))).status == "done", "what is traded is not stopped by it"
    again = look(world, SAP)
    assert (again.state, again.breaks, again.warnings) == (TradingState.ACTIVE, (), ())


def test_a_share_in_a_currency_without_any_rate_is_booked_and_not_valued(world, closing):
    holding(world, unit="NOK")
    seen = look(world, {})
    assert seen.state is TradingState.ACTIVE and "no rate of NOK is known to value it by" in seen.warnings[0]
    with pytest.raises(Refused, match=r"The account has NOK \(it holds SAP in NOK\), and only USD, EUR"):
        closing(policy())
    with pytest.raises(Refused, match="it holds SAP in NOK"):
        world.run(plan(wish=(("BUY", "EEE", 1),)))
    assert world.accepted() == {} and world.ledger.account(ACCOUNT, "USD").positions == {"SAP": 10}


def test_two_shares_of_one_name_are_refused(world):
    """A dollar share and a euro share that both are called SAP: nobody can tell them apart in the books."""
    from brokers.ib.symbols import Symbols

    def share(number, unit):
        about = {"conId": number, "symbol": "SAP", "secType": "STK", "currency": unit, "localSymbol": "SAP"}
        return SimpleNamespace(**about)

    for first, second in (("EUR", "USD"), ("USD", "EUR")):
        names = Symbols("USD")
        assert names.ours(share(1, first)) == "SAP" and names.unnamed(share(1, first)) is None
        assert names.ours(share(2, second)) == f"SAP:STK:{second}" and names.unnamed(share(2, second)) == ("SAP", second)


def test_what_is_held_no_more_says_nothing(world):
    holding(world, quantity="0")
    assert look(world, {}).state is TradingState.ACTIVE


def test_a_policy_in_another_currency_than_the_account_is_refused(world):
    open_state(world.state, D(100_000), {}, "EUR")
    world.serve()
    with pytest.raises(Refused, match="kept in EUR at the broker, the policy's base_currency is USD"):
        look(world, {})
    assert not world.ledger.opened(ACCOUNT)
    with pytest.raises(Refused, match="kept in EUR"):
        world.run(plan())
    assert world.accepted() == {} and world.trading_state() is TradingState.UNRECONCILED
    assert look(world, {}, "EUR").picture.base == "EUR"


def test_cash_that_has_no_pair_is_refused_by_name():
    with pytest.raises(Refused, match="has SEK, and only USD, EUR"):
        value_in_base(Account({}, D(1000), "EUR", {"SEK": D("0.01")}), {})


@pytest.fixture
def closing(world, monkeypatch, tmp_path):
    """The books of the world's account, closed."""

    def close(rules, **terms):
        monkeypatch.setattr(doors, "open_ledger", lambda where: world.ledger)
        monkeypatch.setattr(doors, "open_desk", lambda where, rules, ledger: world.desk(**terms))
        monkeypatch.setattr("brokers.reconcile.BREAK_SECONDS", 0.5)
        where = replace(settings({"TRIMTAB_HOME": str(tmp_path)}), account=ACCOUNT)
        return trade.close_books(where, rules, datetime.now(UTC))

    return close


def kept(world, kind="reconcile") -> list[str]:
    return [row.body for row in world.ledger._rows() if row.kind == kind]


def test_books_close_with_their_breaks_where_the_broker_lacks_a_position(world, closing):
    world.serve()
    assert world.run(plan(wish=(("BUY", "EEE", 1),))).status == "done"
    world.stop_gateway()
    with sqlite3.connect(world.state) as db:
        db.execute("DELETE FROM position WHERE symbol = 'AAA'")
    db.close()
    world.serve()
    closed = closing(policy())
    assert closed["breaks"] == ["AAA: the ledger says 300, the broker 0"] and closed["state"] == "HALTED"
    assert closed["positions"]["AAA"] == 300 and "AAA" in kept(world)[-1]


def test_breaks_are_on_record_before_the_books_cannot_be_valued(world, closing):
    open_state(world.state, D(100_000), {}, "EUR")
    world.serve()
    assert world.run(plan(wish=(("SELL", "EUR.USD", 1000),)), currency="EUR").status == "done"
    world.ledger.adjustment(ACCOUNT, "dividend", None, D(0), D("11.00"), datetime(2024, 3, 14, tzinfo=UTC), "n", "SEK")
    with pytest.raises(Refused, match="SEK"):
        closing(policy(text=EUROS), currency="EUR")
    assert "cash SEK" in kept(world)[-1]


def test_only_hedges_that_sell_may_be_short():
    kinds = ("beta", "minimum_variance", "tail", "currency", "put")
    hedges = tuple(
        HedgePolicy(kind, kind, symbol, ceiling=0.05)
        for kind, symbol in zip(kinds, ("AAA", "BBB", "CCC", "EUR", "DDD"), strict=True)
    )
    assert wanted_short(replace(policy(), hedges=hedges)) == {"AAA", "BBB"}


def test_a_commission_without_a_rate_is_shown_apart(world):
    world.serve()
    assert world.run(plan(wish=(("BUY", "EEE", 1),))).status == "done"
    (fill,) = world.ledger.executions(ACCOUNT, "p1")
    lines = [{"symbol": "EEE", "price": "10", "currency": "USD", "rate": "1"}]
    assert _costs(lines, [fill], "USD") == {"commissions": 0.1, "slippage": 0.01}
    paid = replace(fill, commission=D(12), commission_currency="SEK")
    assert _costs(lines, [paid], "USD") == {"commissions": 0.0, "slippage": 0.01, "unrated": {"SEK": 12}}
    assert _costs(lines, [paid], "USD", {"SEK": D("0.1")}) == {"commissions": 1.2, "slippage": 0.01}


def test_a_put_that_nobody_quotes_is_booked_at_the_broker_s_mark(world, closing):
    """Three puts at what the gateway says of the position itself; a run that trades something else goes on."""
    put, here = "AAA240621P00090000", market()
    open_state(world.state, held={})
    with sqlite3.connect(world.state) as db:
        db.execute("INSERT INTO position VALUES (?, '3', '1')", (put,))
    db.close()
    world.serve(no_quote=(put,))
    assert look(world, {}).state is TradingState.ACTIVE
    mark = here.quote(here.option(put, here.now)).last
    closed = closing(policy())
    assert closed["equity"] == 20_000 + 300 * mark and closed["warnings"] == [
        f"{put} is valued at {mark}, the broker's own mark, for nobody quotes it"
    ]
    assert world.run(plan(wish=(("BUY", "EEE", 1),))).status == "done"
