"""Outside -> staged -> judged -> the lake: one transaction, so that a batch is there whole or not at all."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from portfolio.errors import Outage, Refused
from portfolio.types import Incident, LawResult
from sources.port import keeps_vintages
from tasks import doors
from tasks.fetch import ASKED, Batch, Fetched, fetch, narrowed, opened
from tasks.held import continued, unbroken
from tasks.settings import Settings
from tasks.validate import JUDGED, named

if TYPE_CHECKING:
    from expectations.context import Report
    from sources.port import Source
    from warehouse.lake import Transaction
    from warehouse.merge import Merged

WATCHED = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a batch: rows fetched, added, revised, unchanged, quarantined; law results; the lake's snapshot."""

    run: str
    dataset: str
    source: str
    rows: int
    added: int
    revised: int
    unchanged: int
    quarantined: int
    blocked: tuple[str, ...]
    results: tuple[LawResult, ...]
    snapshot: int
    seconds: float = 0.0
    failed: Mapping[str, str] = field(default_factory=dict)  # symbol -> why the vendor refused it
    late: Mapping[str, str] = field(default_factory=dict)  # symbol -> why it did not answer for it
    incidents: tuple[Incident, ...] = ()  # opened, worse, back or resolved by this batch
    beside: Mapping[str, int] = field(default_factory=dict)  # companion dataset -> rows added or revised


def ingest(settings: Settings, batch: Batch, now: datetime) -> Ingested:
    """Fetch, judge, write. Good rows go on, bad rows go to quarantine with the law they broke; both in one snapshot.

    Where a vendor did not answer for some of the symbols, the others are written and `Outage` names those to ask again.
    """
    started = time.perf_counter()
    source = opened(settings, batch, now)
    batch = continued(settings, narrowed(batch, source), source)
    if batch.symbols == ():
        return _nothing(settings, batch)
    try:
        fetched = unbroken(settings, batch, fetch(source, batch))
    except Refused as trouble:
        if not batch.held:
            raise
        told = trouble.facts.get("failed")
        failed = told if isinstance(told, dict) else dict.fromkeys(batch.symbols or (), trouble.what)
        return replace(_nothing(settings, batch), failed=failed)
    done = write(settings, batch, fetched, now)
    if done.late:
        raise Outage(
            f"{len(done.late)} of {len(batch.symbols or ())} symbols did not come from {source.name} ({', '.join(done.late)}): "
            f"{next(iter(done.late.values()))}",
            "The others are written; run it again for these.",
            symbols=tuple(done.late),
        )
    return replace(done, seconds=time.perf_counter() - started)


def write(settings: Settings, batch: Batch, fetched: Fetched, now: datetime, run: str | None = None) -> Ingested:
    """Judge and write what was fetched, in one transaction, and record what the laws said under the name `run`."""
    source, run, parts = fetched.source, run or _run(batch, now), list[Part]()
    with doors.open_lake(settings) as lake:
        with lake.transaction(run, now) as tx:
            introduce(tx, source, now)
            for dataset, frame in fetched.frames.items():
                parts.append(_part(tx, replace(batch, dataset=dataset), fetched, frame, run, now))
            ledger, reports = doors.open_ledger(settings), [part.report for part in parts if part.report]
            changed = [one for r in reports for one in ledger.foresee(run, r.results, now, source.name, r.judged)]
        snapshot = tx.snapshot or lake.snapshot()
    for report in reports:
        changed += ledger.record_validation(run, report.results, snapshot, now, source.name, report.judged)
    main = parts[-1]
    return Ingested(
        run=run,
        dataset=batch.dataset,
        source=source.name,
        rows=main.rows,
        added=main.merged.added,
        revised=main.merged.revised,
        unchanged=main.merged.unchanged,
        quarantined=sum(part.quarantined for part in parts),
        blocked=tuple(sorted({symbol for report in reports for symbol in report.blocked})),
        results=tuple(result for report in reports for result in report.results),
        snapshot=snapshot,
        failed=fetched.failed,
        late=fetched.late,
        incidents=tuple(changed),
        beside={part.dataset: part.merged.added + part.merged.revised for part in parts[:-1]},
    )


@dataclass(frozen=True, slots=True)
class Part:
    """What became of one dataset of a batch."""

    dataset: str
    rows: int
    merged: Merged
    quarantined: int
    report: Report | None


def _part(tx: Transaction, batch: Batch, fetched: Fetched, frame: Any, run: str, now: datetime) -> Part:
    source, dataset = fetched.source, batch.dataset
    staged = tx.identify(dataset, tx.stage(dataset, frame), getattr(source, "speaks", "now"))
    nothing = frame.is_empty() and batch.source in ASKED and (batch.since or batch.until)  # it has none of these days
    report = None if nothing else _judge(tx, batch, fetched, staged, run, now)
    merged = tx.merge(dataset, report.good if report else staged, vintages=keeps_vintages(source))
    return Part(dataset, len(frame), merged, _quarantine(tx, dataset, report) if report else 0, report)


def _nothing(settings: Settings, batch: Batch) -> Ingested:
    """The source has none of the symbols: nothing is fetched, and nothing is judged."""
    with doors.open_lake(settings) as lake:
        return Ingested("", batch.dataset, batch.source, 0, 0, 0, 0, 0, (), (), lake.snapshot())


def _run(batch: Batch, now: datetime) -> str:
    """A name that says when and what; the tail keeps two runs of one microsecond apart."""
    tail = hashlib.sha256(repr(batch).encode()).hexdigest()[:6]
    return f"{batch.dataset}-{now:%Y%m%dT%H%M%S%f}-{tail}"


def introduce(tx: Transaction, source: Source, now: datetime) -> None:
    """Whom the rows speak of, and what the source says of itself."""
    from sources.frames import declarations_frame, instruments_frame

    if source.instruments():
        staged = tx.stage("instruments", instruments_frame(source, now))
        tx.merge("instruments", tx.identify("instruments", staged))
    tx.merge("declarations", tx.stage("declarations", declarations_frame(source, now)))


def _judge(tx: Transaction, batch: Batch, fetched: Fetched, staged: str, run: str, now: datetime) -> Report | None:
    if batch.dataset not in JUDGED:
        return None
    from expectations.check import check
    from expectations.context import Context

    source = fetched.source
    context = Context(
        now=now,
        expected_session=batch.expected_session if batch.dataset == "prices" else None,
        declarations=(source.declaration(),),
        symbols=_expected_symbols(batch, fetched),
        history=tx.held(batch.dataset, source.name),
        actions=tx.held("corporate_actions") if batch.dataset == "prices" else None,
        others=tx.held("prices", source.name, others=True) if batch.dataset == "prices" else None,
        prices=tx.held("prices") if batch.dataset == "corporate_actions" else None,
        vintages=keeps_vintages(source),
        watch_from=_watch_from(batch, now),
    )
    report = check(tx.cursor, batch.dataset, staged, run=run, context=context)
    return replace(report, results=named(report.results, source.name))


def _watch_from(batch: Batch, now: datetime) -> date:
    """Warnings older than two months before the newest expected session name no symbol: they are history."""
    return (batch.expected_session or now.date()) - WATCHED


def _expected_symbols(batch: Batch, fetched: Fetched) -> tuple[str, ...]:
    """Whom a price batch must speak of: those asked for, or all that the source says it has; less those that did not come."""
    if batch.dataset != "prices":
        return ()
    wanted = tuple(i.symbol for i in fetched.source.instruments()) if batch.symbols is None else batch.symbols
    return tuple(s for s in wanted if s not in fetched.late)


def _quarantine(tx: Transaction, dataset: str, report: Report) -> int:
    """One row a broken law: a row that broke two is listed under both."""
    if report.bad_rows == 0:
        return 0
    from expectations.check import by_law

    return tx.quarantine(dataset, by_law(tx.cursor, report))


def counts(result: Ingested) -> dict[str, Any]:
    """The batch in numbers and words: what travels on to the summary."""
    failed = [r for r in result.results if r.status in {"failed", "error"}]
    broken = [r.law for r in failed if r.severity == "critical" or r.status == "error"]
    return {
        "run": result.run,
        "dataset": result.dataset,
        "source": result.source,
        "rows": result.rows,
        "added": result.added,
        "revised": result.revised,
        "unchanged": result.unchanged,
        "quarantined": result.quarantined,
        "blocked": list(result.blocked),
        "laws": len(result.results),
        "broken": broken,
        "warned": [r.law for r in failed if r.law not in broken],
        "unknown": [r.law for r in result.results if r.status == "unknown"],
        "failed": dict(result.failed),
        "incidents": [f"{i.incident} {i.state.value}: {i.sentence}" for i in result.incidents],
        "snapshot": result.snapshot,
        "seconds": round(result.seconds, 3),
    }
