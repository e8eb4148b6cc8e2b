"""Trades that are not ours, and differences that nothing explains."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from execution_trading import ACCOUNT, market, plan, set_position

from brokers.ib.broker import IBBroker
from brokers.reconcile import reconcile_account
from portfolio.errors import Refused
from portfolio.types import BrokerPicture, OrderState, OrderTicket, Side, TradingState

SMALL = (("SELL", "AAA", 100), ("BUY", "EEE", 100))


def look(desk):
    async def ask():
        try:
            await desk.broker.connect()
            return await reconcile_account(desk)
        finally:
            await desk.broker.disconnect()

    return asyncio.run(asyncio.wait_for(ask(), 60))


def by_hand(world, symbol: str, quantity: int, kind: str = "market", limit: str | None = None) -> None:
    """Somebody trades in the same account with another client."""

    async def trade() -> None:
        broker = IBBroker("127.0.0.1", world.port, 99, ACCOUNT, "paper", timeout=8)
        await broker.connect()
        contract = (await broker.contracts([symbol]))[symbol]
        price = Decimal(limit) if limit else None
        side = Side.BUY if quantity > 0 else Side.SELL
        await broker.place(
            OrderTicket("hand", broker.next_order_id(1), ACCOUNT, contract, side, Decimal(abs(quantity)), kind, price)
        )
        await broker.settled(["hand"], 3 if limit is None else 0.3)
        await broker.disconnect()

    asyncio.run(trade())


def test_a_trade_by_hand_reduces_until_somebody_resumes(world):
    world.serve()
    assert look(world.desk()).state is TradingState.ACTIVE
    by_hand(world, "BBB", -40)
    seen = look(world.desk())
    assert (seen.state, seen.breaks) == (TradingState.REDUCING, ())
    world.agree()
    assert world.run(plan(wish=SMALL)).status == "partly"
    assert world.states() == {"AAAS": OrderState.FILLED, "EEEB": OrderState.REJECTED}, "only what brings it closer to cash"
    world.resume()
    assert look(world.desk()).state is TradingState.ACTIVE, "what was booked is not new"
    assert world.run(plan("p2", wish=SMALL)).status == "done"
    world.agree()


def test_an_open_order_of_somebody_else_is_noticed(world):
    world.serve()
    look(world.desk())
    by_hand(world, "BBB", 10, "limit", "40.00")
    assert look(world.desk()).state is TradingState.REDUCING
    assert "BUY 10 BBB is open" in list(world.ledger._rows())[-1].body


def test_trades_of_the_day_before_the_first_meeting_are_part_of_the_opening(world):
    world.serve()
    by_hand(world, "BBB", -40)
    assert look(world.desk()).state is TradingState.ACTIVE
    world.agree()


def test_an_opening_that_is_interrupted_is_done_again(world, monkeypatch):
    world.serve()
    by_hand(world, "BBB", -40)
    with monkeypatch.context() as patch:
        patch.setattr(type(world.ledger), "open_account", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            look(world.desk())
    assert look(world.desk()).state is TradingState.ACTIVE
    world.agree()


def test_a_difference_that_nothing_explains_halts_and_is_named(world, monkeypatch):
    monkeypatch.setattr("brokers.reconcile.BREAK_SECONDS", 0.6)
    world.serve()
    assert world.run(plan(wish=SMALL)).status == "done"
    world.stop_gateway()
    set_position(world.state, "CCC", 499)
    world.serve()
    with pytest.raises(Refused, match="CCC: the ledger says 500, the broker 499"):
        world.run(plan("p2", wish=SMALL))
    assert world.trading_state() is TradingState.HALTED and set(world.states("p2").values()) == {OrderState.PLANNED}
    with pytest.raises(Refused, match="HALTED"):
        world.run(plan("p2", wish=SMALL))
    world.resume()
    with pytest.raises(Refused, match="CCC"):
        world.run(plan("p2", wish=SMALL))
    world.ledger.adjustment(ACCOUNT, "by hand", "CCC", Decimal(-1), Decimal(0), datetime(2024, 3, 14, tzinfo=UTC), "given away")
    world.resume()
    assert world.run(plan("p2", wish=SMALL)).status == "done"
    world.agree()


def test_a_split_of_what_is_held_stops_trading_until_a_person_has_entered_it(world, monkeypatch):
    """Four for one overnight: nobody sells the old count of shares, or buys what the split has brought already."""
    monkeypatch.setattr("brokers.reconcile.BREAK_SECONDS", 0.6)
    world.serve()
    assert look(world.desk()).state is TradingState.ACTIVE
    world.stop_gateway()
    set_position(world.state, "CCC", 4 * 500)
    world.serve(market(prices={"CCC": "5.00"}))
    after = plan(wish=(("SELL", "CCC", 1000), ("BUY", "EEE", 10)), prices="10.00")
    after = replace(after, lines=(replace(after.lines[0], price=Decimal("5.00")), after.lines[1]))
    with pytest.raises(Refused, match="CCC: the ledger says 500, the broker 2000"):
        world.run(after)
    assert world.trading_state() is TradingState.HALTED and world.accepted() == {}
    world.ledger.adjustment(ACCOUNT, "split", "CCC", Decimal(1500), Decimal(0), datetime(2024, 3, 14, tzinfo=UTC), "4:1")
    world.resume()
    assert world.run(after).status == "done"
    world.agree()
    assert world.positions()["CCC"] == 1000


class Lagging(IBBroker):
    """A gateway whose account values follow the fills some seconds later, as IB's do."""

    seconds = 0.0

    async def picture(self) -> BrokerPicture:
        from dataclasses import replace

        told = await super().picture()
        now = asyncio.get_running_loop().time()
        held = self.__dict__.setdefault("_held", (told.cash, now))
        if told.cash == held[0]:
            self._held = (told.cash, now)
        elif now - held[1] < self.seconds:
            return replace(told, cash=held[0])
        return told


@pytest.mark.parametrize(("seconds", "state"), [(2.0, TradingState.ACTIVE), (30.0, TradingState.HALTED)])
def test_cash_that_lags_a_fill_is_looked_at_again_for_a_bounded_time(world, monkeypatch, seconds, state):
    if state is TradingState.HALTED:
        monkeypatch.setattr("brokers.reconcile.BREAK_SECONDS", 1.0)
    monkeypatch.setattr(Lagging, "seconds", seconds)
    world.serve()
    small = plan(wish=SMALL[1:])
    if state is TradingState.ACTIVE:
        assert world.run(small, broker=Lagging).status == "done"
        return world.exact(small)
    with pytest.raises(Refused, match="cash USD: the ledger says"):
        world.run(small, broker=Lagging)
    assert world.trading_state() is state
    assert world.ledger.plan_status("p1") == "done", "what was dealt is on record"
    return None
