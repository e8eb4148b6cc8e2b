"""A person's own layout of a price file, written down in TOML.

source = "broker"                # the word in the column `source`; default files
adjustment = "raw"               # raw | adjusted
dates = "%d.%m.%Y"               # or several; default %Y-%m-%d
separator = ";"                  # default ,
decimal = ","                    # default .
price_scale = 100                # what stands in the file for 1 of the currency a share; default 1
file = '(?P<symbol>\\w+)_daily\\.csv'   # the pattern of a file's name, where the symbol stands there
names = ["day", "last"]          # the columns, where the file has no header
[columns]                        # ours = theirs; session and close must be there
session = "Datum"
close = "Schluss"
[constants]                      # the same for every row: symbol, currency
currency = "EUR"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portfolio.errors import WrongUse
from sources.files.dialects import FIELDS, Dialect

KEYS = ("source", "adjustment", "dates", "separator", "decimal", "price_scale", "file", "names", "columns", "constants")
_CONSTANTS = ("symbol", "currency")
_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,30}")
_ANY = r".*\.(?:csv|txt|tsv)"


def beside(file: Path) -> Path:
    """The mapping of `file` where none was named: prices.toml of prices.csv, or mapping.toml in its folder."""
    folder = file if file.is_dir() else file.parent
    found = [each for each in (file.with_suffix(".toml"), folder / "mapping.toml") if each.is_file()]
    if not found:
        what = f"There is no mapping for {file.name}: neither {file.stem}.toml nor mapping.toml lies beside it."
        raise WrongUse(what, "Name one with --mapping.", file=str(file))
    return found[0]


def mapping(file: Path) -> Dialect:
    """The dialect that a TOML file describes. `WrongUse` names an unknown key and those that exist, or the value that is none."""
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as trouble:
        raise WrongUse(
            f"The mapping {file} cannot be read: {str(trouble)[:120]}.", "Give a TOML file.", file=str(file)
        ) from trouble
    _known(file.name, told, KEYS, "key")
    columns = _table(file.name, told, "columns")
    constants = _table(file.name, told, "constants")
    _known(file.name, columns, FIELDS, "column")
    _known(file.name, constants, _CONSTANTS, "constant")
    _enough(file.name, columns, constants, told)
    return Dialect(
        _choice(file.name, told, "source", "files", _SOURCE),
        _choice(file.name, told, "adjustment", "raw", re.compile("raw|adjusted")),
        {ours: (theirs.strip().lower(),) for ours, theirs in columns.items()},
        dates=_several(file.name, told, "dates") or ("%Y-%m-%d",),
        constants={"currency": "USD"} | constants if "currency" not in columns else constants,
        scale=_scale(file.name, told.get("price_scale", 1)),
        file=_pattern(file.name, told.get("file", _ANY)),
        names=_several(file.name, told, "names"),
        separator=_choice(file.name, told, "separator", ",", re.compile(r"[^\w\s\"]|\t")),
        comma=_choice(file.name, told, "decimal", ".", re.compile(r"[.,]")) == ",",
        classes="",
        note=f"By the mapping {file.name}, its owner's word.",
    )


def _wrong(name: str, what: str, way_out: str) -> WrongUse:
    return WrongUse(f"The mapping {name} {what}.", way_out, mapping=name)


def _known(name: str, told: Mapping[str, Any], known: tuple[str, ...], word: str) -> None:
    if unknown := [key for key in told if key not in known]:
        raise _wrong(name, f"has an unknown {word} {', '.join(unknown)[:100]}", f"There are {', '.join(known)}.")


def _table(name: str, told: Mapping[str, Any], key: str) -> dict[str, str]:
    found = told.get(key, {})
    if not isinstance(found, dict) or not all(isinstance(each, str) and each for each in found.values()):
        raise _wrong(name, f"has no table of texts in [{key}]", 'Write lines such as close = "Last".')
    return found


def _enough(name: str, columns: Mapping[str, str], constants: Mapping[str, str], told: Mapping[str, Any]) -> None:
    if missing := [word for word in ("session", "close") if word not in columns]:
        raise _wrong(name, f"does not say which column is the {' and the '.join(missing)}", "Say it in [columns].")
    if "symbol" not in {*columns, *constants} and "(?P<symbol>" not in str(told.get("file", "")):
        way_out = "Give it a column, a constant, or a place in `file` as (?P<symbol>...)."
        raise _wrong(name, "does not say where the symbol stands", way_out)


def _choice(name: str, told: Mapping[str, Any], key: str, default: str, allowed: re.Pattern[str]) -> str:
    found = told.get(key, default)
    if not isinstance(found, str) or not allowed.fullmatch(found):
        raise _wrong(name, f"has {str(found)[:40]!a} for {key}", f"It matches {allowed.pattern}.")
    return found


def _several(name: str, told: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = told.get(key, [])
    words = [found] if isinstance(found, str) else found
    if not isinstance(words, list) or not all(isinstance(each, str) and each for each in words):
        raise _wrong(name, f"has no text and no list of texts for {key}", 'Write one, as "%d.%m.%Y".')
    return tuple(word.strip().lower() if key == "names" else word for word in words)


def _scale(name: str, found: object) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 1e9:
        raise _wrong(name, f"has {str(found)[:40]!a} for price_scale", "It is a number above 0: 100 where the file has cents.")
    return float(found)


def _pattern(name: str, found: object) -> str:
    try:
        re.compile(str(found))
    except re.error as trouble:
        raise _wrong(name, f"has no pattern in file: {trouble}", r"Write one as '(?P<symbol>\w+)\.csv'.") from trouble
    return str(found)
