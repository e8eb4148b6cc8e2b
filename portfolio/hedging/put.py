"""Protective puts within a budget: bought on what the book moves with, kept, and rolled before they expire."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from portfolio.hedging.listing import next_put, underlying
from portfolio.hedging.ratios import minimum_variance_ratio
from portfolio.hedging.scene import Scene
from portfolio.market import MINIMUM_DAYS, Market
from portfolio.measures import volatility
from portfolio.measures.options import LAST_DAYS, YEAR, European, option_value
from portfolio.types import Hedge, HedgePolicy, OptionTerms, Policy, Quote, multiplier, option_terms

ROLL = 21  # days before its expiry, in which a put is sold and the next one bought
HALF = 0.5  # of a contract: less than this moves no put that is held
SURE = 1e-9  # of a contract: what the last bits of a float are off
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class _Line:
    """One put. each: what a contract costs, a fraction of equity; yearly: what it costs a year; fades: what of that is no
    intrinsic value, which time takes away; covered: contracts that would cover the book, None where nobody can tell; marked:
    whether it is held and nothing but the broker's own mark says what it is worth.
    """

    terms: OptionTerms
    held: float
    each: float
    yearly: float
    fades: float
    covered: float | None
    beta: float
    marked: bool = False


def put_hedge(hedge: HedgePolicy, scene: Scene) -> Hedge:
    """Puts on the instrument for `cover` of the beta-weighted value of the book, in whole contracts, at a premium a year that is
    within the ceiling.

    A put that is held stays until 21 days before its expiry, and in number while what it should be is less than half a
    contract off. Its premium is paid: the ceiling limits what is bought and sells nothing. No put is planned on a model's
    price: without a quote the hedge waits.
    """
    held = held_put(hedge.instrument, scene.held)
    looked = {terms.symbol: _line(terms, hedge, scene) for terms in _candidates(held, hedge, scene)}
    found = next((line for line in looked.values() if isinstance(line, _Line)), None)
    if found is None:
        symbol, why = next(iter(looked.items()), (hedge.instrument, f"no price of {hedge.instrument} to name a put by"))
        return Hedge(hedge.name, hedge.kind, symbol, 0.0, 0.0, 0.0, hedge.ceiling, f"{hedge.name}: {why}, so it waits")
    number, why = _number(found, hedge)
    cost = number * (found.fades if number <= found.held else found.yearly)
    wanted = found.each * (number if found.covered is None else found.covered)
    rolled = f"; in place of {held.symbol}" if held is not None and held != found.terms else ""
    about = f"strike {found.terms.strike:f}, expiry {found.terms.expiry}, {cost:.2%} of equity a year{rolled}"
    said = f"{hedge.name}: {why}, {about}"
    return Hedge(hedge.name, hedge.kind, found.terms.symbol, number * found.each, wanted, cost, hedge.ceiling, said)


def wanted_options(policy: Policy, market: Market, held: Mapping[str, Decimal]) -> tuple[str, ...]:
    """The options whose quotes a decision needs: of each put hedge the one to buy now, and all that are held."""
    puts = [next_put(hedge, policy, market) for hedge in policy.hedges if hedge.kind == "put"]
    mine = [symbol for symbol, quantity in sorted(held.items()) if quantity and option_terms(symbol)]
    return tuple(dict.fromkeys([*(put.symbol for put in puts if put is not None), *mine]))


def model_quote(symbol: str, policy: Policy, market: Market) -> Quote | None:
    """For a trial without a broker: Black and Scholes at the volatility of the underlying over the hedge's `lookback`, to the
    cent; None where no put hedge is on it, or its history or time is too short.
    """
    terms = option_terms(symbol)
    days = [h.lookback for h in policy.hedges if h.kind == "put" and terms and h.instrument == terms.underlying]
    there = underlying(terms.underlying, policy, market) if terms else None
    if terms is None or there is None or not days:
        return None
    closes = market.closes_of(terms.underlying)
    assert closes is not None
    window = closes[-(days[0] + 1) :]
    returns = window[1:] / window[:-1] - 1.0
    known = returns[np.isfinite(returns)]
    left = (terms.expiry - market.session).days
    if len(known) < MINIMUM_DAYS or left <= 0:
        return None
    option = European(terms.right, float(terms.strike), left / YEAR)
    value = Decimal(repr(float(option_value(option, there.price, volatility(known))))).quantize(CENT)
    return Quote(symbol, None, None, max(value, CENT), policy.currency(symbol), market.as_of, delayed=True)


def held_put(instrument: str, held: Mapping[str, Decimal]) -> OptionTerms | None:
    """The put on `instrument` that is held: of several the one that expires last, and the most of them. Others are sold."""
    terms = [(found, quantity) for s, quantity in sorted(held.items()) if quantity > 0 and (found := option_terms(s))]
    mine = [(t.expiry, quantity, t.symbol, t) for t, quantity in terms if t.underlying == instrument and t.right == "P"]
    return max(mine)[-1] if mine else None


def _candidates(held: OptionTerms | None, hedge: HedgePolicy, scene: Scene) -> list[OptionTerms]:
    """The puts to hold, the best first: the one that is held; near its end the next one, and until the days before its expiry
    still the one that is held, where the next one cannot be had.
    """
    new, left = next_put(hedge, scene.policy, scene.market), _days(held, scene.market.session) if held else 0
    if held and left > ROLL:
        return [held]
    later = [new] if new and (held is None or new.expiry > held.expiry) else []
    return [*later, held] if held and left > LAST_DAYS else later


def _line(terms: OptionTerms, hedge: HedgePolicy, scene: Scene) -> _Line | str:
    """A sentence where it cannot be planned: without a usable quote, a rate of its currency, or a beta to buy by."""
    premium, rate = _premium(terms, scene), _rate(terms, scene)
    if premium is None or rate is None:
        return f"there is no quote of {terms.symbol}" if premium is None else f"there is no rate of {terms.symbol}'s currency"
    a_share = float(multiplier(terms.symbol) * rate / scene.equity)  # of equity, for each unit of its currency
    a_year = YEAR / max(_days(terms, scene.market.session), 1)
    there, seen = underlying(hedge.instrument, scene.policy, scene.market), scene.returns(hedge)
    beta = -minimum_variance_ratio(seen[0], seen[1]) if seen else math.nan
    covered = max(hedge.cover * beta, 0.0) / (there.price * a_share) if there and math.isfinite(beta) else None
    held = float(scene.held.get(terms.symbol, 0))
    if covered is None and not held:
        return f"too little history to measure a beta to {hedge.instrument} by"
    each = float(multiplier(terms.symbol) * premium * rate / scene.equity)
    inside = max(float(terms.strike) - there.price, 0.0) * a_share if there else 0.0
    marked = scene.quotes[terms.symbol].marked
    return _Line(terms, held, each, each * a_year, max(each - inside, 0.0) * a_year, covered, beta, marked)


def _number(line: _Line, hedge: HedgePolicy) -> tuple[float, str]:
    """(contracts to hold, why)."""
    if line.marked:
        return line.held, f"{line.held:g} of {line.terms.symbol} stay at the broker's own mark, for nobody quotes it"
    about = f"{line.terms.symbol}: the book's beta to {hedge.instrument} is {line.beta:.2f}"
    if line.covered is None:
        return line.held, f"{line.held:g} of {line.terms.symbol} stay, for nobody can tell the beta"
    if line.held and line.held - HALF - SURE <= line.covered < line.held + 1 + HALF + SURE:
        return line.held, f"{line.held:g} of {about}, and as many are held"
    wanted = math.floor(line.covered + SURE)
    number = min(wanted, max(_affordable(line.yearly, hedge.ceiling, wanted), int(line.held)))
    cut = "" if wanted else ", which is less than a contract"
    cut = cut if number == wanted else f", cut from {wanted} by its ceiling of {hedge.ceiling:.2%} a year"
    return float(number), f"{number} of {about}, {hedge.cover:.0%} of it covered{cut}"


def _affordable(yearly: float, ceiling: float, most: int) -> int:
    """How many contracts, `most` at the most, cost at most the ceiling; none where that is no number."""
    number = most if most * yearly <= ceiling else min(most, int(ceiling / yearly) + 1) if ceiling > 0 else 0
    while number > 0 and not number * yearly <= ceiling:
        number -= 1
    return number


def _premium(terms: OptionTerms, scene: Scene) -> Decimal | None:
    """Per share: the quote that an order may be sized on; of what is held, without one, the broker's own mark."""
    quote = scene.quotes.get(terms.symbol)
    if quote is None or quote.currency != scene.policy.currency(terms.symbol):
        return None
    return quote.worth if scene.held.get(terms.symbol, 0) > 0 else quote.dealable


def _rate(terms: OptionTerms, scene: Scene) -> Decimal | None:
    currency = scene.policy.currency(terms.symbol)
    told = scene.rates.get(currency)
    if told is not None:
        return told.value if told.value.is_finite() and told.value > 0 else None
    there = underlying(terms.underlying, scene.policy, scene.market)
    return Decimal(1) if currency == scene.policy.base_currency else Decimal(repr(there.rate)) if there else None


def _days(terms: OptionTerms, session: date) -> int:
    return (terms.expiry - session).days
