"""Index membership, ticker history and what a list of members says of each, from one file or a folder of map files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from portfolio.errors import Refused
from portfolio.schema import IDENTIFIERS, SYMBOLS, UNIVERSE, Table
from portfolio.types import Declaration, Instrument
from sources.frames import asked, between, no_dataset, staged, staged_schema
from sources.members.layouts import columns, identities, memberships, tickers
from sources.members.spells import versions
from sources.sessions import open_of, session_from

HEADERS = ("ticker,start_date,end_date", "date,tickers", "symbol,...,date added", "instrument,symbol,from_session,to_session")
_LAYOUTS = (
    ({"ticker", "start_date", "end_date"}, ("universe",)),
    ({"date", "tickers"}, ("universe",)),
    ({"symbol", "date added"}, ("universe", "identifiers")),
    ({"instrument", "symbol", "from_session", "to_session"}, ("symbols",)),
)


@dataclass(frozen=True)
class Members:
    """`file`: see `sources.members.layouts`. Each spell is told twice: open at its start, closed after its end."""

    file: Path
    name: ClassVar[str] = "members"
    vintages: ClassVar[bool] = True
    speaks: ClassVar[str] = "day"

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        header = columns(self.file)
        for needed, datasets in _LAYOUTS:
            if needed <= header:
                return datasets
        if header:
            what = f"The file {self.file.name} has the columns {', '.join(sorted(header))[:120]}."
            raise Refused(what, f"Its header is one of {'; '.join(HEADERS)}.", file=str(self.file))
        return ("symbols",)

    def declaration(self) -> Declaration:
        return Declaration(self.name, "none", frozenset(), f"From {self.file.name}; an end is known when it has come.")

    def instruments(self) -> tuple[Instrument, ...]:
        return ()

    def universe(self, symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """Members of each index the file names, two versions of a spell that has ended."""
        rows = [{"name": index, **asdict(v)} for index, spell in memberships(self.file) for v in versions([spell])]
        return self._chosen(rows, UNIVERSE, symbols)

    def symbols(self, symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The ticker spells of instruments, two versions of one that has ended."""
        return self._chosen([asdict(v) for v in versions(tickers(self.file))], SYMBOLS, symbols)

    def identifiers(self, symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """Name, sector and CIK of the members now, known from the newest day that the list tells of."""
        told = identities(self.file)
        newest = max((since for _, since, _, _ in told if since), default=None)
        if newest is None:
            what = f"The file {self.file.name} has no day in `Date added`."
            raise Refused(what, "Give one: without it nobody can say when the list was known.", file=str(self.file))
        known = {"known_at": open_of(session_from(newest))}
        rows = [
            {"instrument": f"US:{symbol}", "symbol": symbol, "kind": kind, "value": value, **known}
            for symbol, _, kind, value in told
        ]
        return self._chosen(rows, IDENTIFIERS, symbols)

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        """`since` and `until` bound the first session of a spell."""
        if dataset not in self.datasets:
            raise no_dataset(self.name, dataset, self.datasets)
        rows: pl.DataFrame = getattr(self, dataset)(symbols)
        return between(rows, "from_session", since, until) if "from_session" in rows.columns else rows

    def _chosen(self, rows: Iterable[dict[str, Any]], table: Table, symbols: Sequence[str] | None) -> pl.DataFrame:
        """The staged rows of these symbols; versions of one fact in the order in which they were known."""
        schema = {"symbol": pl.String(), **{name: kind for name, kind in staged_schema(table).items() if name != "source"}}
        frame = pl.DataFrame(list(rows), schema=schema, orient="row").with_columns(pl.lit(self.name).alias("source"))
        if symbols is not None:
            frame = frame.filter(pl.col("symbol").is_in(asked(symbols, sorted(frame["symbol"].unique()), self.name)))
        return staged(frame.sort("known_at"), table)
