"""A company's filings, and when each could be known.

A companyfacts file has only the filing date. EDGAR takes filings until 22:00 New York, so the end of that day is the
safe reading. A submissions file has `acceptanceDateTime`, which always ends in Z: recordings of 2023 carry New York's
wall clock there, recordings of 2026 UTC. Read as New York it is never early (at most five hours late). What is accepted
after 17:30 is dated, and disseminated, the next business day from 06:00 on; nothing is later than 22:00 of its date.
An acceptance at exactly midnight (the 1990s) stands for a time that nobody kept: the date alone counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from portfolio.errors import Refused
from sources.sessions import NEW_YORK, new_york

CUT_OFF = time(22, 0)
OPENS = time(6, 0)


@dataclass(frozen=True, slots=True)
class Filing:
    """One line of a submissions file. `accepted` is as written there; None where nobody kept it."""

    accession: str
    filed: date | None
    accepted: datetime | None
    form: str = ""
    items: tuple[str, ...] = ()
    document: str = ""  # the main document's name


@dataclass(frozen=True, slots=True)
class Filer:
    """What a submissions file says of its company. `older` are the names of further files and the last day in each."""

    cik: int | None
    name: str
    tickers: tuple[str, ...]
    exchanges: tuple[str, ...]
    sector: str
    older: tuple[tuple[str, date], ...]


def known_by_date(filed: date) -> datetime:
    """22:00 New York of the filing day, in UTC."""
    return new_york(filed, CUT_OFF)


def known_by_acceptance(filed: date, accepted: datetime) -> datetime:
    """The acceptance on New York's clock, but not before 06:00 and not after 22:00 of the filing day, in UTC."""
    return min(max(_wall(accepted), new_york(filed, OPENS)), known_by_date(filed))


def known(filed: date, accepted: datetime | None) -> datetime:
    """By acceptance where it was kept, else by date."""
    return known_by_date(filed) if accepted is None else known_by_acceptance(filed, accepted)


def published(filed: date, accepted: datetime | None) -> datetime:
    """The acceptance itself (an evening's filing is public the next morning), never after 22:00 of the filing day."""
    return known_by_date(filed) if accepted is None else min(_wall(accepted), known_by_date(filed))


def _wall(accepted: datetime) -> datetime:
    return accepted.replace(tzinfo=NEW_YORK).astimezone(UTC)


def filings(body: dict[str, Any], file: str) -> tuple[Filing, ...]:
    """The filings that a submissions file, or one of its older parts, lists; `Refused` where it is neither."""
    listed = body.get("filings", {})
    recent: Any = listed.get("recent", body) if isinstance(listed, dict) else body
    try:
        numbers = recent["accessionNumber"]
        columns = [recent[name] if name in recent else [""] * len(numbers) for name in ("form", "items", "primaryDocument")]
        dates = recent.get("filingDate", [""] * len(numbers))
        rows = zip(numbers, dates, recent["acceptanceDateTime"], *columns, strict=True)
        return tuple(_filing(*row) for row in rows)
    except (KeyError, TypeError, ValueError, AttributeError) as trouble:
        raise _misshapen(file, trouble) from trouble


def _filing(number: str, filed: str, accepted: str, form: str, items: str, document: str) -> Filing:
    told = datetime.fromisoformat(accepted) if accepted else None
    if told is not None and told.time() == time(0):
        told = None
    split = tuple(item.strip() for item in items.split(",") if item.strip())
    return Filing(number, date.fromisoformat(filed) if filed else None, told, form, split, document)


def filer(body: dict[str, Any], file: str) -> Filer:
    """Who a submissions file is about; `Refused` where a part is of the wrong shape."""
    try:
        parts = (body.get("filings") or {}).get("files") or []
        return Filer(
            cik=int(body["cik"]) if body.get("cik") else None,
            name=str(body.get("name") or ""),
            tickers=tuple(ticker.replace("-", ".") for ticker in body.get("tickers") or []),
            exchanges=tuple(each or "" for each in body.get("exchanges") or []),
            sector=str(body.get("sicDescription") or ""),
            older=tuple((str(part["name"]), date.fromisoformat(part["filingTo"])) for part in parts),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as trouble:
        raise _misshapen(file, trouble) from trouble


def _misshapen(file: str, trouble: Exception) -> Refused:
    what = f"The file {file} is not shaped like submissions ({type(trouble).__name__}: {str(trouble)[:80]})."
    return Refused(what, "Give a submissions file of data.sec.gov.", file=file)
