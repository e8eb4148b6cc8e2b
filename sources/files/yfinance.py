"""CSV files of yfinance: of its history (with `Stock Splits`), of its download, and with the many headers of its frames.

| header | what it holds | read as |
|---|---|---|
| `Date,...,Close,...,Dividends,Stock Splits` | adjusted for splits, and the splits | as dealt, splits and dividends as actions |
| `Date,...,Close,Adj Close,Volume` | adjusted for splits, and the close for dividends too | adjusted |
| `Date,Open,High,Low,Close,Volume` | `auto_adjust`: adjusted for both | adjusted |
| `Price,...` over `Ticker,...` over `Date,,,` | the same, for one or more tickers | the same |

In a file of many headers the first cell of the first line names the headers. A second `Price` there, as in files written after
the index got a name twice, stands over `Adj Close`. Open, high and low of an adjusted bar are scaled as its close.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl

from portfolio.errors import Refused
from sources.files.bars import Told, happened
from sources.files.dialects import PRICES, Dialect
from sources.files.packed import Piece, pieces
from sources.files.sheets import ROWS, read, text
from sources.sessions import NEW_YORK
from sources.yahoo.chart import Event
from sources.yahoo.dealt import amounts, as_dealt

_HEADERS = 5  # lines that may stand above the first day
_FILE = r"(?P<symbol>[A-Za-z0-9.\-^]{1,20}?)(?:_.*)?\.csv"
_WORDS = {word: (word,) for word in (*PRICES, "volume")} | {"session": ("date", "datetime")}
YFINANCE = Dialect(
    "yfinance",
    "adjusted",
    _WORDS | {"dividend": ("dividends",), "split": ("stock splits",)},
    dates=("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%z"),
    file=_FILE,
)
_ADJUSTED = "Adjusted by Yahoo for splits and dividends on the day of the download; open, high and low are scaled as the close."
_DEALT = "As dealt: Yahoo's prices are adjusted for splits, and the splits that stand beside them are undone."


def yfinance(file: Path) -> Told:
    """Every file of one archive or folder must be of one kind: with its splits, or without."""
    found = [part for piece in pieces(file) if YFINANCE.pattern.fullmatch(piece.name) for part in _parts(piece)]
    kinds = {with_splits for _, with_splits in found}
    if len(kinds) != 1:
        what = (
            f"{file.name} holds files with and without splits." if kinds else f"{file.name} holds no CSV file named by a symbol."
        )
        raise Refused(what, "Give those of one kind." if kinds else "yfinance's are called AAPL.csv.", file=str(file))
    bars = pl.concat([pl.DataFrame(schema=ROWS), *(frame for frame, _ in found)])
    if kinds == {True}:
        return Told("yfinance", "raw", _DEALT, bars, happened(bars))
    return Told("yfinance", "adjusted", _ADJUSTED, bars)


def _parts(piece: Piece) -> Iterator[tuple[pl.DataFrame, bool]]:
    """(rows, whether splits were undone) of each ticker of a file."""
    for symbol, cells in _tickers(piece):
        rows = read(cells, piece, YFINANCE)
        if symbol:
            rows = rows.with_columns(pl.lit(re.sub(YFINANCE.classes, ".", symbol)).alias("symbol"))
        splits = "stock splits" in cells.columns
        if "adj close" in cells.columns and not splits:
            rows = _scaled(rows, cells.get_column("adj close").cast(pl.Float64, strict=False))
        yield (_dealt(rows) if splits else rows), splits


def _tickers(piece: Piece) -> Iterator[tuple[str | None, pl.DataFrame]]:
    """(ticker or None, cells under one line of header) of a file."""
    if not piece.content.lstrip(b"\xef\xbb\xbf").lower().startswith((b"price,", b"ticker,")):
        yield None, text(piece)
        return
    lines = piece.content.decode("utf-8-sig", "replace").splitlines()[:_HEADERS]
    heads = [line.split(",") for line in lines if not line[:1].isdigit()]
    over = next((line for line in heads if line[0].strip().lower() == "price"), heads[0])
    tickers = next((line for line in heads if line[0].strip().lower() == "ticker"), over)
    names = [f"c{number}" for number in range(len(over))]
    body = b"\n".join(piece.content.splitlines()[len(heads) :])
    cells = text(Piece(piece.name, piece.place, body), names=tuple(names))
    words = ["date", *(word.strip().lower() for word in over[1:])]
    words = ["adj close" if word == "price" else word for word in words]
    for ticker in dict.fromkeys(word.strip().upper() for word in tickers[1:]):
        mine = [0, *(at for at in range(1, len(over)) if tickers[at].strip().upper() == ticker)]
        yield ticker, cells.select(pl.col(names[at]).alias(words[at]) for at in mine)


def _scaled(rows: pl.DataFrame, adjusted: pl.Series) -> pl.DataFrame:
    """Prices times the adjusted close over the close; without an adjusted close there is no bar."""
    told = rows.with_columns(adjusted.alias("_adjusted"))
    close = pl.when(pl.col("close") > 0).then("close")
    factor = pl.col("_adjusted") / close
    others = [(pl.col(name) * factor).alias(name) for name in ("open", "high", "low")]
    return told.with_columns(*others, pl.when(close.is_not_null()).then("_adjusted").alias("close")).drop("_adjusted")


def _dealt(rows: pl.DataFrame) -> pl.DataFrame:
    """Yahoo's terms undone: what a share of that day cost and was paid; rows without a day stay as they are."""
    day = rows.filter(pl.col("session").is_not_null())
    told = day.filter((pl.col("split") > 0) & (pl.col("split") != 1)).select("session", "split").iter_rows()
    splits = [Event(session, datetime.combine(session, datetime.min.time(), NEW_YORK), ratio) for session, ratio in told]
    paid = amounts(day.select(pl.col("session").alias("ex_session"), pl.col("dividend").alias("amount")), splits, 1)
    bars = as_dealt(day, splits, 1).with_columns(paid.sort("ex_session").get_column("amount").alias("dividend"))
    # In yfinance's files 0 says that there was no split.
    none = pl.when(pl.col("split") != 0).then("split").alias("split")
    return pl.concat([bars.select(rows.columns).with_columns(none), rows.filter(pl.col("session").is_null())])
