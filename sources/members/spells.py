"""A spell (a membership, a ticker) in a table that keeps what was known: open when it begins, closed when it has ended.

A file told today knows how each spell ended; on its first day nobody did. So a spell becomes two versions of one fact:
the open one, known from 09:30 New York of its first session, and, where it has ended, the closed one, known from 09:30
of the first session after its last. Whoever asks as of a day between sees a member with no end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sources.sessions import open_of, session_before, session_from

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spell:
    """`gone`: the first day without it (half open, as index changes are told); None while it lasts."""

    instrument: str
    symbol: str
    begins: date
    gone: date | None


@dataclass(frozen=True, slots=True)
class Version:
    """A row: sessions of both ends included, and the instant from which it could be known."""

    instrument: str
    symbol: str
    from_session: date
    to_session: date | None
    known_at: datetime


def versions(spells: Iterable[Spell]) -> Iterator[Version]:
    """The versions of each spell. One without a session in it (begun and ended over a weekend) leaves none."""
    for spell in spells:
        first = session_from(spell.begins)
        last = session_before(spell.gone) if spell.gone else None
        if last is not None and last < first:
            continue
        yield Version(spell.instrument, spell.symbol, first, None, open_of(first))
        if last is not None:
            yield Version(spell.instrument, spell.symbol, first, last, open_of(session_from(last + ONE_DAY)))
