"""What lies in the account beside what anybody planned: money and shares of an eighth currency, and what nobody quotes."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.ib.broker import IBBroker
from brokers.simulator.market import Listing
from brokers.simulator.store import Store
from portfolio.types import OrderState, OrderTicket, Side

ACCOUNT = "DU1000001"
D = Decimal
PUT = "SPY240621P00500000"


def holding(path: Path, positions: dict[str, int] | None = None, money: dict[str, int] | None = None, cost: str = "10") -> None:
    """A gateway's state file of an account that a hand has traded in."""
    Store(path, ACCOUNT, D(1_000_000), "USD").close()
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO position VALUES (?, ?, ?)", [(s, str(q), cost) for s, q in (positions or {}).items()])
        db.executemany("INSERT INTO money VALUES (?, ?)", [(c, str(amount)) for c, amount in (money or {}).items()])
    db.close()


@pytest.fixture
def talk(gateway):
    """Run a dialogue with a broker that trades US shares in dollars and knows nothing else."""

    def run(dialogue, named=frozenset(), currencies=None, **terms):
        async def whole():
            async with gateway(**terms) as port:
                words = {"currency": "USD", "currencies": currencies or {}, "named": named}
                broker = IBBroker("127.0.0.1", port, 7, ACCOUNT, "paper", timeout=10.0, **words)
                await broker.connect()
                try:
                    return await dialogue(broker)
                finally:
                    await broker.disconnect()

        return asyncio.run(asyncio.wait_for(whole(), 60))

    return run


async def deal(broker, symbol, quantity, ref="a1#1", side=Side.BUY) -> bool:
    contract = (await broker.contracts([symbol]))[symbol]
    await broker.place(OrderTicket(ref, broker.next_order_id(1), ACCOUNT, contract, side, D(quantity), "market"))
    return await broker.settled([ref], 5)


def nordic(market):
    """The market with a share in a currency of which it has no pair."""
    share = Listing("NHY", "Norsk Hydro", currency="NOK", exchange="OSE")
    return replace(market, listings=(*market.listings, share), prices={**market.prices, "NHY": D("60")})


# ------------------------------------------------------------ an eighth currency
def test_money_and_shares_of_an_eighth_currency_are_told_and_count_for_nothing(talk, market, tmp_path):
    holding(tmp_path / "state.sqlite", {"NHY": 50}, {"NOK": 700})

    async def dialogue(broker):
        done = await deal(broker, "SPY", 1)
        return done, await broker.picture()

    done, picture = talk(dialogue, world=nordic(market))
    assert done and picture.positions["NHY"] == 50 and picture.cash["NOK"] == 700
    assert picture.net_liquidation == picture.cash["USD"] + D("512.40"), "what is no rate of counts for nothing"


def test_an_order_in_an_eighth_currency_is_refused_in_one_sentence(talk, market):
    async def dialogue(broker):
        await deal(broker, "NHY", 1)
        (order,) = (await broker.picture()).orders
        return order, await deal(broker, "SPY", 1, "b2#1")

    order, lives = talk(dialogue, world=nordic(market), currencies={"NHY": "NOK"})
    assert order.state is OrderState.REJECTED and "No market price" in order.reason and lives


# ------------------------------------------------------------ what nobody quotes
def test_a_position_that_nobody_quotes_has_the_broker_s_own_mark(talk, market, tmp_path):
    """IB tells a market price with each position, per share of what an option is on; it is no price to deal at."""
    holding(tmp_path / "state.sqlite", {PUT: 3, "SPY": 5}, cost="4")

    async def dialogue(broker):
        return await broker.quotes([PUT, "SPY", "AAPL"])

    told = talk(dialogue, no_quote=(PUT, "SPY"))
    last = market.quote(market.option(PUT, market.now)).last
    assert {s: (q.mark, q.dealable, q.worth, q.currency) for s, q in told.items() if s != "AAPL"} == {
        PUT: (last, None, last, "USD"), "SPY": (D("512.40"), None, D("512.40"), "USD"),
    }  # fmt: skip
    assert told["AAPL"].mark is None and told["AAPL"].dealable == D("173.00")
    assert abs((told[PUT].time - told["AAPL"].time).total_seconds()) < 10, "on the broker's clock"


def test_what_is_quoted_has_no_mark_and_what_is_not_held_neither(talk, tmp_path):
    holding(tmp_path / "state.sqlite", {"SPY": 5}, cost="4")

    async def dialogue(broker):
        return await broker.quotes(["SPY", "AAPL"])

    told = talk(dialogue, no_quote=("AAPL",))
    assert set(told) == {"SPY"} and told["SPY"].mark is None


def test_what_is_bought_now_is_marked_and_what_is_sold_no_more(talk, tmp_path):
    holding(tmp_path / "state.sqlite", {"AAPL": 1}, cost="4")

    async def dialogue(broker):
        bought, sold = await deal(broker, "SPY", 1), await deal(broker, "AAPL", 1, "b2#1", Side.SELL)
        return bought, sold, await broker.quotes(["SPY", "AAPL"])

    bought, sold, told = talk(dialogue, no_quote=("SPY", "AAPL"))
    assert bought and sold and {s: q.mark for s, q in told.items()} == {"SPY": D("512.40")}


def test_a_portfolio_line_is_told_as_ib_tells_it(gateway, tmp_path):
    """Value and average cost of an option are of its hundred shares, the price is of one: read by ib_insync itself."""
    library = pytest.importorskip("ib_insync", reason="the environment under test carries ib_async")
    holding(tmp_path / "state.sqlite", {PUT: 3, "SPY": 5}, cost="4")

    async def whole():
        async with gateway() as port:
            ib = library.IB()
            await ib.connectAsync("127.0.0.1", port, clientId=5, timeout=10)
            try:
                return ib.portfolio(), ib.positions()
            finally:
                ib.disconnect()

    lines, positions = asyncio.run(asyncio.wait_for(whole(), 30))
    told = {one.contract.secType: one for one in lines}
    put, share = told["OPT"], told["STK"]
    assert put.marketValue == pytest.approx(3 * 100 * put.marketPrice) and put.averageCost == 400
    assert put.unrealizedPNL == pytest.approx(put.marketValue - 3 * 400)
    assert (share.marketValue, share.averageCost) == (pytest.approx(5 * 512.40), 4)
    assert {p.contract.secType: p.avgCost for p in positions} == {"OPT": 400, "STK": 4}


def test_marks_come_too_where_the_login_has_several_accounts(talk, monkeypatch, tmp_path):
    """The library asks for the lines of a portfolio by itself only where there is one account."""
    from brokers.simulator import answers
    from brokers.simulator.wire import frame

    def two(gateway, session, fields):
        session.send(frame(15, 1, f"{ACCOUNT},DU1000002"))

    monkeypatch.setattr(answers, "managed_accounts", two)
    holding(tmp_path / "state.sqlite", {"SPY": 5}, cost="4")

    async def dialogue(broker):
        return await broker.quotes(["SPY"])

    assert talk(dialogue, no_quote=("SPY",))["SPY"].mark == D("512.40")
