"""Do two sources tell the same history? By total return over quarters; closes a day are the laws' matter."""

# ruff: noqa: S608  relations are names checked here
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from math import log
from statistics import mean, median
from typing import TYPE_CHECKING

from portfolio.errors import Broken

if TYPE_CHECKING:
    import duckdb

APART = 0.002  # log a quarter: a fifth of a usual quarter's dividend or less is rounding
QUARTERS = 4  # that many running and with one sign are no single dividend forgotten
SAME = 0.25  # log: dividends a year apart, or a ratio, are the same within a quarter
_RELATION = re.compile(r'[\w."]+')


@dataclass(frozen=True, slots=True)
class Quarters:
    """One instrument: the last common session and the price of each quarter, and every source's dividend yield (log) up to it."""

    days: list[date] = field(default_factory=list)
    prices: list[float] = field(default_factory=list)
    yields: dict[str, list[float]] = field(default_factory=dict)

    def paid(self, source: str, begin: int, end: int) -> float:
        """Dividends per share of the quarters from `begin` up to and without `end`, a year."""
        each = [self.yields[source][i] * self.prices[i] for i in range(max(begin, 0), min(end, len(self.days)))]
        return max(4 * mean(each), 1e-9) if each else 1e-9

    def over(self, source: str, begin: int, end: int) -> list[float]:
        return self.yields[source][begin : end + 1]


@dataclass(frozen=True, slots=True)
class Parting:
    """Two sources whose total returns drift apart, from the quarter that ends at `since` to the one that ends at `until`.

    gap: log return a year that `one` has more than `other`. ratio: dividends of the larger over those of the smaller.
    wrong: the source that is held to be wrong, or "" where nothing tells; why, in `reason`.
    """

    instrument: str
    one: str
    other: str
    since: date
    until: date
    quarters: int
    gap: float
    ratio: float
    wrong: str
    reason: str


def partings(cursor: duckdb.DuckDBPyConnection, levels: str, prices: str, *, splits: str | None = None) -> tuple[Parting, ...]:
    """Where the total returns of two sources part for a year or longer.

    levels: instrument, source, session, level (dividends reinvested). prices: instrument, session, price (splits taken out,
    dividends not; of one source). splits: instrument, ex_session, ratio; a split after a parting names its cause.
    With three sources and more the odd one is wrong. With two it is the one whose dividends fall by the ratio of a split on
    its day (those before it were not adjusted for it), or that has none, or whose dividends shrink by what parts the two
    where the parting ends, while the other's go on.
    """
    for name in (levels, prices, splits):
        if name is not None and not _RELATION.fullmatch(name):
            raise Broken(f"{name!r} is not the name of a relation.", "Give a table or a view.", relation=name)
    dated = _splits(cursor, splits)
    found: list[Parting] = []
    for instrument, told in _quarters(cursor, levels, prices).items():
        for one, other in combinations(sorted(told.yields), 2):
            gaps = [a - b for a, b in zip(told.yields[one], told.yields[other], strict=True)]
            found += [_parting(instrument, one, other, told, run, dated.get(instrument, {})) for run in _runs(gaps)]
    return tuple(found)


def _quarters(cursor: duckdb.DuckDBPyConnection, levels: str, prices: str) -> dict[str, Quarters]:
    rows = cursor.execute(
        f"""with sources as (select instrument, count(distinct source) as needed from {levels} group by all),
        common as (
          select instrument, session from {levels} l join {prices} p using (instrument, session) join sources using (instrument)
          where l.level > 0 and p.price > 0 group by instrument, session, needed having count(distinct l.source) = needed),
        ends as (select instrument, max(session) as session from common group by instrument, date_trunc('quarter', session))
        select instrument, session, p.price, l.source,
          ln(l.level / lag(l.level) over w) - ln(p.price / lag(p.price) over w) as paid
        from ends join {levels} l using (instrument, session) join {prices} p using (instrument, session)
        window w as (partition by instrument, l.source order by session)
        qualify paid is not null order by instrument, session, l.source"""
    ).fetchall()
    found: dict[str, Quarters] = {}
    for instrument, session, price, source, dividend in rows:
        told = found.setdefault(instrument, Quarters())
        told.yields.setdefault(source, []).append(dividend)
        if not told.days or told.days[-1] != session:
            told.days.append(session)
            told.prices.append(price)
    return found


def _splits(cursor: duckdb.DuckDBPyConnection, splits: str | None) -> dict[str, dict[date, float]]:
    found: dict[str, dict[date, float]] = {}
    rows = cursor.execute(f"select instrument, ex_session, ratio from {splits} where ratio > 0").fetchall() if splits else []
    for instrument, day, ratio in rows:
        found.setdefault(instrument, {})[day] = ratio
    return found


def _runs(gaps: Sequence[float]) -> list[tuple[int, int]]:
    """The runs (first, last) of at least four quarters that are apart in the same direction."""
    found, begin = [], 0
    for i in range(1, len(gaps) + 1):
        if i == len(gaps) or abs(gaps[i]) <= APART or gaps[i] * gaps[i - 1] < 0:
            if i - begin >= QUARTERS and abs(gaps[begin]) > APART:
                found.append((begin, i - 1))
            begin = i
        elif abs(gaps[i - 1]) <= APART:
            begin = i
    return found


def _parting(
    instrument: str, one: str, other: str, told: Quarters, run: tuple[int, int], splits: Mapping[date, float]
) -> Parting:
    begin, end = run
    mine, theirs = sum(told.over(one, *run)), sum(told.over(other, *run))
    more, less = (one, other) if mine > theirs else (other, one)
    ratio = max(mine, theirs) / max(min(mine, theirs), 1e-9)
    wrong, reason = (
        _odd(more, less, told, run)
        or _unadjusted(more, less, told, run, splits)
        or _implausible(more, less, told, run, ratio)
        or ("", f"The dividends of {more} are {ratio:.2f} times those of {less}, and nothing tells which are right.")
    )
    gap = 4 * (mine - theirs) / (end - begin + 1)
    return Parting(instrument, one, other, told.days[begin], told.days[end], end - begin + 1, gap, ratio, wrong, reason)


Blame = tuple[str, str] | None  # who, and why


def _odd(more: str, less: str, told: Quarters, run: tuple[int, int]) -> Blame:
    """With a third source: the one of the two that it contradicts."""
    for third in sorted(set(told.yields) - {more, less}):
        spans = {source: zip(told.over(source, *run), told.over(third, *run), strict=True) for source in (more, less)}
        off = {source: median(abs(a - b) for a, b in pairs) for source, pairs in spans.items()}
        near, far = sorted((more, less), key=lambda source: off[source])
        if off[near] <= APART < off[far]:
            return far, f"{near} and {third} agree, {far} does not."
    return None


def _unadjusted(more: str, less: str, told: Quarters, run: tuple[int, int], splits: Mapping[date, float]) -> Blame:
    """The source whose dividends per share fall by the ratio of a split from the year before it to the year after."""
    days = told.days
    for day, ratio in splits.items():
        at = next((i for i in range(run[0], min(run[1] + 2, len(days))) if i and days[i - 1] < day <= days[i]), None)
        for source in (more, less) if at and at + 1 < len(days) else ():
            fall = told.paid(source, at - 4, at) / told.paid(source, at + 1, at + 5)
            if abs(log(ratio)) > SAME and abs(log(fall / ratio)) < SAME:
                why = f"{source}'s dividends fall by {fall:.2f} at the split of {ratio:g} on {day}"
                return source, f"{why}: those before it were not adjusted for it."
    return None


def _implausible(more: str, less: str, told: Quarters, run: tuple[int, int], ratio: float) -> Blame:
    """The source without dividends, or the one whose dividends shrink by the ratio where the parting ends."""
    begin, end = run
    if ratio > 10:
        return less, f"{less} has no dividends where {more} has."
    if len(told.days) - end <= QUARTERS:
        return None
    year = (end + 1, end + 1 + QUARTERS)
    fall = {source: log(told.paid(source, max(begin, end - 3), end + 1) / told.paid(source, *year)) for source in (more, less)}
    if log(ratio) > SAME and abs(fall[more] - log(ratio)) < SAME and abs(fall[less]) < SAME:
        said = f"Up to there the dividends of {more} are {ratio:.2f} times those of {less}"
        return more, f"{said} and shrink by that in the next year, while {less}'s go on."
    return None
