"""What the broker was heard to say, message by message, before the client library makes objects of it.

The library's `Trade.status` is not the broker's truth: false cancels (10349), false submits (110), nothing after a
reconnect, and differences between ib_insync and ib_async. So the raw callbacks are tapped, and only they are believed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from brokers.ib import states
from brokers.ib.symbols import Symbols
from portfolio.types import OrderTicket

CLOSES = (9, 75)  # the ticks of the last close, live and delayed


@dataclass
class Note:
    """One wire reference: the quantity wished, and the permanent ids it was seen under."""

    quantity: Decimal
    order_id: int = 0
    perm_ids: set[int] = field(default_factory=set)


@dataclass
class Ticks:
    """The answers to one request. `at` is loop time of the last price of this session (the close before is none)."""

    prices: dict[int, Any] = field(default_factory=dict)
    sizes: dict[int, Any] = field(default_factory=dict)
    kind: int = 1  # 1 live, 2 frozen, 3 delayed, 4 delayed and frozen
    traded: int | None = None  # seconds since 1970, of the last trade
    at: float | None = None
    ended: bool = False


class Heard:
    """Filled in by taps on the library's wrapper; read by the broker. `changed` is set at every message."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.opened: dict[int, tuple[Any, Any]] = {}  # perm id -> contract, order; since the last snapshot began
        self.completed: dict[int, tuple[Any, Any, Any]] = {}  # perm id -> contract, order, state; likewise
        self.positions: list[tuple[str, Any, Any]] = []  # account, contract, quantity; likewise
        self.portfolio: dict[tuple[str, int], tuple[Any, Any, float]] = {}  # account, contract id -> contract, price, loop time
        self.values: dict[int, list[tuple[str, str, str, str]]] = {}  # request -> account, tag, value, currency
        self.statuses: dict[int, str] = {}  # perm id -> the newest status the broker sent
        self.executions: dict[str, tuple[Any, Any]] = {}  # exec id -> contract, execution
        self.commissions: dict[str, tuple[Decimal | None, str]] = {}  # exec id -> amount, None while unknown, and currency
        self.previews: dict[int, list[Any]] = {}  # request -> the order states of a what-if
        self.errors: dict[int, tuple[int, str]] = {}  # request or order id -> code, sentence
        self.last_general: tuple[int, str] = (0, "")
        self.notes: dict[str, Note] = {}
        self.tickets: dict[int, OrderTicket] = {}  # order id -> what this connection sent
        self.ticks: dict[int, Ticks] = {}
        self.lost = False  # between 1100 and 1101 or 1102
        self.fresh = True  # no 1100 since the last picture
        self.cuts = 0  # how often the broker lost its servers; what was subscribed to may be gone since
        self.read_only = False
        self.unread = ""  # the first message that could not be understood

    def marks(self, account: str, symbols: Symbols) -> list[tuple[str, str, Decimal, float]]:
        """(symbol, currency, price, loop time) of each position of the account as the broker values it, per share."""
        mine = (told for (owner, _), told in self.portfolio.items() if owner == account and told[0].secType != "CASH")
        named = ((symbols.ours(contract), contract.currency, states.price_of(price), at) for contract, price, at in mine)
        return [(symbol, currency, price, at) for symbol, currency, price, at in named if price is not None]

    def begin_picture(self) -> None:
        self.opened, self.completed, self.positions = {}, {}, []

    def trades(self) -> tuple[int, int]:
        """Grows with each execution and each change of a position."""
        return len(self.executions), len(self.positions)

    def sent(self, ticket: OrderTicket) -> None:
        self.tickets[ticket.order_id] = ticket
        self.notes[ticket.order_ref] = Note(ticket.quantity, ticket.order_id)

    def highest_order_id(self, client_id: int) -> int:
        """Of this client's orders and executions, and of every order shown."""
        shown = [order.orderId for _, order in self.opened.values()]
        dealt = [e.orderId for _, e in self.executions.values() if e.clientId == client_id and e.orderId < 2**31 - 1]
        return max([0, *shown, *dealt, *self.tickets])

    def latest(self) -> dict[str, tuple[Any, Any]]:
        """Executions by id, of each fill only the last correction."""
        best: dict[str, tuple[Any, Any]] = {}
        for exec_id in sorted(self.executions):
            best[exec_id.rpartition(".")[0]] = self.executions[exec_id]
        return {execution.execId: (contract, execution) for contract, execution in best.values()}

    def filled(self, perm_ids: set[int]) -> Decimal:
        """Shares dealt under these permanent ids."""
        shares = (states.exact(e.shares) for _, e in self.latest().values() if e.permId in perm_ids)
        return sum(shares, Decimal(0))

    def final(self, order_ref: str) -> bool:
        """Whether the broker said that this reference is over: refused, cancelled, or filled and its executions here."""
        note = self.notes.get(order_ref)
        if note is None:
            return False
        perm_ids = note.perm_ids | {e.permId for _, e in self.executions.values() if e.orderRef == order_ref}
        if perm_ids and self.filled(perm_ids) >= note.quantity:
            return True
        if not perm_ids:
            return self.errors.get(note.order_id, (0, ""))[0] in states.DEAD
        said = {self.statuses.get(perm_id, "") for perm_id in perm_ids}
        return said <= {"Cancelled", "ApiCancelled"} or (said == {"Inactive"} and note.order_id in self.errors)

    def without_commission(self, order_refs: set[str]) -> bool:
        """Whether an execution of these references still lacks its commission."""
        mine = (execution for _, execution in self.latest().values() if execution.orderRef in order_refs)
        return any(self.commission(execution.execId)[0] is None for execution in mine)

    def commission(self, exec_id: str) -> tuple[Decimal | None, str]:
        """(amount, None while it is unknown, and its currency) of an execution."""
        return self.commissions.get(exec_id, (None, ""))

    # ------------------------------------------------------------ taps, named as the library's callbacks
    def openOrder(self, order_id: int, contract: Any, order: Any, state: Any) -> None:
        if order.whatIf:
            self.previews.setdefault(order_id, []).append(state)
        else:
            self.opened[order.permId] = (contract, order)
            self.statuses[order.permId] = state.status
            self._note(order)

    def completedOrder(self, contract: Any, order: Any, state: Any) -> None:
        self.completed[order.permId] = (contract, order, state)
        self.statuses[order.permId] = state.status
        self._note(order)

    def orderStatus(self, order_id: int, status: str, *more: Any) -> None:
        perm_id = more[3]
        self.statuses[perm_id] = status

    def execDetails(self, request: int, contract: Any, execution: Any) -> None:
        self.executions[execution.execId] = (contract, execution)

    def commissionReport(self, report: Any) -> None:
        self.commissions[report.execId] = (states.commission_of(report.commission), report.currency or "")

    def position(self, account: str, contract: Any, quantity: Any, average: Any) -> None:
        self.positions.append((account, contract, quantity))

    def updatePortfolio(self, contract: Any, quantity: Any, price: Any, *more: Any) -> None:
        key = (more[-1], contract.conId)
        self.portfolio[key] = (contract, price, asyncio.get_running_loop().time())
        if not quantity:
            del self.portfolio[key]

    def accountUpdateMulti(self, request: int, account: str, model: str, tag: str, value: str, currency: str) -> None:
        self.values.setdefault(request, []).append((account, tag, value, currency))

    def priceSizeTick(self, request: int, kind: int, price: Any, size: Any) -> None:
        ticks = self.ticks.setdefault(request, Ticks())
        ticks.prices[kind] = price
        if kind not in CLOSES:
            ticks.at = asyncio.get_running_loop().time()

    def tickSize(self, request: int, kind: int, size: Any) -> None:
        self.ticks.setdefault(request, Ticks()).sizes[kind] = size

    def tickString(self, request: int, kind: int, value: str) -> None:
        if kind in {45, 88} and value.isdigit():
            self.ticks.setdefault(request, Ticks()).traded = int(value)

    def marketDataType(self, request: int, kind: int) -> None:
        self.ticks.setdefault(request, Ticks()).kind = kind

    def tickSnapshotEnd(self, request: int) -> None:
        self.ticks.setdefault(request, Ticks()).ended = True

    def error(self, request: int, code: int, sentence: str, *more: Any) -> None:
        self.cuts += code in {1100, 1101}
        if code == 1100:
            self.lost, self.fresh = True, False
        elif code in {1101, 1102}:
            self.lost, self.fresh = False, False
        elif code == 321 and "read-only" in sentence.lower():
            self.read_only = True
        if not 2100 <= code < 2200:
            self.last_general = (code, sentence)
        if request >= 0 and code not in states.LIVE and not 2100 <= code < 2200:
            self.errors[request] = (code, sentence)

    def _note(self, order: Any) -> None:
        if order.orderRef:
            quantity = states.exact(order.totalQuantity)
            self.notes.setdefault(order.orderRef, Note(quantity)).perm_ids.add(order.permId)


# Not passed on: the library keeps no tickers for us, and it stumbles over a completed order that nobody asked for.
OURS_ALONE = ("priceSizeTick", "tickSize", "tickString", "marketDataType", "tickSnapshotEnd", "completedOrder")
TAPS = (
    *("openOrder", "orderStatus", "execDetails", "commissionReport", "position", "updatePortfolio"),
    *("accountUpdateMulti", "error"),
    *OURS_ALONE,
)


def tap(wrapper: Any, heard: Heard) -> None:
    """Let `heard` listen to the library's callbacks; but for some, the library goes on as before."""
    for name in TAPS:
        original = None if name in OURS_ALONE else getattr(wrapper, name)
        setattr(wrapper, name, _both(getattr(heard, name), original, heard))


class Complaints:
    """Stands where the library's decoder keeps its logger: a message that it could not read is an error, not a log line."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def exception(self, sentence: str, *words: Any) -> None:
        self._heard.unread = self._heard.unread or f"{sentence} {sys.exc_info()[1]!r}"[:500]
        self._heard.changed.set()

    error = warning = info = debug = exception


def _both(listen: Callable[..., None], original: Callable[..., Any] | None, heard: Heard) -> Callable[..., Any]:
    def callback(*words: Any) -> Any:
        listen(*words)
        try:
            return original(*words) if original else None
        finally:
            heard.changed.set()

    return callback
