"""The broker's names and ours. IB writes share classes with a space, we with a dot; a pair is its symbol in its currency; an
option its underlying with the terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from portfolio.types import OptionTerms, currency_pair, option_terms


class Symbols:
    """Remembers by contract id how we call what the broker was asked about, and in which currency a name trades.

    currency: of every stock that `currencies` (symbol -> currency) does not name.
    """

    def __init__(self, currency: str, currencies: Mapping[str, str] | None = None) -> None:
        self._currency, self._currencies = currency, dict(currencies or {})
        self._ours: dict[int, str] = {}

    def learn(self, con_id: int, symbol: str) -> None:
        self._ours[con_id] = symbol

    def currency(self, symbol: str) -> str:
        """What `symbol` is priced in."""
        pair, option = currency_pair(symbol), option_terms(symbol)
        if pair:
            return pair[1]
        return self._currencies.get(option.underlying if option else symbol, self._currency)

    @staticmethod
    def theirs(symbol: str) -> str:
        return symbol.replace(".", " ").replace("-", " ")

    def ours(self, contract: Any) -> str:
        """Our symbol; of another kind or currency one that cannot be taken for a stock of ours."""
        if contract.conId in self._ours:
            return self._ours[contract.conId]
        name = contract.symbol.replace(" ", ".")
        pair = f"{contract.symbol}.{contract.currency}"
        if contract.secType == "CASH" and currency_pair(pair):
            return pair
        if contract.secType == "OPT":
            name = _option(name, contract)
        if _is_share(name, contract) and contract.currency == self.currency(name):
            return name
        return f"{contract.localSymbol or name}:{contract.secType}:{contract.currency}"

    def unnamed(self, contract: Any) -> tuple[str, str] | None:
        """(symbol, currency) of a share or an option in another currency than we were told; None of anything else."""
        name = contract.symbol.replace(" ", ".")
        symbol = _option(name, contract) if contract.secType == "OPT" else name
        if contract.conId in self._ours or not _is_share(symbol, contract) or contract.currency == self.currency(symbol):
            return None
        return name, contract.currency


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
