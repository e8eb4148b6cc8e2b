"""One writer at a time over processes: DuckLake has no unique keys, so who merges must see all that others merged.

Both locks die with the process that holds them: a SIGKILL leaves nothing to clean.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from portfolio.errors import Outage

KEYS = {"write": 0x7472_696D_7461_6201, "open": 0x7472_696D_7461_6202, "ledger": 0x7472_696D_7461_6203}  # "trimtab" and a number
_PAUSE = 0.02  # seconds between two tries


@contextmanager
def file(path: Path, seconds: float) -> Iterator[None]:
    """Hold `path` (made where absent, never removed) exclusively."""
    import fcntl

    with path.open("a") as handle:

        def taken() -> bool:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _wait(taken, seconds)
        yield


@contextmanager
def postgres(conninfo: str, purpose: str, seconds: float) -> Iterator[None]:
    """Hold the advisory lock for `purpose` (a key of `KEYS`) on a connection of its own."""
    import psycopg

    with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as con:
        _wait(lambda: bool(con.execute("SELECT pg_try_advisory_lock(%s)", [KEYS[purpose]]).fetchone()[0]), seconds)  # type: ignore[index]
        yield


def _wait(taken: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not taken():
        if time.monotonic() > deadline:
            raise Outage(
                f"Another process has been writing to the warehouse for more than {seconds:g} s.",
                "Wait until it has ended, or end it, and run this again.",
            )
        time.sleep(_PAUSE)
