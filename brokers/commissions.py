"""Commissions that the broker has not reported yet: how much of a difference in cash they can explain."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from portfolio.ledger import Break, add
from portfolio.orders.costs import two_dollars
from portfolio.types import Execution, currency_pair, multiplier, option_terms

TWICE_THE_RATE = Decimal("0.00004")  # of its value; 0.2 basis points are charged
A_CONTRACT = Decimal(1)  # of an option: 0.65, and what regulators take


def unexplained(breaks: Sequence[Break], outstanding: Mapping[str, Decimal]) -> tuple[Break, ...]:
    """The breaks without those that a commission not yet reported explains: the broker has up to so much less cash.

    outstanding: by currency.
    """
    return tuple(b for b in breaks if not _explained(b, outstanding.get(b.what.removeprefix("cash "))))


def _explained(one: Break, outstanding: Decimal | None) -> bool:
    return outstanding is not None and one.what.startswith("cash ") and 0 <= one.ours - one.theirs <= outstanding


def outstanding(executions: Collection[Execution], currency: str) -> dict[str, Decimal]:
    """The most that the commissions not yet reported can be, by currency: 1 % of the value, at least 1 a fill (IB's fixed
    schedule), 1 a contract of an option (0.65, and what regulators take); of a conversion, which is charged in the account's
    own `currency`, twice the rate, or the least that is charged.
    """
    most: dict[str, Decimal] = {}
    for fill in (e for e in executions if e.commission is None):
        value = abs(fill.quantity * fill.price * multiplier(fill.symbol))
        if pair := currency_pair(fill.symbol):
            worth = value if pair[1] == currency else abs(fill.quantity) if pair[0] == currency else Decimal(0)
            add(most, {currency: max(worth * TWICE_THE_RATE, two_dollars(currency))})
        else:
            contracts = abs(fill.quantity) if option_terms(fill.symbol) else Decimal(0)
            add(most, {fill.currency: max(value / 100, Decimal(1), contracts * A_CONTRACT)})
    return most
