"""Snapshots and streams: bid, ask and last of each symbol, with their age and kind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from brokers.ib import states
from brokers.ib.client import Line
from brokers.ib.heard import Ticks
from portfolio.errors import Broken, Outage
from portfolio.types import Quote

PRICES = {1: "bid", 2: "ask", 4: "last", 66: "bid", 67: "ask", 68: "last"}
CLOSE = {9: "close", 75: "close"}
VOLUME = (8, 74)
DELAY = timedelta(minutes=15)
SLOWEST = 12.0  # seconds; IB ends a snapshot after eleven


async def snapshots(line: Line, contracts: Mapping[str, Any]) -> Mapping[str, Quote]:
    """A quote of each symbol that can be quoted, on the broker's clock, which the line was asked for before.

    `Outage` where nobody said anything at all; a symbol that IB declines, or has no price of, is absent.
    """
    asked = {symbol: await _ask(line, contract) for symbol, contract in contracts.items()}
    await _wait(line, list(asked.values()))
    ticks, errors = line.heard.ticks, line.heard.errors
    if asked and not any(request in ticks or request in errors for request in asked.values()):
        line.mute = True
        raise Outage("The gateway did not answer in time: quotes.", "Try again.")
    quotes = {}
    for symbol, request in asked.items():
        quote = _heard(line, symbol, contracts[symbol].currency, ticks.pop(request, Ticks()))
        if quote is not None:
            quotes[symbol] = quote
    return quotes


def with_marks(line: Line, quotes: Mapping[str, Quote], marks: Iterable[tuple[str, str, Decimal, float]]) -> Mapping[str, Quote]:
    """`quotes`, with the broker's own mark (symbol, currency, price, loop time) of each position that nobody quotes a price of
    that could be dealt at.
    """
    out = dict(quotes)
    for symbol, currency, price, at in marks:
        known = quotes.get(symbol)
        if known is None:
            out[symbol] = Quote(symbol, None, None, None, currency, line.instant(at), mark=price)
        elif known.dealable is None and known.currency == currency:
            out[symbol] = replace(known, mark=price)
    return out


async def stream(line: Line, contracts: Mapping[str, Any]) -> AsyncIterator[Quote]:
    """Every change of a quote, newest first heard, on the broker's clock, which the line was asked for before.

    A symbol that IB declines, or has no price of, is never there; one whose price has gone is not told again, and grows old.
    Ends where all are declined. `Outage` where the connection is lost, or the broker lost its servers: nobody knows then
    which of the streams go on. Close it (`aclosing`), and nothing is subscribed to any more.
    """
    asked: dict[int, str] = {}
    told: dict[str, Quote | None] = {}
    cuts = line.heard.cuts
    try:
        for symbol, contract in contracts.items():
            asked[await _ask(line, contract, snapshot=False)] = symbol
        while not all(request in line.heard.errors for request in asked):
            line.check()
            if line.heard.cuts != cuts:
                raise Outage("The broker lost its servers, so a stream of quotes may stand still.", "Ask for it again.")
            line.heard.changed.clear()
            for request, symbol in asked.items():
                quote = _heard(line, symbol, contracts[symbol].currency, line.heard.ticks.get(request, Ticks()))
                if quote != told.get(symbol):
                    told[symbol] = quote
                    if quote is not None:
                        yield quote
            await _change(line, 1.0)
    finally:
        await _hang_up(line, list(asked))


async def take_any_age(line: Line) -> None:
    """Let through what is not live, too: 2 frozen quotes, 4 delayed ones and those that are both. Live ones stay live."""
    for kind in (2, 4):
        await line.turn()
        line.ib.client.reqMarketDataType(kind)


async def _hang_up(line: Line, requests: list[int]) -> None:
    with contextlib.suppress(Outage, Broken):
        for request in requests:
            line.heard.ticks.pop(request, None)
            if request not in line.heard.errors:
                await line.turn()
                line.ib.client.cancelMktData(request)


async def _change(line: Line, seconds: float) -> None:
    """Wait until something is heard, at most so long."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(line.heard.changed.wait(), seconds)


async def _ask(line: Line, contract: Any, snapshot: bool = True) -> int:
    await line.turn()
    request = int(line.ib.client.getReqId())
    line.ib.client.reqMktData(request, contract, "", snapshot, False, [])
    return request


async def _wait(line: Line, requests: list[int]) -> None:
    """Until each request has all three prices, its end or an error, or the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + max(line.timeout, SLOWEST)
    while any(not _done(line, request) for request in requests):
        line.check()
        line.heard.changed.clear()
        left = deadline - loop.time()
        if left <= 0:
            return
        await _change(line, min(left, 1.0))


def _done(line: Line, request: int) -> bool:
    told = line.heard.ticks.get(request)
    return request in line.heard.errors or bool(told and told.ended)


def _heard(line: Line, symbol: str, currency: str, told: Ticks) -> Quote | None:
    return _quote(symbol, currency, told, None if told.at is None else line.instant(told.at))


def _quote(symbol: str, currency: str, told: Ticks, received: datetime | None) -> Quote | None:
    """None without a price, and for a frozen one that does not say of when it is."""
    prices = {PRICES[kind]: states.price_of(price) for kind, price in told.prices.items() if kind in PRICES}
    if received is None or not any(prices.values()):
        return None
    traded = datetime.fromtimestamp(told.traded, UTC) if told.traded else None
    if told.kind in {2, 4} and traded is None:
        return None
    at = {1: received, 3: min(traded, received) if traded else received - DELAY}.get(told.kind, traded)
    assert at is not None
    beside = {CLOSE[kind]: states.price_of(price) for kind, price in told.prices.items() if kind in CLOSE}
    return Quote(
        symbol=symbol,
        bid=prices.get("bid"),
        ask=prices.get("ask"),
        last=prices.get("last"),
        currency=currency,
        time=at,
        delayed=told.kind >= 3,
        frozen=told.kind in {2, 4},
        close=beside.get("close"),
        volume=next((states.size_of(told.sizes[kind]) for kind in VOLUME if kind in told.sizes), None),
    )
