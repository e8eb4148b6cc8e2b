"""What the one door sees at the moment of sending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from portfolio.types import (
    Contract,
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


@dataclass(frozen=True, slots=True)
class GateView:
    """The account, the market and the policy, `now` on the broker's clock. Money in the base currency where nothing else is said.

    rates: what one unit of another currency is worth, by a fresh quote; absent where there is none. currencies: symbol -> what
    it trades in, of those that are not in the base currency. shorts: what the policy wants to be short of; insured: on what it
    buys puts. loans: currency -> the balance below zero that the plan leads to, where the account has a margin. preview: what
    the broker says the next order would do; no_preview: why it says nothing.
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

    def spent(self, currency: str, amount: Decimal) -> GateView:
        """The view with so much less cash in `currency`."""
        if currency == self.base_currency:
            return replace(self, cash=self.cash - amount)
        return replace(self, foreign={**self.foreign, currency: self.balance(currency) - amount})


def outlay(order: PlanLine | Intent, quantity: Decimal) -> tuple[str, Decimal]:
    """(currency, amount) that dealing `quantity` of an order takes from the cash; a sale of shares takes none."""
    pair = currency_pair(order.symbol)
    if order.side is Side.BUY:
        return (pair[1] if pair else order.currency), quantity * order.price * multiplier(order.symbol)
    return (pair[0], quantity) if pair else (order.currency, Decimal(0))


def proceeds(order: PlanLine | Intent, quantity: Decimal) -> tuple[str, Decimal]:
    """(currency, amount) that dealing `quantity` of an order brings; a purchase of shares brings none."""
    pair = currency_pair(order.symbol)
    if order.side is Side.SELL:
        return (pair[1] if pair else order.currency), quantity * order.price * multiplier(order.symbol)
    return (pair[0], quantity) if pair else (order.currency, Decimal(0))
