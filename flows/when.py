"""Which session a run is for."""

from __future__ import annotations

from datetime import date
from typing import Any

from tasks import doors
from tasks.calendar import Hours, exchange_day, hours
from tasks.gateway import gateway_day
from tasks.settings import settings
from tasks.summary import summary


def session_of(as_of: date | None) -> Hours | None:
    """The session of `as_of`, or of the gateway's own date (its clock counts, simulated or not), or of today; None where
    the exchange is closed that day.
    """
    day = as_of or gateway_day(settings()) or exchange_day(doors.SystemClock().now())
    return hours(day)


def not_a_session() -> dict[str, Any]:
    """The document of a day on which the exchange is closed: nothing was done."""
    return summary(settings(), None, "not a session")
