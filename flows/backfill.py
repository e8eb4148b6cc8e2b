"""Load the past: what is missing, in partitions that run side by side; then what it changed."""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import date
from typing import Any, Literal

import httpx
from prefect import flow
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.futures import as_completed
from prefect.states import Completed, State
from prefect.task_runners import ThreadPoolTaskRunner

from portfolio.errors import Outage
from tasks import doors, steps
from tasks.backfill import Wish, begin, finish
from tasks.narration import listening, tell
from tasks.settings import settings

SELDOM = 1.0  # seconds between two updates of the bar by symbols
Dataset = Literal["prices", "corporate_actions", "fundamentals", "macro", "news"]
Source = Literal["yahoo", "stooq", "ib", "edgar", "fred", "news", "sample", "ecb"]


@flow(name="backfill", flow_run_name="{dataset} {since} to {until}", task_runner=ThreadPoolTaskRunner(max_workers=4))
def backfill(
    since: date,
    until: date,
    dataset: Dataset = "prices",
    symbols: list[str] | None = None,
    source: Source | None = None,
) -> State[dict[str, Any]]:
    """Load what the warehouse lacks between two days. Run it again after a kill: it goes on where it stood.

    Args:
        since: First day that is to be there.
        until: Last day that is to be there; prices end with the last session that has closed.
        dataset: What is loaded.
        symbols: Only these symbols (of macro: series). Empty: all that the warehouse knows from this source.
        source: Where it comes from. Empty: the one source that has given this dataset, else the usual vendor (Yahoo for
            prices and actions, EDGAR for fundamentals and news, FRED for macro).
    """
    wish = Wish(dataset, since, until, tuple(symbols) if symbols else None, source or None)
    found = begin(settings(), wish, doors.SystemClock().now())
    waiting, late = found.waiting, 0
    bar = Bar(f"{dataset} from {found.source}", f"{since} to {until}", sum(len(partition.symbols) for partition in waiting))
    futures = {steps.fill_partition.submit(found.backfill, each.part): len(each.symbols) for each in waiting}
    with listening(bar.hear):
        for number, future in enumerate(as_completed(list(futures)), 1):
            ended = future.result(raise_on_failure=False)
            if isinstance(ended, BaseException) and not isinstance(ended, Outage):
                raise ended
            late += isinstance(ended, Outage)
            bar.written(futures[future])
            tell(f"backfill {dataset}", number, len(waiting))
    bar.full(f"{len(waiting) - late} of {len(waiting)} partitions" if waiting else "nothing was missing")
    document = finish(settings(), found.backfill, doors.SystemClock().now())
    steps.show_difference(document)
    if late:
        raise Outage(f"{late} of {len(waiting)} partitions did not come.", "Run the same backfill again: it goes on with them.")
    said = f"{document['added']} rows added, {document['revised']} revised, {len(document['decisions'])} decisions would differ"
    said += "".join(f"; did not come: {trouble}" for trouble in document["troubles"][:3])
    return Completed(name="Completed" if document["status"] == "done" else "In part", message=said, data=document)


class Bar:
    """The progress artifact of a run: half a step a symbol that came, and the other half when it is judged and written."""

    def __init__(self, what: str, span: str, symbols: int) -> None:
        self._what, self._said, self._symbols = what, f"{what}, {span}", symbols
        self._came = self._written = 0
        self._told = time.monotonic()
        self._one = threading.Lock()
        self._shown = create_progress_artifact(progress=0.0, key="backfill", description=f"{self._said}: {symbols} symbols")

    def hear(self, what: str, done: int, of: int) -> None:
        """One more symbol came, in whichever thread; shown once in a while."""
        if what != self._what:
            return
        with self._one:
            self._came += 1
            if time.monotonic() - self._told < SELDOM:
                return
            self._told = time.monotonic()
        self._show()

    def written(self, symbols: int) -> None:
        """A partition of so many symbols is at its end."""
        self._written += symbols
        self._came = max(self._came, self._written)
        self._show()

    def full(self, came: str) -> None:
        update_progress_artifact(artifact_id=self._shown, progress=100.0, description=f"{self._said}: {came}")

    def _show(self) -> None:
        """A bar that cannot be drawn stops no backfill."""
        share = (min(self._came, self._symbols) + self._written) / (2 * self._symbols)
        with contextlib.suppress(httpx.HTTPError):
            update_progress_artifact(artifact_id=self._shown, progress=round(100.0 * share, 1))
