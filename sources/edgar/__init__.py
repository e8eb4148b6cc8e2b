"""What companies file with the SEC: every fact of every filing, current reports as events, and who they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sources.edgar.source import Edgar
    from sources.port import Access


def open_edgar(file: Path | None, symbol: str | None, submissions: Path | None, access: Access | None) -> Edgar:
    """Over one company's files where a file is given, else over the SEC's site (`WrongUse` without a contact)."""
    from sources.edgar.shelf import Disk, Sec
    from sources.edgar.source import Edgar
    from sources.port import Access

    return Edgar(Disk(file, symbol, submissions) if file else Sec(access or Access()))
