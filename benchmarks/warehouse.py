"""Twenty years of daily bars of 1,000 symbols (5 million rows): the warehouse beside polars' Parquet and a plain DuckDB table.

`python -m benchmarks.warehouse 10000` does the same with ten thousand symbols: ten minutes, 12 GB of disk under TMPDIR.
CPU seconds of the process unless marked wall.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.large import NOW, Cost, apart, names, timed, write_csv, years

MIDDLE, RECENT = "2015-06-01", "2018-01-01"


def main(symbols: int = 1_000) -> None:
    with tempfile.TemporaryDirectory(prefix="trimtab-bench-") as folder:
        root = Path(folder)
        files = apart(write_csv, root / "csv", symbols).result
        loads = {
            "parse the CSV only": apart(_parse, files),
            "Trimtab, checked": apart(_load, root, files, symbols),
            "Parquet by polars": apart(_polars, root, files),
            "DuckDB table": apart(_duckdb, root, files),
        }
        _table("bulk load from CSV", loads)
        sizes = {"Trimtab": root / "lake", "Parquet by polars": root / "polars", "DuckDB table": root / "plain.duckdb"}
        print("  size on disk: " + ", ".join(f"{name} {_size(path) / 1e9:.2f} GB" for name, path in sizes.items()), flush=True)
        for work, title in ((_read_lake, "Trimtab"), (_read_polars, "Parquet by polars"), (_read_duckdb, "DuckDB table")):
            cost = apart(work, root, symbols)
            print(f"  reads, {title} (peak {cost.peak:.0f} MB)", flush=True)
            for name, seconds in cost.result.items():
                print(f"    {name:<44} {seconds:8.3f}", flush=True)
        daily = apart(_increments, root, symbols)
        for name, said in daily.result.items():
            print(f"  {name:<46} {said}", flush=True)
        full = apart(_validate, root, symbols)
        print(f"  every law of prices over all rows, in pieces   {full}: {full.result}", flush=True)


def _table(title: str, costs: dict[str, Cost]) -> None:
    print(f"  {title}", flush=True)
    for name, cost in costs.items():
        print(f"    {name:<20} {cost}", flush=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


def _bars(file: Path) -> Any:
    import polars as pl

    return pl.read_csv(file, schema_overrides={"session": pl.Date})


# --- loads ----------------------------------------------------------------------------------------------------------


def _parse(files: list[Path]) -> int:
    return sum(_bars(file).height for file in files)


def _open(root: Path) -> Any:
    from warehouse.lake import Lake

    return Lake.open(f"sqlite:///{root}/catalog.sqlite", f"{root}/lake")


def _staged(frame: Any) -> Any:
    import polars as pl

    from portfolio.schema import PRICES
    from sources.frames import staged
    from sources.sessions import with_close

    said = {"currency": "USD", "adjustment": "raw", "source": "files"}
    named = frame.with_columns(
        pl.concat_str(pl.lit("US:"), "symbol").alias("instrument"), *(pl.lit(v).alias(k) for k, v in said.items())
    )
    return staged(with_close(named, "session"), PRICES)


def _load(root: Path, files: list[Path], symbols: int) -> int:
    """As an ingest does it: known_at from the close, types checked, identities looked up, keys checked, versions compared."""
    rows = 0
    with _open(root) as lake:
        with lake.transaction("instruments", NOW) as tx:
            tx.merge("instruments", tx.stage("instruments", _instruments(symbols)))
        for pair in years(files):
            with lake.transaction("load", NOW) as tx:
                for file in pair:
                    relation = tx.identify("prices", tx.stage("prices", _staged(_bars(file))))
                    rows += tx.merge("prices", relation).added
                    tx.cursor.execute(f"DROP TABLE {relation}")
    return rows


def _instruments(symbols: int) -> Any:
    import polars as pl

    from portfolio.schema import INSTRUMENTS
    from sources.frames import staged

    rows = {"symbol": names(symbols), "instrument": [f"US:{name}" for name in names(symbols)]}
    said = {"currency": "USD", "exchange": "XNYS", "tradable": True, "source": "files", "known_at": NOW}
    return staged(pl.DataFrame(rows).with_columns(*(pl.lit(v).alias(k) for k, v in said.items())), INSTRUMENTS)


def _polars(root: Path, files: list[Path]) -> int:
    import polars as pl

    rows = 0
    for pair in years(files):
        frame = pl.concat([_bars(file) for file in pair]).sort("symbol", "session")
        (root / "polars").mkdir(exist_ok=True)
        frame.write_parquet(root / "polars" / f"{pair[0].stem[:4]}.parquet")
        rows += frame.height
    return rows


def _duckdb(root: Path, files: list[Path]) -> int:
    import duckdb

    with duckdb.connect(str(root / "plain.duckdb")) as con:
        con.execute(
            "CREATE TABLE bars (symbol VARCHAR, session DATE, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE)"
        )
        for pair in years(files):
            listed = ", ".join(f"'{file}'" for file in pair)
            con.execute(f"INSERT INTO bars SELECT * FROM read_csv([{listed}]) ORDER BY symbol, session")
        return int(con.execute("SELECT count(*) FROM bars").fetchall()[0][0])


# --- reads ----------------------------------------------------------------------------------------------------------


def _read_lake(root: Path, symbols: int) -> dict[str, float]:
    from datetime import date

    some = names(symbols)[:: max(1, symbols // 500)][:500]
    with _open(root) as lake, lake.at(lake.snapshot()) as reader:
        ask = reader._cursor
        view = f"{reader._name}.main.prices"
        return {
            "one symbol, 20 years": timed(lambda: reader.prices([some[1]], NOW)),
            "one session, every symbol": timed(
                lambda: ask.execute(f"SELECT instrument, close FROM {view} WHERE session = '{MIDDLE}'").fetchnumpy()
            ),
            "500 symbols, 5 years": timed(lambda: reader.prices(some, NOW, since=date.fromisoformat(RECENT))),
            "mean close by symbol over all": timed(
                lambda: ask.execute(f"SELECT instrument, avg(close) FROM {view} GROUP BY 1").fetchnumpy(), 2
            ),
            "panel of every symbol in numpy": timed(lambda: reader.panel(names(symbols), NOW), 1),
        }


def _read_polars(root: Path, symbols: int) -> dict[str, float]:
    from datetime import date

    import numpy as np
    import polars as pl

    some = names(symbols)[:: max(1, symbols // 500)][:500]
    bars = pl.scan_parquet(root / "polars" / "*.parquet")

    def panel() -> Any:
        found = bars.select(pl.col("symbol").cast(pl.Categorical).to_physical(), "session", "close").collect()
        day = found["session"].to_physical().to_numpy()
        row = np.unique(day, return_inverse=True)[1]
        values = np.full((int(row.max()) + 1, symbols), np.nan)
        values[row, found["symbol"].to_numpy()] = found["close"].to_numpy()
        return values

    return {
        "one symbol, 20 years": timed(lambda: bars.filter(pl.col("symbol") == some[1]).select("session", "close").collect()),
        "one session, every symbol": timed(
            lambda: bars.filter(pl.col("session") == date.fromisoformat(MIDDLE)).select("symbol", "close").collect()
        ),
        "500 symbols, 5 years": timed(
            lambda: (
                bars.filter(pl.col("symbol").is_in(some) & (pl.col("session") >= date.fromisoformat(RECENT)))
                .select("symbol", "session", "close")
                .collect()
            )
        ),
        "mean close by symbol over all": timed(lambda: bars.group_by("symbol").agg(pl.col("close").mean()).collect(), 2),
        "panel of every symbol in numpy": timed(panel, 1),
    }


def _read_duckdb(root: Path, symbols: int) -> dict[str, float]:
    import duckdb

    some = names(symbols)[:: max(1, symbols // 500)][:500]
    with duckdb.connect(str(root / "plain.duckdb"), read_only=True) as con:
        listed = ", ".join(f"'{name}'" for name in some)
        return {
            "one symbol, 20 years": timed(
                lambda: con.execute(f"SELECT session, close FROM bars WHERE symbol = '{some[1]}'").fetchnumpy()
            ),
            "one session, every symbol": timed(
                lambda: con.execute(f"SELECT symbol, close FROM bars WHERE session = '{MIDDLE}'").fetchnumpy()
            ),
            "500 symbols, 5 years": timed(
                lambda: con.execute(
                    f"SELECT symbol, session, close FROM bars WHERE symbol IN ({listed}) AND session >= '{RECENT}'"
                ).fetchnumpy()
            ),
            "mean close by symbol over all": timed(
                lambda: con.execute("SELECT symbol, avg(close) FROM bars GROUP BY 1").fetchnumpy(), 2
            ),
        }


# --- what follows ---------------------------------------------------------------------------------------------------


def _increments(root: Path, symbols: int, days: int = 40) -> dict[str, str]:
    """Two files a year become one; sessions of 2023 are merged one by one and compacted, a symbol read before and after."""
    from datetime import date, timedelta
    from statistics import median

    import polars as pl

    from tasks.calendar import sessions

    last = _bars(root / "csv" / "2022-0.csv"), _bars(root / "csv" / "2022-1.csv")
    newest = pl.concat([frame.filter(pl.col("session") == frame["session"].max()) for frame in last])
    took, walls = [], []
    with _open(root) as lake:
        first, loaded = _maintained(lake)
        for day in sessions(date(2023, 1, 3), date(2023, 6, 30))[:days]:
            frame = _staged(newest.with_columns(pl.lit(day).alias("session")))
            started, wall = time.process_time(), time.time()
            with lake.transaction(f"day-{day}", NOW) as tx:
                tx.merge("prices", tx.identify("prices", tx.stage("prices", frame)))
            took.append(time.process_time() - started)
            walls.append(time.time() - wall)
        with lake.at(lake.snapshot()) as reader:
            before = timed(lambda: reader.prices(["S00001"], NOW + timedelta(days=300)))
        compacted, done = _maintained(lake)
        with lake.at(lake.snapshot()) as reader:
            after = timed(lambda: reader.prices(["S00001"], NOW + timedelta(days=300)))
    return {
        "maintenance after the load, checksums too": f"{first:.2f} ({loaded.files_before} files -> {loaded.files_after})",
        f"a daily increment of {newest.height:,} rows": f"{median(took):.3f} ({median(walls):.3f} wall, median of {days})",
        f"maintenance after {days} of them, checksums too": f"{compacted:.2f} ({done.files_before} files -> {done.files_after})",
        "one symbol before and after it": f"{before:.3f} -> {after:.3f}",
    }


def _maintained(lake: Any) -> tuple[float, Any]:
    from datetime import UTC, datetime, timedelta

    from warehouse.maintenance import maintain

    started = time.process_time()
    done = maintain(lake, datetime.now(UTC) + timedelta(days=2), (), timedelta(days=1))
    return time.process_time() - started, done


def _validate(root: Path, symbols: int, together: int = 1_000) -> str:
    """The whole contract, Great Expectations and quarantine view included, in pieces of 1,000 symbols (5 million rows)."""
    from datetime import UTC, datetime

    from expectations.check import check
    from expectations.context import Context
    from portfolio.types import Declaration

    declared = (Declaration("files", "raw", frozenset({"open", "high", "low", "close", "volume"})),)
    rows = bad = 0
    with _open(root) as lake:
        for start in range(0, symbols, together):
            last = names(symbols)[min(start + together, symbols) - 1]
            with lake.transaction(f"validate-{start}", NOW) as tx:
                tx.cursor.execute(
                    f"CREATE OR REPLACE TEMP TABLE piece AS SELECT * FROM {tx.held('prices')} "
                    f"WHERE instrument BETWEEN 'US:{names(symbols)[start]}' AND 'US:{last}'"
                )
                context = Context(now=datetime(2023, 7, 1, tzinfo=UTC), declarations=declared)
                report = check(tx.cursor, "prices", "piece", run=f"piece-{start}", context=context)
                rows, bad = rows + report.rows, bad + report.bad_rows
    return f"{len(report.results)} laws, {rows:,} rows, {bad} taken out"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
