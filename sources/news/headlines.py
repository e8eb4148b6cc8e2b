"""A headline as it was told, what is made of its text, and when two of them are one."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST = 500  # characters of a headline that are kept
SAME_WITHIN = timedelta(days=3)
_TAG = re.compile(r"<[/!?]?[a-zA-Z][^<>]*>|<!--.*?-->", re.DOTALL)
_SUFFIX = re.compile(r"\s[-–—|]\s([^-–—|]{2,40})$")
_WIRES = frozenset((
    "reuters", "bloomberg", "ap", "ap news", "associated press", "cnbc", "cnn", "bbc news",
    "financial times", "wsj", "the wall street journal", "marketwatch", "barrons", "benzinga", "yahoo finance",
    "seeking alpha", "business insider", "the new york times", "forbes", "fortune",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """One headline of one instrument. `published`: aware, None where it was not told with a time zone."""

    symbol: str
    headline: str
    published: datetime | None
    publisher: str | None
    url: str | None


def plain(text: str) -> str:
    """Text without tags, control characters and marks that turn the writing round; a first =, +, - or @ stays as it is."""
    for _ in range(2):  # feeds escape twice
        text = _TAG.sub(" ", html.unescape(text))
    letters = (" " if unicodedata.category(each) == "Cc" else each for each in unicodedata.normalize("NFC", text))
    return " ".join("".join(each for each in letters if unicodedata.category(each) != "Cf").split())[:LONGEST].rstrip()


def address(text: str | None) -> str | None:
    """An address of the web, None for anything else (a script, a file)."""
    text = (text or "").strip()
    return text if re.fullmatch(r"https?://[^\s\"'<>]{1,2000}", text) else None


def normalised(headline: str, publisher: str | None) -> str:
    """What makes two headlines one: letters and digits in small, without the publisher at the end ("... - Reuters").

    >>> normalised("Fed raises rates!  - Reuters", "Reuters") == normalised("FED RAISES RATES", None)
    True
    """
    tail = _SUFFIX.search(headline)
    if tail and _letters(tail[1]) in _WIRES | {_letters(publisher or "")}:
        headline = headline[: tail.start()]
    return _letters(headline)


def folded(told: Iterable[Told]) -> list[Told]:
    """Each headline of an instrument once: of the same within three days the earliest stays. Sorted by time.

    One without a time cannot be compared and stays, for the laws.
    """
    dated = sorted((each for each in told if each.published), key=lambda each: (each.published, each.symbol, each.headline))
    last: dict[tuple[str, str], datetime] = {}
    kept = []
    for each in dated:
        same = (each.symbol, normalised(each.headline, each.publisher))
        assert each.published is not None
        if same not in last or each.published - last[same] > SAME_WITHIN:
            kept.append(each)
            last[same] = each.published
    return kept + [each for each in told if not each.published]


def _letters(text: str) -> str:
    bare = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    return " ".join(re.sub(r"[\W_]+", " ", bare).split())
