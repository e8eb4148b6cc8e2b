"""What a piece of work takes."""

from __future__ import annotations

import time
from collections.abc import Callable

ROUNDS = 5


def spent(work: Callable[[], object]) -> float:
    """Seconds of CPU, the least of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)
