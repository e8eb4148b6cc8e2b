"""Ledger arithmetic: what the books say against what the broker says, to the share and the cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from portfolio.types import Account, Execution, currency_pair, multiplier

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Break:
    """One difference: `ours` in the ledger, `theirs` at the broker; shares of a symbol, or cash in a currency."""

    what: str
    ours: Decimal
    theirs: Decimal

    @property
    def sentence(self) -> str:
        return f"{self.what}: the ledger says {self.ours}, the broker {self.theirs}"


def moved(fill: Execution) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """(signed units by symbol, cash by currency) that a fill brought; a commission not yet known counts as nothing.

    A pair of currencies is no holding: EUR.USD bought brings euros and takes dollars.
    """
    pair, cash = currency_pair(fill.symbol), dict[str, Decimal]()
    paid = pair[1] if pair else fill.currency
    add(cash, {paid: -fill.quantity * fill.price * multiplier(fill.symbol)})
    if pair:
        add(cash, {pair[0]: fill.quantity})
    if fill.commission:
        add(cash, {fill.commission_currency or fill.currency: -fill.commission})
    return {} if pair else {fill.symbol: fill.quantity}, cash


def add(amounts: dict[str, Decimal], more: Mapping[str, Decimal]) -> None:
    """Add `more` to `amounts`, name by name."""
    for name, amount in more.items():
        amounts[name] = amounts.get(name, Decimal(0)) + amount


def reconcile(books: Account, positions: Mapping[str, Decimal], cash: Mapping[str, Decimal]) -> tuple[Break, ...]:
    """Every difference between the ledger and the broker; empty where they agree to the share and the cent.

    positions: signed shares by symbol; cash: by currency, in units of that currency.
    """
    held = {*books.positions, *positions}
    pairs = [(s, books.positions.get(s, Decimal(0)), positions.get(s, Decimal(0))) for s in sorted(held)]
    breaks = [Break(s, ours, theirs) for s, ours, theirs in pairs if ours != theirs]
    for currency in (books.currency, *sorted({*books.foreign, *cash} - {books.currency})):
        ours, theirs = books.balance(currency), cash.get(currency, Decimal(0))
        if _apart(ours, theirs):
            breaks.append(Break(f"cash {currency}", ours, theirs))
    return tuple(breaks)


def _apart(ours: Decimal, theirs: Decimal) -> bool:
    """Whether two amounts differ by a cent or more; what is no number agrees with nothing."""
    return not (ours.is_finite() and theirs.is_finite() and abs(ours - theirs) < CENT)
