"""What the warehouse holds, judged by today's contracts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from portfolio.errors import WrongUse
from portfolio.types import LawResult
from tasks import doors
from tasks.agreement import compare, results
from tasks.settings import Settings

if TYPE_CHECKING:
    from expectations.context import Report

JUDGED = ("prices", "corporate_actions", "fundamentals", "macro", "news", "universe")  # the datasets that have a contract
OF_A_BATCH = ("rows_present", "mostly_good", "days_not_shifted")  # what is held has lost the rows that these speak of
VERSIONED = ("macro", "universe")  # of which every version is judged: a publisher's vintages are facts of their own


def held(settings: Settings) -> list[str]:
    """The judged datasets of which the warehouse holds rows."""
    with doors.open_lake(settings) as lake, lake.at(lake.snapshot()) as reader:
        counts = reader.counts()
    return [name for name in JUDGED if counts.get(name)]


def validate(settings: Settings, dataset: str, now: datetime) -> dict[str, Any]:
    """Judge what the warehouse holds of `dataset`, each source by itself; nothing is moved, incidents follow.

    Of a row that lies in quarantine what is held says nothing: its incident stays.
    """
    if dataset not in JUDGED:
        raise WrongUse(f"{dataset} has no contract.", f"Contracts: {', '.join(JUDGED)}.", dataset=dataset)
    run = f"validate-{dataset}-{now:%Y%m%dT%H%M%S%f}"
    with doors.open_lake(settings) as lake:
        snapshot = lake.snapshot()
        with lake.at(snapshot) as reader:
            sources = reader.sources(dataset) or [""]
        reports = {source: _judged(settings, dataset, source, f"{run}-{source}", now) for source in sources}
    ledger = doors.open_ledger(settings)
    for source, report in reports.items():
        ledger.record_validation(f"{run}-{source}", report.results, snapshot, now, source, report.judged)
    beside = results(*compare(settings)) if dataset == "prices" and len(reports) > 1 else {}
    for source, (result, judged) in beside.items():
        ledger.record_validation(f"{run}-{source}-beside", [result], snapshot, now, source, judged)
    return {
        "run": run,
        "rows": sum(report.rows for report in reports.values()),
        "bad_rows": sum(report.bad_rows for report in reports.values()),
        "results": [r for report in reports.values() for r in report.results] + [result for result, _ in beside.values()],
        "blocked": {symbol: laws for report in reports.values() for symbol, laws in report.blocked.items()},
    }


def _judged(settings: Settings, dataset: str, source: str, run: str, now: datetime) -> Report:
    from expectations.check import check
    from expectations.context import Context

    with doors.open_lake(settings) as lake:
        with lake.at(lake.snapshot()) as reader:
            declarations = tuple(d for name, d in reader.declarations("prices").items() if name in {source, ""})
        with lake.transaction(run, now) as tx:
            several = dataset in VERSIONED
            context = Context(
                now=now,
                declarations=declarations,
                actions=tx.held("corporate_actions") if dataset == "prices" else None,
                others=tx.held("prices", source, others=True) if dataset == "prices" and source else None,
                prices=tx.held("prices") if dataset == "corporate_actions" else None,
                vintages=several,
            )
            rows = tx.held(dataset, source or None, versions=several)
            report = check(tx.cursor, dataset, rows, run=run, context=context)
            aside = {*report.judged.aside, *tx.aside(dataset, source), *((law, "") for law in OF_A_BATCH)}
            judged = replace(report.judged, aside=frozenset(aside))
    return replace(report, results=named(report.results, source), judged=judged)


def named(results: Iterable[LawResult], source: str) -> tuple[LawResult, ...]:
    """The results, each with the source whose rows were judged."""
    return tuple(replace(result, source=source) for result in results)
