"""How vendors write daily bars: which column is what, how a day is written, and where the symbol stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

PRICES = ("open", "high", "low", "close")
NUMBERS = (*PRICES, "volume", "dividend", "split")
FIELDS = ("symbol", "session", *NUMBERS, "currency")  # what a column may be


@dataclass(frozen=True)
class Dialect:
    """One vendor's way, of prices as `adjustment` says.

    columns: our word -> theirs, the first that is there counts (case and blanks do not matter; others are left alone).
    names: the columns of a file without a header. dates: formats of a day; the one that reads most is the file's.
    constants: our word -> the same for all rows. scale: what stands in the file for 1 of the currency a share.
    file: pattern of a file's name, with the group `symbol` where the symbol stands there; files of other names in a folder
    or an archive are left alone. `dividend` is cash a share as dealt on that day, `split` new shares for one old.
    """

    name: str
    adjustment: str
    columns: Mapping[str, tuple[str, ...]]
    dates: tuple[str, ...] = ("%Y-%m-%d",)
    constants: Mapping[str, str] = field(default_factory=lambda: {"currency": "USD"})
    scale: float = 1.0
    file: str = r"(?P<symbol>[A-Za-z0-9.\-]{1,20}?)\.csv"
    names: tuple[str, ...] = ()
    separator: str = ","
    comma: bool = False  # a decimal comma
    note: str = ""
    speaks: str = "now"
    classes: str = "[-_]"  # what may stand for the dot of a class of shares (BRK-B); empty: nothing does

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self.file, re.IGNORECASE)

    @property
    def acts(self) -> bool:
        """Whether its rows tell dividends or splits."""
        return not {"dividend", "split"}.isdisjoint(self.columns)


def _same(*words: str) -> dict[str, tuple[str, ...]]:
    return {word: (word,) for word in words}


ALPHAVANTAGE = Dialect(
    "alphavantage",
    "raw",
    {
        "session": ("timestamp", "date"),
        **{word: (f"{n}. {word}", word) for n, word in enumerate((*PRICES, "volume"), 1)},
    },
    file=r"(?:daily_)?(?P<symbol>[A-Za-z0-9.\-]{1,20}?)\.csv",
    note="As dealt, without corporate actions: adjusted prices need those of another source.",
)
TIINGO = Dialect(
    "tiingo",
    "raw",
    {"symbol": ("ticker", "symbol"), "session": ("date",), **_same(*PRICES, "volume")}
    | {"dividend": ("divcash",), "split": ("splitfactor",)},
    dates=("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%.fZ", "%d/%m/%Y"),
    note="As dealt, with its dividends and splits; a ratio is as Tiingo rounds it (7.000007). Its adjusted columns are left.",
)
WIKI = Dialect(
    "wiki",
    "raw",
    {"symbol": ("ticker",), "session": ("date",), **_same(*PRICES, "volume")}
    | {"dividend": ("ex-dividend", "ex_dividend"), "split": ("split ratio", "split_ratio")},
    file=r"(?:WIKI-)?(?P<symbol>[A-Za-z0-9.\-_]{1,20}?)(?:-\d{4}(?:-quandl)?)?\.csv",
    note="As dealt, with its dividends and splits. Its adjusted columns are left; the archive ends in 2018.",
)
STOOQ = Dialect(
    "stooq",
    "adjusted",
    {"session": ("date",), **_same(*PRICES, "volume")},
    file=r"(?P<symbol>[A-Za-z0-9\-]{1,10})[._]us(?:_d)?\.(?:csv|txt)",
    note=(
        "Adjusted by Stooq: for splits always, for dividends in part (most before 2012 are absent), so a total return from it is "
        "too low. Sessions are missing here and there across all symbols."
    ),
)
DIALECTS = {each.name: each for each in (ALPHAVANTAGE, TIINGO, WIKI, STOOQ)}
LEAN = Dialect(
    "lean",
    "raw",
    _same("session", *PRICES, "volume"),
    dates=("%Y%m%d %H:%M",),
    scale=10_000.0,
    file=r"(?P<symbol>[A-Za-z0-9.\-]{1,20}?)\.csv",
    names=("session", *PRICES, "volume"),
    note="As dealt, each file under the ticker of its days; map files beside tell whose it was, factor files what went ex.",
    speaks="day",
)
