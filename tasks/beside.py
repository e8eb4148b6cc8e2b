"""What a strategy looks at beside prices: macro series and ratios, as they were known, and whether they are still fresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from portfolio.errors import Refused
from portfolio.market import Market, as_it_came, newest_by
from portfolio.strategies import needs
from portfolio.types import FloatArray, Policy
from tasks.calendar import Hours

if TYPE_CHECKING:
    from warehouse.measured import Indicators
    from warehouse.reads import Reader

RECENT = 24  # dates of a series that tell its usual distance and delay
LONGEST = 92  # days: a longer delay is that of a file loaded late, none of a publisher
LATE = 3  # usual distances of a series without a new value, beside its usual delay: then it is stale
FILED = 200  # days since the newest filing: a quarter, the weeks until it is filed, and some
WINDOW = 15  # calendar days in which a symbol's newest bar is looked for
DAYS = 1.5  # calendar days a session, at the most over a year


@dataclass(frozen=True, slots=True)
class Beside:
    """series: its columns as Reader.macro gives them. ratios: at the bars of the policy's symbols. stale: what is too old."""

    series: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ratios: Indicators | None = None
    stale: Mapping[str, str] = field(default_factory=dict)

    def laid(self, market: Market) -> Market:
        """`market` with the series and the ratios beside its sessions: each as the decision of the session after could know it
        (a VIX that is told after the close belongs to the close that it is told of).
        """
        following = np.append(market.sessions[1:], np.datetime64(market.session)).astype("datetime64[D]")
        macro = {name: as_it_came(following, *_came(rows)) for name, rows in self.series.items()}
        ratios = {} if self.ratios is None else _panels(self.ratios, market)
        return replace(market, macro=macro, ratios=ratios, stale=dict(self.stale))


def beside_prices(reader: Reader, policy: Policy, hours: Hours, as_of: datetime) -> Beside:
    """What the policy's strategy needs beside closes, known at `as_of`. `Refused` names a series nobody ever ingested."""
    wanted = needs(policy)
    if not wanted.macro and not wanted.ratios:
        return Beside()
    series = _series(reader, wanted.macro, as_of) if wanted.macro else {}
    stale = {f"macro {name}": why for name, rows in series.items() if (why := _late(rows, as_of))}
    ratios = None
    if wanted.ratios:
        since = _since(hours.previous, wanted.ratio_sessions)
        ratios = reader.indicators(policy.symbols, wanted.ratios, as_of, since=since, until=hours.previous)
        stale |= _unfiled(reader, policy, as_of)
    return Beside(series, ratios, stale)


def _series(reader: Reader, names: tuple[str, ...], as_of: datetime) -> dict[str, dict[str, Any]]:
    """Each series from one source: of several, the one whose newest date is the newest."""
    rows = reader.macro(names, as_of)
    missing = [name for name in names if not (rows["series"] == name).any()]
    if missing:
        raise Refused(
            f"The warehouse knows no value of {', '.join(missing)} at {as_of:%Y-%m-%d %H:%M} UTC.",
            "Ingest it (`trimtab ingest macro`), or take it out of the policy.",
            series=missing,
        )
    out = {}
    for name in names:
        mine = rows["series"] == name
        sources = {
            str(source): rows["date"][mine & (rows["source"] == source)].max() for source in np.unique(rows["source"][mine])
        }
        chosen = mine & (rows["source"] == max(sorted(sources), key=lambda each: sources[each]))
        out[name] = {column: values[chosen] for column, values in rows.items()}
    return out


def _late(rows: Mapping[str, Any], as_of: datetime) -> str:
    """Why a series is stale, or nothing: no newer value within three of its usual distances and its usual delay.

    The delay is that of a date's first vintage; distance and delay are those of the newest `RECENT` dates.
    """
    told, first = np.unique(rows["date"].astype("datetime64[D]"), return_index=True)  # rows are in order of their vintages
    dates, known = told[-RECENT:], _utc(rows["known_at"][first]).astype("datetime64[D]")[-RECENT:]
    distance = float(np.median(np.diff(dates).astype(int))) if len(dates) > 1 else 1.0
    allowed = LATE * max(distance, 2.0) + min(max(float(np.median((known - dates).astype(int))), 0.0), LONGEST)
    age = int((np.datetime64(as_of.date()) - dates.max()).astype(int))
    return f"its newest value is of {dates.max()}, {age} days ago" if age > allowed else ""


def _since(newest: date, sessions: int) -> date | None:
    """The first day to read, so that `sessions` before the newest are held whole; None: from the beginning."""
    first = newest.toordinal() - WINDOW - int(DAYS * sessions)
    return date.fromordinal(first) if first > 0 else None


def _panels(found: Indicators, market: Market) -> dict[str, FloatArray]:
    """Each ratio at the end of each session: the value at the symbol's newest bar by then, NaN where there is none."""
    out = {name: np.full((len(market.sessions), len(market.symbols)), np.nan) for name in found.values}
    ends = np.searchsorted(found.symbol, np.arange(len(market.symbols) + 1))
    read = slice(int(np.searchsorted(market.sessions, found.session.min())) if len(found.session) else 0, None)
    for column, rows in enumerate(map(slice, ends[:-1], ends[1:])):
        for name, values in found.values.items():
            out[name][read, column] = newest_by(market.sessions[read], found.session[rows], values[rows], WINDOW)
    for panel in out.values():
        panel.setflags(write=False)
    return out


def _unfiled(reader: Reader, policy: Policy, as_of: datetime) -> dict[str, str]:
    """The symbols whose newest known filing is too old, as one line of `stale`."""
    identities = reader.identities(policy.symbols, as_of)
    newest = reader.newest_filings(list(identities.values()), as_of)
    limit = as_of.date() - timedelta(days=FILED)
    old = [s for s in policy.symbols if (day := newest.get(identities.get(s, ""))) is None or day < limit]
    return {"fundamentals": f"no filing since {limit} is known of {', '.join(old)}"} if old else {}


def _came(rows: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dates, values, known_at) of a series."""
    return rows["date"].astype("datetime64[D]"), rows["value"].astype(float), _utc(rows["known_at"])


def _utc(instants: np.ndarray) -> np.ndarray:
    out: np.ndarray = instants.astype("datetime64[us]")
    return out
