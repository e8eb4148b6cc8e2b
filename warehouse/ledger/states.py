"""Whether an account may trade, and from which session on its losses are counted."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portfolio.types import BY_LOSS, Standing, TradingState
from warehouse.ledger.plans import of_account
from warehouse.ledger.store import Store, append, following
from warehouse.ledger.tables import DECISIONS, EQUITY, RESUMES, STATES

_STOPPED = frozenset({TradingState.REDUCING.value, TradingState.HALTED.value})


class States(Store):
    """One trading state an account, and every time that a person brought it back."""

    def trading_state(self, account: str) -> TradingState:
        """The account's state; UNRECONCILED where nothing is recorded."""
        with self.reading() as con:
            held = _held(con, account)
        return TradingState(held.state) if held else TradingState.UNRECONCILED

    def standing(self, account: str) -> Standing | None:
        """The account's state with its reason and since when; None where nothing is recorded."""
        with self.reading() as con:
            held = _held(con, account)
        return Standing(TradingState(held.state), held.reason, held.at) if held else None

    def set_trading_state(self, account: str, state: TradingState, reason: str, at: datetime) -> None:
        """Change the state, with a journal row; the same state for the same reason again changes nothing."""
        with self.writing() as con:
            _change(con, account, state, reason, at)

    def resume(self, account: str, reason: str, at: datetime) -> None:
        """Let the account trade again once the next reconcile passes (UNRECONCILED).

        If a loss had stopped it, drawdowns are counted anew from the newest session on record: that of an equity or of a
        decision of the account. Any other halt forgives no loss.
        """
        with self.writing() as con:
            held = _held(con, account)
            if held and held.state in _STOPPED and held.reason.startswith(BY_LOSS):
                told = {"account": account, "session": _newest_session(con, account), "reason": reason}
                con.execute(RESUMES.insert().values(number=following(con, RESUMES.c.number), **told, at=at))
                append(con, "resume", told | {"before": held.state}, at)
            _change(con, account, TradingState.UNRECONCILED, reason, at)

    def resumed(self, account: str) -> date | None:
        """From which session on drawdowns are counted: the newest on record when the account was last resumed, if it ever was."""
        query = sa.select(RESUMES.c.session).where(RESUMES.c.account == account).order_by(RESUMES.c.number.desc()).limit(1)
        with self.reading() as con:
            found: date | None = con.execute(query).scalar()
        return found


def _held(con: Connection, account: str) -> sa.Row | None:
    return con.execute(sa.select(STATES).where(STATES.c.account == account)).first()


def _change(con: Connection, account: str, state: TradingState, reason: str, at: datetime) -> None:
    held = _held(con, account)
    if held and (held.state, held.reason) == (state.value, reason):
        return
    if held:
        con.execute(STATES.update().where(STATES.c.account == account).values(state=state.value, reason=reason, at=at))
    else:
        con.execute(STATES.insert().values(account=account, state=state.value, reason=reason, at=at))
    append(con, "state", {"account": account, "state": state, "before": held.state if held else None, "reason": reason}, at)


def _newest_session(con: Connection, account: str) -> date | None:
    """Of the account's equity, and of its decisions: the one that halted may have been killed before the books were closed."""
    closed = con.execute(sa.select(sa.func.max(EQUITY.c.session)).where(EQUITY.c.account == account)).scalar()
    query = sa.select(DECISIONS.c.session).where(of_account(account)).order_by(DECISIONS.c.session.desc()).limit(1)
    decided = con.execute(query).scalar()
    return max((day for day in (closed, decided) if day is not None), default=None)
