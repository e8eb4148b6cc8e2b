"""Outside -> frame in our schema, with `known_at`. One room a source; `open_source` is the door to all of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from portfolio.errors import WrongUse

if TYPE_CHECKING:
    from sources.port import Access, Source

NAMES = ("sample", "edgar", "files", "yahoo", "stooq", "fred", "news", "members", "ecb")


def open_source(
    name: str,
    file: Path | None = None,
    *,
    symbol: str | None = None,
    submissions: Path | None = None,
    adjustment: str = "raw",
    access: Access | None = None,
    layout: str = "plain",
) -> Source:
    """The source called `name`. `file` is what `files` and `members` read, and what others may read instead of the
    network; `symbol` is of whom a file of `edgar` or `news` speaks, `submissions` for `edgar`, `adjustment` (raw |
    adjusted) and `layout` (a name, or the path of a mapping) for `files`, `access` for those on the network. `WrongUse` for an
    unknown name, or where a file is needed and none given.
    """
    if name == "sample":
        from sources.sample.source import Sample

        return Sample()
    if name not in NAMES:
        raise WrongUse(f"There is no source {name!r}.", f"The sources are {', '.join(NAMES)}.", source=name)
    if name == "edgar":
        from sources.edgar import open_edgar

        return open_edgar(file, symbol, submissions, access)
    if name in {"yahoo", "stooq"}:
        return _prices_of(name, access)
    if name == "fred":
        from sources.fred import open_fred

        return open_fred(file, access)
    if name == "ecb":
        return _ecb(access)
    if name == "news":
        from sources.news import open_news

        return open_news(file, symbol, access)
    if file is None:
        raise WrongUse(f"The source {name} reads a file and none was given.", "Name it with --from-file.", source=name)
    if name == "members":
        from sources.members.source import Members

        return Members(file)
    from sources.files import open_files

    return open_files(file, layout, adjustment)


def _ecb(access: Access | None) -> Source:
    from sources.ecb.source import Ecb
    from sources.port import Access

    return Ecb(access or Access())


def _prices_of(name: str, access: Access | None) -> Source:
    """A source of prices on the network."""
    from sources.port import Access
    from sources.stooq.source import Stooq
    from sources.yahoo.source import Yahoo

    return (Yahoo if name == "yahoo" else Stooq)(access or Access())
