"""One client: its handshake, its pace, its messages in, and a way to speak to it."""

from __future__ import annotations

import asyncio
import re
import struct
import time
from collections.abc import Awaitable, Callable

from brokers.simulator import messages
from brokers.simulator.wire import Fields, frame, read_message

OLDEST = 157
NOTICES = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)


class Bucket:
    """So many messages at once, and so many a second after that."""

    def __init__(self, rate: int) -> None:
        self._rate, self._tokens, self._at = rate, float(rate), time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._tokens = min(float(self._rate), self._tokens + (now - self._at) * self._rate)
        self._at = now
        self._tokens -= 1
        return self._tokens >= 0


class Session:
    """`down` is true between 1100 and 1101 or 1102: news of orders is lost meanwhile."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rate: int) -> None:
        self._reader, self._writer = reader, writer
        self._bucket = Bucket(rate)
        self.version = 0
        self.client_id = -1
        self.down = False
        self.wants_positions = False
        self.wants_account = False
        self.wants_delayed = False
        self.summaries: set[int] = set()
        self.tickers: dict[int, list[asyncio.TimerHandle]] = {}  # request -> what is still to be told of its price

    def send(self, *frames: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(b"".join(frames))

    def error(self, request: int, code: int, sentence: str) -> None:
        self.send(messages.error(self.version, request, code, sentence))

    def silence(self, request: int) -> None:
        """Tell nothing more of a ticker."""
        for move in self.tickers.pop(request, ()):
            move.cancel()

    def cut(self) -> None:
        """End the connection at once, whatever is still unsent."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """End the connection after what was said."""
        for request in list(self.tickers):
            self.silence(request)
        self._writer.close()
        try:
            await asyncio.wait_for(self._writer.wait_closed(), 2)
        except (OSError, TimeoutError):
            self.cut()

    async def shake_hands(self, offered: int, greeting: str) -> bool:
        """Agree on a version and learn the client's id. False where the client is too old or speaks another protocol."""
        prefix = await self._reader.readexactly(4)
        if prefix != b"API\0":
            return False
        words = re.match(rb"v(\d+)\.\.(\d+)", await read_message(self._reader))
        if words is None or int(words[2]) < OLDEST:
            return False
        self.version = min(offered, int(words[2]))
        self.send(frame(self.version, greeting))
        start = Fields(await read_message(self._reader))
        if start.number() != 71:
            return False
        start.skip(1)
        self.client_id = start.number()
        return True

    async def listen(self, answer: Callable[[int, Fields], Awaitable[None]]) -> None:
        """Answer messages until the client leaves or speaks too fast."""
        while True:
            try:
                fields = Fields(await read_message(self._reader))
            except (asyncio.IncompleteReadError, ConnectionError, ValueError, struct.error):
                return
            if not self._bucket.take():
                self.error(-1, 100, "Max rate of messages per second has been exceeded")
                return
            await answer(fields.number(), fields)
            await self._writer.drain()
