"""One dataset from one source into the warehouse, judged by its contract."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.states import Completed, State

from flows.when import session_of
from tasks import steps


@flow(name="ingest", flow_run_name="{dataset} from {source}")
def ingest(dataset: str = "prices", source: str = "sample", symbols: list[str] | None = None) -> State[dict[str, Any]]:
    """Fetch, judge and write one dataset.

    Args:
        dataset: prices, corporate_actions, fundamentals, macro, news, universe, symbols or identifiers.
        source: Where it comes from.
        symbols: Only these; empty means all that the source has.
    """
    session = session_of(None)
    expected = session.previous if session and dataset == "prices" else None
    counts = steps.ingest_dataset(dataset, source, expected, symbols)
    name = "Quarantined rows" if counts["quarantined"] else "Completed"
    return Completed(name=name, message=f"{counts['added']} added, {counts['quarantined']} quarantined", data=counts)
