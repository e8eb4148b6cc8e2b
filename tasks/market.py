"""From the warehouse to the market as it was known at a moment: one snapshot, read once."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from portfolio.market import Market, PriceHistory, view
from portfolio.types import Health, LawResult, Policy
from tasks.calendar import Hours

if TYPE_CHECKING:
    from warehouse.lake import Lake


FRESH = "fresh"  # the law of one batch; here the same is asked of all that the warehouse holds


def market_at(
    lake: Lake, policy: Policy, hours: Hours, as_of: datetime, snapshot: int, results: tuple[LawResult, ...] = ()
) -> Market:
    """The policy's market at `as_of`, from `snapshot`, with each symbol's health: what the laws said, and staleness."""
    from expectations.gate import judge

    symbols = list(policy.symbols)
    wanted = symbols + ([policy.benchmark] if policy.benchmark and policy.benchmark not in symbols else [])
    with lake.at(snapshot) as reader:
        prices = reader.prices(wanted, as_of)
        declared = reader.declarations("prices")
    declarations = tuple(declared[s] for s in sorted({*prices.sources.values()}) if s in declared)
    position, closes = prices.symbol.astype(np.int64), prices.fields["close"]
    history = PriceHistory(prices.symbols, prices.session, position, closes, prices.known_at)
    told = [r for r in results if r.law != FRESH]
    standings = judge(told, symbols, unknown=policy.risk.unknown)
    health = {s: standing.health for s, standing in standings.items()}
    illness = {s: standing.reasons for s, standing in standings.items() if standing.reasons}
    market = view(
        history,
        as_of=as_of,
        session=hours.session,
        snapshot=snapshot,
        symbols=symbols,
        benchmark=policy.benchmark,
        health=health,
        illness=illness,
        declarations=declarations,
    )
    return _with_staleness(market, hours.previous)


def _with_staleness(market: Market, newest: date) -> Market:
    """A symbol without the close of the session before is blocked: nothing is decided on an old price."""
    from dataclasses import replace

    last = {s: _last_session(market, i) for i, s in enumerate(market.symbols)}
    stale = {s: day for s, day in last.items() if day is None or day < newest}
    health = {**market.health, **dict.fromkeys(stale, Health.BLOCKED)}
    why = {s: (*market.illness.get(s, ()), f"its newest close is of {day}, {newest} is missing") for s, day in stale.items()}
    return replace(market, health=health, illness={**market.illness, **why})


def _last_session(market: Market, column: int) -> date | None:
    known = np.nonzero(np.isfinite(market.closes[:, column]))[0]
    if len(known) == 0:
        return None
    day: date = market.sessions[known[-1]].astype("datetime64[D]").astype(object)
    return day
