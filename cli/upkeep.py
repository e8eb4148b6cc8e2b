"""Keep what is remembered: maintain, backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.output import Json, emit, guarded, say


def register(app: typer.Typer) -> None:
    app.command("maintain")(maintain)
    app.command("backup")(backup)
    app.command("restore")(restore)


@guarded
def maintain(
    keep_days: Annotated[int, typer.Option(min=0, help="How long snapshots stay that no decision names.")] = 30,
    json: Json = False,
) -> None:
    """Check every data file, compact, drop old snapshots (never one that a decision names), sweep what is left over."""
    from datetime import timedelta

    from tasks.doors import SystemClock
    from tasks.settings import settings
    from tasks.upkeep import maintain as keep_sound

    done = keep_sound(settings(), SystemClock().now(), timedelta(days=keep_days))
    if json:
        emit({"status": "done", **done})
        return
    say(
        f"{done['files_before']} data files checked, {done['files_after']} now; {done['snapshots_dropped']} snapshots dropped, "
        f"{done['snapshots_kept']} kept; {done['swept']} old files and {done['orphans']} orphans swept."
    )


@guarded
def backup(folder: Annotated[Path, typer.Argument(help="Where backups are kept.")], json: Json = False) -> None:
    """Copy catalog, ledger and data files as they are at one moment; a later backup copies only what is new."""
    from tasks.doors import SystemClock
    from tasks.settings import settings
    from tasks.upkeep import backup as take

    done = take(settings(), folder, SystemClock().now())
    if json:
        emit({"status": "done", **done})
    else:
        say(f"Backup {done['folder']}: {done['files']} data files, {done['copied']} of them copied now.")


@guarded
def restore(
    folder: Annotated[Path, typer.Argument(help="One backup, or a folder of them: then the newest.")], json: Json = False
) -> None:
    """Put a backup into an empty home, every file held against its checksum, and verify the journal."""
    from tasks.settings import settings
    from tasks.upkeep import restore as put_back

    done = put_back(settings(), folder)
    if json:
        emit({"status": "done", **done})
    else:
        say(f"{done['folder']} is back: snapshot {done['snapshot']}, {done['files']} data files.")
        say(f"The journal is whole: {done['journal_rows']} rows, head {done['journal_head']}.")
