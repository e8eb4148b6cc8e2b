"""Files of prices, macro series and reports, in the layouts that people and vendors write. `open_files` is the door."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from portfolio.errors import WrongUse

if TYPE_CHECKING:
    from sources.port import Source

LAYOUTS = ("plain", "mapping", "lean", "alphavantage", "tiingo", "yfinance", "wiki", "stooq", "pystock")


def open_files(file: Path, layout: str = "plain", adjustment: str = "raw") -> Source:
    """The source in `file`. `layout` is one of LAYOUTS, or the path of a TOML file that describes one (`mapping`: it lies
    beside); `adjustment` (raw | adjusted) is of plain files alone.
    """
    if layout not in LAYOUTS and not layout.endswith(".toml"):
        way_out = f"The layouts are {', '.join(LAYOUTS)}, or a TOML file that describes one."
        raise WrongUse(f"There is no layout {layout!r}.", way_out, layout=layout)
    if layout == "plain":
        from sources.files.source import Files

        return Files(file, adjustment=adjustment)
    if layout == "pystock":
        from sources.files.pystock import Pystock

        return Pystock(file)
    return _bars(file, layout)


def _bars(file: Path, layout: str) -> Source:
    from sources.files.bars import Bars, written
    from sources.files.dialects import DIALECTS

    if layout == "lean":
        from sources.files.lean import lean

        return Bars(file, lean)
    if layout == "yfinance":
        from sources.files.yfinance import yfinance

        return Bars(file, yfinance)
    if layout in DIALECTS:
        dialect = DIALECTS[layout]
    else:
        from sources.files.mapping import beside, mapping

        dialect = mapping(beside(file) if layout == "mapping" else Path(layout))
    return Bars(file, lambda path: written(path, dialect))
