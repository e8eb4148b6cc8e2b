"""Yahoo's search: its JSON lists headlines, each with the tickers it is about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sources.bodies import Body
from sources.news.headlines import Told, address, plain


def search(body: Body) -> list[Told]:
    """A row a headline and ticker. A headline that names no ticker is about nobody and left out."""
    try:
        return [told for each in body.json()["news"] for told in _each(each)]
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, OSError) as trouble:
        raise body.wrong(f"sent no list of news ({type(trouble).__name__}: {str(trouble)[:60]})") from trouble


def quoted(body: Body) -> frozenset[str]:
    """The symbols that the search found: a known one without news is among them."""
    found = body.json().get("quotes") or []
    return frozenset(str(each.get("symbol")) for each in found if isinstance(each, dict))


def _each(said: dict[str, Any]) -> Iterator[Told]:
    headline, seconds = plain(said["title"]), said["providerPublishTime"]
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise TypeError("providerPublishTime is no whole number")
    when = datetime.fromtimestamp(seconds, UTC)
    for ticker in dict.fromkeys(said.get("relatedTickers") or []):
        if headline:
            yield Told(str(ticker), headline, when, plain(said.get("publisher") or "") or None, address(said.get("link")))
