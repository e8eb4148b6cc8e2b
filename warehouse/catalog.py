"""Where the lake's catalog is: a SQLite file or a PostgreSQL database, from one URL, and how to attach and lock it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from portfolio.errors import WrongUse
from warehouse import lock
from warehouse.extensions import text


@dataclass(frozen=True, slots=True)
class Catalog:
    """A parsed catalog URL: `path` for SQLite, else libpq's `words` (host, port, user, dbname, password)."""

    path: Path | None
    words: tuple[tuple[str, str], ...] = ()

    @property
    def extensions(self) -> tuple[str, ...]:
        return ("ducklake", "sqlite_scanner" if self.path else "postgres_scanner")

    def target(self, secret: bool = True) -> str:
        """What follows ATTACH, quoted; `secret=False` leaves the password out (libpq then reads PGPASSWORD or ~/.pgpass)."""
        if self.path is not None:
            return text(f"ducklake:sqlite:{self.path}")
        words = " ".join(f"{key}={_libpq(value)}" for key, value in self.words if secret or key != "password")
        return text(f"ducklake:postgres:{words}")

    def options(self, data_path: str, snapshot: int | None = None, read_only: bool = False) -> str:
        """The option list of ATTACH. WAL lets readers read while somebody commits."""
        parts = [f"DATA_PATH {text(data_path)}", "OVERRIDE_DATA_PATH true"]
        if self.path is not None:
            parts += ["META_JOURNAL_MODE 'WAL'", "META_BUSY_TIMEOUT 10000"]
        if snapshot is not None:
            parts.append(f"SNAPSHOT_VERSION {snapshot:d}")
        if read_only:
            parts.append("READ_ONLY")
        return f"({', '.join(parts)})"

    def locked(self, purpose: str, seconds: float) -> AbstractContextManager[None]:
        """Hold this catalog's lock for `purpose` (write, open); `Outage` when somebody else holds it longer than `seconds`."""
        if self.path is not None:
            return lock.file(self.path.with_name(f"{self.path.name}.{purpose}.lock"), seconds)
        return lock.postgres(" ".join(f"{key}={_libpq(value)}" for key, value in self.words), purpose, seconds)


def parse(url: str) -> Catalog:
    """`sqlite:////absolute/path`, `sqlite:///relative/path` or `postgresql://user@host:port/database`; else `WrongUse`."""
    parts = urlsplit(url)
    scheme = parts.scheme.split("+")[0]
    if scheme == "sqlite" and len(parts.path) > 1:
        return Catalog(Path(unquote(parts.path[1:])).absolute())
    if scheme in {"postgresql", "postgres"} and len(parts.path) > 1:
        named = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password}
        words = {key: unquote(str(value)) for key, value in named.items() if value}
        words |= {"dbname": unquote(parts.path[1:])} | dict(parse_qsl(parts.query))
        return Catalog(None, tuple(words.items()))
    raise WrongUse(
        f"A database URL that begins with {scheme or 'nothing'!r} is not one Trimtab can use.",
        "Write sqlite:////absolute/path.sqlite or postgresql://user@host:5432/database.",
    )


def _libpq(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
