"""The series that are known here: unit, publication lag, whether values are revised after they came out; and named groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from portfolio.rates import FRED
from sources.publication import (
    accounts_known,
    cpi_known,
    factors_known,
    mondays_known,
    rates_known,
    spending_known,
    thursdays_known,
    vix_known,
    yields_known,
)


@dataclass(frozen=True, slots=True)
class Series:
    """`known`: the instant from which the value of a date could be known, by lag. `revised`: the first print is not the last."""

    unit: str
    known: Callable[[date], datetime]
    revised: bool = False


_RATE = Series("percent", rates_known)
_MONTH_RATE = Series("percent", yields_known)
_CURVE = tuple(f"DGS{term}" for term in ("1MO", "3MO", "6MO", "1", "2", "3", "5", "7", "10", "20", "30"))

GROUPS: dict[str, tuple[str, ...]] = {"treasury_curve": _CURVE, "vix": ("VIXCLS",), "exchange_rates": tuple(FRED)}
SERIES: dict[str, Series] = {
    **dict.fromkeys(_CURVE, _RATE),
    **dict.fromkeys(("DTB3", "DFF", "EFFR", "SOFR", "T10Y2Y", "T10Y3M", "T10YIE", "BAMLH0A0HYM2"), _RATE),
    "VIXCLS": Series("index", vix_known),
    "DTWEXBGS": Series("index", mondays_known),
    **{name: Series(f"{paid} per {bought}", mondays_known) for name, (bought, paid) in FRED.items()},
    "WGS10YR": Series("percent", mondays_known),
    **dict.fromkeys(("FEDFUNDS", "GS10", "AAA", "BAA"), _MONTH_RATE),
    "ICSA": Series("persons", thursdays_known, revised=True),
    "CPIAUCSL": Series("index", cpi_known, revised=True),
    "CPILFESL": Series("index", cpi_known, revised=True),
    "UNRATE": Series("percent", cpi_known, revised=True),
    "PAYEMS": Series("thousands of persons", cpi_known, revised=True),
    "INDPRO": Series("index", cpi_known, revised=True),
    "M2SL": Series("billions of dollars", factors_known, revised=True),
    "PCEPILFE": Series("index", spending_known, revised=True),
    "GDP": Series("billions of dollars", accounts_known, revised=True),
    "GDPC1": Series("billions of chained dollars", accounts_known, revised=True),
}


def expanded(names: Sequence[str]) -> list[str]:
    """The names with each group replaced by its series, each once."""
    return list(dict.fromkeys(member for name in names for member in GROUPS.get(name.lower(), (name.upper(),))))


def unit_of(words: str) -> str:
    """FRED's words for a unit in ours: `percent`, `index` (of any base), else theirs in small letters."""
    said = " ".join(words.lower().split())
    return "index" if said.startswith("index") else said
