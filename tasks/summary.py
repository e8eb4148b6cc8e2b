"""What a run did, as the one document that `run --json` and `demo --json` print. Built from the ledger alone."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from portfolio.types import Decision, Execution
from tasks import doors
from tasks.settings import Settings

EXPLAINED = ("targets", "current", "why", "certificate")  # older records do not have all of them


def number(value: Decimal | float | None) -> float | int | None:
    """A JSON number: whole where it is whole."""
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def summary(settings: Settings, decision: str | None, status: str) -> dict[str, Any]:
    """The decision in JSON numbers; orders and fills with positive quantities, none where this run had nothing to trade.

    costs: what the fills cost against the prices they were planned at, and in commissions, in the base currency.
    """
    ledger = doors.open_ledger(settings)
    record = ledger.decision(decision) if decision else None
    document = record["document"] if record else None
    out: dict[str, Any] = {
        "status": status,
        "decision": decision,
        "plan": None,
        "snapshot": None,
        "session": None,
        "weights": {},
        "orders": [],
        "fills": [],
        "verdicts": [],
        "road": [],
        "reasons": [],
        "report": None,
        "journal_head": ledger.head(),
        "seconds": {},
        "costs": {"commissions": 0.0, "slippage": 0.0},
    }
    if document is None:
        return out
    out |= {key: document[key] for key in ("snapshot", "session", "weights", "verdicts", "road", "reasons")}
    out |= {key: document.get(key) for key in EXPLAINED} | {"timing": _timing(document.get("timing"))}
    plan = document["plan"]
    if plan is not None and status != "nothing to trade":
        out["plan"] = plan["plan"]
        out["orders"] = [_order(line) for line in plan["lines"]]
        executions = ledger.executions(settings.account, plan["plan"])
        out["fills"] = [_fill(e) for e in executions]
        out["costs"] = _costs(plan["lines"], executions)
    return out


def trial_document(decision: Decision) -> dict[str, Any]:
    """A decision that was only tried, in the same words; without fills, report and journal."""
    lines = decision.plan.lines if decision.plan else ()
    return {
        "status": decision.status,
        "decision": decision.decision,
        "plan": decision.plan.plan if decision.plan else None,
        "snapshot": decision.snapshot,
        "session": decision.session,
        "weights": decision.weights,
        "orders": [_order(asdict(line)) for line in lines],
        "verdicts": [asdict(verdict) for verdict in decision.verdicts],
        "road": decision.road,
        "reasons": decision.reasons,
        "targets": decision.targets,
        "current": decision.current,
        "why": decision.why,
        "certificate": asdict(decision.certificate) if decision.certificate else None,
        "timing": _timing(asdict(decision.timing)) if decision.timing else None,
        "risk_before": decision.risk_before,
        "risk_after": decision.risk_after,
    }


def _timing(timing: dict[str, Any] | None) -> dict[str, Any] | None:
    """Whether to trade, why, and what it is worth; the weights stand beside it."""
    return None if timing is None else {key: timing[key] for key in ("trade", "why", "gain", "cost")}


def _order(line: dict[str, Any]) -> dict[str, Any]:
    quantity = number(Decimal(line["quantity"]))
    return {"ref": line["ref"], "symbol": line["symbol"], "side": line["side"], "quantity": quantity, "reason": line["reason"]}


def _costs(lines: list[dict[str, Any]], executions: list[Execution]) -> dict[str, float]:
    """commissions, and slippage: signed shares x (fill - planned price); positive is a cost. To the cent."""
    planned = {line["symbol"]: Decimal(line["price"]) for line in lines}
    slippage = sum((e.quantity * (e.price - planned[e.symbol]) for e in executions), Decimal(0))
    commissions = sum((e.commission or Decimal(0) for e in executions), Decimal(0))
    return {"commissions": float(round(commissions, 2)), "slippage": float(round(slippage, 2))}


def _fill(execution: Execution) -> dict[str, Any]:
    return {
        "ref": execution.order_ref.split("#", 1)[0],
        "symbol": execution.symbol,
        "side": "BUY" if execution.quantity > 0 else "SELL",
        "quantity": number(abs(execution.quantity)),
        "price": number(execution.price),
        "commission": number(execution.commission),
    }
