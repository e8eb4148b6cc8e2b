"""Once a week: check, compact, sweep."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed, State
from pydantic import Field

from tasks import steps


@flow(name="maintain", flow_run_name="maintain, keep {keep_days} days")
def maintain(keep_days: Annotated[int, Field(ge=0)] = 30) -> State[dict[str, Any]]:
    """Check every data file against its checksum, compact, drop old snapshots, sweep what is left over.

    Args:
        keep_days: How long snapshots stay that no decision names.
    """
    done = steps.maintain_warehouse(keep_days)
    said = f"{done['files_after']} data files, {done['snapshots_dropped']} snapshots dropped"
    return Completed(name="Completed", message=said, data=done)
