"""A stream of quotes: their age and kind are kept, and what is no price is never one. Again under ib_async, as the suite."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from decimal import Decimal

import pytest

from brokers.ib.broker import IBBroker
from portfolio.errors import Outage

ACCOUNT = "DU1000001"
PATIENCE = 20.0


@pytest.fixture
def heard(gateway):
    """heard(symbols, count, **faults): the first `count` quotes of a stream, or fewer where it ends or stays silent so long."""

    def _heard(symbols, count, silence=1.5, **faults):
        async def whole():
            async with gateway(**faults) as port, connected(port) as broker:
                found = []
                async with contextlib.aclosing(broker.stream(symbols)) as quotes:
                    with contextlib.suppress(StopAsyncIteration, TimeoutError):
                        while len(found) < count:
                            found.append(await asyncio.wait_for(anext(quotes), silence))
                return found, await broker.time()

        return asyncio.run(asyncio.wait_for(whole(), PATIENCE))

    return _heard


@contextlib.asynccontextmanager
async def connected(port):
    broker = IBBroker("127.0.0.1", port, 7, ACCOUNT, "paper", timeout=5)
    await broker.connect()
    try:
        yield broker
    finally:
        await broker.disconnect()


def settled(quotes, symbol):
    """The last quote of a symbol, when all its prices had come."""
    return [quote for quote in quotes if quote.symbol == symbol][-1]


def test_each_move_of_a_price_is_told(heard):
    quotes, _ = heard(["AAPL"], 12, moves=[(0.3, 1.1), (0.6, 1.2)])
    lasts = list(dict.fromkeys(quote.last for quote in quotes if quote.last))
    assert lasts == [Decimal("173.00"), Decimal("190.300"), Decimal("207.600")]
    assert settled(quotes, "AAPL").bid == Decimal("172.98") * Decimal("1.2")


def test_two_symbols_come_through_one_stream(heard):
    quotes, now = heard(["AAPL", "BRK.B"], 6)
    assert {quote.symbol for quote in quotes} == {"AAPL", "BRK.B"}
    assert settled(quotes, "BRK.B").last == Decimal("405.31")
    assert all(timedelta(0) <= now - quote.time < timedelta(seconds=5) and not quote.delayed for quote in quotes)


@pytest.mark.parametrize(("kind", "delayed"), [(1, False), (2, False), (3, True), (4, True)])
def test_a_stale_quote_says_how_old_it_is_and_of_what_kind(heard, kind, delayed):
    """Frozen and delayed prices are as old as the last trade, not as young as their message."""
    quotes, now = heard(["AAPL"], 4, market_data_type=kind, quote_age=1800.0)
    quote = settled(quotes, "AAPL")
    assert quote.delayed is delayed
    age = now - quote.time
    assert age < timedelta(seconds=5) if kind == 1 else timedelta(minutes=29) < age < timedelta(minutes=31)


def test_a_price_of_minus_one_is_no_price(heard):
    """-1 says that there is none."""
    quotes, _ = heard(["AAPL", "SPY"], 4, no_quote=["AAPL"])
    assert {quote.symbol for quote in quotes} == {"SPY"}


def test_a_price_that_goes_away_is_not_told_again(heard):
    quotes, _ = heard(["AAPL"], 99, moves=[(0.3, 0.0)])
    assert quotes
    assert all((quote.bid or quote.ask or quote.last) for quote in quotes), "never a quote without a price"
    assert all(price is None or price > 0 for quote in quotes for price in (quote.bid, quote.ask, quote.last))


def test_without_a_subscription_a_symbol_is_absent_and_the_others_go_on(heard):
    quotes, _ = heard(["AAPL", "SPY", "GONE"], 4, no_subscription=["AAPL"])
    assert {quote.symbol for quote in quotes} == {"SPY"}


def test_a_stream_of_which_all_are_declined_ends(heard):
    assert heard(["AAPL", "GONE"], 1, silence=PATIENCE, no_subscription=["AAPL"])[0] == []


def test_a_gateway_that_says_nothing_tells_nothing(heard):
    assert heard(["AAPL"], 1, unanswered=["market_data"])[0] == []


@pytest.mark.parametrize("code", [1100, 1101])
def test_when_the_broker_loses_its_servers_the_stream_is_over(heard, code):
    """After 1101 the subscriptions are gone, and nobody would hear a price again."""
    with pytest.raises(Outage, match="may stand still"):
        heard(["AAPL"], 99, silence=10.0, notices=[(0.8, code)])


def test_a_lost_connection_is_an_outage(gateway):
    async def whole():
        async with contextlib.AsyncExitStack() as stack:
            port = await stack.enter_async_context(gateway())
            broker = await stack.enter_async_context(connected(port))
            quotes = await stack.enter_async_context(contextlib.aclosing(broker.stream(["AAPL"])))
            await anext(quotes)
            broker._line.ib.client.conn.transport.abort()
            with pytest.raises(Outage):
                async for _ in quotes:
                    pass

    asyncio.run(asyncio.wait_for(whole(), PATIENCE))


def test_a_closed_stream_leaves_the_line_to_others(gateway):
    async def whole():
        async with gateway(moves=[(0.4, 1.1)]) as port, connected(port) as broker:
            async with contextlib.aclosing(broker.stream(["AAPL"])) as quotes:
                await anext(quotes)
                while_open = await broker.quotes(["SPY"])
            before = dict(broker._line.heard.ticks)
            await asyncio.sleep(0.7)
            return while_open, before, broker._line.heard.ticks, await broker.quotes(["AAPL"])

    while_open, before, after, quotes = asyncio.run(asyncio.wait_for(whole(), PATIENCE))
    assert set(while_open) == {"SPY"} and set(quotes) == {"AAPL"}
    assert before == after == {}, "nothing is told any more"
