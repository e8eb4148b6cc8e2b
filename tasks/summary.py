"""What a run did, as the one document that `run --json` and `demo --json` print. Built from the ledger; of the warehouse only a
rate that neither plan nor book has.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from portfolio.record import decision_body
from portfolio.types import Action, Decision, Execution, Standing, TradingState, currency_pair, multiplier
from tasks import doors
from tasks.fees import fee_rates, fees_of
from tasks.settings import Settings

EXPLAINED = ("targets", "current", "why", "certificate", "risk_before", "risk_after", "hedges", "stresses", "backtests")
MARGINS = ("margin_before", "margin_after")  # older records do not have all of these


def number(value: Decimal | float | None) -> float | int | None:
    """A JSON number: whole where it is whole."""
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def summary(settings: Settings, decision: str | None, status: str) -> dict[str, Any]:
    """The decision in JSON numbers; orders and fills with positive quantities, none where this run had nothing to trade.

    costs: what the fills cost against the prices they were planned at, and in commissions, in the base currency; see `_costs`.
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
        "currency": None,
        "traded": 0.0,
    }
    if document is None:
        return out
    out["currency"] = document["inputs"]["book"]["account"]["currency"]
    out |= {key: document[key] for key in ("snapshot", "session", "weights", "verdicts", "road", "reasons")}
    out |= explained(document)
    if document["plan"] is not None and status != "nothing to trade":
        out |= _dealt(settings, ledger.executions(settings.account, document["plan"]["plan"]), document, out["currency"])
    if status == "refused" and document["plan"] is None:
        out |= _refused(document, ledger.standing(settings.account))
    return out


def _refused(document: Mapping[str, Any], standing: Standing | None) -> dict[str, str]:
    """error: what forbade every trade of the decision; way_out: what a person does now."""
    blocks = [v["reason"] for v in document["verdicts"] if v["action"] == Action.BLOCK.value]
    halted = standing is not None and standing.state is TradingState.HALTED
    now = f"The account is {standing.words}. {standing.way_out} " if standing and halted else ""
    return {
        "error": "; ".join(blocks or document["reasons"]),
        "way_out": f"{now}What was decided for this session stays; the next one is decided anew.",
    }


def _dealt(settings: Settings, executions: list[Execution], document: Mapping[str, Any], base: str) -> dict[str, Any]:
    """The plan, its orders, its fills, what was dealt and what that cost."""
    plan = document["plan"]
    known = {currency: rate for currency, (rate, _) in fee_rates(settings, document, fees_of(executions)).items()}
    return {
        "plan": plan["plan"],
        "orders": [_order(line) for line in plan["lines"]],
        "fills": [_fill(e) for e in executions],
        "traded": _traded(plan["lines"], executions),
        "costs": _costs(plan["lines"], executions, base, known),
    }


def trial_document(decision: Decision) -> dict[str, Any]:
    """A decision that was only tried, in the same words; without fills, report and journal."""
    document = decision_body(decision)
    plan = document["plan"]
    return {
        "status": decision.status,
        "decision": decision.decision,
        "plan": plan["plan"] if plan else None,
        "snapshot": decision.snapshot,
        "session": document["session"],
        "weights": document["weights"],
        "orders": [_order(line) for line in plan["lines"]] if plan else [],
        "verdicts": document["verdicts"],
        "road": decision.road,
        "reasons": decision.reasons,
        **explained(document),
    }


def explained(document: Mapping[str, Any]) -> dict[str, Any]:
    """Why, in JSON values with numbers for money: of a recorded decision, whatever its age."""
    told = {key: document.get(key) for key in EXPLAINED}
    return told | {key: _margin(document.get(key)) for key in MARGINS} | {"timing": _timing(document.get("timing"))}


def _margin(picture: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if picture is None:
        return None
    return {key: number(Decimal(value)) if isinstance(value, str) else value for key, value in picture.items()}


def _timing(timing: dict[str, Any] | None) -> dict[str, Any] | None:
    """Whether to trade, why, and what it is worth; the weights stand beside it."""
    return None if timing is None else {key: timing[key] for key in ("trade", "why", "gain", "cost")}


def _order(line: Mapping[str, Any]) -> dict[str, Any]:
    """parts: what the signed quantity is made of. cost: expected, in the order's currency."""
    return {
        **{name: line[name] for name in ("ref", "symbol", "side")},
        "quantity": number(Decimal(line["quantity"])),
        "currency": line["currency"],
        "reason": line["reason"],
        "price": number(Decimal(line["price"])),
        "rate": number(Decimal(line.get("rate", 1))),
        "cost": number(Decimal(line.get("cost", 0))),
        "parts": {cause: number(Decimal(part)) for cause, part in line.get("parts", {}).items()},
    }


def _costs(
    lines: list[dict[str, Any]], executions: list[Execution], base: str, known: Mapping[str, Decimal] | None = None
) -> dict[str, Any]:
    """commissions, and slippage: signed shares x (fill - planned price); positive is a cost. To the cent of `base`, at the rates
    of the plan, or where it has none at others that are known (`known`); unrated: commissions in a currency that nobody knows,
    in that currency, where there are any.
    """
    planned = {line["symbol"]: Decimal(line["price"]) for line in lines}
    rates = {**(known or {}), **{line["currency"]: Decimal(line.get("rate", 1)) for line in lines}, base: Decimal(1)}
    moves = (e.quantity * multiplier(e.symbol) * (e.price - planned[e.symbol]) * rates[e.currency] for e in executions)
    fees = fees_of(executions)
    commissions = sum((fee * rates[currency] for currency, fee in fees.items() if currency in rates), Decimal(0))
    unrated = {currency: number(fee) for currency, fee in fees.items() if fee and currency not in rates}
    out = {"commissions": float(round(commissions, 2)), "slippage": float(round(sum(moves, Decimal(0)), 2))}
    return out | ({"unrated": unrated} if unrated else {})


def _traded(lines: list[dict[str, Any]], executions: list[Execution]) -> float:
    """Value of the shares that were dealt, conversions left out, in the base currency at the rates of the plan."""
    rates = {line["symbol"]: Decimal(line.get("rate", 1)) for line in lines}
    dealt = (e for e in executions if not currency_pair(e.symbol))
    values = (abs(e.quantity) * e.price * multiplier(e.symbol) * rates.get(e.symbol, Decimal(1)) for e in dealt)
    return float(round(sum(values, Decimal(0)), 2))


def _fill(execution: Execution) -> dict[str, Any]:
    return {
        "ref": execution.order_ref.split("#", 1)[0],
        "symbol": execution.symbol,
        "side": "BUY" if execution.quantity > 0 else "SELL",
        "quantity": number(abs(execution.quantity)),
        "price": number(execution.price),
        "currency": execution.currency,
        "commission": number(execution.commission),
        "commission_currency": execution.commission_currency or execution.currency,
    }
