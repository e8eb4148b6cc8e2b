"""The broker's names and ours. IB writes share classes with a space, we with a dot; a pair is its symbol in its currency; an
option its underlying with the terms.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from portfolio.types import OptionTerms, currency_pair, option_terms


class Symbols:
    """Remembers by contract id how we call what the broker was asked about, and in which currency a name trades.

    currency: of every stock that `currencies` (symbol -> currency) does not name; named: those of whom the policy speaks. A share
    that nobody speaks of trades in what the broker first shows it in: a hand bought it, and its name is its own.
    """

    def __init__(self, currency: str, currencies: Mapping[str, str] | None = None, named: Collection[str] = ()) -> None:
        self._currency, self._currencies = currency, dict.fromkeys(named, currency) | dict(currencies or {})
        self._ours: dict[int, str] = {}
        self._found: dict[str, str] = {}  # share -> currency, of those that nobody speaks of and the broker showed

    def learn(self, con_id: int, symbol: str) -> None:
        self._ours[con_id] = symbol

    def currency(self, symbol: str) -> str:
        """What `symbol` is priced in."""
        pair = currency_pair(symbol)
        return pair[1] if pair else (self._said(symbol) or self._currency)

    def stray(self, symbol: str) -> str | None:
        """The currency of a share, or an option on one, that nobody speaks of; None where it is as every stock's, or no share."""
        found = self._found.get(_share(symbol))
        return None if found == self._currency else found

    def _said(self, symbol: str) -> str | None:
        """The currency of a share, or of what an option is on, where it is known already."""
        share = _share(symbol)
        return self._currencies.get(share) or self._found.get(share)

    @staticmethod
    def theirs(symbol: str) -> str:
        return symbol.replace(".", " ").replace("-", " ")

    def ours(self, contract: Any) -> str:
        """Our symbol; of another kind, or of two shares that have one name, one that cannot be taken for a stock of ours."""
        if contract.conId in self._ours:
            return self._ours[contract.conId]
        pair = f"{contract.symbol}.{contract.currency}"
        if contract.secType == "CASH" and currency_pair(pair):
            return pair
        name = _name(contract)
        if _is_share(name, contract) and self._means(name, contract.currency):
            return name
        return f"{contract.localSymbol or name}:{contract.secType}:{contract.currency}"

    def unnamed(self, contract: Any) -> tuple[str, str] | None:
        """(symbol, currency) of a share or an option that goes by the name of one in another currency; None of anything else."""
        symbol = _name(contract)
        if contract.conId in self._ours or not _is_share(symbol, contract) or self._means(symbol, contract.currency):
            return None
        return contract.symbol.replace(" ", "."), contract.currency

    def _means(self, symbol: str, currency: str) -> bool:
        """Whether that name is of what trades in `currency`; a name that nobody spoke of is of the first that goes by it."""
        said = self._said(symbol)
        if said is None:
            self._found[_share(symbol)] = currency
        return said in {None, currency}


def _share(symbol: str) -> str:
    """The share, or the one that an option is on."""
    option = option_terms(symbol)
    return option.underlying if option else symbol


def _name(contract: Any) -> str:
    """What a share or an option is called where nothing else goes by that name."""
    name: str = contract.symbol.replace(" ", ".")
    return _option(name, contract) if contract.secType == "OPT" else name


def _is_share(name: str, contract: Any) -> bool:
    """Or an option on a hundred of them."""
    return option_terms(name) is not None if contract.secType == "OPT" else contract.secType == "STK"


def _option(underlying: str, contract: Any) -> str:
    """Our symbol of an option on a hundred shares; of any other what it is called there."""
    last, strike = contract.lastTradeDateOrContractMonth[:8], Decimal(str(contract.strike))
    if str(contract.multiplier) not in {"100", "100.0"} or not last.isdigit() or len(last) != 8:
        return str(contract.localSymbol)
    expiry = date(int(last[:4]), int(last[4:6]), int(last[6:]))
    return OptionTerms(underlying, expiry, contract.right[:1], strike).symbol
