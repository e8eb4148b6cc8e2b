"""The header's words and what is done with each column. A column nobody has declared is refused, not ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from portfolio.errors import Refused

_FIRST_LINE = 2  # the first row below the header
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of a file of one dataset. `day` is the column that may also be called as in `aliases`."""

    dataset: str
    text: tuple[str, ...]
    day: str
    numbers: tuple[str, ...]
    required: frozenset[str]
    aliases: Mapping[str, str]

    @property
    def known(self) -> tuple[str, ...]:
        return (*self.text, self.day, *self.numbers)


PRICES_LAYOUT = Layout(
    "prices",
    text=("symbol", "currency"),
    day="session",
    numbers=("open", "high", "low", "close", "volume"),
    required=frozenset({"symbol", "session", "close", "currency"}),
    aliases={"date": "session"},
)
MACRO_LAYOUT = Layout(
    "macro",
    text=("series", "unit", "known_at"),
    day="date",
    numbers=("value",),
    required=frozenset({"series", "date", "value"}),
    aliases={},
)


def _header(frame: pl.DataFrame, layout: Layout, file: str) -> pl.DataFrame:
    """`frame` with our names (case and blanks do not matter); `Refused` names unknown, repeated and missing columns."""
    words = [name.strip().lower() for name in frame.columns]
    names = [layout.aliases.get(word, word) for word in words]
    allowed = f"A {layout.dataset} file may have {', '.join((*layout.known, *layout.aliases))}."
    if unknown := [old for old, name in zip(frame.columns, names, strict=True) if name not in layout.known]:
        raise Refused(f"The file {file} has unknown columns: {', '.join(unknown)[:300]}.", allowed, columns=tuple(unknown))
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refused(f"The file {file} has columns twice: {', '.join(twice)}.", allowed, columns=tuple(twice))
    if missing := sorted(layout.required - set(names)):
        raise Refused(f"The file {file} lacks the columns {', '.join(missing)}.", allowed, columns=tuple(missing))
    return frame.rename(dict(zip(frame.columns, names, strict=True)))


def _refuse_lines(frame: pl.DataFrame, wrong: pl.Expr, file: str, say: Callable[[str, str], str]) -> None:
    """`Refused` with the first line numbers (and the first text) where `wrong` holds; its column is named `text`."""
    bad = frame.select(pl.int_range(_FIRST_LINE, pl.len() + _FIRST_LINE).alias("line"), wrong.alias("text")).drop_nulls("text")
    if bad.height:
        lines = ", ".join(map(str, bad.get_column("line").head(_SHOWN))) + (" and more" if bad.height > _SHOWN else "")
        first = str(bad.item(0, "text"))[:40]
        where = f"line {lines}" if bad.height == 1 else f"lines {lines}"
        raise Refused(f"The file {file} has {say(repr(first), where)}.", "Correct the file.", lines=bad.height, file=file)


def _unread(name: str, parsed: pl.Expr) -> pl.Expr:
    """The text of the cells that are not empty and yet did not parse; null elsewhere."""
    return pl.when(pl.col(name).is_not_null() & parsed.is_null()).then(pl.col(name))


def _texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Text cells without blanks around them; an empty one is null."""
    trimmed = pl.col(pl.String()).str.strip_chars()
    return frame.with_columns(pl.when(trimmed != "").then(trimmed).name.keep())


def _number(name: str, kind: pl.DataType) -> pl.Expr:
    """A number, null where there is none; "nan" is none, an infinity is not a number."""
    parsed = pl.col(name).cast(pl.Float64(), strict=False)
    finite = pl.when(parsed.is_finite()).then(parsed)
    return finite if kind == pl.String() else finite.fill_nan(None)


def _nan_as_null(name: str, kind: pl.DataType) -> pl.Expr:
    empty = pl.col(name).str.to_lowercase() == "nan" if kind == pl.String() else pl.col(name).cast(pl.Float64()).is_nan()
    return pl.when(~empty).then(pl.col(name)).alias(name)


def read_columns(frame: pl.DataFrame, layout: Layout, file: str) -> pl.DataFrame:
    """`frame` with our column names and types: text, Date and Float64. `Refused` names what cannot be read, and where."""
    named = _texts(_header(frame, layout, file))
    texts = [name for name in (*layout.text, layout.day) if name in named.columns]
    named = named.with_columns(pl.col(texts).cast(pl.String()))
    words = (layout.day, *(word for word, name in layout.aliases.items() if name == layout.day))
    header = pl.when(pl.col(layout.day).str.to_lowercase().is_in(words)).then(pl.col(layout.day))
    _refuse_lines(named, header, file, lambda _, where: f"its header again on {where}")
    day = pl.col(layout.day).str.to_date("%Y-%m-%d", strict=False)
    _refuse_lines(named, _unread(layout.day, day), file, lambda text, where: f"{text} for a {layout.day} (yyyy-mm-dd) on {where}")
    numbers = [name for name in layout.numbers if name in named.columns]
    named = named.with_columns(_nan_as_null(name, named.schema[name]) for name in numbers)
    for name in numbers:
        wrong = _unread(name, _number(name, named.schema[name]))
        _refuse_lines(named, wrong, file, lambda text, where, name=name: f"{text} for the number {name} on {where}")
    return named.with_columns(day, *(_number(name, named.schema[name]).alias(name) for name in numbers))
