"""Bytes and fields. A message is a big-endian 32-bit length and fields that each end in a zero byte."""

from __future__ import annotations

import asyncio
import struct
from decimal import Decimal

UNSET = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"
MAX_MESSAGE = 1 << 20  # bytes; a client that claims more is cut off


def text(value: object) -> str:
    """A field as the gateway writes it: no exponent, no NUL, escaped beyond ASCII.

    >>> text(Decimal("10.50")), text(True), text(None)
    ('10.5', '1', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return plain(value)
    return str(value).replace("\0", "").encode("ascii", "backslashreplace").decode("ascii")


def plain(value: Decimal) -> str:
    """A Decimal without exponent and trailing zeros.

    >>> plain(Decimal("1E+3")), plain(Decimal("0.00"))
    ('1000', '0')
    """
    return format(value.normalize(), "f") if value else "0"


def frame(*values: object) -> bytes:
    """One message."""
    body = "".join(f"{text(value)}\0" for value in values).encode("ascii")
    return struct.pack(">I", len(body)) + body


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """The body of the next message. IncompleteReadError at the end, ValueError where the length is absurd."""
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    if length > MAX_MESSAGE:
        raise ValueError(f"a message of {length} bytes")
    return await reader.readexactly(length)


class Fields:
    """The fields of one message, read in order; one that is missing reads as empty."""

    def __init__(self, body: bytes) -> None:
        self._values = body.decode("utf-8", "backslashreplace").split("\0")[:-1]
        self._next = 0

    def text(self) -> str:
        value = self._values[self._next] if self._next < len(self._values) else ""
        self._next += 1
        return value

    def number(self, default: int = 0) -> int:
        value = self.text()
        return int(float(value)) if value else default

    def flag(self) -> bool:
        return self.text() not in {"", "0", "false"}

    def decimal(self) -> Decimal | None:
        """None where the field is empty or says "unset"."""
        value = self.text()
        if value in {"", UNSET, "1.7976931348623157e+308", UNSET_INTEGER}:
            return None
        return Decimal(value)

    def skip(self, count: int) -> None:
        self._next += count
