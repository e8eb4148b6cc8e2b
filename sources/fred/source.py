"""Macro series from FRED.

Without a key: the latest values, each known by the lag of its series (`sources.publication`). They are revised ones, so
a backtest on a series that is revised sees revisions early; the note of the declaration says so.
With a key: every vintage is a row, known from the end of the day on which FRED first had it (23:59 New York: the hour
is not told, and a figure of 8:30 is not used on the day it comes out). Where a rate is never revised, the first vintage
that the archive kept tells when the archive began, not when the rate came out: there the lag counts.
What was not known yet at the instant of asking is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from portfolio.errors import Refused
from portfolio.schema import MACRO
from portfolio.types import Declaration, Instrument
from sources.frames import asked, between, no_dataset, staged, staged_schema
from sources.fred.series import SERIES, expanded
from sources.fred.table import NAME, observations, series_of
from sources.sessions import new_york

if TYPE_CHECKING:
    from sources.fred.api import Api
    from sources.port import Access
    from sources.web import Web

CSV = "https://fred.stlouisfed.org"
API = "https://api.stlouisfed.org"
PACE = 2.0  # requests a second, FRED's limit for a key
DAY_ENDS = time(23, 59)


class Fred:
    """Over the site, or over one downloaded CSV."""

    name: ClassVar[str] = "fred"
    datasets: ClassVar[tuple[str, ...]] = ("macro",)

    def __init__(self, access: Access, file: Path | None = None) -> None:
        self._access = access
        self._file = file

    @property
    def vintages(self) -> bool:
        return bool(self._access.key) and self._file is None

    def declaration(self) -> Declaration:
        exact = "Every vintage, known from the end of the day on which FRED had it."
        latest = "Latest values, known by a publication lag: those of a revised series are not what was first told."
        return Declaration(self.name, "none", frozenset(), exact if self.vintages else latest)

    def instruments(self) -> tuple[Instrument, ...]:
        return ()

    def macro(self, series: Sequence[str] | None = None, since: date | None = None, until: date | None = None) -> pl.DataFrame:
        """Values in the unit of each series (or group: treasury_curve, vix); None means all that are known here."""
        frames = [self._rows(name, since, until) for name in self._names(series)]
        whole = pl.concat([pl.DataFrame(schema=staged_schema(MACRO)), *frames], how="diagonal")
        told = between(whole.filter(pl.col("known_at") <= self._access.now), "date", since, until)
        return staged(told.with_columns(pl.lit(self.name).alias("source")).sort("known_at"), MACRO)

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        if dataset != "macro":
            raise no_dataset(self.name, dataset, self.datasets)
        return self.macro(symbols, since, until)

    # ---------------------------------------------------------------- names
    def _names(self, series: Sequence[str] | None) -> tuple[str, ...]:
        wanted = None if series is None else expanded(series)
        if self._file is not None:
            return asked(wanted, (self._downloaded[0],), self.name, "series")
        if wanted is None or not self.vintages:
            return asked(wanted, SERIES, self.name, "series")
        if wrong := [name for name in wanted if not NAME.fullmatch(name)]:
            raise Refused(f"{wrong[0][:40]!r} is no name of a series.", "Write it as FRED does, as DGS10.", series=tuple(wrong))
        return tuple(wanted)

    # ---------------------------------------------------------------- rows
    def _rows(self, name: str, since: date | None, until: date | None) -> pl.DataFrame:
        """(series, date, value, unit, known_at) of one series."""
        if self.vintages:
            return self._archived(name, since, until)
        values = self._downloaded[1] if self._file else self._fetched(name, since, until)
        moments = [SERIES[name].known(day) for day in values.get_column("date")]
        return _labelled(name, SERIES[name].unit, values, moments)

    def _archived(self, name: str, since: date | None, until: date | None) -> pl.DataFrame:
        told, begins = self._api.vintages(name, since, until), self._api.begins(name)
        moments = [_moment(name, day, first, first == begins) for day, first in told.select("date", "since").iter_rows()]
        unit = SERIES[name].unit if name in SERIES else self._api.unit(name)
        return _labelled(name, unit, told.select("date", "value"), moments)

    def _fetched(self, name: str, since: date | None, until: date | None) -> pl.DataFrame:
        span = {"cosd": since.isoformat() if since else "", "coed": until.isoformat() if until else ""}
        body = self._web.get("/graph/fredgraph.csv", {"id": name, **{key: day for key, day in span.items() if day}})
        try:
            frame = pl.read_csv(body.text("CSV").encode(), infer_schema=False)
        except pl.exceptions.PolarsError as trouble:
            raise body.wrong(f"sent no whole CSV: {str(trouble).splitlines()[0][:100]}") from trouble
        if (told := series_of(frame, body.wrong)) != name:
            raise body.wrong(f"sent {told} and not {name}")
        return observations(frame, body.wrong)

    @cached_property
    def _downloaded(self) -> tuple[str, pl.DataFrame]:
        """(series, its values) of the file."""
        from sources.files.table import table

        assert self._file is not None
        frame, name = table(self._file), self._file.name

        def complain(what: str) -> Refused:
            return Refused(f"The file {name} {what}.", "Download it again from fred.stlouisfed.org.", file=name)

        series = series_of(frame, complain)
        if series not in SERIES:
            what = f"Nobody has told when the values of {series} come out."
            way_out = "Set TRIMTAB_FRED_KEY for its vintages, or give a column known_at and read it as --source files."
            raise Refused(what, way_out, series=series)
        return series, observations(frame, complain)

    @cached_property
    def _web(self) -> Web:
        from sources.web import Site, Web

        base = self._access.url or (API if self.vintages else CSV)
        secrets = (self._access.key,) if self._access.key else ()
        pace = 50.0 if self._access.url else PACE  # a mirror bears more
        return Web(Site("FRED", base, pace, secrets=secrets, hosts=("fred.stlouisfed.org", "api.stlouisfed.org")))

    @cached_property
    def _api(self) -> Api:
        from sources.fred.api import Api

        return Api(self._web, self._access.key)


def _moment(series: str, day: date, told: date, archive_begins: bool) -> datetime:
    """When the value of `day` that FRED had from `told` on could be known."""
    kept = new_york(told, DAY_ENDS)
    known = SERIES.get(series)
    return min(kept, known.known(day)) if known and archive_begins and not known.revised else kept


def _labelled(series: str, unit: str, values: pl.DataFrame, moments: Sequence[datetime]) -> pl.DataFrame:
    known_at = pl.Series("known_at", moments, dtype=pl.Datetime("us", "UTC"))
    return values.with_columns(pl.lit(series).alias("series"), pl.lit(unit).alias("unit"), known_at)
