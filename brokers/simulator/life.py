"""The life of an order, from the message that brings it to its end: one asyncio task an open order."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Protocol

from brokers.simulator.exchange import Exchange, No
from brokers.simulator.faults import Faults
from brokers.simulator.requests import OrderRequest
from brokers.simulator.store import Fill, Order

PRESET = "Order TIF was set to DAY based on order preset."
CLOSED = "Order Message:\nWarning: your order will not be placed at the exchange until the next session opens."
READ_ONLY = "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode."


class Post(Protocol):
    """Who carries news of orders to the clients."""

    def order(self, order: Order) -> None: ...

    def fill(self, fill: Fill) -> None: ...

    def commission(self, fill: Fill) -> None: ...

    def error(self, client_id: int, request: int, code: int, sentence: str) -> None: ...

    def cut(self, client_id: int) -> None: ...


class Floor:
    """Takes orders, fills them, cancels them, and misbehaves where the faults say so."""

    def __init__(self, exchange: Exchange, faults: Faults, post: Post) -> None:
        self.exchange, self.faults, self._post = exchange, faults, post
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._numbers: dict[int, int] = {}
        self._received = 0
        self._reached = 0
        self._visible: dict[int, float] = {}
        self._reported: dict[str, float] = {}

    def resume(self) -> None:
        """Go on with every open order that the state file holds."""
        for order in list(self.exchange.store.orders.values()):
            if order.open:
                self._start(order, 0, self._work)

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def visible(self, order: Order) -> bool:
        return time.monotonic() >= self._visible.get(order.perm_id, 0.0)

    def reported(self, fill: Fill) -> bool:
        return time.monotonic() >= self._reported.get(fill.exec_id, 0.0)

    # ------------------------------------------------------------ what clients ask
    def place(self, wish: OrderRequest, client_id: int) -> None:
        """Take the order, refuse it with a code, or misbehave."""
        self._received += 1
        number, faults = self._received, self.faults
        why = self._objection(wish, client_id, number)
        if why:
            self._refuse(wish, client_id, why)
        elif faults.hits(faults.drop_before_accept, number):
            self._post.cut(client_id)
        elif not faults.hits(faults.swallow, number):
            self._take(wish, client_id, number)

    def cancel(self, order_id: int, client_id: int) -> None:
        if self.faults.read_only:
            return self._post.error(client_id, order_id, 321, READ_ONLY)
        mine = (o for o in self.exchange.store.orders.values() if (o.client_id, o.order_id) == (client_id, order_id))
        order = next(mine, None)
        if order is None:
            return self._post.error(client_id, order_id, 10147, f"OrderId {order_id} that needs to be cancelled is not found.")
        if not order.open:
            sentence = f"OrderId {order_id} that needs to be cancelled can not be cancelled, state: {order.status}."
            return self._post.error(client_id, order_id, 10148, sentence)
        task = self._tasks.pop(order.perm_id, None)
        if task:
            task.cancel()
        self._post.order(self.exchange.finish(order, "Cancelled by Trader"))
        return self._post.error(client_id, order_id, 202, "Order Canceled - reason:")

    def _objection(self, wish: OrderRequest, client_id: int, number: int) -> No | None:
        if self.faults.read_only:
            return No(321, READ_ONLY)
        if not wish.transmit:
            return No(321, "Error validating request.-'bW' : cause - Orders that are not transmitted are not kept here")
        why = self.exchange.objection(wish, client_id)
        return why or (No(201, "Order rejected - reason:as told") if self.faults.hits(self.faults.reject, number) else None)

    def _refuse(self, wish: OrderRequest, client_id: int, why: No) -> None:
        self._post.error(client_id, wish.order_id, why.code, why.sentence)
        if why.code == 201:
            self._post.order(self.exchange.reject(wish, client_id, why))

    def _take(self, wish: OrderRequest, client_id: int, number: int) -> None:
        faults = self.faults
        self._point("before_accept", number)
        draft = self.exchange.draft(wish, client_id, "PendingSubmit" if faults.stuck else "PreSubmitted")
        order = self.exchange.store.accept(draft)
        self._visible[order.perm_id] = time.monotonic() + faults.invisible_seconds
        self._point("after_accept", number)
        if faults.hits(faults.drop_after_accept, number):
            self._post.cut(client_id)
        self._start(order, number, self._acknowledge)

    # ------------------------------------------------------------ what happens then
    def _start(self, order: Order, number: int, life: Callable) -> None:
        task = asyncio.get_running_loop().create_task(life(order, number))
        self._tasks[order.perm_id] = task
        task.add_done_callback(lambda done: self._tasks.pop(order.perm_id, None) if done is task else None)

    async def _acknowledge(self, order: Order, number: int) -> None:
        await asyncio.sleep(max(self.faults.ack_delay, self.faults.invisible_seconds))
        self._post.order(order)
        if self.faults.preset:
            self._post.error(order.client_id, order.order_id, 10349, PRESET)
        self._point("after_ack", number)
        await self._work(order, number)

    async def _work(self, order: Order, number: int) -> None:
        """Wait for the session, deal what can be dealt, and expire at the close."""
        listing = self.exchange.listing(order.symbol)
        opens, closes = self.exchange.hours(listing)
        if self.faults.hold or self.faults.stuck:
            return
        if not self.exchange.in_session(listing):
            self._post.error(order.client_id, order.order_id, 399, CLOSED)
            if self.exchange.now() >= closes:
                return  # it waits for a session that this market does not have
            await self._until(opens)
        order = replace(order, status="Submitted")
        self.exchange.store.orders[order.perm_id] = order
        self._post.order(order)
        await asyncio.sleep(self.faults.fill_delay)
        if order.kind == "MOC":
            await self._until(closes)
        price = self.exchange.price_for(order)
        if price is None:
            await self._until(closes)
            self._post.order(self.exchange.finish(order, "Cancelled: the session is over"))
        else:
            await self._deal(order, price, number)

    async def _deal(self, order: Order, price: Decimal, number: int) -> None:
        while (left := order.quantity - self.exchange.filled(order.perm_id)[0]) > 0:
            self._point("before_fill", number)
            fill, order = self.exchange.fill(order, self._slice(order, left), price)
            self._reported[fill.exec_id] = time.monotonic() + self.faults.commission_delay
            self._point("after_fill", number)
            if self.faults.hits(self.faults.drop_before_fill, number):
                self._post.cut(order.client_id)
            self._announce(fill, order)
            if self.faults.hits(self.faults.correct, number):
                self._announce(self.exchange.correct(fill), order)
            await asyncio.sleep(self.faults.fill_delay if order.open else self.faults.commission_delay)
            if self.faults.commission_delay:
                self._post.commission(fill)

    def _announce(self, fill: Fill, order: Order) -> None:
        self._post.fill(fill)
        self._post.order(order)
        if not self.faults.commission_delay:
            self._post.commission(fill)

    def _slice(self, order: Order, left: Decimal) -> Decimal:
        step = self.exchange.listing(order.symbol).size_increment
        wanted = (order.quantity / self.faults.slices / step).to_integral_value(ROUND_FLOOR) * step
        pieces_before = len({fill.base for fill in self.exchange.store.fills.get(order.perm_id, ())})
        return left if pieces_before + 1 >= self.faults.slices else min(max(wanted, step), left)

    async def _until(self, moment: datetime) -> None:
        """Sleep to a moment of the simulated clock."""
        while (seconds := (moment - self.exchange.now()).total_seconds()) > 0:
            await asyncio.sleep(min(seconds, 3600.0))

    def _point(self, name: str, number: int) -> None:
        """End the process as by SIGKILL, where the faults name this point."""
        if self.faults.kill_at != name or number == 0:
            return
        self._reached += 1
        if self._reached == self.faults.kill_on:
            os._exit(137)
