"""Macro series of the Federal Reserve Bank of St. Louis: latest values without a key, every vintage with one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sources.fred.source import Fred
    from sources.port import Access


def open_fred(file: Path | None, access: Access | None) -> Fred:
    """Over a downloaded CSV where a file is given, else over the site: its API where there is a key, else its CSV."""
    from sources.fred.source import Fred
    from sources.port import Access

    return Fred(access or Access(), file)
