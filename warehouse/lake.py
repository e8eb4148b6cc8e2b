"""The warehouse: one DuckLake, written in transactions, read at a snapshot.

with Lake.open("sqlite:////home/me/.trimtab/catalog.sqlite", "/home/me/.trimtab/lake") as lake:
    with lake.transaction(run="daily-7", at=clock.now()) as tx:
        staged = tx.stage("prices", frame)
        merged = tx.merge("prices", staged)
    with lake.at(lake.snapshot()) as reader:
        prices = reader.prices(["SPY"], known_by=clock.now())
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from portfolio.errors import Refused, WrongUse
from portfolio.schema import TABLES, Table
from warehouse import extensions, home, layout, manifest, quarantine
from warehouse import merge as merging
from warehouse.catalog import Catalog, parse
from warehouse.faults import translated
from warehouse.identity import identify
from warehouse.layout import LAKE
from warehouse.merge import Merged, Stamp
from warehouse.staging import stage as staged

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from warehouse.reads import Reader

_THING = "The warehouse"
PATIENCE = 120.0  # seconds a writer waits for another one


class Transaction:
    """One open transaction: what is merged here becomes one snapshot, or nothing. `cursor` is its DuckDB connection."""

    def __init__(self, cursor: DuckDBPyConnection, stamp: Stamp) -> None:
        self.cursor = cursor
        self._stamp = stamp
        self._count = 0
        self.snapshot: int | None = None  # set by the commit

    def stage(self, table: str, frame: Any) -> str:
        """Name of a temporary relation that holds `frame` (polars or Arrow) as the staged columns of `table`.

        Types are checked and cast, NaN becomes NULL; `Refused` names missing or wrong columns.
        """
        self._count += 1
        with translated(_THING):
            return staged(self.cursor, _table(table), frame, f"staged_{table}_{self._count}")

    def identify(self, table: str, relation: str, speaks: str = "now") -> str:
        """Name of a temporary relation of the same rows, each under the instrument that bore its ticker (warehouse.identity)."""
        with translated(_THING):
            return identify(self.cursor, _table(table), relation, speaks)

    def merge(self, table: str, relation: str, *, vintages: bool = False) -> Merged:
        """Add the facts of `relation` that are new or differ from their newest version (warehouse.merge has the rule)."""
        with translated(_THING):
            return merging.merge(self.cursor, _table(table), relation, self._stamp, vintages)

    def held(self, dataset: str, source: str | None = None, *, others: bool = False, versions: bool = False) -> str:
        """Name of a temporary view of what the lake holds of `dataset` now (of one source, or of all but that one).

        The newest version of each fact, or with `versions` all of them.
        """
        self._count += 1
        view, table = f"held_{dataset}_{self._count}", _table(dataset).name
        only = f" WHERE source {'<>' if others else '='} {extensions.text(source)}" if source else ""
        rows = f"SELECT * FROM {LAKE}.{f'raw.{table}' if versions else table}{only}"
        with translated(_THING):
            self.cursor.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {rows}")
        return view

    def quarantine(self, dataset: str, relation: str, law: str = "law") -> int:
        """Keep rows that broke a law (staged columns and the column `law` with the law's name); how many were new."""
        with translated(_THING):
            return quarantine.keep(self.cursor, _table(dataset), relation, law, self._stamp)

    def release(self, dataset: str, ids: Sequence[str], by: str, note: str) -> Merged:
        """Let quarantined rows in as they came (warehouse.quarantine)."""
        with translated(_THING):
            return quarantine.release(self.cursor, _table(dataset), ids, self._stamp, by, note)

    def held_back(self, dataset: str, source: str) -> str:
        """Name of a temporary relation of what quarantine holds of a source: staged columns and `laws`."""
        with translated(_THING):
            return quarantine.held_back(self.cursor, _table(dataset), source)

    def aside(self, dataset: str, source: str) -> set[tuple[str, str]]:
        """(law, symbol) of the rows that lie in quarantine and are not in the table in another shape."""
        with translated(_THING):
            return quarantine.aside(self.cursor, _table(dataset), source)

    def repair(self, dataset: str, proposals: Sequence[quarantine.Proposal], by: str, note: str) -> quarantine.Repaired:
        """Write what was proposed, with its evidence."""
        with translated(_THING):
            relation = quarantine.laid_out(self.cursor, _table(dataset), proposals)
            return quarantine.repair(self.cursor, _table(dataset), relation, self._stamp, by, note)

    def undo_repairs(self, dataset: str, instrument: str, since: date, until: date, by: str, note: str) -> int:
        """Take back the repairs of an instrument from `since` to `until`, both included; how many."""
        with translated(_THING):
            days = (since.isoformat(), until.isoformat())
            return quarantine.undo(self.cursor, _table(dataset), instrument, days, self._stamp, by, note)


class Lake:
    """An open warehouse. Threads may share it; each transaction and each reader has a connection of its own."""

    def __init__(self, catalog: Catalog, data_path: str) -> None:
        self._catalog = catalog
        self.data_path = home.data_folder(data_path)
        self._con: DuckDBPyConnection | None = None
        self._guard = threading.Lock()

    @classmethod
    def open(cls, catalog: str, data_path: str) -> Lake:
        """Open, or make, the lake whose catalog is at URL `catalog` and whose Parquet files are under `data_path`.

        `Refused` when the catalog is missing, damaged or older than the files; `Outage` when its server is away.
        """
        lake = cls(parse(catalog), data_path)
        home.check_before(lake._catalog, lake.data_path)
        lake._connection()
        return lake

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection. Safe to call twice."""
        with self._guard:
            con, self._con = self._con, None
        if con is not None:
            with suppress(Exception):
                con.close()

    @contextmanager
    def transaction(self, run: str, at: datetime) -> Iterator[Transaction]:
        """One transaction = at most one snapshot; an exception inside the block leaves the lake as it was.

        One writer at a time: waits for others, then `Outage`. `at` (aware) becomes `loaded_at`.
        """
        if at.tzinfo is None:
            raise WrongUse("The instant of a transaction has no time zone.", "Give an aware datetime.")
        with translated(_THING), self._catalog.locked("write", PATIENCE):
            cursor = self._connection().cursor()
            tx = Transaction(cursor, Stamp(run, at))
            try:
                cursor.execute("BEGIN")
                yield tx
                cursor.execute(f"CALL {LAKE}.set_commit_message({extensions.text('trimtab')}, {extensions.text(run)})")
                cursor.execute("COMMIT")
                tx.snapshot = self.noted()
            except BaseException:
                self._abandon(cursor)
                raise
            finally:
                with suppress(Exception):
                    cursor.close()

    def noted(self) -> int:
        """Write down beside the data what was committed: the snapshot's number, and the new files' checksums."""
        snapshot = self.snapshot()
        home.mark(self.data_path, snapshot)
        manifest.extend(self.data_path)
        return snapshot

    def locked(self) -> AbstractContextManager[None]:
        """Hold the write lock: nobody commits inside the block."""
        return self._catalog.locked("write", PATIENCE)

    def cursor(self) -> DuckDBPyConnection:
        """A connection with the lake attached, for this package's own rooms."""
        return self._connection().cursor()

    def snapshot(self) -> int:
        """The newest snapshot's number."""
        with translated(_THING):
            cursor = self._connection().cursor()
            row = cursor.execute(f"SELECT id FROM {LAKE}.current_snapshot()").fetchone()
        if row is None:
            raise Refused("The warehouse has no snapshot.", "Restore its catalog from the newest backup.")
        return int(row[0])

    def at(self, snapshot: int) -> Reader:
        """A read-only view of one snapshot; `Refused` when there is no such snapshot. Close it after use."""
        from warehouse.reads import Reader

        cursor = self._connection().cursor()
        return Reader(cursor, lambda name: self.attach(cursor, name, snapshot), snapshot)

    def query(
        self, sql: str, as_known_at: datetime | None = None, snapshot: int | None = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of one SELECT over the views and `raw` tables, read only.

        `as_known_at` hides from every view what was known later. Anything but a SELECT over the lake is `Refused`.
        """
        from warehouse.query import run

        with extensions.connect(self._catalog.extensions) as con:
            self.attach(con, LAKE, snapshot, read_only=True)
            with translated(_THING):
                return run(con, sql, as_known_at, self._catalog, self.data_path)

    def attach_statement(self) -> str:
        """SQL that lets any DuckDB 1.5 read this lake. A PostgreSQL password stays out of it (PGPASSWORD, ~/.pgpass)."""
        other = "sqlite" if self._catalog.path else "postgres"
        options = self._catalog.options(self.data_path, read_only=True)
        target = self._catalog.target(secret=False)
        return (
            f"INSTALL ducklake; INSTALL {other}; LOAD ducklake; LOAD {other};\nATTACH {target} AS {LAKE} {options};\nUSE {LAKE};"
        )

    def attach(self, con: DuckDBPyConnection, name: str, snapshot: int | None = None, read_only: bool = False) -> None:
        """Attach this lake to `con` as `name`, at its newest or at one snapshot."""
        import duckdb

        options = self._catalog.options(self.data_path, snapshot, read_only)
        with translated(_THING):
            try:
                con.execute(f"ATTACH {self._catalog.target()} AS {extensions.name(name)} {options}")
            except duckdb.Error as error:
                if snapshot is not None and "snapshot" in str(error).lower():
                    raise Refused(
                        f"The warehouse has no snapshot {snapshot}.", "Name one that `trimtab lake` lists.", snapshot=snapshot
                    ) from error
                raise

    def _connection(self) -> DuckDBPyConnection:
        with self._guard:
            if self._con is None:
                self._con = self._opened()
            return self._con

    def _opened(self) -> DuckDBPyConnection:
        """A new instance with the lake attached and its layout in place. One process at a time makes an empty lake."""
        with translated(_THING), self._catalog.locked("open", PATIENCE):
            head = home.marked(self.data_path)
            con = extensions.connect(self._catalog.extensions)
            try:
                self.attach(con, LAKE)
                home.check_after(con, self.data_path, head)
                version = layout.held(con)
                layout.check(version)
                if version < layout.LAYOUT:
                    layout.bring(con, version)
            except BaseException:
                con.close()
                raise
            return con

    def _abandon(self, cursor: DuckDBPyConnection) -> None:
        """Roll back; where even that fails (a full disk kills the connection) the next use opens a new one."""
        try:
            cursor.execute("ROLLBACK")
            cursor.execute("SELECT 1").fetchone()
        except Exception as error:
            if "no transaction" not in str(error).lower():
                self.close()


def _table(name: str) -> Table:
    if name not in TABLES:
        raise WrongUse(f"There is no table {name!r} in the warehouse.", f"There are {', '.join(TABLES)}.")
    return TABLES[name]
