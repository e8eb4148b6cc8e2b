"""A broker that does not answer a what-if is not asked again for the rest of the plan: waiting is bounded in total."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from execution_trading import ACCOUNT, plan, policy

from brokers.ib.broker import IBBroker
from portfolio.errors import Refused
from portfolio.types import HedgePolicy, MarginPolicy, OrderState

WISH = (("SELL", "GGG", 10), ("BUY", "EEE", 3), ("BUY", "DDD", 1), ("BUY", "FFF", 1))
PATIENCE = 1.0


def lent():
    rules = policy()
    hedges = (HedgePolicy("beta", "beta", "GGG", ceiling=0.05),)
    return replace(rules, margin=MarginPolicy(cushion=0.1), hedges=hedges, gate=replace(rules.gate, allow_short=True))


def watched(asked: list[str]) -> type[IBBroker]:
    class Watched(IBBroker):
        async def what_if(self, ticket):
            asked.append(ticket.contract.symbol)
            return await super().what_if(ticket)

    return Watched


def notes(world) -> dict[str, str]:
    return {i.symbol: i.note for i in world.ledger.intents(ACCOUNT, "p1")}


@pytest.mark.parametrize("fault", ["no_previews", "absurd_previews"])
def test_after_the_first_silence_nobody_waits_again(world, monkeypatch, fault):
    """One of the sells and three buys: the stages share what was learnt."""
    monkeypatch.setattr("brokers.ib.previews.PATIENCE", PATIENCE)
    world.serve(**{fault: True})
    asked, began = [], time.monotonic()
    assert world.run(plan(wish=WISH), rules=lent(), broker=watched(asked)).status == "refused"
    assert asked == ["GGG"] and time.monotonic() - began < 3 * PATIENCE + 5
    assert world.accepted() == {} and set(world.states().values()) == {OrderState.REJECTED}
    told = notes(world)
    assert "margin_cushion: the broker does not say what GGG would do to the margin" in told["GGG"]
    own = "so it was not asked about the rest of this plan, of which nothing that opens a position is sent"
    assert all(own in told[symbol] for symbol in ("EEE", "DDD", "FFF")) and "not asked about" not in told["GGG"]


def test_another_run_asks_anew(world, monkeypatch):
    monkeypatch.setattr("brokers.ib.previews.PATIENCE", 0.3)
    world.serve(no_previews=True)
    assert world.run(plan(wish=WISH[1:2]), rules=lent()).status == "refused"
    world.serve()
    assert world.run(plan("p2", WISH[1:3]), rules=lent()).status == "done"


def test_a_refusal_is_an_answer(world):
    """What the broker would not take is said of that order alone: the next one is asked."""
    asked: list[str] = []

    class Choosy(watched(asked)):  # type: ignore[misc]
        async def what_if(self, ticket):
            told = await super().what_if(ticket)
            if ticket.contract.symbol == "EEE":
                raise Refused("The broker refused the preview: 201, no.", "Correct the order.", code=201)
            return told

    world.serve()
    assert world.run(plan(wish=WISH[1:]), rules=lent(), broker=Choosy).status == "partly"
    assert asked == ["EEE", "DDD", "FFF"] and "201" in notes(world)["EEE"]
