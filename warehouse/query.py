"""Somebody's own SELECT over the lake, and nothing but that.

Two walls, each enough by itself for what it covers: the parsed statement may only name the lake's own tables and a few
harmless table functions (this also stops the readers that DuckDB's extensions bring), and the instance it runs in has
no access to files beside the lake's, cannot attach and cannot change its settings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from portfolio.errors import Refused, WrongUse
from portfolio.schema import TABLES
from warehouse.catalog import Catalog
from warehouse.extensions import text
from warehouse.layout import LAKE
from warehouse.views import all_views, revised

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Answer = tuple[list[str], list[tuple[Any, ...]]]
_FUNCTIONS = {"unnest", "range", "generate_series", "repeat_row"}
_WAY_OUT = "Ask one SELECT over the views and raw tables."


def run(con: DuckDBPyConnection, sql: str, as_known_at: datetime | None, catalog: Catalog, data: str) -> Answer:
    """Column names and rows of `sql`, on a connection (the lake attached) that is good for this one query."""
    if as_known_at is not None and as_known_at.tzinfo is None:
        raise WrongUse("The instant of a query has no time zone.", "Write it with one, e.g. 2020-06-01T00:00:00Z.")
    check(con, sql)
    if as_known_at is not None:
        con.execute(f"SET VARIABLE as_known_at = {text(as_known_at.isoformat())}::TIMESTAMPTZ")
    con.execute(f"USE {LAKE}.main")
    _close(con, [data], [f"{catalog.path}{end}" for end in ("", "-wal", "-shm", "-journal") if catalog.path])
    return answered(con, sql)


def answered(con: DuckDBPyConnection, sql: str) -> Answer:
    import duckdb

    try:
        result = con.execute(sql)
        return [column[0] for column in result.description or ()], result.fetchall()
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ConversionException, duckdb.PermissionException) as error:
        raise Refused(f"The query cannot be answered ({str(error).strip().splitlines()[0]}).", _WAY_OUT) from error


def check(con: DuckDBPyConnection, sql: str) -> None:
    """`Refused` unless `sql` is one SELECT that names nothing outside the lake."""
    parsed = _parsed(con, sql)
    if len(parsed) != 1:
        raise Refused(f"A query is one statement, but this is {len(parsed)}.", _WAY_OUT)
    known = _tables()
    parts = list(_walk(parsed[0]))
    named = {str(item["key"]).lower() for part in parts for item in (part.get("cte_map") or {}).get("map", ())}
    hidden = named & {row[0] for row in con.execute("SELECT view_name FROM duckdb_views() WHERE internal").fetchall()}
    if hidden:
        raise Refused(f"A query may not name one of its parts {min(hidden)!r}.", "Choose another name.")
    known |= {("", "", name) for name in named}
    for part in parts:
        _check_part(part, known)


def _parsed(con: DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    row = con.execute(f"SELECT json_serialize_sql({text(sql)}::VARCHAR)").fetchone()
    answer: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if answer["error"]:
        said = str(answer.get("error_message", ""))
        reason = "it is not a SELECT" if "Only SELECT" in said else said.splitlines()[0] if said else "it cannot be read"
        raise Refused(f"The query was refused because {reason}.", _WAY_OUT)
    return list(answer["statements"])


def _tables() -> set[tuple[str, str, str]]:
    """(catalog, schema, table) of every way to name a table or view of the lake."""
    lists = {several for table in TABLES.values() if (several := revised(table))}
    held = {("raw", name) for name in {*TABLES, *lists, "layout"}} | {("main", name) for name in all_views()}
    full = {(place, schema, name) for schema, name in held for place in ("", LAKE)}
    return full | {("", place, name) for schema, name in held for place in ("", LAKE) if schema == "main"}


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _check_part(part: dict[str, Any], known: set[tuple[str, str, str]]) -> None:
    kind = part.get("type")
    if kind == "BASE_TABLE":
        asked = tuple(str(part.get(key, "")).lower() for key in ("catalog_name", "schema_name", "table_name"))
        if asked not in known:
            views = ", ".join(sorted({table for _, schema, table in known if schema == "main"}))
            raise Refused(f"There is no table {'.'.join(filter(None, asked))!r} in the warehouse.", f"There are {views}.")
    if kind == "SHOW_REF" and not part.get("query"):
        raise Refused("A query may not list what DuckDB holds.", _WAY_OUT)
    if kind == "TABLE_FUNCTION":
        called = str(part.get("function", {}).get("function_name", "")).lower()
        if called not in _FUNCTIONS:
            raise Refused(f"A query may not call {called!r}.", _WAY_OUT)


def _close(con: DuckDBPyConnection, folders: Sequence[str], files: Sequence[str]) -> None:
    """From here on: no files beside the lake's own, no attaching, no loading, no change of settings."""
    con.execute(f"SET allowed_directories = [{', '.join(map(text, folders))}]")
    con.execute(f"SET allowed_paths = [{', '.join(map(text, files))}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
