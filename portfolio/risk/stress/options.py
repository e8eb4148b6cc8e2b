"""What an option that was bought is worth after a shock to what it is on: at once, at the volatility behind its price."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from portfolio.measures.options import YEAR, European, implied_volatility, option_value
from portfolio.risk.situation import Situation
from portfolio.types import FloatArray, Health, OptionTerms, option_terms

WORTHLESS = "an option: taken to expire worthless"


@dataclass(frozen=True, slots=True)
class Bought:
    """price: of the underlying; worth: of the option, per share; both in their own currency. volatility: a year, implied by the
    two (European, without a rate or a dividend).
    """

    underlying: str
    option: European
    price: float
    worth: float
    volatility: float

    def gain(self, shocks: FloatArray, multiple: float) -> FloatArray:
        """Return of the option at once after returns `shocks` of its underlying, with `multiple` times the volatility; shape of
        `shocks`, NaN where it is.
        """
        shocked = option_value(self.option, self.price * np.maximum(1.0 + shocks, 0.0), self.volatility * multiple)
        out: FloatArray = shocked / self.worth - 1.0
        return out

    @property
    def words(self) -> str:
        return f"an option on {self.underlying}: revalued at a volatility of {self.volatility:.1%}"


def bought(symbol: str, there: Situation) -> Bought | None:
    """None where it cannot be revalued: no option, no price of it or of its underlying, or prices that no volatility explains.

    Worth less than exercise brings, it is taken to be worth that, so that no gain is made of a stale quote.
    """
    terms = option_terms(symbol)
    worth, price = (_quoted(symbol, there), _price(terms, there)) if terms else (None, None)
    if terms is None or worth is None or price is None:
        return None
    option = European(terms.right, float(terms.strike), max((terms.expiry - there.market.session).days, 0) / YEAR)
    sure = float(option_value(option, price, 0.0))
    volatility = implied_volatility(option, price, worth)
    if math.isnan(volatility):
        return Bought(terms.underlying, option, price, max(worth, sure), 0.0) if 0.0 < worth <= sure * (1 + 1e-3) else None
    return Bought(terms.underlying, option, price, max(worth, sure), volatility)


def _quoted(symbol: str, there: Situation) -> float | None:
    quote = there.quotes.get(symbol)
    price: Decimal | None = quote.dealable if quote and quote.currency == there.policy.currency(symbol) else None
    return None if price is None else float(price)


def _price(terms: OptionTerms, there: Situation) -> float | None:
    """Of the underlying, in its own currency: its quote, else its newest close. None of one whose history cannot be seen."""
    market, currency = there.market, there.policy.currency(terms.underlying)
    closes = market.closes_of(terms.underlying)
    if closes is None or not len(closes) or market.health.get(terms.underlying) is Health.BLOCKED:
        return None
    quoted, rates = _quoted(terms.underlying, there), market.rates.get(currency)
    rate = 1.0 if currency == there.policy.base_currency else float(rates[-1]) if rates is not None and len(rates) else math.nan
    price = quoted if quoted is not None else float(closes[-1]) / rate
    return price if math.isfinite(price) and price > 0 else None
