"""Outside -> staged -> judged -> the lake: one transaction, so that a batch is there whole or not at all."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portfolio.errors import WrongUse
from portfolio.types import LawResult
from tasks import doors
from tasks.settings import Settings

if TYPE_CHECKING:
    from expectations.context import Report
    from sources.port import Source
    from warehouse.lake import Transaction

WATCHED = timedelta(days=60)
JUDGED = ("prices", "fundamentals", "macro")  # the datasets that have a contract


@dataclass(frozen=True, slots=True)
class Batch:
    """What to fetch. `file` is for sources that read one; `symbols` None means all the source has."""

    dataset: str
    source: str
    file: Path | None = None
    symbols: tuple[str, ...] | None = None
    since: date | None = None
    until: date | None = None
    expected_session: date | None = None  # the newest session that must be there
    adjustment: str = "raw"  # of the closes in a file: raw | adjusted
    known_only: bool = False  # of `symbols`, those the source has; the others are expected in the warehouse already


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
    seconds: float


def ingest(settings: Settings, batch: Batch, now: datetime) -> Ingested:
    """Fetch, judge, write. Good rows go on, bad rows go to quarantine with the law they broke; both in one snapshot."""
    started = time.perf_counter()
    source = _source(batch)
    batch = _narrowed(batch, source)
    if batch.symbols == ():
        return _nothing(settings, batch)
    frame = source.read(batch.dataset, batch.symbols, batch.since, batch.until)
    run = _run(batch, now)
    with doors.open_lake(settings) as lake:
        with lake.transaction(run, now) as tx:
            if batch.dataset == "prices":
                _introduce(tx, source, now)
            staged = tx.stage(batch.dataset, frame)
            report = _judge(tx, batch, source, staged, run, now)
            merged = tx.merge(batch.dataset, report.good if report else staged)
            quarantined = _quarantine(tx, batch.dataset, report) if report else 0
        snapshot = lake.snapshot()
    results = report.results if report else ()
    blocked = tuple(sorted(report.blocked)) if report else ()
    ledger = doors.open_ledger(settings)
    ledger.record_validation(run, results, snapshot, now)
    return Ingested(
        run=run,
        dataset=batch.dataset,
        source=source.name,
        rows=len(frame),
        added=merged.added,
        revised=merged.revised,
        unchanged=merged.unchanged,
        quarantined=quarantined,
        blocked=blocked,
        results=results,
        snapshot=snapshot,
        seconds=time.perf_counter() - started,
    )


def _nothing(settings: Settings, batch: Batch) -> Ingested:
    """The source has none of the symbols: nothing is fetched, and nothing is judged."""
    with doors.open_lake(settings) as lake:
        return Ingested("", batch.dataset, batch.source, 0, 0, 0, 0, 0, (), (), lake.snapshot(), 0.0)


def _source(batch: Batch) -> Source:
    from sources import open_source

    source = open_source(batch.source, batch.file, symbol=_only_symbol(batch), adjustment=batch.adjustment)
    if batch.dataset not in source.datasets:
        raise WrongUse(
            f"The source {batch.source} has no {batch.dataset}.", f"It has {', '.join(source.datasets)}.", dataset=batch.dataset
        )
    return source


def _narrowed(batch: Batch, source: Source) -> Batch:
    """The batch with the symbols that the source has, where only those are asked for."""
    if not batch.known_only or batch.symbols is None:
        return batch
    known = {instrument.symbol for instrument in source.instruments()}
    return replace(batch, symbols=tuple(s for s in batch.symbols if s in known))


def _only_symbol(batch: Batch) -> str | None:
    return batch.symbols[0] if batch.source == "edgar" and batch.symbols and len(batch.symbols) == 1 else None


def _run(batch: Batch, now: datetime) -> str:
    """A name that says when and what; the tail keeps two runs of one microsecond apart."""
    tail = hashlib.sha256(repr(batch).encode()).hexdigest()[:6]
    return f"{batch.dataset}-{now:%Y%m%dT%H%M%S%f}-{tail}"


def _introduce(tx: Transaction, source: Source, now: datetime) -> None:
    """Whom the rows speak of, and what the source says of itself."""
    from sources.frames import declarations_frame, instruments_frame

    tx.merge("instruments", tx.stage("instruments", instruments_frame(source, now)))
    tx.merge("declarations", tx.stage("declarations", declarations_frame(source, now)))


def _judge(tx: Transaction, batch: Batch, source: Source, staged: str, run: str, now: datetime) -> Report | None:
    if batch.dataset not in JUDGED:
        return None
    from expectations.check import check
    from expectations.context import Context

    context = Context(
        now=now,
        expected_session=batch.expected_session,
        declarations=(source.declaration(),),
        symbols=_expected_symbols(batch, source),
        history=tx.held(batch.dataset, source.name),
        actions=tx.held("corporate_actions") if batch.dataset == "prices" else None,
        watch_from=_watch_from(batch, now),
    )
    return check(tx.cursor, batch.dataset, staged, run=run, context=context)


def _watch_from(batch: Batch, now: datetime) -> date:
    """Warnings older than two months before the newest expected session name no symbol: they are history."""
    return (batch.expected_session or now.date()) - WATCHED


def _expected_symbols(batch: Batch, source: Source) -> tuple[str, ...]:
    """Whom a price batch must speak of: those asked for, or all that the source says it has."""
    if batch.dataset != "prices":
        return ()
    return tuple(i.symbol for i in source.instruments()) if batch.symbols is None else batch.symbols


def _quarantine(tx: Transaction, dataset: str, report: Report) -> int:
    """One row a broken law: a row that broke two is listed under both."""
    if report.bad_rows == 0:
        return 0
    from expectations.check import by_law

    return tx.quarantine(dataset, by_law(tx.cursor, report))


def held(settings: Settings) -> list[str]:
    """The judged datasets of which the warehouse holds rows."""
    with doors.open_lake(settings) as lake, lake.at(lake.snapshot()) as reader:
        counts = reader.counts()
    return [name for name in JUDGED if counts.get(name)]


def validate(settings: Settings, dataset: str, now: datetime) -> dict[str, Any]:
    """Judge what the warehouse holds of `dataset` by its contract as it is today; nothing is moved."""
    from expectations.check import check
    from expectations.context import Context

    if dataset not in JUDGED:
        raise WrongUse(f"{dataset} has no contract.", f"Contracts: {', '.join(JUDGED)}.", dataset=dataset)
    run = f"validate-{dataset}-{now:%Y%m%dT%H%M%S%f}"
    with doors.open_lake(settings) as lake:
        snapshot = lake.snapshot()
        with lake.at(snapshot) as reader:
            declarations = tuple(reader.declarations("prices").values())
        with lake.transaction(run, now) as tx:
            actions = tx.held("corporate_actions") if dataset == "prices" else None
            context = Context(now=now, declarations=declarations, actions=actions)
            report = check(tx.cursor, dataset, tx.held(dataset), run=run, context=context)
    doors.open_ledger(settings).record_validation(run, report.results, snapshot, now)
    return {"run": run, "rows": report.rows, "bad_rows": report.bad_rows, "results": report.results, "blocked": report.blocked}


def illness(results: Sequence[LawResult]) -> dict[str, tuple[str, ...]]:
    """symbol -> the laws that name it, of the results that failed."""
    out: dict[str, list[str]] = {}
    for result in results:
        if result.status in {"failed", "error"}:
            for symbol in result.symbols:
                out.setdefault(symbol, []).append(result.law)
    return {symbol: tuple(laws) for symbol, laws in out.items()}


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
        "snapshot": result.snapshot,
        "seconds": round(result.seconds, 3),
    }
