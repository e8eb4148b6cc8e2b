"""What earlier decisions foretold of the sessions after them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tasks.calendar import place

if TYPE_CHECKING:
    from warehouse.ledger import SqlLedger


def forecasts(ledger: SqlLedger, portfolio: str, account: str) -> tuple[tuple[date, float], ...]:
    """(session, value at risk of one day that was told for it), oldest first, of a portfolio's newest decisions for an account.

    A decision of one session tells what the weights that it leaves may lose until the end of the next: it is held against the
    return from the equity on record of its own session to that of the next.
    """
    return tuple((place(session).next, figure) for session, figure in ledger.foretold(portfolio, account, "value_at_risk"))
