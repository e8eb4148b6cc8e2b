"""What the account is worth, in its own currency, and what it must be worth to hold what it holds.

Initial margin is a share of the gross value of stocks and options, short ones too, and a small one of foreign money, owed or
held: its value moves against the account's currency. Maintenance margin is half of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal

from brokers.simulator.market import CASH, OPT, Listing, SimulatedMarket
from brokers.simulator.requests import ContractRequest
from brokers.simulator.store import Order, Position, Store
from portfolio.rates import worth
from portfolio.types import currency_pair, multiplier, option_terms

CENT = Decimal("0.01")
CURRENCY_MARGIN = Decimal("0.03")  # of money in another currency
CONVERSION, LEAST = Decimal("0.00002"), Decimal(2)  # of the value, and in USD


def commission(shares: Decimal, price: Decimal) -> Decimal:
    """What one order in a stock pays, to the cent: IB's fixed schedule, 0.005 a share, at least 1.00, at most 1 % of the value.

    >>> commission(Decimal(100), Decimal(50)), commission(Decimal(1000), Decimal(50)), commission(Decimal(1), Decimal(20))
    (Decimal('1.00'), Decimal('5.00'), Decimal('0.20'))
    """
    wanted = max(shares * Decimal("0.005"), Decimal(1))
    return min(wanted, shares * price / 100).quantize(CENT, ROUND_HALF_UP)


def option_commission(contracts: Decimal, premium: Decimal) -> Decimal:
    """What one order in options pays, to the cent: 0.65 a contract, 0.50 below a premium (a share) of 0.10, 0.25 below 0.05, and
    at least 1.00.

    Source: IB's published commissions of US options (IBKR Pro, up to 10,000 contracts a month).

    >>> option_commission(Decimal(3), Decimal(5)), option_commission(Decimal(1), Decimal(5))
    (Decimal('1.95'), Decimal('1.00'))
    """
    a_contract = "0.65" if premium >= Decimal("0.10") else "0.50" if premium >= Decimal("0.05") else "0.25"
    return max(contracts * Decimal(a_contract), Decimal(1)).quantize(CENT, ROUND_HALF_UP)


class Valuation:
    """One account on one market. `margin_rate` is the share of gross value that must be covered by equity."""

    def __init__(self, market: SimulatedMarket, store: Store, margin_rate: Decimal = Decimal("0.5")) -> None:
        self.market, self.store, self.margin_rate = market, store, margin_rate
        self._listings = {listing.symbol: listing for listing in market.listings}

    def listing(self, symbol: str) -> Listing:
        """The listing of a symbol; one that has left the market since is described by its name alone."""
        pair, option = currency_pair(symbol), option_terms(symbol)
        unit = pair[1] if pair else (self.listing(option.underlying).currency if option else self.store.currency)
        return self._listings.get(symbol) or Listing(symbol, currency=unit, exchange="CBOE" if option else "NYSE")

    def found(self, wanted: ContractRequest) -> Listing | None:
        """What a client means."""
        option = self.market.option(wanted.option, self.market.now)
        if option is not None and wanted.con_id in {0, option.contract_id} and wanted.currency in {"", option.currency}:
            return option
        return self.market.find(wanted.con_id, wanted.symbol, wanted.currency, wanted.kind)

    def price(self, symbol: str) -> Decimal:
        """The last price; the average cost of what has none any more."""
        quote = self.market.quote(self.listing(symbol))
        return quote.last if quote else self.store.positions.get(symbol, Position()).average

    def rate(self, currency: str, unit: str | None = None) -> Decimal | None:
        """What one of `currency` is worth in `unit` (the account's own): by their pair, or by those with USD or EUR."""
        unit = unit or self.store.currency
        for between in (unit, "USD", "EUR"):
            one, other = worth(currency, between, self._pairs), worth(between, unit, self._pairs)
            if one is not None and other is not None:
                return one * other
        return None

    @property
    def _pairs(self) -> Mapping[str, Decimal]:
        return {s: price for s, price in self.market.prices.items() if currency_pair(s)}

    # ------------------------------------------------------------ what an order pays
    def fee(self, listing: Listing, quantity: Decimal, price: Decimal) -> Decimal:
        """The commission of a whole order, to the cent, in `fee_currency`."""
        if listing.kind == OPT:
            return option_commission(quantity, price)
        if listing.kind != CASH:
            return commission(quantity, price)
        bought, _ = currency_pair(listing.symbol) or ("", "")
        dollars = max(quantity * self._or_nothing(bought, "USD") * CONVERSION, LEAST)
        return (dollars * self._or_nothing("USD")).quantize(CENT, ROUND_HALF_UP)

    def fee_currency(self, listing: Listing) -> str:
        """A conversion pays in the account's own currency, everything else in that of its price."""
        return self.store.currency if listing.kind == CASH else listing.currency

    # ------------------------------------------------------------ worth
    def cash(self) -> Decimal:
        """All money."""
        return self._cash(self.store.money)

    def held(self, currency: str | None = None) -> Decimal:
        """All stocks and options; of one currency, in that one."""
        if currency is None:
            return self._held(self._positions())
        mine = ((s, p) for s, p in self._positions().items() if self.listing(s).currency == currency)
        return sum((self._value(s, quantity) for s, quantity in mine), Decimal(0))

    def equity(self) -> Decimal:
        return self.cash() + self.held()

    def gross(self) -> Decimal:
        return self._gross(self._positions())

    def margin(self) -> Decimal:
        return self._margin(self._positions(), self.store.money)

    def margin_after(self, listing: Listing, signed: Decimal) -> tuple[Decimal, Decimal]:
        """Initial margin and equity with loan value after a trade and all open orders."""
        positions, money = dict(self._positions()), dict(self.store.money)
        trades = [(self.listing(o.symbol), o.sign * self._left(o)) for o in self.store.orders.values() if o.open]
        for one, quantity in (*trades, (listing, signed)):
            positions[one.symbol] = positions.get(one.symbol, Decimal(0)) + quantity
            for currency, amount in paid(one, quantity, self.price(one.symbol)):
                money[currency] = money.get(currency, Decimal(0)) + amount
        return self._margin(positions, money), self.equity()

    def _left(self, order: Order) -> Decimal:
        latest = {fill.base: fill for fill in self.store.fills.get(order.perm_id, ())}
        return order.quantity - sum((fill.shares for fill in latest.values()), Decimal(0))

    def _positions(self) -> dict[str, Decimal]:
        return {symbol: position.quantity for symbol, position in self.store.positions.items()}

    def _value(self, symbol: str, quantity: Decimal) -> Decimal:
        """In the currency of the price; a pair is no holding, the money is."""
        if self.listing(symbol).kind == CASH:
            return Decimal(0)
        return quantity * self.price(symbol) * multiplier(symbol)

    def _held(self, positions: Mapping[str, Decimal]) -> Decimal:
        worths = (self._value(s, quantity) * self._or_nothing(self.listing(s).currency) for s, quantity in positions.items())
        return sum(worths, Decimal(0))

    def _gross(self, positions: Mapping[str, Decimal]) -> Decimal:
        return self._held({symbol: abs(quantity) for symbol, quantity in positions.items()})

    def _cash(self, money: Mapping[str, Decimal]) -> Decimal:
        return sum((amount * self._or_nothing(currency) for currency, amount in money.items()), Decimal(0))

    def _margin(self, positions: Mapping[str, Decimal], money: Mapping[str, Decimal]) -> Decimal:
        foreign = {currency: abs(amount) for currency, amount in money.items() if currency != self.store.currency}
        return (self._gross(positions) * self.margin_rate + self._cash(foreign) * CURRENCY_MARGIN).quantize(CENT)

    def _or_nothing(self, currency: str, unit: str | None = None) -> Decimal:
        """A currency without a rate never gets in (`Exchange` takes no order in it); what is there of it counts for nothing."""
        return self.rate(currency, unit) or Decimal(0)


def paid(listing: Listing, signed: Decimal, price: Decimal) -> Iterable[tuple[str, Decimal]]:
    """(currency, amount) of the money that a trade brings, without commission."""
    pair = currency_pair(listing.symbol)
    yield listing.currency, -signed * price * multiplier(listing.symbol)
    if pair:
        yield pair[0], signed
