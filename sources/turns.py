"""Whose turn it is: one line of waiting a vendor, over all threads of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_turns: dict[str, float] = {}  # address -> the next free turn, monotonic seconds
_guard = threading.Lock()


def wait_turn(base: str, pace: float, sleep: Callable[[float], None]) -> None:
    """Wait until it is our turn at `base`; turns lie 1 / `pace` seconds apart, so that requests are spread evenly."""
    with _guard:
        turn = max(time.monotonic(), _turns.get(base, 0.0))
        _turns[base] = turn + 1.0 / pace
    pause = turn - time.monotonic()
    if pause > 0:
        sleep(pause)


def stay_away(base: str, seconds: float) -> None:
    """Nobody who is not waiting yet gets a turn at `base` before then."""
    with _guard:
        _turns[base] = max(_turns.get(base, 0.0), time.monotonic() + seconds)
