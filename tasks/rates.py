"""What a policy's foreign money was worth, as it was known: dated rates out of the warehouse's series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from portfolio.errors import Refused
from portfolio.market import Market, newest_by
from portfolio.rates import Route, along, rate_series, worth
from portfolio.types import CURRENCIES, FloatArray, Health, Quote, Rate, pair_symbol

if TYPE_CHECKING:
    from brokers.reconcile import Desk
    from warehouse.reads import Reader

STALE = 5  # days: an older rate is none

Told = Mapping[str, tuple[Any, Any]]  # series -> its dates (datetime64[D], ascending) and values


@dataclass(frozen=True, slots=True)
class Rates:
    """The way to the base currency that was chosen for each foreign one, and what its series say."""

    told: Told = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)

    def panel(self, currency: str, sessions: np.ndarray) -> FloatArray:
        """What a unit was worth at each session: the newest rate of its day or up to 5 days before; (sessions,)."""
        legs = {series: newest_by(sessions, *self.told[series], STALE) for series, _ in self.routes[currency]}
        out = np.broadcast_to(along(self.routes[currency], legs), sessions.shape).copy()
        out.setflags(write=False)
        return out

    def day(self, currency: str) -> date:
        """The day of the newest rate: of several series the oldest newest."""
        return _day(self.routes[currency], self.told)

    def laid(self, market: Market, currencies: Mapping[str, str]) -> Market:
        """`market` with closes, benchmark and what is watched in the base currency. currencies: of those in another one."""
        panels = {c: self.panel(c, market.sessions) for c in sorted(self.routes)}
        if not panels:
            return market
        ones = np.ones(len(market.sessions))
        factors = [panels.get(currencies.get(s, ""), ones) for s in market.symbols]
        closes = market.closes * np.column_stack(factors)
        closes.setflags(write=False)
        watched = {s: values * panels.get(currencies.get(s, ""), ones) for s, values in market.watched.items()}
        days = {c: self.day(c) for c in panels}
        return replace(market, closes=closes, watched=watched, rates=panels, rate_days=days)


def rates_at(reader: Reader, currencies: Iterable[str], base: str, as_of: datetime, also: frozenset[str] = frozenset()) -> Rates:
    """The rates of `currencies` in `base` known at `as_of`, and those of `also` that are. `Refused` names a currency without any.

    Of several ways the one with the newest day is taken, and of equals the reference rates of the European Central Bank.
    """
    needed = {*currencies} - {base}
    wanted = sorted((needed | also) - {base})
    if not wanted:
        return Rates()
    ways = {currency: rate_series(currency, base) for currency in wanted}
    told = _told(reader, sorted({series for routes in ways.values() for route in routes for series, _ in route}), as_of)
    chosen = {currency: _newest(routes, told) for currency, routes in ways.items()}
    if lacking := [currency for currency, route in chosen.items() if route is None and currency in needed]:
        raise Refused(
            f"The warehouse knows no rate of {', '.join(lacking)} in {base} at {as_of:%Y-%m-%d %H:%M} UTC.",
            "Ingest one (`trimtab ingest macro --source sample`, or exchange_rates from fred).",
            currencies=lacking,
        )
    return Rates(told, {currency: route for currency, route in chosen.items() if route is not None})


def _told(reader: Reader, series: list[str], as_of: datetime) -> dict[str, tuple[Any, Any]]:
    """Of each series, from the source that is newest, the newest version of each day that is no gap."""
    rows = reader.macro(series, as_of)
    days, values = rows["date"].astype("datetime64[D]"), rows["value"].astype(float)
    out: dict[str, tuple[Any, Any]] = {}
    for name in series:
        mine = rows["series"] == name
        for source in np.unique(rows["source"][mine]):
            here = mine & (rows["source"] == source)
            dates, last = np.unique(days[here][::-1], return_index=True)  # rows are in order of their versions
            newest = values[here][::-1][last]
            good = np.isfinite(newest) & (newest > 0)
            if good.any() and (name not in out or dates[good][-1] > out[name][0][-1]):
                out[name] = (dates[good], newest[good])
    return out


def _newest(routes: Iterable[Route], told: Told) -> Route | None:
    known = [route for route in routes if all(series in told for series, _ in route)]
    return max(known, key=lambda route: _day(route, told), default=None)


def _day(route: Route, told: Told) -> date:
    newest: date = min(told[series][0][-1] for series, _ in route).astype("datetime64[D]").astype(object)
    return newest


def with_stale_rates(market: Market, currencies: Mapping[str, str], base: str) -> Market:
    """A symbol whose currency's newest rate is more than 5 days old at the decision is blocked."""
    ages = {currency: (market.session - day).days for currency, day in market.rate_days.items()}
    ill = {s: c for s, c in currencies.items() if s in market.symbols and ages.get(c, 0) > STALE}
    if not ill:
        return market
    words = {
        s: f"the newest rate of {c} in {base} is of {market.rate_days[c]}, {ages[c]} days before the decision"
        for s, c in ill.items()
    }
    health = {**market.health, **dict.fromkeys(ill, Health.BLOCKED)}
    illness = {**market.illness, **{s: (*market.illness.get(s, ()), why) for s, why in words.items()}}
    return replace(market, health=health, illness=illness)


# ---------------------------------------------------------------- from quotes
def foreign_pairs(desk: Desk, cash: Mapping[str, Decimal], strays: Mapping[str, str]) -> dict[str, str]:
    """Foreign currency -> its pair with the account's own: of what the policy's symbols trade in, of money that is there, and of
    what is held that the policy does not name (`strays`: symbol -> currency).
    """
    units = {*desk.currencies.values(), *strays.values(), *(currency for currency, amount in cash.items() if amount)}
    return {c: pair_symbol(c, desk.currency) for c in sorted(units - {desk.currency}) if c in CURRENCIES}


def rates_from(quotes: Mapping[str, Quote], pairs: Mapping[str, str], base: str, source: str) -> dict[str, Rate]:
    """The rate of each foreign currency, by the quote of its pair; absent where that cannot be dealt at.

    pairs: as `foreign_pairs` gives them.
    """
    out = {}
    for currency, pair in pairs.items():
        quote = quotes.get(pair)
        value = worth(currency, base, {pair: quote.dealable}) if quote else None
        if quote is not None and value is not None:
            out[currency] = Rate(currency, value, quote.time, source)
    return out


def newest_rates(market: Market) -> dict[str, Rate]:
    """The rate of each foreign currency at the market's newest session; absent where it is not known."""
    newest = {c: float(panel[-1]) for c, panel in market.rates.items() if len(panel)}
    days = {c: datetime.combine(market.rate_days[c], time(0), UTC) for c in newest}
    return {c: Rate(c, Decimal(str(value)), days[c], "reference rates") for c, value in newest.items() if np.isfinite(value)}
