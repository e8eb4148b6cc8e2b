"""What every broker must do: the port's promises, on a gateway that misbehaves.

Runs on whichever client library is installed; `test_other_clients.py` runs it again under ib_async.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.ib.broker import IBBroker
from portfolio.errors import Broken, Outage, Refused, WrongUse
from portfolio.types import OrderState, OrderTicket, Side

ACCOUNT = "DU1000001"
Dialogue = Callable[[IBBroker], Awaitable[Any]]


@contextlib.asynccontextmanager
async def broker_at(port: int, timeout: float = 10.0, client_id: int = 7) -> AsyncIterator[IBBroker]:
    broker = IBBroker("127.0.0.1", port, client_id, ACCOUNT, "paper", timeout=timeout)
    await broker.connect()
    try:
        yield broker
    finally:
        await broker.disconnect()


@pytest.fixture
def talk(gateway):
    """Run a dialogue with a broker on a gateway with these faults."""

    def run(dialogue: Dialogue, timeout: float = 10.0, **faults: object) -> Any:
        async def whole() -> Any:
            async with gateway(**faults) as port, broker_at(port, timeout) as broker:
                return await dialogue(broker)

        return asyncio.run(asyncio.wait_for(whole(), 60))

    return run


async def ticket(
    broker: IBBroker, symbol: str = "AAPL", quantity: int = 10, side: Side = Side.BUY, ref: str = "a1#1", limit: str | None = None
) -> OrderTicket:
    contract = (await broker.contracts([symbol]))[symbol]
    kind = "limit" if limit else "adaptive"
    price = Decimal(limit) if limit else None
    return OrderTicket(ref, broker.next_order_id(1), ACCOUNT, contract, side, Decimal(quantity), kind, price)


async def buy(broker: IBBroker, seconds: float = 5.0, **terms: Any) -> tuple[OrderTicket, bool]:
    order = await ticket(broker, **terms)
    await broker.place(order)
    return order, await broker.settled([order.order_ref], seconds)


class TestSeeing:
    def test_a_new_account_holds_cash_alone(self, talk, market):
        async def dialogue(broker):
            return await broker.picture(), await broker.time(), broker.connected()

        picture, now, connected = talk(dialogue)
        assert connected and (picture.orders, picture.executions, dict(picture.positions)) == ((), (), {})
        assert picture.cash == {"USD": Decimal(1_000_000)} and picture.net_liquidation == Decimal(1_000_000)
        assert timedelta(seconds=-1) <= now - market.now < timedelta(seconds=30)

    def test_a_contract_has_its_hours_in_utc(self, talk, market):
        async def dialogue(broker):
            return await broker.contracts(["AAPL", "BRK.B"])

        found = talk(dialogue)
        assert set(found) == {"AAPL", "BRK.B"} and found["AAPL"].con_id != found["BRK.B"].con_id
        apple = found["AAPL"]
        assert (apple.session_open, apple.session_close) == (market.session_open, market.session_close)
        assert (apple.min_tick, apple.size_increment, apple.exchange) == (Decimal("0.01"), Decimal(1), "NASDAQ")

    def test_an_unknown_symbol_is_refused_by_name(self, talk):
        async def dialogue(broker):
            with pytest.raises(Refused, match="NOPE"):
                await broker.contracts(["AAPL", "NOPE"])
            return broker.connected()

        assert talk(dialogue)

    def test_quotes_name_both_sides_and_leave_out_what_has_none(self, talk, market):
        async def dialogue(broker):
            return await broker.quotes(["AAPL", "SPY", "NOPE"])

        quotes = talk(dialogue, no_quote=("SPY",))
        assert set(quotes) == {"AAPL"}
        apple = quotes["AAPL"]
        assert (apple.bid, apple.ask, apple.last) == (Decimal("172.98"), Decimal("173.02"), Decimal(173))
        assert timedelta(seconds=-1) <= apple.time - market.now < timedelta(seconds=30) and not apple.delayed

    def test_a_quote_has_the_close_before_and_the_volume_since_the_open(self, talk):
        async def dialogue(broker):
            await buy(broker, quantity=30)
            return await broker.quotes(["AAPL", "PENNY"])

        quotes = talk(dialogue)
        assert (quotes["AAPL"].close, quotes["AAPL"].volume) == (Decimal("171.13"), Decimal(30))
        assert (quotes["PENNY"].close, quotes["PENNY"].volume) == (None, Decimal(0))

    def test_delayed_quotes_come_only_to_those_who_welcome_them(self, talk):
        async def dialogue(broker):
            before = await broker.quotes(["AAPL", "SPY"])
            await broker.take_any_age()
            return before, await broker.quotes(["AAPL", "SPY"])

        before, after = talk(dialogue, no_subscription=("SPY",))
        assert set(before) == {"AAPL"}
        assert {symbol: quote.market_data for symbol, quote in after.items()} == {"AAPL": "live", "SPY": "delayed"}

    @pytest.mark.parametrize(("kind", "delayed"), [(2, False), (3, True), (4, True)])
    def test_an_old_quote_shows_its_age(self, talk, market, kind, delayed):
        async def dialogue(broker):
            return await broker.quotes(["AAPL"])

        apple = talk(dialogue, market_data_type=kind, quote_age=900.0)["AAPL"]
        assert apple.delayed is delayed
        assert apple.market_data == {2: "frozen", 3: "delayed", 4: "delayed-frozen"}[kind]
        assert market.now - apple.time >= timedelta(seconds=800)


class TestTrading:
    def test_a_buy_and_a_sell_to_the_cent(self, talk):
        async def dialogue(broker):
            _, bought = await buy(broker, quantity=1000)
            _, sold = await buy(broker, quantity=400, side=Side.SELL, ref="b2#1")
            return bought, sold, await broker.picture()

        bought, sold, picture = talk(dialogue)
        assert bought and sold and picture.positions == {"AAPL": Decimal(600)}
        spent = 1000 * Decimal("173.02") + Decimal("5.00") - 400 * Decimal("172.98") + Decimal("2.00")
        assert picture.cash["USD"] == 1_000_000 - spent
        assert [(e.order_ref, e.quantity, e.commission) for e in picture.executions] == [
            ("a1#1", Decimal(1000), Decimal(5)),
            ("b2#1", Decimal(-400), Decimal(2)),
        ]
        assert {(o.order_ref, o.state, o.filled) for o in picture.orders} == {
            ("a1#1", OrderState.FILLED, Decimal(1000)),
            ("b2#1", OrderState.FILLED, Decimal(400)),
        }

    def test_a_resting_limit_is_cancelled(self, talk):
        async def dialogue(broker):
            order, done = await buy(broker, seconds=0.3, limit="170.00")
            resting = (await broker.picture()).orders[0]
            await broker.cancel(resting.perm_id)
            over = await broker.settled([order.order_ref], 5)
            return done, resting, over, (await broker.picture()).orders[0]

        done, resting, over, gone = talk(dialogue)
        assert (done, resting.state, over, gone.state) == (False, OrderState.ACKED, True, OrderState.CANCELLED)
        assert gone.perm_id == resting.perm_id

    def test_slices_and_repeated_statuses_count_once(self, talk):
        async def dialogue(broker):
            _, done = await buy(broker, quantity=10)
            return done, await broker.picture()

        done, picture = talk(dialogue, slices=3, duplicate_statuses=2)
        assert done and [e.quantity for e in picture.executions] == [3, 3, 4]
        assert sum(e.commission for e in picture.executions) == Decimal(1)
        assert picture.positions == {"AAPL": Decimal(10)}

    def test_a_partial_fill_is_partial(self, talk):
        async def dialogue(broker):
            await buy(broker, seconds=0.7, quantity=10)
            return await broker.picture()

        picture = talk(dialogue, slices=2, fill_delay=0.5)
        (order,) = picture.orders
        assert (order.state, order.filled) in {(OrderState.PARTIAL, Decimal(5)), (OrderState.FILLED, Decimal(10))}

    def test_the_last_correction_wins(self, talk):
        async def dialogue(broker):
            await buy(broker, quantity=10)
            return await broker.picture()

        picture = talk(dialogue, correct=1)
        (fill,) = picture.executions
        assert fill.exec_id.endswith(".02") and fill.price == Decimal("173.03") and picture.orders[0].filled == 10
        assert picture.cash["USD"] == 1_000_000 - 10 * Decimal("173.03") - 1

    def test_a_commission_that_comes_late_is_none_until_then(self, talk):
        async def dialogue(broker):
            order = await ticket(broker)
            await broker.place(order)
            assert await broker.settled([order.order_ref], 0.4)
            first = await broker.picture()
            await asyncio.sleep(1.2)
            return first, await broker.picture()

        first, second = talk(dialogue, commission_delay=1.0)
        assert [e.commission for e in first.executions] == [None]
        assert [e.commission for e in second.executions] == [Decimal("1")]

    def test_a_second_entry_sees_the_first(self, talk, gateway):
        async def whole():
            async with gateway() as port:
                async with broker_at(port) as broker:
                    await buy(broker)
                async with broker_at(port) as broker:
                    again = await broker.picture()
                    return again, broker.next_order_id(1), await broker.settled(["a1#1"], 1)

        picture, order_id, known = asyncio.run(whole())
        assert picture.orders[0].state is OrderState.FILLED and picture.executions[0].order_ref == "a1#1"
        assert order_id > 1 and known

    def test_sixty_orders_in_one_batch_are_paced(self, talk):
        async def dialogue(broker):
            contract = (await broker.contracts(["PENNY"]))["PENNY"]
            started = time.monotonic()
            for n in range(60):
                number = broker.next_order_id(1)
                await broker.place(OrderTicket(f"p{n}#1", number, ACCOUNT, contract, Side.BUY, Decimal(1), "market"))
            seconds = time.monotonic() - started
            return seconds, await broker.settled([f"p{n}#1" for n in range(60)], 10), await broker.picture()

        seconds, done, picture = talk(dialogue)
        assert done and picture.positions == {"PENNY": Decimal(60)} and len(picture.executions) == 60
        assert seconds >= 59 / 45 * 0.95


class TestNotBelievingTheLibrary:
    def test_a_preset_error_is_no_cancel(self, talk):
        async def dialogue(broker):
            order = await ticket(broker)
            await broker.place(order)
            early = await broker.settled([order.order_ref], 0.3)
            before = await broker.picture()
            return early, before, await broker.settled([order.order_ref], 5), await broker.picture()

        early, before, late, after = talk(dialogue, preset=True, fill_delay=0.8)
        assert (early, before.orders[0].state) == (False, OrderState.ACKED)
        assert (late, after.orders[0].state) == (True, OrderState.FILLED)

    def test_an_execution_is_enough(self, talk):
        async def dialogue(broker):
            _, done = await buy(broker)
            return done, (await broker.picture()).orders[0].state

        assert talk(dialogue, lost_filled=True) == (True, OrderState.FILLED)

    def test_news_that_never_came_is_in_the_picture(self, talk):
        async def dialogue(broker):
            _, done = await buy(broker, seconds=0.4)
            return done, (await broker.picture()).orders[0].state

        assert talk(dialogue, lost_updates=True) == (False, OrderState.FILLED)

    @pytest.mark.parametrize("fault", ["hold", "stuck"])
    def test_an_order_that_is_held_is_acknowledged(self, talk, fault):
        async def dialogue(broker):
            _, done = await buy(broker, seconds=0.3)
            return done, (await broker.picture()).orders[0].state

        assert talk(dialogue, **{fault: True}) == (False, OrderState.ACKED)

    def test_a_rejection_is_final_and_says_why(self, talk):
        async def dialogue(broker):
            _, done = await buy(broker)
            return done, (await broker.picture()).orders

        done, (order,) = talk(dialogue, reject=1)
        assert done and order.state is OrderState.REJECTED and "rejected" in order.reason.lower()

    def test_an_order_that_was_never_one_is_rejected(self, talk):
        async def dialogue(broker):
            await buy(broker)
            order = await ticket(broker, ref="again#1")
            broker._up().heard.tickets.pop(1, None)
            late = OrderTicket(
                order.order_ref, 1, ACCOUNT, order.contract, order.side, order.quantity, order.order_type, order.limit
            )
            await broker.place(late)
            return await broker.settled(["again#1"], 5), (await broker.picture()).orders

        done, orders = talk(dialogue)
        states = {order.order_ref: (order.state, order.reason[:3]) for order in orders}
        assert done and states["again#1"] == (OrderState.REJECTED, "103") and states["a1#1"][0] is OrderState.FILLED

    def test_a_swallowed_order_is_in_no_picture(self, talk):
        async def dialogue(broker):
            _, done = await buy(broker, seconds=0.3)
            return done, (await broker.picture()).orders

        assert talk(dialogue, swallow=1) == (False, ())

    def test_an_invisible_order_appears_later(self, talk):
        async def dialogue(broker):
            order, done = await buy(broker, seconds=0.2)
            hidden = (await broker.picture()).orders
            return done, hidden, await broker.settled([order.order_ref], 5), (await broker.picture()).orders

        done, hidden, later, shown = talk(dialogue, invisible_seconds=1.5)
        assert (done, hidden, later) == (False, (), True) and shown[0].state is OrderState.FILLED


class TestSilence:
    @pytest.mark.parametrize("kind", ["open_orders", "completed_orders", "current_time"])
    def test_no_answer_is_an_outage_and_never_empty(self, talk, kind):
        async def dialogue(broker):
            with pytest.raises(Outage):
                await broker.picture()
            return broker.connected()

        assert talk(dialogue, timeout=0.5, unanswered=(kind,)) is False

    @pytest.mark.parametrize("kind", ["positions", "executions", "account_updates", "account_updates_multi"])
    def test_a_start_without_an_answer_is_an_outage(self, talk, kind):
        async def never(broker):
            raise AssertionError("it connected")

        with pytest.raises(Outage):
            talk(never, timeout=0.5, unanswered=(kind,))

    def test_quotes_that_never_come(self, talk, monkeypatch):
        monkeypatch.setattr("brokers.ib.quotes.SLOWEST", 0.5)

        async def dialogue(broker):
            with pytest.raises(Outage):
                await broker.quotes(["AAPL"])

        talk(dialogue, timeout=0.5, unanswered=("market_data",))

    @pytest.mark.parametrize("fault", ["drop_before_accept", "drop_after_accept", "drop_before_fill"])
    def test_a_cut_line_is_an_outage_and_the_next_picture_knows(self, gateway, fault):
        async def whole():
            async with gateway(**{fault: 1}) as port:
                async with broker_at(port) as broker:
                    order = await ticket(broker)
                    with pytest.raises(Outage):
                        await broker.place(order)
                        await broker.settled([order.order_ref], 5)
                    assert not broker.connected()
                await asyncio.sleep(0.2)
                async with broker_at(port) as broker:
                    return await broker.picture()

        picture = asyncio.run(whole())
        assert len(picture.executions) == (0 if fault == "drop_before_accept" else 1)

    def test_after_1100_nothing_is_sent_until_a_fresh_picture(self, talk):
        async def dialogue(broker):
            order = await ticket(broker)
            await asyncio.sleep(0.7)
            assert not broker.connected()
            with pytest.raises(Outage):
                await broker.place(order)
            await asyncio.sleep(0.6)
            assert broker.connected()
            with pytest.raises(Outage):
                await broker.place(order)
            await broker.picture()
            await broker.place(order)
            return await broker.settled([order.order_ref], 5)

        assert talk(dialogue, notices=((0.5, 1100), (1.0, 1102)))

    def test_fills_during_1100_are_recovered(self, talk):
        async def dialogue(broker):
            await buy(broker, seconds=0.1)
            await asyncio.sleep(1.4)
            return await broker.picture()

        picture = talk(dialogue, fill_delay=0.6, notices=((0.4, 1100), (1.2, 1101)))
        assert picture.orders[0].state is OrderState.FILLED and len(picture.executions) == 1


class TestRefusals:
    def test_the_same_client_twice(self, gateway):
        async def whole():
            async with gateway() as port, broker_at(port) as broker:
                started = time.monotonic()
                with pytest.raises(Outage, match="in use"):
                    async with broker_at(port):
                        raise AssertionError("it connected")
                return time.monotonic() - started, broker.connected()

        seconds, still = asyncio.run(whole())
        assert seconds < 5 and still

    def test_nobody_listens(self):
        async def whole():
            async with broker_at(1):
                raise AssertionError("it connected")

        with pytest.raises(Outage, match="cannot be reached"):
            asyncio.run(whole())

    def test_a_read_only_gateway(self, talk):
        async def dialogue(broker):
            with pytest.raises(Refused, match="read-only"):
                await broker.picture()

        talk(dialogue, read_only=True)

    @pytest.mark.parametrize(
        ("mode", "port", "account"),
        [
            ("paper", 7496, "DU1000001"),
            ("paper", 4001, "DU1000001"),
            ("paper", 4002, "U1000001"),
            ("live", 4001, "DU1000001"),
            ("live", 4002, "U1000001"),
            ("live", 7497, "U1000001"),
        ],
    )
    def test_mode_port_and_account_must_agree(self, mode, port, account):
        with pytest.raises(Refused):
            asyncio.run(IBBroker("127.0.0.1", port, 1, account, mode).connect())

    def test_another_account_than_the_gateways(self, gateway):
        async def whole():
            async with gateway() as port:
                await IBBroker("127.0.0.1", port, 7, "DU9999999", "paper", timeout=5).connect()

        with pytest.raises(Refused, match="DU9999999"):
            asyncio.run(whole())

    def test_what_would_be_refused_is_not_sent(self, talk):
        async def dialogue(broker):
            good = await ticket(broker)
            half = OrderTicket("h#1", 90, ACCOUNT, good.contract, Side.BUY, Decimal("0.5"), "market")
            off = OrderTicket("o#1", 91, ACCOUNT, good.contract, Side.BUY, Decimal(1), "limit", Decimal("170.005"))
            odd = OrderTicket("k#1", 92, ACCOUNT, good.contract, Side.BUY, Decimal(1), "stop")
            other = OrderTicket("x#1", 93, "DU2", good.contract, Side.BUY, Decimal(1), "market")
            for wrong, kind in ((half, Refused), (off, Refused), (odd, WrongUse), (other, Broken)):
                with pytest.raises(kind):
                    await broker.place(wrong)
            await broker.place(good)
            with pytest.raises(Broken, match="used before"):
                await broker.place(good)
            await broker.settled([good.order_ref], 5)
            return (await broker.picture()).orders

        assert [order.order_ref for order in talk(dialogue)] == ["a1#1"]

    def test_ids_rise_above_executions_after_a_reset(self, gateway):
        async def whole():
            async with gateway() as port, broker_at(port) as broker:
                first, _ = await buy(broker)
            async with gateway(id_reset=True) as port, broker_at(port) as broker:
                await broker.picture()
                second, done = await buy(broker, ref="b2#1")
                return first, second, done, broker.next_order_id(5000)

        first, second, done, high = asyncio.run(whole())
        assert second.order_id > first.order_id and done and high >= 5000

    def test_disconnect_twice_and_after_nothing(self):
        async def whole():
            broker = IBBroker("127.0.0.1", 1, 7, ACCOUNT, "paper")
            await broker.disconnect()
            await broker.disconnect()
            assert not broker.connected()
            with pytest.raises(Outage):
                await broker.time()

        asyncio.run(whole())
