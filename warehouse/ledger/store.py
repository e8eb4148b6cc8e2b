"""The ledger's database: one engine, reads, and writes that each end in one committed transaction with a journal row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from portfolio.errors import Outage, Refused, WrongUse
from warehouse import journal
from warehouse.faults import translated
from warehouse.ledger.tables import JOURNAL
from warehouse.lock import KEYS

REVISION = "0005"  # the newest migration; a test holds it to the folder
VERSION_TABLE = "trimtab_version"  # of our own: a database may be shared with Prefect, who has alembic_version
_THING = "The ledger"
_PATIENCE = 30.0  # seconds a writer waits for another one


class Store:
    """What every part of the ledger stands on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with translated(_THING), self._engine.connect() as con:
            yield con

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction. Writers stand in a line (SQLite: BEGIN IMMEDIATE, PostgreSQL: an advisory lock), so what is read
        inside is still true at the commit, and the journal stays one chain."""
        with translated(_THING), self._engine.connect().execution_options(trimtab_write=True) as con, con.begin():
            if con.dialect.name == "postgresql":
                con.execute(sa.text(f"SET LOCAL lock_timeout = '{_PATIENCE:g}s'"))
                con.execute(sa.text(f"SELECT pg_advisory_xact_lock({KEYS['ledger']})"))
            yield con


def append(con: Connection, kind: str, body: Mapping[str, Any], at: datetime) -> str:
    """Add one journal row inside the open transaction; its hash."""
    last = con.execute(sa.select(JOURNAL.c.seq, JOURNAL.c.hash).order_by(JOURNAL.c.seq.desc()).limit(1)).first()
    seq, before = (last.seq + 1, last.hash) if last else (1, journal.GENESIS)
    moment, words = journal.stamp(at), journal.canonical(body)
    linked = journal.link(before, seq, moment, kind, words)
    con.execute(JOURNAL.insert().values(seq=seq, at=moment, kind=kind, body=words, hash=linked))
    return linked


def following(con: Connection, column: sa.Column[Any]) -> int:
    """The next number of a column that counts from 1."""
    return int(con.execute(sa.select(sa.func.coalesce(sa.func.max(column), 0))).scalar_one()) + 1


def open_engine(url: str) -> Engine:
    """An engine on a database that has our newest tables."""
    target = _target(url)
    engine = _engine(target)
    try:
        with translated(_THING):
            held = _held(engine)
            if held != REVISION:
                _migrate(engine, held)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _target(url: str) -> URL:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        Path(parsed.database).absolute().parent.mkdir(parents=True, exist_ok=True)
        return parsed.set(drivername="sqlite")
    if parsed.get_backend_name() in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    raise WrongUse(
        f"A database URL that begins with {parsed.drivername!r} is not one the ledger can use.",
        "Write sqlite:////absolute/path.sqlite or postgresql://user@host:5432/database.",
    )


def _engine(target: URL) -> Engine:
    if target.get_backend_name() != "sqlite":
        return sa.create_engine(target, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    engine = sa.create_engine(target, connect_args={"timeout": _PATIENCE})
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(dbapi: Any, record: Any) -> None:
    """WAL: readers never wait; synchronous FULL: what is committed survives a power cut; the driver begins nothing itself."""
    dbapi.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        dbapi.execute(f"PRAGMA {pragma}").close()


def _begin(con: Connection) -> None:
    con.exec_driver_sql("BEGIN IMMEDIATE" if con.get_execution_options().get("trimtab_write") else "BEGIN")


def _held(engine: Engine) -> str | None:
    """The migration the database stands at, None for an empty one."""
    with engine.connect() as con:
        if not sa.inspect(con).has_table(VERSION_TABLE):
            return None
        return con.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _migrate(engine: Engine, held: str | None) -> None:
    """Bring the database to the newest migration; the second of two processes finds it done."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    config.set_main_option("path_separator", "os")
    if held and held not in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}:
        raise Refused(
            f"The ledger stands at migration {held}, which this Trimtab does not know.", "Use the newer Trimtab.", held=held
        )
    with Store(engine).writing() as con:
        config.attributes["connection"] = con
        command.upgrade(config, REVISION)
    if _held(engine) != REVISION:
        raise Outage("The ledger could not be brought to its newest tables.", "Run it again.")
