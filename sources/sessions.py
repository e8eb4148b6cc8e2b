"""When a day's facts could be known: the close of its session, or an hour of New York's day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import polars as pl

NEW_YORK = ZoneInfo("America/New_York")
CALENDAR_FROM = date(1971, 1, 1)  # exchange_calendars' XNYS is wrong before about 1970
REGULAR_OPEN, REGULAR_CLOSE = time(9, 30), time(16, 0)


def new_york(day: date, hour: time) -> datetime:
    """That hour of that day on New York's clock, as a UTC instant."""
    return datetime.combine(day, hour, NEW_YORK).astimezone(UTC)


@cache
def _closes(until_year: int) -> dict[date, datetime]:
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start=CALENDAR_FROM.isoformat(), end=f"{until_year}-12-31")
    return {day.date(): close.to_pydatetime() for day, close in calendar.closes.items()}


def is_session(day: date) -> bool:
    """Whether XNYS trades on `day`; before 1971, whether it is a weekday."""
    return day.weekday() < 5 if day < CALENDAR_FROM else day in _closes(max(day.year, 2030))


def session_from(day: date) -> date:
    """`day`, or the first session after it."""
    while not is_session(day):
        day += timedelta(days=1)
    return day


def session_before(day: date) -> date:
    """The last session before `day`."""
    day -= timedelta(days=1)
    while not is_session(day):
        day -= timedelta(days=1)
    return day


def close_of(day: date) -> datetime:
    """The instant XNYS closed on `day` (half days right), in UTC.

    A day that is no session, or lies before 1971, answers 16:00 New York: the laws judge such a row, not this clock.
    """
    return _closes(max(day.year, 2030)).get(day) or new_york(day, REGULAR_CLOSE)


def open_of(day: date) -> datetime:
    """The instant XNYS opens on `day`, 09:30 New York in UTC: from then on a share trades without what went ex that day."""
    return new_york(day, REGULAR_OPEN)


def with_close(frame: pl.DataFrame, day: str, name: str = "known_at") -> pl.DataFrame:
    """`frame` with the column `name`: the close of the session in column `day` (null where the day is null)."""
    import polars as pl

    days = frame.get_column(day).drop_nulls().unique().sort().to_list()
    schema = {day: pl.Date(), name: pl.Datetime("us", "UTC")}
    closes = pl.DataFrame({day: days, name: [close_of(each) for each in days]}, schema=schema)
    return frame.join(closes, on=day, how="left", maintain_order="left")
