"""`propose`: for the bars that a check took out, what they should have been, with the evidence for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from expectations.repair.bars import repaired_bar
from expectations.repair.levels import repaired_levels
from expectations.repair.series import Proposal, series_of
from portfolio.errors import Broken

if TYPE_CHECKING:
    import duckdb

_RELATION = re.compile(r'[\w."]+')


def propose(
    cursor: duckdb.DuckDBPyConnection, bad: str, sound: str, *, actions: str | None = None, others: str | None = None
) -> tuple[Proposal, ...]:
    """Repairs for the rows of `bad`, and for the bars before them where a whole stretch stands on the wrong level.

    bad: staged columns of prices and `laws` (VARCHAR[]), as `Report.bad`. sound: staged columns, what is right around them
    (`Report.good`, or that and the history). actions: instrument, ex_session, kind, ratio. others: staged columns of other
    sources. Only names of relations. Evidence is one of
    - a split of the ledger whose ratio puts the bar, or the stretch, where the bars around it are;
    - for a power of ten: the bars around it, and the bar's own other columns or a second source's bar within 1 %;
    - a second source's bar, where both agree within 50 bp on three or more of the sound bars around.
    Nothing is written. One proposal a row at most; a bar that is off by itself goes before the stretch that it lies in.
    """
    for name in (bad, sound, actions, others):
        if name is not None and not _RELATION.fullmatch(name):
            raise Broken(f"{name!r} is not the name of a relation.", "Give a table or a view.", relation=name)
    found: list[Proposal] = []
    for series in series_of(cursor, bad, sound, actions, others):
        alone = [p for at in sorted(series.marks) if (p := repaired_bar(series, at))]
        taken = {p.row["session"] for p in alone}
        found += alone + [p for p in repaired_levels(series) if p.row["session"] not in taken]
    return tuple(found)
