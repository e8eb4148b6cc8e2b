"""Ledger arithmetic: what the books say against what the broker says, to the share and the cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from portfolio.types import Account

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


def reconcile(books: Account, positions: Mapping[str, Decimal], cash: Mapping[str, Decimal]) -> tuple[Break, ...]:
    """Every difference between the ledger and the broker; empty where they agree to the share and the cent.

    positions: signed shares by symbol; cash: by currency, in units of that currency.
    """
    held = {*books.positions, *positions}
    pairs = [(s, books.positions.get(s, Decimal(0)), positions.get(s, Decimal(0))) for s in sorted(held)]
    breaks = [Break(s, ours, theirs) for s, ours, theirs in pairs if ours != theirs]
    theirs = cash.get(books.currency, Decimal(0))
    if _apart(books.cash, theirs):
        breaks.append(Break(f"cash {books.currency}", books.cash, theirs))
    strange = [
        Break(f"cash {c}", Decimal(0), v) for c, v in sorted(cash.items()) if c != books.currency and _apart(Decimal(0), v)
    ]
    return (*breaks, *strange)


def _apart(ours: Decimal, theirs: Decimal) -> bool:
    """Whether two amounts differ by a cent or more; what is no number agrees with nothing."""
    return not (ours.is_finite() and theirs.is_finite() and abs(ours - theirs) < CENT)
