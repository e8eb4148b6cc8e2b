"""The data-quality page: one self-contained HTML file, nothing from the network, everything escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from portfolio.types import LawResult

ROWS_SHOWN = 100
SYMBOLS_SHOWN = 20
STATUSES = ("error", "failed", "unknown", "passed")
_SEVERITIES = ("critical", "warning", "info")
_CONSEQUENCES = {
    "block": "the symbol is blocked",
    "quarantine": "the row is taken out",
    "warn": "shown, the row goes on",
}


def render(
    results: Sequence[LawResult],
    quarantined: Sequence[Mapping[str, Any]],
    title: str,
    made_at: datetime,
    source_notes: Sequence[str] = (),
) -> str:
    """The page. results: of one or several reports; quarantined: rows as mappings (a sample of 100 is shown);
    source_notes: sentences on where the data come from.
    """
    import jinja2

    template = Path(__file__).with_name("page.html.j2").read_text(encoding="utf-8")
    page = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined).from_string(template)
    sample = list(quarantined[:ROWS_SHOWN])
    return page.render(
        title=title,
        made_at=made_at.strftime("%Y-%m-%d %H:%M %Z"),
        sums=[(status, sum(r.status == status for r in results)) for status in STATUSES],
        source_notes=source_notes,
        datasets=_datasets(results),
        quarantined=sample,
        shown=f"{len(sample)} of {len(quarantined):,}" if len(quarantined) > len(sample) else f"{len(sample)}",
        columns=list(dict.fromkeys(column for row in sample for column in row)),
        figure=_figure,
        named=_named,
        cell=_cell,
        consequence=lambda result: _CONSEQUENCES.get(result.on_breach, result.on_breach),
    )


def _datasets(results: Sequence[LawResult]) -> list[dict[str, Any]]:
    """One entry a dataset: what is open, worst first, and what holds."""
    found = []
    for name in dict.fromkeys(result.dataset for result in results):
        mine = [result for result in results if result.dataset == name]
        still_open = sorted((r for r in mine if r.status != "passed"), key=_rank)
        passed = [result for result in mine if result.status == "passed"]
        found.append({"name": name, "rows": max(r.rows for r in mine), "open": still_open, "passed": passed})
    return found


def _rank(result: LawResult) -> tuple[int, int]:
    return STATUSES.index(result.status), _SEVERITIES.index(result.severity)


def _figure(result: LawResult) -> str:
    """How many of how many, in the words of the status."""
    if result.status == "unknown":
        return f"{result.unknown:,} of {result.rows:,} not judged"
    if result.status == "error":
        return "not judged"
    if result.status == "failed":
        return f"{result.bad:,} of {result.rows:,}" + (f", {result.unknown:,} not judged" if result.unknown else "")
    return f"{result.rows:,} rows"


def _named(result: LawResult) -> str:
    rest = len(result.symbols) - SYMBOLS_SHOWN
    return ", ".join(result.symbols[:SYMBOLS_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
