"""Validation results, reconciles, and the journal as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from portfolio.types import Incident, Judged, LawResult
from warehouse import journal
from warehouse.journal import Row, Verified, canonical
from warehouse.ledger.incidents import observe, spans
from warehouse.ledger.store import Store, append, following
from warehouse.ledger.tables import JOURNAL, RECONCILES, VALIDATIONS

SHOWN = 50  # symbols that a journal row names; the result itself names all


@dataclass(frozen=True, slots=True)
class Validation:
    """One law's result, in which run, on which snapshot, when."""

    run: str
    snapshot: int
    at: datetime
    result: LawResult


class Records(Store):
    """What was checked, and the chain over everything."""

    def foresee(self, run: str, results: Sequence[LawResult], at: datetime, source: str, judged: Judged) -> list[Incident]:
        """Open what a batch breaks before its rows are written; the incidents that opened, got worse or came back.

        A kill between the rows and their record then leaves nobody free whom a law freezes. Nothing is resolved before
        the rows are there: that is `record_validation`'s, which follows.
        """
        with self.writing() as con:
            return observe(con, source, results, judged, run, at, heal=False)

    def record_validation(
        self,
        run: str,
        results: Sequence[LawResult],
        snapshot: int,
        at: datetime,
        source: str = "",
        judged: Judged | None = None,
    ) -> list[Incident]:
        """Write the results of a run, one row a dataset and law; the same run again replaces its own rows.

        source, judged: whose rows, and of whom and which days (None: of nobody). Returns the incidents that opened, got
        worse, came back or were resolved by it, all written in the same transaction.
        """
        with self.writing() as con:
            fresh = 0
            for result in results:
                here = (VALIDATIONS.c.run == run, VALIDATIONS.c.dataset == result.dataset, VALIDATIONS.c.law == result.law)
                text = canonical(result)
                if con.execute(sa.select(VALIDATIONS.c.result).where(*here)).scalar() == text:
                    continue
                con.execute(VALIDATIONS.delete().where(*here))
                row = {"run": run, "dataset": result.dataset, "law": result.law, "result": text, "snapshot": snapshot, "at": at}
                con.execute(VALIDATIONS.insert().values(**row))
                fresh += 1
            if not fresh:
                return []
            append(con, "validation", {"run": run, "snapshot": snapshot, "results": [_short(one) for one in results]}, at)
            return observe(con, source, results, judged or Judged(), run, at)

    def validations(self, latest: bool = True) -> list[Validation]:
        """Results by dataset and law; with `latest` only each law's newest of each source."""
        query = sa.select(VALIDATIONS).order_by(VALIDATIONS.c.dataset, VALIDATIONS.c.law, VALIDATIONS.c.at, VALIDATIONS.c.run)
        with self.reading() as con:
            rows = con.execute(query).all()
        found = [Validation(row.run, row.snapshot, row.at, _result(row.result)) for row in rows]
        return list({(one.result.dataset, one.result.source, one.result.law): one for one in found}.values()) if latest else found

    def record_reconcile(self, account: str, clean: bool, differences: Mapping[str, Any], at: datetime) -> None:
        """Write what a comparison with the broker found; `differences` in plain values."""
        with self.writing() as con:
            number = following(con, RECONCILES.c.number)
            text = canonical(differences)
            con.execute(RECONCILES.insert().values(number=number, account=account, clean=clean, differences=text, at=at))
            append(con, "reconcile", {"account": account, "clean": clean, "differences": differences}, at)

    def last_reconcile(self, account: str) -> tuple[datetime, bool, dict[str, Any]] | None:
        """(when, whether it was clean, differences) of the newest reconcile."""
        query = sa.select(RECONCILES).where(RECONCILES.c.account == account).order_by(RECONCILES.c.number.desc()).limit(1)
        with self.reading() as con:
            row = con.execute(query).first()
        return (row.at, row.clean, json.loads(row.differences)) if row else None

    def journal(self, kind: str, body: Mapping[str, Any], at: datetime) -> str:
        """Append one row to the hash chain and return its hash."""
        with self.writing() as con:
            return append(con, kind, body, at)

    def head(self) -> str:
        """The hash of the journal's last row, 64 zeros of an empty one."""
        with self.reading() as con:
            return con.execute(sa.select(JOURNAL.c.hash).order_by(JOURNAL.c.seq.desc()).limit(1)).scalar() or journal.GENESIS

    def verify(self, head: str | None = None) -> Verified:
        """Walk the whole chain; `Refused` names the first bad row, or says that `head` is no longer in it."""
        return journal.verify(self._rows(), head)

    def export(self, path: Path) -> Verified:
        """Write the journal as JSON lines, whole or not at all."""
        return journal.write(self._rows(), Path(path))

    def _rows(self) -> Iterator[Row]:
        with self.reading() as con:
            for row in con.execution_options(yield_per=1000).execute(sa.select(JOURNAL).order_by(JOURNAL.c.seq)):
                yield Row(row.seq, row.at, row.kind, row.body, row.hash)


def _short(result: LawResult) -> dict[str, Any]:
    names = ("dataset", "law", "severity", "on_breach", "status", "bad", "rows")
    return {name: getattr(result, name) for name in names} | {"symbols": result.symbols[:SHOWN]}


def _result(text: str) -> LawResult:
    values = json.loads(text)
    return LawResult(**(values | {"symbols": tuple(values["symbols"]), "days": spans(values.get("days", {}))}))
