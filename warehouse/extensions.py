"""Open a DuckDB instance with the extensions a lake needs.

An extension comes from its wheel, by full path: the lock file pins the wheel's hash, several processes never race for
one copy in a home folder, and DuckDB's own check of the signature (0.2 s of CPU each, every time) is not needed again.
Where a platform has no wheel, DuckDB's INSTALL fetches the signed one.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from portfolio.errors import Outage, Refused

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def connect(extensions: Sequence[str]) -> DuckDBPyConnection:
    """A new in-memory instance, in UTC, with these extensions and no others loaded by themselves."""
    import duckdb

    wheels = {name: wheel(name, duckdb.__version__) for name in extensions}
    con = duckdb.connect(config={"allow_unsigned_extensions": "true" if all(wheels.values()) else "false"})
    con.execute("SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
    con.execute("SET enable_progress_bar = false")
    for name, path in wheels.items():
        _load(con, name, path)
    return con


def wheel(name: str, version: str) -> Path | None:
    """The extension's file inside its installed wheel, None where there is none for this DuckDB."""
    spec = find_spec(f"duckdb_extension_{name}")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "extensions" / f"v{version}" / f"{name}.duckdb_extension"
        if path.is_file():
            return path
    return None


def _load(con: DuckDBPyConnection, name: str, path: Path | None) -> None:
    import duckdb

    try:
        if path is None:
            con.execute(f"INSTALL {name}; LOAD {name}")
        else:
            con.execute(f"LOAD {text(str(path))}")
    except duckdb.Error as error:
        raise Outage(
            f"The DuckDB extension {name} could not be loaded.",
            f"Install the package duckdb-extension-{name.replace('_', '-')} of DuckDB's version, or allow DuckDB to fetch it.",
            extension=name,
        ) from error


def text(value: str) -> str:
    """`value` as an SQL string literal. Used instead of DuckDB's parameters, whose first use imports pandas (2 s of CPU)."""
    if "\0" in value:
        raise Refused(f"The text {value[:40]!r} holds a NUL character.", "Take it out.")
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    """`value` as an SQL identifier."""
    return '"' + value.replace('"', '""') + '"'
