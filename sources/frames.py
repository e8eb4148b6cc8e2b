"""From whatever a room has read to the staged frame of a table: its columns, its types, its order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import polars as pl

from portfolio.errors import Refused, WrongUse
from portfolio.schema import DECLARATIONS, INSTRUMENTS, Table
from sources.port import Source

_TYPES = {
    "VARCHAR": pl.String(),
    "DATE": pl.Date(),
    "DOUBLE": pl.Float64(),
    "BOOLEAN": pl.Boolean(),
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
}


def staged_schema(table: Table) -> dict[str, pl.DataType]:
    """Column -> polars type of the staged columns, in order."""
    types = {column.name: _TYPES[column.type] for column in table.columns}
    return {name: types[name] for name in table.staged}


def staged(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """`frame` in the staged columns and types of `table`, NaN as null, sorted by the table's key.

    A staged column that the frame lacks becomes null: a source that does not have it has declared so.
    """
    schema = staged_schema(table)
    columns = [(pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name) for name, kind in schema.items()]
    numbers = [name for name, kind in schema.items() if kind == pl.Float64()]
    shaped = frame.select(columns).with_columns(pl.col(numbers).fill_nan(None))
    return shaped.sort(table.key, nulls_last=True, maintain_order=True)


def between(frame: pl.DataFrame, column: str, since: date | None, until: date | None) -> pl.DataFrame:
    """The rows whose `column` lies from `since` to `until`, both included; None leaves that side open."""
    if since is not None:
        frame = frame.filter(pl.col(column) >= since)
    return frame if until is None else frame.filter(pl.col(column) <= until)


def between_days(frame: pl.DataFrame, column: str, since: date | None, until: date | None) -> pl.DataFrame:
    """The rows whose instant in `column` lies on a New York day from `since` to `until`; one without an instant stays."""
    day = pl.col(column).dt.convert_time_zone("America/New_York").dt.date()
    if since is not None:
        frame = frame.filter((day >= since).fill_null(True))
    return frame if until is None else frame.filter((day <= until).fill_null(True))


def asked(wanted: Sequence[str] | None, have: Iterable[str], source: str, word: str = "symbol") -> tuple[str, ...]:
    """The names to read: all that the source has, or those wanted. `Refused` names the unknown and what exists."""
    known = tuple(have)
    if wanted is None:
        return known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        listed = ", ".join(known[:50]) + (f" and {len(known) - 50} more" if len(known) > 50 else "")
        raise Refused(
            f"The source {source} has no {word} {', '.join(unknown)}.",
            f"It has {listed or 'none'}.",
            unknown=tuple(unknown),
            known=known,
        )
    return tuple(dict.fromkeys(wanted))


def no_dataset(source: str, dataset: str, have: Sequence[str]) -> WrongUse:
    """The error for a dataset that a source does not give."""
    return WrongUse(f"The source {source} has no {dataset}.", f"It has {', '.join(have)}.", source=source, dataset=dataset)


def instruments_frame(source: Source, known_at: datetime) -> pl.DataFrame:
    """The instruments of a source in the staged columns of `instruments`."""
    rows = [
        {"instrument": i.instrument, "symbol": i.symbol, "currency": i.currency, "exchange": i.exchange, "tradable": i.tradable}
        for i in source.instruments()
    ]
    frame = pl.DataFrame(rows).with_columns(pl.lit(source.name).alias("source"), pl.lit(known_at).alias("known_at"))
    return staged(frame, INSTRUMENTS)


def declarations_frame(source: Source, known_at: datetime) -> pl.DataFrame:
    """The declaration of a source, a row a dataset, in the staged columns of `declarations`."""
    said = source.declaration()
    rows = [
        {
            "dataset": dataset,
            "adjustment": said.adjustment if dataset == "prices" else "none",
            "has": ",".join(sorted(said.has)) if dataset == "prices" else "",
            "note": said.note,
            "source": source.name,
            "known_at": known_at,
        }
        for dataset in source.datasets
    ]
    return staged(pl.DataFrame(rows), DECLARATIONS)
