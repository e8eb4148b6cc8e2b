"""What a symbol says of its contract: a share, a pair of currencies, or an option on a share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

CURRENCIES = ("USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD")
_QUOTED_FIRST = ("EUR", "GBP", "AUD", "USD", "CAD", "CHF", "JPY")  # of two, the one whose price the pair is
_OPTION = re.compile(r"(?P<root>[A-Z][A-Z.]{0,5})(?P<day>\d{6})(?P<right>[CP])(?P<strike>\d{8})")
SHARES_A_CONTRACT = Decimal(100)


class ContractKind(StrEnum):
    STOCK = "stock"  # an ETF too
    CURRENCY = "currency"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """right: C (call) | P (put). strike: per share, in the currency of the underlying."""

    underlying: str
    expiry: date
    right: str
    strike: Decimal

    @property
    def symbol(self) -> str:
        """OCC's name without its padding.

        >>> OptionTerms("SPY", date(2023, 1, 20), "P", Decimal(360)).symbol
        'SPY230120P00360000'
        """
        return f"{self.underlying}{self.expiry:%y%m%d}{self.right}{int(self.strike * 1000):08d}"


def currency_pair(symbol: str) -> tuple[str, str] | None:
    """(bought, paid) of a pair such as EUR.USD, whose price is dollars a euro; None of anything else.

    >>> currency_pair("EUR.USD"), currency_pair("BRK.B")
    (('EUR', 'USD'), None)
    """
    bought, dot, paid = symbol.partition(".")
    return (bought, paid) if dot and bought != paid and {bought, paid} <= set(CURRENCIES) else None


def money_of(symbol: str) -> str | None:
    """The currency that a weight called so stands for: a balance by its own name, a pair by what is bought; None of a security.

    >>> money_of("EUR"), money_of("EUR.USD"), money_of("SPY")
    ('EUR', 'EUR', None)
    """
    pair = currency_pair(symbol)
    return symbol if symbol in CURRENCIES else pair[0] if pair else None


def pair_symbol(one: str, other: str) -> str:
    """The pair of two currencies as the market quotes it.

    >>> pair_symbol("USD", "EUR"), pair_symbol("USD", "JPY")
    ('EUR.USD', 'USD.JPY')
    """
    first, second = sorted((one, other), key=_QUOTED_FIRST.index)
    return f"{first}.{second}"


@lru_cache(maxsize=100_000)
def option_terms(symbol: str) -> OptionTerms | None:
    """The terms behind an option's symbol; None of anything else.

    >>> option_terms("SPY230120P00360000").strike
    Decimal('360')
    """
    found = _OPTION.fullmatch(symbol)
    if found is None:
        return None
    year, month, day = (int(found["day"][i : i + 2]) for i in (0, 2, 4))
    try:
        expiry = date(2000 + year, month, day)
    except ValueError:
        return None
    return OptionTerms(found["root"], expiry, found["right"], Decimal(found["strike"]) / 1000)


def contract_kind(symbol: str) -> ContractKind:
    if currency_pair(symbol):
        return ContractKind.CURRENCY
    return ContractKind.OPTION if option_terms(symbol) else ContractKind.STOCK


def multiplier(symbol: str) -> Decimal:
    """Shares that one unit stands for: 100 of an option, else 1."""
    return SHARES_A_CONTRACT if option_terms(symbol) else Decimal(1)
