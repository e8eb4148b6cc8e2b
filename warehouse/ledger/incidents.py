"""Incidents: a breach opens one, the same breach never a second; a law that holds again, or a person, resolves it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portfolio.errors import Refused, WrongUse
from portfolio.types import Incident, IncidentEvent, IncidentState, Judged, LawResult, Resolution, Span
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
    con: Connection, source: str, results: Iterable[LawResult], judged: Judged, run: str, at: datetime, heal: bool = True
) -> list[Incident]:
    """Open, update and reopen what `results` say is broken and, with `heal`, resolve what holds; the incidents that changed."""
    changed = []
    for result in results:
        if result.severity not in OPENS and result.status != "error":
            continue
        known = {i.scope: i for i in _of_law(con, result.dataset, source, result.law)}
        if result.status in {"failed", "error"}:
            changed += _broken(con, known, _seen(result, source, judged, run, at))
        if heal and result.status in {"failed", "passed"}:
            changed += _healed(con, known, result, judged, run, at)
    return changed


def _seen(result: LawResult, source: str, judged: Judged, run: str, at: datetime) -> list[Incident]:
    """The incidents that this breach would open: one a symbol, or one for all."""
    many = not result.symbols or len(result.symbols) > ONE_BY_ONE or result.whole
    everybody = sorted(judged.spans) if result.whole or result.status == "error" else sorted(result.symbols)
    scopes = [("", tuple(everybody))] if many else [(symbol, (symbol,)) for symbol in sorted(result.symbols)]
    unasked = {symbol: span for symbol, span in judged.spans.items() if span} if result.status == "error" else {}
    days = {**result.days, **unasked}
    newest = max((last for _, last in result.days.values()), default=None)
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
            newest=result.days[scope][1] if scope in result.days else newest,
            run=run,
            opened_at=at,
            seen_at=at,
            changed_at=at,
            days={symbol: days[symbol] for symbol in symbols if symbol in days},
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
            written = replace(written, days=_together(old.days, fresh.days))
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
    con: Connection, known: dict[str, Incident], result: LawResult, judged: Judged, run: str, at: datetime
) -> list[Incident]:
    """Symbols all of whose days were judged again, and that are not among the broken ones, are well again."""
    if result.status == "failed" and (result.whole or not result.symbols):
        return []
    changed = []
    for old in known.values():
        fewer = _judged_again(old, set(result.symbols), judged)
        if old.live and not fewer.symbols and (old.symbols or result.status == "passed"):
            passed = replace(old, state=IncidentState.RESOLVED, resolution=Resolution.PASSED, changed_at=at, seen_at=at, run=run)
            passed = replace(passed, snoozed_until=None)
            _write(con, passed, "resolved", "trimtab", f"passed in {run}", at)
            changed.append(passed)
        elif old.live and fewer != old:
            _write(con, replace(fewer, seen_at=at), "seen", "trimtab", "", at, quiet=True)
        elif fewer != old:  # whom was waived is well: to come back is news
            waived = old.resolution is not None and old.resolution.waives
            resolution = Resolution.PASSED if waived and not fewer.symbols else old.resolution
            _write(con, replace(fewer, resolution=resolution), "seen", "trimtab", "", at, quiet=True)
    return changed


def _judged_again(old: Incident, broken: Collection[str], judged: Judged) -> Incident:
    """The incident without the days that the check found well, and without the symbols that have none left."""
    left: dict[str, Span] = {}
    well = set()
    for symbol in old.symbols:
        days, span = old.days.get(symbol), judged.spans.get(symbol)
        looked = symbol in judged.spans and symbol not in broken and not {(old.law, symbol), (old.law, "")} & judged.aside
        if looked and span and days and judged.since and old.on_breach == "warn":
            span = (max(span[0], judged.since), span[1])
            looked = span[0] <= span[1]
        rest = _rest(days, span) if looked else days
        if rest:
            left[symbol] = rest
        elif looked:
            well.add(symbol)
    return replace(old, symbols=tuple(s for s in old.symbols if s not in well), days=left)


def _rest(days: Span | None, looked: Span | None) -> Span | None:
    """What is left of `days` without those in `looked`, where these reach one of its ends; None: nothing.

    Of a breach that has no day nothing is left by any look at its symbol.
    """
    if days is None or looked is None:
        return days
    first, last = days
    if looked[0] <= days[0] <= looked[1]:
        first = looked[1] + timedelta(days=1)
    if looked[0] <= days[1] <= looked[1]:
        last = looked[0] - timedelta(days=1)
    return (first, last) if first <= last else None


def _together(old: Mapping[str, Span], fresh: Mapping[str, Span]) -> dict[str, Span]:
    """A symbol's days of both, from the first to the last."""
    ends = {symbol: [*old.get(symbol, ()), *fresh.get(symbol, ())] for symbol in {*old, *fresh}}
    return {symbol: (min(days), max(days)) for symbol, days in ends.items()}


def spans(values: Mapping[str, Any]) -> dict[str, Span]:
    """Days as they are written; a single one is first and last."""
    ends = {symbol: [days] if isinstance(days, str) else days for symbol, days in values.items()}
    return {symbol: (date.fromisoformat(days[0]), date.fromisoformat(days[-1])) for symbol, days in ends.items()}


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
    values |= {"symbols": canonical(list(incident.symbols)), "days": canonical(incident.days), "state": incident.state.value}
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
    values["symbols"], values["days"] = tuple(json.loads(values["symbols"])), spans(json.loads(values["days"]))
    values["state"] = IncidentState(values["state"])
    values["resolution"] = Resolution(values["resolution"]) if values["resolution"] else None
    return Incident(**values)
