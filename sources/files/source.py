"""A person's own prices or macro series from one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import polars as pl

from portfolio.errors import Refused, WrongUse
from portfolio.schema import MACRO, PRICES
from portfolio.types import Declaration, Instrument
from sources.files.columns import MACRO_LAYOUT, PRICES_LAYOUT, read_columns
from sources.files.table import table
from sources.frames import asked, between, no_dataset, staged
from sources.sessions import new_york, with_close

DAY_ENDS = time(22, 0)
SPARSE_DAYS = 5  # a series whose rows lie further apart than this is published with a lag nobody can guess


@dataclass(frozen=True)
class Files:
    """`file` holds prices (symbol, session|date, close, currency; open, high, low, volume where it has them) or macro
    rows (series, date, value; unit; known_at as ISO 8601 with offset). `adjustment`: raw | adjusted, for prices.
    """

    file: Path
    adjustment: str = "raw"
    name: ClassVar[str] = "files"

    def __post_init__(self) -> None:
        if self.adjustment not in {"raw", "adjusted"}:
            raise WrongUse(f"There is no adjustment {self.adjustment!r}.", "It is raw or adjusted.")

    @cached_property
    def _table(self) -> pl.DataFrame:
        return table(self.file)

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """What the header says the file holds: a macro file has a column `series`."""
        names = {name.strip().lower() for name in self._table.columns}
        return ("macro",) if "series" in names else ("prices",)

    @cached_property
    def _prices(self) -> pl.DataFrame:
        return read_columns(self._table, PRICES_LAYOUT, self.file.name)

    @cached_property
    def _macro(self) -> pl.DataFrame:
        return read_columns(self._table, MACRO_LAYOUT, self.file.name)

    def declaration(self) -> Declaration:
        note = f"From the file {self.file.name}, {self.adjustment} by its owner's word."
        if self.datasets == ("macro",):
            return Declaration(self.name, "none", frozenset(), note)
        return Declaration(self.name, self.adjustment, frozenset(PRICES_LAYOUT.numbers) & frozenset(self._prices.columns), note)

    def instruments(self) -> tuple[Instrument, ...]:
        """One a symbol, in its first currency (a second currency is for the laws), on XNYS."""
        if self.datasets == ("macro",):
            return ()
        firsts = self._prices.drop_nulls(["symbol", "currency"]).unique("symbol", keep="first").sort("symbol")
        return tuple(Instrument(f"US:{s}", s, c, "XNYS") for s, c in firsts.select("symbol", "currency").iter_rows())

    def prices(self, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None) -> pl.DataFrame:
        """Bars as the file has them, prices per share in `currency`; known from the session's close on."""
        rows = self._chosen(self._prices, "symbol", "session", symbols, (since, until))
        stamped = with_close(rows, "session").with_columns(
            ("US:" + pl.col("symbol")).alias("instrument"),
            pl.lit(self.adjustment).alias("adjustment"),
            pl.lit(self.name).alias("source"),
        )
        return staged(stamped, PRICES)

    def macro(self, series: Sequence[str] | None = None, since: date | None = None, until: date | None = None) -> pl.DataFrame:
        """Values as the file has them; known from `known_at`, or for a daily series without it from 22:00 New York."""
        known = self._known(self._macro)
        rows = self._chosen(known, "series", "date", series, (since, until))
        return staged(rows.with_columns(pl.lit(self.name).alias("source")), MACRO)

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        if dataset == "prices":
            return self.prices(symbols, since, until)
        if dataset == "macro":
            return self.macro(symbols, since, until)
        raise no_dataset(self.name, dataset, self.datasets)

    def _chosen(
        self, rows: pl.DataFrame, who: str, day: str, names: Sequence[str] | None, span: tuple[date | None, date | None]
    ) -> pl.DataFrame:
        if names is not None:
            have = sorted(rows.get_column(who).drop_nulls().unique())
            rows = rows.filter(pl.col(who).is_in(asked(names, have, self.name, who)))
        return between(rows, day, *span)

    def _known(self, rows: pl.DataFrame) -> pl.DataFrame:
        if "known_at" in rows.columns:
            return self._told(rows)
        spread = rows.sort("date").group_by("series").agg(pl.col("date").diff().median().alias("gap"))
        sparse = spread.filter(pl.col("gap") > pl.duration(days=SPARSE_DAYS)).get_column("series").drop_nulls().sort().to_list()
        if sparse:
            what = f"The file {self.file.name} has no known_at, and {', '.join(sparse[:5])} is not daily."
            way_out = "Add a column known_at (ISO 8601 with offset): the instant each value was published."
            raise Refused(what, way_out, series=tuple(sparse))
        days = rows.get_column("date").drop_nulls().unique().sort().to_list()
        known = pl.Series("known_at", [new_york(day, DAY_ENDS) for day in days], dtype=pl.Datetime("us", "UTC"))
        return rows.join(pl.DataFrame({"date": pl.Series(days, dtype=pl.Date()), "known_at": known}), on="date", how="left")

    def _told(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`known_at` parsed; `Refused` where one cannot be read or has no offset."""
        instant = pl.col("known_at").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False)
        parsed = rows.with_columns(instant.alias("_known"))
        wrong = parsed.with_row_index("line", 2).filter(pl.col("known_at").is_not_null() & pl.col("_known").is_null())
        if wrong.height:
            line, text = wrong.item(0, "line"), wrong.item(0, "known_at")[:40]
            what = f"The file {self.file.name} has {text!r} for known_at on line {line}."
            raise Refused(what, "Write ISO 8601 with an offset, as 2024-01-11T13:30:00+00:00.", line=line)
        return parsed.drop("known_at").rename({"_known": "known_at"})
