"""From a vendor's CSV to rows: what cannot be read of a row takes that row out, and never the file.

A vendor's file is not ours to correct: a row with a day or a number that nobody can read goes on without that day, or without
its close, and the laws put it into quarantine. A file of which most rows cannot be read is another layout, and refused.
"""

from __future__ import annotations

import csv
import io

import polars as pl

from portfolio.errors import Refused
from sources.files.dialects import FIELDS, NUMBERS, PRICES, Dialect
from sources.files.packed import Piece
from sources.files.table import without_nul

_NOTHING = ("null", "nan", "none", "n/a", "na", "-", ".")  # where a number or a day stands; NAN is also a ticker
_FEW = 10  # rows that may be unreadable, whatever their share
ROWS = {name: pl.Date() if name == "session" else pl.Float64() if name in NUMBERS else pl.String() for name in FIELDS}


def text(piece: Piece, separator: str = ",", names: tuple[str, ...] = ()) -> pl.DataFrame:
    """The cells of a CSV as text under the header's words in small letters (or `names`), an empty cell null.

    A line with too many cells is a line of nulls: nobody knows which of them is which. `Refused` where it is no UTF-8 text.
    """
    body = without_nul(piece.content.removeprefix(b"\xef\xbb\xbf"))
    if not body.strip():
        raise Refused(f"The file {piece.place} is empty.", "Give a file with rows.", file=piece.place)
    head = {"has_header": False, "new_columns": list(names)} if names else {}
    try:
        frame = pl.read_csv(body, infer_schema=False, separator=separator, raise_if_empty=False, **head)
    except pl.exceptions.PolarsError:
        frame = _line_by_line(piece, body, separator, names)
    words = [name.strip().lower() for name in frame.columns]
    if len(set(words)) < len(words):
        raise Refused(f"The file {piece.place} has a column twice.", "Is it of this layout?", file=piece.place)
    trimmed = pl.all().str.strip_chars()
    frame = frame.rename(dict(zip(frame.columns, words, strict=True)))
    return frame.select(pl.when(trimmed != "").then(trimmed).name.keep())


def _line_by_line(piece: Piece, body: bytes, separator: str, names: tuple[str, ...]) -> pl.DataFrame:
    try:
        lines = list(csv.reader(io.StringIO(body.decode(), newline=""), delimiter=separator, strict=True))
    except (UnicodeDecodeError, csv.Error) as trouble:
        what = f"The file {piece.place} is no CSV in UTF-8: {str(trouble)[:100]}."
        raise Refused(what, "Fetch it again.", file=piece.place) from trouble
    header = list(names) or lines.pop(0)
    nothing = [None] * len(header)
    rows = [line + nothing[len(line) :] if len(line) <= len(header) else nothing for line in lines if line]
    return pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String()), orient="row")


def rows(piece: Piece, dialect: Dialect) -> pl.DataFrame:
    """(symbol, session, open, high, low, close, volume, dividend, split, currency) of one file, in its order."""
    return read(text(piece, dialect.separator, dialect.names), piece, dialect)


def read(cells: pl.DataFrame, piece: Piece, dialect: Dialect) -> pl.DataFrame:
    """`cells` as `rows`; what the dialect does not tell is null."""
    found = {ours: next((word for word in theirs if word in cells.columns), None) for ours, theirs in dialect.columns.items()}
    if missing := [f"{ours} ({' or '.join(dialect.columns[ours])})" for ours in ("session", "close") if found.get(ours) is None]:
        what = f"The file {piece.place} has no column for {', '.join(missing)}."
        raise Refused(what, f"The layout {dialect.name} wants it; see --layout.", file=piece.place)
    named = cells.select(
        (pl.col(word) if (word := found.get(ours)) else pl.lit(dialect.constants.get(ours), pl.String())).alias(ours)
        for ours in FIELDS
    )
    figures = pl.col("session", *NUMBERS)
    named = named.with_columns(pl.when(~figures.str.to_lowercase().is_in(_NOTHING)).then(figures).name.keep())
    if found.get("symbol") is None and "symbol" not in dialect.constants:
        named = named.with_columns(pl.lit(_symbol_of(piece, dialect)).alias("symbol"))
    if dialect.classes:
        named = named.with_columns(pl.col("symbol").str.replace_all(dialect.classes, "."))
    frame = named.with_columns(pl.lit(_format(named, dialect)).alias("_format"))
    parsed = _parsed(frame, dialect)
    _mostly(piece, named, parsed, dialect)
    kept = parsed.with_columns(pl.when(~pl.col("_half")).then("close").alias("close")).select(FIELDS)
    return kept if dialect.scale == 1 else kept.with_columns(_divided(kept.get_column(name), dialect.scale) for name in PRICES)


def _divided(prices: pl.Series, scale: float) -> pl.Series:
    """To the last digit: where polars divides by one number, it multiplies by its inverse."""
    return pl.Series(prices.name, prices.to_numpy() / scale).fill_nan(None)


def _parsed(frame: pl.DataFrame, dialect: Dialect) -> pl.DataFrame:
    """Days and numbers; `_half` where a number stands that is none: no half bar goes on as a whole one."""
    told = {name: pl.col(name).str.replace(",", ".", literal=True) if dialect.comma else pl.col(name) for name in NUMBERS}
    numbers = {name: each.cast(pl.Float64, strict=False) for name, each in told.items()}
    finite = [pl.when(number.is_finite()).then(number).alias(name) for name, number in numbers.items()]
    half = pl.any_horizontal(
        pl.col(name).is_not_null() & ~number.is_finite().fill_null(False) for name, number in numbers.items()
    )
    form = frame.item(0, "_format") if frame.height else dialect.dates[0]
    day = pl.col("session").str.to_datetime(form, strict=False).dt.date() if "%H" in form else _date(form)
    return frame.with_columns(half.alias("_half")).with_columns(day.alias("session"), *finite)


def _date(form: str) -> pl.Expr:
    return pl.col("session").str.to_date(form, strict=False)


def _format(named: pl.DataFrame, dialect: Dialect) -> str:
    """Of the dialect's ways to write a day, the one that reads most of the file's."""
    if len(dialect.dates) == 1:
        return dialect.dates[0]
    cells = named.get_column("session")

    def reads(form: str) -> int:
        parsed = cells.str.to_datetime(form, strict=False) if "%H" in form else cells.str.to_date(form, strict=False)
        return parsed.count()

    return max(dialect.dates, key=reads)


def _symbol_of(piece: Piece, dialect: Dialect) -> str:
    found = dialect.pattern.fullmatch(piece.name)
    if found is None or not found.groupdict().get("symbol"):
        what = f"Nobody can tell the symbol of the file {ascii(piece.name)[:80]}."
        raise Refused(what, f"The layout {dialect.name} wants names like {dialect.file}.", file=piece.place)
    return found["symbol"].upper()


def _mostly(piece: Piece, cells: pl.DataFrame, parsed: pl.DataFrame, dialect: Dialect) -> None:
    """`Refused`, with the first line, where most of the rows could not be read."""
    unread = parsed.get_column("session").is_null() | parsed.get_column("_half")
    count = int(unread.sum())
    if count * 2 <= cells.height or (count <= _FEW and count < cells.height):
        return
    at = int(unread.arg_true()[0])
    shown = ", ".join(str(cell)[:20] for cell in cells.select(*(c for c in dialect.columns)).row(at) if cell is not None)
    line = at + (1 if dialect.names else 2)
    some = f"{count} of {cells.height} rows that cannot be read, the first on line {line}"
    what = f"The file {piece.place} has {some}: {shown[:100]!a}."
    raise Refused(what, f"Is it of the layout {dialect.name}?", file=piece.place, line=line)
