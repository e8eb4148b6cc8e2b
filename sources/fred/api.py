"""FRED's API with a key: the value of each date in every vintage (ALFRED), and the unit of a series.

A request may span 2,000 vintage dates, so that the whole past of a daily series comes in several windows of real time.
At the start of a window FRED tells each value again; told again is not a new vintage.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from portfolio.errors import Refused
from sources.fred.series import unit_of

if TYPE_CHECKING:
    from sources.bodies import Body
    from sources.web import Web

WINDOW = 1500  # vintage dates a request; FRED refuses above 2,000
PAGE = 100_000  # observations an answer, FRED's most
DATES_PAGE = 10_000
EVER = ("1776-07-04", "9999-12-31")  # FRED's first and last day of real time
_SAID = re.compile(r'"error_message"\s*:\s*"([^"]*)')
_SHAPE = {"date": pl.Date(), "since": pl.Date(), "value": pl.Float64()}


class Api:
    """The answers to one key. It stands in the query of each request and in no message."""

    def __init__(self, web: Web, key: str) -> None:
        self._web = web
        self._key = key
        self._dates: dict[str, list[str]] = {}

    def begins(self, series: str) -> date | None:
        """The day from which the archive keeps vintages of a series."""
        days = self._vintage_dates(series)
        return date.fromisoformat(days[0]) if days else None

    def unit(self, series: str) -> str:
        """The unit of a series, in our words."""
        answer, body = self._ask("/fred/series", {"series_id": series})
        try:
            return unit_of(answer["seriess"][0]["units"])
        except (KeyError, IndexError, TypeError, AttributeError) as trouble:
            raise _misshapen(body, trouble) from trouble

    def vintages(self, series: str, since: date | None, until: date | None) -> pl.DataFrame:
        """(date, since, value): from the day `since` on, the value of `date` was `value`; null where it was withdrawn.

        `since` and `until` bound `date`. Sorted by both; a value that was merely told again is left out.
        """
        span = {"observation_start": since.isoformat() if since else "", "observation_end": until.isoformat() if until else ""}
        asked = {"series_id": series, **{name: day for name, day in span.items() if day}}
        rows = [row for window in self._windows(series) for row in self._observations({**asked, **window})]
        frame = pl.DataFrame(rows, schema=_SHAPE, orient="row").unique().sort("date", "since")
        before = pl.col("value").shift(1).over("date")
        first = pl.col("date").is_first_distinct()
        return frame.filter((first & pl.col("value").is_not_null()) | (~first & pl.col("value").ne_missing(before)))

    def _windows(self, series: str) -> Iterator[Mapping[str, str]]:
        """Spans of real time that cover it all, each of few enough vintage dates."""
        days = self._vintage_dates(series)
        starts = [EVER[0], *days[WINDOW::WINDOW]]
        ends = [(date.fromisoformat(day) - timedelta(days=1)).isoformat() for day in starts[1:]] + [EVER[1]]
        for start, end in zip(starts, ends, strict=True):
            yield {"realtime_start": start, "realtime_end": end}

    def _vintage_dates(self, series: str) -> list[str]:
        if series not in self._dates:
            self._dates[series] = sorted(self._told_dates(series))
        return self._dates[series]

    def _told_dates(self, series: str) -> list[str]:
        days: list[str] = []
        while True:
            asked = {"series_id": series, "limit": str(DATES_PAGE), "offset": str(len(days))}
            answer, body = self._ask("/fred/series/vintagedates", asked)
            try:
                page = [date.fromisoformat(day).isoformat() for day in answer["vintage_dates"]]
                count = int(answer["count"])
            except (KeyError, TypeError, ValueError) as trouble:
                raise _misshapen(body, trouble) from trouble
            days += page
            if len(days) >= count or not page:
                return days

    def _observations(self, asked: Mapping[str, str]) -> Iterator[tuple[date, date, float | None]]:
        offset = 0
        while True:
            answer, body = self._ask("/fred/series/observations", {**asked, "limit": str(PAGE), "offset": str(offset)})
            try:
                page = [_row(each) for each in answer["observations"]]
                count = int(answer["count"])
            except (KeyError, TypeError, ValueError, AttributeError) as trouble:
                raise _misshapen(body, trouble) from trouble
            yield from page
            offset += len(page)
            if offset >= count or not page:
                return

    def _ask(self, path: str, asked: Mapping[str, str]) -> tuple[Any, Body]:
        try:
            body = self._web.get(path, {**asked, "api_key": self._key, "file_type": "json"})
        except Refused as trouble:
            said = _SAID.search(trouble.what)
            if said is None:
                raise
            what = f"FRED refused {asked['series_id']}: {' '.join(said[1].split()).rstrip('.')}."
            raise Refused(what, "Check the series' name and TRIMTAB_FRED_KEY.", **trouble.facts) from None
        return body.json(), body


def _row(told: Mapping[str, str]) -> tuple[date, date, float | None]:
    text = told["value"].strip()
    value = None if text in {"", "."} else float(text)
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no value")
    return date.fromisoformat(told["date"]), date.fromisoformat(told["realtime_start"]), value


def _misshapen(body: Body, trouble: Exception) -> Refused:
    return body.wrong(f"sent an answer of another shape ({type(trouble).__name__}: {str(trouble)[:60]})")
