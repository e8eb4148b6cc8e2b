"""Great Expectations on a live DuckDB cursor: a minimal SQLAlchemy dialect and a datasource that is lent the cursor.

GX fetches a result after it has given its connection back, and DuckDB drops a pending result then: with an ordinary
engine an expectation passes on rows nobody read. So the cursor here keeps its rows. Commit, rollback and close do
nothing: cursor and transaction belong to the caller. Importing this file imports Great Expectations (seconds).
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar, Literal

import duckdb
import sqlalchemy
from great_expectations.compatibility import pydantic
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from sqlalchemy.engine import default

_ERRORS = (
    "Error",
    "DatabaseError",
    "OperationalError",
    "ProgrammingError",
    "IntegrityError",
    "InternalError",
    "NotSupportedError",
    "DataError",
)
_DBAPI = SimpleNamespace(
    paramstyle="qmark",
    apilevel="2.0",
    threadsafety=1,
    version=duckdb.__version__,
    InterfaceError=duckdb.Error,
    **{name: getattr(duckdb, name) for name in _ERRORS},
)


class _Cursor:
    """Rows of one statement, kept in memory so that they outlive the scope GX fetches them in."""

    arraysize = 1

    def __init__(self, native: duckdb.DuckDBPyConnection) -> None:
        self.native = native
        self.rows: list[tuple[Any, ...]] = []
        self.description: Any = None
        self.rowcount = -1

    def execute(self, sql: str, parameters: Any = None) -> None:
        answer = self.native.execute(sql, parameters or None)
        self.description = answer.description
        self.rows = answer.fetchall() if answer.description else []
        self.rowcount = len(self.rows)

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        taken, self.rows = self.rows[:size], self.rows[size:]
        return taken

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(iter(self.fetchmany(1)), None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.fetchmany(len(self.rows))

    def close(self) -> None:
        """Nothing is held open."""


class _Borrowed:
    """A DB-API connection over a cursor that belongs to somebody else."""

    def __init__(self, native: duckdb.DuckDBPyConnection) -> None:
        self.native = native

    def cursor(self) -> _Cursor:
        return _Cursor(self.native)

    def _leave_it(self) -> None:
        """The caller owns the transaction and the connection."""

    commit = rollback = close = _leave_it


class BorrowedDialect(default.DefaultDialect):
    """As much of a dialect as GX needs for a query asset."""

    name = "duckdb"
    driver = "borrowed"
    default_paramstyle = "qmark"
    supports_statement_cache = True
    supports_native_boolean = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return _DBAPI

    def initialize(self, connection: Any) -> None:
        self.default_schema_name = None

    def do_ping(self, dbapi_connection: Any) -> bool:
        return True

    def create_connect_args(self, url: Any) -> Any:
        return [], {}

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> bool:
        return True


sqlalchemy.dialects.registry.register("duckdb.borrowed", __name__, "BorrowedDialect")


class DuckDBDatasource(SQLDatasource):
    """`lend` gives it the cursor to work on."""

    type: Literal["duckdb"] = "duckdb"
    connection_string: str = "duckdb+borrowed://"
    _native: Any = pydantic.PrivateAttr(None)
    _scan: Any = pydantic.PrivateAttr(None)
    SCAN: ClassVar[str] = "trimtab_scan"

    def lend(self, native: duckdb.DuckDBPyConnection, scan: Any) -> DuckDBDatasource:
        self._native, self._scan, self._engine, self._execution_engine = native, scan, None, None
        return self

    def _create_engine(self) -> sqlalchemy.engine.Engine:
        native = self._native
        return sqlalchemy.create_engine(
            self.connection_string, creator=lambda: _Borrowed(native), poolclass=sqlalchemy.pool.StaticPool
        )

    def get_execution_engine(self) -> SqlAlchemyExecutionEngine:
        """One engine a check; it carries the scan to the metric."""
        if self._execution_engine is None:
            engine = SqlAlchemyExecutionEngine(engine=self.get_engine(), create_temp_table=False)
            setattr(engine, self.SCAN, self._scan)
            self._execution_engine = engine
        return self._execution_engine
