"""Books: openings, executions, adjustments, and what they add up to."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portfolio.errors import Refused
from portfolio.ledger import add, moved
from portfolio.types import Account, Execution
from warehouse.journal import canonical
from warehouse.ledger.store import Store, append
from warehouse.ledger.tables import ADJUSTMENTS, EQUITY, EXECUTIONS, OPENINGS, ORDERS

# The broker's execution ids have four parts, the last of them the number of the correction: x.y.01.02 stands for x.y.01.01.
_CORRECTABLE = re.compile(r"(?P<fill>[^.]+\.[^.]+\.[^.]+)\.(?P<revision>\d+)")
_TOLD = ("order_ref", "perm_id", "account", "symbol", "quantity", "price", "currency", "time")


class Accounts(Store):
    """Positions and cash are never stored: they are sums of exact decimals."""

    def book(self, executions: Iterable[Execution], at: datetime) -> int:
        """Book executions by exec id; how many rows were new or changed.

        A correction stands for its forerunner, in whichever order they come. A commission that comes later is filled in;
        one that is negative or not a number is taken as not yet known. `Refused` if one id is told with other numbers.
        """
        with self.writing() as con:
            return sum(_book(con, execution, at) for execution in executions)

    def executions(self, account: str, plan: str | None = None) -> list[Execution]:
        """Executions that count (corrected ones left out), oldest first."""
        where = [EXECUTIONS.c.account == account, EXECUTIONS.c.counts]
        if plan is not None:
            where.append(EXECUTIONS.c.ref.in_(sa.select(ORDERS.c.ref).where(ORDERS.c.plan == plan)))
        names = [EXECUTIONS.c[name] for name in Execution.__dataclass_fields__]
        with self.reading() as con:
            rows = con.execute(sa.select(*names).where(*where).order_by(EXECUTIONS.c.time, EXECUTIONS.c.exec_id)).mappings()
            return [Execution(**row) for row in rows]

    def open_account(
        self,
        account: str,
        positions: Mapping[str, Decimal],
        cash: Decimal,
        currency: str,
        at: datetime,
        foreign: Mapping[str, Decimal] | None = None,
    ) -> None:
        """Record the opening balances, once; the same again changes nothing, others are `Refused`."""
        held = canonical({symbol: quantity for symbol, quantity in positions.items() if quantity})
        elsewhere = canonical({name: amount for name, amount in (foreign or {}).items() if amount})
        values = {"positions": held, "cash": cash, "currency": currency, "foreign_cash": elsewhere}
        with self.writing() as con:
            row = con.execute(sa.select(OPENINGS).where(OPENINGS.c.account == account)).mappings().first()
            if row is not None:
                if all(row[name] == value for name, value in values.items()):
                    return
                raise Refused(f"Account {account} already has opening balances.", "Book what differs as an adjustment.")
            con.execute(OPENINGS.insert().values(account=account, **values, at=at))
            body = {"account": account, "positions": json.loads(held), "cash": cash, "currency": currency}
            append(con, "opening", body | ({"foreign": json.loads(elsewhere)} if foreign else {}), at)

    def opened(self, account: str) -> bool:
        """Whether opening balances were ever recorded for this account."""
        with self.reading() as con:
            return con.execute(sa.select(OPENINGS.c.account).where(OPENINGS.c.account == account)).first() is not None

    def adjustment(  # noqa: PLR0913, PLR0917 the columns of its table
        self,
        account: str,
        kind: str,
        symbol: str | None,
        quantity: Decimal,
        cash: Decimal,
        at: datetime,
        note: str,
        currency: str = "",
    ) -> None:
        """Book what is no fill (a deposit, a dividend, a fee, a split, a hand-made trade): signed shares, and cash in
        `currency` ("": that of the opening balances). Twice is once.
        """
        content = {"account": account, "kind": kind, "symbol": symbol, "quantity": quantity, "cash": cash, "at": at, "note": note}
        content |= {"currency": currency} if currency else {}
        named = hashlib.sha256(canonical(content).encode()).hexdigest()
        with self.writing() as con:
            if con.execute(sa.select(ADJUSTMENTS.c.adjustment).where(ADJUSTMENTS.c.adjustment == named)).first():
                return
            con.execute(ADJUSTMENTS.insert().values(adjustment=named, **content))
            append(con, "adjustment", content, at)

    def account(self, account: str, currency: str) -> Account:
        """Positions and cash: openings + executions - commissions + adjustments, exact, each currency by itself.

        currency: which of them is the account's own. A commission not yet known counts as nothing. `Refused` without
        opening balances.
        """
        with self.reading() as con:
            opening = con.execute(sa.select(OPENINGS).where(OPENINGS.c.account == account)).first()
            others = con.execute(sa.select(ADJUSTMENTS).where(ADJUSTMENTS.c.account == account)).all()
        if opening is None:
            raise Refused(f"Account {account} has no opening balances.", "Reconcile it with the broker first.", account=account)
        positions, cash = _exact(opening.positions), _exact(opening.foreign_cash)
        add(cash, {opening.currency: opening.cash})
        for fill in self.executions(account):
            held, paid = moved(fill)
            add(positions, held)
            add(cash, paid)
        for one in others:
            add(cash, {one.currency or opening.currency: one.cash})
            add(positions, {one.symbol: one.quantity} if one.symbol else {})
        held = {symbol: quantity for symbol, quantity in positions.items() if quantity}
        own = cash.pop(currency, Decimal(0))
        return Account(held, own, currency, {name: amount for name, amount in sorted(cash.items()) if amount})

    def record_equity(  # noqa: PLR0913, PLR0917 the columns of its table
        self,
        account: str,
        portfolio: str,
        session: date,
        equity: Decimal,
        cash: Decimal,
        weights: Mapping[str, float],
        at: datetime,
        foreign: Mapping[str, Decimal] | None = None,
    ) -> None:
        """What the portfolio was worth at the end of the session's run; the last of a session stands.

        equity, cash: in the account's own currency; foreign: cash in others, each in its own.
        """
        elsewhere = dict(foreign or {})
        values = {"equity": equity, "cash": cash, "foreign_cash": canonical(elsewhere), "weights": canonical(weights)}
        key = {"account": account, "portfolio": portfolio, "session": session}
        here = sa.and_(*(EQUITY.c[name] == value for name, value in key.items()))
        with self.writing() as con:
            held = con.execute(sa.select(EQUITY).where(here)).mappings().first()
            if held and all(held[name] == value for name, value in values.items()):
                return
            statement = (
                EQUITY.update().where(here).values(**values, at=at) if held else EQUITY.insert().values(**key, **values, at=at)
            )
            con.execute(statement)
            told = {**key, "equity": equity, "cash": cash, "weights": weights}
            append(con, "equity", told | ({"foreign": elsewhere} if elsewhere else {}), at)

    def equity_history(self, account: str, until: date | None = None, portfolio: str | None = None) -> list[tuple[date, Decimal]]:
        """(session, equity at its end of run), oldest first; of one portfolio where the account carries several."""
        rows = self._equity(EQUITY.c.account == account, until, portfolio)
        return list({row.session: row.equity for row in rows}.items())

    def weights_history(self, portfolio: str, until: date | None = None) -> list[tuple[date, dict[str, float]]]:
        """(session, weights by symbol), oldest first."""
        rows = self._equity(EQUITY.c.portfolio == portfolio, until, None)
        return list({row.session: json.loads(row.weights) for row in rows}.items())

    def _equity(self, where: sa.ColumnElement[bool], until: date | None, portfolio: str | None) -> list[Any]:
        query = sa.select(EQUITY).where(where).order_by(EQUITY.c.session, EQUITY.c.at)
        if until is not None:
            query = query.where(EQUITY.c.session <= until)
        if portfolio is not None:
            query = query.where(EQUITY.c.portfolio == portfolio)
        with self.reading() as con:
            return list(con.execute(query).all())


def _book(con: Connection, execution: Execution, at: datetime) -> int:
    told = {name: getattr(execution, name) for name in _TOLD}
    commission = _known(execution.commission)
    held = con.execute(sa.select(EXECUTIONS).where(EXECUTIONS.c.exec_id == execution.exec_id)).mappings().first()
    if held is None:
        paid = {"commission": commission, "commission_currency": execution.commission_currency}
        _insert(con, execution, told | paid, at)
    elif any(held[name] != value for name, value in told.items()):
        raise Refused(
            f"The broker told execution {execution.exec_id} twice, with different numbers.",
            "Compare it with the account's statement.",
            exec_id=execution.exec_id,
        )
    elif commission is None or (commission == held["commission"] and execution.commission_currency in _same(held)):
        return 0
    else:
        late = {"commission": commission, "commission_currency": execution.commission_currency}
        con.execute(EXECUTIONS.update().where(EXECUTIONS.c.exec_id == execution.exec_id).values(**late))
    paid = {"commission_currency": execution.commission_currency} if execution.commission_currency else {}
    append(con, "execution", {"exec_id": execution.exec_id, **told, "commission": commission, **paid}, at)
    return 1


def _same(held: Mapping[str, Any]) -> set[str]:
    """The words for a commission's currency that tell nothing new."""
    return {"", held["commission_currency"] or held["currency"]}


def _insert(con: Connection, execution: Execution, values: dict[str, Any], at: datetime) -> None:
    """Write a row and let the highest correction of its fill count alone."""
    match = _CORRECTABLE.fullmatch(execution.exec_id)
    fill, revision = (match["fill"], int(match["revision"])) if match else (execution.exec_id, 0)
    same = sa.and_(EXECUTIONS.c.fill == fill, EXECUTIONS.c.account == execution.account)
    highest = con.execute(sa.select(sa.func.max(EXECUTIONS.c.revision)).where(same)).scalar()
    counts = highest is None or revision > highest
    if counts:
        con.execute(EXECUTIONS.update().where(same).values(counts=False))
    row = {"exec_id": execution.exec_id, "fill": fill, "revision": revision, "counts": counts, "booked_at": at}
    con.execute(EXECUTIONS.insert().values(**row, ref=execution.order_ref.split("#")[0], **values))


def _exact(text: str) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in json.loads(text).items()}


def _known(commission: Decimal | None) -> Decimal | None:
    return commission if commission is not None and commission.is_finite() and commission >= 0 else None
