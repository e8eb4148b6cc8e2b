"""Outside -> frame in our schema, with `known_at`. One room a source; `open_source` is the door to all of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from portfolio.errors import WrongUse

if TYPE_CHECKING:
    from sources.port import Source

NAMES = ("sample", "edgar", "files")


def open_source(
    name: str,
    file: Path | None = None,
    *,
    symbol: str | None = None,
    submissions: Path | None = None,
    adjustment: str = "raw",
) -> Source:
    """The source called `name`. `file` is what `edgar` and `files` read; `symbol` and `submissions` are for `edgar`,
    `adjustment` (raw | adjusted) for `files`. `WrongUse` for an unknown name, or where a file is needed and none given.
    """
    if name == "sample":
        from sources.sample.source import Sample

        return Sample()
    if name not in NAMES:
        raise WrongUse(f"There is no source {name!r}.", f"The sources are {', '.join(NAMES)}.", source=name)
    if file is None:
        raise WrongUse(f"The source {name} reads a file and none was given.", "Name it with --from-file.", source=name)
    if name == "edgar":
        from sources.edgar.source import Edgar

        return Edgar(file, symbol=symbol, submissions=submissions)
    from sources.files.source import Files

    return Files(file, adjustment=adjustment)
