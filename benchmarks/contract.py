"""The price contract over all bundled rows: Great Expectations in DuckDB, beside one bare scan of the same rows."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from statistics import median


def main() -> None:
    import duckdb

    from expectations.check import check
    from expectations.context import Context
    from sources import open_source

    source, now = open_source("sample"), datetime(2023, 1, 2, tzinfo=UTC)
    frame = source.read("prices").to_arrow()
    con = duckdb.connect()
    con.register("frame", frame)
    con.execute("CREATE TEMP TABLE staged AS SELECT * FROM frame")
    context = Context(now=now, declarations=(source.declaration(),))
    took: dict[str, list[float]] = {"ours, 56 laws": [], "one window pass": []}
    for number in range(6):
        started = time.process_time()
        report = check(con, "prices", "staged", run=f"run{number}", context=context)
        took["ours, 56 laws"].append(time.process_time() - started)
        started = time.process_time()
        window = "close / lag(close) OVER (PARTITION BY symbol ORDER BY session)"
        con.execute(f"SELECT count(*) FILTER (ratio > 1.4 OR ratio < 0.6) FROM (SELECT {window} AS ratio FROM staged)").fetchall()
        took["one window pass"].append(time.process_time() - started)
    for name, seconds in took.items():
        print(
            f"  {name:<16} {median(seconds[1:]):7.3f} CPU s for {report.rows:,} rows (first run, with imports: {seconds[0]:.1f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
