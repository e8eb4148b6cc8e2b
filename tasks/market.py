"""From the warehouse to the market as it was known at a moment: one snapshot, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portfolio.errors import Refused
from portfolio.market import Market, PriceHistory, view
from portfolio.record import health_from
from portfolio.strategies import needs
from portfolio.types import Health, Incident, LawResult, Policy
from tasks.beside import beside_prices
from tasks.calendar import Hours
from tasks.rates import Rates, rates_at, with_stale_rates

if TYPE_CHECKING:
    from expectations.gate import Standing
    from warehouse.lake import Lake
    from warehouse.reads import Prices


FIELDS = ("close", "volume")
VOLUME_DAYS = 20
FRESH = "fresh"  # the law of one batch; here the same is asked of all that the warehouse holds


@dataclass(frozen=True, slots=True)
class Told:
    """What is known beside the warehouse: live incidents of prices, the newest law results, and foreign money."""

    incidents: tuple[Incident, ...] = ()
    results: tuple[LawResult, ...] = ()
    money: frozenset[str] = frozenset()  # currencies beside the policy's, in which the account has or had money


def market_at(lake: Lake, policy: Policy, hours: Hours, as_of: datetime, snapshot: int, told: Told | None = None) -> Market:
    """The policy's market at `as_of`, from `snapshot`, with each symbol's health: open incidents, what no law could judge
    (where the policy blocks on the unknown), and staleness.
    """
    told = told or Told()
    named = sorted({s for i in told.incidents for s in i.symbols} - set(policy.traded))
    with lake.at(snapshot) as reader:
        prices = reader.prices(wanted(policy), as_of, FIELDS)
        currencies = foreign(policy, prices)
        rates = rates_at(reader, currencies.values(), policy.base_currency, as_of, told.money)
        declared = reader.declarations("prices")
        identities = reader.identities(policy.traded, as_of)
        older_names = reader.bearers(named, as_of)
        beside = beside_prices(reader, policy, hours, as_of)
    declarations = tuple(declared[s] for s in sorted({*prices.sources.values()}) if s in declared)
    standings = _standings(told, policy, older_names | identities, prices.sources)
    health = {s: standing.health for s, standing in standings.items()}
    illness = {s: standing.reasons for s, standing in standings.items() if standing.reasons}
    said = {"health": health, "illness": illness, "declarations": declarations, "instruments": identities}
    seen = _seen(policy, hours, as_of, snapshot, _history(prices, prices.known_at), said)
    market = _in_base(beside.laid(_with_volumes(seen, prices)), policy, rates, currencies)
    return with_stale_rates(_with_staleness(market, hours.previous), currencies, policy.base_currency)


def hindsight_at(lake: Lake, policy: Policy, hours: Hours, as_of: datetime, snapshot: int, recorded: Mapping[str, Any]) -> Market:
    """The market that a decision of `as_of` would have seen, had it known the bars of its sessions as `snapshot` has them.

    recorded: the market of the decision's record, for health and declarations.
    """
    with lake.at(snapshot) as reader:
        prices = reader.prices(wanted(policy), None, FIELDS, until=hours.previous)
        currencies = foreign(policy, prices)
        rates = rates_at(reader, currencies.values(), policy.base_currency, as_of)
        identities = reader.identities(policy.traded, None)
        beside = beside_prices(reader, policy, hours, as_of)
    moment = np.datetime64(as_of.astimezone(UTC).replace(tzinfo=None), "us")
    health, illness, declarations = health_from(recorded)
    said = {"health": health, "illness": illness, "declarations": declarations, "instruments": identities}
    seen = _seen(policy, hours, as_of, snapshot, _history(prices, np.full(len(prices.known_at), moment)), said)
    return _in_base(beside.laid(_with_volumes(seen, prices)), policy, rates, currencies)


def wanted(policy: Policy) -> list[str]:
    """Whom a policy looks at: what it trades, its benchmark, and what its strategy only watches."""
    return list(dict.fromkeys([*policy.traded, *([policy.benchmark] if policy.benchmark else []), *_watched(policy)]))


def _watched(policy: Policy) -> tuple[str, ...]:
    """What is looked at beside what is traded."""
    return tuple(s for s in needs(policy).watched if s not in policy.traded)


def foreign(policy: Policy, prices: Prices) -> dict[str, str]:
    """Symbol -> currency of its prices, of those that are not in the base currency.

    `Refused` where prices of what is traded are in another currency than the policy says, or somebody's in several.
    """
    out = {}
    for symbol, told in prices.currencies.items():
        said = policy.currency(symbol) if symbol in {*policy.traded, *policy.currencies} else told[0]
        if told != (said,):
            raise Refused(
                f"The prices of {symbol} are in {' and '.join(map(str, told))}, the policy says {said}.",
                "Name its currency under [universe.currencies], or ingest it from another source; pence are no pounds.",
                symbol=symbol,
            )
        if said != policy.base_currency:
            out[symbol] = said
    return out


def _in_base(market: Market, policy: Policy, rates: Rates, currencies: Mapping[str, str]) -> Market:
    """Closes, the benchmark and what is watched, each at the rate of its session."""
    laid = rates.laid(market, currencies)
    unit = currencies.get(policy.benchmark or "")
    return replace(laid, benchmark=laid.benchmark * laid.rates[unit]) if unit else laid


def _with_volumes(market: Market, prices: Prices) -> Market:
    """The mean of each symbol's newest 20 volumes, in shares; absent where one of them is not told."""
    volumes = {}
    for index, symbol in enumerate(prices.symbols):
        newest = prices.fields["volume"][prices.symbol == index][-VOLUME_DAYS:]
        if len(newest) == VOLUME_DAYS and np.isfinite(newest).all():
            volumes[symbol] = float(newest.mean())
    return replace(market, volumes=volumes)


def _history(prices: Prices, known_at: NDArray[np.datetime64]) -> PriceHistory:
    return PriceHistory(prices.symbols, prices.session, prices.symbol.astype(np.int64), prices.fields["close"], known_at)


def _seen(policy: Policy, hours: Hours, as_of: datetime, snapshot: int, history: PriceHistory, said: Mapping[str, Any]) -> Market:
    """`history` as the policy sees it at `as_of`; said: health, illness, declarations, instruments."""
    about = {"symbols": policy.traded, "benchmark": policy.benchmark, "watched": _watched(policy), **said}
    return view(history, as_of=as_of, session=hours.session, snapshot=snapshot, **about)


def _standings(told: Told, policy: Policy, identities: Mapping[str, str], sources: Mapping[str, str]) -> dict[str, Standing]:
    """Each symbol of the policy by the live incidents about it, and by the laws that nobody could ask."""
    from expectations.gate import judge, standing

    here = {s: identities.get(s, s) for s in policy.traded}
    by_incident = standing((i for i in told.incidents if i.law != FRESH), {**identities, **here}, sources)
    unasked = [r for r in told.results if r.status == "unknown" and r.source in {"", *sources.values()}]
    by_silence = judge(unasked, policy.traded, unknown=policy.risk.unknown)
    return {s: max(by_incident[s], by_silence[s], key=lambda one: list(Health).index(one.health)) for s in policy.traded}


def _with_staleness(market: Market, newest: date) -> Market:
    """A symbol without the close of the session before is blocked: nothing is decided on an old price."""
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
