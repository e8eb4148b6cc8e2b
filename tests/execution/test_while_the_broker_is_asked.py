"""What happens while the broker is asked what an order would do: the account is halted, or the quotes age."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from execution_trading import ACCOUNT, SystemClock, plan, policy

from brokers.ib.broker import IBBroker
from portfolio.errors import Refused
from portfolio.types import MarginPolicy, OrderState, TradingState

WISH = (("BUY", "EEE", 3000), ("BUY", "DDD", 1))  # more than is closed, so that a margin account asks


def slow(seconds: float, before=lambda: None) -> type[IBBroker]:
    """A gateway that takes its time over a preview."""

    class Slow(IBBroker):
        async def what_if(self, ticket):
            told = await super().what_if(ticket)
            before()
            await asyncio.sleep(seconds)
            return told

    return Slow


def lent(gate: str = ""):
    return replace(policy(gate), margin=MarginPolicy(cushion=0.1))


def test_a_halt_during_a_preview_stops_the_order_within_a_second(world):
    world.serve()
    halted: list[float] = []

    def halt() -> None:
        world.ledger.set_trading_state(ACCOUNT, TradingState.HALTED, "kill switch", SystemClock().now())
        halted.append(time.monotonic())

    with pytest.raises(Refused, match="HALTED"):
        world.run(plan(wish=WISH), rules=lent(), broker=slow(5.0, halt))
    assert time.monotonic() - halted[0] < 1.5, "nobody waits for the answer"
    assert world.accepted() == {} and set(world.states().values()) == {OrderState.PLANNED}


def test_a_halt_with_the_last_word_of_a_preview_stops_the_order(world):
    """The answer is there at once: there is no beat in between."""
    world.serve()
    halt = lambda: world.ledger.set_trading_state(ACCOUNT, TradingState.HALTED, "kill switch", SystemClock().now())  # noqa: E731
    with pytest.raises(Refused, match="HALTED"):
        world.run(plan(wish=WISH), rules=lent(), broker=slow(0.0, halt))
    assert world.accepted() == {} and world.trading_state() is TradingState.HALTED


def test_a_quote_that_aged_during_a_preview_is_asked_for_again(world):
    world.serve()
    asked: list[float] = []

    class Watched(slow(2.0)):  # type: ignore[misc]
        async def quotes(self, symbols):
            asked.append(time.monotonic())
            return await super().quotes(symbols)

        async def place(self, ticket):
            assert time.monotonic() - asked[-1] < 1.5, "by a quote younger than the policy's limit"
            await super().place(ticket)

    assert world.run(plan(wish=WISH[:1]), rules=lent("max_quote_age = 1.5"), broker=Watched).status == "done"
    assert len(asked) == 2
