"""A frame of a source becomes a temporary relation of exactly the staged columns: types checked, NaN made NULL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portfolio.errors import Refused
from portfolio.schema import Column, Table
from warehouse.extensions import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NUMBERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
_NOTHING = '"NULL"'  # DuckDB's word for a column of which every value is missing
_TAKES: dict[str, set[str]] = {
    "DOUBLE": _NUMBERS | {"FLOAT", "DOUBLE"},
    "VARCHAR": {"VARCHAR"},
    "BOOLEAN": {"BOOLEAN"},
    "DATE": {"DATE"},
    "TIMESTAMPTZ": {"TIMESTAMP WITH TIME ZONE"},
}


def stage(cursor: DuckDBPyConnection, table: Table, frame: Any, relation: str) -> str:
    """Write `frame` (polars or Arrow) as temporary table `relation` and return that name.

    Columns the table does not have are left out. `Refused` names the columns that are missing or of a wrong type: a
    text is never read as a number, an instant without a zone never as UTC.
    """
    seen = f"{relation}_frame"
    cursor.register(seen, frame.to_arrow() if hasattr(frame, "to_arrow") else frame)
    try:
        found = {row[0]: str(row[1]) for row in cursor.execute(f"DESCRIBE {name(seen)}").fetchall()}
        wanted = [column for column in table.columns if column.name in table.staged]
        _check(table, wanted, found)
        values = ", ".join(_value(column, found[column.name]) for column in wanted)
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE {name(relation)} AS SELECT {values} FROM {name(seen)}")
    finally:
        cursor.unregister(seen)
    return relation


def _check(table: Table, wanted: list[Column], found: dict[str, str]) -> None:
    missing = [column.name for column in wanted if column.name not in found]
    if missing:
        raise Refused(
            f"The rows for {table.name} lack {', '.join(missing)}.",
            f"They need {', '.join(column.name for column in wanted)}.",
            table=table.name,
            missing=tuple(missing),
        )
    wrong = [column for column in wanted if not _fits(column, found[column.name])]
    if wrong:
        said = ", ".join(f"{column.name} as {found[column.name]} instead of {column.type}" for column in wrong)
        raise Refused(
            f"The rows for {table.name} have {said}.",
            "Let the source give each column the schema's type.",
            table=table.name,
            wrong=tuple(column.name for column in wrong),
        )


def _fits(column: Column, type_: str) -> bool:
    if type_ == _NOTHING or type_ in _TAKES[column.type]:
        return True
    return type_.startswith({"DOUBLE": "DECIMAL", "VARCHAR": "ENUM"}.get(column.type, "-"))


def _value(column: Column, type_: str) -> str:
    quoted = name(column.name)
    if type_ in {"DOUBLE", "FLOAT"}:
        return f"CASE WHEN isnan({quoted}) THEN NULL ELSE {quoted} END::DOUBLE AS {quoted}"
    return f"{quoted}::{column.type} AS {quoted}"
