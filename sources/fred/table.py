"""FRED's CSV: two columns, `DATE` or `observation_date` and the series' own name; "." and an empty cell are no value."""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

from portfolio.errors import Refused

DATES = ("observation_date", "DATE")
NAME = re.compile(r"[A-Z0-9][A-Z0-9_]{0,59}")
Complain = Callable[[str], Refused]


def series_of(frame: pl.DataFrame, complain: Complain) -> str:
    """The series that the header names; `Refused` where it is not FRED's."""
    header = [name.strip() for name in frame.columns]
    if len(header) != 2 or header[0] not in DATES or not NAME.fullmatch(header[1]):
        raise complain(f"has the header {','.join(header)[:80]!r} and not observation_date and the name of a series")
    return header[1]


def observations(frame: pl.DataFrame, complain: Complain) -> pl.DataFrame:
    """(date, value) of a text frame; a row without a value is left out. `Refused` names the first cell that is neither."""
    days, values = (pl.col(name).str.strip_chars() for name in frame.columns)
    missing = values.is_null() | values.is_in(["", "."])
    number = values.cast(pl.Float64, strict=False)
    read = frame.select(
        days.alias("day"),
        values.alias("cell"),
        days.str.to_date("%Y-%m-%d", strict=False).alias("date"),
        pl.when(number.is_finite()).then(number).alias("value"),
        missing.alias("missing"),
    ).with_row_index("line", 2)
    wrong = read.filter(pl.col("date").is_null() | (pl.col("value").is_null() & ~pl.col("missing")))
    if wrong.height:
        line, day, cell = wrong.row(0, named=True)["line"], wrong.item(0, "day"), wrong.item(0, "cell")
        raise complain(f"has {f'{day},{cell}'[:60]!r} on line {line}, which is no date and value")
    return read.drop_nulls("value").select("date", "value")
