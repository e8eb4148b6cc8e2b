"""What a plan is made from, beside the weights: the account, the quotes, and what the policy says of money and lots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from portfolio.errors import Refused
from portfolio.rates import rate_of
from portfolio.types import Account, CostPolicy, Quote, Rate, multiplier, pair_symbol

ONE, ZERO = Decimal(1), Decimal(0)
PIPETTE = Decimal("0.00001")


@dataclass(frozen=True, slots=True)
class Sizing:
    """increments: the smallest tradable quantity of a symbol (1 if absent). reserve: of equity, the least cash after everything,
    all currencies together; below 0 it is a loan of a margin account. currencies: symbol -> currency, of those that trade
    in another than the account's. pending: signed quantity that is at work already. balances: foreign currency -> the cash
    that shall be left in it at the least (0 if absent; below 0 it is borrowed as a hedge). daily: symbol -> (average volume a
    day, volatility of a day), for the impact; absent where unknown. ceilings: the most units that may be held of a symbol
    afterwards.
    """

    decision: str
    account_name: str
    session: date
    account: Account
    quotes: Mapping[str, Quote]
    instruments: Mapping[str, str]  # symbol -> instrument
    increments: Mapping[str, Decimal]
    reserve: float  # of equity
    minimum_trade: float  # in the account's currency
    max_weight: float = 1.0  # of equity; rounding lifts no symbol above it
    costs: CostPolicy = field(default_factory=CostPolicy)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, Decimal] = field(default_factory=dict)
    balances: Mapping[str, Decimal] = field(default_factory=dict)
    daily: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    ceilings: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return self.account.currency

    def currency(self, symbol: str) -> str:
        return self.currencies.get(symbol, self.base)

    def rate(self, currency: str) -> Decimal:
        """What one unit of `currency` is worth in the account's. `Refused` where nobody said it, or it is no price."""
        return rate_of(currency, self.base, self.rates)

    def held(self, symbol: str) -> Decimal:
        """What is held once the orders at work are filled."""
        return self.account.positions.get(symbol, ZERO) + self.pending.get(symbol, ZERO)

    def step(self, symbol: str) -> Decimal:
        return self.increments.get(symbol, ONE)

    def price(self, symbol: str) -> Decimal:
        """What one unit is worth, in its currency. `Refused` where there is no usable quote in it."""
        quote, currency = self.quotes.get(symbol), self.currency(symbol)
        price = quote.dealable if quote and quote.currency == currency else None
        if price is None:
            raise Refused(
                f"There is no usable quote for {symbol} in {currency}.",
                "Check the gateway's market data, then run again.",
                symbol=symbol,
            )
        return price * multiplier(symbol)

    def worth(self, symbol: str) -> Decimal:
        """What one unit that is held is worth, in its currency: its price, or the broker's own mark of it."""
        quote, currency = self.quotes.get(symbol), self.currency(symbol)
        if quote is not None and quote.marked and quote.currency == currency:
            assert quote.mark is not None
            return quote.mark * multiplier(symbol)
        return self.price(symbol)

    def far(self, symbol: str, delta: Decimal) -> Decimal:
        """What a taker pays for one unit: the ask when buying, the bid when selling; the reference where that side is absent
        (of a buy at work that nobody quotes, the broker's mark), and half the spread that the policy assumes beside it.
        """
        quote = self.quotes[symbol]
        side = quote.ask if delta > 0 else quote.bid
        if side is not None and side > 0:
            return side * multiplier(symbol)
        price = quote.reference if quote.reference is not None else quote.mark
        assert price is not None
        half = Decimal(repr(self.costs.half_spread))
        return price * (ONE + half if delta > 0 else ONE - half) * multiplier(symbol)

    def pair(self, currency: str) -> tuple[str, Quote]:
        """(symbol, quote) of the pair of `currency` and the account's own; a pair without a quote is dealt at its rate, a tenth
        of the policy's half spread away: the large pairs trade within a pip of it.
        """
        symbol = pair_symbol(currency, self.base)
        quote = self.quotes.get(symbol)
        if quote is not None and quote.dealable is not None:
            return symbol, quote
        rate = self.rate(currency)
        mid = (rate if symbol.startswith(currency) else ONE / rate).quantize(PIPETTE)
        half = mid * Decimal(repr(self.costs.half_spread)) / 10
        quoted = symbol.partition(".")[2]
        return symbol, Quote(symbol, mid - half, mid + half, mid, quoted, self.rates[currency].time, delayed=True)
