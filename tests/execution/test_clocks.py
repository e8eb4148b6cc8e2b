"""A local clock that is wrong: limits in time are the broker's, so it neither stops an order nor lets a late one through."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import cycle

import pytest
from execution_trading import NOW, job, market, plan

from brokers.executor import execute
from portfolio.types import OrderState

SMALL = (("SELL", "AAA", 100), ("BUY", "EEE", 100))
HOUR = timedelta(hours=1)


class WrongClock:
    """Says these moments one after the other, and from the beginning again."""

    def __init__(self, *moments: datetime) -> None:
        self._moments = cycle(moments)

    def now(self) -> datetime:
        return next(self._moments)


CLOCKS = {
    "an hour ahead": [NOW + HOUR],
    "an hour behind": [NOW - HOUR],
    "backwards, forwards and over midnight": [
        NOW,
        NOW - HOUR,
        datetime(2024, 3, 14, 23, 59, 59, 999_999, UTC),
        datetime(2024, 3, 15, tzinfo=UTC),
    ],
}


def run(world, clock: WrongClock, what):
    desk = replace(world.desk(), clock=clock)
    return asyncio.run(asyncio.wait_for(execute(job(desk, what)), 60))


@pytest.mark.parametrize("moments", CLOCKS.values(), ids=CLOCKS)
def test_what_the_local_clock_says_moves_no_order(world, moments):
    """The session is open, the quotes are fresh and the plan is of today: by the broker's clock."""
    world.serve()
    small = plan(wish=SMALL)
    assert run(world, WrongClock(*moments), small).status == "done"
    world.exact(small)


def test_a_plan_is_over_with_the_brokers_session_whatever_the_local_clock_says(world):
    world.serve()
    old = plan(wish=SMALL, session=date(2024, 3, 13))
    assert run(world, WrongClock(datetime(2024, 3, 13, 15, tzinfo=UTC)), old).status == "expired"
    assert set(world.states().values()) == {OrderState.EXPIRED} and world.accepted() == {}


def test_after_the_close_nothing_is_sent_whatever_the_local_clock_says(world):
    world.serve(market(NOW.replace(hour=19, minute=59, second=59)))
    assert run(world, WrongClock(NOW), plan(wish=SMALL)).status == "refused"
    assert world.accepted() == {}
