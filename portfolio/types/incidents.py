"""What is wrong with the data, from the moment it was seen until a person, or a passed law, has settled it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from portfolio.types.words import Span


class IncidentState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"  # somebody has it in hand
    RESOLVED = "resolved"


class Resolution(StrEnum):
    FIXED = "fixed"  # the data were mended
    EXPECTED = "expected"  # it really happened
    ACCEPTED = "accepted"  # wrong, and we live with it
    FALSE_POSITIVE = "false_positive"  # the law was wrong
    PASSED = "passed"  # the law holds again; said by a check, never by a person

    @property
    def waives(self) -> bool:
        """The same breach, seen again, is no news; a further one is."""
        return self in {Resolution.EXPECTED, Resolution.ACCEPTED, Resolution.FALSE_POSITIVE}


@dataclass(frozen=True, slots=True)
class Judged:
    """Whom a check looked at: only of them, and only of these days, can it say that a law holds again.

    spans: symbol -> first and last day of its rows in the batch; None where it has none, or they have no day.
    aside: (law, symbol), or (law, "") for everybody, of which it can say nothing: their rows lie in quarantine, or could
    not be judged. since: of laws that only warn it names nobody before this day, and heals nobody there.
    """

    spans: Mapping[str, Span | None] = field(default_factory=dict)
    aside: frozenset[tuple[str, str]] = frozenset()
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """One law of one dataset and source, broken by one symbol (`scope`) or by many at once (`scope` empty).

    symbols: whom it concerns. bad: rows in the newest check that saw it; newest: the newest day among them.
    days: symbol -> first and last day that a check must judge again before it may say that the law holds.
    """

    incident: str  # 12 hex digits of sha256(dataset | source | law | scope)
    dataset: str
    source: str
    law: str
    scope: str
    what: str
    severity: str  # critical | warning
    on_breach: str  # block | quarantine | warn
    state: IncidentState
    resolution: Resolution | None
    owner: str
    note: str
    symbols: tuple[str, ...]
    bad: int
    newest: date | None
    run: str  # the newest run that saw it
    opened_at: datetime
    seen_at: datetime
    changed_at: datetime
    snoozed_until: date | None = None
    days: Mapping[str, Span] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        return self.state is not IncidentState.RESOLVED

    @property
    def sentence(self) -> str:
        """For the person who reads a plan."""
        return f"{self.law} is broken ({self.bad} {'row' if self.bad == 1 else 'rows'}). {self.what}"


@dataclass(frozen=True, slots=True)
class IncidentEvent:
    """One line of an incident's history. kind: opened | reopened | seen | worse | acknowledged | snoozed | resolved."""

    incident: str
    at: datetime
    kind: str
    by: str
    note: str
