"""Load the past from the terminal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime
from typing import Annotated, Any

import typer

from cli.output import Json, emit, guarded, progress, say, table
from portfolio.errors import Outage, Refused

SIDE_BY_SIDE = 4  # partitions


def register(app: typer.Typer) -> None:
    app.command("backfill")(backfill)


@guarded
def backfill(
    dataset: Annotated[str, typer.Argument(help="prices, corporate_actions, fundamentals, macro or news.")],
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    until: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")],
    symbols: Annotated[str | None, typer.Option(help="Only these, separated by commas.")] = None,
    source: Annotated[str | None, typer.Option(help="Where it comes from; else the usual source.")] = None,
    json: Json = False,
) -> None:
    """Load what the warehouse lacks between two days; a killed backfill goes on where it stood. Ends with what it changed."""
    from tasks.backfill import Wish, finish
    from tasks.doors import SystemClock
    from tasks.settings import settings

    names = tuple(s.strip() for s in symbols.split(",") if s.strip()) if symbols else None
    wish = Wish(dataset, since.date(), until.date(), names, source)
    with progress(quiet=json):
        identity, late = _filled(wish)
        document = finish(settings(), identity, SystemClock().now())
    if late:
        raise Outage(f"{len(late)} partitions did not come: {late[0]}", "Run the same backfill again: it goes on with them.")
    if json:
        emit(document)
    else:
        _show(document)
    if document["status"] == "partly":
        raise Refused(f"A part of the backfill was refused: {document['troubles'][0]}", "Mend that and run it again.")


def _filled(wish: Any) -> tuple[str, list[str]]:
    """The backfill's id, and the sentences of the partitions whose vendor did not answer."""
    from tasks.backfill import begin, fill
    from tasks.doors import SystemClock
    from tasks.narration import tell
    from tasks.settings import settings

    where, clock = settings(), SystemClock()
    found = begin(where, wish, clock.now())
    late: list[str] = []
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        futures = [pool.submit(fill, where, found, partition, clock.now()) for partition in found.waiting]
        try:
            for number, future in enumerate(as_completed(futures), 1):
                trouble = future.exception()
                if isinstance(trouble, Outage):
                    late.append(trouble.what)
                elif trouble is not None:
                    raise trouble
                tell(f"backfill {wish.dataset}", number, len(futures))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found.backfill, late


def _show(document: dict[str, Any]) -> None:
    say(
        f"{document['dataset']} from {document['source']}: {document['added']:,} rows added, {document['revised']:,} revised, "
        f"{document['quarantined']:,} quarantined; {document['partitions']} partitions; snapshot {document['snapshot']}."
    )
    if document["symbols"]:
        rows = [(symbol, c["added"], c["revised"]) for symbol, c in document["symbols"].items()]
        table("What came", ("symbol", "added", "revised"), rows[:40])
    for trouble in document["troubles"]:
        say(f"Did not come: {trouble}")
    for one in document["decisions"]:
        title = f"Decision {one['decision']} of {one['portfolio']}, {one['session']}, would have been another ({one['status']})"
        table(title, ("change",), [(change,) for change in one["changes"]])
    if not document["decisions"]:
        say("No recorded decision would have been another.")
