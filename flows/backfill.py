"""Load the past: what is missing, in partitions that run side by side; then what it changed."""

from __future__ import annotations

from datetime import date
from typing import Any

from prefect import flow
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.futures import as_completed
from prefect.states import Completed, State
from prefect.task_runners import ThreadPoolTaskRunner

from portfolio.errors import Outage
from tasks import doors, steps
from tasks.backfill import Wish, begin, finish
from tasks.narration import tell
from tasks.settings import settings


@flow(name="backfill", flow_run_name="{dataset} {since} to {until}", task_runner=ThreadPoolTaskRunner(max_workers=4))
def backfill(
    since: date, until: date, dataset: str = "prices", symbols: list[str] | None = None, source: str | None = None
) -> State[dict[str, Any]]:
    """Load what the warehouse lacks between two days. Run it again after a kill: it goes on where it stood.

    Args:
        since: First day.
        until: Last day.
        dataset: prices, corporate_actions, fundamentals, macro or news.
        symbols: Only these; empty means all that the warehouse knows from this source.
        source: Where it comes from; empty means the usual one.
    """
    wish = Wish(dataset, since, until, tuple(symbols) if symbols else None, source or None)
    found = begin(settings(), wish, doors.SystemClock().now())
    waiting, late = found.waiting, 0
    shown = create_progress_artifact(progress=0.0, key="backfill", description=f"{dataset} {since} to {until}")
    futures = [steps.fill_partition.submit(found.backfill, partition.part) for partition in waiting]
    for number, future in enumerate(as_completed(futures), 1):
        ended = future.result(raise_on_failure=False)
        if isinstance(ended, BaseException) and not isinstance(ended, Outage):
            raise ended
        late += isinstance(ended, Outage)
        update_progress_artifact(artifact_id=shown, progress=100.0 * number / len(waiting))
        tell(f"backfill {dataset}", number, len(waiting))
    document = finish(settings(), found.backfill, doors.SystemClock().now())
    steps.show_difference(document)
    if late:
        raise Outage(f"{late} of {len(waiting)} partitions did not come.", "Run the same backfill again: it goes on with them.")
    said = f"{document['added']} rows added, {document['revised']} revised, {len(document['decisions'])} decisions would differ"
    return Completed(name="Completed" if document["status"] == "done" else "In part", message=said, data=document)
