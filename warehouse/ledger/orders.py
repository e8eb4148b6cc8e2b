"""Intents, what was asked of the broker and what was seen of it, and who may ask."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portfolio.errors import Refused
from portfolio.types import Intent, OrderState, Side
from warehouse.ledger.store import Store, append, following
from warehouse.ledger.tables import EPOCHS, EXECUTIONS, ORDER_EVENTS, ORDERS
from warehouse.ledger.transitions import allowed

_FINAL = tuple(state.value for state in OrderState if state.final)


class Orders(Store):
    """Every order is written down before it is sent; only the newest epoch of an account may send."""

    def intents(self, account: str, plan: str | None = None, unfinished: bool = False) -> list[Intent]:
        """The intents of an account (of one plan; only those not in a final state), oldest first."""
        where = [ORDERS.c.account == account]
        if plan is not None:
            where.append(ORDERS.c.plan == plan)
        if unfinished:
            where.append(ORDERS.c.state.not_in(_FINAL))
        with self.reading() as con:
            return _intents(con, *where)

    def take_epoch(self, account: str, holder: str, at: datetime) -> int:
        """Become the account's one executor; every older epoch is fenced off from `sending`."""
        with self.writing() as con:
            held = con.execute(sa.select(EPOCHS.c.epoch).where(EPOCHS.c.account == account)).scalar()
            epoch = (held or 0) + 1
            values = {"epoch": epoch, "holder": holder, "at": at}
            if held is None:
                con.execute(EPOCHS.insert().values(account=account, **values))
            else:
                con.execute(EPOCHS.update().where(EPOCHS.c.account == account).values(**values))
            append(con, "epoch", {"account": account, "epoch": epoch, "holder": holder}, at)
            return epoch

    def sending(self, ref: str, attempt: int, order_id: int, client_id: int, at: datetime, epoch: int) -> Intent:
        """PLANNED or SENDING -> SENDING with this attempt, durable before it returns.

        `Refused` if `epoch` is not the account's newest, if the order is past SENDING, if the attempt is not a new one, or if
        the order id was used before by this client (a broker takes that for a change of the other order).
        """
        with self.writing() as con:
            intent = _intent(con, ref)
            _check_epoch(con, intent.account, epoch)
            _check_sendable(con, intent, attempt, order_id, client_id)
            asked = {"attempt": attempt, "order_id": order_id, "client_id": client_id}
            state = OrderState.SENDING.value
            con.execute(ORDERS.update().where(ORDERS.c.ref == ref).values(**asked, state=state, sent_at=at))
            _event(con, intent, at, state=state, applied=True, note="", **asked)
            append(con, "sending", {"ref": ref, "account": intent.account, "epoch": epoch, **asked}, at)
            return _intent(con, ref)

    def observe(self, ref: str, state: OrderState, perm_id: int | None, note: str, at: datetime) -> None:
        """Write what the broker was seen to say of an intent; appends to its history and to the journal.

        `warehouse.ledger.transitions` says which word moves the state; the same word twice in a row is written once.
        """
        with self.writing() as con:
            intent = _intent(con, ref)
            seen = OrderState(state)
            moves = allowed(intent.state, seen, intent.filled, intent.quantity)
            if _said(con, ref) == (seen.value, perm_id, note) and (intent.state is seen or not moves):
                return
            values: dict[str, Any] = {"state": seen.value, "note": note} if moves else {}
            if perm_id is not None:
                values["perm_id"] = perm_id
            if values:
                con.execute(ORDERS.update().where(ORDERS.c.ref == ref).values(**values))
            _event(con, intent, at, state=seen.value, applied=moves, attempt=intent.attempt, perm_id=perm_id, note=note)
            body = {"ref": ref, "state": seen, "before": intent.state, "applied": moves, "perm_id": perm_id, "note": note}
            append(con, "observed", body, at)

    def highest_order_id(self, account: str, client_id: int) -> int:
        """The high-water mark of order ids ever written for this client, 0 if none."""
        query = sa.select(sa.func.coalesce(sa.func.max(ORDER_EVENTS.c.order_id), 0)).where(
            ORDER_EVENTS.c.account == account, ORDER_EVENTS.c.client_id == client_id
        )
        with self.reading() as con:
            return int(con.execute(query).scalar_one())

    def sent_since(self, account: str, since: datetime) -> list[Intent]:
        """Intents handed to the broker since an instant (for the gate's daily and duplicate limits)."""
        with self.reading() as con:
            return _intents(con, ORDERS.c.account == account, ORDERS.c.sent_at >= since)

    def history(self, ref: str) -> list[dict[str, Any]]:
        """Every event of one order, oldest first."""
        query = sa.select(ORDER_EVENTS).where(ORDER_EVENTS.c.ref == ref).order_by(ORDER_EVENTS.c.number)
        with self.reading() as con:
            return [dict(row) for row in con.execute(query).mappings()]


def _check_epoch(con: Connection, account: str, epoch: int) -> None:
    held = con.execute(sa.select(EPOCHS.c.epoch).where(EPOCHS.c.account == account)).scalar()
    if held != epoch:
        raise Refused(
            f"Another executor has taken over account {account} (epoch {held}, this one has {epoch}).",
            "Let it finish, or start this one anew.",
            account=account,
            epoch=epoch,
            newest=held,
        )


def _check_sendable(con: Connection, intent: Intent, attempt: int, order_id: int, client_id: int) -> None:
    if intent.state not in {OrderState.PLANNED, OrderState.SENDING}:
        raise Refused(f"Order {intent.ref} is {intent.state} and cannot be sent.", "Reconcile, then look at it.", ref=intent.ref)
    if intent.state is OrderState.SENDING and attempt <= intent.attempt:
        raise Refused(
            f"Attempt {attempt} of order {intent.ref} was already handed to the broker.", "Reconcile first.", ref=intent.ref
        )
    used = (ORDER_EVENTS.c.account == intent.account, ORDER_EVENTS.c.client_id == client_id, ORDER_EVENTS.c.order_id == order_id)
    other = con.execute(sa.select(ORDER_EVENTS.c.ref).where(*used)).scalar()
    if other is not None:
        raise Refused(
            f"Order id {order_id} was used before, for order {other}.",
            "Take an id above the ledger's high-water mark.",
            order_id=order_id,
            ref=intent.ref,
        )


def _event(con: Connection, intent: Intent, at: datetime, **values: Any) -> None:
    number = following(con, ORDER_EVENTS.c.number)
    con.execute(ORDER_EVENTS.insert().values(number=number, ref=intent.ref, account=intent.account, at=at, **values))


def _said(con: Connection, ref: str) -> tuple[str, int | None, str] | None:
    query = sa.select(ORDER_EVENTS).where(ORDER_EVENTS.c.ref == ref).order_by(ORDER_EVENTS.c.number.desc()).limit(1)
    row = con.execute(query).first()
    return (row.state, row.perm_id, row.note) if row else None


def _intent(con: Connection, ref: str) -> Intent:
    found = _intents(con, ORDERS.c.ref == ref)
    if not found:
        raise Refused(f"There is no order {ref} in the ledger.", "Record its plan first.", ref=ref)
    return found[0]


def _intents(con: Connection, *where: sa.ColumnElement[bool]) -> list[Intent]:
    rows = con.execute(sa.select(ORDERS).where(*where).order_by(ORDERS.c.number)).all()
    refs = sa.select(ORDERS.c.ref).where(*where)
    fills = con.execute(
        sa.select(EXECUTIONS.c.ref, EXECUTIONS.c.quantity).where(EXECUTIONS.c.counts, EXECUTIONS.c.ref.in_(refs))
    ).all()
    filled: dict[str, Decimal] = {}
    for ref, quantity in fills:
        filled[ref] = filled.get(ref, Decimal(0)) + quantity
    names = [name for name in Intent.__dataclass_fields__ if name != "filled"]
    return [
        Intent(
            **{name: getattr(row, name) for name in names}
            | {"side": Side(row.side), "state": OrderState(row.state)},
            filled=filled.get(row.ref, Decimal(0)) if row.side == Side.BUY else -filled.get(row.ref, Decimal(0)),
        )
        for row in rows
    ]  # fmt: skip
