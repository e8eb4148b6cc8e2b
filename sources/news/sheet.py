"""A CSV of headlines: ticker (or symbol), headline (or title), published or date; publisher (or source), url (or link)."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import polars as pl

from portfolio.errors import Refused
from sources.files.table import table
from sources.news.feed import instant
from sources.news.headlines import Told, address, plain
from sources.sessions import new_york

DAY_ENDS = time(23, 59)
_NAMES = {"ticker": "symbol", "title": "headline", "source": "publisher", "link": "url"}
_NEEDED = {"symbol", "headline"}


def sheet(file: Path) -> list[Told]:
    """Its rows. A `date` without an hour counts from 23:59 New York; a `published` without a zone is no time."""
    frame = table(file)
    frame = frame.rename({name: _NAMES.get(name.strip().lower(), name.strip().lower()) for name in frame.columns})
    if not set(frame.columns) >= _NEEDED or not {"published", "date"} & set(frame.columns):
        what = f"The file {file.name} has the columns {', '.join(frame.columns)[:100]!a}."
        raise Refused(what, "Headlines need ticker, headline, and published (ISO 8601 with offset) or date.", file=str(file))
    rows = frame.with_columns(pl.all().cast(pl.String())).iter_rows(named=True)
    return [told for row in rows if (told := _told(row)) is not None]


def _told(row: dict[str, str | None]) -> Told | None:
    symbol, headline = (row["symbol"] or "").strip(), plain(row["headline"] or "")
    if not symbol or not headline:
        return None
    when = instant(row["published"]) if "published" in row else _day(row["date"])
    return Told(symbol, headline, when, plain(row.get("publisher") or "") or None, address(row.get("url")))


def _day(text: str | None) -> datetime | None:
    try:
        return new_york(date.fromisoformat((text or "").strip()), DAY_ENDS)
    except ValueError:
        return None
