"""Do the sources of the warehouse tell the same history of a symbol? Total returns beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tasks import doors
from tasks.settings import Settings

if TYPE_CHECKING:
    from expectations.agreement import Parting
    from warehouse.histories import Histories


def compare(settings: Settings, symbols: Sequence[str] | None = None) -> tuple[Histories, tuple[Parting, ...]]:
    """What was compared, and where two sources part for a year or longer; a parting's `instrument` is its newest ticker."""
    from expectations.agreement import partings

    with doors.open_lake(settings) as lake, lake.at(lake.snapshot()) as reader:
        told = reader.histories(symbols)
        found = partings(told.cursor, told.levels, told.prices, splits=told.splits)
    return told, tuple(replace(one, instrument=told.symbols[one.instrument]) for one in found)
