"""Keep what is remembered: maintenance, backup, restore."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tasks import doors
from tasks.settings import Settings

KEPT = timedelta(days=30)  # snapshots that no decision names


def maintain(settings: Settings, now: datetime, keep: timedelta = KEPT) -> dict[str, Any]:
    """Check, compact, sweep; the snapshots that decisions name stay for ever."""
    from warehouse.maintenance import maintain as keep_sound

    ledger = doors.open_ledger(settings)
    named = {record["snapshot"] for record in ledger.decisions()}
    with doors.open_lake(settings) as lake:
        done = keep_sound(lake, now, named, keep)
    ledger.journal("maintenance", asdict(done), now)
    return asdict(done)


def databases(settings: Settings) -> dict[str, str]:
    """Name -> URL. In PostgreSQL one database holds both."""
    both = {"catalog": settings.catalog_url, "ledger": settings.ledger_url}
    return {"catalog": settings.catalog_url} if settings.catalog_url == settings.ledger_url else both


def backup(settings: Settings, into: Path, now: datetime) -> dict[str, Any]:
    """A backup of catalog, ledger and data files into a folder, while others go on working."""
    from warehouse.backup import take

    doors.open_ledger(settings).close()  # made, where it is not there yet
    with doors.open_lake(settings) as lake:
        return asdict(take(lake, databases(settings), into, now))


def restore(settings: Settings, folder: Path) -> dict[str, Any]:
    """Put a backup (or the newest of a folder) back into an empty home, then see that it opens and that the journal verifies."""
    from warehouse.backup import newest
    from warehouse.backup import restore as put_back

    chosen = folder if (folder / "HEAD").exists() else newest(folder)
    settings.home.mkdir(parents=True, exist_ok=True)
    done = put_back(chosen, databases(settings), str(settings.lake_path))
    with doors.open_lake(settings) as lake:
        snapshot = lake.snapshot()
    verified = doors.open_ledger(settings).verify()
    return {**asdict(done), "snapshot": snapshot, "journal_rows": verified.rows, "journal_head": verified.head}
