"""`check`: are these staged rows what the contract says? One call, inside the caller's transaction."""

# ruff: noqa: S608  identifiers come from the schema, the contracts and names checked by `check`
from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING

from expectations.context import Context, Outcome, Report
from expectations.contract import Law, contract
from expectations.gate import judge
from expectations.query import PRICE_COLUMNS, Names
from expectations.scan import Scan
from expectations.sessions import create_sessions
from portfolio.errors import Broken
from portfolio.types import Judged, LawResult, Span

if TYPE_CHECKING:
    import duckdb

_RELATION = re.compile(r'[\w."]+')


def check(cursor: duckdb.DuckDBPyConnection, dataset: str, relation: str, *, run: str, context: Context) -> Report:
    """Judge the rows of `relation` (staged columns of `dataset`) by every law of its contract.

    cursor: of the caller's open transaction; it is neither committed nor rolled back, and only temp relations are made.
    `Broken` where a name is no relation's name, `now` is naive, or the database gave up on the transaction meanwhile.
    """
    started = perf_counter()
    _sane(relation, context)
    suffix = f"{dataset}_{hashlib.sha256(f'{run}|{relation}'.encode()).hexdigest()[:10]}"
    scan = Scan(contract(dataset), context, Names(suffix))
    if context.sessions is None:
        create_sessions(cursor, scan.names.sessions, context.now)
    _declare(cursor, scan)
    from expectations.suite import validate

    complaints = validate(cursor, relation, scan)
    _believe_complaints(scan, complaints)
    return _report(cursor, scan, run, started)


def by_law(cursor: duckdb.DuckDBPyConnection, report: Report) -> str:
    """A temp view of the bad rows, one row a broken law: staged columns and `law` (VARCHAR)."""
    name = f"{report.bad}_by_law"
    rows = f"select * exclude (laws), unnest(laws) as law from {report.bad}"
    cursor.execute(f"create or replace temp view {name} as {rows}")
    return name


def _sane(relation: str, context: Context) -> None:
    for name in (relation, context.history, context.actions, context.others, context.prices, context.sessions):
        if name is not None and not _RELATION.fullmatch(name):
            raise Broken(f"{name!r} is not the name of a relation.", "Give a table or a view.", relation=name)
    if context.now.tzinfo is None:
        raise Broken("The moment of a check has no time zone.", "Give an aware datetime in UTC.", now=context.now)


def _declare(cursor: duckdb.DuckDBPyConnection, scan: Scan) -> None:
    """The declarations as a temp table: source, adjustment, has_open .. has_volume."""
    has = ", ".join(f"has_{name} boolean" for name in PRICE_COLUMNS)
    cursor.execute(f"create or replace temp table {scan.names.declared} (source varchar, adjustment varchar, {has})")
    marks = ", ".join("?" * (2 + len(PRICE_COLUMNS)))
    for said in scan.context.declarations:
        row = [said.source, said.adjustment, *(name in said.has for name in PRICE_COLUMNS)]
        cursor.execute(f"insert into {scan.names.declared} values ({marks})", row)


def _believe_complaints(scan: Scan, complaints: dict[str, str]) -> None:
    """A law that GX did not answer, or answered with an exception, is an error: never a pass."""
    for law in scan.contract.laws:
        complaint = complaints.get(law.name, "Great Expectations gave no result")
        if complaint:
            scan.outcomes[law.name] = Outcome(erred=max(scan.rows, 1), whole_batch=True, note=complaint)


def _report(cursor: duckdb.DuckDBPyConnection, scan: Scan, run: str, started: float) -> Report:
    try:
        bad_rows = cursor.execute(f"select count(*) from {scan.names.bad}").fetchall()[0][0]
        spans = _spans(cursor, scan)
    except Exception as trouble:
        reasons = "; ".join(sorted({outcome.note for outcome in scan.outcomes.values() if outcome.note}))
        what = f"The check of {scan.contract.table.name} broke its transaction: {reasons or trouble}."
        raise Broken(what, "Roll back; nothing of this batch may be used.") from trouble
    symbols, results = tuple(spans), tuple(_result(scan, law, spans) for law in scan.contract.laws)
    blocked = _blocked(scan, symbols)
    standings = judge(results, symbols, blocked)
    return Report(
        dataset=scan.contract.table.name,
        run=run,
        results=results,
        bad=scan.names.bad,
        good=scan.names.good,
        blocked=blocked,
        health={symbol: standing.health for symbol, standing in standings.items()},
        rows=scan.rows,
        bad_rows=bad_rows,
        seconds=perf_counter() - started,
        judged=Judged(spans, frozenset(_unsure(cursor, scan)), scan.context.watch_from),
    )


def _spans(cursor: duckdb.DuckDBPyConnection, scan: Scan) -> dict[str, Span | None]:
    """Whom the batch speaks of, and whom the context wants, sorted: first and last day of its rows."""
    who, day = scan.contract.who, scan.contract.day
    found: dict[str, Span | None] = dict.fromkeys(scan.context.symbols)
    for name in (scan.names.good, scan.names.bad):
        columns = [row[0] for row in cursor.execute(f"describe {name}").fetchall()]
        if who not in columns:
            continue
        of = f"try_cast({day} as date)" if day in columns else "null::date"
        rows = cursor.execute(f"select {who}::varchar, min({of}), max({of}) from {name} group by 1").fetchall()
        for symbol, first, last in rows:
            if symbol:
                ends = [*(found.get(symbol) or ()), *((first, last) if last else ())]
                found[symbol] = (min(ends), max(ends)) if ends else None
    return dict(sorted(found.items()))


def _unsure(cursor: duckdb.DuckDBPyConnection, scan: Scan) -> set[tuple[str, str]]:
    """(law, symbol) of which a law that is broken elsewhere in the batch could not judge every row."""
    found = set()
    for i, law in enumerate(scan.contract.rows):
        outcome = scan.outcomes[law.name]
        if outcome.bad and outcome.unknown:
            rows = f"select distinct {scan.contract.who}::varchar from {scan.names.scan} where unknown & {1 << i} <> 0"
            found |= {(law.name, symbol) for (symbol,) in cursor.execute(rows).fetchall() if symbol}
    return found


def _result(scan: Scan, law: Law, spans: Mapping[str, Span | None]) -> LawResult:
    outcome = scan.outcomes[law.name]
    named = sorted(outcome.symbols)
    days = {symbol: outcome.days[symbol] for symbol in named if symbol in outcome.days}
    if outcome.whole_batch and "expected_session" not in law.asks:  # what it says of the newest session the next batch settles
        days = {symbol: span for symbol, span in spans.items() if span}
    return LawResult(
        dataset=scan.contract.table.name,
        law=law.name,
        what=law.what,
        severity=law.severity,
        on_breach=law.on_breach,
        status=outcome.status,
        bad=outcome.bad,
        rows=scan.rows,
        symbols=tuple(named),
        unknown=outcome.unknown,
        note=outcome.note,
        days=days,
        whole=outcome.whole_batch,
    )


def _blocked(scan: Scan, symbols: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """symbol -> the laws that freeze it. An error blocks whatever the law's own word is."""
    found: dict[str, list[str]] = {}
    for law in scan.contract.laws:
        outcome = scan.outcomes[law.name]
        if outcome.status == "error" or (outcome.status == "failed" and law.on_breach == "block"):
            for symbol in symbols if outcome.whole_batch else sorted(outcome.symbols):
                found.setdefault(symbol, []).append(law.name)
    return {symbol: tuple(laws) for symbol, laws in found.items()}
