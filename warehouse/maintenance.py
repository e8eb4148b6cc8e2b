"""Keep the lake quick and sound: compact files, drop old snapshots (never one that a decision names), sweep what is left over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from portfolio.errors import Refused
from warehouse import manifest
from warehouse.extensions import text
from warehouse.faults import translated
from warehouse.layout import LAKE

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from warehouse.lake import Lake

PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Maintained:
    """What was done: files before and after, snapshots dropped and kept, files swept (old, and orphans of killed writers)."""

    files_before: int
    files_after: int
    snapshots_dropped: int
    snapshots_kept: int
    swept: int
    orphans: int


def maintain(
    lake: Lake, now: datetime, named: Collection[int], keep: timedelta, grace: timedelta = timedelta(days=1)
) -> Maintained:
    """One round. named: snapshots that decisions name; keep: how long the others stay; grace: how old a leftover must be.

    `Refused` where a data file is not what was written: nothing is compacted then, for it would make the damage last.
    """
    found = manifest.verify(lake.data_path)
    if not found.sound:
        wrong = (*found.changed, *found.missing)
        raise Refused(
            f"{len(wrong)} data files of the warehouse are not what was written, first {wrong[0]}.",
            "Put them back from a backup (`trimtab restore`), then run maintenance again.",
            files=wrong,
        )
    with translated("The warehouse"), lake.locked():
        cursor = lake.cursor()
        try:
            cursor.execute(f"CALL ducklake_flush_inlined_data('{LAKE}')")
            cursor.execute(f"CALL ducklake_merge_adjacent_files('{LAKE}')")
            dropped, kept = _expire(cursor, now, named, keep)
            before = text((now - grace).isoformat())
            swept = cursor.execute(f"CALL ducklake_cleanup_old_files('{LAKE}', older_than => {before}::TIMESTAMPTZ)").fetchall()
            orphans = cursor.execute(
                f"CALL ducklake_delete_orphaned_files('{LAKE}', older_than => {before}::TIMESTAMPTZ)"
            ).fetchall()
        finally:
            cursor.close()
        lake.noted()
        manifest.rewrite(lake.data_path)
    after = len(manifest.read(lake.data_path))
    return Maintained(found.files, after, dropped, kept, len(swept), len(orphans))


def _expire(cursor: DuckDBPyConnection, now: datetime, named: Collection[int], keep: timedelta) -> tuple[int, int]:
    """Drop the snapshots that are old enough, not the newest and not named; (dropped, kept)."""
    rows = cursor.execute(f"SELECT snapshot_id, snapshot_time FROM {LAKE}.snapshots() ORDER BY snapshot_id").fetchall()
    newest = rows[-1][0] if rows else 0
    old = [number for number, made in rows if made < now - keep and number != newest and number not in set(named)]
    if old:
        cursor.execute(f"CALL ducklake_expire_snapshots('{LAKE}', versions => [{', '.join(map(str, old))}])")
    return len(old), len(rows) - len(old)
