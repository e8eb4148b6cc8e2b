"""The same plan from two processes, and an executor that was stopped and comes back."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest


def told(process) -> dict:
    output, _ = process.communicate(timeout=60)
    return json.loads(output.splitlines()[-1])


def until_stopped(process) -> None:
    """Wait until the child has stopped itself (T in its state), for ten seconds at the most."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert process.poll() is None and time.monotonic() < deadline, "the child did not stop itself"
        time.sleep(0.02)


@pytest.mark.parametrize("clients", [(7, 7), (7, 8)], ids=["one client id", "two client ids"])
def test_two_at_once_make_one_set_of_orders(world, clients):
    world.serve(process=True, fill_delay=0.1)
    children = [world.child(client=client) for client in clients]
    for child in children:
        assert told(child).get("status", "done") in {"done", "working"}
    assert world.run_until_over().status == "done"
    world.exact()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see that a process has stopped")
@pytest.mark.parametrize("point", [pytest.param("before_intent", marks=pytest.mark.soak), "after_sending", "after_bytes"])
def test_a_stopped_executor_that_comes_back_sends_nothing(world, point):
    world.serve(process=True)
    old = world.child(point=point, on=2, how="stop", quiet=1.6)
    until_stopped(old)
    assert world.run(client=8, quiet=1.6).status == "done"
    world.exact()
    os.kill(old.pid, signal.SIGCONT)
    answer = told(old)
    assert answer.get("trouble") == "refused" and "taken over" in answer["words"], answer
    assert world.run(client=8).status == "done"
    world.exact()
