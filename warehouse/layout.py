"""The lake's tables and views as DuckLake statements, and the number of their layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portfolio.errors import Refused
from portfolio.schema import TABLES, Table
from warehouse.extensions import text
from warehouse.views import all_views, revised

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LAYOUT = 3
LAKE = "lake"  # the name every instance of ours attaches it under


def held(con: DuckDBPyConnection, name: str = LAKE) -> int:
    """The layout number that a lake carries, 0 for an empty one."""
    found = con.execute(
        f"SELECT 1 FROM duckdb_tables() WHERE schema_name = 'raw' AND table_name = 'layout' AND database_name = {text(name)}"
    ).fetchone()
    row = con.execute(f"SELECT max(version) FROM {name}.raw.layout").fetchone() if found else None
    return int(row[0]) if row else 0


def check(version: int) -> None:
    if version > LAYOUT:
        raise Refused(
            f"The warehouse has layout {version} and this Trimtab knows up to {LAYOUT}.",
            "Use the newer Trimtab that wrote it.",
            layout=version,
        )


def bring(con: DuckDBPyConnection, version: int) -> None:
    """Bring a lake of an older layout (0: an empty one) to ours, in one transaction (one snapshot).

    Tables and columns are only ever added: an older snapshot is read by the same code, and its decisions replay.
    """
    con.execute("BEGIN")
    if version == 0:
        con.execute(f"CREATE SCHEMA {LAKE}.raw")
        con.execute(f"CREATE TABLE {LAKE}.raw.layout (version INTEGER)")
    there = _columns(con)
    for table in TABLES.values():
        if table.name not in there:
            made = statements(table)
        else:
            fresh = [column for column in table.columns if column.name not in there[table.name]]
            made = [f'ALTER TABLE {LAKE}.raw.{table.name} ADD COLUMN "{column.name}" {column.type}' for column in fresh]
        for statement in made:
            con.execute(statement)
    con.execute(f"USE {LAKE}.main")
    for view, sql in all_views().items():
        con.execute(f"CREATE OR REPLACE VIEW {LAKE}.main.{view} AS {sql}")
    con.execute(f"INSERT INTO {LAKE}.raw.layout VALUES ({LAYOUT})")
    con.execute("COMMIT")
    con.execute("USE memory")


def _columns(con: DuckDBPyConnection) -> dict[str, set[str]]:
    """The columns of each raw table that is there."""
    found: dict[str, set[str]] = {}
    for table, column in con.execute(
        f"SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = {text(LAKE)} AND schema_name = 'raw'"
    ).fetchall():
        found.setdefault(table, set()).add(column)
    return found


def statements(table: Table) -> list[str]:
    """CREATE TABLE and the layout of its files: by year, sorted by instrument, where the table is a large one."""
    full = f"{LAKE}.raw.{table.name}"
    made = [f"CREATE TABLE {full} ({_typed(table, table.names)})"]
    if table.partition_by:
        made.append(f"ALTER TABLE {full} SET PARTITIONED BY (year({table.partition_by}))")
        made.append(f"CREATE TABLE {LAKE}.raw.{revised(table)} ({_typed(table, table.key)})")
    if table.sort_by:
        made.append(f"ALTER TABLE {full} SET SORTED BY ({', '.join(table.sort_by)})")
    return made


def _typed(table: Table, names: tuple[str, ...]) -> str:
    return ", ".join(f'"{column.name}" {column.type}' for column in table.columns if column.name in names)
