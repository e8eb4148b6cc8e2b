"""What was known of 3,000 companies at month ends and at closes, as of then: ours beside polars and DuckDB's ASOF JOIN.

Ours is the join behind the indicators: it also works out what each filing's figure was then, by versions, sources and
currencies (its cost alone, for all companies, is shown). The peers get the one figure ready made and only join. All
three forget a figure that is too old. CPU seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

ALL = "'infinity'::TIMESTAMPTZ"
FIRMS, QUARTERS, MONTHS, SYMBOLS, SESSIONS = 3_000, 60, 240, 500, 5_040


def main() -> None:
    import duckdb
    import numpy as np

    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    _filings(con)
    _bars(con, "months", FIRMS, MONTHS, "last_day(DATE '2005-01-01' + to_months(t::INTEGER))")
    _bars(con, "days", SYMBOLS, SESSIONS, "DATE '2005-01-03' + (t // 5 * 7 + t % 5)::INTEGER")
    seconds, count = _timed(_figures(con))
    print(f"  {'ours, the figures of every filing':<34} {seconds:7.2f} CPU s for {count:,}", flush=True)
    for bars, what in (("months", f"{FIRMS:,} companies at {MONTHS} month ends"), ("days", f"{SYMBOLS} at {SESSIONS:,} closes")):
        found = {}
        print(f"  {what}", flush=True)
        for who, made in (
            ("ours", _ours(con, bars)),
            ("polars join_asof", _polars(con, bars)),
            ("DuckDB ASOF JOIN", _plain(con, bars)),
        ):
            seconds, found[who] = _timed(made)
            print(
                f"    {who:<18} {seconds:7.2f} CPU s for {len(found[who]):,} rows, {np.isfinite(found[who]).sum():,} known",
                flush=True,
            )
        for who, theirs in found.items():
            if not np.array_equal(found["ours"], theirs, equal_nan=True):
                raise AssertionError(f"{who} and ours differ.")
    print("  all three say the same of every row", flush=True)


def _timed(made: Callable[[], Any]) -> tuple[float, Any]:
    """The faster of two runs, in CPU seconds."""
    took = []
    for _ in range(2):
        began = time.process_time()
        found = made()
        took.append(time.process_time() - began)
    return min(took), found


def _filings(con: Any) -> None:
    """One balance a quarter and company, known some weeks after the quarter's end."""
    con.execute("CREATE SCHEMA raw")
    con.execute(f"""
    CREATE TABLE raw.fundamentals AS
    SELECT 'US:F' || firm AS instrument, 'F' || firm AS symbol, 'Equity' AS concept,
      NULL::DATE AS period_start, day AS period_end, (1000 + hash(firm, q) % 1000000) * 1000.0 AS value, 'USD' AS unit,
      '10-Q' AS form, day + 40 AS filed,
      firm || '-' || q AS accession, 'edgar' AS source, (day + 30 + (hash(q, firm) % 40)::INTEGER)::TIMESTAMPTZ AS known_at
    FROM range({FIRMS}) f (firm), (SELECT range AS q, last_day(DATE '2005-03-01' + to_months(3 * range::INTEGER)) AS day
                                   FROM range({QUARTERS}))""")
    con.execute("""
    CREATE TABLE raw.corporate_actions (instrument VARCHAR, symbol VARCHAR, ex_session DATE, kind VARCHAR,
      ratio DOUBLE, amount DOUBLE, currency VARCHAR, source VARCHAR, known_at TIMESTAMPTZ, loaded_at TIMESTAMPTZ, run VARCHAR)""")


def _bars(con: Any, name: str, firms: int, days: int, day: str) -> None:
    con.execute(f"""
    CREATE TABLE {name} AS
    SELECT firm::INTEGER AS position, 'US:F' || firm AS instrument, {day} AS session, 'files' AS source, 'USD' AS currency,
      'raw' AS adjustment, 100.0::DOUBLE AS raw_close
    FROM range({firms}) f (firm), range({days}) d (t) ORDER BY position, session""")


def _figures(con: Any) -> Callable[[], Any]:
    from warehouse.ratios import newest

    sql = newest("", ALL, "true", "TIMESTAMPTZ '2005-01-01 00:00:00+00'", ("book_value", "shares_outstanding"))
    return lambda: con.execute(f"SELECT count(*) FROM ({sql})").fetchone()[0]


def _ours(con: Any, bars: str) -> Callable[[], Any]:
    from warehouse.valuation import valued

    mine = f"f.instrument IN (SELECT instrument FROM {bars})"
    sql = valued(f"SELECT * FROM {bars}", "", ALL, mine, "DATE '2005-01-01'", ("book_value",))
    return lambda: _plainly(con.execute(f"SELECT book_value FROM ({sql}) ORDER BY position, session").fetchnumpy()["book_value"])


def _plain(con: Any, bars: str) -> Callable[[], Any]:
    sql = f"""
    SELECT CASE WHEN b.session - f.period_end <= 500 THEN f.value END AS value
    FROM {bars} b ASOF LEFT JOIN raw.fundamentals f
      ON f.instrument = b.instrument AND (b.session + INTERVAL 16 HOUR) AT TIME ZONE 'America/New_York' >= f.known_at
    ORDER BY position, session"""
    return lambda: _plainly(con.execute(sql).fetchnumpy()["value"])


def _polars(con: Any, bars: str) -> Callable[[], Any]:
    import polars as pl

    left = con.execute(f"SELECT * FROM {bars} ORDER BY position, session").pl()
    right = con.execute("SELECT instrument, known_at, period_end, value FROM raw.fundamentals ORDER BY instrument, known_at").pl()

    def made() -> Any:
        closed = (pl.col("session").cast(pl.Datetime("us")) + pl.duration(hours=16)).dt.replace_time_zone("America/New_York")
        asked = left.lazy().with_columns(closed.dt.convert_time_zone("UTC").alias("closed"))
        told = right.lazy().with_columns(pl.col("known_at").dt.convert_time_zone("UTC"))
        found = asked.join_asof(
            told, left_on="closed", right_on="known_at", by="instrument", check_sortedness=False, allow_exact_matches=True
        )
        fresh = (pl.col("session") - pl.col("period_end")).dt.total_days() <= 500
        return found.select(pl.when(fresh).then("value").fill_null(math.nan)).collect().to_series().to_numpy()

    return made


def _plainly(column: Any) -> Any:
    return column.filled(math.nan) if hasattr(column, "filled") else column


if __name__ == "__main__":
    main()
