"""One answer of Yahoo's chart (v8, JSON), checked from top to bottom and still in Yahoo's own terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from operator import add, mul
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from sources.bodies import Body
from sources.yahoo import words

FIELDS = ("open", "high", "low", "close", "volume")
_LATEST = 4_102_444_800  # 2100-01-01, seconds
_MIDNIGHT = timedelta(days=1)
_Value = Callable[[Mapping[str, Any]], float | None]
_Together = Callable[[float, float], float]


@dataclass(frozen=True, slots=True)
class About:
    """Whom the answer speaks of. Its prices are in `unit`ths of `currency`; its days are those of `zone`.

    `ends`: how long after midnight of `zone` the regular session ends (the whole day where Yahoo does not say).
    """

    symbol: str
    exchange: words.Exchange
    currency: str
    unit: int
    zone: ZoneInfo
    ends: timedelta
    tradable: bool

    def day(self, timestamp: int) -> date:
        """The exchange's own date, never UTC's: Sydney opens on the day before."""
        return datetime.fromtimestamp(timestamp, self.zone).date()

    def ended(self, session: date) -> datetime:
        """When the regular session of that day ends by the clock of the exchange, in UTC."""
        return (datetime.combine(session, time(0), self.zone) + self.ends).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """`value`: new shares for one old share, or cash a share in Yahoo's terms; `at`: the open of the ex-session."""

    ex_session: date
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """`bars`: (session, open, high, low, close, volume), adjusted for all `splits`, as Yahoo gives them."""

    about: About
    bars: pl.DataFrame
    splits: tuple[Event, ...]
    dividends: tuple[Event, ...]


def result(body: Body, symbol: str) -> dict[str, Any] | None:
    """The answer about `symbol`; None where Yahoo does not know it. `Refused` for anything that is no chart of it."""
    document = body.json()
    told = document.get("chart") if isinstance(document, dict) else None
    if not isinstance(told, dict):
        raise body.wrong(f"sent no chart for {symbol}")
    if told.get("error"):
        error = told["error"] if isinstance(told["error"], dict) else {}
        if error.get("code") == "Not Found":
            return None
        raise body.wrong(f"has no chart for {symbol}: {str(error.get('description') or error.get('code'))[:100]!a}")
    results = told.get("result")
    if not isinstance(results, list) or len(results) != 1 or not isinstance(results[0], dict):
        raise body.wrong(f"sent no chart for {symbol}")
    return results[0]


def about(found: Mapping[str, Any], body: Body, symbol: str) -> About:
    """What the answer says of itself; `Refused` where it speaks of another symbol, or lacks its currency or its place."""
    meta = _dict(found.get("meta"), body, symbol, "meta")
    if str(meta.get("symbol")).replace("-", ".") != symbol.replace("-", "."):
        raise body.wrong(f"was asked for {symbol} and sent {str(meta.get('symbol'))[:20]!a}")
    texts = [meta.get(name) for name in ("exchangeName", "currency", "exchangeTimezoneName")]
    if not all(isinstance(text, str) and text for text in texts):
        raise body.wrong(f"does not say the exchange, the currency or the time zone of {symbol}")
    place, money, zone = (str(text) for text in texts)
    try:
        clock = ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as trouble:  # not there, a path, a folder
        raise body.wrong(f"speaks for {symbol} of a time zone {zone[:30]!a} that there is not") from trouble
    where = words.exchange(place)
    code, unit = words.currency(money)
    tradable = meta.get("instrumentType") not in {"INDEX", "CURRENCY"}
    return About(symbol, where, code, unit, clock, _ends(meta, clock, where), tradable)


def _ends(meta: Mapping[str, Any], zone: ZoneInfo, where: words.Exchange) -> timedelta:
    """The time of day of the end of the current regular session."""
    period: Any = meta.get("currentTradingPeriod")
    regular = period.get("regular") if isinstance(period, dict) else None
    end = regular.get("end") if isinstance(regular, dict) else None
    if where.always or not _is_time(end):
        return _MIDNIGHT
    hour = datetime.fromtimestamp(end, zone).time()
    return timedelta(hours=hour.hour, minutes=hour.minute, seconds=hour.second) if hour > time(0) else _MIDNIGHT


def chart(body: Body, symbol: str) -> Chart | None:
    """The daily chart of `symbol`; None where Yahoo does not know it; `Refused`, in one sentence, for anything else."""
    found = result(body, symbol)
    if found is None:
        return None
    granularity = _dict(found.get("meta"), body, symbol, "meta").get("dataGranularity")
    if granularity != "1d":
        raise body.wrong(f"sent for {symbol} bars of {str(granularity)[:10]!a} and not of a day")
    told = about(found, body, symbol)
    events = _dict(found.get("events") or {}, body, symbol, "events")
    splits = _events(events.get("splits"), told, body, (_ratio, mul))
    dividends = _events(events.get("dividends"), told, body, (_amount, add))
    return Chart(told, _bars(found, told, body), splits, dividends)


def _bars(found: Mapping[str, Any], told: About, body: Body) -> pl.DataFrame:
    """A row a bar; one without any price is left out: its session is a gap, and there is a law for gaps."""
    times = found.get("timestamp") or []
    if not isinstance(times, list) or not all(_is_time(each) for each in times):
        raise body.wrong(f"sent for {told.symbol} a time that is none between 1970 and 2100")
    indicators = _dict(found.get("indicators"), body, told.symbol, "indicators")
    quotes = indicators.get("quote")
    quote = _dict(quotes[0] if isinstance(quotes, list) and quotes else {}, body, told.symbol, "quote")
    columns = {name: _numbers(quote.get(name, [None] * len(times)), name, told, body) for name in FIELDS}
    if any(len(values) != len(times) for values in columns.values()):
        raise body.wrong(f"sent for {told.symbol} lists of different lengths")
    schema = {"session": pl.Date(), **dict.fromkeys(FIELDS, pl.Float64())}
    frame = pl.DataFrame({"session": [told.day(each) for each in times], **columns}, schema=schema)
    return _live_once(frame.filter(pl.any_horizontal(pl.col(FIELDS[:4]).is_not_null())))


def _live_once(bars: pl.DataFrame) -> pl.DataFrame:
    """While a session is young Yahoo may give it twice, at the end: the last is the live one, and it stays."""
    twice = bars.height > 1 and bars.item(-1, "session") == bars.item(-2, "session")
    return pl.concat([bars.head(-2), bars.tail(1)]) if twice else bars


def _numbers(values: Any, name: str, told: About, body: Body) -> list[float | None]:
    if not isinstance(values, list):
        raise body.wrong(f"sent for {told.symbol} no list of {name}")
    for value in values:
        if value is not None and not _is_number(value):
            raise body.wrong(f"sent for {told.symbol} {str(value)[:20]!a} for a number of {name}")
    return [None if value is None else float(value) for value in values]


def _events(found: Any, told: About, body: Body, kind: tuple[_Value, _Together]) -> tuple[Event, ...]:
    """The events of one kind by day; those of one day are put together (a special dividend beside the regular one)."""
    days: dict[date, Event] = {}
    value, together = kind
    for each in _dict(found or {}, body, told.symbol, "events").values():
        one = _dict(each, body, told.symbol, "an event")
        at = one.get("date")
        number = value(one)
        if not _is_time(at) or number is None:
            raise body.wrong(f"sent for {told.symbol} a split or a dividend that is none")
        day = told.day(at)
        whole = together(days[day].value, number) if day in days else number
        days[day] = Event(day, datetime.fromtimestamp(at, UTC), whole)
    return tuple(days[day] for day in sorted(days))


def _ratio(event: Mapping[str, Any]) -> float | None:
    """New shares for one old share."""
    new, old = event.get("numerator"), event.get("denominator")
    return new / old if _is_number(new) and _is_number(old) and new > 0 and old > 0 else None


def _amount(event: Mapping[str, Any]) -> float | None:
    amount = event.get("amount")
    return float(amount) if _is_number(amount) and amount >= 0 else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LATEST


def _dict(found: Any, body: Body, symbol: str, what: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise body.wrong(f"sent for {symbol} no {what}")
    return found
