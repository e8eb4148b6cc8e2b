"""What the warehouse holds, judged by today's contracts, and what waits for a person."""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed, State

from tasks import steps

Dataset = Literal["prices", "corporate_actions", "fundamentals", "macro", "news", "universe"]


@flow(name="review", flow_run_name=lambda: f"review of {flow_run.parameters['dataset'] or 'all datasets'}")
def review(dataset: Dataset | None = None) -> State[dict[str, Any]]:
    """Judge what the warehouse holds, and show the open incidents with what to type next. Nothing is moved or settled.

    Args:
        dataset: Only this one. Empty: all that have rows.
    """
    done = steps.judge_warehouse(dataset)
    said = f"laws broken in {', '.join(done['datasets']) or 'no dataset'}: {done['broken']}; incidents open: {done['open']}"
    return Completed(name="Open incidents" if done["open"] else "Completed", message=said, data=done)
