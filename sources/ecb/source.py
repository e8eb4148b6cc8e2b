"""The European Central Bank's reference rates over its data portal: EUR.USD is dollars a euro, a value a working day.

One series an answer, as CSV with a header; the columns TIME_PERIOD and OBS_VALUE count. A rate is known from 16:00 in
Frankfurt on its day, when it comes out. Rates are not revised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import ClassVar

import polars as pl

from portfolio.rates import ECB
from portfolio.schema import MACRO
from portfolio.types import Declaration, Instrument
from sources.bodies import Body
from sources.frames import asked, between, no_dataset, staged, staged_schema
from sources.port import Access
from sources.publication import reference_rates_known
from sources.web import Site, Web

ADDRESS = "https://data-api.ecb.europa.eu"
PATH = "/service/data/EXR/D.{currency}.EUR.SP00.A"
PACE = 2.0  # requests a second; the bank says no number
DAY, VALUE = "TIME_PERIOD", "OBS_VALUE"


@dataclass(frozen=True)
class Ecb:
    access: Access = field(default_factory=Access)
    name: ClassVar[str] = "ecb"
    datasets: ClassVar[tuple[str, ...]] = ("macro",)

    def declaration(self) -> Declaration:
        note = "Reference rates, fixed at about 14:10 and out at about 16:00 in Frankfurt."
        return Declaration(self.name, "none", frozenset(), note)

    def instruments(self) -> tuple[Instrument, ...]:
        return ()

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        """EUR.USD, EUR.GBP, EUR.CHF, EUR.JPY, EUR.CAD and EUR.AUD (all where none is named), known by `access.now`."""
        if dataset not in self.datasets:
            raise no_dataset(self.name, dataset, self.datasets)
        names = asked(symbols, ECB, self.name, "series")
        frames = [self._rates(name, since, until) for name in names]
        rows = pl.concat([pl.DataFrame(schema=staged_schema(MACRO)), *frames], how="diagonal")
        return staged(between(rows.filter(pl.col("known_at") <= self.access.now), "date", since, until), MACRO)

    @cached_property
    def _web(self) -> Web:
        return Web(Site("The ECB", self.access.url or ADDRESS, 50.0 if self.access.url else PACE))

    def _rates(self, series: str, since: date | None, until: date | None) -> pl.DataFrame:
        currency = ECB[series][1]
        span = {"startPeriod": since, "endPeriod": until}
        asked_for = {"format": "csvdata"} | {name: day.isoformat() for name, day in span.items() if day}
        body = self._web.find(PATH.format(currency=currency), asked_for)  # it says 404 where no day of the span has a rate
        told = pl.DataFrame(schema={"date": pl.Date(), "value": pl.Float64()}) if body is None else _observations(body)
        known = pl.Series("known_at", [reference_rates_known(day) for day in told["date"]], dtype=pl.Datetime("us", "UTC"))
        about = {"series": series, "unit": f"{currency} per EUR", "source": self.name}
        return told.with_columns(known, *(pl.lit(value).alias(column) for column, value in about.items()))


def _observations(body: Body) -> pl.DataFrame:
    """(date, value); a day without a number has no row. `Refused` for anything that is not the bank's CSV."""
    text = body.text("CSV")
    try:
        frame = pl.read_csv(text.encode(), infer_schema=False)
    except pl.exceptions.PolarsError as trouble:
        raise body.wrong(f"sent no whole CSV: {str(trouble).splitlines()[0][:100]}") from trouble
    if not {DAY, VALUE} <= set(frame.columns):
        raise body.wrong(f"sent the header {','.join(frame.columns)[:80]!r} without {DAY} and {VALUE}")
    cells = frame.select(pl.col(DAY).alias("day"), pl.col(VALUE).alias("cell"))
    number = pl.col("cell").cast(pl.Float64, strict=False)
    read = cells.with_columns(
        pl.col("day").str.to_date("%Y-%m-%d", strict=False).alias("date"), pl.when(number.is_finite()).then(number).alias("value")
    )
    empty = pl.col("cell").is_null() | pl.col("cell").is_in(["", "NaN"])
    wrong = read.filter(pl.col("date").is_null() | (pl.col("value").is_null() & ~empty) | (pl.col("value") <= 0))
    if wrong.height:
        raise body.wrong(f"sent {wrong.item(0, 'day')!r}, {wrong.item(0, 'cell')!r}, which is no day and rate")
    return read.drop_nulls("value").select("date", "value")
