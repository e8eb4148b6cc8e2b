"""From when a figure could be known, where its publisher's own instant is not at hand: careful lags, an hour is 18:00 New York.

| figure | known from |
|---|---|
| VIX of a session | 15 minutes after the session's close (the index is computed until 16:15) |
| a day's interest rates (H.15, SOFR) | the next day on which both the exchange and the Federal Reserve work |
| a day's reference rates of the European Central Bank | 16:00 in Frankfurt on that day |
| a day's or week's figure that comes out each Monday | Tuesday of the next week |
| a week's figure of Saturday that comes out on Thursday | Friday of the next week |
| a month's average rate (Moody's, federal funds) | 5th of the next month |
| a month's prices, jobs, production | 15th of the next month plus 15 days: September 2013 came out on October 30 |
| a month's money, Fama-French factors | last day of the next month |
| a month's spending | 15th of the month after the next |
| a quarter's accounts | 90 days after its end: the third of 2025 came out after 84 |

A lag is careful, not certain: the jobs report for September 2025 came out on November 20. Vintages are exact.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sources.sessions import close_of, is_session, new_york

PUBLISHED = time(18, 0)
FRANKFURT, FIXED = ZoneInfo("Europe/Berlin"), time(16, 0)
VIX_AFTER_CLOSE = timedelta(minutes=15)


def next_month(day: date, months: int = 1) -> date:
    """The first day of the month `months` after the month of `day`."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def vix_known(day: date) -> datetime:
    return close_of(day) + VIX_AFTER_CLOSE


def rates_known(day: date) -> datetime:
    later = day + timedelta(days=1)
    while not _both_work(later):
        later += timedelta(days=1)
    return new_york(later, PUBLISHED)


def reference_rates_known(day: date) -> datetime:
    return datetime.combine(day, FIXED, FRANKFURT).astimezone(UTC)


def mondays_known(day: date) -> datetime:
    return new_york(day + timedelta(days=8 - day.weekday()), PUBLISHED)


def thursdays_known(day: date) -> datetime:
    return new_york(day + timedelta(days=6), PUBLISHED)


def yields_known(day: date) -> datetime:
    return new_york(next_month(day).replace(day=5), PUBLISHED)


def cpi_known(day: date) -> datetime:
    return new_york(next_month(day).replace(day=15) + timedelta(days=15), PUBLISHED)


def factors_known(day: date) -> datetime:
    return new_york(next_month(day, 2) - timedelta(days=1), PUBLISHED)


def spending_known(day: date) -> datetime:
    return new_york(next_month(day, 2).replace(day=15), PUBLISHED)


def accounts_known(day: date) -> datetime:
    return new_york(next_month(day, 3) + timedelta(days=89), PUBLISHED)


def _both_work(day: date) -> bool:
    """XNYS trades and the Federal Reserve is not closed for Columbus or Veterans Day (on its Monday, where a Sunday)."""
    columbus = day.month == 10 and day.weekday() == 0 and 8 <= day.day <= 14
    veterans = day.month == 11 and (day.day == 11 or (day.day == 12 and day.weekday() == 0))
    return is_session(day) and not columbus and not veterans
