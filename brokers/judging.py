"""What the broker shows of an order, in one verdict. Pure functions of an intent and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from portfolio.types import BrokerOrder, BrokerPicture, Execution, Intent, OrderState, Side

Verdict = tuple[OrderState, int | None, str]  # state, permanent id, note
Traces = tuple[Sequence[BrokerOrder], Sequence[Execution]]
NO_TRACE: Traces = ((), ())


def reference(wire_ref: str) -> str:
    """Our reference in the broker's `ref#attempt`.

    >>> reference("9f86d081884c7d65#2")
    '9f86d081884c7d65'
    """
    return wire_ref.split("#", 1)[0]


def traces(picture: BrokerPicture) -> Mapping[str, Traces]:
    """What the picture shows under each reference, whatever the attempt."""
    found: dict[str, tuple[list[BrokerOrder], list[Execution]]] = {}
    for order in picture.orders:
        found.setdefault(reference(order.order_ref), ([], []))[0].append(order)
    for execution in picture.executions:
        found.setdefault(reference(execution.order_ref), ([], []))[1].append(execution)
    return found


def judge(intent: Intent, orders: Sequence[BrokerOrder], fills: Sequence[Execution], session: date) -> Verdict | None:
    """What to write of an unfinished intent; None where there is nothing to say of it."""
    if intent.session < session and not any(not o.state.final for o in orders):
        filled, progress = _filled(intent, fills)
        state = OrderState.FILLED if filled >= intent.quantity else OrderState.EXPIRED
        return state, intent.perm_id, f"its session {intent.session} is over, {progress}"
    return judge_order(intent, orders, fills)


def judge_late(intent: Intent) -> Verdict | None:
    """A finished intent moves only with the shares that were booked: a fill that crossed the cancel, or a correction."""
    progress = f"{intent.filled} of {intent.quantity} filled"
    if intent.filled == intent.quantity and intent.state is not OrderState.FILLED:
        return OrderState.FILLED, intent.perm_id, f"{progress}, after it was {intent.state.value}"
    if intent.filled < intent.quantity and intent.state is OrderState.FILLED:
        return OrderState.CANCELLED, intent.perm_id, f"{progress}, an execution was corrected"
    return None


def judge_order(intent: Intent, orders: Sequence[BrokerOrder], fills: Sequence[Execution]) -> Verdict | None:
    """(state, permanent id, note) by what the broker shows; None where it shows nothing of the newest attempt.

    Two permanent ids that live or traded for one intent are UNKNOWN: a person must look.
    """
    filled, progress = _filled(intent, fills)
    if words := doubled(intent, orders, fills):
        return OrderState.UNKNOWN, intent.perm_id, words
    live = [o for o in orders if not o.state.final]
    shown = [o for o in orders if o.order_ref == intent.wire_ref]
    perm_id = next((p for p in _acting(orders, fills)), None) or next((o.perm_id for o in reversed(shown) if o.perm_id), None)
    if filled == intent.quantity:
        return OrderState.FILLED, perm_id, progress
    if live:
        state = live[-1].state
        return (OrderState.PARTIAL if filled and state is OrderState.ACKED else state), perm_id, _words(live[-1], progress)
    if not shown:
        return (OrderState.PARTIAL, perm_id, f"{progress}, the order itself is not listed") if filled else None
    last = shown[-1]
    if last.state is OrderState.FILLED:
        return OrderState.ACKED, perm_id, f"{progress}: filled at the broker, its executions have not all come"
    return last.state, perm_id, _words(last, progress)


def doubled(intent: Intent, orders: Sequence[BrokerOrder], fills: Sequence[Execution]) -> str:
    """Why more is at work or was dealt at the broker than the intent asked for; empty where all is well."""
    acting, (filled, progress) = _acting(orders, fills), _filled(intent, fills)
    if len(acting) > 1 or not 0 <= filled <= intent.quantity:
        return f"order {intent.ref} in {intent.symbol} has permanent ids {acting}, {progress}"
    late = [o.order_ref for o in orders if not o.state.final] + [e.order_ref for e in fills]
    if any(wire_ref != intent.wire_ref for wire_ref in late):
        words = f"{min(late)} arrived after it was taken for lost and sent again as {intent.wire_ref}"
        return f"order {intent.ref} in {intent.symbol} has permanent ids {acting}, {progress}: {words}"
    living = [o.perm_id for o in orders if o.state in {OrderState.ACKED, OrderState.PARTIAL}]
    if living and intent.state.final and filled < intent.quantity:
        return f"order {intent.ref} in {intent.symbol} is {intent.state.value} and yet works at the broker as {living[0]}"
    return ""


def _acting(orders: Sequence[BrokerOrder], fills: Sequence[Execution]) -> list[int]:
    """Permanent ids that live or have traded."""
    return sorted({*(o.perm_id for o in orders if not o.state.final), *(e.perm_id for e in fills)} - {0})


def _filled(intent: Intent, fills: Sequence[Execution]) -> tuple[Decimal, str]:
    """Shares dealt in the intent's direction, booked or just told, and the same in words."""
    told = sum((e.quantity if intent.side is Side.BUY else -e.quantity for e in fills), Decimal(0))
    filled = told if told < 0 else max(told, intent.filled)
    return filled, f"{filled} of {intent.quantity} filled"


def _words(order: BrokerOrder, progress: str) -> str:
    return f"{order.reason}; {progress}" if order.reason else progress
