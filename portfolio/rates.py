"""Exchange rates: which series tells which pair, and how a rate comes out of others."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

from portfolio.errors import Refused
from portfolio.types import CURRENCIES, FloatArray, Rate, pair_symbol

Leg = tuple[str, int]  # a series, and 1 as it is told or -1 turned around
Route = tuple[Leg, ...]  # the product of its legs is the rate; none of them: 1

# Series -> (one unit of, is worth so many of). Each family tells every currency against one.
ECB = {f"EUR.{currency}": ("EUR", currency) for currency in CURRENCIES if currency != "EUR"}  # reference rates
FRED = {  # noon rates of New York, Federal Reserve release H.10
    "DEXUSEU": ("EUR", "USD"),
    "DEXUSUK": ("GBP", "USD"),
    "DEXUSAL": ("AUD", "USD"),
    "DEXJPUS": ("USD", "JPY"),
    "DEXSZUS": ("USD", "CHF"),
    "DEXCAUS": ("USD", "CAD"),
}
FAMILIES = ((ECB, "EUR"), (FRED, "USD"))


def rate_of(currency: str, base: str, rates: Mapping[str, Rate]) -> Decimal:
    """What one unit of `currency` is worth in `base`. `Refused` where nobody said it, or it is no price."""
    if currency == base:
        return Decimal(1)
    found = rates.get(currency)
    if found is None or not found.value.is_finite() or found.value <= 0:
        raise Refused(f"There is no rate of {currency} in {base}.", "Check the gateway's market data.", currency=currency)
    return found.value


def rate_series(currency: str, base: str) -> tuple[Route, ...]:
    """The ways to what one unit of `currency` is worth in `base`, the preferred one first. `Refused` of a currency without any.

    >>> rate_series("USD", "EUR")[0], rate_series("GBP", "USD")[0]
    ((('EUR.USD', -1),), (('EUR.GBP', -1), ('EUR.USD', 1)))
    >>> rate_series("GBP", "USD")[1]
    (('DEXUSUK', 1),)
    """
    if currency == base:
        return ((),)
    if unknown := sorted({currency, base} - set(CURRENCIES)):
        words = f"No series says what {', '.join(unknown)} is worth; known are {', '.join(CURRENCIES)}."
        raise Refused(words, "Use one of these.", currencies=unknown)
    return tuple((*_leg(family, currency, hub), *_leg(family, hub, base)) for family, hub in FAMILIES)


def _leg(family: Mapping[str, tuple[str, str]], one: str, other: str) -> Route:
    """From `one` to `other`, one of which is the family's own currency."""
    if one == other:
        return ()
    for series, pair in family.items():
        if pair in ((one, other), (other, one)):
            return ((series, 1 if pair == (one, other) else -1),)
    raise KeyError((one, other))


def along(route: Route, values: Mapping[str, FloatArray]) -> FloatArray:
    """The rate at each session from the values of each series there; shape (sessions,), NaN where a leg is unknown."""
    out: FloatArray = np.prod([values[series] ** power for series, power in route], axis=0)
    return out


def worth(currency: str, base: str, prices: Mapping[str, Decimal | None]) -> Decimal | None:
    """What one unit of `currency` is worth in `base`, from the price of the pair that is dealt; None where there is none, and of
    a currency that has no pair here.

    >>> worth("USD", "EUR", {"EUR.USD": Decimal("1.25")})
    Decimal('0.8')
    >>> worth("NOK", "EUR", {"EUR.USD": Decimal("1.25")}) is None
    True
    """
    if currency == base:
        return Decimal(1)
    if {currency, base} - set(CURRENCIES):
        return None
    pair = pair_symbol(currency, base)
    price = prices.get(pair)
    if price is None or not price.is_finite() or price <= 0:
        return None
    return price if pair.startswith(currency) else 1 / price
