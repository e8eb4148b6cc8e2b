"""What the one door sees at the moment of sending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from portfolio.orders.costs import commission_of, conversion_commission
from portfolio.types import (
    Contract,
    CostPolicy,
    GatePolicy,
    Intent,
    MarginPolicy,
    PlanLine,
    Preview,
    Quote,
    Side,
    TradingState,
    currency_pair,
    multiplier,
    option_terms,
)

UNKNOWN = Decimal("NaN")
ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class GateView:
    """The account, the market and the policy, `now` on the broker's clock. Money in the base currency where nothing else is said.

    rates: what one unit of another currency is worth, by a fresh quote; absent where there is none. currencies: symbol -> what
    it trades in, of those that are not in the base currency. shorts: what the policy wants to be short of; insured: on what it
    buys puts. loans: currency -> the balance below zero that the plan leads to, where the account has a margin. preview: what
    the broker says the next order would do; no_preview: why it says nothing. costs: what a trade is expected to cost. Cash and
    positions are less what orders at work will take.
    """

    policy: GatePolicy
    base_currency: str
    unknown: str  # warn | block
    now: datetime
    nav: Decimal
    cash: Decimal
    state: TradingState
    positions: Mapping[str, Decimal]
    quotes: Mapping[str, Quote]
    contracts: Mapping[str, Contract]
    volumes: Mapping[str, float | None]  # 20-day average, shares
    sent: Sequence[Intent]  # handed to the broker in this session
    symbols: frozenset[str]  # the policy's universe, and the instruments of its hedges
    funding: bool
    foreign: Mapping[str, Decimal] = field(default_factory=dict)  # cash in other currencies, each in its own
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    shorts: frozenset[str] = frozenset()
    insured: frozenset[str] = frozenset()
    margin: MarginPolicy | None = None
    loans: Mapping[str, Decimal] = field(default_factory=dict)
    preview: Preview | None = None
    no_preview: str = ""
    costs: CostPolicy = field(default_factory=CostPolicy)

    def currency(self, symbol: str) -> str:
        """What the policy says that `symbol` is priced in."""
        pair, option = currency_pair(symbol), option_terms(symbol)
        return pair[1] if pair else self.currencies.get(option.underlying if option else symbol, self.base_currency)

    def rate(self, currency: str) -> Decimal:
        """What one unit is worth in the base currency; no number where nobody says it freshly."""
        return Decimal(1) if currency == self.base_currency else self.rates.get(currency, UNKNOWN)

    def balance(self, currency: str) -> Decimal:
        """Cash in that currency."""
        return self.cash if currency == self.base_currency else self.foreign.get(currency, Decimal(0))

    def cash_in_base(self) -> Decimal:
        """All cash at these rates."""
        return self.cash + sum((amount * self.rate(c) for c, amount in self.foreign.items() if amount), Decimal(0))

    def value(self, order: PlanLine | Intent) -> Decimal:
        """What the order is about."""
        return order.quantity * order.price * multiplier(order.symbol) * self.rate(order.currency)

    def spent(self, amounts: Mapping[str, Decimal]) -> GateView:
        """The view with so much less cash, by currency."""
        left = {currency: self.balance(currency) - amount for currency, amount in amounts.items()}
        own = left.pop(self.base_currency, self.cash)
        return replace(self, cash=own, foreign={**self.foreign, **left})

    def dearest(self, order: PlanLine | Intent) -> Decimal:
        """What one unit may cost: the plan's price, or the far side of the quote where that is more."""
        quote = self.quotes.get(order.symbol)
        if quote is None or quote.dealable is None or quote.currency != order.currency or not order.price.is_finite():
            return order.price
        return max(order.price, quote.ask if quote.ask is not None and quote.ask > 0 else quote.dealable)

    def outlay(self, order: PlanLine | Intent, quantity: Decimal) -> dict[str, Decimal]:
        """Currency -> what dealing `quantity` of an order takes from the cash, at the dearest and with the commission expected.

        Nothing where more comes in than goes out: a sale of shares, and the commission of a conversion into the base currency.
        """
        pair, price = currency_pair(order.symbol), self.dearest(order) * multiplier(order.symbol)
        if quantity <= 0 or not (pair or order.side is Side.BUY):
            return {}
        if pair is None:
            return {order.currency: quantity * price + _commission(self.costs, order.symbol, quantity, price)}
        spent, gained = pair[::-1] if order.side is Side.BUY else pair
        takes = {spent: quantity * price if order.side is Side.BUY else quantity}
        if gained != self.base_currency:
            takes[self.base_currency] = takes.get(self.base_currency, ZERO) + self._fee(order.symbol, quantity)
        return takes

    def _fee(self, pair: str, quantity: Decimal) -> Decimal:
        """Of a conversion, in the base currency; the least of it where its worth is not known."""
        schedule = conversion_commission(self.costs, self.base_currency)
        worth = quantity * self.rate(pair.partition(".")[0])
        return schedule.of(worth, ONE) if worth.is_finite() else schedule.minimum


def _commission(costs: CostPolicy, symbol: str, quantity: Decimal, price: Decimal) -> Decimal:
    """In the trade's own currency; no number where the price is none."""
    return commission_of(costs, symbol).of(quantity, price) if price.is_finite() else UNKNOWN


def proceeds(order: PlanLine | Intent, quantity: Decimal) -> tuple[str, Decimal]:
    """(currency, amount) that dealing `quantity` of an order brings at the plan's price; a purchase of shares brings none."""
    pair = currency_pair(order.symbol)
    if order.side is Side.SELL:
        return (pair[1] if pair else order.currency), quantity * order.price * multiplier(order.symbol)
    return (pair[0], quantity) if pair else (order.currency, ZERO)


def planned_outlay(order: PlanLine | Intent, quantity: Decimal) -> tuple[str, Decimal]:
    """(currency, amount) that dealing `quantity` of an order takes at the plan's price, without its commission."""
    pair = currency_pair(order.symbol)
    if order.side is Side.BUY:
        return (pair[1] if pair else order.currency), quantity * order.price * multiplier(order.symbol)
    return (pair[0], quantity) if pair else (order.currency, ZERO)
