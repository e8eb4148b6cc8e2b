"""Rows that broke a law: kept whole, released by a person, or repaired where there is evidence; each of it can be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from portfolio.errors import Refused
from portfolio.schema import TABLES, Table
from warehouse import views
from warehouse.extensions import name, text
from warehouse.layout import LAKE
from warehouse.merge import Merged, Stamp, merge
from warehouse.views import same

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEY = ("dataset", "law", "row", "source")


def row_id(alias: str = "q") -> str:
    """The short name of a quarantined row, as an SQL expression: 12 hex digits."""
    return f"left(sha256(concat_ws('|', {', '.join(f'{alias}.{column}' for column in ('dataset', 'source', 'row'))})), 12)"


def keep(cursor: DuckDBPyConnection, table: Table, relation: str, law: str, stamp: Stamp) -> int:
    """Keep the rows of `relation` that broke the law named in column `law`; how many were not there already.

    The staged columns of each row are kept as one JSON text.
    """
    symbol = "symbol" if "symbol" in table.names else "NULL"
    fresh = f"""
    SELECT DISTINCT {text(stamp.run)} AS run, {text(table.name)} AS dataset, {name(law)} AS law,
      {_packed(table)} AS row, {symbol}::VARCHAR AS symbol, source, {stamp.loaded} AS quarantined_at
    FROM {name(relation)}"""
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE quarantined AS SELECT * FROM ({fresh}) q ANTI JOIN {LAKE}.raw.quarantine h "
        f"ON {same(KEY, 'q', 'h')}"
    )
    count = cursor.execute("SELECT count(*) FROM quarantined").fetchone()
    if count and count[0]:
        cursor.execute(f"INSERT INTO {LAKE}.raw.quarantine SELECT * FROM quarantined")
    cursor.execute("DROP TABLE quarantined")
    return int(count[0]) if count else 0


def release(cursor: DuckDBPyConnection, table: Table, ids: Sequence[str], stamp: Stamp, by: str, note: str) -> Merged:
    """Let the rows with these ids in as they came, and write down who said so and why.

    `Refused` names an id that quarantine does not hold for this dataset, or that was released before.
    """
    chosen = _chosen(cursor, table, ids)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE released AS SELECT DISTINCT {_unpacked(table, 'row')} FROM {chosen}")
    merged = merge(cursor, table, "released", stamp)
    _rule(cursor, chosen, "released", stamp, by, note)
    return merged


class Proposal(Protocol):
    """A repair: the row as it came and as it should be (staged columns both), the law it broke, and what speaks for it."""

    @property
    def row(self) -> Mapping[str, Any]: ...
    @property
    def repaired(self) -> Mapping[str, Any]: ...
    @property
    def law(self) -> str: ...
    @property
    def evidence(self) -> str: ...


def held_back(cursor: DuckDBPyConnection, table: Table, source: str) -> str:
    """Name of a temporary table of the rows of `source` in quarantine that nobody ruled on: staged columns and `laws`."""
    released = views.newest(TABLES["releases"], f"{LAKE}.", views.ALL)
    rows = (
        f"SELECT q.row, list(DISTINCT q.law) AS laws FROM {LAKE}.raw.quarantine q ANTI JOIN ({released}) r "
        f"ON {same(KEY, 'q', 'r')} WHERE q.dataset = {text(table.name)} AND q.source = {text(source)} GROUP BY q.row"
    )
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE held_back AS SELECT {_unpacked(table, 'row')}, laws FROM ({rows})")
    return "held_back"


def aside(cursor: DuckDBPyConnection, table: Table, source: str) -> set[tuple[str, str]]:
    """(law, symbol) of the rows of `source` in quarantine that nobody ruled on, and in whose place the table has no row."""
    key = tuple(column for column in table.key if column != "source")
    who = "symbol" if "symbol" in table.names else "series"
    rows = f"SELECT unnest(laws), {who} FROM {held_back(cursor, table, source)} q"
    there = f"(SELECT * FROM {LAKE}.raw.{table.name} WHERE source = {text(source)}) h"
    return set(cursor.execute(f"{rows} ANTI JOIN {there} ON {same(key, 'q', 'h')}").fetchall())


def laid_out(cursor: DuckDBPyConnection, table: Table, proposals: Sequence[Proposal]) -> str:
    """Name of a temporary table of proposals: law, row, repaired (both JSON as in quarantine), evidence."""
    columns = [name(column) for column in table.staged]
    typed = ", ".join(f"{name(c.name)} {c.type}" for c in table.columns if c.name in table.staged)
    marks = ", ".join("?" * (len(columns) + 3))
    for relation in ("came", "better"):
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE {relation} (n INTEGER, law VARCHAR, evidence VARCHAR, {typed})")
    for number, one in enumerate(proposals):
        for relation, row in (("came", one.row), ("better", one.repaired)):
            values = [number, one.law, one.evidence, *(row[column] for column in table.staged)]
            cursor.execute(f"INSERT INTO {relation} VALUES ({marks})", values)
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE laid_out AS SELECT c.law, c.row, b.repaired, c.evidence "
        f"FROM (SELECT n, law, evidence, {_packed(table)} AS row FROM came) c "
        f"JOIN (SELECT n, {_packed(table)} AS repaired FROM better) b USING (n)"
    )
    return "laid_out"


@dataclass(frozen=True, slots=True)
class Repaired:
    """How many rows were repaired, and what that did to the table."""

    rows: int
    merged: Merged


def repair(cursor: DuckDBPyConnection, table: Table, proposals: str, stamp: Stamp, by: str, note: str) -> Repaired:
    """Write the repaired rows of relation `proposals`: columns law, row, repaired (both JSON of the staged columns), evidence.

    The row as it came stays in quarantine or, where it stood in the table, as the version before; REPAIRS keeps both.
    """
    day, keys = _day(table), ", ".join(table.key)
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE repaired AS SELECT p.law, p.row, p.repaired, p.evidence, {_unpacked(table, 'repaired')} "
        f"FROM {name(proposals)} p"
    )
    held = f"SELECT {keys}, true AS there FROM {LAKE}.raw.{table.name} GROUP BY {keys}"
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE repairs AS SELECT {text(table.name)} AS dataset, r.instrument, r.symbol, r.{day} AS day, "
        f"r.law, r.row, r.repaired, r.evidence, coalesce(h.there, false) AS held, false AS undone, {text(by)} AS person, "
        f"{text(note)} AS note, r.source, {stamp.loaded} AS known_at "
        f"FROM repaired r LEFT JOIN ({held}) h ON {same(table.key, 'r', 'h')}"
    )
    columns = ", ".join(name(column) for column in table.staged)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE repaired_rows AS SELECT DISTINCT {columns} FROM repaired")
    merged = merge(cursor, table, "repaired_rows", stamp)
    merge(cursor, TABLES["repairs"], "repairs", stamp)
    _rule(cursor, _of_proposals(cursor, table), "repaired", stamp, by, note)
    rows = cursor.execute("SELECT count(*) FROM repaired_rows").fetchone()
    return Repaired(int(rows[0]) if rows else 0, merged)


def undo(
    cursor: DuckDBPyConnection, table: Table, instrument: str, days: tuple[str, str], stamp: Stamp, by: str, note: str
) -> int:
    """Take back the repairs of an instrument between two days (ISO, both included); how many.

    What stood in the table stands there again; a row that came out of quarantine is emptied (a version without values).
    """
    chosen = (
        f"dataset = {text(table.name)} AND instrument = {text(instrument)} AND NOT undone "
        f"AND day BETWEEN DATE {text(days[0])} AND DATE {text(days[1])}"
    )
    newest = views.newest(TABLES["repairs"], f"{LAKE}.", views.ALL)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE undone AS SELECT * FROM ({newest}) WHERE {chosen}")
    count = cursor.execute("SELECT count(*) FROM undone").fetchone()
    if not count or not count[0]:
        raise Refused(f"{instrument} has no repair to take back.", '`trimtab query "SELECT * FROM repairs"` shows them.')
    values = {"known_at": stamp.loaded, **dict.fromkeys(_values(table), "NULL")}
    emptied = ", ".join(f"{values.get(column, name(column))} AS {name(column)}" for column in table.staged)
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE undone_rows AS "
        f"SELECT DISTINCT {_unpacked(table, 'row')} FROM undone WHERE held UNION ALL BY NAME "
        f"SELECT DISTINCT {emptied} FROM (SELECT {_unpacked(table, 'repaired')} FROM undone WHERE NOT held)"
    )
    merge(cursor, table, "undone_rows", stamp)
    staged = ", ".join(name(column) for column in TABLES["repairs"].staged)
    again = f"true AS undone, {text(by)} AS person, {text(note)} AS note, {stamp.loaded} AS known_at"
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE taken_back AS SELECT {staged} FROM (SELECT * REPLACE ({again}) FROM undone)")
    merge(cursor, TABLES["repairs"], "taken_back", stamp)
    return int(count[0])


def _chosen(cursor: DuckDBPyConnection, table: Table, ids: Sequence[str]) -> str:
    """Name of a temporary table of the quarantined rows with these ids, under every law they broke."""
    listed = ", ".join(text(one) for one in ids) or "NULL"
    released = views.newest(TABLES["releases"], f"{LAKE}.", views.ALL)
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE chosen AS SELECT q.*, {row_id()} AS id, r.ruling FROM {LAKE}.raw.quarantine q "
        f"LEFT JOIN ({released}) r ON {same(KEY, 'q', 'r')} WHERE q.dataset = {text(table.name)} AND {row_id()} IN ({listed})"
    )
    found = dict(cursor.execute("SELECT id, max(ruling) FROM chosen GROUP BY id").fetchall())
    missing = [one for one in ids if one not in found]
    if missing or not ids:
        raise Refused(
            f"Quarantine holds no row {missing[0] if missing else ''} of {table.name}.".replace("  ", " "),
            "`trimtab quarantine list` shows the ids.",
        )
    settled = [f"{one} ({ruling})" for one, ruling in found.items() if ruling in {"released", "repaired"}]
    if settled:
        raise Refused(f"The row {settled[0]} was let in before.", "Name the others only.")
    return "chosen"


def _of_proposals(cursor: DuckDBPyConnection, table: Table) -> str:
    """Of the repaired rows, those that quarantine holds."""
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE repaired_there AS SELECT DISTINCT q.* FROM {LAKE}.raw.quarantine q "
        f"SEMI JOIN repairs p ON p.row = q.row AND p.source = q.source WHERE q.dataset = {text(table.name)}"
    )
    return "repaired_there"


def _rule(cursor: DuckDBPyConnection, rows: str, ruling: str, stamp: Stamp, by: str, note: str) -> None:
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE rulings AS SELECT DISTINCT dataset, law, row, {text(ruling)} AS ruling, "
        f"{text(by)} AS person, {text(note)} AS note, source, {stamp.loaded} AS known_at FROM {rows}"
    )
    merge(cursor, TABLES["releases"], "rulings", stamp)


def _packed(table: Table) -> str:
    row = ", ".join(f"{name(column)} := {name(column)}" for column in table.staged)
    return f"to_json(struct_pack({row}))::VARCHAR"


def _unpacked(table: Table, column: str) -> str:
    """The staged columns out of the JSON text in `column`."""
    types = {c.name: c.type for c in table.columns}
    return ", ".join(f"({column}::JSON->>{text(one)})::{types[one]} AS {name(one)}" for one in table.staged)


def _day(table: Table) -> str:
    return next(column for column in ("session", "ex_session", "period_end", "date", "from_session") if column in table.names)


def _values(table: Table) -> tuple[str, ...]:
    """The facts that are numbers."""
    types = {c.name: c.type for c in table.columns}
    return tuple(fact for fact in table.facts if types[fact] == "DOUBLE")
