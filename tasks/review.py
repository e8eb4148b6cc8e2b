"""What a person looks at before settling an incident: its history, its law in the last runs, the rows it took out."""

from __future__ import annotations

from typing import Any

from tasks import doors
from tasks.settings import Settings

RUNS, ROWS = 30, 50


def review(settings: Settings, incident: str) -> dict[str, Any]:
    """incident, history, runs (the last 30 of its law and source, newest first), quarantined (up to 50 rows, newest first)."""
    ledger = doors.open_ledger(settings)
    found = ledger.incident(incident)
    runs = [
        {"run": v.run, "at": v.at, "status": v.result.status, "bad": v.result.bad, "rows": v.result.rows}
        for v in ledger.validations(latest=False)
        if (v.result.dataset, v.result.law) == (found.dataset, found.law) and v.result.source in {found.source, ""}
    ]
    with doors.open_lake(settings) as lake, lake.at(lake.snapshot()) as reader:
        rows = reader.quarantined(found.dataset, found.law, found.source, found.symbols, ROWS)
    return {
        "incident": found,
        "history": ledger.incident_history(found.incident),
        "runs": sorted(runs, key=lambda run: run["at"], reverse=True)[:RUNS],
        "quarantined": rows,
    }
