"""Headlines with a time, a publisher and a score of their tone: from RSS and Atom feeds, Yahoo's search, or a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sources.news.source import News
    from sources.port import Access


def open_news(file: Path | None, symbol: str | None, access: Access | None) -> News:
    """Over a downloaded feed, search answer or CSV where a file is given, else over the network."""
    from sources.news.source import News
    from sources.port import Access

    return News(access or Access(), file, symbol)
