"""Stooq's CSV, whole or refused: Date,Open,High,Low,Close[,Volume[,OpenInt]]."""

from __future__ import annotations

import polars as pl

from sources.bodies import Body

_HEADER = ("date", "open", "high", "low", "close", "volume", "openint")
_REQUIRED = 5


def no_data(body: Body) -> bool:
    """Whether Stooq says that there is nothing."""
    return body.content.strip().lower() == b"no data"


def bars(body: Body, symbol: str) -> pl.DataFrame:
    """(session, open, high, low, close, volume); an empty cell is null, a word for a number is `Refused` with its line."""
    text = body.text("CSV")
    lines = text.splitlines()
    header = [name.strip().lower() for name in lines[0].split(",")]
    if len(header) < _REQUIRED or tuple(header) != _HEADER[: len(header)]:
        raise body.wrong(f"sent for {symbol} no table of prices but {lines[0][:60]!a}")
    if not text.endswith("\n"):
        raise body.wrong(f"sent half a table for {symbol}: its last line has no end")
    rows = [line.split(",") for line in lines[1:]]
    for number, cells in enumerate(rows, start=2):
        if len(cells) != len(header):
            raise body.wrong(f"sent for {symbol} {len(cells)} cells for {len(header)} on line {number}")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String()), orient="row")
    columns = [frame.get_column("date").str.to_date("%Y-%m-%d", strict=False).alias("session")]
    for name in _HEADER[1:6]:
        columns.append(_numbers(frame, name) if name in header else pl.Series(name, [None] * len(rows), dtype=pl.Float64()))
    _refuse(body, symbol, frame, columns, header)
    return pl.DataFrame(columns)


def _numbers(frame: pl.DataFrame, name: str) -> pl.Series:
    number = frame.get_column(name).cast(pl.Float64(), strict=False)
    return frame.select(pl.when(number.is_finite()).then(number).alias(name)).to_series()


def _refuse(body: Body, symbol: str, frame: pl.DataFrame, columns: list[pl.Series], header: list[str]) -> None:
    """`Refused` with the first cell that has something in it and yet could not be read; a day must be there."""
    for column in columns:
        name = "date" if column.name == "session" else column.name
        if name not in header:
            continue
        text = frame.get_column(name)
        unread = column.is_null() & ((text.str.strip_chars() != "") if name != "date" else pl.Series([True]))
        if unread.any():
            line = int(unread.arg_true()[0])
            raise body.wrong(f"sent for {symbol} {text[line][:20]!a} for {name} on line {line + 2}")
