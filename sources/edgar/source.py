"""Fundamentals, current reports and identifiers of companies that file with the SEC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from portfolio.errors import Refused, WrongUse
from portfolio.schema import FUNDAMENTALS, IDENTIFIERS, NEWS, Table
from portfolio.types import Declaration, Instrument
from sources.edgar.events import events
from sources.edgar.facts import facts_frame
from sources.edgar.filings import Filing, known
from sources.edgar.shelf import Disk
from sources.frames import asked, between, between_days, no_dataset, staged, staged_schema

if TYPE_CHECKING:
    from sources.edgar.shelf import Shelf

FACTS_FROM = date(2009, 1, 1)  # no filing before has XBRL facts


@dataclass(frozen=True)
class Edgar:
    """Every fact of every filing, every item of every 8-K, and who the company is, from the documents on `shelf`."""

    shelf: Shelf
    name: ClassVar[str] = "edgar"
    speaks: ClassVar[str] = "now"  # a company's whole history stands under the ticker it has now

    @property
    def datasets(self) -> tuple[str, ...]:
        return self.shelf.kinds

    def declaration(self) -> Declaration:
        note = "As filed with the SEC; known from the filing day's 22:00 New York, or from acceptance where it is given."
        return Declaration(self.name, "none", frozenset(), note)

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(Instrument(f"US:{ticker}", ticker, "USD", "XNYS") for ticker in self.shelf.tickers())

    def fundamentals(
        self, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        """A row a fact a filing, in the unit the filing used; `since` and `until` bound period_end."""
        frames, wanted = [], self._asked(symbols)
        for ticker in wanted:
            if (found := self.shelf.facts(ticker)) is not None:
                facts = between(facts_frame(*found), "period_end", since, until)
                known_at = _known(facts, self.shelf.filings(ticker, FACTS_FROM))
                frames.append(_of(ticker, facts.join(known_at, on=["accession", "filed"], how="left", maintain_order="left")))
        if wanted and not frames:
            what = f"The SEC has no facts of {', '.join(wanted)}."
            raise Refused(what, "Funds and some foreign companies file none: leave them out.", symbols=wanted)
        return self._staged(frames, FUNDAMENTALS)

    def news(self, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None) -> pl.DataFrame:
        """A row an 8-K and item, kind `filing`; `since` and `until` bound the day of acceptance."""
        frames = []
        for ticker in self._asked(symbols):
            if (filer := self.shelf.filer(ticker)) is not None:
                frames.append(events(ticker, filer, self.shelf.filings(ticker, since)))
        return between_days(self._staged(frames, NEWS), "published", since, until)

    def identifiers(self, symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """cik, name, sector (the SEC's industry) and exchange, known since the newest filing that the answer lists.

        Not its tickers' spells: the SEC says which tickers a company has, not since when.
        """
        return self._staged([self._identity(ticker) for ticker in self._asked(symbols)], IDENTIFIERS)

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        if dataset == "fundamentals":
            return self.fundamentals(symbols, since, until)
        if dataset not in self.datasets:
            raise no_dataset(self.name, dataset, self.datasets)
        return self.news(symbols, since, until) if dataset == "news" else self.identifiers(symbols)

    def _asked(self, symbols: Sequence[str] | None) -> tuple[str, ...]:
        if symbols is None and not isinstance(self.shelf, Disk):
            raise WrongUse("The SEC has thousands of companies, and none was named.", "Name them with --symbols.")
        ours = None if symbols is None else [symbol.replace("-", ".") for symbol in symbols]
        return asked(ours, self.shelf.tickers(), self.name)

    def _identity(self, ticker: str) -> pl.DataFrame:
        filer = self.shelf.filer(ticker)
        days = [known(f.filed, f.accepted) for f in self.shelf.filings(ticker, date.max) if f.filed]  # the newest file only
        if filer is None or not days:
            return pl.DataFrame()
        theirs = dict(zip(filer.tickers, filer.exchanges, strict=False))
        said = {"cik": f"{filer.cik:010d}" if filer.cik else "", "name": filer.name, "sector": filer.sector}
        said["exchange"] = theirs.get(ticker, filer.exchanges[0] if filer.exchanges else "")
        rows = [(kind, value, max(days)) for kind, value in said.items() if value]
        return _of(ticker, pl.DataFrame(rows, schema=["kind", "value", "known_at"], orient="row"))

    def _staged(self, frames: Sequence[pl.DataFrame], table: Table) -> pl.DataFrame:
        whole = pl.concat([pl.DataFrame(schema=staged_schema(table)), *frames], how="diagonal_relaxed")
        return staged(whole.with_columns(pl.lit(self.name).alias("source")), table)


def _of(ticker: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.lit(f"US:{ticker}").alias("instrument"), pl.lit(ticker).alias("symbol"))


def _known(facts: pl.DataFrame, listed: Sequence[Filing]) -> pl.DataFrame:
    """(accession, filed, known_at), a row a filing of `facts`."""
    accepted = {filing.accession: filing.accepted for filing in listed}
    pairs = facts.select("accession", "filed").unique(maintain_order=True).drop_nulls()
    moments = [known(filed, accepted.get(number)) for number, filed in pairs.iter_rows()]
    return pairs.with_columns(pl.Series("known_at", moments, dtype=pl.Datetime("us", "UTC")))
