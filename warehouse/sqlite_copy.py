"""Copy a SQLite database that others are using: `python -m warehouse.sqlite_copy SOURCE TARGET`, always a process of its own.

DuckDB brings a SQLite of its own. Two copies of SQLite in one process do not see each other's locks (POSIX locks belong to the
process), so the one that closes believes itself the last user and deletes the write-ahead log beneath the other
(https://www.sqlite.org/howtocorrupt.html, section 2.2.1). Between two processes the locks hold.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from portfolio.errors import Outage


def copy(source: Path, target: Path) -> None:
    """Write `target` anew as `source` is at one moment; `Outage` where that cannot be done."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", __name__, str(source), str(target)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise Outage(
            f"{source} could not be copied: {said[-1] if said else 'it said nothing'}.",
            "See that its disk is up, then run it again.",
        )


def _copy(source: str, target: str) -> None:
    import sqlite3
    from contextlib import closing

    Path(target).unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"{Path(source).as_uri()}?mode=rw", uri=True)) as held,
        closing(sqlite3.connect(target)) as written,
    ):
        held.backup(written)


if __name__ == "__main__":
    _copy(*sys.argv[1:])
