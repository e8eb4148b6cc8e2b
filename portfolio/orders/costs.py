"""What a trade is expected to cost, before it is made: commission, half the spread, impact."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from portfolio.types import CostPolicy, FloatArray, option_terms
from portfolio.types.contracts import SHARES_A_CONTRACT

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Commission:
    """A schedule: so much a share or of the value, at least `minimum`, at most the share `most` of the value.

    All money in the currency of the trade; what is charged is rounded to the cent, half up.
    """

    a_share: Decimal = Decimal(0)
    of_value: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)
    most: Decimal = Decimal(1)

    def of(self, quantity: Decimal, price: Decimal) -> Decimal:
        """For `quantity` units at `price`, not negative; nothing for nothing.

        >>> IB_FIXED.of(Decimal(1000), Decimal("0.25")), IB_FIXED.of(Decimal(100), Decimal(25))
        (Decimal('2.50'), Decimal('1.00'))
        """
        if not quantity:
            return Decimal(0)
        value = quantity * price
        fee = max(quantity * self.a_share + value * self.of_value, self.minimum)
        return min(fee, value * self.most).quantize(CENT, ROUND_HALF_UP)

    def about(self, quantity: FloatArray, price: FloatArray) -> FloatArray:
        """The same for arrays of non-negative quantities, not rounded; 0 for nothing."""
        value = quantity * price
        fee = np.maximum(quantity * float(self.a_share) + value * float(self.of_value), float(self.minimum))
        out: FloatArray = np.where(quantity > 0, np.minimum(fee, value * float(self.most)), 0.0)
        return out


@dataclass(frozen=True, slots=True)
class ContractCommission:
    """A schedule of options: so much a contract by its premium, at least `minimum` an order; no most of the value.

    steps: (premium a share below which it counts, a contract), the lowest first; above them all `a_contract`.
    """

    a_contract: Decimal
    steps: tuple[tuple[Decimal, Decimal], ...]
    minimum: Decimal

    def of(self, quantity: Decimal, price: Decimal) -> Decimal:
        """For `quantity` > 0 contracts at `price` a contract.

        >>> IB_OPTIONS.of(Decimal(3), Decimal(500)), IB_OPTIONS.of(Decimal(10), Decimal(4))
        (Decimal('1.95'), Decimal('2.50'))
        """
        each = next((fee for below, fee in self.steps if price < below * SHARES_A_CONTRACT), self.a_contract)
        return max(quantity * each, self.minimum).quantize(CENT, ROUND_HALF_UP)

    def about(self, quantity: FloatArray, price: FloatArray) -> FloatArray:
        """The same for arrays of non-negative quantities, not rounded; 0 for nothing."""
        each = np.full(np.shape(price), float(self.a_contract))
        for below, fee in reversed(self.steps):
            each = np.where(np.round(price, 6) < float(below * SHARES_A_CONTRACT), float(fee), each)
        out: FloatArray = np.where(quantity > 0, np.maximum(quantity * each, float(self.minimum)), 0.0)
        return out


# Interactive Brokers, "Commissions - Stocks" (United States, IB Pro), fixed and the first tier without exchange and clearing
# fees; "Commissions - Spot Currencies", the first tier.
IB_FIXED = Commission(a_share=Decimal("0.005"), minimum=Decimal(1), most=Decimal("0.01"))
IB_TIERED = Commission(a_share=Decimal("0.0035"), minimum=Decimal("0.35"), most=Decimal("0.01"))
IB_CURRENCIES = Commission(of_value=Decimal("0.00002"), minimum=Decimal(2), most=Decimal("Infinity"))
# "Commissions - Options" (United States, IB Pro, fixed and tiered alike, up to 10,000 contracts a month, without what exchanges
# and regulators take): 0.65 a contract at a premium of 0.10 and more, 0.50 from 0.05, 0.25 below; at least 1.00 an order.
IB_OPTIONS = ContractCommission(
    Decimal("0.65"), ((Decimal("0.05"), Decimal("0.25")), (Decimal("0.10"), Decimal("0.50"))), Decimal(1)
)
# The least that a conversion costs is 2 US dollars: at the most so much in each currency.
TWO_DOLLARS = {c: Decimal(most) for c, most in (("USD", "2"), ("GBP", "2"), ("CAD", "3.5"), ("AUD", "4"), ("JPY", "400"))}
ELSEWHERE = Decimal("2.5")


def commission_of(costs: CostPolicy, symbol: str) -> Commission | ContractCommission:
    """The schedule of the policy for a share or an option; of a pair of currencies see `conversion_commission`. The broker's own
    ones have another for options; of a policy's own a contract is a unit like a share.
    """
    if costs.commission in {"ib_fixed", "ib_tiered"}:
        if option_terms(symbol):
            return IB_OPTIONS
        return IB_FIXED if costs.commission == "ib_fixed" else IB_TIERED
    rate, least, most = (Decimal(repr(x)) for x in (costs.rate, costs.minimum, costs.maximum))
    if costs.commission == "per_share":
        return Commission(a_share=rate, minimum=least, most=most)
    return Commission(of_value=rate, minimum=least, most=most) if costs.commission == "per_value" else Commission()


def two_dollars(currency: str) -> Decimal:
    """At the most so much of `currency`."""
    return TWO_DOLLARS.get(currency, ELSEWHERE)


def conversion_commission(costs: CostPolicy, base: str) -> Commission:
    """The broker's own schedule for conversions, in the account's currency `base`."""
    return Commission() if costs.commission == "none" else replace(IB_CURRENCIES, minimum=two_dollars(base))


def square_root_impact(quantity: float, volume: float, volatility: float, factor: float = 1.0) -> float:
    """Mean price concession of an order, as a fraction of the price: factor x volatility x sqrt(quantity / volume).

    quantity: units, > 0; volume: units a day; volatility: of a day. NaN where volume or volatility is not known.
    Source: the square-root law, e.g. Almgren, Thum, Hauptmann & Li (2005), "Direct estimation of equity market impact";
    Bouchaud et al. (2018), "Trades, quotes and prices", ch. 12.

    >>> square_root_impact(10_000, 1_000_000, 0.02)
    0.002
    """
    if not (quantity > 0 and volume > 0 and volatility >= 0):
        return math.nan
    return factor * volatility * math.sqrt(quantity / volume)
