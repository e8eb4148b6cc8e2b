"""Put staged rows into the lake: only what is new or different, and never over what is there.

The rule of time. A new fact keeps the `known_at` its source gave. A row that differs from the newest version of its fact is
a revision: known later than that version, it keeps its `known_at`; known at the same instant or earlier, we could not
have known it before now, so `known_at` becomes the instant of loading. What was known at any earlier instant stays as
it was.

Vintages. A source whose `known_at` is the publisher's own (an archive of vintages, dated crawls) is merged with
`vintages=True`: each version keeps its `known_at` and a later batch may bring an older vintage, in any order. One that
says what the version before it says is kept (an older one may yet come between them) and counts as unchanged. Two
different rows for one fact and one instant are a contradiction and refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from portfolio.errors import Refused
from portfolio.schema import Table
from warehouse.extensions import name, text
from warehouse.layout import LAKE
from warehouse.views import revised, same

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MAY_BE_NULL = {"period_start"}  # a balance has no start


@dataclass(frozen=True, slots=True)
class Merged:
    """How many rows were new facts, revisions of known ones, or nothing new."""

    added: int
    revised: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who writes, and when: goes into `run` and `loaded_at` of every row."""

    run: str
    at: datetime

    @property
    def loaded(self) -> str:
        """`at` as an SQL expression."""
        return f"{text(self.at.isoformat())}::TIMESTAMPTZ"


def merge(cursor: DuckDBPyConnection, table: Table, relation: str, stamp: Stamp, vintages: bool = False) -> Merged:
    """Merge `relation` (the staged columns of `table`) inside the cursor's transaction. `Refused` as the module says."""
    _check(cursor, table, relation, vintages)
    if not vintages and not _any_held(cursor, table, relation):
        return _insert_all(cursor, table, relation, stamp)
    judged = f"merged_{table.name}"
    judge = _vintage if vintages else _judge
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {judged} AS {judge(table, relation, _held(cursor, table, relation))}")
    counts = dict(cursor.execute(f"SELECT verdict, count(*) FROM {judged} GROUP BY verdict").fetchall())
    if counts.get("contradiction"):
        raise Refused(
            f"{counts['contradiction']} rows for {table.name} contradict a vintage that is already here.",
            "Look at what the source sends: one publication instant has one value.",
            table=table.name,
        )
    _insert(cursor, table, judged, stamp, counts)
    cursor.execute(f"DROP TABLE {judged}")
    return Merged(counts.get("added", 0), counts.get("revised", 0), counts.get("unchanged", 0) + counts.get("retold", 0))


def _check(cursor: DuckDBPyConnection, table: Table, relation: str, vintages: bool) -> None:
    needed = [key for key in (*table.key, "known_at") if key not in _MAY_BE_NULL]
    empty = " OR ".join(f"{name(key)} IS NULL" for key in needed)
    without = cursor.execute(f"SELECT count(*) FROM {name(relation)} WHERE {empty}").fetchone()
    if without and without[0]:
        raise Refused(
            f"{without[0]} rows for {table.name} lack one of {', '.join(needed)}.",
            "Quarantine them, or let the source fill the columns in.",
            table=table.name,
        )
    keys = ", ".join(name(key) for key in (*table.key, *(["known_at"] if vintages else [])))
    alike = f"SELECT 1 FROM {name(relation)} GROUP BY hash({keys}) HAVING count(*) > 1 LIMIT 1"
    if cursor.execute(alike).fetchone() is None:  # a third of the cost of comparing the keys themselves
        return
    twice = cursor.execute(f"SELECT {keys} FROM {name(relation)} GROUP BY {keys} HAVING count(*) > 1 ORDER BY ALL").fetchall()
    if twice:
        raise Refused(
            f"{len(twice)} facts stand twice in one batch for {table.name}, first {_said(twice[0])}.",
            "Keep one row a fact before merging.",
            table=table.name,
            facts_twice=len(twice),
        )


def _said(row: tuple[object, ...]) -> str:
    return " ".join(str(value) for value in row)[:120]


def _held(cursor: DuckDBPyConnection, table: Table, relation: str) -> str:
    """The raw rows that can matter: of the batch's keys, in the batch's years (so that only their files are read)."""
    batch = f"SEMI JOIN {name(relation)} s ON {same(table.key, 'f', 's')}"
    return f"SELECT f.* FROM {LAKE}.raw.{table.name} f {batch} WHERE {_span(cursor, table, relation)}"


def _span(cursor: DuckDBPyConnection, table: Table, relation: str) -> str:
    """The days of the batch as a condition on raw rows, where the table is laid out by days."""
    if not table.partition_by:
        return "true"
    column = name(table.partition_by)
    span = cursor.execute(f"SELECT min({column})::VARCHAR, max({column})::VARCHAR FROM {name(relation)}").fetchone()
    return "false" if span is None or span[0] is None else f"f.{column} BETWEEN '{span[0]}' AND '{span[1]}'"


def _any_held(cursor: DuckDBPyConnection, table: Table, relation: str) -> bool:
    """Whether the lake has any row of the batch's first key (an instrument, a series) in its span: a first load has none."""
    first = name(table.key[0])
    batch = f"SEMI JOIN (SELECT DISTINCT {first} FROM {name(relation)}) s ON s.{first} = f.{first}"
    found = f"SELECT 1 FROM {LAKE}.raw.{table.name} f {batch} WHERE {_span(cursor, table, relation)} LIMIT 1"
    return cursor.execute(found).fetchone() is not None


def _insert_all(cursor: DuckDBPyConnection, table: Table, relation: str, stamp: Stamp) -> Merged:
    values = {"loaded_at": stamp.loaded, "run": text(stamp.run)}
    chosen = ", ".join(f"{values.get(column, name(column))} AS {name(column)}" for column in table.names)
    row = cursor.execute(f"INSERT INTO {LAKE}.raw.{table.name} SELECT {chosen} FROM {name(relation)}").fetchone()
    return Merged(int(row[0]) if row else 0, 0, 0)


def _judge(table: Table, relation: str, held: str) -> str:
    """Each staged row beside the newest version of its fact."""
    keys = ", ".join(name(key) for key in table.key)
    newest = f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY known_at DESC, loaded_at DESC) = 1"
    return f"""
    SELECT s.*, n.known_at AS prior_known_at,
      CASE WHEN n.loaded_at IS NULL THEN 'added' WHEN {same(table.facts, "s", "n")} THEN 'unchanged' ELSE 'revised' END AS verdict
    FROM {name(relation)} s LEFT JOIN ({held} {newest}) n ON {same(table.key, "s", "n")}"""


def _vintage(table: Table, relation: str, held: str) -> str:
    """Each staged row beside the versions of its fact, of the lake and of the batch; every row keeps its own instant."""
    keys = ", ".join(name(key) for key in table.key)
    of = (*table.key, "known_at")
    version = ", ".join(name(column) for column in (*of, *table.facts))
    facts = f"row({', '.join(name(column) for column in table.facts)})" if table.facts else "true"
    return f"""
    WITH held AS ({held}),
    versions AS (SELECT {version} FROM held UNION SELECT {version} FROM {name(relation)}),
    beside AS (
      SELECT DISTINCT ON ({keys}, known_at) {keys}, known_at, lag(known_at) OVER w IS NOT NULL AS later,
        {facts} IS NOT DISTINCT FROM lag({facts}) OVER w AS same
      FROM versions WINDOW w AS (PARTITION BY {keys} ORDER BY known_at))
    SELECT s.*, NULL::TIMESTAMPTZ AS prior_known_at,
      CASE WHEN n.known_at IS NOT NULL AND {same(table.facts, "s", "n")} THEN 'unchanged'
           WHEN n.known_at IS NOT NULL THEN 'contradiction'
           WHEN b.later AND b.same THEN 'retold'
           WHEN b.later OR o.any_held THEN 'revised' ELSE 'added' END AS verdict
    FROM {name(relation)} s
    LEFT JOIN held n ON {same(of, "s", "n")}
    LEFT JOIN beside b ON {same(of, "s", "b")}
    LEFT JOIN (SELECT DISTINCT {keys}, true AS any_held FROM held) o ON {same(table.key, "s", "o")}"""


def _insert(cursor: DuckDBPyConnection, table: Table, judged: str, stamp: Stamp, counts: dict[str, int]) -> None:
    """Write what is new. A revision is always known strictly later than what it revises, even if our clock stepped back."""
    fresh = [verdict for verdict in ("added", "revised", "retold") if counts.get(verdict)]
    if not fresh:
        return
    several = revised(table)
    if several and fresh != ["added"]:
        keys = ", ".join(f"j.{name(key)}" for key in table.key)
        cursor.execute(
            f"INSERT INTO {LAKE}.raw.{several} SELECT DISTINCT {keys} FROM {judged} j "
            f"ANTI JOIN {LAKE}.raw.{several} r ON {same(table.key, 'j', 'r')} WHERE j.verdict IN ('revised', 'retold')"
        )
    known = (
        "CASE WHEN prior_known_at IS NULL OR known_at > prior_known_at THEN known_at "
        f"ELSE greatest({stamp.loaded}, prior_known_at + INTERVAL 1 MICROSECOND) END"
    )
    values = {"known_at": known, "loaded_at": stamp.loaded, "run": text(stamp.run)}
    chosen = ", ".join(f"{values.get(column, name(column))} AS {name(column)}" for column in table.names)
    wanted = ", ".join(text(verdict) for verdict in fresh)
    cursor.execute(f"INSERT INTO {LAKE}.raw.{table.name} SELECT {chosen} FROM {judged} WHERE verdict IN ({wanted})")
