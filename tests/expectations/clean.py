"""Clean batches that every law passes, made here and not by the code under test; the samples spoil one thing each."""

import datetime as dt
import functools
import math

import duckdb

from portfolio.schema import TABLES
from portfolio.types import Declaration

NOW = dt.datetime(2022, 12, 29, 12, tzinfo=dt.UTC)
LAST = dt.date(2022, 12, 28)
ALL = frozenset({"open", "high", "low", "close", "volume"})
VENDOR = Declaration("vendor", "raw", ALL)
# NYSE 2022-10-03..2022-12-28: weekdays but Thanksgiving and the observed Christmas; the day after Thanksgiving ends at 13:00.
CLOSED = {dt.date(2022, 11, 24), dt.date(2022, 12, 26)}
WEEKDAYS = [dt.date(2022, 10, 3) + dt.timedelta(days=i) for i in range(87)]
SESSIONS = [day for day in WEEKDAYS if day.weekday() < 5 and day not in CLOSED]


def close_instant(day: dt.date) -> dt.datetime:
    hour = 18 if day == dt.date(2022, 11, 25) else 20 if day < dt.date(2022, 11, 6) else 21
    return dt.datetime(day.year, day.month, day.day, hour, tzinfo=dt.UTC)


def price_rows() -> list[tuple]:
    rows = []
    for n, symbol in enumerate(("AAA", "BBB", "CCC")):
        for i, day in enumerate(SESSIONS):
            close = round((50 + 60 * n) * (1 + 0.02 * math.sin(i * 1.7 + n)), 4)
            bar = (round(close * 0.995, 4), round(close * 1.01, 4), round(close * 0.99, 4), close, 10_000.0 + 37 * i)
            rows.append((f"US:{symbol}", symbol, day, *bar, "USD", "raw", "vendor", close_instant(day)))
    return rows


def macro_rows() -> list[tuple]:
    rows = []
    levels = {"VIX": (22.0, "index"), "DGS10": (3.8, "percent"), "CORE_CPI": (298.0, "index"), "GOLD": (1700.0, "USD")}
    for series, (level, unit) in levels.items():
        for i, day in enumerate(SESSIONS):
            rows.append((series, day, round(level * (1 + 0.01 * math.sin(i)), 4), unit, "vendor", close_instant(day)))
    return rows


def fundamental_rows() -> list[tuple]:
    """Two companies, two annual filings each; the second repeats the first one's year as a comparative."""
    money = {"Revenue": 900.0, "Cash": 120.0, "Assets": 1000.0, "us-gaap:Liabilities": 600.0, "Equity": 400.0, "NetIncome": 80.0}
    rows = []
    for symbol, prefix in (("AAA", "A"), ("BBB", "B")):
        for accession, filed, years in ((f"{prefix}-1", 2022, (2021,)), (f"{prefix}-2", 2022.9, (2021, 2022))):
            day = dt.date(2022, 2, 10) if filed == 2022 else dt.date(2023, 2, 10)
            for year in years:
                growth = 1.0 if year == 2021 else 1.1
                start, end = dt.date(year, 1, 1), dt.date(year, 12, 31)
                for concept, value in {**money, "SharesOutstanding": 50.0}.items():
                    unit = "shares" if concept == "SharesOutstanding" else "USD"
                    begins = start if concept in {"Revenue", "NetIncome"} else None
                    known = dt.datetime(day.year, day.month, day.day + 1, 3, tzinfo=dt.UTC)
                    fact = (concept, begins, end, value * growth * 1e6, unit, "10-K", day, accession)
                    rows.append((f"US:{symbol}", symbol, *fact, "vendor", known))
    return rows


ROWS = {"prices": price_rows, "macro": macro_rows, "fundamentals": fundamental_rows}
NOWS = {"prices": NOW, "macro": NOW, "fundamentals": dt.datetime(2023, 3, 1, tzinfo=dt.UTC)}


def types_of(dataset: str) -> str:
    table = TABLES[dataset]
    return ", ".join(f"{c.name} {c.type}" for c in table.columns if c.name in table.staged)


@functools.cache
def table_of(dataset: str):
    """The clean batch as an Arrow table, made once."""
    cursor = duckdb.connect()
    cursor.execute(f"create table made ({types_of(dataset)})")
    rows = ROWS[dataset]()
    cursor.executemany(f"insert into made values ({', '.join('?' * len(rows[0]))})", rows)
    return cursor.execute("select * from made").to_arrow_table()


def stage(cursor: duckdb.DuckDBPyConnection, dataset: str, name: str = "rows") -> None:
    """The clean batch as a temp table of the cursor."""
    cursor.register("clean_batch", table_of(dataset))
    cursor.execute(f"create or replace temp table {name} as select * from clean_batch")
    cursor.unregister("clean_batch")
