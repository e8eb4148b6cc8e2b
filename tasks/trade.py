"""Bring a plan to its end, and close the books of the day."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from portfolio.errors import Refused
from portfolio.record import policy_from
from portfolio.types import Account, Plan, Policy, Quote, currency_pair, multiplier
from tasks import doors
from tasks.rates import foreign_pairs
from tasks.settings import Settings

if TYPE_CHECKING:
    from brokers.executor import Progress
    from brokers.reconcile import Desk, Reconciled
    from warehouse.ledger import SqlLedger


def trade(settings: Settings, plan_id: str, progress: Progress = lambda what, done, of: None) -> str:
    """Execute the plan `plan_id`; returns how it ended. `Refused` where there is no such plan."""
    from brokers.executor import Job, execute

    ledger = doors.open_ledger(settings)
    plan = ledger.plan(plan_id)
    if plan is None:
        raise Refused(f"There is no plan {plan_id}.", "`trimtab decision list` names decisions and their plans.", plan=plan_id)
    policy = policy_of(ledger, plan)
    desk = doors.open_desk(settings, policy, ledger)
    outcome = asyncio.run(execute(Job(plan, policy, desk, _volumes(settings, plan), progress)))
    return outcome.status


def policy_of(ledger: SqlLedger, plan: Plan) -> Policy:
    """The policy as it stood when the plan was decided."""
    record = ledger.decision(plan.decision)
    if record is None:
        raise Refused(f"The decision {plan.decision} of plan {plan.plan} is not on record.", "Run the portfolio again.")
    return policy_from(record["document"])


def _volumes(settings: Settings, plan: Plan) -> dict[str, float | None]:
    """20-day average volume of each symbol of the plan as known before its session, None where no source gives one; currencies
    have none.
    """
    import numpy as np

    from tasks.calendar import hours

    times = hours(plan.session)
    symbols = sorted({line.symbol for line in plan.lines if not currency_pair(line.symbol)})
    if times is None:
        return dict.fromkeys(symbols)
    with doors.open_lake(settings) as lake, lake.at(lake.snapshot()) as reader:
        prices = reader.prices(symbols, times.opens, ("volume",))
    out: dict[str, float | None] = {}
    for index, symbol in enumerate(symbols):
        volumes = prices.fields["volume"][prices.symbol == index][-20:]
        known = volumes[np.isfinite(volumes)]
        out[symbol] = float(known.mean()) if len(known) == 20 else None
    return out


def close_books(settings: Settings, policy: Policy, now: datetime) -> dict[str, Any]:
    """Reconcile once more and record the equity of the session, in the base currency by the pairs' quotes. The document says
    whether both sides agree.
    """
    from brokers.view import value_in_base

    ledger = doors.open_ledger(settings)
    desk = doors.open_desk(settings, policy, ledger)
    seen, quotes = asyncio.run(_close(ledger, desk, now))
    books = ledger.account(settings.account, policy.base_currency)
    prices, rates = value_in_base(books, quotes)
    equity = books.equity(prices, rates)
    weights = {s: float(q * prices[s] * multiplier(s) / equity) for s, q in sorted(books.positions.items()) if q}
    ledger.record_equity(settings.account, policy.name, seen.session, equity, books.cash, weights, now, books.foreign)
    return {
        "session": seen.session.isoformat(),
        "equity": equity,
        "currency": books.currency,
        "cash": books.cash,
        "foreign": dict(books.foreign),
        "positions": {s: q for s, q in sorted(books.positions.items()) if q},
        "breaks": [b.sentence for b in seen.breaks],
        "warnings": [*seen.warnings, *_marked(books, quotes)],
        "state": seen.state.value,
    }


def _marked(books: Account, quotes: Mapping[str, Quote]) -> list[str]:
    """What is held and has no other value than the broker's own mark."""
    held = [(s, quotes[s]) for s, quantity in sorted(books.positions.items()) if quantity and s in quotes]
    return [f"{s} is valued at {q.mark}, the broker's own mark, for nobody quotes it" for s, q in held if q.marked]


def reconcile(settings: Settings, policy: Policy) -> Reconciled:
    """Ledger and broker, compared now; the trading state is set by what was found."""
    from brokers.reconcile import reconcile_account

    desk = doors.open_desk(settings, policy, doors.open_ledger(settings))

    async def ask() -> Reconciled:
        try:
            await desk.broker.connect()
            return await reconcile_account(desk)
        finally:
            await desk.broker.disconnect()

    return asyncio.run(ask())


async def _close(ledger: SqlLedger, desk: Desk, now: datetime) -> tuple[Reconciled, dict[str, Quote]]:
    """The reconcile, on record before anything can fail after it, and quotes of what either side holds and of its currencies."""
    from brokers.reconcile import reconcile_account

    try:
        await desk.broker.connect()
        seen = await reconcile_account(desk)
        differences = {b.what: {"ledger": b.ours, "broker": b.theirs} for b in seen.breaks}
        ledger.record_reconcile(desk.account, not differences, differences, now)
        books = ledger.account(desk.account, desk.currency)
        held = {s for s, q in (*seen.picture.positions.items(), *books.positions.items()) if q}
        wanted = sorted({*held, *foreign_pairs(desk, {**seen.picture.cash, **books.foreign}, seen.picture.strays).values()})
        return seen, dict(await desk.broker.quotes(wanted)) if wanted else {}
    finally:
        await desk.broker.disconnect()
