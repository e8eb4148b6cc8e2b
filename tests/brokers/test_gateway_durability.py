"""The gateway is killed with SIGKILL and goes on: what it took is filled, once; ids are never given twice."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from decimal import Decimal

import pytest

from brokers.ib.broker import IBBroker
from portfolio.errors import Outage, Refused
from portfolio.types import OrderState, OrderTicket, Side

ACCOUNT = "DU1000001"


async def _send(port: int, refs: list[str], seconds: float = 3.0) -> bool:
    """Place one order a reference and wait for them; False where the gateway went away meanwhile."""
    broker = IBBroker("127.0.0.1", port, 7, ACCOUNT, "paper", timeout=10)
    try:
        await broker.connect()
        await broker.picture()
        contract = (await broker.contracts(["SPY"]))["SPY"]
        for ref in refs:
            number = broker.next_order_id(1)
            await broker.place(OrderTicket(ref, number, ACCOUNT, contract, Side.BUY, Decimal(3), "adaptive"))
        return await broker.settled(refs, seconds)
    except Outage:
        return False
    finally:
        await broker.disconnect()


async def _look(port: int):
    broker = IBBroker("127.0.0.1", port, 7, ACCOUNT, "paper", timeout=10)
    try:
        await broker.connect()
        return await broker.picture()
    finally:
        await broker.disconnect()


@pytest.mark.parametrize(
    ("point", "arrives"),
    [("before_accept", False), ("after_accept", True), ("after_ack", True), ("before_fill", True), ("after_fill", True)],
)
def test_a_kill_at_every_point(start_gateway, point, arrives):
    first = start_gateway(kill_at=point, kill_on=2)
    assert asyncio.run(_send(first.port, ["a#1", "b#1"])) is False
    assert first.process.wait(10) == 137
    second = start_gateway()
    asyncio.run(asyncio.sleep(0.3))
    picture = asyncio.run(_look(second.port))
    refs = sorted(execution.order_ref for execution in picture.executions)
    assert refs == (["a#1", "b#1"] if arrives else ["a#1"])
    assert {order.state for order in picture.orders} == {OrderState.FILLED}
    shares = Decimal(3) * len(refs)
    assert picture.positions == {"SPY": shares}
    fees = Decimal("1.00") * len(refs)
    assert picture.cash["USD"] == 1_000_000 - shares * Decimal("512.46") - fees


def test_ids_are_never_given_twice(start_gateway):
    seen: list[int] = []
    for number in range(3):
        gateway = start_gateway()
        assert asyncio.run(_send(gateway.port, [f"r{number}#1"]))
        picture = asyncio.run(_look(gateway.port))
        seen = [order.perm_id for order in picture.orders]
        gateway.kill()
    assert len(seen) == len(set(seen)) == 3 and len({e.exec_id for e in picture.executions}) == 3


def test_a_kill_in_the_middle_of_slices(start_gateway):
    first = start_gateway(slices=3, kill_at="after_fill", kill_on=2)
    assert asyncio.run(_send(first.port, ["s#1"])) is False
    second = start_gateway(slices=3)
    asyncio.run(asyncio.sleep(0.3))
    picture = asyncio.run(_look(second.port))
    assert [execution.quantity for execution in picture.executions] == [1, 1, 1]
    assert sum(execution.commission for execution in picture.executions) == Decimal("1.00")


def test_a_held_order_is_filled_by_the_next_gateway(start_gateway):
    first = start_gateway(hold=True)
    assert asyncio.run(_send(first.port, ["h#1"], seconds=0.3)) is False
    first.kill()
    second = start_gateway()
    asyncio.run(asyncio.sleep(0.3))
    assert asyncio.run(_look(second.port)).orders[0].state is OrderState.FILLED


def test_two_gateways_on_one_file(gateway):
    async def whole():
        async with gateway(), gateway():
            raise AssertionError("both run")

    with pytest.raises(Refused, match="Another gateway"):
        asyncio.run(whole())


def test_the_state_file_is_sound_and_durable(start_gateway, tmp_path):
    running = start_gateway()
    assert asyncio.run(_send(running.port, ["a#1"]))
    running.kill()
    with sqlite3.connect(tmp_path / "process.sqlite") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("SELECT count(*) FROM fill").fetchone() == (1,)


def test_the_process_ends_with_its_parent(start_gateway):
    running = start_gateway()
    running.process.stdin.close()
    assert running.process.wait(10) == 0


def test_a_taken_port_is_said_even_while_the_parent_is_listened_to(start_gateway, tmp_path):
    """The thread that waits on standard input must not turn the end into a fatal error of the interpreter."""
    port = start_gateway().port
    words = ["--market", str(tmp_path / "market.json"), "--state", str(tmp_path / "second.sqlite"), "--exit-with-parent"]
    command = [sys.executable, "-m", "brokers.simulator", *words, "--port", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as second:
        assert second.wait(30) == 3
        said = second.stderr.read().strip()
    assert said.startswith(f"The gateway cannot listen on 127.0.0.1:{port}: ") and said.endswith("Give another port.")


def test_an_unknown_fault_is_wrong_use():
    words = [sys.executable, "-m", "brokers.simulator", "--market", "x", "--state", "y", "--faults", '{"swalow": 1}']
    run = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode == 2 and "swalow" in run.stderr
