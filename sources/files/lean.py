"""LEAN's folders of United States equities: daily bars, factor files and map files.

`daily/aapl.zip` holds the bars under the ticker of their days. `map_files/aapl.csv`, where it lies beside, tells when the
instrument bore which ticker: bars of other days are another company's that had the ticker then (BAC before 1998-10, GOOG before
2014-04) and get an identity of their own, US:BAC.0. `factor_files/aapl.csv` tells what went ex:

- a line `day, price factor, split factor, reference price` holds up to that day, the last session with the right; the next
  session is the ex-session;
- split: the next line's split factor over this one's, new shares for one old. The factors have six digits, so a 2:1 split comes
  out as 1.99999 here and there; all quotients together are the vendor's factor exactly, and are left as they are;
- dividend: reference price x (1 - this price factor / the next), cash a share of that day. The reference price is the close.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl

from portfolio.errors import Refused
from sources.files.bars import Told, actions_frame, together
from sources.files.dialects import LEAN
from sources.files.packed import pieces
from sources.files.sheets import ROWS
from sources.members.layouts import tickers
from sources.members.spells import Spell
from sources.sessions import session_from

_ROW = re.compile(r"(\d{8}),([0-9.eE+-]+),([0-9.eE+-]+),([0-9.eE+-]+)")
_FACTORS, _MAPS, _DAILY = "factor_files", "map_files", "daily"
_CENTURY = date(1900, 1, 1)
_STILL = date(9999, 12, 31)
Factor = tuple[date, float, float, float]


def lean(file: Path) -> Told:
    """`file`: a zip of `daily`, that folder, the folder above it, or a factor file (or their folder) alone."""
    daily = file / _DAILY if (file / _DAILY).is_dir() else file
    if _is_factors(file):
        return Told(LEAN.name, LEAN.adjustment, LEAN.note, pl.DataFrame(schema=ROWS), _actions(_files(file)), LEAN.speaks)
    bars = together(daily, LEAN)
    home = (daily if daily.is_dir() else daily.parent).parent
    spells = _spells(home / _MAPS, bars)
    names = bars.get_column("symbol").unique().sort()
    beside = [each for name in names if (each := home / _FACTORS / f"{name.lower()}.csv").is_file()]
    return Told(LEAN.name, LEAN.adjustment, LEAN.note, _claimed(bars, spells), _actions(beside), LEAN.speaks)


def _is_factors(file: Path) -> bool:
    return file.name == _FACTORS if file.is_dir() else file.suffix == ".csv" and file.parent.name == _FACTORS


def _files(file: Path) -> list[Path]:
    return sorted(file.glob("*.csv")) if file.is_dir() else [file]


# -------------------------------------------------------------------- whose bars they are
def _spells(folder: Path, bars: pl.DataFrame) -> list[Spell]:
    """The spells of these tickers, of every map file; none where the folder is not there."""
    mine = set(bars.get_column("symbol").unique())
    return [spell for spell in tickers(folder) if spell.symbol in mine] if folder.is_dir() else []


def _claimed(bars: pl.DataFrame, spells: list[Spell]) -> pl.DataFrame:
    """`bars` with the instrument that bore the ticker that day; one whose ticker no map file knows has none of its own."""
    known = {spell.symbol for spell in spells}
    told = [(s.symbol, s.begins, (s.gone or _STILL) - timedelta(days=1), s.instrument) for s in spells]
    schema = {"symbol": pl.String(), "begins": pl.Date(), "ends": pl.Date(), "bearer": pl.String()}
    table = pl.DataFrame(told, schema=schema, orient="row").sort("begins")
    dated = bars.filter(pl.col("session").is_not_null()).sort("session", maintain_order=True)
    joined = dated.join_asof(table, left_on="session", right_on="begins", by="symbol", check_sortedness=False)
    bore = pl.when(pl.col("session") <= pl.col("ends")).then("bearer")
    other = pl.when(pl.col("symbol").is_in(known)).then("US:" + pl.col("symbol") + ".0")
    named = joined.with_columns(pl.coalesce(bore, other).alias("instrument")).drop("begins", "ends", "bearer")
    return pl.concat([named, bars.filter(pl.col("session").is_null())], how="diagonal")


# -------------------------------------------------------------------- what went ex
def _actions(files: list[Path]) -> pl.DataFrame:
    told = [(each.stem.upper(), *action) for each in files for action in happenings(factors(each))]
    return actions_frame(told)


def factors(file: Path) -> list[Factor]:
    """(last session, price factor, split factor, reference price), ascending. `Refused` names the line that is none."""
    found: list[Factor] = []
    content = next(pieces(file)).content.decode("utf-8-sig", "replace")
    for number, text in enumerate(content.split(), 1):
        told = _ROW.fullmatch(text)
        try:
            row = (date.fromisoformat(told[1]), float(told[2]), float(told[3]), float(told[4])) if told else None
        except ValueError:
            row = None
        if row is None or not (row[0] > _CENTURY and row[1] > 0 and row[2] > 0) or (found and row[0] <= found[-1][0]):
            what = f"The file {file.name} is no factor file on line {number}: {text[:40]!a}."
            raise Refused(what, "Its lines are yyyymmdd,price factor,split factor,reference price.", file=str(file), line=number)
        found.append(row)
    return found


def happenings(rows: list[Factor]) -> Iterator[tuple[date, str, float | None, float | None]]:
    """(ex-session, kind, ratio, amount) of each step of the factors. The amount is of a share after that day's split."""
    for (last, price, split, reference), (_, next_price, next_split, _) in pairwise(rows):
        ex_session, ratio = session_from(last + timedelta(days=1)), next_split / split
        if next_split != split:
            yield ex_session, "split", ratio, None
        if next_price != price:
            yield ex_session, "dividend", None, reference * (1 - price / next_price) / ratio
