"""The warehouse from the terminal: ingest, validate, query, lake, quarantine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import Json, emit, guarded, say, table
from portfolio.errors import WrongUse

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


def register(app: typer.Typer) -> None:
    app.command("ingest")(ingest)
    app.command("validate")(validate)
    app.command("query")(query)
    app.command("lake")(lake)
    quarantine = typer.Typer(help="Rows that broke a law.", no_args_is_help=True)
    quarantine.command("list")(quarantine_list)
    app.add_typer(quarantine, name="quarantine")


@guarded
def ingest(
    dataset: Annotated[str, typer.Argument(help="prices, macro, fundamentals or universe.")],
    source: Annotated[str, typer.Option(help="sample, edgar or files.")] = "sample",
    from_file: Annotated[Path | None, typer.Option("--from-file", help="The file that edgar and files read.")] = None,
    symbols: Annotated[str | None, typer.Option(help="Only these, separated by commas.")] = None,
    since: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    adjustment: Annotated[str, typer.Option(help="What the closes of `files` are: raw or adjusted.")] = "raw",
    json: Json = False,
) -> None:
    """Fetch one dataset, judge it by its contract and write it: good rows to the warehouse, bad rows to quarantine."""
    from tasks.doors import SystemClock
    from tasks.ingest import Batch, counts
    from tasks.ingest import ingest as ingest_batch
    from tasks.quality import write_page
    from tasks.settings import settings

    if from_file is not None and not from_file.exists():
        raise WrongUse(f"There is no file {from_file}.", "Name one that exists with --from-file.")
    names = tuple(s.strip() for s in symbols.split(",") if s.strip()) if symbols else None
    days = [day.date() if day else None for day in (since, until)]
    now = SystemClock().now()
    result = ingest_batch(settings(), Batch(dataset, source, from_file, names, days[0], days[1], adjustment=adjustment), now)
    page = write_page(settings(), now)
    document = {"status": "done", **counts(result), "page": page}
    if json:
        emit(document)
        return
    say(
        f"{dataset} from {result.source}: {result.rows:,} rows, {result.added:,} new, {result.revised:,} revised, "
        f"{result.unchanged:,} unchanged, {result.quarantined:,} quarantined; snapshot {result.snapshot}."
    )
    _laws(result.results)
    say(f"Data quality: {page}")


@guarded
def validate(
    dataset: Annotated[str | None, typer.Argument(help="prices, fundamentals or macro; else all that have rows.")] = None,
    json: Json = False,
) -> None:
    """Judge what the warehouse holds by its contracts; nothing is moved."""
    from tasks.doors import SystemClock
    from tasks.ingest import held
    from tasks.ingest import validate as judge
    from tasks.settings import settings

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


@guarded
def quarantine_list(
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    json: Json = False,
) -> None:
    """The rows that broke a law, newest first, at most 200."""
    from tasks.doors import open_lake
    from tasks.settings import settings

    with open_lake(settings()) as opened:
        names, rows = opened.query(
            "SELECT dataset, law, symbol, source, row, quarantined_at FROM quarantine ORDER BY quarantined_at DESC"
        )
    rows = [r for r in rows if dataset is None or r[0] == dataset][:200]
    if json:
        emit({"status": "done", "rows": [dict(zip(names, row, strict=True)) for row in rows]})
    else:
        table(f"{len(rows)} rows in quarantine", names, rows)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongUse(f"--as-known-at {text!r} is no instant.", "Write it like 2020-03-16T21:00:00Z.") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _laws(results: Any) -> None:
    rows = [(r.dataset, r.law, r.status, r.severity, r.bad or "", ", ".join(r.symbols[:6]), r.what) for r in results]
    if rows:
        rows.sort(key=lambda row: (row[2] == "passed", row[1]))
        table("Laws", ("dataset", "law", "status", "severity", "rows", "symbols", "what"), rows)
