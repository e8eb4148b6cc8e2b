"""Whom a row speaks of: from the ticker a source writes to the instrument that bore it, by the spells in `symbols`.

A ticker is a name for a while: it is renamed, and it is given to another company later. A source speaks in one of two ways:

- `day`: the ticker that the instrument had on the day of the row (crawls, membership lists, exchanges' own files);
- `now`: its whole history under the ticker it has now (most vendors). Days before the bearer's first spell belong to
  whoever bore that ticker then, where `symbols` knows one.

A ticker that `symbols` does not know keeps the identity that the source gave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from portfolio.schema import Table
from warehouse import views
from warehouse.extensions import name
from warehouse.layout import LAKE

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The day that a row of a table describes; a filing's facts are always of the company that filed it.
DAYS = {
    "prices": "session",
    "corporate_actions": "ex_session",
    "news": "(published AT TIME ZONE 'America/New_York')::DATE",
    "universe": "from_session",
    "fundamentals": "NULL::DATE",
    "instruments": "NULL::DATE",
}


def spells(prefix: str, known: str) -> str:
    """SELECT instrument, symbol, from_session, to_session (null: still): one row a spell, of the source known last."""
    newest = views.newest(views.TABLES["symbols"], prefix, known)
    return (
        f"SELECT instrument, symbol, from_session, to_session FROM ({newest}) "
        "QUALIFY row_number() OVER (PARTITION BY symbol, from_session ORDER BY known_at DESC, loaded_at DESC, source) = 1"
    )


def identify(cursor: DuckDBPyConnection, table: Table, relation: str, speaks: str) -> str:
    """Name of a temporary relation with the rows of `relation`, instrument and symbol as `symbols` knows them.

    speaks: `now` or `day`. Rows of a table without instruments, and a lake without spells, pass as they are.
    """
    if table.name not in DAYS or not _any(cursor):
        return relation
    made = f"{relation}_known"
    columns = ", ".join(f"r.{name(column)}" for column in table.staged if column not in {"instrument", "symbol"})
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {name('spells')} AS {spells(f'{LAKE}.', views.ALL)}")
    chosen = _on_the_day() if speaks == "day" else _of_the_bearer()
    ordered = ", ".join(name(column) for column in table.staged)
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {name(made)} AS SELECT {ordered} FROM (SELECT {columns}, {chosen} "
        f"FROM (SELECT *, {DAYS[table.name]} AS on_day FROM {name(relation)}) r {_joins()})"
    )
    return made


def _any(cursor: DuckDBPyConnection) -> bool:
    return cursor.execute(f"SELECT 1 FROM {LAKE}.raw.symbols LIMIT 1").fetchone() is not None


def _joins() -> str:
    """b: who bears the ticker now; o: the bearer's own spell that the day lies in or after; e: who bore the ticker that day."""
    last = "SELECT symbol, arg_max(instrument, from_session) AS instrument FROM spells GROUP BY symbol"
    return (
        f"LEFT JOIN ({last}) b ON b.symbol = r.symbol "
        "ASOF LEFT JOIN spells o ON o.instrument = b.instrument AND coalesce(r.on_day, DATE '9999-12-31') >= o.from_session "
        "ASOF LEFT JOIN spells e ON e.symbol = r.symbol AND coalesce(r.on_day, DATE '9999-12-31') >= e.from_session"
    )


def _bore() -> str:
    return "(e.instrument IS NOT NULL AND r.on_day <= coalesce(e.to_session, DATE '9999-12-31'))"


def _of_the_bearer() -> str:
    """The bearer's, unless the day lies before its first spell and another bore the ticker then."""
    other = f"(o.instrument IS NULL AND {_bore()})"
    return (
        f"CASE WHEN {other} THEN e.instrument ELSE coalesce(b.instrument, r.instrument) END AS instrument, "
        f"CASE WHEN {other} THEN e.symbol ELSE coalesce(o.symbol, r.symbol) END AS symbol"
    )


def _on_the_day() -> str:
    """Whoever bore the ticker on that day; a row without a day is the bearer's of now."""
    return (
        f"CASE WHEN {_bore()} THEN e.instrument WHEN r.on_day IS NULL THEN coalesce(b.instrument, r.instrument) "
        "ELSE r.instrument END AS instrument, r.symbol AS symbol"
    )
