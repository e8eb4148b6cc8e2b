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
from portfolio.types import Execution, Intent, PlanLine, Policy
from tasks import doors
from tasks.calendar import hours
from tasks.fees import FeeRates, fee_rates, fee_words, fees_of
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
        trades=_trades(settings, ledger, document),
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


def _trades(settings: Settings, ledger: SqlLedger, document: Mapping[str, Any]) -> list[TradeRow]:
    found = ledger.plan(document["plan"]["plan"]) if document["plan"] else None
    if found is None:
        return []
    lines, fills = {line.ref: line for line in found.lines}, dict[str, list[Execution]]()
    executions = ledger.executions(settings.account, found.plan)
    for execution in executions:
        fills.setdefault(execution.order_ref.split("#", 1)[0], []).append(execution)
    rates, base = fee_rates(settings, document, fees_of(executions)), document["inputs"]["book"]["account"]["currency"]
    return [_trade(i, fills.get(i.ref, []), lines[i.ref], rates, base) for i in ledger.intents(settings.account, found.plan)]


def _trade(intent: Intent, fills: list[Execution], line: PlanLine, rates: FeeRates, base: str) -> TradeRow:
    filled = sum((abs(e.quantity) for e in fills), Decimal(0))
    paid = sum((abs(e.quantity) * e.price for e in fills), Decimal(0))
    fees = fees_of(fills)
    commission, unit, rate = _fee(fees, rates, base)
    return TradeRow(
        symbol=intent.symbol,
        side=intent.side.value,
        quantity=intent.quantity,
        filled=filled,
        planned_price=intent.price,
        price=paid / filled if filled else None,
        commission=commission if fills and all(e.commission is not None for e in fills) else None,
        state=intent.state.value,
        reason="; ".join((line.reason, *fee_words(fees, rates, base))),
        currency=intent.currency,
        rate=line.rate,
        paid_in=unit or intent.currency,
        fee_rate=rate,
    )


def _fee(fees: Mapping[str, Decimal], rates: FeeRates, base: str) -> tuple[Decimal, str, Decimal]:
    """(commission, its currency, what one unit counts for in the sum): of one currency as it was paid, of several in the base
    currency. What has no rate counts for nothing there, and `fee_words` says so.
    """
    if len(fees) <= 1:
        unit, fee = next(iter(fees.items()), ("", Decimal(0)))
        return fee, unit, rates[unit][0] if unit in rates else Decimal(0)
    return sum((fee * rates[c][0] for c, fee in fees.items() if c in rates), Decimal(0)), base, Decimal(1)


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
