"""The executor is killed at a named point, and run again: the result is exact, whatever the point."""

from __future__ import annotations

import pytest

POINTS = (
    "before_intent",
    "after_sending",
    "after_bytes",
    "after_ack",
    "after_fill",
    pytest.param("between_book_and_state", marks=pytest.mark.soak),
    "before_finish",
)


@pytest.mark.parametrize("point", POINTS)
def test_killed_once_and_run_twice(world, point):
    world.serve(process=True)
    world.killed_at(point, on=1 if point == "before_finish" else 4)
    assert world.run_until_over().status == "done"
    world.exact()
    rows = world.ledger.verify().rows
    assert world.run_until_over().status == "done"
    world.exact()
    kinds = {row.kind for row in world.ledger._rows() if row.seq > rows}
    assert kinds <= {"epoch"}, "the second run writes nothing but that it was there"
