"""A contract: the laws of one dataset, as written in `expectations/contracts/<dataset>.yaml`.

A **row law** says by an SQL predicate which rows break it; all row laws of a contract are one scan. A **batch law** is a
query that answers one row a breach: (symbol or null for the whole batch, how many). Predicates are code of this
repository, never a user's words. In them `{now}`, `{expected}`, `{history}` and the like stand for the context; in a batch
law `{broken LAW}` and `{unknown LAW}` stand for what a row law said of a row of `{scan}`. `parts` names files with more laws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from portfolio.errors import Broken
from portfolio.schema import TABLES, Table

FOLDER = Path(__file__).parent / "contracts"
SEVERITIES = ("critical", "warning", "info")
BREACHES = ("block", "quarantine", "warn")
MOST_ROW_LAWS = 62  # the marks of a row are the bits of one BIGINT


@dataclass(frozen=True, slots=True)
class Law:
    """`what` is the sentence a person reads. `breaks`: the predicate or query. `unknown`: where it cannot judge.

    `needs`: price columns without which a row is unknown; `asks`: parts of the context without which all are.
    `spares`: a breach freezes the symbol and leaves its row, which is sound, where it is.
    `samples`: SQL that spoils the clean table `rows` of the tests so that this law breaks; `also`: laws that then break too.
    """

    name: str
    what: str
    breaks: str
    severity: str
    on_breach: str
    unknown: str = ""
    needs: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    why: str = ""
    spares: bool = False

    @property
    def takes_out(self) -> bool:
        return self.on_breach != "warn" and not self.spares


@dataclass(frozen=True, slots=True)
class Contract:
    """`derive`: the query over `staged` that adds what laws look at; `terms`: names for expressions over it.

    `neighbours`: a query over `derived` that answers rid and what the rows around a row say, of the rows alone that
    `stirs` (a predicate, {stirs} in the query) names; of all others its columns are null.
    """

    table: Table
    derive: str
    rows: tuple[Law, ...]
    batch: tuple[Law, ...]
    who: str  # the column that names whom a row concerns: symbol or series
    day: str  # the column of the day a row describes
    terms: Mapping[str, str] = field(default_factory=dict)
    stirs: str = "true"
    neighbours: str = ""

    @property
    def laws(self) -> tuple[Law, ...]:
        return (SCHEMA, *self.rows, *self.batch)


SCHEMA = Law(
    "schema",
    "The batch has the columns and types that the schema promises.",
    "",
    "critical",
    "block",
    samples=("alter table rows drop column {day}", "alter table rows alter {day} type varchar"),
)


def _law(raw: Mapping[str, Any], dataset: str) -> Law:
    words = dict(raw)
    for name in ("needs", "asks", "samples", "also"):
        words[name] = tuple(words.get(name, ()))
    words["name"] = words.pop("law")
    try:
        law = Law(**words)
    except TypeError as trouble:
        raise Broken(f"The law {words['name']} of {dataset} is misspelt: {trouble}.", "Correct its contract.") from trouble
    if law.severity not in SEVERITIES or law.on_breach not in BREACHES:
        what = f"The law {law.name} of {dataset} has the words {law.severity!r} and {law.on_breach!r}."
        raise Broken(what, f"Use one of {SEVERITIES} and one of {BREACHES}.")
    return law


@cache
def contract(dataset: str) -> Contract:
    """The contract of a dataset; `Broken` where there is none or it is misspelt."""
    import yaml

    file = FOLDER / f"{dataset}.yaml"
    if dataset not in TABLES or not file.is_file():
        have = ", ".join(sorted(path.stem for path in FOLDER.glob("*.yaml")))
        raise Broken(f"There is no contract for {dataset!r}.", f"There are contracts for {have}.", dataset=dataset)
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    parts = [raw, *(yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")) for name in raw.get("parts", ()))]
    rows = tuple(_law(each, dataset) for part in parts for each in part.get("rows", ()))
    batch = tuple(_law(each, dataset) for part in parts for each in part.get("batch", ()))
    names = [law.name for law in (SCHEMA, *rows, *batch)]
    if len(rows) > MOST_ROW_LAWS or len(set(names)) < len(names):
        raise Broken(f"The contract {dataset} has too many row laws, or a law twice.", "Correct its contract.")
    rest = {name: raw[name] for name in ("terms", "stirs", "neighbours") if name in raw}
    return Contract(TABLES[dataset], raw["derive"], rows, batch, raw["who"], raw["day"], **rest)
