"""The ledger's writes fail, each in its turn: nothing is sent without a durable intent, and a rerun is exact."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from execution_trading import ACCOUNT, plan

from portfolio.errors import Outage
from portfolio.types import OrderState
from warehouse.ledger import open_ledger
from warehouse.ledger.ledger import SqlLedger

SMALL = (("SELL", "AAA", 100), ("BUY", "EEE", 100), ("BUY", "GGG", 5))
WRITES = 13  # of a run of SMALL without a fault, see the last test


class Failing(SqlLedger):
    """The n-th write does not happen, or (`after`) happens and is reported as failed; with `for_good` also every later one."""

    count, fails_at, after, for_good = 0, 0, False, False

    @contextmanager
    def writing(self):
        self.count += 1
        bad = self.count == self.fails_at or (self.for_good and self.count > self.fails_at > 0)
        if bad and not self.after:
            raise Outage("The disk is full.", "Make room.")
        with super().writing() as con:
            yield con
        if bad:
            raise Outage("The disk is full, or so it said.", "Make room.")


@pytest.fixture
def failing(world):
    made = Failing(open_ledger(world.url)._engine)
    yield made
    made.close()


def durable(world) -> None:
    """Each order at the broker was written down, with its number, before."""
    sent = {i.ref: i for i in world.ledger.intents(ACCOUNT) if i.state is not OrderState.PLANNED}
    for ref, order_id in world.ask("SELECT ref, order_id FROM placed"):
        name, attempt = ref.split("#")
        assert any((e["attempt"], e["order_id"]) == (int(attempt), order_id) for e in world.ledger.history(name)) and name in sent


EVERY = [pytest.param(n, marks=() if n % 4 == 2 else pytest.mark.soak) for n in range(1, WRITES + 1)]


@pytest.mark.parametrize(
    "kind", ["once", pytest.param("for good", marks=pytest.mark.soak), pytest.param("lied", marks=pytest.mark.soak)]
)
@pytest.mark.parametrize("number", EVERY)
def test_when_the_nth_write_fails(world, failing, number, kind):
    world.serve()
    failing.fails_at, failing.for_good, failing.after = number, kind == "for good", kind == "lied"
    with pytest.raises(Outage, match="disk is full"):
        world.run(plan(wish=SMALL), ledger=failing)
    durable(world)
    assert world.run_until_over(plan(wish=SMALL)).status == "done"
    world.exact(plan(wish=SMALL))


def test_a_disk_that_is_full_from_the_first_intent_on_sends_nothing(world, failing):
    world.serve()
    with pytest.MonkeyPatch.context() as patch:

        def full(*_words, **_more):
            raise Outage("The disk is full.", "Make room.")

        patch.setattr(Failing, "sending", full)
        with pytest.raises(Outage):
            world.run(plan(wish=SMALL), ledger=failing)
    assert world.accepted() == {} and set(world.states().values()) == {OrderState.PLANNED}


def test_how_many_writes_a_run_makes(world, failing):
    world.serve()
    assert world.run(plan(wish=SMALL), ledger=failing).status == "done"
    assert failing.count >= WRITES, failing.count
