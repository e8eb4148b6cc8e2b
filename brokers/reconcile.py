"""Ledger and broker, brought together: every entry into trading begins and ends here.

Order states come from permanent ids, executions and completed orders. An order of ours without a trace at the broker is
looked for twice, a quiet time apart, before anybody believes that it never arrived; a difference in the books is looked at
for some seconds before it halts, because cash and positions may lag a fill.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from brokers.commissions import outstanding, unexplained
from brokers.judging import NO_TRACE, doubled, judge, judge_late, judge_order, reference, traces
from portfolio.errors import Outage, Refused
from portfolio.ledger import Break, add, moved, reconcile
from portfolio.ports import Broker, Clock, Ledger
from portfolio.types import (
    BY_BOOKS,
    CURRENCIES,
    BrokerPicture,
    Execution,
    Intent,
    OrderState,
    TradingState,
)

__all__ = ["EXCHANGE_ZONE", "IN_FLIGHT", "Desk", "Reconciled", "judge_order", "match", "reconcile_account"]

EXCHANGE_ZONE = ZoneInfo("America/New_York")
COMMISSION_SECONDS = 10.0  # how long a commission report may come after its fill
BREAK_SECONDS = 5.0  # how long cash and positions may lag a fill
PAUSE = 0.25  # seconds between two looks
MAY_TRADE = frozenset({TradingState.ACTIVE, TradingState.UNRECONCILED})
IN_FLIGHT = frozenset({OrderState.SENDING, OrderState.ACKED, OrderState.PARTIAL})


@dataclass(frozen=True, slots=True)
class Desk:
    """One account with its two records (ours and the broker's) and the clock of our own rows.

    currency: the account's own; currencies: symbol -> what it trades in, of those in another one.
    """

    ledger: Ledger
    broker: Broker
    clock: Clock
    account: str
    currency: str
    client_id: int
    quiet_seconds: float
    currencies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a reconcile found. absent: intents of this session that the broker, asked twice, knows nothing of;
    alarms: the sentences that halted the account now; warnings: what a person should know and that stops nothing.
    """

    picture: BrokerPicture
    breaks: tuple[Break, ...]
    absent: tuple[Intent, ...]
    state: TradingState
    session: date
    alarms: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Look:
    """One picture, written down. doubtful: intents handed over, of which it shows no trace; breaks: see `unexplained`."""

    picture: BrokerPicture
    session: date
    doubtful: tuple[Intent, ...]
    breaks: tuple[Break, ...]
    unexplained: tuple[Break, ...]
    doubled: tuple[str, ...]


async def reconcile_account(desk: Desk) -> Reconciled:
    """Ask the broker for everything, write down what it says, compare to the share and the cent, set the trading state.

    `Outage` where the broker does not answer, or falls silent while an order is in doubt. `Refused`, before anything is written,
    where the desk reckons in another currency than the account, or means another share by a name than the broker.
    """
    look, doubled, absent = await _look(desk), set[str](), tuple[Intent, ...]()
    if look.doubtful:
        doubled.update(look.doubled)
        await _quiet(desk)
        look = await _look(desk)
        absent = _given_up(desk, look.doubtful)
    until = time.monotonic() + BREAK_SECONDS
    while look.unexplained and desk.ledger.trading_state(desk.account) is not TradingState.HALTED and time.monotonic() < until:
        doubled.update(look.doubled)
        await asyncio.sleep(2 * PAUSE)
        look = await _look(desk)
    still = {intent.ref for intent in look.doubtful}
    alarms = (*sorted(doubled.union(look.doubled)), *(b.sentence for b in look.unexplained))
    absent = tuple(i for i in absent if i.ref in still)
    state, warnings = _next_state(desk, alarms), _warnings(look.picture)
    return Reconciled(look.picture, look.breaks, absent, state, look.session, alarms, warnings)


def _warnings(picture: BrokerPicture) -> tuple[str, ...]:
    """A position is a fact, whoever bought it; who reads of it may sell it or name it."""
    return tuple(
        f"{symbol} is held in {currency} and no policy of this desk names it: it is booked, and "
        + (f"valued by the rate of {currency}" if currency in CURRENCIES else f"no rate of {currency} is known to value it by")
        for symbol, currency in sorted(picture.strays.items())
    )


async def _look(desk: Desk) -> _Look:
    picture = await _complete_picture(desk)
    _in_its_currencies(desk, picture)
    session = picture.time.astimezone(EXCHANGE_ZONE).date()
    _open_once(desk, picture)
    booked = desk.ledger.executions(desk.account)
    intents = desk.ledger.intents(desk.account)
    _notice_foreign(desk, picture, intents, booked)
    doubled = _notice_doubled(desk, picture, intents, booked)
    doubtful = match(desk, picture, session)
    breaks = reconcile(desk.ledger.account(desk.account, desk.currency), picture.positions, picture.cash)
    allowed = outstanding({e.exec_id: e for e in (*booked, *picture.executions)}.values(), desk.currency)
    return _Look(picture, session, doubtful, breaks, unexplained(breaks, allowed), doubled)


async def _quiet(desk: Desk) -> None:
    """The time in which an accepted order must have become visible, on a connection that held throughout."""
    until = time.monotonic() + desk.quiet_seconds
    while True:
        if not desk.broker.connected():
            raise Outage("The connection broke while an order was in doubt.", "Run again: nothing is re-sent blindly.")
        if (left := until - time.monotonic()) <= 0:
            return
        await asyncio.sleep(min(left, PAUSE))


def _given_up(desk: Desk, doubtful: Sequence[Intent]) -> tuple[Intent, ...]:
    """Those that were never acknowledged. What was acknowledged once and is listed no more is UNKNOWN for a person."""
    for intent in doubtful:
        if intent.state is not OrderState.SENDING:
            note = "it was acknowledged, and the broker lists it no more"
            desk.ledger.observe(intent.ref, OrderState.UNKNOWN, intent.perm_id, note, desk.clock.now())
    return tuple(i for i in doubtful if i.state is OrderState.SENDING)


# ---------------------------------------------------------------- orders
def match(desk: Desk, picture: BrokerPicture, session: date) -> tuple[Intent, ...]:
    """Book the executions, write the state of each intent the picture speaks of, and return those sent without a trace."""
    now, shown, doubtful = desk.clock.now(), traces(picture), []
    desk.ledger.book(picture.executions, now)
    for intent in desk.ledger.intents(desk.account):
        orders, fills = shown.get(intent.ref, NO_TRACE)
        verdict = judge_late(intent) if intent.state.final else judge(intent, orders, fills, session)
        if verdict is not None and verdict[:2] != (intent.state, intent.perm_id):
            desk.ledger.observe(intent.ref, *verdict, now)
        if verdict is None and intent.state in IN_FLIGHT:
            doubtful.append(intent)
    return tuple(doubtful)


# ---------------------------------------------------------------- the picture
async def _complete_picture(desk: Desk) -> BrokerPicture:
    """A picture in which every fresh fill has its commission, or the last one after a bounded wait."""
    ours = {i.wire_ref for i in desk.ledger.intents(desk.account, unfinished=True)}
    until = time.monotonic() + COMMISSION_SECONDS
    picture = await desk.broker.picture()
    while time.monotonic() < until and (_commissions_missing(picture) or _fills_missing(picture, ours)):
        await asyncio.sleep(PAUSE)
        picture = await desk.broker.picture()
    return picture


def _commissions_missing(picture: BrokerPicture) -> bool:
    """Of executions so young that their report may still be on its way."""
    young = picture.time - timedelta(seconds=2 * COMMISSION_SECONDS)
    return any(e.commission is None and e.time > young for e in picture.executions)


def _fills_missing(picture: BrokerPicture, ours: Collection[str]) -> bool:
    """Whether an unfinished order of ours that the broker calls filled has fewer executed shares than it ordered."""
    done: dict[str, Decimal] = {}
    for execution in picture.executions:
        done[execution.order_ref] = done.get(execution.order_ref, Decimal(0)) + abs(execution.quantity)
    filled = (o for o in picture.orders if o.state is OrderState.FILLED and o.order_ref in ours)
    return any(done.get(o.order_ref, Decimal(0)) < o.quantity for o in filled)


def _in_its_currencies(desk: Desk, picture: BrokerPicture) -> None:
    """`Refused` unless the desk means by each currency and share what the broker means: under another name nothing is booked."""
    if picture.base not in {"", desk.currency}:
        words = f"Account {desk.account} is kept in {picture.base} at the broker, the policy's base_currency is {desk.currency}."
        raise Refused(words, f'Use the policy of this account, or set base_currency = "{picture.base}".', base=picture.base)
    if picture.unnamed:
        what = ", ".join(f"{symbol} in {currency}" for symbol, currency in picture.unnamed)
        words = f"Account {desk.account} holds or deals {what}, and the policy or the account has another share of that name."
        raise Refused(words, "Use the policy of this account, or correct its [universe] currencies.", unnamed=picture.unnamed)


def _open_once(desk: Desk, picture: BrokerPicture) -> None:
    """The first meeting: what the account held before the executions it shows is its opening balance.

    They are booked first: an interruption between the two leaves an account that is not open, and no trade that looks foreign.
    """
    if desk.ledger.opened(desk.account):
        return
    positions, cash = dict(picture.positions), dict(picture.cash)
    for execution in picture.executions:
        if execution.commission is None:
            raise Outage(f"The commission of execution {execution.exec_id} has not come.", "Open the account when it has.")
        for amounts, dealt in zip((positions, cash), moved(execution), strict=True):
            add(amounts, {name: -amount for name, amount in dealt.items()})
    desk.ledger.book(picture.executions, desk.clock.now())
    own = cash.pop(desk.currency, Decimal(0))
    desk.ledger.open_account(desk.account, positions, own, desk.currency, desk.clock.now(), cash)


# ---------------------------------------------------------------- the trading state
def _notice_foreign(desk: Desk, picture: BrokerPicture, intents: Sequence[Intent], booked: Sequence[Execution]) -> None:
    """What is not ours reduces the account before it is booked, so that a crash in between forgets nothing."""
    ours, old = {i.ref for i in intents}, {e.exec_id for e in booked}
    dealt = [e for e in picture.executions if reference(e.order_ref) not in ours and e.exec_id not in old]
    open_ = [o for o in picture.orders if reference(o.order_ref) not in ours and not o.state.final]
    words = [f"{e.quantity} {e.symbol} were dealt" for e in dealt[:5]]
    words += [f"{o.side.value} {o.quantity} {o.symbol} is open as {o.perm_id}" for o in open_[:5]]
    if words and desk.ledger.trading_state(desk.account) in MAY_TRADE:
        _change(desk, TradingState.REDUCING, f"there are trades at the broker that are not ours: {', '.join(words)}")


def _notice_doubled(
    desk: Desk, picture: BrokerPicture, intents: Sequence[Intent], booked: Sequence[Execution]
) -> tuple[str, ...]:
    """Orders that are at the broker more than once halt the account, before their fills are booked. What was booked before
    and is over halts once: `resume` clears it.
    """
    old, found, shown = {e.exec_id for e in booked}, [], traces(picture)
    for intent in (i for i in intents if i.ref in shown):
        orders, fills = shown[intent.ref]
        at_work = any(not o.state.final for o in orders) or any(e.exec_id not in old for e in fills)
        if at_work and (words := doubled(intent, orders, fills)):
            found.append(words)
    if found and desk.ledger.trading_state(desk.account) is not TradingState.HALTED:
        _change(desk, TradingState.HALTED, BY_BOOKS + "; ".join(found))
    return tuple(found)


def _next_state(desk: Desk, alarms: Sequence[str]) -> TradingState:
    """A passed reconcile clears UNRECONCILED; a difference that nothing explains halts."""
    state = desk.ledger.trading_state(desk.account)
    if alarms and state is not TradingState.HALTED:
        return _change(desk, TradingState.HALTED, BY_BOOKS + "; ".join(alarms))
    if not alarms and state is TradingState.UNRECONCILED:
        return _change(desk, TradingState.ACTIVE, "the reconcile passed")
    return state


def _change(desk: Desk, state: TradingState, reason: str) -> TradingState:
    desk.ledger.set_trading_state(desk.account, state, reason, desk.clock.now())
    return state
