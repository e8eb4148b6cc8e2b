"""What the laws are told besides the rows, and what a check answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from portfolio.types import Declaration, Health, Judged, LawResult, Span


@dataclass(frozen=True, slots=True)
class Context:
    """What the laws need to know. A relation is the name of a table or view that the same cursor sees.

    now: the instant of the check (aware); nothing may have been known, or have happened, after it.
    expected_session: the newest session that must be there for each symbol; None where freshness is not asked.
    history: rows already clean (staged columns at least), for look-back and row counts.
    actions: corporate actions (instrument, ex_session, kind, ratio, amount).
    others: rows of other sources about the same instruments (staged columns at least), to compare with.
    prices: bars (instrument, source, session, close, ...), for laws of other datasets.
    sessions: exchange sessions (session DATE, number BIGINT, close_at TIMESTAMPTZ); None builds XNYS from 1971 on.
    declarations: what each source says of its prices.
    symbols: who must be there (a universe); who is missing is not fresh.
    vintages: the batch may hold several versions of a fact, told apart by `known_at`.
    watch_from: a breach older than this of a law that only warns names no symbol (it still counts); None names all.
    """

    now: datetime
    expected_session: date | None = None
    history: str | None = None
    actions: str | None = None
    others: str | None = None
    prices: str | None = None
    sessions: str | None = None
    declarations: tuple[Declaration, ...] = ()
    symbols: tuple[str, ...] = ()
    watch_from: date | None = None
    vintages: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a check. `bad` and `good` are temp views of the cursor, valid as long as its transaction.

    bad: the rows that broke a block or quarantine law, staged columns plus `laws` (VARCHAR[]). good: the others, staged
    columns. blocked: symbol -> the laws that freeze it. health: every symbol of the batch (or of `Context.symbols`).
    """

    dataset: str
    run: str
    results: tuple[LawResult, ...]
    bad: str
    good: str
    blocked: Mapping[str, tuple[str, ...]]
    health: Mapping[str, Health]
    rows: int
    bad_rows: int
    seconds: float
    judged: Judged = field(default_factory=Judged)  # every symbol the batch spoke of, or should have, and which days


@dataclass(slots=True)
class Outcome:
    """How one law fared in the scan: counts, and the symbols it names (all of them)."""

    bad: int = 0
    unknown: int = 0
    erred: int = 0
    symbols: set[str] = field(default_factory=set)
    days: dict[str, Span] = field(default_factory=dict)  # symbol -> first and last day of its bad rows
    whole_batch: bool = False  # a breach that names nobody concerns everybody
    note: str = ""

    @property
    def status(self) -> str:
        if self.erred:
            return "error"
        if self.bad:
            return "failed"
        return "unknown" if self.unknown else "passed"
