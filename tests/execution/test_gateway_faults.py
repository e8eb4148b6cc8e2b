"""The gateway misbehaves; the plan is run again after each outage, as the flow does, and the result is exact."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

import pytest
from execution_trading import ACCOUNT, line, plan

from portfolio.errors import Outage, Refused
from portfolio.types import OrderState, TradingState

SHORT = (("SELL", "AAA", 200), ("BUY", "DDD", 50), ("BUY", "EEE", 300))


def soak(value: object):
    return pytest.param(value, marks=pytest.mark.soak)


LASTING = [  # faults that stay while the plan is run again
    {"drop_before_accept": 1, "from_order": 2},
    soak({"drop_before_accept": 3, "from_order": 1}),
    {"drop_after_accept": 1, "from_order": 2},
    {"drop_before_fill": 1, "from_order": 2},
    {"swallow": 2, "from_order": 2},
    {"preset": True},
    {"lost_filled": True, "duplicate_statuses": 2, "slices": 4},
    {"ack_delay": 0.3, "fill_delay": 0.2, "commission_delay": 0.8},
    {"lost_updates": True},
    soak({"id_reset": True}),
    {"correct": 3},
    soak({"own_executions_only": True}),
]


@pytest.mark.parametrize("faults", LASTING, ids=",".join)
def test_the_result_is_exact_under(world, faults):
    world.serve(**faults)
    small = plan(wish=SHORT)
    assert world.run_until_over(small, settle=1.5, quiet=0.4).status == "done"
    world.exact(small)


def test_an_order_that_shows_late_but_within_the_quiet_time(world):
    world.serve(invisible_seconds=1.2)
    small = plan(wish=SHORT)
    assert world.run_until_over(small, settle=0.5, quiet=1.6).status == "done"
    world.exact(small)


def test_negative_control_a_quiet_time_that_is_too_short_doubles_and_is_noticed(world):
    """The one constant that must be right. Where it is not, the double is seen, halts, and the books hold it."""
    world.serve(invisible_seconds=1.5)
    small = plan(wish=(("BUY", "EEE", 10),))
    ref = small.lines[0].ref
    with pytest.raises(Refused, match=f"order {ref} in EEE has permanent ids .* taken for lost") as caught:
        world.run(small, settle=0.3, quiet=0.2)
    assert caught.value.exit_code == 1 and world.trading_state() is TradingState.HALTED
    assert world.states() == {"EEEB": OrderState.UNKNOWN}
    time.sleep(1.6)  # until the last of them is visible and filled
    sent = world.accepted()
    with pytest.raises(Refused, match="HALTED"):
        world.run(small, quiet=0.2)
    assert world.accepted() == sent and len(sent[ref]) > 1, "the control did not double"
    assert world.positions()["EEE"] == 10 * len(sent[ref])
    world.agree()
    world.resume()
    with pytest.raises(Refused, match=f"order {ref} in EEE is UNKNOWN"):
        world.run(small, quiet=0.2)
    assert world.trading_state() is TradingState.ACTIVE and world.accepted() == sent


def test_a_restarted_gateway_rolls_its_ids_back_while_an_executor_is_killed(world):
    world.serve(process=True, id_reset=True)
    world.killed_at("after_ack", on=3)
    world.serve(process=True, id_reset=True)
    assert world.run_until_over().status == "done"
    world.exact()


@pytest.mark.parametrize(
    "point", [soak("before_accept"), "after_accept", soak("after_ack"), soak("before_fill"), soak("after_fill")]
)
def test_the_gateway_dies_in_the_middle_of_the_batch(world, point):
    world.serve(kill_at=point, kill_on=2)
    small = plan(wish=(*SHORT[1:], ("BUY", "GGG", 3)))
    with pytest.raises(Outage):
        world.run(small)
    with pytest.raises(Outage):
        world.run(small)
    world.serve()
    assert world.run_until_over(small).status == "done"
    world.exact(small)


def test_servers_lost_and_back_in_the_middle_of_the_batch(world):
    """1100, then 1102: what was to be sent in between is not, and a rerun completes it."""
    world.serve(notices=((0.55, 1100), (1.1, 1102)), fill_delay=0.2)
    small = plan(wish=tuple(("BUY", s, 1) for s in ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG")))
    with pytest.raises(Outage):
        world.run(small)
    world.serve()
    assert world.run_until_over(small).status == "done"
    world.exact(small)


def test_cut_off_by_the_message_limit(world):
    world.serve(messages_per_second=20)
    small = plan(wish=SHORT)
    with pytest.raises(Outage):
        world.run(small)
    world.serve()
    assert world.run_until_over(small).status == "done"
    world.exact(small)


def test_a_rejected_order_leaves_the_others_alone(world):
    world.serve(reject=1, from_order=2)
    assert world.run(plan(wish=SHORT)).status == "partly"
    assert world.states() == {"AAAS": OrderState.FILLED, "DDDB": OrderState.REJECTED, "EEEB": OrderState.FILLED}
    assert world.run(plan(wish=SHORT)).status == "partly", "a word of the broker is not asked for twice"
    assert len(world.accepted()) == 3
    world.agree()


def test_a_read_only_gateway_is_refused_and_nothing_is_sent(world):
    world.serve(read_only=True)
    with pytest.raises(Refused, match="read-only"):
        world.run()
    assert world.accepted() == {} and set(world.states().values()) == {OrderState.PLANNED}
    world.serve()
    assert world.run().status == "done"
    world.exact()


@pytest.mark.parametrize(
    "silent",
    [
        "positions",
        "open_orders",
        soak("completed_orders"),
        "executions",
        soak("account_updates_multi"),
        soak("current_time"),
        "market_data",
    ],
)
def test_no_answer_is_an_outage_and_never_flat(world, silent, monkeypatch):
    monkeypatch.setattr("brokers.ib.quotes.SLOWEST", 1.0)
    world.serve(unanswered=(silent,))
    with pytest.raises(Outage):
        world.run(timeout=0.7)
    assert world.accepted() == {} and set(world.states().values()) <= {OrderState.PLANNED}
    assert not world.ledger.opened(ACCOUNT) or world.ledger.account(ACCOUNT, "USD").positions


def test_a_late_commission_halts_nothing(world, monkeypatch):
    """Cash may differ by what a missing commission explains; the books are closed when it has come."""
    world.serve(commission_delay=60.0)
    small = plan(wish=(("BUY", "EEE", 300),))
    monkeypatch.setattr("brokers.reconcile.COMMISSION_SECONDS", 0.5)
    outcome = world.run(small)
    assert outcome.status == "done" and world.trading_state() is TradingState.ACTIVE
    assert [b.what for b in outcome.reconciled.breaks] == ["cash USD"]
    world.serve()
    assert world.run(small).reconciled.breaks == ()
    world.exact(small)


def test_held_orders_are_working_and_a_later_run_finishes_them(world):
    world.serve(hold=True)
    small = plan(wish=SHORT)
    assert world.run(small, settle=0.4).status == "working"
    assert world.states() == {"AAAS": OrderState.ACKED, "DDDB": OrderState.PLANNED, "EEEB": OrderState.PLANNED}
    assert world.run(small, settle=0.4).status == "working" and len(world.accepted()) == 1
    world.serve()
    assert world.run(small).status == "done"
    world.exact(small)


def test_a_partial_fill_whose_rest_is_cancelled_is_partly(world):
    from brokers.ib.broker import IBBroker

    world.serve(slices=5, fill_delay=1.0)
    small = plan(wish=(("BUY", "EEE", 100),))
    assert world.run(small, settle=1.3).status == "working"
    assert world.states() == {"EEEB": OrderState.PARTIAL}

    async def cancel() -> None:
        broker = IBBroker("127.0.0.1", world.port, 7, ACCOUNT, "paper", timeout=8)
        await broker.connect()
        perm_id = (await broker.picture()).orders[0].perm_id
        await broker.cancel(perm_id)
        await broker.settled([f"{small.lines[0].ref}#1"], 5)
        await broker.disconnect()

    asyncio.run(cancel())
    assert world.run(small).status == "partly"
    intent = world.ledger.intents(ACCOUNT, "p1")[0]
    assert intent.state is OrderState.CANCELLED and 0 < intent.filled < 100
    assert world.positions()["EEE"] == intent.filled
    world.agree()
    assert world.ledger.plan_status("p1") == "partly" and line("BUY", "EEE", 100).ref == intent.ref
    assert intent.filled % Decimal(20) == 0
