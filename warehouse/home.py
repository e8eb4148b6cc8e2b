"""The data folder beside the catalog, and whether the two belong together.

`HEAD` in the data folder holds the number of the last snapshot that was committed. A catalog that has not come that far is
an older copy: reading it would silently lose what was written since, and writing to it would hide it for ever.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from portfolio.errors import Refused
from warehouse.catalog import Catalog
from warehouse.layout import LAKE

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_RESTORE = "Restore the catalog from its newest backup"


def data_folder(path: str) -> str:
    """`path` as DuckLake wants it: absolute on a disk, as it is in an object store, with a slash at its end."""
    kept = path if "://" in path else str(Path(path).absolute())
    return kept.rstrip("/") + "/"


def check_before(catalog: Catalog, data: str) -> None:
    """`Refused` when there are data files and no catalog. Makes the folders of a new lake."""
    if catalog.path is None or "://" in data:
        return
    if not catalog.path.exists() and marked(data):
        raise Refused(
            f"The warehouse's catalog {catalog.path} is missing while its data folder {data} is there.",
            f"{_RESTORE}, or move the data folder away to start empty.",
            catalog=str(catalog.path),
        )
    if catalog.path.exists() and catalog.path.stat().st_size == 0:
        raise Refused(f"The warehouse's catalog {catalog.path} is an empty file.", f"{_RESTORE}.", catalog=str(catalog.path))
    catalog.path.parent.mkdir(parents=True, exist_ok=True)
    Path(data).mkdir(parents=True, exist_ok=True)


def check_after(con: DuckDBPyConnection, data: str, head: int) -> None:
    """`Refused` when the attached catalog has not come as far as the data folder's `HEAD` says."""
    row = con.execute(f"SELECT id FROM {LAKE}.current_snapshot()").fetchone()
    snapshot = int(row[0]) if row else 0
    if snapshot < head:
        raise Refused(
            f"The warehouse's catalog is older than its data: it ends at snapshot {snapshot}, the data at {head}.",
            f"{_RESTORE}; or, to give up what came after, delete {data}HEAD and load those days again.",
            snapshot=snapshot,
            head=head,
        )


def marked(data: str) -> int:
    """The last snapshot that was committed to this data folder, 0 where nothing is known."""
    head = Path(data) / "HEAD"
    if "://" in data or not head.exists():
        return 0
    words = head.read_text().strip()
    if not words.isdigit():
        raise Refused(
            f"The file {head} does not hold a snapshot's number.", "Delete it after looking at the disk.", path=str(head)
        )
    return int(words)


def mark(data: str, snapshot: int) -> None:
    """Write `HEAD` (whole or not at all). The commit stands already: a kill before this line loses nothing."""
    if "://" in data:
        return
    head = Path(data) / "HEAD"
    fresh = head.with_name("HEAD.new")
    with fresh.open("w") as handle:
        handle.write(f"{snapshot}\n")
        handle.flush()
        os.fsync(handle.fileno())
    fresh.replace(head)
