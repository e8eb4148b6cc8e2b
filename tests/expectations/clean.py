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
    money = {"Revenue": 900.0, "Cash": 120.0, "Assets": 1000.0, "Liabilities": 600.0, "Equity": 400.0, "NetIncome": 80.0}
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


def news_rows() -> list[tuple]:
    """A filing of AAA and headlines of both; BBB's come every ten days, the same words each time."""
    filed = dt.datetime(2022, 11, 3, 20, 30, tzinfo=dt.UTC)
    rows = [("US:AAA", "AAA", filed, "filing", "Other events", "8.01", "AAA Corp", "https://sec.gov/a", None, "vendor", filed)]
    told = [("AAA", 0, "AAA opens a plant")] + [("BBB", 10 * i, f"BBB sets a record{'!' * (i % 2)}") for i in range(12)]
    for symbol, days, headline in told:
        at = dt.datetime(2022, 8, 1, 14, tzinfo=dt.UTC) + dt.timedelta(days=days)
        extra = (None, "The Wire", "http://wire.example/1", 0.5)
        rows.append((f"US:{symbol}", symbol, at, "headline", headline, *extra, "vendor", at))
    return rows


def universe_rows() -> list[tuple]:
    """AAA is a member; BBB was twice, each spell open when it began and closed when it had ended; M00.. are many."""

    def morning(day: dt.date) -> dt.datetime:
        return dt.datetime(day.year, day.month, day.day, 14, 30, tzinfo=dt.UTC)

    rows = [("sp500", "US:AAA", "AAA", dt.date(2022, 1, 3), None, "vendor", morning(dt.date(2022, 1, 3)))]
    spells = [
        (dt.date(2019, 3, 4), dt.date(2020, 6, 19), dt.date(2020, 6, 22)),
        (dt.date(2021, 9, 20), dt.date(2022, 12, 16), dt.date(2022, 12, 19)),
    ]
    for begins, ends, gone in spells:
        rows.append(("sp500", "US:BBB", "BBB", begins, None, "vendor", morning(begins)))
        rows.append(("sp500", "US:BBB", "BBB", begins, ends, "vendor", morning(gone)))
    many = dt.date(2015, 1, 5)
    return rows + [("sp500", f"US:M{i:02}", f"M{i:02}", many, None, "vendor", morning(many)) for i in range(12)]


def action_rows() -> list[tuple]:
    """AAA pays each quarter (second Wednesday of its second month), BBB too and splits, CCC does the rest."""

    def action(symbol, day, kind, ratio=None, amount=None):
        known = dt.datetime(day.year, day.month, day.day, 14, 30, tzinfo=dt.UTC)
        return (f"US:{symbol}", symbol, day, kind, ratio, amount, "USD" if amount is not None else None, "vendor", known)

    days = [dt.date(y, m, 8 + (2 - dt.date(y, m, 8).weekday()) % 7) for y in (2020, 2021, 2022) for m in (2, 5, 8, 11)]
    rows = [
        action(s, day, "dividend", amount=round(base + 0.01 * i, 2))
        for s, base in (("AAA", 0.5), ("BBB", 1.1))
        for i, day in enumerate(days)
    ]
    rows.append(action("BBB", dt.date(2021, 6, 16), "split", ratio=4.0))
    rows += [action("CCC", dt.date(2021, 3, 3), "spin_off", amount=12.5), action("CCC", dt.date(2021, 4, 7), "rename")]
    return [
        *rows,
        action("CCC", dt.date(2021, 5, 5), "dividend", amount=3.0),
        action("DDD", dt.date(2021, 7, 7), "delisting", amount=20.0),
    ]


ROWS = {
    "prices": price_rows,
    "macro": macro_rows,
    "fundamentals": fundamental_rows,
    "news": news_rows,
    "universe": universe_rows,
    "corporate_actions": action_rows,
}
NOWS = dict.fromkeys(ROWS, NOW) | {"fundamentals": dt.datetime(2023, 3, 1, tzinfo=dt.UTC)}


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


PAID = {dt.date(2022, 10, 20): 0.5, dt.date(2022, 11, 17): 0.5, dt.date(2022, 12, 15): 0.5}  # BBB's dividends


def adjusted_rows() -> list[tuple]:
    """The clean prices as another vendor adjusts them: each dividend of BBB is taken out of all closes before it."""
    rows = []
    for symbol in ("AAA", "BBB", "CCC"):
        factor, later = 1.0, None
        for row in reversed([r for r in price_rows() if r[1] == symbol]):
            if symbol == "BBB" and later in PAID:
                factor *= 1 - PAID[later] / row[6]
            later = row[2]
            rows.append((*row[:3], *(price * factor for price in row[3:7]), row[7], "USD", "adjusted", "adjuster", row[11]))
    return rows


def stage_beside(cursor: duckdb.DuckDBPyConnection) -> None:
    """What prices are compared with: `clean_actions`, and `clean_others` of a raw and of an adjusted source."""
    cursor.execute(
        "create or replace temp table clean_actions (instrument varchar, ex_session date, kind varchar, ratio double, amount double)"
    )
    for day, amount in PAID.items():
        cursor.execute("insert into clean_actions values ('US:BBB', ?, 'dividend', null, ?)", [day, amount])
    stage(cursor, "prices", "clean_others")
    cursor.execute("update clean_others set source = 'second'")
    marks = ", ".join("?" * len(adjusted_rows()[0]))
    cursor.executemany(f"insert into clean_others values ({marks})", adjusted_rows())
