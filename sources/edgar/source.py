"""Fundamentals of one company from its companyfacts file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from portfolio.errors import Refused
from portfolio.schema import FUNDAMENTALS
from portfolio.types import Declaration, Instrument
from sources.edgar.document import document
from sources.edgar.facts import facts_frame
from sources.edgar.filings import acceptances, known_by_acceptance, known_by_date
from sources.frames import asked, between, no_dataset, staged

_LABEL = re.compile(r"CIK\d{10}_([A-Z][A-Z0-9.\-]{0,9})\.json")
_TICKER = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,9}")


@dataclass(frozen=True)
class Edgar:
    """Every fact of every filing in `file`. The ticker comes from `symbol`, else from the file itself, else from the
    submissions file, else from a label in the file's name (CIK0000320193_AAPL.json): companyfacts names only the CIK.
    """

    file: Path
    symbol: str | None = None
    submissions: Path | None = None
    name: ClassVar[str] = "edgar"
    datasets: ClassVar[tuple[str, ...]] = ("fundamentals",)

    @cached_property
    def _body(self) -> dict[str, Any]:
        return document(self.file)

    @cached_property
    def _accepted(self) -> tuple[dict[str, datetime], str | None]:
        return acceptances(self.submissions) if self.submissions else ({}, None)

    @cached_property
    def ticker(self) -> str:
        """The symbol its rows carry; `Refused` where nothing names it, or what names it is no ticker."""
        inside = (self._body.get("tickers") or [None])[0] if isinstance(self._body.get("tickers"), list) else None
        label = _LABEL.search(self.file.name)
        found = self.symbol or inside or self._body.get("ticker") or self._accepted[1] or (label and label[1])
        if not isinstance(found, str) or not _TICKER.fullmatch(found):
            entity = str(self._body.get("entityName", "the company"))[:80]
            what = f"The file {self.file.name} does not say the ticker of {entity}."
            raise Refused(what, "Give it with --symbols.", file=str(self.file))
        return found

    def declaration(self) -> Declaration:
        note = "As filed with the SEC; known from the filing day's 22:00 New York, or from acceptance where it is given."
        return Declaration(self.name, "none", frozenset(), note)

    def instruments(self) -> tuple[Instrument, ...]:
        return (Instrument(f"US:{self.ticker}", self.ticker, "USD", "XNYS"),)

    def fundamentals(
        self, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        """A row a fact a filing, in the unit the filing used; `since` and `until` bound period_end."""
        facts = between(facts_frame(self._body, self.file.name), "period_end", since, until)
        if not asked(symbols, (self.ticker,), self.name):
            facts = facts.clear()
        stamped = facts.join(self._filings(facts), on=["accession", "filed"], how="left", maintain_order="left").with_columns(
            pl.lit(f"US:{self.ticker}").alias("instrument"),
            pl.lit(self.ticker).alias("symbol"),
            pl.lit(self.name).alias("source"),
        )
        return staged(stamped, FUNDAMENTALS)

    def _filings(self, facts: pl.DataFrame) -> pl.DataFrame:
        """(accession, filed, known_at), a row a filing."""
        filings = facts.select("accession", "filed").unique().drop_nulls()
        accepted = self._accepted[0]
        known = [
            known_by_acceptance(filed, accepted[number]) if number in accepted else known_by_date(filed)
            for number, filed in filings.iter_rows()
        ]
        return filings.with_columns(pl.Series("known_at", known, dtype=pl.Datetime("us", "UTC")))

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        if dataset == "fundamentals":
            return self.fundamentals(symbols, since, until)
        raise no_dataset(self.name, dataset, self.datasets)
