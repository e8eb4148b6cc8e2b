"""From companyfacts JSON to one row a fact. Every fact of every filing stays: a restatement is a further row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portfolio.errors import Refused
from sources.edgar.concepts import TAGS

_SHAPE = {
    "tag": pl.String(),
    "unit": pl.String(),
    "period_start": pl.String(),
    "period_end": pl.String(),
    "value": pl.Float64(),
    "form": pl.String(),
    "filed": pl.String(),
    "accession": pl.String(),
}
_DATES = ("period_start", "period_end", "filed")


def _number(value: Any) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return None if value is None else float(value)
    raise TypeError(f"the value {str(value)[:40]!r} is no number")


def _row(tag: str, unit: str, fact: dict[str, Any]) -> tuple[Any, ...]:
    start, end = fact.get("start"), fact["end"]
    return (tag, unit, start, end, _number(fact.get("val")), fact.get("form"), fact["filed"], fact["accn"])


def _rows(facts: dict[str, Any], file: str) -> Iterator[tuple[Any, ...]]:
    tag = "its facts"
    try:
        for taxonomy, tags in facts.items():
            for short, body in tags.items():
                tag = f"{taxonomy}:{short}"
                for unit, entries in body["units"].items():
                    for entry in entries:
                        yield _row(tag, unit, entry)
    except (KeyError, AttributeError, TypeError, OverflowError) as trouble:
        what = f"In the file {file}, {tag} is not shaped like company facts ({type(trouble).__name__}: {trouble})."
        raise Refused(what, "Download it again from data.sec.gov.", file=file, tag=tag) from trouble


def _dated(frame: pl.DataFrame, file: str) -> pl.DataFrame:
    """Text dates as dates; `Refused` names the first that is none."""
    parsed = frame.with_columns(pl.col(name).str.to_date("%Y-%m-%d", strict=False).alias(f"_{name}") for name in _DATES)
    for name in _DATES:
        wrong = parsed.filter(pl.col(name).is_not_null() & pl.col(f"_{name}").is_null())
        if wrong.height:
            tag, text = wrong.item(0, "tag"), str(wrong.item(0, name))[:40]
            raise Refused(f"In the file {file}, {tag} has {text!r} for a date.", "Write dates as yyyy-mm-dd.", file=file, tag=tag)
    return parsed.drop(_DATES).rename({f"_{name}": name for name in _DATES})


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """Tag -> concept: of the tags that mean one concept, the first in rank names it, once a filing, period and unit."""
    known = pl.DataFrame([(tag, *meaning) for tag, meaning in TAGS.items()], schema=["tag", "standard", "rank"], orient="row")
    ranked = frame.join(known, on="tag", how="left", maintain_order="left")
    best = pl.col("rank") == pl.col("rank").min().over("standard", "accession", "unit", "period_start", "period_end")
    name = pl.when(best.fill_null(False)).then("standard").otherwise("tag")
    return ranked.with_columns(name.alias("concept"))


def facts_frame(body: dict[str, Any], file: str) -> pl.DataFrame:
    """(concept, tag, unit, period_start, period_end, value, form, filed, accession) of a companyfacts document.

    Two entries with the same key and value are one row; with the same key and another value both stay, for the laws.
    """
    facts = body.get("facts")
    if not isinstance(facts, dict):
        raise Refused(f"The file {file} has no `facts`.", "Give a companyfacts file of data.sec.gov.", file=file)
    try:
        frame = pl.DataFrame(list(_rows(facts, file)), schema=_SHAPE, orient="row")
    except (TypeError, pl.exceptions.PolarsError) as trouble:
        what = f"The file {file} has a word of the wrong type in its facts."
        raise Refused(what, "Download it again from data.sec.gov.", file=file) from trouble
    return _named(_dated(frame, file)).drop("rank", "standard").unique(maintain_order=True)
