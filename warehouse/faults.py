"""What DuckDB, SQLite and PostgreSQL say when something is wrong, in the project's three kinds of trouble."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from portfolio.errors import Outage, Refused, Trouble

_FULL = re.compile(
    r"no space left|disk is full|disk full|file too large|could not write|disk quota|failed to write|disk i/o error", re.I
)
_CONFLICT = re.compile(r"conflict|could not serialize|deadlock|has been (altered|dropped) by another", re.I)
_AWAY = re.compile(
    r"database is locked|locked by another|connection refused|could not connect|unable to connect|server closed|terminat"
    r"|connection .*(lost|closed|failed|reset)|timeout|timed out|starting up|too many connections|has been invalidated"
    r"|readonly database|unable to open database",
    re.I,
)
_CORRUPT = re.compile(r"not a database|malformed|corrupt|invalid magic|no magic bytes|too small to be a parquet", re.I)
_MISSING = re.compile(r"no such file|cannot open file|no files found", re.I)
_PASSWORD = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)|(://[^:/@\s]+:)[^@\s]+(@)", re.I)

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_DATABASES = ("duckdb", "_duckdb", "sqlalchemy", "psycopg", "sqlite3")


@contextmanager
def translated(thing: str) -> Iterator[None]:
    """Turn what a database raises inside the block into `Outage` or `Refused` about `thing`; our own bugs pass unchanged."""
    try:
        yield
    except Trouble:
        raise
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise Outage(
            f"{thing} could not be written because the disk is full or failing.", "Free some space and run it again."
        ) from error
    except Exception as error:
        inside = getattr(error, "orig", None)  # SQLAlchemy wraps what a column type raises
        if isinstance(inside, Trouble):
            raise inside from None
        trouble = _judge(thing, error) if type(error).__module__.split(".")[0] in _DATABASES else None
        if trouble is None:
            raise
        if _PASSWORD.search(str(error)):
            raise trouble from None  # the chained text would show the password
        raise trouble from error


def _judge(thing: str, error: BaseException) -> Trouble | None:
    words = str(error)
    said = redacted(words.strip().splitlines()[0] if words.strip() else type(error).__name__)
    if _FULL.search(words):
        return Outage(
            f"{thing} could not be written because the disk is full or failing.", "Free some space and run it again.", said=said
        )
    if _CONFLICT.search(words):
        return Outage(f"Another process wrote to {_low(thing)} at the same moment.", "Run it again.", said=said)
    if _CORRUPT.search(words):
        return Refused(f"{thing} is damaged ({said}).", "Restore it from its newest backup.", said=said)
    if _AWAY.search(words):
        return Outage(f"{thing} did not answer ({said}).", "See that its disk or server is up, then run it again.", said=said)
    if _MISSING.search(words):
        return Refused(
            f"A file of {_low(thing)} is missing ({said}).", "Restore the data folder from its newest backup.", said=said
        )
    return None


def redacted(words: str) -> str:
    """`words` without the passwords of connection strings."""
    return _PASSWORD.sub(lambda m: f"{m[1]}***" if m[1] else f"{m[3]}***{m[4]}", words)


def _low(thing: str) -> str:
    return thing[:1].lower() + thing[1:]
