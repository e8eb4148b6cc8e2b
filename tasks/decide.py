"""Read the market and the account, decide, write the decision down. And do it again from the record, to compare."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from portfolio.decide import Book, decide
from portfolio.errors import Refused
from portfolio.hedging import wanted_options
from portfolio.market import Market
from portfolio.record import book_from, decision_document, differences, health_from, policy_from
from portfolio.risk import state_after
from portfolio.risk.drawdown import RULES
from portfolio.types import BY_LOSS, Action, Contract, Decision, Policy, TradingState, option_terms
from tasks import doors
from tasks.book import Look, at_work, book_of, foreign_money, trial_book
from tasks.calendar import Hours, hours
from tasks.market import Told, market_at
from tasks.rates import foreign_pairs, rates_from
from tasks.settings import Settings
from tasks.version import code_version

if TYPE_CHECKING:
    from brokers.reconcile import Desk
    from portfolio.ports import Broker
    from warehouse.lake import Lake
    from warehouse.ledger import SqlLedger


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was decided, by name: the decision's id, its plan's id where there is something to trade, and the status."""

    decision: str
    plan: str | None
    status: str
    note: str = ""  # why nothing new was decided, where an earlier decision was found


def propose(settings: Settings, policy: Policy, session: date, now: datetime) -> Proposal:
    """Decide for `session` and write decision and plan down; what was decided before is found, never decided twice.

    `Refused` where the gateway lives in another session than the one asked for, or the data or the account forbid it.
    """
    ledger = doors.open_ledger(settings)
    times = _hours(session)
    held = ledger.standing(settings.account)
    if held and held.state is TradingState.HALTED:
        raise Refused(f"Account {settings.account} is {held.words}.", held.way_out)
    unfinished = [p for p in ledger.open_plans(policy.name, settings.account) if p.session == session]
    if unfinished:
        return Proposal(unfinished[0].decision, unfinished[0].plan, "trade")
    with doors.open_lake(settings) as lake:
        market = _market(lake, ledger, settings.account, policy, times, lake.snapshot())
    known = _known(ledger, policy, market)
    if known is not None:
        return known
    asked = (*policy.traded, *wanted_options(policy, market, {}))
    looked = asyncio.run(look(doors.open_desk(settings, policy, ledger), asked, session))
    _end_old_plans(ledger, policy, settings.account, session, now)
    book = book_of(settings, ledger, policy, market, looked)
    decision = decide(policy, market, book, code_version=code_version())
    return _write(ledger, decision, policy, market, book, now)


async def look(desk: Desk, symbols: tuple[str, ...], session: date) -> Look:
    """Reconcile, then ask for contracts and quotes of `symbols` and of what is held. An option that the broker does not know has
    neither.
    """
    from brokers.reconcile import EXCHANGE_ZONE, reconcile_account

    try:
        await desk.broker.connect()
        seen = await reconcile_account(desk)
        there = seen.picture.time.astimezone(EXCHANGE_ZONE).date()
        if there != session:
            raise Refused(
                f"The gateway lives on {there}, the run is for {session}.",
                f"Run with --as-of {there}, or connect to the gateway of that day.",
            )
        pairs = foreign_pairs(desk, seen.picture.cash, seen.picture.strays)
        named = [s for s in symbols if not option_terms(s)]
        contracts = dict(await desk.broker.contracts((*named, *sorted(pairs.values()))))
        contracts |= await _known_options(desk.broker, [s for s in symbols if option_terms(s)])
        held = [s for s, q in seen.picture.positions.items() if q]
        quotes = await desk.broker.quotes(sorted({*contracts, *held, *pairs.values()}))
        rates = rates_from(quotes, pairs, desk.currency, "broker")
        return Look(seen.picture.time, seen.state, quotes, contracts, rates, at_work(seen.picture))
    finally:
        await desk.broker.disconnect()


async def _known_options(broker: Broker, symbols: list[str]) -> dict[str, Contract]:
    """The contracts of those that the broker knows, each asked for alone: not every strike is listed."""
    found: dict[str, Contract] = {}
    for symbol in symbols:
        with contextlib.suppress(Refused):
            found |= await broker.contracts((symbol,))
    return found


def _end_old_plans(ledger: SqlLedger, policy: Policy, account: str, session: date, now: datetime) -> None:
    """Plans of earlier sessions that nobody finished: the reconcile has expired what was left of their orders."""
    for plan in ledger.open_plans(policy.name, account):
        intents = ledger.intents(account, plan.plan)
        if plan.session < session and all(i.state.final for i in intents):
            ledger.finish_plan(plan.plan, "partly" if any(i.filled for i in intents) else "expired", now)


def _hours(session: date) -> Hours:
    times = hours(session)
    if times is None:
        raise Refused(f"{session} is no session of the exchange.", "Name a day on which XNYS was open.")
    return times


def _market(lake: Lake, ledger: SqlLedger, account: str, policy: Policy, times: Hours, snapshot: int) -> Market:
    as_of = times.moment(policy.execution.decide_minutes_before_close)
    results = tuple(v.result for v in ledger.validations() if v.result.dataset == "prices")
    told = Told(tuple(ledger.incidents(dataset="prices")), results, foreign_money(ledger, account, policy))
    return market_at(lake, policy, times, as_of, snapshot, told)


def _known(ledger: SqlLedger, policy: Policy, market: Market) -> Proposal | None:
    """The decision that was made before from the same policy, moment and snapshot."""
    from portfolio.decide import decision_id
    from portfolio.record import plan_from

    record = ledger.decision(decision_id(policy, market))
    if record is None:
        return None
    document = record["document"]
    if document["plan"] is not None and ledger.plan(document["plan"]["plan"]) is None:  # killed between the two writes
        ledger.record_plan(plan_from(document["plan"]))
        return Proposal(document["decision"], document["plan"]["plan"], "trade")
    ended = ledger.plan_status(document["plan"]["plan"]) if document["plan"] else None
    status = document["status"] if ended is None else {"done": "nothing to trade"}.get(ended, ended)
    end = f"its plan ended as {ended!r}" if ended else "it asked for no trade"
    return Proposal(document["decision"], None, status, f"this session was decided before, and {end}")


def _write(ledger: SqlLedger, decision: Decision, policy: Policy, market: Market, book: Book, now: datetime) -> Proposal:
    """The state first: a kill in between leaves an account that is stopped, never one that forgot to stop."""
    state = state_after(book.state, decision.verdicts)
    if state is not book.state:
        lost = [v.reason for v in decision.verdicts if v.rule in RULES and v.action in {Action.REDUCE, Action.BLOCK}]
        ledger.set_trading_state(book.account_name, state, BY_LOSS + "; ".join(lost), now)
    document = decision_document(decision, policy, market, book)
    ledger.record_decision(
        decision.decision,
        portfolio=decision.portfolio,
        session=decision.session,
        as_of=decision.as_of,
        snapshot=decision.snapshot,
        policy_hash=decision.policy_hash,
        status=decision.status,
        document=document,
        at=now,
    )
    if decision.plan is not None:
        ledger.record_plan(decision.plan)
    return Proposal(decision.decision, decision.plan.plan if decision.plan else None, decision.status)


def trial(settings: Settings, policy: Policy, session: date) -> Decision:
    """The decision of `tried` alone."""
    return tried(settings, policy, session)[0]


def tried(settings: Settings, policy: Policy, session: date) -> tuple[Decision, Market, Book]:
    """What would be decided for `session`, from the warehouse alone: last closes as quotes, nothing written, nobody asked.

    The account is the ledger's, or a trial of 1,000,000 in cash where none is on record.
    """
    ledger = doors.open_ledger(settings)
    with doors.open_lake(settings) as lake:
        market = _market(lake, ledger, settings.account, policy, _hours(session), lake.snapshot())
    book = trial_book(settings, ledger, policy, market)
    return decide(policy, market, book, code_version=code_version()), market, book


def replay(settings: Settings, identity: str) -> dict[str, Any]:
    """Recompute a recorded decision from its snapshot and its book, and name what differs (nothing, if all is well)."""
    ledger = doors.open_ledger(settings)
    record = ledger.decision(identity)
    if record is None:
        raise Refused(f"There is no decision {identity}.", "`trimtab decision list` names them.", decision=identity)
    recorded = record["document"]
    policy = policy_from(recorded)
    as_it_was = recorded["inputs"]["market"]
    with doors.open_lake(settings) as lake:
        market = market_at(
            lake,
            policy,
            _hours(date.fromisoformat(as_it_was["session"])),
            datetime.fromisoformat(as_it_was["as_of"]),
            as_it_was["snapshot"],
            Told(money=frozenset(as_it_was.get("money", ()))),
        )
    market = _with_health(market, as_it_was)
    book = book_from(recorded["inputs"]["book"])
    again = decision_document(decide(policy, market, book, code_version=code_version()), policy, market, book)
    found = differences(recorded, again)
    return {
        "status": "equal" if not found else "different",
        "decision": identity,
        "recorded_by": recorded["code_version"],
        "replayed_by": again["code_version"],
        "differences": found,
    }


def _with_health(market: Market, recorded: Mapping[str, Any]) -> Market:
    from dataclasses import replace

    health, illness, declarations = health_from(recorded)
    return replace(market, health=health, illness=illness, declarations=declarations)
