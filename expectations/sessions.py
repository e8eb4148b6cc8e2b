"""The exchange's sessions as a relation of the cursor: (session DATE, number BIGINT, close_at TIMESTAMPTZ)."""

# ruff: noqa: S608  identifiers come from the schema, the contracts and names checked by `check`
from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

CALENDAR_FROM = "1971-01-01"  # exchange_calendars' XNYS is wrong before about 1970


@cache
def _arrow(until_year: int) -> Any:
    import exchange_calendars
    import pyarrow as pa

    closes = exchange_calendars.get_calendar("XNYS", start=CALENDAR_FROM, end=f"{until_year}-12-31").closes
    columns = {
        "session": pa.array(closes.index.date, pa.date32()),
        "number": pa.array(range(len(closes)), pa.int64()),
        "close_at": pa.array(closes.dt.tz_convert("UTC").tolist(), pa.timestamp("us", tz="UTC")),
    }
    return pa.table(columns)


def create_sessions(cursor: duckdb.DuckDBPyConnection, name: str, now: datetime) -> None:
    """A temp table of XNYS's sessions from 1971 to the end of the year after `now`."""
    view = f"{name}_arrow"
    cursor.register(view, _arrow(now.year + 1))
    cursor.execute(f"create or replace temp table {name} as select * from {view}")
    cursor.unregister(view)
