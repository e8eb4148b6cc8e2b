"""Backfills: what was asked, the partitions it was cut into, and what became of each. A killed one goes on where it stood."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from portfolio.errors import Refused
from warehouse.journal import canonical, stamp
from warehouse.ledger.data_tables import BACKFILLS, PARTITIONS
from warehouse.ledger.store import Store, append

RUNNING, WAITING, OUTAGE = "running", "waiting", "outage"
UNANSWERED = (WAITING, OUTAGE)  # partitions of these are asked for again; done and refused ones are over


@dataclass(frozen=True, slots=True)
class Partition:
    """One piece of a backfill: these symbols, `since` to `until`, both included. status: waiting | done | refused | outage."""

    part: int
    symbols: tuple[str, ...]
    since: date
    until: date
    status: str = WAITING
    rows: int = 0
    added: int = 0
    revised: int = 0
    quarantined: int = 0
    run: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Backfill:
    """What was asked of which dataset and source, and the lake's snapshot when it began."""

    backfill: str  # 12 hex digits of sha256 over what was asked, and when
    dataset: str
    source: str
    before: int
    status: str  # running | done | partly (some was refused, or has not come yet)
    partitions: tuple[Partition, ...]

    @property
    def waiting(self) -> tuple[Partition, ...]:
        """The partitions to ask for: those nobody asked for yet, and those the vendor did not answer for."""
        return tuple(p for p in self.partitions if p.status in UNANSWERED)


class Backfills(Store):
    """Which pieces of a backfill are done."""

    def begin_backfill(
        self, dataset: str, source: str, asked: Mapping[str, Any], partitions: Sequence[Partition], before: int, at: datetime
    ) -> Backfill:
        """Write a backfill down; one for the same words that is not over goes on with the partitions it has.

        It is over once its end was told and no partition waits for an answer, whether or not some of them were refused.
        """
        same = {BACKFILLS.c.dataset: dataset, BACKFILLS.c.source: source, BACKFILLS.c.asked: canonical(asked)}
        waits = sa.exists().where(PARTITIONS.c.backfill == BACKFILLS.c.backfill, PARTITIONS.c.status.in_(UNANSWERED))
        goes_on = sa.or_(BACKFILLS.c.status == RUNNING, waits)
        unfinished = sa.select(BACKFILLS.c.backfill).where(*(c == value for c, value in same.items()), goes_on)
        identity = hashlib.sha256(f"{dataset}|{source}|{canonical(asked)}|{stamp(at)}".encode()).hexdigest()[:12]
        with self.writing() as con:
            held = con.execute(unfinished.order_by(BACKFILLS.c.at.desc()).limit(1)).scalar()
            if held is not None:
                identity = held
            else:
                about = {"backfill": identity, "dataset": dataset, "source": source, "before": before}
                con.execute(BACKFILLS.insert().values(**about, asked=canonical(asked), status=RUNNING, at=at))
                for one in partitions:
                    con.execute(PARTITIONS.insert().values(backfill=identity, at=None, **_values(one)))
                append(con, "backfill", about | {"asked": dict(asked), "partitions": len(partitions)}, at)
        return self.backfill(identity)

    def finish_partition(self, backfill: str, partition: Partition, at: datetime) -> None:
        """Write what became of one partition."""
        here = (PARTITIONS.c.backfill == backfill, PARTITIONS.c.part == partition.part)
        with self.writing() as con:
            con.execute(PARTITIONS.update().where(*here).values(at=at, **_values(partition)))

    def finish_backfill(self, backfill: str, status: str, at: datetime) -> None:
        """done | partly (of some partitions nothing came)."""
        with self.writing() as con:
            con.execute(BACKFILLS.update().where(BACKFILLS.c.backfill == backfill).values(status=status))
            append(con, "backfill", {"backfill": backfill, "status": status}, at)

    def backfill(self, backfill: str) -> Backfill:
        """`Refused` where there is none of that id."""
        with self.reading() as con:
            row = con.execute(sa.select(BACKFILLS).where(BACKFILLS.c.backfill == backfill)).first()
            parts = con.execute(sa.select(PARTITIONS).where(PARTITIONS.c.backfill == backfill).order_by(PARTITIONS.c.part)).all()
        if row is None:
            raise Refused(f"There is no backfill {backfill}.", "`trimtab backfill` makes one.", backfill=backfill)
        found = tuple(_partition(part) for part in parts)
        return Backfill(row.backfill, row.dataset, row.source, row.before, row.status, found)


def _values(partition: Partition) -> dict[str, Any]:
    names = ("part", "since", "until", "status", "rows", "added", "revised", "quarantined", "run", "note")
    return {name: getattr(partition, name) for name in names} | {"symbols": canonical(list(partition.symbols))}


def _partition(row: Any) -> Partition:
    values = dict(row._mapping)
    values["symbols"] = tuple(json.loads(values["symbols"]))
    return Partition(**{name: value for name, value in values.items() if name not in {"backfill", "at"}})
