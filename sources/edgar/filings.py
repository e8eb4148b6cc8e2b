"""When a filing could be known.

A companyfacts file has only the filing date. EDGAR takes filings until 22:00 New York, so the end of that day is the
safe reading. A submissions file has `acceptanceDateTime`, which always ends in Z: recordings of 2023 carry New York's
wall clock there, recordings of 2026 UTC. Read as New York it is never early (at most five hours late). What is accepted
after 17:30 is dated, and disseminated, the next business day from 06:00 on; nothing is later than 22:00 of its date.
"""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from portfolio.errors import Refused
from sources.edgar.document import document
from sources.sessions import NEW_YORK, new_york

CUT_OFF = time(22, 0)
OPENS = time(6, 0)


def known_by_date(filed: date) -> datetime:
    """22:00 New York of the filing day, in UTC."""
    return new_york(filed, CUT_OFF)


def known_by_acceptance(filed: date, accepted: datetime) -> datetime:
    """The acceptance on New York's clock, but not before 06:00 and not after 22:00 of the filing day, in UTC."""
    wall = accepted.replace(tzinfo=NEW_YORK).astimezone(new_york(filed, CUT_OFF).tzinfo)
    return min(max(wall, new_york(filed, OPENS)), known_by_date(filed))


def acceptances(file: Path) -> tuple[dict[str, datetime], str | None]:
    """(accession -> acceptance as written, the first ticker or None) of a submissions file or one of its older parts."""
    body = document(file)
    recent: Any = body.get("filings", {}).get("recent", body) if isinstance(body.get("filings", {}), dict) else body
    try:
        pairs = zip(recent["accessionNumber"], recent["acceptanceDateTime"], strict=True)
        accepted = {number: datetime.fromisoformat(text) for number, text in pairs}
        tickers = body.get("tickers") or [None]
        return accepted, tickers[0]
    except (KeyError, TypeError, ValueError) as trouble:
        what = f"The file {file.name} is not shaped like submissions ({type(trouble).__name__}: {trouble})."
        raise Refused(what, "Give a submissions file of data.sec.gov.", file=str(file)) from trouble
