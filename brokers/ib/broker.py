"""The port `portfolio.ports.Broker` on a gateway of Interactive Brokers. Orders are written here and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from brokers.ib import contracts, guard, picture, previews
from brokers.ib.symbols import Symbols
from portfolio.errors import Broken, Outage, Refused, WrongUse
from portfolio.types import BrokerPicture, Contract, OrderTicket, Preview, Quote

if TYPE_CHECKING:
    from brokers.ib.client import Line

COMMISSION_GRACE = 1.0  # seconds; a commission comes after its fill
PICTURE_TRIES = 10
NO_CONTRACT = 200
ORDER_TYPES = ("adaptive", "market", "limit")


class IBBroker:
    """One connection to one account, of one event loop.

    timeout: seconds that any one request may take. currency: of the stocks asked for by symbol; currencies: symbol -> its
    own, of those that trade in another one; named: the symbols that the policy speaks of.
    """

    def __init__(  # noqa: PLR0913
        self,
        host: str,
        port: int,
        client_id: int,
        account: str,
        mode: str,
        *,
        timeout: float = 30.0,
        currency: str = "USD",
        currencies: Mapping[str, str] | None = None,
        named: Collection[str] = (),
    ) -> None:
        self._host, self._port, self.client_id, self.account, self._mode = host, port, client_id, account, mode
        self._timeout = timeout
        self._symbols = Symbols(currency, currencies, named)
        self._line: Line | None = None
        self._one = asyncio.Lock()  # the library keeps one future a kind of request

    # ------------------------------------------------------------ the connection
    async def connect(self) -> None:
        guard.check(self._mode, self._port, self.account)
        from brokers.ib.client import Line

        await self.disconnect()
        self._one = asyncio.Lock()
        line = self._line = Line(self._timeout)
        try:
            await line.open(self._host, self._port, self.client_id)
            told = list(line.ib.client.getAccounts())
            if self.account not in told:
                raise Refused(
                    f"The gateway serves {', '.join(told) or 'no account'}, not {self.account}.", "Name the right one.", told=told
                )
            if len(told) > 1:  # of one alone the library has asked for the lines of the portfolio, which carry the broker's marks
                await line.turn()
                line.ib.client.reqAccountUpdates(True, self.account)
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    def connected(self) -> bool:
        return self._line is not None and self._line.up and not self._line.heard.lost

    async def time(self) -> datetime:
        async with self._one:
            return await self._up().now()

    # ------------------------------------------------------------ what the broker knows
    async def picture(self) -> BrokerPicture:
        """Asked again while trades go on, so that executions, positions and cash are of one moment."""
        async with self._one:
            for _ in range(PICTURE_TRIES):
                line = self._up()
                line.heard.begin_picture()
                line.heard.fresh = True
                values, before = await self._ask_all(line)
                now = await line.now()
                if line.heard.lost or not line.heard.fresh:
                    raise Outage("The broker lost its own servers while it was asked.", "Ask again when they are back.")
                if before == line.heard.trades():
                    return picture.picture(line.heard, self.account, self._symbols, values, now)
        raise Outage("The account went on trading while it was asked.", "Ask again when it is quiet.")

    async def _ask_all(self, line: Line) -> tuple[list[tuple[str, str, str, str]], tuple[int, int]]:
        """The account values, and how much trading had been heard before they were asked for."""
        for what, request in (
            ("open orders", line.ib.reqAllOpenOrdersAsync),
            ("completed orders", lambda: line.ib.reqCompletedOrdersAsync(False)),
            ("executions", line.ib.reqExecutionsAsync),
            ("positions", line.ib.reqPositionsAsync),
        ):
            await line.turn()
            await line.answer(what, request())
        before = line.heard.trades()
        return await self._account_values(line), before

    async def _account_values(self, line: Line) -> list[tuple[str, str, str, str]]:
        await line.turn()
        request = line.ib.client.getReqId()
        future = line.ib.wrapper.startReq(request)
        line.ib.client.reqAccountUpdatesMulti(request, self.account, "", False)
        await line.answer("account values", future)
        await line.turn()
        line.ib.client.cancelAccountUpdatesMulti(request)
        return line.heard.values.pop(request, [])

    async def contracts(self, symbols: Sequence[str]) -> Mapping[str, Contract]:
        async with self._one:
            now = await self._up().now()
            asked = {symbol: await self._ask_details(symbol) for symbol in symbols}
            wrong, found = [], {}
            for symbol, future in asked.items():
                details = await self._details(symbol, future)
                if len(details) == 1:
                    found[symbol] = self._contract(symbol, details[0], now)
                else:
                    wrong.append(f"{symbol} ({'ambiguous' if details else 'unknown'})")
            if wrong:
                raise Refused(f"The broker cannot name: {', '.join(wrong)}.", "Correct the symbols.", symbols=wrong)
            return found

    async def _ask_details(self, symbol: str) -> Any:
        line = self._up()
        await line.turn()
        return line.ib.reqContractDetailsAsync(contracts.wanted(self._symbols, symbol))

    async def _details(self, symbol: str, future: Any) -> list[Any]:
        try:
            return [one for one in await self._up().answer(f"the contract of {symbol}", future) if one is not None]
        except Refused as error:
            if error.facts.get("code") == NO_CONTRACT:
                return []
            raise

    def _contract(self, symbol: str, details: Any, now: datetime) -> Contract:
        self._symbols.learn(details.contract.conId, symbol)
        return contracts.told(symbol, details, now)

    async def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        from brokers.ib.quotes import snapshots, with_marks

        async with self._one:
            await self._up().now()
            quotes = await snapshots(self._up(), self._wanted(symbols))
            marks = self._up().heard.marks(self.account, self._symbols)
            return with_marks(self._up(), quotes, (mark for mark in marks if mark[0] in symbols))

    async def stream(self, symbols: Sequence[str]) -> AsyncIterator[Quote]:
        """Every change of a quote until it is closed; see `brokers.ib.quotes.stream`."""
        from brokers.ib.quotes import stream

        async with self._one:
            await self._up().now()
        async with contextlib.aclosing(stream(self._up(), self._wanted(symbols))) as quotes:
            async for quote in quotes:
                yield quote

    async def take_any_age(self) -> None:
        """Where there is no live quote, a frozen or a delayed one is welcome from now on; each says which it is."""
        from brokers.ib.quotes import take_any_age

        await take_any_age(self._up())

    def _wanted(self, symbols: Sequence[str]) -> dict[str, Any]:
        return {s: contracts.wanted(self._symbols, s) for s in dict.fromkeys(symbols)}

    # ------------------------------------------------------------ orders
    def next_order_id(self, at_least: int) -> int:
        client = self._up().ib.client
        number = max(at_least, self._up().heard.highest_order_id(self.client_id) + 1, client._reqIdSeq, 1)
        client.updateReqId(number + 1)  # requests count on from here, so that none takes this id
        return number

    async def place(self, ticket: OrderTicket) -> None:
        line = self._up()
        self._check(ticket)
        await line.turn()
        if not self.connected() or not line.heard.fresh:
            raise Outage("The broker lost its own servers since the last picture.", "Take a picture before any order.")
        line.heard.sent(ticket)
        line.ib.client.updateReqId(ticket.order_id + 1)
        await self._write(ticket, *self._on_the_wire(ticket))

    async def what_if(self, ticket: OrderTicket) -> Preview:
        async with self._one:
            line = self._up()
            self._check_terms(ticket)
            await line.turn()
            contract, order = self._on_the_wire(ticket)
            order.whatIf, order.orderId = True, int(line.ib.client.getReqId())
            await self._write(ticket, contract, order)
            return await previews.heard(line, order.orderId, f"the preview of {ticket.quantity} {ticket.contract.symbol}")

    async def _write(self, ticket: OrderTicket, contract: Any, order: Any) -> None:
        line = self._up()
        try:
            line.ib.placeOrder(contract, order)
        except ConnectionError as error:
            raise Outage(f"The connection was lost while sending {ticket.order_ref}.", "Connect anew.") from error
        await line.flush(f"the order {ticket.order_ref}")

    def _check(self, ticket: OrderTicket) -> None:
        if ticket.account != self.account:
            raise Broken(f"The order {ticket.order_ref} is for {ticket.account}, not {self.account}.", "Stop.")
        if ticket.order_id in self._up().heard.tickets:
            raise Broken(f"Order id {ticket.order_id} was used before; IB would take it for a change.", "Ask for a new id.")
        self._check_terms(ticket)

    @staticmethod
    def _check_terms(ticket: OrderTicket) -> None:
        if ticket.order_type not in ORDER_TYPES or (ticket.order_type == "limit") != (ticket.limit is not None):
            raise WrongUse(f"The order type {ticket.order_type!r} is none of {', '.join(ORDER_TYPES)}.", "Or its limit is wrong.")
        if not ticket.quantity.is_finite() or ticket.quantity <= 0 or ticket.quantity % ticket.contract.size_increment:
            raise Refused(f"The broker does not deal {ticket.quantity} of {ticket.contract.symbol}.", "Round the quantity.")
        if ticket.limit is not None and (ticket.limit <= 0 or ticket.limit % ticket.contract.min_tick):
            raise Refused(f"The limit {ticket.limit} of {ticket.contract.symbol} is not on its tick.", "Round it.")

    def _on_the_wire(self, ticket: OrderTicket) -> tuple[Any, Any]:
        from brokers.ib.client import library

        whole = ticket.quantity == ticket.quantity.to_integral_value()
        order = library.Order(
            orderId=ticket.order_id,
            action=ticket.side.value,
            totalQuantity=int(ticket.quantity) if whole else float(ticket.quantity),
            orderType="LMT" if ticket.limit is not None else "MKT",
            tif="DAY",
            account=self.account,
            orderRef=ticket.order_ref,
            outsideRth=False,
            transmit=True,
        )
        if ticket.limit is not None:
            order.lmtPrice = float(ticket.limit)
        if algorithm := contracts.algorithm(ticket.contract.symbol, ticket.order_type):
            order.algoStrategy = algorithm
            order.algoParams = [library.TagValue("adaptivePriority", "Normal")]
        return contracts.wanted(self._symbols, ticket.contract.symbol, ticket.contract.con_id), order

    async def cancel(self, perm_id: int) -> None:
        line = self._up()
        known = line.heard.opened.get(perm_id)
        if known is None or known[1].clientId != self.client_id or known[1].orderId <= 0:
            raise Refused(f"The order {perm_id} is not an open one of this client.", "Cancel it where it was placed.")
        await line.turn()
        line.ib.client.cancelOrder(known[1].orderId)
        await line.flush(f"the cancel of {perm_id}")

    async def settled(self, order_refs: Iterable[str], seconds: float) -> bool:
        refs, loop = set(order_refs), asyncio.get_running_loop()
        deadline = loop.time() + seconds
        if not await self._until(lambda heard: all(heard.final(ref) for ref in refs), deadline):
            return False
        await self._until(lambda heard: not heard.without_commission(refs), min(deadline, loop.time() + COMMISSION_GRACE))
        return True

    async def _until(self, true: Any, deadline: float) -> bool:
        loop = asyncio.get_running_loop()
        while True:
            line = self._up()
            line.heard.changed.clear()
            if true(line.heard):
                return True
            left = deadline - loop.time()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(line.heard.changed.wait(), min(left, 1.0))
            except TimeoutError:
                continue

    def _up(self) -> Line:
        if self._line is None:
            raise Outage("There is no connection to the gateway.", "Connect first.")
        self._line.check()
        return self._line
