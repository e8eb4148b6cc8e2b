"""From a plan to fills, each order sent at most once: written down before it is sent, asked for before it is sent again.

Works on the ports alone (Ledger, Broker, Clock), so every broker is driven by the same lines. The execution may be
repeated after any interruption: every entry begins with a reconcile.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from brokers.previewing import Previews
from brokers.reconcile import IN_FLIGHT, Desk, Reconciled, reconcile_account
from brokers.tickets import ticket
from brokers.view import committed, gate_view
from portfolio.errors import Outage, Refused
from portfolio.orders import GateView, admit, admit_plan
from portfolio.types import (
    Action,
    Intent,
    OrderState,
    Plan,
    PlanLine,
    Policy,
    Side,
    TradingState,
    currency_pair,
)
from portfolio.types import Verdict as GateVerdict

ATTEMPTS = 8  # of one intent in one session, each after a full doubt was cleared
HOLD_UPS = 3
SETTLE_SECONDS = 30.0
STAGES = ("sells", "conversions", "buys")
MINUTE = 60.0

Progress = Callable[[str, int, int], None]  # (what, done, of)
Waiting = tuple[PlanLine, Intent]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a plan ended: done (all filled) | partly | working | refused | expired, and the account after it."""

    status: str
    reconciled: Reconciled
    verdicts: tuple[GateVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One plan under its policy, at one desk. volumes: 20-day average shares a day by symbol, None where unknown;
    settle_seconds: how long to wait for fills before the plan is left working.
    """

    plan: Plan
    policy: Policy
    desk: Desk
    volumes: Mapping[str, float | None]
    progress: Progress
    settle_seconds: float = SETTLE_SECONDS

    def note(self, ref: str, state: OrderState, words: str) -> None:
        self.desk.ledger.observe(ref, state, None, words, self.desk.clock.now())

    @property
    def terms(self) -> tuple[str, str]:
        """(account, order type)."""
        return self.desk.account, self.policy.execution.order_type

    def intents(self, unfinished: bool = False) -> list[Intent]:
        return self.desk.ledger.intents(self.desk.account, self.plan.plan, unfinished)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry into the plan: the epoch that it holds, and what was learnt of the broker's previews."""

    epoch: int
    previews: Previews


async def execute(job: Job) -> Outcome:
    """Bring the plan to its end; what is done stays done, so run it as often as you like.

    `Outage` where the broker or the ledger falls silent (run again), `Refused` where the account may not trade, where an
    order is UNKNOWN, or where the books differ at the end (a person must look).
    """
    desk, plan = job.desk, job.plan
    if plan.account != desk.account:
        raise Refused(f"Plan {plan.plan} is for account {plan.account}, this desk has {desk.account}.", "Name the right account.")
    try:
        await desk.broker.connect()
        epoch = desk.ledger.take_epoch(desk.account, f"{plan.plan}/{desk.client_id}", desk.clock.now())
        desk.ledger.record_plan(plan)
        outcome = await _run(job, await reconcile_account(desk), epoch)
        if outcome.status != "working":
            desk.ledger.finish_plan(plan.plan, outcome.status, desk.clock.now())
        _sound(job, outcome.reconciled)
        return outcome
    finally:
        with contextlib.suppress(Outage):
            await desk.broker.disconnect()


async def _run(job: Job, before: Reconciled, epoch: int) -> Outcome:
    if job.plan.session > before.session:
        words = f"Plan {job.plan.plan} is for {job.plan.session}, the broker is in {before.session}."
        raise Refused(words, "Run it on its day.")
    if job.plan.session < before.session:
        _expire(job, before)
        return Outcome(_status(job, "expired"), before)
    seen, refused, entry = before, list[GateVerdict](), _Entry(epoch, Previews(job.desk, job.terms))
    for stage in STAGES:
        seen, against = await _trade(job, stage, seen, entry)
        refused += against
        if _flying(job, stage):
            break  # the buys wait for the money of the sells, changed where it is of another currency
    return Outcome(_status(job, "refused"), seen, tuple(refused))


def stage_of(order: PlanLine | Intent) -> str:
    """When an order has its turn."""
    if currency_pair(order.symbol):
        return "conversions"
    return "sells" if order.side is Side.SELL else "buys"


async def _trade(job: Job, stage: str, seen: Reconciled, entry: _Entry) -> tuple[Reconciled, list[GateVerdict]]:
    """Send what was never sent or never arrived, wait for it, and again for what got lost on the way."""
    refused: list[GateVerdict] = []
    for _ in range(ATTEMPTS + 1):
        waiting = _to_send(job, stage, seen)
        if waiting:
            _active(job, seen.state, seen.alarms)
            refused += await _Batch(job, seen, entry).send(waiting)
        flying = _flying(job, stage)
        if not flying:
            break
        await job.desk.broker.settled([i.wire_ref for i in flying], job.settle_seconds)
        seen = await reconcile_account(job.desk)
        if not seen.absent:
            break
    return seen, refused


def _expire(job: Job, seen: Reconciled) -> None:
    for intent in job.intents(unfinished=True):
        if intent.state is OrderState.PLANNED:
            job.note(intent.ref, OrderState.EXPIRED, f"planned for {job.plan.session}, the broker is in {seen.session}")


def _active(job: Job, state: TradingState, alarms: Sequence[str]) -> None:
    """`Refused` where the account may not trade; what is planned stays planned."""
    if state in {TradingState.HALTED, TradingState.UNRECONCILED}:
        held = job.desk.ledger.standing(job.desk.account)
        why = "; ".join(alarms) or "and no reason is on record"
        words = held.words if held and held.state is state else f"{state.value}, {why}"
        way = held.way_out if held and held.state is TradingState.HALTED else "Reconcile it: `trimtab reconcile`."
        raise Refused(f"Account {job.desk.account} is {words}.", way, alarms=tuple(alarms), state=state.value)


def _sound(job: Job, seen: Reconciled) -> None:
    """`Refused` where a person must look before anything else is done with the account."""
    _active(job, job.desk.ledger.trading_state(job.desk.account), seen.alarms)
    lost = [i for i in job.intents(unfinished=True) if i.state is OrderState.UNKNOWN]
    if lost:
        words = "; ".join(f"order {i.ref} in {i.symbol} is UNKNOWN: {i.note}" for i in lost)
        raise Refused(
            f"Plan {job.plan.plan} is not over: {words}.", "Look at the order at the broker.", refs=[i.ref for i in lost]
        )


def _to_send(job: Job, stage: str, seen: Reconciled) -> list[Waiting]:
    """Lines that were never sent, or that were sent and, asked for twice, never arrived."""
    intents = {i.ref: i for i in job.intents(unfinished=True)}
    absent = {i.ref for i in seen.absent}
    out = []
    for line in job.plan.lines:
        intent = intents.get(line.ref)
        if stage_of(line) != stage or intent is None:
            continue
        if intent.ref in absent and intent.attempt >= ATTEMPTS:
            job.note(intent.ref, OrderState.UNKNOWN, f"lost {intent.attempt} times")
        elif intent.state is OrderState.PLANNED or (intent.ref in absent and intent.state is OrderState.SENDING):
            out.append((line, intent))
    return out


def _flying(job: Job, stage: str) -> list[Intent]:
    return [i for i in job.intents(unfinished=True) if stage_of(i) == stage and i.state in IN_FLIGHT]


def _status(job: Job, without_fills: str) -> str:
    intents = job.intents()
    if all(i.state is OrderState.FILLED for i in intents):
        return "done"
    if any(not i.state.final for i in intents):
        return "working"
    return "partly" if any(i.filled for i in intents) else without_fills


class _Batch:
    """The orders of one stage, one after the other: its turn, the gate, the ledger, the wire."""

    def __init__(self, job: Job, seen: Reconciled, entry: _Entry) -> None:
        self.job, self.desk, self.seen, self.entry = job, job.desk, seen, entry

    async def send(self, waiting: Sequence[Waiting]) -> list[GateVerdict]:
        """Returns the verdicts that refused; each such line is REJECTED with the rules named, and the others go on."""
        refused: list[GateVerdict] = []
        await self._look(waiting)
        for number, (line, intent) in enumerate(waiting, start=1):
            view = await self._ready(line, waiting[number - 1 :])
            against = [v for v in (*admit_plan(self.job.plan, view), *admit(line, view)) if v.action is Action.BLOCK]
            if against:
                refused += against
                self.job.note(line.ref, OrderState.REJECTED, "gate: " + "; ".join(f"{v.rule}: {v.reason}" for v in against))
                continue
            await self._send_one(line, intent, view)
            self.job.progress("orders sent", number, len(waiting))
        return refused

    async def _look(self, waiting: Sequence[Waiting]) -> None:
        self.view = await gate_view(self.desk, self.job, self.seen, [line for line, _ in waiting])
        self.asked = time.monotonic()

    async def _ready(self, line: PlanLine, waiting: Sequence[Waiting]) -> GateView:
        """What the gate judges the line by: its turn has come, and nothing has aged while its margin was asked for."""
        await self._turn()
        view = await self.entry.previews.of(line, await self._at_this_moment(waiting), self._may_go_on)
        now = await self._at_this_moment(waiting)
        return replace(now, preview=view.preview, no_preview=view.no_preview)

    async def _turn(self) -> None:
        """Wait until another order may leave in this minute."""
        seconds = self._too_soon()
        while seconds > 0:
            await asyncio.sleep(min(seconds, 1.0))
            self._may_go_on()
            seconds = self._too_soon()

    async def _at_this_moment(self, waiting: Sequence[Waiting]) -> GateView:
        """The view as it is now, looked at again where its quotes have aged."""
        if time.monotonic() - self.asked > max(self.view.policy.max_quote_age / 2, 1.0):
            await self._look(waiting)
        return replace(self.view, now=self._now(), state=self._may_go_on())

    def _may_go_on(self) -> TradingState:
        """The state at this moment: whoever halts the account stops the next order, and it stays planned."""
        state = self.desk.ledger.trading_state(self.desk.account)
        _active(self.job, state, ())
        if not self.desk.broker.connected():
            raise Outage("The connection to the broker broke before all orders were sent.", "Run again: it goes on.")
        return state

    def _now(self) -> datetime:
        """The broker's clock: asked once a view, and carried on by the monotonic clock."""
        return self.view.now + timedelta(seconds=time.monotonic() - self.asked)

    def _too_soon(self) -> float:
        """Seconds until the policy's orders a minute allow one more, by what the ledger and this batch have sent."""
        now, limit = self._now(), self.view.policy.max_orders_a_minute
        ages = sorted((now - i.sent_at).total_seconds() for i in self.view.sent if i.sent_at is not None)
        recent = [age for age in ages if 0 <= age < MINUTE]
        return MINUTE - recent[limit - 1] if len(recent) >= limit else 0.0

    async def _send_one(self, line: PlanLine, intent: Intent, view: GateView) -> None:
        """The intent is durable before the first byte leaves, and no byte leaves long after it was written down."""
        sent = self._write_down(intent, view)
        self.view = committed(replace(self.view, sent=[*(i for i in self.view.sent if i.ref != sent.ref), sent]), sent)
        try:
            assert sent.order_id is not None
            await self.desk.broker.place(ticket(line, sent.wire_ref, sent.order_id, view, self.job.terms))
        except Refused as no:
            self.job.note(line.ref, OrderState.REJECTED, f"not sent: {no}")

    def _write_down(self, intent: Intent, view: GateView) -> Intent:
        """SENDING, durable just now. Who was held up here may have been taken for dead by another executor (which asks the
        broker twice, a quiet time apart), so the ledger is asked once more: it lets only the newest one through.
        """
        desk = self.desk
        for attempt in range(intent.attempt + 1, intent.attempt + 1 + HOLD_UPS):
            began = time.monotonic()
            order_id = desk.broker.next_order_id(desk.ledger.highest_order_id(desk.account, desk.client_id) + 1)
            sent = desk.ledger.sending(intent.ref, attempt, order_id, desk.client_id, view.now, self.entry.epoch)
            if time.monotonic() - began <= max(desk.quiet_seconds / 2, 0.25):
                return sent
        raise Outage(f"Order {intent.ref} was held up while it was written down.", "Run again: the ledger's disk is slow.")
