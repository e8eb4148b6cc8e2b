"""The broker's names and ours. IB writes share classes with a space, we with a dot."""

from __future__ import annotations

from typing import Any


class Symbols:
    """Remembers by contract id how we call what the broker was asked about."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._ours: dict[int, str] = {}

    def learn(self, con_id: int, symbol: str) -> None:
        self._ours[con_id] = symbol

    @staticmethod
    def theirs(symbol: str) -> str:
        return symbol.replace(".", " ").replace("-", " ")

    def ours(self, contract: Any) -> str:
        """Our symbol; of another kind or currency one that cannot be taken for a stock of ours."""
        if contract.conId in self._ours:
            return self._ours[contract.conId]
        name = contract.symbol.replace(" ", ".")
        if contract.secType == "STK" and contract.currency == self._currency:
            return name
        return f"{contract.localSymbol or name}:{contract.secType}:{contract.currency}"
