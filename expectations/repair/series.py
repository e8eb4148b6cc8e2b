"""One instrument's bars from one source, with what stands beside them: splits, and the bars of other sources."""

# ruff: noqa: S608  relations are names checked by `propose`, columns come from the schema
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import exp, isfinite, log
from statistics import median
from typing import TYPE_CHECKING, Any

from portfolio.schema import PRICES

if TYPE_CHECKING:
    import duckdb

PRICE_FIELDS = ("open", "high", "low", "close")
AROUND = 5  # bars on either side that say what the level is
Bar = Mapping[str, Any]  # the staged columns of one row


@dataclass(frozen=True, slots=True)
class Proposal:
    """`row` as it came and `repaired` as it should be (staged columns both), for the `law` it broke; why, in `evidence`."""

    row: Bar
    repaired: Bar
    law: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Series:
    """bars: ascending by session. marks: position -> the laws that took the bar out. splits: ex-session -> ratio.

    seconds: (adjustment, session) -> bar of another source.
    """

    bars: tuple[Bar, ...]
    marks: Mapping[int, frozenset[str]]
    splits: Mapping[date, float] = field(default_factory=dict)
    seconds: Mapping[tuple[str, date], Bar] = field(default_factory=dict)

    def factor(self, at: int) -> float:
        """What makes the bar's price one in the shares of before the first split (1 for an adjusted bar)."""
        if self.bars[at]["adjustment"] != "raw":
            return 1.0
        return exp(sum(log(ratio) for day, ratio in self.splits.items() if day <= self.bars[at]["session"]))

    def level(self, at: int) -> float | None:
        close = number(self.bars[at]["close"])
        return None if close is None else close * self.factor(at)

    def levels(self, at: int, step: int) -> list[float]:
        """The levels of up to five unmarked bars before (`step` -1) or after (1) the bar."""
        places = [i for i in range(at + step, at + step * (AROUND + 1), step) if 0 <= i < len(self.bars) and i not in self.marks]
        return [level for level in map(self.level, places) if level is not None]

    def expected(self, at: int) -> float | None:
        """The close that the bars around ask for: between the medians of either side. None where one side is missing."""
        before, after = self.levels(at, -1), self.levels(at, 1)
        if not before or not after:
            return None
        return float((median(before) * median(after)) ** 0.5) / self.factor(at)


def number(value: Any) -> float | None:
    """A finite number above zero, or None."""
    return float(value) if value is not None and isfinite(value) and value > 0 else None


def near(value: float | None, wanted: float | None, room: float) -> bool:
    """Both are there and at most `room` (a log) apart."""
    return value is not None and wanted is not None and abs(log(value / wanted)) <= room


def clean(value: float) -> float:
    """Ten significant digits: a scaled price is the number that was meant and not its binary shadow."""
    return float(f"{value:.10g}")


def series_of(
    cursor: duckdb.DuckDBPyConnection, bad: str, sound: str, actions: str | None, others: str | None
) -> Iterator[Series]:
    """Every series of which `bad` holds a bar, in order of source and instrument."""
    columns = ", ".join(PRICES.staged)
    whose = f"(select distinct instrument, source from {bad})"
    rows = _rows(
        cursor,
        f"""select {columns}, laws from {bad} where session is not null union all by name
            select {columns}, null::varchar[] as laws from {sound} join {whose} using (instrument, source)
            order by source, instrument, session""",
    )
    splits, seconds = _splits(cursor, bad, actions), _seconds(cursor, bad, others)
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["instrument"], row["source"]), []).append(row)
    for (instrument, source), each in grouped.items():
        marks = {i: frozenset(laws) for i, row in enumerate(each) if (laws := row.pop("laws"))}
        beside = {key: bar for key, bar in seconds.get(instrument, {}).items() if bar["source"] != source}
        yield Series(tuple(each), marks, splits.get(instrument, {}), beside)


def _rows(cursor: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    answer = cursor.execute(sql)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _splits(cursor: duckdb.DuckDBPyConnection, bad: str, actions: str | None) -> dict[str, dict[date, float]]:
    found: dict[str, dict[date, float]] = {}
    if actions:
        rows = cursor.execute(
            f"""select instrument, ex_session, max(ratio) from {actions} semi join {bad} using (instrument)
                where kind = 'split' and ratio between 1e-6 and 1e6 and ratio <> 1 group by all order by all"""
        ).fetchall()
        for instrument, day, ratio in rows:
            found.setdefault(instrument, {})[day] = ratio
    return found


def _seconds(cursor: duckdb.DuckDBPyConnection, bad: str, others: str | None) -> dict[str, dict[tuple[str, date], Bar]]:
    found: dict[str, dict[tuple[str, date], Bar]] = {}
    if others:
        rows = _rows(
            cursor, f"select {', '.join(PRICES.staged)} from {others} semi join {bad} using (instrument) order by source desc"
        )
        for row in rows:
            found.setdefault(row["instrument"], {})[row["adjustment"], row["session"]] = row
    return found
