"""What a next decision must remember of the last one, and of the money that came and went since."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from warehouse.ledger.plans import MEND
from warehouse.ledger.store import Store
from warehouse.ledger.tables import ADJUSTMENTS, DECISIONS, EQUITY, EXECUTIONS, OPENINGS, ORDERS, PLANS

FLOWS = ("deposit", "withdrawal")


class Memory(Store):
    """Reads only; decisions, plans and adjustments are written elsewhere."""

    def newest_traded(self, portfolio: str, account: str) -> tuple[dict[str, Any], datetime] | None:
        """(document, instant) of the portfolio's newest decision whose plan traded in this account, None where none did. One that
        only mended a limit is left out: the wish that it left alone is the one before it.
        """
        traded = sa.select(ORDERS.c.plan).join(EXECUTIONS, EXECUTIONS.c.ref == ORDERS.c.ref).where(EXECUTIONS.c.counts)
        query = (
            sa.select(DECISIONS.c.document, DECISIONS.c.at)
            .join(PLANS, PLANS.c.decision == DECISIONS.c.decision)
            .where(PLANS.c.portfolio == portfolio, PLANS.c.account == account, PLANS.c.plan.in_(traded))
            .where(sa.not_(DECISIONS.c.document.contains(MEND, autoescape=True)))
            .order_by(PLANS.c.session.desc(), PLANS.c.number.desc())
            .limit(1)
        )
        with self.reading() as con:
            found = con.execute(query).first()
        return None if found is None else (json.loads(found.document), found.at)

    def flows(self, account: str) -> list[tuple[datetime, str, Decimal]]:
        """(instant, currency, amount) of what was paid in, or taken out (negative), oldest first."""
        mine = (ADJUSTMENTS.c.account == account, ADJUSTMENTS.c.kind.in_(FLOWS))
        with self.reading() as con:
            own = con.execute(sa.select(OPENINGS.c.currency).where(OPENINGS.c.account == account)).scalar()
            rows = con.execute(sa.select(ADJUSTMENTS).where(*mine).order_by(ADJUSTMENTS.c.at)).all()
        return [(row.at, row.currency or own or "", row.cash) for row in rows]

    def noted(self, account: str, kind: str, note: str) -> bool:
        """Whether an adjustment of this kind with this note was booked."""
        same = (ADJUSTMENTS.c.account == account, ADJUSTMENTS.c.kind == kind, ADJUSTMENTS.c.note == note)
        with self.reading() as con:
            return con.execute(sa.select(ADJUSTMENTS.c.adjustment).where(*same)).first() is not None

    def equity_marks(self, account: str) -> list[tuple[date, Decimal, datetime]]:
        """(session, equity at its end of run, instant of the record), oldest first; the last record of a session stands."""
        query = sa.select(EQUITY).where(EQUITY.c.account == account).order_by(EQUITY.c.session, EQUITY.c.at)
        with self.reading() as con:
            rows = con.execute(query).all()
        return list({row.session: (row.session, row.equity, row.at) for row in rows}.values())
