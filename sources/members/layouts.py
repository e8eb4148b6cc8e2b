"""The layouts of files that tell spells.

| header | tells |
|---|---|
| `ticker,start_date,end_date` | memberships; the end is the first day without |
| `date,tickers` | the whole list of members, separated by commas, on each day that it changed |
| `Symbol,Security,...,Date added,...` | the members now, since when, their sector, name and CIK |
| `instrument,symbol,from_session,to_session` | tickers of instruments, both ends included |
| none: `yyyymmdd,ticker[,exchange]` | LEAN's map file: the last day of each ticker; its name is the identity |

A column `name` names the index (else sp500). `Refused` names the line that cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from portfolio.errors import Refused
from sources.files.table import table
from sources.members.spells import Spell

DEFAULT_NAME = "sp500"
FOREVER = date(2050, 12, 31)  # LEAN's word for "still"
_MAP_LINE = re.compile(r"(\d{8}),([A-Za-z0-9.\-]{1,15})(?:,[A-Za-z]*)?")
_MAP_NAME = re.compile(r"[a-z0-9.\-]{1,20}\.csv")
Row = dict[str, str | None]
Named = tuple[str, Spell]  # of which index


def columns(file: Path) -> frozenset[str]:
    """The header in small letters; empty for a map file or a folder of them."""
    if file.is_dir() or _MAP_LINE.fullmatch(_first_line(file)):
        return frozenset()
    return frozenset(_lower(table(file)).columns)


def memberships(file: Path) -> list[Named]:
    """(index, spell) of each membership, in the file's order."""
    header = columns(file)
    if {"ticker", "start_date", "end_date"} <= header:
        return list(_each(file, _from_to))
    if {"date", "tickers"} <= header:
        return list(_from_lists(file))
    return list(_each(file, _now))


def tickers(file: Path) -> list[Spell]:
    """The ticker spells of a CSV, a map file, or every map file of a folder."""
    if "instrument" in columns(file):
        return [spell for _, spell in _each(file, _told)]
    files = sorted(each for each in file.iterdir() if _MAP_NAME.fullmatch(each.name)) if file.is_dir() else [file]
    return [spell for each in files for spell in _mapped(each)]


def identities(file: Path) -> list[tuple[str, date | None, str, str]]:
    """(symbol, since, kind, value) of a list of members now: name, sector and CIK."""
    words = {"name": "security", "sector": "gics sector", "cik": "cik"}
    found = []
    for row in _lower(table(file)).with_columns(pl.all().cast(pl.String())).iter_rows(named=True):
        symbol, since = (row["symbol"] or "").strip(), _maybe(row.get("date added"))
        for kind, column in words.items():
            value = (row.get(column) or "").strip()
            if symbol and value:
                found.append((symbol, since, kind, value.zfill(10) if kind == "cik" else value))
    return found


# -------------------------------------------------------------------- one row, one spell
def _from_to(row: Row) -> Spell:
    symbol = _text(row, "ticker")
    return Spell(f"US:{symbol}", symbol, _day(row, "start_date"), _maybe_day(row, "end_date"))


def _now(row: Row) -> Spell:
    symbol = _text(row, "symbol")
    return Spell(f"US:{symbol}", symbol, _day(row, "date added"), None)


def _told(row: Row) -> Spell:
    last = _maybe_day(row, "to_session")
    gone = last + timedelta(days=1) if last else None
    return Spell(_text(row, "instrument"), _text(row, "symbol"), _day(row, "from_session"), gone)


def _each(file: Path, read: Callable[[Row], Spell]) -> Iterator[Named]:
    frame = _lower(table(file)).with_columns(pl.all().cast(pl.String()))
    for line, row in enumerate(frame.iter_rows(named=True), 2):
        try:
            spell = read(row)
        except (KeyError, ValueError) as trouble:
            raise _unread(file, line, trouble) from trouble
        if spell.gone is not None and spell.gone <= spell.begins:
            raise _unread(file, line, ValueError(f"{spell.symbol} ends before it begins"))
        yield (row.get("name") or DEFAULT_NAME), spell


def _text(row: Row, column: str) -> str:
    if not (text := (row[column] or "").strip()):
        raise ValueError(f"{column} is empty")
    return text


def _day(row: Row, column: str) -> date:
    return date.fromisoformat(_text(row, column))


def _maybe_day(row: Row, column: str) -> date | None:
    return _day(row, column) if (row.get(column) or "").strip() else None


def _maybe(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        return None


# -------------------------------------------------------------------- lists of members
def _from_lists(file: Path) -> Iterator[Named]:
    """A member of one list that the next lacks has left on the day of the next."""
    days: dict[str, list[tuple[date, frozenset[str]]]] = {}
    frame = _lower(table(file)).with_columns(pl.all().cast(pl.String()))
    for line, row in enumerate(frame.iter_rows(named=True), 2):
        try:
            members = frozenset(each.strip() for each in _text(row, "tickers").split(",") if each.strip())
            days.setdefault(row.get("name") or DEFAULT_NAME, []).append((_day(row, "date"), members))
        except (KeyError, ValueError) as trouble:
            raise _unread(file, line, trouble) from trouble
    for name, lists in days.items():
        yield from ((name, spell) for spell in _changes(sorted(lists)))


def _changes(lists: list[tuple[date, frozenset[str]]]) -> Iterator[Spell]:
    since: dict[str, date] = {}
    for day, members in lists:
        for left in sorted(since.keys() - members):
            yield Spell(f"US:{left}", left, since.pop(left), day)
        for joined in members - since.keys():
            since[joined] = day
    for member in sorted(since):
        yield Spell(f"US:{member}", member, since[member], None)


# -------------------------------------------------------------------- LEAN map files
def _mapped(file: Path) -> Iterator[Spell]:
    """The first line is the first day; each line the last day of its ticker. `fb.1.csv` is another company than `fb.csv`."""
    rows = []
    for line, text in enumerate(file.read_text("utf-8").split(), 1):
        found = _MAP_LINE.fullmatch(text.strip())
        try:
            rows.append((date.fromisoformat(found[1]) if found else date.min, found[2].upper() if found else ""))
        except ValueError as trouble:
            raise _unread(file, line, trouble) from trouble
        if not found or (len(rows) > 1 and rows[-1][0] < rows[-2][0]):
            raise _unread(file, line, ValueError(f"{text[:40]!r} is no line of a map file"))
    for (before, _), (last, ticker), number in zip(rows, rows[1:], range(len(rows)), strict=False):
        begins = before if number == 0 else before + timedelta(days=1)
        if begins <= last:
            yield Spell(f"US:{file.stem.upper()}", ticker, begins, None if last >= FOREVER else last + timedelta(days=1))


def _first_line(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.readline(200).decode("utf-8", "replace").strip()
    except OSError as trouble:
        raise Refused(f"The file {file} cannot be read: {trouble.strerror}.", "Check its path.", file=str(file)) from trouble


def _lower(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.rename({name: name.strip().lower() for name in frame.columns})


def _unread(file: Path, line: int, trouble: Exception) -> Refused:
    what = f"The file {file.name} cannot be read on line {line}: {str(trouble)[:80]}."
    return Refused(what, "Correct the file; dates are yyyy-mm-dd.", file=str(file), line=line)
