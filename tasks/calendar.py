"""The exchange's calendar: which days are sessions, when they open and close. XNYS, from 1971."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from portfolio.errors import WrongUse
from portfolio.types import SessionPlace

FIRST = date(1971, 1, 4)
ZONE = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Hours:
    """One session: its open and close (aware, UTC) and the session before it."""

    session: date
    opens: datetime
    closes: datetime
    previous: date

    def moment(self, minutes_before_close: float) -> datetime:
        """The instant so many minutes before the close, never before the open."""
        return max(self.opens, self.closes - timedelta(minutes=minutes_before_close))


@lru_cache(maxsize=1)
def _calendar(until_year: int) -> Any:
    import exchange_calendars

    return exchange_calendars.get_calendar("XNYS", start=f"{FIRST:%Y-%m-%d}", end=f"{until_year}-12-31")


def hours(day: date) -> Hours | None:
    """The session of that day, or None where the exchange is closed."""
    if day <= FIRST or day.year > 2100:
        raise WrongUse(f"{day} is outside the calendar.", f"Use a date after {FIRST}.")
    calendar = _calendar(max(day.year + 1, 2030))
    label = day.isoformat()
    if not calendar.is_session(label):
        return None
    opens, closes = calendar.session_open(label), calendar.session_close(label)
    previous = calendar.previous_session(label)
    return Hours(day, _utc(opens), _utc(closes), previous.date())


def sessions(since: date, until: date) -> list[date]:
    """The sessions from `since` to `until`, both included, oldest first; none before 1971."""
    if until < max(since, FIRST):
        return []
    calendar = _calendar(max(until.year + 1, 2030))
    return [stamp.date() for stamp in calendar.sessions_in_range(max(since, FIRST).isoformat(), until.isoformat())]


def place(day: date) -> SessionPlace:
    """Where a session stands in its week, month, quarter and year, and the session after it."""
    calendar = _calendar(max(day.year + 1, 2030))
    following: date = calendar.next_session(day.isoformat()).date()
    quarter = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    starts = (day - timedelta(days=day.weekday()), day.replace(day=1), quarter, date(day.year, 1, 1))
    week, month, third, year = (len(sessions(start, day)) for start in starts)
    return SessionPlace(following, week, month, third, year)


def last_closed(now: datetime) -> date:
    """The newest session that has closed by `now`."""
    day = exchange_day(now)
    while (times := hours(day)) is None or times.closes > now:
        day -= timedelta(days=1)
    return day


def exchange_day(moment: datetime) -> date:
    """The exchange's own date at an instant."""
    return moment.astimezone(ZONE).date()


def _utc(stamp: Any) -> datetime:
    moment: datetime = stamp.to_pydatetime()
    return moment.astimezone(UTC)
