"""The client library's door: whichever of ib_insync and ib_async is installed, one connection, deadlines and pace.

They own the same package `eventkit` and never live in one environment. Import this late, under a running loop:
ib_insync asks for one when it is first imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, TypeVar

from brokers.ib.heard import Complaints, Heard, tap
from portfolio.errors import Broken, Outage, Refused, WrongUse

try:
    import ib_insync as library
except ModuleNotFoundError:
    try:
        import ib_async as library  # type: ignore[no-redef]
    except ModuleNotFoundError as error:
        raise WrongUse("No client library of Interactive Brokers is installed.", "Install the extra ib-insync.") from error

# What went wrong reaches a person as an exception of ours; without a handler the library's log would go to the terminal.
logging.getLogger(library.__name__).addHandler(logging.NullHandler())

Answer = TypeVar("Answer")
RATE = 45.0  # messages a second, evenly; IB cuts off at 50


class Pacer:
    """One message every 1/45 s: no burst, whatever rule the gateway counts by."""

    def __init__(self, rate: float = RATE) -> None:
        self._interval, self._next = 1 / rate, 0.0

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        slot = max(loop.time(), self._next)
        self._next = slot + self._interval
        if (wait := slot - loop.time()) > 0:
            await asyncio.sleep(wait)


class Line:
    """One connection. After a request went unanswered it is `mute`: a late answer could be taken for another's."""

    def __init__(self, timeout: float) -> None:
        self.ib: Any = library.IB()
        self.heard = Heard()
        self.timeout = timeout
        self.mute = False
        self._pacer = Pacer()
        self._offset: float | None = None  # broker's seconds since 1970, less the loop's
        self.ib.errorEvent.clear()  # the library answers each 1102 with one more account summary, until IB refuses (322)
        self.ib.RaiseRequestErrors = True  # an error must not read as an empty answer
        self.ib.client.MaxRequests = 0  # no bursts of 45: we pace
        self.ib.disconnectedEvent += self.heard.changed.set
        self.ib.client.decoder.logger = Complaints(self.heard)
        tap(self.ib.wrapper, self.heard)

    async def open(self, host: str, port: int, client_id: int) -> None:
        """Connect and see the start-up requests answered; gives up as soon as the gateway refuses or hangs up.

        The library would go on without an answer; whatever is still asked for at the end is an `Outage`.
        """
        refused: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ib.client.apiError += lambda sentence: refused.done() or refused.set_result(str(sentence))
        dial = asyncio.ensure_future(self.ib.connectAsync(host, port, clientId=client_id, timeout=self.timeout, readonly=True))
        try:
            await asyncio.wait({dial, refused}, timeout=self.timeout * 3, return_when=asyncio.FIRST_COMPLETED)
            if not dial.done() or dial.exception() is not None:
                raise self._no_connection(host, port, client_id, dial)
        finally:
            refused.cancel()
            if not dial.done():
                dial.cancel()
                await asyncio.wait({dial}, timeout=1)
        unanswered = [str(key) for key in self.ib.wrapper._futures]
        if unanswered:
            raise Outage(f"The gateway left start-up requests unanswered: {', '.join(unanswered)}.", "Try again.")

    def _no_connection(self, host: str, port: int, client_id: int, dial: asyncio.Future[Any]) -> Outage:
        code, sentence = self.heard.last_general
        if code == 326:
            return Outage(f"Client id {client_id} is in use on {host}:{port}.", "Wait for the other run, or stop it.")
        reason = sentence or (repr(dial.exception()) if dial.done() else "no answer in time")
        return Outage(f"The gateway on {host}:{port} cannot be reached: {reason}.", "Start it, or correct host and port.")

    @property
    def up(self) -> bool:
        return bool(self.ib.isConnected()) and not self.mute

    def check(self) -> None:
        """`Outage` where nothing can be asked, `Broken` where a message could not be read."""
        if self.heard.unread:
            words = f"A message of the broker could not be read: {self.heard.unread}."
            raise Broken(words, "Teach it to brokers/ib/heard.py, or change the client library.")
        if self.mute:
            raise Outage("The gateway left a request unanswered, so this connection is not used again.", "Connect anew.")
        if not self.ib.isConnected():
            raise Outage("There is no connection to the gateway.", "Connect anew.")

    async def turn(self) -> None:
        """Wait for the next place in the even stream of messages, on a line that is up."""
        self.check()
        await self._pacer.turn()
        self.check()

    async def answer(self, what: str, future: Awaitable[Answer], seconds: float | None = None) -> Answer:
        """The answer of a request within its deadline. No answer is an `Outage`, and never an empty one."""
        asked = asyncio.ensure_future(future)
        deadline = asyncio.get_running_loop().time() + (seconds or self.timeout)
        while not asked.done():
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or self.heard.read_only or self.heard.unread:
                break
            self.heard.changed.clear()
            change = asyncio.ensure_future(self.heard.changed.wait())
            await asyncio.wait({asked, change}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            change.cancel()
        return self._result(what, asked)

    def _result(self, what: str, asked: asyncio.Future[Answer]) -> Answer:
        if not asked.done():
            asked.cancel()
            self.check()
            self.mute = True
            if self.heard.read_only:
                raise Refused(f"The gateway's API is read-only, so {what} cannot be asked.", "Untick Read-Only API there.")
            raise Outage(f"The gateway did not answer in time: {what}.", "Try again.")
        problem = asked.exception()
        if isinstance(problem, ConnectionError):
            raise Outage(f"The connection was lost while asking: {what}.", "Connect anew.") from problem
        if code := _request_code(problem):
            raise Refused(f"The gateway refused {what}: {code}, {problem}.", "Correct the request.", code=code) from problem
        return asked.result()

    async def now(self) -> datetime:
        """The broker's time, asked afresh. It tells whole seconds, so this is right or up to one second late."""
        await self.turn()
        told: datetime = await self.answer("the time", self.ib.reqCurrentTimeAsync())
        offset = told.timestamp() - asyncio.get_running_loop().time()
        self._offset = offset if self._offset is None else max(offset, self._offset)
        return self.instant(asyncio.get_running_loop().time())

    def instant(self, loop_time: float) -> datetime:
        """A moment of the loop's clock on the broker's clock; only after `now`."""
        assert self._offset is not None
        return datetime.fromtimestamp(loop_time + self._offset, UTC)

    async def flush(self, what: str) -> None:
        """Wait until the operating system has every byte; `Outage` where the connection went first."""
        deadline = asyncio.get_running_loop().time() + self.timeout
        while (transport := self.ib.client.conn.transport) is not None and self.ib.isConnected():
            if transport.get_write_buffer_size() == 0:
                return
            if asyncio.get_running_loop().time() > deadline:
                self.mute = True
                break
            await asyncio.sleep(0.001)
        raise Outage(f"The connection was lost while sending: {what}.", "Connect anew and take a picture: it may have arrived.")

    async def close(self) -> None:
        """Hand over what is unsent, then hang up and see the socket closed, within bounds."""
        connection = self.ib.client.conn
        if connection.transport is not None and self.ib.isConnected():
            with contextlib.suppress(Outage):
                await self.flush("the last bytes")
        self.ib.disconnect()
        if connection.transport is not None and not self.ib.isConnected():
            connection.transport.close()
        for _ in range(200):
            if connection.transport is None:
                return
            await asyncio.sleep(0.005)
        connection.transport.abort()


def _request_code(problem: BaseException | None) -> int:
    """IB's code of a refused request, 0 of anything else."""
    return int(getattr(problem, "code", 0)) if type(problem).__name__ == "RequestError" else 0
