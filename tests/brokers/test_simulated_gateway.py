"""The gateway as raw ib_insync sees it: codes, previews, bars, pace. IB's own meanings are in the codes' names."""

from __future__ import annotations

import asyncio
import math
import struct
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from brokers.simulator import market as worlds
from brokers.simulator.faults import parse
from brokers.simulator.market import Listing, stable_con_id
from brokers.simulator.valuation import commission
from portfolio.errors import WrongUse

library = pytest.importorskip("ib_insync", reason="the environment under test carries ib_async")


@pytest.fixture
def talk(gateway):
    """Run a dialogue with a raw ib_insync client; errors are gathered as (request id, code)."""

    def run(dialogue, world=None, **faults):
        async def whole():
            words = {"world": world} if world else {}
            async with gateway(**words, **faults) as port:
                ib, errors = library.IB(), []
                ib.errorEvent += lambda request, code, sentence, contract: errors.append((request, code))
                await ib.connectAsync("127.0.0.1", port, clientId=5, timeout=10)
                try:
                    return await dialogue(ib, errors)
                finally:
                    ib.disconnect()

        return asyncio.run(asyncio.wait_for(whole(), 30))

    return run


def apple() -> object:
    return library.Stock("AAPL", "SMART", "USD")


async def answer_to(ib, errors, order, contract=None) -> list[int]:
    """Codes that answer an order."""
    before = len(errors)
    ib.placeOrder(contract or apple(), order)
    await asyncio.sleep(0.25)
    return [code for _, code in errors[before:]]


def order(kind: str = "MKT", quantity: float = 1, **terms):
    terms = {"action": "BUY", "tif": "DAY", **terms}
    return library.Order(orderType=kind, totalQuantity=quantity, **terms)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"kind": "LMT", "lmtPrice": 170.005}, 110),
        ({"quantity": 0.5}, 10243),
        ({"quantity": 0}, 434),
        ({"quantity": 100_000_000}, 201),
        ({"account": "DU2"}, 321),
        ({"kind": "STP"}, 321),
        ({"kind": "MOC", "tif": "GTC"}, 113),
        ({"transmit": False}, 321),
    ],
)
def test_what_is_wrong_with_an_order_has_its_code(talk, terms, code):
    async def dialogue(ib, errors):
        return await answer_to(ib, errors, order(**terms)), ib.positions()

    codes, positions = talk(dialogue)
    assert codes == [code] and positions == []


def test_an_unknown_contract_an_old_id_and_an_open_one(talk):
    async def dialogue(ib, errors):
        unknown = await answer_to(ib, errors, order(), library.Stock("NOPE", "SMART", "USD"))
        resting = order("LMT", lmtPrice=150.0)
        ib.placeOrder(apple(), resting)
        await asyncio.sleep(0.1)
        changed = order("LMT", lmtPrice=151.0, orderId=resting.orderId)
        ib.client.placeOrder(resting.orderId, apple(), changed)
        old = order(orderId=1)
        ib.client.placeOrder(1, apple(), old)
        await asyncio.sleep(0.2)
        return unknown, [code for _, code in errors if code in {103, 105}], await ib.reqAllOpenOrdersAsync()

    unknown, codes, still = talk(dialogue)
    assert unknown == [200] and codes == [105, 103] and len(still) == 1 and still[0].order.lmtPrice == 150.0


def test_cancelling_what_is_unknown_or_over(talk):
    async def dialogue(ib, errors):
        done = order()
        ib.placeOrder(apple(), done)
        await asyncio.sleep(0.2)
        ib.client.cancelOrder(done.orderId)
        ib.client.cancelOrder(777)
        await asyncio.sleep(0.2)
        return [code for _, code in errors if code > 10_000]

    assert talk(dialogue) == [10148, 10147]


def test_a_market_order_at_a_closed_market_waits_with_399(talk, market):
    early = replace(market, now=market.session_open - timedelta(seconds=1))

    async def dialogue(ib, errors):
        trade = ib.placeOrder(apple(), order())
        await asyncio.sleep(0.4)
        before = trade.orderStatus.status
        await asyncio.sleep(1.2)
        return before, [code for _, code in errors if code == 399], trade.orderStatus.status

    assert talk(dialogue, early) == ("PreSubmitted", [399], "Filled")


def test_orders_at_the_close(talk, market):
    late = replace(market, now=market.session_close - timedelta(seconds=0.8))

    async def dialogue(ib, errors):
        closing, resting = ib.placeOrder(apple(), order("MOC")), ib.placeOrder(apple(), order("LMT", lmtPrice=150.0))
        await asyncio.sleep(0.3)
        before = closing.orderStatus.status, resting.orderStatus.status
        await asyncio.sleep(0.9)
        return before, (closing.orderStatus.status, closing.orderStatus.avgFillPrice), resting.orderStatus.status

    assert talk(dialogue, late) == (("Submitted", "Submitted"), ("Filled", 173.0), "Cancelled")


def test_a_preview_changes_nothing(talk):
    async def dialogue(ib, errors):
        state = await asyncio.wait_for(ib.whatIfOrderAsync(apple(), order(quantity=100)), 5)
        return state, await ib.reqAllOpenOrdersAsync(), await ib.reqExecutionsAsync()

    state, still, executions = talk(dialogue)
    assert (float(state.initMarginAfter), state.commission) == (8650.0, 1.0) and not still and not executions


def test_daily_bars_have_a_close_and_no_volume(talk):
    async def dialogue(ib, errors):
        full = await ib.reqHistoricalDataAsync(apple(), "", "1 Y", "1 day", "TRADES", True)
        last = await ib.reqHistoricalDataAsync(apple(), "", "1 D", "1 day", "TRADES", True)
        return full, last

    full, last = talk(dialogue)
    assert [(bar.date, bar.close, bar.volume) for bar in full] == [
        (date(2024, 3, 12), 173.23, -1.0),
        (date(2024, 3, 13), 171.13, -1.0),
    ]
    assert list(last) == list(full)[-1:]


def test_a_ticker_answers_once_and_stays(talk):
    async def dialogue(ib, errors):
        ticker = ib.reqMktData(apple())
        await asyncio.sleep(0.3)
        ib.cancelMktData(ticker.contract)
        return ticker.bid, ticker.ask, ticker.last

    assert talk(dialogue) == (172.98, 173.02, 173.0)


def test_a_third_summary_is_refused(talk):
    async def dialogue(ib, errors):
        for _ in range(3):
            await asyncio.wait_for(ib.reqAccountSummaryAsync(), 5)
        return [code for _, code in errors if code == 322], ib.wrapper.acctSummary

    codes, summary = talk(dialogue)
    assert codes == [322] and summary["DU1000001", "NetLiquidation", "USD"].value == "1000000"


def test_too_many_messages_are_cut_off_with_100(talk):
    async def dialogue(ib, errors):
        ib.client.MaxRequests = 0
        for _ in range(80):
            ib.client.reqCurrentTime()
        await asyncio.sleep(0.3)
        return [code for _, code in errors if code == 100], ib.isConnected()

    assert talk(dialogue) == ([100], False)


def test_the_libraries_own_throttle_is_not_cut_off(talk):
    async def dialogue(ib, errors):
        for _ in range(100):
            ib.client.reqCurrentTime()
        await asyncio.sleep(2.6)
        return [code for _, code in errors if code == 100], ib.isConnected()

    assert talk(dialogue) == ([], True)


@pytest.mark.parametrize(
    "bytes_in", [b"", b"GET / HTTP/1.1\r\n\r\n", b"API\0" + struct.pack(">I", 2**31), b"API\0\0\0\0\x09v100..150", b"\0" * 100]
)
def test_strangers_are_hung_up_on(gateway, bytes_in):
    async def whole():
        async with gateway() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(bytes_in)
            writer.write_eof()
            rest = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            return rest

    assert asyncio.run(whole()) == b""


def test_garbage_after_the_handshake_does_not_end_the_gateway(gateway):
    async def whole():
        async with gateway() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            body = b"v157..176"
            writer.write(b"API\0" + struct.pack(">I", len(body)) + body)
            await reader.read(100)
            for message in (b"71\0002\0009\0\0", b"3\0x\0y\0", b"\0", b"nonsense\0", b"9\0008\0z\0"):
                writer.write(struct.pack(">I", len(message)) + message)
            await asyncio.sleep(0.2)
            writer.close()
            ib = library.IB()
            await ib.connectAsync("127.0.0.1", port, clientId=9, timeout=10)
            ib.disconnect()

    asyncio.run(asyncio.wait_for(whole(), 20))


class TestMarket:
    def test_the_file_holds_the_market(self, market, tmp_path):
        worlds.dump(market, tmp_path / "m.json")
        assert worlds.load(tmp_path / "m.json") == market

    def test_a_broken_file_is_wrong_use(self, tmp_path):
        (tmp_path / "m.json").write_text("{}")
        with pytest.raises(WrongUse):
            worlds.load(tmp_path / "m.json")

    def test_contract_ids_do_not_change(self):

        assert stable_con_id("SPY") == 100_000_000 + int(SPY_DIGEST[:16], 16) % 900_000_000

    @pytest.mark.parametrize(
        ("price", "bid", "ask"), [("173.00", "172.98", "173.02"), ("0.50", "0.49", "0.51"), ("100", "99.99", "100.01")]
    )
    def test_quotes_stand_a_basis_point_apart_and_a_tick_at_least(self, market, price, bid, ask):
        world = replace(market, prices={"AAPL": Decimal(price)})
        quote = world.quote(world.listings[0])
        assert (quote.bid, quote.ask, quote.last) == (Decimal(bid), Decimal(ask), Decimal(price))

    def test_bad_prices_and_times_are_wrong_use(self, market):
        for wrong in ({"prices": {"AAPL": Decimal("NaN")}}, {"now": market.now.replace(tzinfo=None)}):
            with pytest.raises(WrongUse):
                replace(market, **wrong)
        with pytest.raises(WrongUse):
            replace(market, listings=(Listing("A", con_id=1), Listing("B", con_id=1)))


SPY_DIGEST = "61f17ec20be9478e47658bb006b59673b9bcfb36da29a251adbc5bdab3c17bf6"  # printf 'SPY|USD' | sha256sum


@pytest.mark.parametrize(
    ("shares", "price", "fee"),  # IB's own examples of the fixed schedule, and its two bounds
    [(100, "25", "1.00"), (1000, "25", "5.00"), (1000, "0.25", "2.50"), (1, "20", "0.20"), (200, "0.10", "0.20")],
)
def test_commissions_are_the_fixed_schedule(shares, price, fee):
    assert commission(Decimal(shares), Decimal(price)) == Decimal(fee)


def test_faults_are_read_and_refused_by_name():
    assert parse('{"notices": [[0.5, 1100]], "slices": 3}').notices == ((0.5, 1100),)
    for wrong in ('{"slice": 3}', "[", "[]", '{"kill_at": "sometime"}', '{"unanswered": ["everything"]}'):
        with pytest.raises(WrongUse):
            parse(wrong)
    assert math.isclose(parse("{}").margin_rate, 0.5)
