"""Incidents: a breach opens one, the same breach never a second; a law that holds again, or a person, resolves it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portfolio.errors import Refused, WrongUse
from portfolio.types import Incident, IncidentEvent, IncidentState, LawResult, Resolution
from warehouse.journal import canonical
from warehouse.ledger.data_tables import INCIDENT_EVENTS, INCIDENTS
from warehouse.ledger.store import Store, append, following

ONE_BY_ONE = 5  # symbols: more of them break a law together, and that is one incident
OPENS = {"critical", "warning"}  # severities; mere information opens nothing


def identity(dataset: str, source: str, law: str, scope: str) -> str:
    return hashlib.sha256(f"{dataset}|{source}|{law}|{scope}".encode()).hexdigest()[:12]


class Incidents(Store):
    """What is wrong with the data, and who has it in hand."""

    def incidents(self, live: bool = True, dataset: str | None = None) -> list[Incident]:
        """Those not resolved (or all), worst and newest first."""
        query = sa.select(INCIDENTS)
        if live:
            query = query.where(INCIDENTS.c.state != IncidentState.RESOLVED)
        if dataset:
            query = query.where(INCIDENTS.c.dataset == dataset)
        with self.reading() as con:
            found = [_incident(row) for row in con.execute(query)]
        return sorted(found, key=lambda i: (i.severity != "critical", -i.changed_at.timestamp(), i.incident))

    def incident(self, incident: str) -> Incident:
        """The one whose id is, or begins with, `incident` (at least four digits); `Refused` where there is none, or two."""
        with self.reading() as con:
            return _one(con, incident)

    def incident_history(self, incident: str) -> list[IncidentEvent]:
        """All that happened to it, oldest first."""
        query = sa.select(INCIDENT_EVENTS).where(INCIDENT_EVENTS.c.incident == incident).order_by(INCIDENT_EVENTS.c.number)
        with self.reading() as con:
            return [IncidentEvent(row.incident, row.at, row.kind, row.by, row.note) for row in con.execute(query)]

    def acknowledge(self, incident: str, by: str, note: str, at: datetime) -> Incident:
        """open -> acknowledged, owned by `by`; again by another hands it over."""
        return self._moved(incident, "acknowledged", by, note, at, state=IncidentState.ACKNOWLEDGED, owner=by)

    def snooze(self, incident: str, until: date, by: str, note: str, at: datetime) -> Incident:
        """Say nothing of it until that day is over, unless it gets worse. What it blocks stays blocked."""
        if until <= at.date():
            raise WrongUse(f"{until} is not after today.", "Name a later day.")
        return self._moved(incident, "snoozed", by, note or f"until {until}", at, snoozed_until=until)

    def resolve(self, incident: str, resolution: Resolution, by: str, note: str, at: datetime) -> Incident:
        """A person settles it, and says why. `WrongUse` without a note, or for `passed`: that is a check's word."""
        if not note.strip():
            raise WrongUse("An incident is not resolved without a note.", "Say why with --note.")
        if resolution is Resolution.PASSED:
            raise WrongUse("Only a check that passes says `passed`.", "Say fixed, expected, accepted or false_positive.")
        how = {"state": IncidentState.RESOLVED, "resolution": resolution, "snoozed_until": None}
        return self._moved(incident, "resolved", by, f"{resolution.value}: {note}", at, **how)

    def _moved(self, incident: str, kind: str, by: str, note: str, at: datetime, **values: Any) -> Incident:
        with self.writing() as con:
            found = _one(con, incident)
            if not found.live:
                raise Refused(f"The incident {found.incident} is resolved.", "It opens again by itself when the breach returns.")
            moved = replace(found, note=note or found.note, changed_at=at, **values)
            _write(con, moved, kind, by, note, at)
            return moved


def observe(
    con: Connection, source: str, results: Iterable[LawResult], judged: Collection[str], run: str, at: datetime
) -> list[Incident]:
    """Inside the transaction that records `results`: open, update, reopen and resolve; the incidents that changed.

    judged: the symbols that the batch spoke of; only of them can a passed law say that it holds again.
    """
    changed = []
    for result in results:
        if result.severity not in OPENS and result.status != "error":
            continue
        known = {i.scope: i for i in _of_law(con, result.dataset, source, result.law)}
        if result.status in {"failed", "error"}:
            changed += _broken(con, known, _seen(result, source, judged, run, at))
        if result.status in {"failed", "passed"}:
            changed += _healed(con, known, result, judged, run, at)
    return changed


def _seen(result: LawResult, source: str, judged: Collection[str], run: str, at: datetime) -> list[Incident]:
    """The incidents that this breach would open: one a symbol, or one for all."""
    many = not result.symbols or len(result.symbols) > ONE_BY_ONE or result.whole
    everybody = sorted(judged) if result.whole or result.status == "error" else sorted(result.symbols)
    scopes = [("", tuple(everybody))] if many else [(symbol, (symbol,)) for symbol in sorted(result.symbols)]
    newest = max(result.days.values(), default=None)
    return [
        Incident(
            incident=identity(result.dataset, source, result.law, scope),
            dataset=result.dataset,
            source=source,
            law=result.law,
            scope=scope,
            what=result.what if result.status == "failed" else f"It could not be asked: {result.note}.",
            severity="critical" if result.status == "error" else result.severity,
            on_breach="block" if result.status == "error" else result.on_breach,
            state=IncidentState.OPEN,
            resolution=None,
            owner="",
            note="",
            symbols=symbols,
            bad=result.bad,
            newest=result.days.get(scope, newest) if scope else newest,
            run=run,
            opened_at=at,
            seen_at=at,
            changed_at=at,
        )
        for scope, symbols in scopes
    ]


def _broken(con: Connection, known: dict[str, Incident], seen: Sequence[Incident]) -> list[Incident]:
    """Write what was seen: new, back again, worse, or the same."""
    changed = []
    for fresh in seen:
        old = known.get(fresh.scope)
        if old is None:
            kind, written = "opened", fresh
        elif not old.live and not _another(old, fresh):
            continue
        elif not old.live:
            kind, written = "reopened", replace(fresh, opened_at=old.opened_at, owner=old.owner)
        else:
            worse = fresh.bad > 2 * old.bad or set(fresh.symbols) - set(old.symbols)
            symbols = tuple(sorted({*old.symbols, *fresh.symbols}))
            kind = "worse" if worse else "seen"
            written = replace(old, symbols=symbols, bad=fresh.bad, newest=fresh.newest, run=fresh.run, seen_at=fresh.seen_at)
            written = replace(written, what=fresh.what, severity=fresh.severity, on_breach=fresh.on_breach)
        note = f"{fresh.bad} rows in {fresh.run}"
        _write(con, written, kind, "trimtab", note, fresh.seen_at, quiet=kind == "seen")
        known[fresh.scope] = written
        if kind != "seen":
            changed.append(written)
    return changed


def _another(old: Incident, fresh: Incident) -> bool:
    """Whether a breach after a resolution is another one than the one that was settled."""
    if old.resolution is None or not old.resolution.waives:
        return True
    later = fresh.newest is not None and (old.newest is None or fresh.newest > old.newest)
    return later or fresh.bad > old.bad or bool(set(fresh.symbols) - set(old.symbols))


def _healed(
    con: Connection, known: dict[str, Incident], result: LawResult, judged: Collection[str], run: str, at: datetime
) -> list[Incident]:
    """Symbols that were judged and are not among the broken ones are well again."""
    if result.status == "failed" and (result.whole or not result.symbols):
        return []
    well = set(judged) - set(result.symbols)
    changed = []
    for old in known.values():
        left = set(old.symbols) - well
        if not old.live and left != set(old.symbols):  # whom was waived is well: to come back is news
            waived = old.resolution is not None and old.resolution.waives
            resolution = Resolution.PASSED if waived and not left else old.resolution
            fewer = replace(old, symbols=tuple(sorted(left)), resolution=resolution)
            _write(con, fewer, "seen", "trimtab", "", at, quiet=True)
        if not old.live or (left == set(old.symbols) and (old.symbols or result.status == "failed")):
            continue
        if left:
            _write(
                con, replace(old, symbols=tuple(sorted(left)), seen_at=at), "seen", "trimtab", f"{len(left)} left", at, quiet=True
            )
            continue
        passed = replace(old, state=IncidentState.RESOLVED, resolution=Resolution.PASSED, changed_at=at, seen_at=at, run=run)
        passed = replace(passed, snoozed_until=None)
        _write(con, passed, "resolved", "trimtab", f"passed in {run}", at)
        changed.append(passed)
    return changed


def _of_law(con: Connection, dataset: str, source: str, law: str) -> list[Incident]:
    mine = (INCIDENTS.c.dataset == dataset, INCIDENTS.c.source == source, INCIDENTS.c.law == law)
    return [_incident(row) for row in con.execute(sa.select(INCIDENTS).where(*mine))]


def _one(con: Connection, incident: str) -> Incident:
    begins = incident.strip().lower()
    rows = con.execute(sa.select(INCIDENTS).where(INCIDENTS.c.incident.startswith(begins, autoescape=True))).all()
    if len(rows) != 1 or len(begins) < 4:
        found = "none" if not rows else "several" if len(begins) >= 4 else "no whole id"
        raise Refused(f"The incident {incident!r} names {found}.", "`trimtab incidents list` shows their ids.", incident=incident)
    return _incident(rows[0])


def _write(con: Connection, incident: Incident, kind: str, by: str, note: str, at: datetime, quiet: bool = False) -> None:
    """The incident as it is now, and (unless `quiet`) a line of its history and of the journal."""
    values = {name: getattr(incident, name) for name in INCIDENTS.c.keys()}  # noqa: SIM118
    values |= {"symbols": canonical(list(incident.symbols)), "state": incident.state.value}
    values["resolution"] = incident.resolution.value if incident.resolution else None
    con.execute(INCIDENTS.delete().where(INCIDENTS.c.incident == incident.incident))
    con.execute(INCIDENTS.insert().values(**values))
    if quiet:
        return
    number = following(con, INCIDENT_EVENTS.c.number)
    event = {"incident": incident.incident, "kind": kind, "by": by, "note": note}
    con.execute(INCIDENT_EVENTS.insert().values(number=number, at=at, **event))
    about = {name: getattr(incident, name) for name in ("dataset", "source", "law", "scope", "bad")}
    append(con, "incident", event | about | {"state": incident.state.value}, at)


def _incident(row: Any) -> Incident:
    values = dict(row._mapping)
    values["symbols"] = tuple(json.loads(values["symbols"]))
    values["state"] = IncidentState(values["state"])
    values["resolution"] = Resolution(values["resolution"]) if values["resolution"] else None
    return Incident(**values)
