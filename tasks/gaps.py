"""What is missing: the exchange's sessions less those the warehouse holds, cut into partitions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from tasks.calendar import sessions

if TYPE_CHECKING:
    from warehouse.ledger.backfills import Partition
    from warehouse.reads import Reader


@dataclass(frozen=True, slots=True)
class Gap:
    """Days of one symbol that are missing, from the first to the last of them; `missing`: how many sessions."""

    symbol: str
    since: date
    until: date
    missing: int


def price_gaps(reader: Reader, source: str, symbols: Sequence[str], since: date, until: date) -> list[Gap]:
    """One gap a symbol, from its first missing session to its last one, none where nothing is missing.

    Sessions on which a symbol's spells (where the warehouse knows them) say that it did not trade are not missing.
    """
    wanted = sessions(since, until)
    held, spells = reader.held_sessions(source, symbols, since, until), reader.spells(symbols)
    found = []
    for symbol in symbols:
        traded = [day for day in wanted if _traded(day, spells.get(symbol, ()))]
        missing = sorted(set(traded) - held.get(symbol, frozenset()))
        if missing:
            found.append(Gap(symbol, missing[0], missing[-1], len(missing)))
    return found


def _traded(day: date, spells: Iterable[tuple[date, date | None]]) -> bool:
    known = list(spells)
    return not known or any(begins <= day and (ends is None or day <= ends) for begins, ends in known)


def partitions(gaps: Sequence[Gap], together: int) -> list[Partition]:
    """Pieces of up to `together` symbols whose gaps lie in the same span: neighbours in time are asked for together."""
    from warehouse.ledger.backfills import Partition

    spans: dict[tuple[date, date], list[str]] = {}
    for gap in gaps:
        spans.setdefault((gap.since, gap.until), []).append(gap.symbol)
    pieces = [
        (since, until, tuple(symbols[start : start + together]))
        for (since, until), symbols in sorted(spans.items())
        for start in range(0, len(symbols), together)
    ]
    return [Partition(number, symbols, since, until) for number, (since, until, symbols) in enumerate(pieces, 1)]


def whole(symbols: Sequence[str], since: date, until: date, together: int) -> list[Partition]:
    """The partitions of a dataset that has no calendar: every symbol over the whole span."""
    return partitions([Gap(symbol, since, until, 0) for symbol in symbols], together)
