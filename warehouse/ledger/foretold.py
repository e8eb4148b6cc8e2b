"""What decisions told of the risk ahead, read out of their documents without reading them whole."""

from __future__ import annotations

import math
from datetime import date

import sqlalchemy as sa

from warehouse.ledger.plans import of_account
from warehouse.ledger.store import Store
from warehouse.ledger.tables import DECISIONS


class Foretold(Store):
    """Figures of risk, as they were told before the event."""

    def foretold(self, portfolio: str, account: str, measure: str, newest: int = 1000) -> list[tuple[date, float]]:
        """(session of the decision, its figure of risk by that name) of the newest so many decisions, oldest first.

        The figure is that of what is held afterwards: `risk_after` of a decision to trade, else `risk_before`. Of several
        decisions of one session the newest counts; one that told no finite figure is left out.
        """
        with self.reading() as con:
            postgres = con.dialect.name == "postgresql"
            document = sa.cast(DECISIONS.c.document, sa.JSON) if postgres else sa.type_coerce(DECISIONS.c.document, sa.JSON)
            before, after = (document[when][measure].as_string() for when in ("risk_before", "risk_after"))
            query = (
                sa.select(DECISIONS.c.session, sa.case((DECISIONS.c.status == "trade", after), else_=before))
                .where(DECISIONS.c.portfolio == portfolio, of_account(account))
                .order_by(DECISIONS.c.session.desc(), DECISIONS.c.at.desc(), DECISIONS.c.decision)
                .limit(newest)
            )
            rows = con.execute(query).all()
        told = {session: figure for session, text in reversed(rows) if (figure := _finite(text)) is not None}
        return list(told.items())


def _finite(text: str | None) -> float | None:
    """The number, None of what is none (the record writes one that is not finite as a word)."""
    try:
        figure = float("nan" if text is None else text)
    except ValueError:
        return None
    return figure if math.isfinite(figure) else None
