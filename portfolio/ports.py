"""What the mind asks of the rooms around it. Adapters never meet each other; they meet in `tasks` through these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from portfolio.types import (
    Account,
    BrokerPicture,
    Contract,
    Execution,
    Intent,
    OrderState,
    OrderTicket,
    Plan,
    Preview,
    Quote,
    Standing,
    TradingState,
)


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, aware, in UTC."""


class Broker(Protocol):
    """One connection to one account. Every call has a deadline of its own and raises `Outage` when it passes:
    "no answer" is never "there is nothing". A state the broker sends that nobody taught us raises `Broken`.
    """

    async def connect(self) -> None:
        """Open the connection; `Outage` if nobody answers, `Refused` if the account or the mode does not agree."""

    async def disconnect(self) -> None:
        """Flush and close. Safe to call twice, and after a failure."""

    def connected(self) -> bool:
        """The socket is up *and* the broker has not said that it lost its own servers (1100)."""

    async def time(self) -> datetime:
        """The broker's own clock, aware, in UTC."""

    async def picture(self) -> BrokerPicture:
        """Open orders, completed orders, executions with commissions, positions and cash, asked afresh."""

    async def contracts(self, symbols: Sequence[str]) -> Mapping[str, Contract]:
        """The contract of each symbol; `Refused` names those that are unknown or ambiguous."""

    async def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """A fresh quote of each symbol the broker can quote; a symbol without one is absent, and of a position that nobody quotes
        there is the broker's own mark alone.
        """

    def next_order_id(self, at_least: int) -> int:
        """An order id above every id this connection has seen and >= `at_least`."""

    async def place(self, ticket: OrderTicket) -> None:
        """Write the order to the wire, once, and wait until the bytes are handed over. No retry, no wait for an answer.

        `Refused` promises that nothing was written; after any other error the order may have arrived.
        """

    async def what_if(self, ticket: OrderTicket) -> Preview:
        """What the order would do to margin and equity; its id counts for nothing, and nothing is sent.

        `Refused` where the broker would not take it, or tells no figures that can be reckoned with.
        """

    async def cancel(self, perm_id: int) -> None:
        """Ask to cancel; the outcome is only ever read from a picture."""

    async def settled(self, order_refs: Iterable[str], seconds: float) -> bool:
        """Wait until each of these wire references is acknowledged and final, or the time is over; True if all are."""


class Quotes(Protocol):
    """Prices somebody would deal at, from wherever they come. Each keeps its age (`time`) and its kind (`delayed`)."""

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """The newest quote of each symbol; one without a usable price is absent. `Outage` where nobody answers."""


class Ledger(Protocol):
    """The durable record (SQL). Every method is one committed transaction; a failed one changes nothing."""

    def record_plan(self, plan: Plan) -> None:
        """Write the plan and one PLANNED intent a line. Doing it twice is doing it once."""

    def intents(self, account: str, plan: str | None = None, unfinished: bool = False) -> list[Intent]:
        """The intents of an account (of one plan; only those not in a final state), oldest first."""

    def sending(self, ref: str, attempt: int, order_id: int, client_id: int, at: datetime, epoch: int) -> Intent:
        """PLANNED or SENDING -> SENDING with this attempt, durable before it returns. `Refused` if `epoch` is old."""

    def observe(self, ref: str, state: OrderState, perm_id: int | None, note: str, at: datetime) -> None:
        """Write what the broker was seen to say of an intent; appends to its history and to the journal."""

    def book(self, executions: Iterable[Execution], at: datetime) -> int:
        """Book executions by exec id (a correction replaces its forerunner); returns how many rows were new or changed."""

    def executions(self, account: str, plan: str | None = None) -> list[Execution]:
        """The booked executions of an account (of one plan), oldest first."""

    def take_epoch(self, account: str, holder: str, at: datetime) -> int:
        """Become the account's one executor; every older epoch is fenced off from `sending`."""

    def highest_order_id(self, account: str, client_id: int) -> int:
        """The high-water mark of order ids ever written for this client, 0 if none."""

    def account(self, account: str, currency: str) -> Account:
        """Positions and cash as the ledger adds them up from opening balances, fills, commissions and adjustments."""

    def opened(self, account: str) -> bool:
        """Whether opening balances were ever recorded for this account."""

    def open_account(
        self,
        account: str,
        positions: Mapping[str, Decimal],
        cash: Decimal,
        currency: str,
        at: datetime,
        foreign: Mapping[str, Decimal] | None = None,
    ) -> None:
        """Record the opening balances, once; `foreign`: cash in other currencies."""

    def trading_state(self, account: str) -> TradingState:
        """The account's state; UNRECONCILED where nothing is recorded."""

    def standing(self, account: str) -> Standing | None:
        """The account's state with its reason and since when; None where nothing is recorded."""

    def set_trading_state(self, account: str, state: TradingState, reason: str, at: datetime) -> None:
        """Change the state, with a journal row."""

    def journal(self, kind: str, body: Mapping[str, Any], at: datetime) -> str:
        """Append one row to the hash chain and return its hash."""

    def sent_since(self, account: str, since: datetime) -> list[Intent]:
        """Intents handed to the broker since an instant (for the gate's daily and duplicate limits)."""

    def finish_plan(self, plan: str, status: str, at: datetime) -> None:
        """done | partly | refused | expired."""

    def equity_history(self, account: str, until: date | None = None) -> list[tuple[date, Decimal]]:
        """(session, equity at its end of run), oldest first."""
