"""Daily crawls in the layout of pystock-data: a `20150323.tar.gz` with the bars of two sessions, and new 10-K and 10-Q figures.

The file's name is the day it speaks of; it was collected the next morning, before the exchanges opened, so all of it is
known from 09:30 New York of the day after. A session comes in two files, a report too, and each file is a version of its own.
Equal lines of a file are one; lines that differ both go on, for the laws; so do a header among the rows, rows of a
holiday and prices of zero. An empty member is a crawl that found nothing.

A report says when its period ended and not when it began: Q and FY figures are taken as of three months and of a year, cash flows
as from the beginning of the fiscal year, so a start can be some days off for a year of 52 weeks. Money is taken as USD. `filed`
is the file's day: it had been filed by then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import polars as pl

from portfolio.errors import Refused
from portfolio.schema import FUNDAMENTALS, PRICES
from portfolio.types import Declaration, Instrument
from sources.files.dialects import PRICES as BAR
from sources.files.dialects import Dialect
from sources.files.packed import Piece, pieces
from sources.files.sheets import ROWS, rows, text
from sources.frames import asked, between, no_dataset, staged
from sources.sessions import new_york

_DAY = re.compile(r"(\d{8})(?:\.tar\.gz|\.tgz|\.tar|_reports\.csv|_prices\.csv)")
_MORNING = time(9, 30)
_DIALECT = Dialect(
    "pystock", "raw", {"symbol": ("symbol",), "session": ("date",), **{w: (w,) for w in (*BAR, "volume")}}, file=r".*prices\.csv"
)
_NOTE = (
    "As dealt, crawled from Yahoo the morning after; without corporate actions. Of two crawls of a session the later one counts."
)
# column -> concept, unit, months of its period by focus: a quarter, since the fiscal year began, or a moment
_QUARTER = {"Q1": 3, "Q2": 3, "Q3": 3, "FY": 12}
_SO_FAR = {"Q1": 3, "Q2": 6, "Q3": 9, "FY": 12}
_MOMENT: dict[str, int] = {}
FIGURES: Mapping[str, tuple[str, str, Mapping[str, int]]] = {
    "revenues": ("Revenue", "USD", _QUARTER),
    "op_income": ("OperatingIncome", "USD", _QUARTER),
    "net_income": ("NetIncome", "USD", _QUARTER),
    "eps_basic": ("EarningsPerShareBasic", "USD/shares", _QUARTER),
    "eps_diluted": ("EarningsPerShareDiluted", "USD/shares", _QUARTER),
    "dividend": ("pystock:dividend", "USD/shares", _QUARTER),
    "assets": ("Assets", "USD", _MOMENT),
    "cur_assets": ("CurrentAssets", "USD", _MOMENT),
    "cur_liab": ("CurrentLiabilities", "USD", _MOMENT),
    "cash": ("Cash", "USD", _MOMENT),
    "equity": ("Equity", "USD", _MOMENT),
    "cash_flow_op": ("OperatingCashFlow", "USD", _SO_FAR),
    "cash_flow_inv": ("pystock:cash_flow_inv", "USD", _SO_FAR),
    "cash_flow_fin": ("pystock:cash_flow_fin", "USD", _SO_FAR),
}
_HEAD = ("symbol", "end_date", "amend", "period_focus", "fiscal_year", "doc_type")
_REPORT = (*_HEAD, *FIGURES)


@dataclass(frozen=True)
class Pystock:
    """`file`: one day's archive, a `20150323_reports.csv` of one, or a folder or a zip of several, each known from its day."""

    file: Path
    name: ClassVar[str] = "pystock"
    vintages: ClassVar[bool] = True
    speaks: ClassVar[str] = "day"

    @property
    def datasets(self) -> tuple[str, ...]:
        """Both, but for one member of a crawl by itself."""
        kinds = {"prices": "_prices.csv", "fundamentals": "_reports.csv"}
        return tuple(name for name, tail in kinds.items() if self.file.name.endswith(tail)) or tuple(kinds)

    def declaration(self) -> Declaration:
        return Declaration(self.name, "raw", frozenset((*BAR, "volume")), _NOTE)

    def instruments(self) -> tuple[Instrument, ...]:
        """One a symbol that has a bar of a day or a report, in USD on XNYS."""
        told = [self._bars.filter(pl.col("session").is_not_null()), self._reports.drop_nulls("period_end")]
        names = pl.concat([each.select("symbol") for each in told]).to_series().drop_nulls().unique().sort()
        return tuple(Instrument(f"US:{name}", name, "USD", "XNYS") for name in names)

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        """Bars and facts, a row a crawl that told them; in the order of the key, then of the crawls."""
        if dataset not in self.datasets:
            raise no_dataset(self.name, dataset, self.datasets)
        table, frame, day = (
            (PRICES, self._bars, "session") if dataset == "prices" else (FUNDAMENTALS, self._reports, "period_end")
        )
        if symbols is not None:
            have = dict.fromkeys(instrument.symbol for instrument in self.instruments())
            frame = frame.filter(pl.col("symbol").is_in(asked(symbols, have, self.name)))
        named = between(frame, day, since, until).with_columns(
            pl.lit(self.name).alias("source"), ("US:" + pl.col("symbol")).alias("instrument")
        )
        return staged(named.sort("known_at", maintain_order=True), table)

    @cached_property
    def _crawls(self) -> dict[str, list[tuple[date, Piece]]]:
        """`prices` and `reports` -> (day, member) of every crawl in the file."""
        paths = sorted(self.file.rglob("*")) if self.file.is_dir() else [self.file]
        found: dict[str, list[tuple[date, Piece]]] = {"prices": [], "reports": []}
        crawls = [path for path in paths if path.is_file() and (_DAY.fullmatch(path.name) or path.suffix == ".zip")]
        if not crawls:
            what = f"The file {self.file.name} is no crawl: its name is no day."
            raise Refused(what, "Name it like 20150323.tar.gz: the day is the day it was known.", file=str(self.file))
        for path in crawls:
            of_all = None if path.suffix == ".zip" else _day(path.name)
            for piece in pieces(path):
                kind = next((kind for kind in found if piece.name.endswith(f"{kind}.csv")), None)
                if kind and piece.content.strip():
                    found[kind].append((of_all or _day(piece.name), piece))
        return found

    @cached_property
    def _bars(self) -> pl.DataFrame:
        frames = [_known(rows(piece, _DIALECT), day) for day, piece in self._crawls["prices"]]
        empty = _known(pl.DataFrame(schema=ROWS), date(2000, 1, 1))
        return pl.concat([empty, *(each.unique(maintain_order=True) for each in frames)]).with_columns(
            pl.lit("USD").alias("currency"), pl.lit("raw").alias("adjustment")
        )

    @cached_property
    def _reports(self) -> pl.DataFrame:
        empty = _facts(pl.DataFrame(schema=dict.fromkeys(_REPORT, pl.String())), date(2000, 1, 1))
        return pl.concat([empty, *(_facts(_sheet(piece), day) for day, piece in self._crawls["reports"])])


def _day(name: str) -> date:
    found = _DAY.fullmatch(name)
    try:
        return datetime.strptime(found[1] if found else "", "%Y%m%d").date()  # noqa: DTZ007
    except ValueError as trouble:
        what = f"The crawl {name[:80]!a} has no day in its name."
        raise Refused(what, "Name it like 20150323.tar.gz or 20150323_reports.csv.", file=name) from trouble


def _known(frame: pl.DataFrame, day: date) -> pl.DataFrame:
    instant = pl.lit(new_york(day + timedelta(days=1), _MORNING), dtype=pl.Datetime("us", "UTC"))
    return frame.with_columns(instant.alias("known_at"))


def _sheet(piece: Piece) -> pl.DataFrame:
    """The cells of a report file; some files have lost their header."""
    first = piece.content.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    cells = text(piece, names=() if first.startswith("symbol,") else _REPORT)
    if missing := [name for name in _REPORT if name not in cells.columns]:
        raise Refused(f"The file {piece.place} has no column {', '.join(missing)}.", "Is it a reports.csv?", file=piece.place)
    return cells


def _facts(cells: pl.DataFrame, day: date) -> pl.DataFrame:
    """One row a figure that a report gives. A report without a day or a known focus goes on without a period."""
    form = pl.concat_str("doc_type", pl.when(pl.col("amend") == "True").then(pl.lit("/A")).otherwise(pl.lit("")))
    report = cells.unique(maintain_order=True).with_columns(
        pl.col("end_date").str.to_date("%Y-%m-%d", strict=False).alias("period_end"), form.alias("form")
    )
    filing = pl.concat_str("symbol", "end_date", "form", "period_focus", "fiscal_year", separator=" ", ignore_nulls=True)
    long = report.with_columns(filing.alias("accession")).unpivot(
        list(FIGURES), index=["symbol", "period_end", "form", "period_focus", "accession"], variable_name="column"
    )
    told = [
        (name, concept, unit, focus, months)
        for name, (concept, unit, spans) in FIGURES.items()
        for focus, months in spans.items()
    ]
    kinds = pl.DataFrame(
        [(n, *v[:2], bool(v[2])) for n, v in FIGURES.items()], schema=["column", "concept", "unit", "flow"], orient="row"
    )
    schema = {"column": pl.String(), "period_focus": pl.String(), "months": pl.Int64()}
    spans = pl.DataFrame([(t[0], t[3], t[4]) for t in told], schema=schema, orient="row")
    joined = long.drop_nulls("value").join(kinds, on="column", how="left", maintain_order="left")
    joined = joined.join(spans, on=["column", "period_focus"], how="left", maintain_order="left")
    back = (pl.col("period_end") + pl.duration(days=1)).dt.offset_by("-" + pl.col("months").cast(pl.String()) + "mo")
    known = pl.when(~pl.col("flow") | pl.col("months").is_not_null()).then("period_end")
    dated = joined.with_columns(back.alias("period_start"), known.alias("period_end"), pl.lit(day).alias("filed"))
    value = pl.col("value").cast(pl.Float64, strict=False)
    return _known(dated.with_columns(pl.when(value.is_finite()).then(value).alias("value")), day).select(
        "symbol", "concept", "period_start", "period_end", "value", "unit", "form", "filed", "accession", "known_at"
    )
