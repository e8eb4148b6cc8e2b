"""Twenty years of daily bars of thousands of symbols as CSV, two files a year: what the warehouse benchmarks load."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

FIRST, LAST = 2003, 2022
NOW = datetime(2023, 1, 2, tzinfo=UTC)


def names(symbols: int) -> list[str]:
    return [f"S{number:05d}" for number in range(symbols)]


def write_csv(folder: Path, symbols: int) -> list[Path]:
    """The files, made once: a random walk in cents a symbol, with open, high, low and volume around it."""
    import numpy as np

    from tasks.calendar import sessions

    folder.mkdir(parents=True, exist_ok=True)
    rng, files = np.random.default_rng(7), []
    level = 20 + 80 * rng.random(symbols)
    for year in range(FIRST, LAST + 1):
        days = np.array(sessions(date(year, 1, 1), date(year, 12, 31)), dtype="datetime64[D]")
        close = np.clip(level * np.exp(np.cumsum(rng.normal(0, 0.012, (len(days), symbols)), axis=0)), 2, 5000)
        level = close[-1]
        half = symbols // 2
        for part, chosen in enumerate((slice(0, half), slice(half, symbols))):
            file = folder / f"{year}-{part}.csv"
            if not file.exists():
                _frame(days, close[:, chosen], names(symbols)[chosen], rng).write_csv(file)
            files.append(file)
    return files


def _frame(days: Any, close: Any, symbols: list[str], rng: Any) -> Any:
    import numpy as np
    import polars as pl

    count = len(symbols)
    flat = close.round(2).ravel()
    wide = 1 + np.abs(rng.normal(0, 0.004, len(flat)))
    return pl.DataFrame(
        {
            "symbol": pl.Series(symbols * len(days)),
            "session": np.repeat(days, count),
            "open": (flat * (1 + rng.normal(0, 0.002, len(flat)))).round(2).clip(flat / wide, flat * wide),
            "high": (flat * wide).round(2),
            "low": (flat / wide).round(2),
            "close": flat,
            "volume": rng.integers(10_000, 5_000_000, len(flat)).astype(float),
        }
    )


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of a process of its own (user and system), wall seconds, peak memory in MB, and what the work returned."""

    cpu: float
    wall: float
    peak: float
    result: Any

    def __str__(self) -> str:
        return f"{self.cpu:8.2f} CPU s {self.wall:7.2f} wall s {self.peak:7.0f} MB"


def apart(work: Callable[..., Any], *words: Any) -> Cost:
    """Do `work` in a new process; it may return (seconds, result) to say its own CPU seconds, without imports."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_child, args=(queue, work, words))
    process.start()
    cost = queue.get()
    process.join()
    if isinstance(cost, str):
        raise RuntimeError(cost)
    return Cost(*cost)


def _child(queue: Any, work: Callable[..., Any], words: tuple[Any, ...]) -> None:
    try:
        started = time.time()
        result = work(*words)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        queue.put((usage.ru_utime + usage.ru_stime, time.time() - started, usage.ru_maxrss / 1024, result))
    except BaseException as error:
        queue.put(f"{type(error).__name__}: {error}")


def timed(work: Callable[[], Any], runs: int = 5) -> float:
    """Median CPU seconds of a thing done several times in this process, after once to warm up."""
    from statistics import median

    work()
    took = []
    for _ in range(runs):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return median(took)


def years(files: list[Path]) -> Iterator[list[Path]]:
    """The files, a year at a time."""
    for start in range(0, len(files), 2):
        yield files[start : start + 2]
