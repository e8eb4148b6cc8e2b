"""The data-quality page: what the newest check of each dataset found, and a sample of the quarantine."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from tasks import doors
from tasks.files import write_whole
from tasks.settings import Settings

NEWEST = "SELECT dataset, law, symbol, source, row, quarantined_at FROM quarantine ORDER BY quarantined_at DESC LIMIT 200"


def write_page(settings: Settings, now: datetime) -> Path:
    """Write `reports/data-quality.html` from the ledger's newest results and return its path."""
    from expectations.page import render

    results = [v.result for v in doors.open_ledger(settings).validations()]
    with doors.open_lake(settings) as lake, lake.at(lake.snapshot()) as reader:
        names, rows = lake.query(NEWEST)
        notes = [f"{d.source}: {d.note}" for d in reader.declarations("prices").values() if d.note]
    quarantined: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
    page = render(results, quarantined, "Data quality", now, notes)
    return write_whole(settings.reports / "data-quality.html", page)
