"""Frames as a source would hand them over, and moments, for the tests of this folder (imported as `warehouse_rows`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from portfolio.schema import TABLES
from warehouse.lake import Lake
from warehouse.merge import Merged

PG = "postgresql://postgres@127.0.0.1:5432"
TYPES = {
    "VARCHAR": pl.String,
    "DOUBLE": pl.Float64,
    "DATE": pl.Date,
    "BOOLEAN": pl.Boolean,
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
}
NOW = datetime(2024, 6, 3, 22, tzinfo=UTC)


def when(day: int, second: int = 0) -> datetime:
    """An instant `day` days after 2020-01-01, UTC."""
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=day, seconds=second)


def frame(table: str, rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """The staged columns of `table`; what a row leaves out is null."""
    columns = [column for column in TABLES[table].columns if column.name in TABLES[table].staged]
    schema = {column.name: TYPES[column.type] for column in columns}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def price(instrument: str, session: date, close: float | None, known: datetime | None = None, **more: Any) -> dict[str, Any]:
    known = known or datetime(session.year, session.month, session.day, 22, tzinfo=UTC)
    row = {"instrument": instrument, "symbol": instrument, "session": session, "close": close, "currency": "USD"}
    return row | {"adjustment": "raw", "source": "test", "known_at": known} | more


def macro(series: str, day: date, value: float | None, known: datetime, **more: Any) -> dict[str, Any]:
    return {"series": series, "date": day, "value": value, "unit": "percent", "source": "test", "known_at": known} | more


def load(lake: Lake, table: str, rows: Sequence[dict[str, Any]], at: datetime = NOW, run: str = "run", **how: Any) -> Merged:
    with lake.transaction(run=run, at=at) as tx:
        return tx.merge(table, tx.stage(table, frame(table, rows)), **how)
