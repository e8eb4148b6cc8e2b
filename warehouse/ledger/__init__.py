"""The ledger: decisions, plans, orders, fills and the journal, durable in one SQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse.ledger.ledger import SqlLedger


def open_ledger(url: str) -> SqlLedger:
    """Open the ledger at `sqlite:////path/ledger.sqlite` or `postgresql://...`, made or migrated where that is due."""
    from warehouse.ledger.ledger import SqlLedger

    return SqlLedger.open(url)
