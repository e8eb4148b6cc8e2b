"""The warehouse from the terminal: ingest, validate, compare, query, lake."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import Json, emit, guarded, say, table
from portfolio.errors import WrongUse

DATASETS = "prices, corporate_actions, fundamentals, macro, news, universe, symbols or identifiers."
LAYOUT = "How the file is laid out: plain, mapping, lean, alphavantage, tiingo, yfinance, wiki, stooq or pystock."
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


def register(app: typer.Typer) -> None:
    app.command("ingest")(ingest)
    app.command("validate")(validate)
    app.command("compare")(compare)
    app.command("query")(query)
    app.command("lake")(lake)


@guarded
def ingest(
    dataset: Annotated[str, typer.Argument(help=DATASETS)],
    source: Annotated[str, typer.Option(help="sample, yahoo, stooq, edgar, fred, ecb, news, members, files or ib.")] = "sample",
    from_file: Annotated[Path | None, typer.Option("--from-file", help="A file to read instead of asking the network.")] = None,
    symbols: Annotated[str | None, typer.Option(help="Only these, separated by commas.")] = None,
    policy: Annotated[str | None, typer.Option(help="A policy file whose universe is meant where no symbols are named.")] = None,
    since: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    adjustment: Annotated[str, typer.Option(help="What the closes of `files` are: raw or adjusted.")] = "raw",
    layout: Annotated[str, typer.Option(help=LAYOUT)] = "plain",
    mapping: Annotated[Path | None, typer.Option(help="A TOML file that describes the layout of a file of your own.")] = None,
    json: Json = False,
) -> None:
    """Fetch one dataset, judge it by its contract and write it: good rows to the warehouse, bad rows to quarantine."""
    from tasks.doors import SystemClock
    from tasks.fetch import ASKED, Batch
    from tasks.ingest import counts
    from tasks.ingest import ingest as ingest_batch
    from tasks.quality import write_page
    from tasks.settings import settings
    from tasks.universe import whom

    if from_file is not None and not from_file.exists():
        raise WrongUse(f"There is no file {from_file}.", "Name one that exists with --from-file.")
    names = tuple(s.strip() for s in symbols.split(",") if s.strip()) if symbols else None
    days = [day.date() if day else None for day in (since, until)]
    if mapping is not None and not mapping.is_file():
        raise WrongUse(f"There is no mapping {mapping}.", "Name a TOML file that exists with --mapping.")
    how = {"adjustment": adjustment, "layout": layout if mapping is None else str(mapping)}
    now = SystemClock().now()
    if policy and source not in ASKED:
        raise WrongUse(
            f"The source {source} is not asked for a policy's universe.", f"Name --symbols, or ask {', '.join(ASKED)}."
        )
    if policy and names is None:
        names = tuple(whom(settings(), dataset, source, policy=policy, now=now) or ()) or None
    result = ingest_batch(settings(), Batch(dataset, source, from_file, names, days[0], days[1], **how), now)
    page = write_page(settings(), now)
    document = {"status": "partly" if result.failed else "done", **counts(result), "page": page}
    if json:
        emit(document)
    else:
        _told(dataset, result, page)
    if result.failed:
        raise typer.Exit(1)


def _told(dataset: str, result: Any, page: Path) -> None:
    """What became of a batch, for a person."""
    say(
        f"{dataset} from {result.source}: {result.rows:,} rows, {result.added:,} new, {result.revised:,} revised, "
        f"{result.unchanged:,} unchanged, {result.quarantined:,} quarantined; snapshot {result.snapshot}."
    )
    _laws(result.results)
    for incident in result.incidents:
        say(f"Incident {incident.incident} {incident.state.value}: {incident.sentence}")
    for symbol, why in result.failed.items():
        say(f"{symbol} did not come, the others are written: {why}")
    say(f"Data quality: {page}")


@guarded
def validate(
    dataset: Annotated[str | None, typer.Argument(help="One with a contract; else all that have rows.")] = None,
    json: Json = False,
) -> None:
    """Judge what the warehouse holds by its contracts; nothing is moved."""
    from tasks.doors import SystemClock
    from tasks.settings import settings
    from tasks.validate import held
    from tasks.validate import validate as judge

    names = [dataset] if dataset else held(settings())
    documents = {name: judge(settings(), name, SystemClock().now()) for name in names}
    broken = [r for d in documents.values() for r in d["results"] if r.status in {"failed", "error"} and r.severity == "critical"]
    if json:
        emit({"status": "refused" if broken else "done", "datasets": documents})
    else:
        for document in documents.values():
            _laws(document["results"])
    if broken:
        raise typer.Exit(1)


@guarded
def compare(
    symbols: Annotated[list[str] | None, typer.Argument(help="Only these; else all that two sources tell.")] = None,
    json: Json = False,
) -> None:
    """Hold the total returns of two sources against each other, and say which of them is wrong."""
    from tasks.agreement import compare as held_together
    from tasks.settings import settings

    told, found = held_together(settings(), symbols)
    compared = sorted(told.symbols.values())
    alone = sorted(set(symbols or ()) - {*compared, *told.without})
    if json:
        document = {
            "compared": compared,
            "sources": list(told.of_source),
            "without": told.without,
            "alone": alone,
            "partings": found,
        }
        emit({"status": "done", **document})
        return
    rows = [
        (p.instrument, f"{p.since} to {p.until}", f"{p.one}, {p.other}", f"{p.gap:+.2%}", p.wrong or "?", p.reason) for p in found
    ]
    if rows:
        table("Total returns that part", ("symbol", "quarters", "sources", "first less second a year", "wrong", "why"), rows)
    where = f" from {', '.join(told.of_source)}" if told.of_source else ""
    say(f"{len(compared)} symbols compared{where}; {len({p.instrument for p in found})} of them part for a year or longer.")
    if told.without:
        say(f"Not compared, as no source tells their prices as dealt: {', '.join(told.without)}.")
    if alone:
        say(f"Not compared, as fewer than two sources tell of them: {', '.join(alone)}.")


@guarded
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over the views: prices, prices_adjusted, macro, fundamentals, …")],
    as_known_at: Annotated[str | None, typer.Option("--as-known-at", help="An instant in ISO 8601, UTC.")] = None,
    json: Json = False,
) -> None:
    """Ask the warehouse in SQL, read only; with --as-known-at, as it was known then."""
    from tasks.doors import open_lake
    from tasks.settings import settings

    with open_lake(settings()) as lake:
        names, rows = lake.query(sql, _instant(as_known_at))
    if json:
        emit({"status": "done", "columns": names, "rows": rows})
    else:
        table(f"{len(rows)} rows", names, rows)


@guarded
def lake(json: Json = False) -> None:
    """Print the statement that attaches the warehouse to any DuckDB 1.5."""
    from tasks.doors import open_lake
    from tasks.settings import settings

    with open_lake(settings()) as opened:
        document = {"status": "done", "attach": opened.attach_statement(), "snapshot": opened.snapshot()}
    if json:
        emit(document)
    else:
        say(str(document["attach"]))


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongUse(f"--as-known-at {text!r} is no instant.", "Write it like 2020-03-16T21:00:00Z.") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _laws(results: Any) -> None:
    """Those that did not pass, in a table; the others in a line. Nothing where the dataset has no laws."""
    if not results:
        return
    shown = sorted((r for r in results if r.status != "passed"), key=lambda r: (r.status == "unknown", r.law))
    rows = [(r.law, f"{r.status}, {r.severity}", r.bad or "", ", ".join(r.symbols[:6]), r.note or r.what) for r in shown]
    if rows:
        table("Laws that did not pass", ("law", "status", "rows", "symbols", "what"), rows)
    say(f"{len(results) - len(rows)} of {len(results)} laws passed.")
