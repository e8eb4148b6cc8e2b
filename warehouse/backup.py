"""A backup of everything Trimtab remembers, taken while others work; and the way back, checked before it is believed.

A backup folder holds one store of data files, shared by all backups (they are never changed in place, so a later backup copies
only what is new), and one folder a backup: catalog, ledger, HEAD and MANIFEST as they were at one moment.

    FOLDER/data/raw/prices/...parquet
    FOLDER/2026-11-25T221500Z/{catalog.sqlite, ledger.sqlite, HEAD, MANIFEST}

Databases in PostgreSQL are dumped and restored with its own tools, pg_dump and psql.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from portfolio.errors import Outage, Refused, WrongUse
from warehouse import manifest, sqlite_copy
from warehouse.catalog import Catalog, parse
from warehouse.faults import translated
from warehouse.lake import Lake

BESIDE = ("HEAD", manifest.NAME)
SQLITE, DUMP = "sqlite", "sql"


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: its folder, and how many data files it names, of which so many were copied now."""

    folder: Path
    files: int
    copied: int


def take(lake: Lake, databases: Mapping[str, str], into: Path, now: datetime) -> Backup:
    """Back up the lake and `databases` (name -> URL; `catalog` among them) at one moment: nobody commits meanwhile."""
    if "://" in lake.data_path:
        raise WrongUse(f"The data lie in an object store ({lake.data_path}).", "Use the store's own versions or replication.")
    store, folder = into / "data", into / f"{now:%Y-%m-%dT%H%M%SZ}"
    half = folder.with_name(f"{folder.name}.half")
    with translated("The backup"), lake.locked():
        half.mkdir(parents=True, exist_ok=True)
        lake.noted()
        for name, url in databases.items():
            _copy_database(parse(url), half, name)
        for name in BESIDE:
            if (Path(lake.data_path) / name).exists():
                shutil.copy2(Path(lake.data_path) / name, half / name)
        listed = manifest.read(str(half))
    copied = sum(_copy_file(Path(lake.data_path) / path, store / path) for path in listed)
    half.rename(folder)
    return Backup(folder, len(listed), copied)


def restore(folder: Path, databases: Mapping[str, str], data: str) -> Backup:
    """Put a backup back where nothing is. Every file is held against its checksum before anything is written.

    `Refused` where the backup is damaged, or something is there already: restoring never overwrites.
    """
    store = folder.parent / "data"
    listed = manifest.read(str(folder))
    if not (folder / "HEAD").exists():
        raise WrongUse(f"{folder} is no backup.", "Name a folder that `trimtab backup` made.")
    found = manifest.verify(str(store), listed)
    if not found.sound:
        wrong = (*found.changed, *found.missing)
        raise Refused(
            f"The backup {folder.name} is damaged: {len(wrong)} files are not what was written, first {wrong[0]}.",
            "Take an older one.",
        )
    target = Path(data)
    _nothing_there(target, databases)
    with translated("The home"):
        copied = sum(_copy_file(store / path, target / path) for path in listed)
        for name, url in databases.items():
            _restore_database(parse(url), folder, name)
        for name in (manifest.NAME, "HEAD"):  # HEAD last: what is there without it is no lake yet
            shutil.copy2(folder / name, target / name)
    return Backup(folder, len(listed), copied)


def _nothing_there(target: Path, databases: Mapping[str, str]) -> None:
    paths = [parse(url).path for url in databases.values()]
    there = [path for path in (target / "HEAD", *filter(None, paths)) if path.exists()]
    if there:
        raise Refused(f"{there[0]} is there already, and a restore overwrites nothing.", "Move the home away, or name another.")


def _copy_file(source: Path, target: Path) -> bool:
    """Copy one data file, whole or not at all; False where it is there (files never change)."""
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f"{target.name}.half")
    shutil.copy2(source, half)
    with half.open("rb") as handle:
        os.fsync(handle.fileno())
    half.replace(target)
    return True


def _copy_database(database: Catalog, folder: Path, name: str) -> None:
    if database.path is None:
        _run_tool("pg_dump", database, "--no-owner", "--file", str(folder / f"{name}.{DUMP}"))
        return
    sqlite_copy.copy(database.path, folder / f"{name}.{SQLITE}")


def _restore_database(database: Catalog, folder: Path, name: str) -> None:
    if database.path is None:
        _run_tool(
            "psql",
            database,
            "--quiet",
            "--set",
            "ON_ERROR_STOP=1",
            "--single-transaction",
            "--file",
            str(folder / f"{name}.{DUMP}"),
        )
        return
    database.path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(folder / f"{name}.{SQLITE}", database.path)


def _run_tool(tool: str, database: Catalog, *words: str) -> None:
    """A tool of PostgreSQL on this database; the password goes by the environment, never by the command line."""
    given = dict(database.words)
    environment = {**os.environ, **({"PGPASSWORD": given["password"]} if "password" in given else {})}
    names = {"host": "--host", "port": "--port", "user": "--username", "dbname": "--dbname"}
    target = [f"{names[key]}={value}" for key, value in given.items() if key in names]
    try:
        done = subprocess.run([tool, *target, *words], env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Outage(f"{tool} is not on this machine.", "Install PostgreSQL's client tools.") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise Outage(f"{tool} failed: {said[-1] if said else 'it said nothing'}.", "Mend that and run it again.")


def newest(into: Path) -> Path:
    """The newest whole backup in a folder; `WrongUse` where there is none."""
    found = sorted(path for path in into.glob("*Z") if (path / "HEAD").exists()) if into.is_dir() else []
    if not found:
        raise WrongUse(f"There is no backup in {into}.", "`trimtab backup FOLDER` makes one.")
    return found[-1]
