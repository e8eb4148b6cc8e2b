"""Decisions and their plans."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from portfolio.errors import Refused, WrongUse
from portfolio.types import OrderState, Plan, PlanLine, Side, plan_line
from warehouse.journal import canonical
from warehouse.ledger.store import Store, append, following
from warehouse.ledger.tables import DECISIONS, EXECUTIONS, ORDERS, PLANS

MEND = '"kind":"mend"'  # of a decision's timing, in canonical JSON; within a text its quotes would be escaped
NO_REBALANCE = ('"kind":"cash flow"', MEND)
_FINISHED = ("done", "partly", "refused", "expired")


def of_account(account: str) -> sa.ColumnElement[bool]:
    """The decisions that were made for an account: its name stands in their book."""
    return DECISIONS.c.document.contains(f'"account_name":{canonical(account)}', autoescape=True)


class Plans(Store):
    """What to hold and why; which orders."""

    def record_decision(  # noqa: PLR0913, PLR0917 the columns of its table
        self,
        decision_id: str,
        portfolio: str,
        session: date,
        as_of: datetime,
        snapshot: int,
        policy_hash: str,
        status: str,
        document: Mapping[str, Any],
        at: datetime,
    ) -> None:
        """Write a decision once; the first of two writings with one id stands."""
        about = {"portfolio": portfolio, "session": session, "as_of": as_of, "snapshot": snapshot}
        about |= {"policy_hash": policy_hash, "status": status}
        with self.writing() as con:
            if con.execute(sa.select(DECISIONS.c.decision).where(DECISIONS.c.decision == decision_id)).first():
                return
            text = canonical(document)
            con.execute(DECISIONS.insert().values(decision=decision_id, **about, document=text, at=at))
            append(con, "decision", {"decision": decision_id, **about, "document": document}, at)

    def decision(self, decision_id: str) -> dict[str, Any] | None:
        """The decision as a dict of its columns, `document` among them as it was written (JSON values)."""
        found = self._decisions(DECISIONS.c.decision == decision_id)
        return found[0] if found else None

    def decisions(self, portfolio: str | None = None) -> list[dict[str, Any]]:
        """A portfolio's decisions (or everybody's), oldest first."""
        return self._decisions(*([DECISIONS.c.portfolio == portfolio] if portfolio else []))

    def decision_for(self, portfolio: str, session: date, account: str) -> dict[str, Any] | None:
        """The newest decision of a portfolio for a session of an account."""
        same = (DECISIONS.c.portfolio == portfolio, DECISIONS.c.session == session, of_account(account))
        found = self._decisions(*same)
        return found[-1] if found else None

    def _decisions(self, *where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
        query = sa.select(DECISIONS).where(*where).order_by(DECISIONS.c.session, DECISIONS.c.at, DECISIONS.c.decision)
        with self.reading() as con:
            rows = con.execute(query).mappings().all()
        return [dict(row) | {"document": json.loads(row["document"])} for row in rows]

    def record_plan(self, plan: Plan, at: datetime | None = None) -> None:
        """Write the plan and one PLANNED intent a line, once. `Refused` when the id or a reference is taken by another plan.

        `at` (of the journal row) is the decision's instant where it is not given.
        """
        with self.writing() as con:
            if _is_there(con, plan):
                return
            number = following(con, PLANS.c.number)
            con.execute(
                PLANS.insert().values(
                    plan=plan.plan, decision=plan.decision, portfolio=plan.portfolio, account=plan.account, session=plan.session,
                    funding=plan.funding, parent=plan.parent, lines=canonical(plan.lines), status="open", number=number,
                )
            )  # fmt: skip
            first = following(con, ORDERS.c.number)
            for number, line in enumerate(plan.lines, first):
                con.execute(ORDERS.insert().values(**_order(plan, line), number=number))
            append(con, "plan", {"plan": plan}, at or _decided_at(con, plan))

    def plan(self, plan_id: str) -> Plan | None:
        found = self._plans(PLANS.c.plan == plan_id)
        return found[0] if found else None

    def open_plans(self, portfolio: str, account: str) -> list[Plan]:
        """Plans that nobody has finished, oldest first."""
        return self._plans(PLANS.c.portfolio == portfolio, PLANS.c.account == account, PLANS.c.status == "open")

    def plan_status(self, plan_id: str) -> str | None:
        """open | done | partly | refused | expired, None for an unknown plan."""
        with self.reading() as con:
            return con.execute(sa.select(PLANS.c.status).where(PLANS.c.plan == plan_id)).scalar()

    def finish_plan(self, plan: str, status: str, at: datetime) -> None:
        """done | partly | refused | expired. The same again changes nothing."""
        if status not in _FINISHED:
            raise WrongUse(f"A plan cannot end as {status!r}.", f"It ends as {', '.join(_FINISHED)}.")
        with self.writing() as con:
            held = con.execute(sa.select(PLANS.c.status).where(PLANS.c.plan == plan)).scalar()
            if held is None:
                raise Refused(f"There is no plan {plan}.", "Record it first.", plan=plan)
            if held == status:
                return
            con.execute(PLANS.update().where(PLANS.c.plan == plan).values(status=status, finished_at=at))
            append(con, "plan_finished", {"plan": plan, "status": status, "before": held}, at)

    def rebalances(self, portfolio: str) -> list[date]:
        """Sessions of the finished plans that traded something, oldest first. A mere cash flow is no rebalance, nor is a limit
        that was mended.
        """
        none = sa.or_(*(DECISIONS.c.document.contains(kind, autoescape=True) for kind in NO_REBALANCE))
        other = sa.select(DECISIONS.c.decision).where(none)
        traded = sa.select(ORDERS.c.plan).join(EXECUTIONS, EXECUTIONS.c.ref == ORDERS.c.ref).where(EXECUTIONS.c.counts)
        query = (
            sa.select(PLANS.c.session)
            .distinct()
            .where(PLANS.c.portfolio == portfolio, PLANS.c.status.in_(("done", "partly")), PLANS.c.plan.in_(traded))
            .where(PLANS.c.decision.not_in(other))
        )
        with self.reading() as con:
            return sorted(con.execute(query).scalars())

    def _plans(self, *where: sa.ColumnElement[bool]) -> list[Plan]:
        with self.reading() as con:
            return [_plan(row) for row in con.execute(sa.select(PLANS).where(*where).order_by(PLANS.c.number))]


def _order(plan: Plan, line: PlanLine) -> dict[str, Any]:
    return {
        "ref": line.ref, "plan": plan.plan, "account": plan.account, "instrument": line.instrument, "symbol": line.symbol,
        "side": line.side.value, "quantity": line.quantity, "price": line.price, "currency": line.currency,
        "session": plan.session, "state": OrderState.PLANNED.value, "attempt": 0, "note": "",
    }  # fmt: skip


def _is_there(con: Connection, plan: Plan) -> bool:
    """Whether this very plan was recorded: same references, sides and quantities."""
    held = con.execute(sa.select(PLANS).where(PLANS.c.plan == plan.plan)).first()
    if held is None:
        refs = [line.ref for line in plan.lines]
        taken = con.execute(sa.select(ORDERS.c.ref, ORDERS.c.plan).where(ORDERS.c.ref.in_(refs))).first()
        if taken or len(set(refs)) != len(refs):
            ref, owner = (taken.ref, taken.plan) if taken else (max(refs, key=refs.count), plan.plan)
            raise Refused(f"The order reference {ref} is already used by plan {owner}.", "Give each line its own leg.", ref=ref)
        return False
    if {_key(line) for line in _plan(held).lines} != {_key(line) for line in plan.lines}:
        raise Refused(f"Plan {plan.plan} was recorded with other orders.", "A changed plan is a new plan with its parent named.")
    return True


def _key(line: PlanLine) -> tuple[str, Side, Decimal]:
    return (line.ref, line.side, line.quantity)


def _decided_at(con: Connection, plan: Plan) -> datetime:
    """The instant of the plan's decision, or the start of its session where no decision was recorded."""
    at = con.execute(sa.select(DECISIONS.c.at).where(DECISIONS.c.decision == plan.decision)).scalar()
    return at or datetime.fromisoformat(f"{plan.session.isoformat()}T00:00:00+00:00")


def _plan(row: Row[Any]) -> Plan:
    lines = tuple(plan_line(one) for one in json.loads(row.lines))
    return Plan(row.plan, row.decision, row.portfolio, row.account, row.session, lines, row.funding, row.parent)
