"""Trading hours as the broker writes them: `20261122:0930-20261122:1600;20261123:CLOSED`, in a named time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portfolio.errors import Broken

Hours = tuple[datetime, datetime]


def session(text: str, zone: str, now: datetime) -> Hours | None:
    """Open and close, in UTC, of the session of the exchange's present day; None where it is closed or not told.

    Of a day with a break, the part that is running or comes next. `Broken` where the text or the zone is unknown.
    """
    try:
        place = ZoneInfo(zone)
        parts = [_part(word, place) for word in text.split(";") if word and not word.endswith("CLOSED")]
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise Broken(f"The broker's hours {text!r} in {zone!r} cannot be read.", "Teach it to brokers/ib/hours.py.") from error
    today = sorted(part for part in parts if part[1].astimezone(place).date() == now.astimezone(place).date())
    return next((part for part in today if part[1] > now), today[-1] if today else None)


def _part(word: str, place: ZoneInfo) -> Hours:
    """`20261122:0930-20261122:1600`, or the older `20261122:0930-1600`."""
    first, last = word.split("-")
    last = last if ":" in last else f"{first.split(':')[0]}:{last}"
    begin, end = (datetime.strptime(moment, "%Y%m%d:%H%M").replace(tzinfo=place) for moment in (first, last))
    if end <= begin:
        raise ValueError(word)
    return begin.astimezone(UTC), end.astimezone(UTC)
