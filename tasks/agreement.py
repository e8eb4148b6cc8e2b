"""Do the sources of the warehouse tell the same history of a symbol? Total returns beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from portfolio.types import Judged, LawResult
from tasks import doors
from tasks.settings import Settings

if TYPE_CHECKING:
    from expectations.agreement import Parting
    from warehouse.histories import Histories

LAW = "total_return_agrees"
WHAT = "A symbol's total return does not part from another source's for a year or longer."


def compare(settings: Settings, symbols: Sequence[str] | None = None) -> tuple[Histories, tuple[Parting, ...]]:
    """What was compared, and where two sources part for a year or longer; a parting's `instrument` is its newest ticker."""
    from expectations.agreement import partings

    with doors.open_lake(settings) as lake, lake.at(lake.snapshot()) as reader:
        told = reader.histories(symbols)
        found = partings(told.cursor, told.levels, told.prices, splits=told.splits)
    return told, tuple(replace(one, instrument=told.symbols[one.instrument]) for one in found)


def results(told: Histories, found: Sequence[Parting]) -> dict[str, tuple[LawResult, Judged]]:
    """The law's result for each source that was compared, and of whom: the wrong one breaks it, or both where nothing tells."""
    each = {}
    for source, symbols in told.of_source.items():
        blamed = [p for p in found if source in {p.one, p.other} and p.wrong in {source, ""}]
        result = LawResult(
            dataset="prices",
            law=LAW,
            what=WHAT,
            severity="warning",
            on_breach="warn",
            status="failed" if blamed else "passed",
            bad=len({p.instrument for p in blamed}),
            rows=len(symbols),
            symbols=tuple(sorted({p.instrument for p in blamed})),
            note=" ".join(dict.fromkeys(f"{p.instrument} until {p.until}: {p.reason}" for p in blamed[:5])),
            source=source,
        )
        each[source] = result, Judged(dict.fromkeys(symbols))
    return each
