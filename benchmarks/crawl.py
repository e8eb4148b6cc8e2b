"""A real crawl of 6,000 symbols a day into the warehouse as it came: duplicates, holidays, a header among the rows, an empty day.

Each day goes through the whole ingest: read, judged by every law of the contract, quarantined or merged, in one transaction.
Beside it, reading the same archives with polars alone.
"""

from __future__ import annotations

import io
import resource
import tarfile
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.recordings import folder

NOW = datetime(2016, 1, 4, 15, tzinfo=UTC)


def days() -> list[Path]:
    return sorted((folder() / "pystock" / "2015").glob("*.tar.gz"))


def lines(archive: Path) -> int:
    """Lines below the header of the day's prices."""
    return max(0, _member(archive).count(b"\n") - 1)


def _member(archive: Path) -> bytes:
    with tarfile.open(archive) as opened:
        stream = opened.extractfile("prices.csv")
        return b"" if stream is None else stream.read()


def bare(archive: Path) -> float:
    """Seconds that polars takes to unpack and read it."""
    import polars as pl

    started = time.perf_counter()
    body = _member(archive)
    if body:
        pl.read_csv(io.BytesIO(body), infer_schema=False)
    return time.perf_counter() - started


def main() -> None:
    from tasks.doors import open_lake
    from tasks.fetch import Batch
    from tasks.ingest import ingest
    from tasks.settings import settings

    if not days():
        print(f"  not run: the recordings are not at {folder()} (TRIMTAB_SHARED_DATA)")
        return
    with tempfile.TemporaryDirectory() as home:
        where = settings({"TRIMTAB_HOME": home})
        words = ("lines", "rows", "added", "again", "bad", "blocked", "seconds")
        print(f"  {'day':<9}{''.join(f'{word:>9}' for word in words)}{'polars':>8}")
        seconds = rows = 0.0
        for archive in days():
            done = ingest(where, Batch("prices", "files", archive, layout="pystock"), NOW)
            seconds, rows = seconds + done.seconds, rows + done.rows
            cells = [lines(archive), done.rows, done.added, done.revised, done.quarantined, len(done.blocked)]
            told = "".join(f"{cell:>9,}" for cell in cells)
            print(f"  {archive.name[:8]:<9}{told}{done.seconds:>9.1f}{bare(archive):>8.2f}", flush=True)
        with open_lake(where) as lake:
            laws = lake.query("SELECT law, count(*) FROM quarantine GROUP BY law ORDER BY 2 DESC, 1")[1]
            held = lake.query("SELECT count(*), count(DISTINCT instrument) FROM prices")[1][0]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  {rows:,.0f} rows in {seconds:.0f} s, the first day's imports among them; {memory:,.0f} MB of memory at most")
        print(f"  in the warehouse: {held[0]:,} bars of {held[1]:,} symbols; quarantined by law: {dict(laws)}")


if __name__ == "__main__":
    main()
