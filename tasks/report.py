"""Gather a run's facts from ledger and warehouse, and write its report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from portfolio.errors import Refused
from portfolio.record import policy_from
from portfolio.reports import ReportFacts, TradeRow, render
from portfolio.reports.facts import Hindsight
from portfolio.risk.past import look_back
from portfolio.types import Execution, Intent, Policy
from tasks import doors
from tasks.calendar import hours
from tasks.files import write_whole
from tasks.market import market_at
from tasks.settings import Settings

if TYPE_CHECKING:
    from warehouse.ledger.ledger import SqlLedger

DATASETS = ("prices", "macro")  # whose laws a report shows
HINDSIGHT = 756  # sessions, three years


def write(settings: Settings, decision: str) -> Path:
    """Write the report of a recorded decision and return its path; the file is there whole or not at all."""
    facts = gather(settings, decision)
    path = settings.reports / f"{facts.decision['portfolio']}-{facts.session}-{decision}.html"
    return write_whole(path, render(facts))


def gather(settings: Settings, decision: str) -> ReportFacts:
    """All that the page says of one decision."""
    ledger = doors.open_ledger(settings)
    record = ledger.decision(decision)
    if record is None:
        raise Refused(f"There is no decision {decision}.", "`trimtab decision list` names them.")
    document = record["document"]
    policy = policy_from(document)
    session = date.fromisoformat(document["session"])
    plan = document["plan"]["plan"] if document["plan"] else None
    books = ledger.account(settings.account, policy.base_currency)
    latest = [v.result for v in ledger.validations() if v.result.dataset in DATASETS]
    weights = _weights(ledger, document, policy, session)
    reconciled = ledger.last_reconcile(settings.account)
    return ReportFacts(
        decision=document,
        plan_status=(ledger.plan_status(plan) or "") if plan else document["status"],
        trades=_trades(ledger, settings.account, plan, policy.base_currency),
        equity=_equity(ledger, settings.account, document, session),
        weights=weights,
        holdings=weights[-1][1],
        cash=books.cash,
        foreign=books.foreign,
        currency=policy.base_currency,
        hindsight=_hindsight(settings, document, policy, session),
        laws=latest,
        quarantined=_quarantined(settings),
        limits=_limits(policy),
        breaks=[f"{what}: {sides}" for what, sides in reconciled[2].items()] if reconciled and not reconciled[1] else [],
        journal_head=ledger.head(),
        made_at=doors.SystemClock().now(),
        session=session,
        policy_text=policy.text,
    )


def _trades(ledger: SqlLedger, account: str, plan: str | None, base: str) -> list[TradeRow]:
    found = ledger.plan(plan) if plan is not None else None
    if found is None:
        return []
    lines = {line.ref: line for line in found.lines}
    rates = {line.currency: line.rate for line in found.lines} | {base: Decimal(1)}
    fills: dict[str, list[Execution]] = {}
    for execution in ledger.executions(account, plan):
        fills.setdefault(execution.order_ref.split("#", 1)[0], []).append(execution)
    return [_trade(i, fills.get(i.ref, []), lines[i.ref].reason, rates) for i in ledger.intents(account, plan)]


def _trade(intent: Intent, fills: list[Execution], reason: str, rates: Mapping[str, Decimal]) -> TradeRow:
    filled = sum((abs(e.quantity) for e in fills), Decimal(0))
    paid = sum((abs(e.quantity) * e.price for e in fills), Decimal(0))
    known = [e.commission for e in fills if e.commission is not None]
    units = {e.commission_currency or e.currency for e in fills if e.commission is not None} or {intent.currency}
    unit = min(units)
    return TradeRow(
        symbol=intent.symbol,
        side=intent.side.value,
        quantity=intent.quantity,
        filled=filled,
        planned_price=intent.price,
        price=paid / filled if filled else None,
        commission=sum(known, Decimal(0)) if len(known) == len(fills) and fills else None,
        state=intent.state.value,
        reason=reason,
        currency=intent.currency,
        rate=rates[intent.currency],
        paid_in=unit,
        fee_rate=rates.get(unit, Decimal(1)),
    )


def _equity(ledger: SqlLedger, account: str, document: Mapping[str, Any], session: date) -> list[tuple[str, Decimal]]:
    """The opening (cash, where the first decision held nothing) and each session's end."""
    points = [(day.isoformat(), value) for day, value in ledger.equity_history(account, session)]
    book = document["inputs"]["book"]
    if len(points) < 2 and not any(Decimal(q) for q in book["account"]["positions"].values()):
        return [("opened", Decimal(book["account"]["cash"])), *points]
    return points


def _weights(
    ledger: SqlLedger, document: Mapping[str, Any], policy: Policy, session: date
) -> list[tuple[str, Mapping[str, float]]]:
    history = [(day.isoformat(), held) for day, held in ledger.weights_history(policy.name, session)]
    if len(history) < 2:
        return [("before", document["current"]), *history]
    return list(history)


def _hindsight(settings: Settings, document: Mapping[str, Any], policy: Policy, session: date) -> Hindsight | None:
    """Wealth of the decided weights over the three years before, beside the benchmark; None without complete history."""
    times = hours(session)
    if times is None:
        return None
    with doors.open_lake(settings) as lake:
        market = market_at(lake, policy, times, datetime.fromisoformat(document["as_of"]), document["snapshot"])
    held = {s: w for s, w in document["weights"].items() if abs(w) > 1e-9}
    past = look_back(held, market, HINDSIGHT)
    count = len(past.book)
    if not held or past.why or past.left_out or count < min(HINDSIGHT, len(market.sessions) - 1) or count < 2:
        return None
    benchmark = market.benchmark[-count - 1 :]
    return Hindsight(
        sessions=market.sessions[-count - 1 :],
        portfolio=np.concatenate([[1.0], np.cumprod(1.0 + past.book)]),
        benchmark=benchmark / benchmark[0],
        benchmark_name=policy.benchmark or "",
    )


def _quarantined(settings: Settings) -> dict[str, int]:
    with doors.open_lake(settings) as lake:
        rows = lake.query("SELECT dataset, count(*) FROM quarantine GROUP BY dataset ORDER BY dataset")[1]
    return {str(dataset): int(count) for dataset, count in rows}


def _limits(policy: Policy) -> dict[str, float]:
    """Of the figures that the page shows; a limit of another level, horizon or method stands under the limits alone."""
    limits: dict[str, float] = {"gross": policy.risk.max_gross}
    for name in ("value_at_risk", "conditional_value_at_risk"):
        limit = getattr(policy.risk, name)
        if limit is not None and (limit.level, limit.days, limit.method) == (0.95, 1, "historical"):
            limits[name] = limit.limit
    return limits
