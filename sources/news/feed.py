"""RSS and Atom. What could blow up or reach out is refused before it is parsed: a document type, an entity of its own."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sources.bodies import Body
from sources.news.headlines import Told, address, plain

_DECLARED = re.compile(rb"^\s*<\?xml[^>]*\bencoding\s*=\s*[\"']([A-Za-z0-9._\-]{1,40})[\"']")
_ENCODINGS = frozenset(("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "cp1252"))
_PROLOGUE = re.compile(r"^\s*<\?xml.*?\?>", re.DOTALL)
_DANGER = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def feed(body: Body, symbol: str) -> list[Told]:
    """The entries of a feed, all of them said of `symbol`. `Refused` for what is no whole feed, or a dangerous one."""
    import feedparser

    text = _text(body)
    if _DANGER.search(text):
        raise body.wrong("sent a feed with a document type or entities of its own")
    found = feedparser.parse(
        io.BytesIO(_PROLOGUE.sub("", text, count=1).encode()),
        sanitize_html=False,  # headlines are stripped here, and their text is kept
        resolve_relative_uris=False,
        response_headers={"content-type": "application/xml; charset=utf-8"},
    )
    if found.bozo and not isinstance(found.bozo_exception, feedparser.exceptions.ThingsNobodyCaresAboutButMe):
        raise body.wrong(f"sent no whole feed: {str(found.bozo_exception)[:100]}")
    if not found.version:
        raise body.wrong("sent XML that is neither RSS nor Atom")
    return list(_entries(found, symbol))


def _text(body: Body) -> str:
    if body.page:
        raise body.wrong(f"sent an HTML page and no feed: {body.first_words()}")
    declared = _DECLARED.search(body.content[:200].removeprefix(b"\xef\xbb\xbf"))
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if encoding not in _ENCODINGS:
        raise body.wrong(f"sent a feed in {encoding}, which is not read here")
    try:
        return body.content.removeprefix(b"\xef\xbb\xbf").decode(encoding)
    except UnicodeDecodeError as trouble:
        raise body.wrong(f"sent no feed: its bytes are not {encoding}") from trouble


def _entries(found: Any, symbol: str) -> Iterator[Told]:
    of_all = plain(found.feed.get("title", "")) or None
    for entry in found.entries:
        if headline := plain(entry.get("title", "")):
            publisher = plain((entry.get("source") or {}).get("title", "")) or of_all
            when = entry.get("published") or entry.get("updated")
            yield Told(symbol, headline, instant(when), publisher, address(entry.get("link")))


def instant(text: str | None) -> datetime | None:
    """A time with its zone, as feeds (RFC 822) or ISO 8601 write it, in UTC; None for anything else."""
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            read = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    try:
        return None if read.tzinfo is None else read.astimezone(UTC)
    except OverflowError:
        return None
