"""Several currencies, short sales and previews: the port's promises. Runs under both client libraries."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from brokers.ib import states
from brokers.ib.broker import IBBroker
from brokers.ib.symbols import Symbols
from brokers.simulator.exchange import Exchange
from brokers.simulator.market import PAIRS, SimulatedMarket, from_json, pair_listing, to_json
from brokers.simulator.requests import ContractRequest, OrderRequest
from brokers.simulator.store import Store
from portfolio.errors import Broken, Refused
from portfolio.types import OrderState, OrderTicket, Side, currency_pair

ACCOUNT = "DU1000001"
D = Decimal


@pytest.fixture
def talk(gateway):
    """Run a dialogue with a broker that knows SAP in euros, on a gateway with these terms and faults."""

    def run(dialogue, **terms):
        base = terms.get("currency") or "USD"

        async def whole():
            async with gateway(**terms) as port:
                units = {"currency": "USD", "currencies": {"SAP": "EUR"}}
                broker = IBBroker("127.0.0.1", port, 7, ACCOUNT, "paper", timeout=10.0, **units)
                await broker.connect()
                try:
                    return await dialogue(broker)
                finally:
                    await broker.disconnect()

        assert base in {"USD", "EUR"}
        return asyncio.run(asyncio.wait_for(whole(), 60))

    return run


async def ticket(broker, symbol, quantity, ref="a1#1", side=Side.BUY, kind="adaptive", limit=None) -> OrderTicket:
    contract = (await broker.contracts([symbol]))[symbol]
    price = D(limit) if limit else None
    return OrderTicket(ref, broker.next_order_id(1), ACCOUNT, contract, side, D(quantity), kind, price)


async def deal(broker, *words, **terms) -> bool:
    order = await ticket(broker, *words, **terms)
    await broker.place(order)
    return await broker.settled([order.order_ref], 5)


# ------------------------------------------------------------ seeing
def test_contracts_and_quotes_of_each_kind(talk, market):
    async def dialogue(broker):
        names = ["AAPL", "SAP", "EUR.USD", "USD.JPY"]
        return await broker.contracts(names), await broker.quotes(names)

    contracts, quotes = talk(dialogue)
    assert {s: (c.currency, c.exchange) for s, c in contracts.items()} == {
        "AAPL": ("USD", "NASDAQ"), "SAP": ("EUR", "IBIS"), "EUR.USD": ("USD", "IDEALPRO"), "USD.JPY": ("JPY", "IDEALPRO"),
    }  # fmt: skip
    pair = contracts["EUR.USD"]
    assert (pair.min_tick, pair.size_increment) == (D("0.00005"), D(1))
    assert pair.session_open < market.session_open and pair.session_close > market.session_close
    assert {s: (q.bid, q.ask, q.last, q.currency) for s, q in quotes.items() if s != "AAPL"} == {
        "SAP": (D("174.98"), D("175.02"), D(175), "EUR"),
        "EUR.USD": (D("1.08995"), D("1.09005"), None, "USD"),
        "USD.JPY": (D("147.995"), D("148.005"), None, "JPY"),
    }
    assert quotes["EUR.USD"].dealable == D("1.09")


def test_a_symbol_in_another_currency_than_was_said_is_unknown(talk):
    async def dialogue(broker):
        for name in ("GBP.USD", "USD.EUR"):
            with pytest.raises(Refused, match=name):
                await broker.contracts([name])
        broker._symbols = Symbols("USD")
        with pytest.raises(Refused, match="SAP"):
            await broker.contracts(["SAP"])

    talk(dialogue)


# ------------------------------------------------------------ conversions
def test_there_and_back_to_the_cent(talk):
    async def dialogue(broker):
        bought = await deal(broker, "EUR.USD", 10_000)
        middle = await broker.picture()
        sold = await deal(broker, "EUR.USD", 4_000, "b2#1", Side.SELL)
        return bought, sold, middle, await broker.picture()

    bought, sold, middle, after = talk(dialogue)
    assert bought and sold
    assert middle.cash == {"USD": 1_000_000 - D("10900.50") - 2, "EUR": D(10_000)}
    assert after.cash == {"USD": 1_000_000 - D("10900.50") + D("4359.80") - 4, "EUR": D(6_000)}
    assert after.positions == {}, "a position in a pair is none"
    assert [(e.symbol, e.quantity, e.price, e.currency, e.commission, e.commission_currency) for e in after.executions] == [
        ("EUR.USD", D(10_000), D("1.09005"), "USD", D(2), ""),
        ("EUR.USD", D(-4_000), D("1.08995"), "USD", D(2), ""),
    ]
    assert {(o.symbol, o.side, o.state) for o in after.orders} == {
        ("EUR.USD", Side.BUY, OrderState.FILLED),
        ("EUR.USD", Side.SELL, OrderState.FILLED),
    }
    worth = after.cash["USD"] + after.cash["EUR"] * D("1.09")
    assert abs(after.net_liquidation - worth) < D("0.01")


def test_a_euro_account_pays_its_conversions_in_euros(talk):
    async def dialogue(broker):
        await deal(broker, "EUR.USD", 200_000, side=Side.SELL)
        await deal(broker, "AAPL", 100, "b2#1")
        return await broker.picture()

    picture = talk(dialogue, currency="EUR")
    fee = D("4.00")  # 0.2 basis points of 218,000 dollars are 4.36 of them, that is 4.00 euros
    assert picture.cash == {"EUR": 800_000 - fee, "USD": 200_000 * D("1.08995") - 100 * D("173.02") - 1}
    assert [(e.symbol, e.commission, e.commission_currency) for e in picture.executions] == [
        ("EUR.USD", fee, "EUR"),
        ("AAPL", D(1), ""),
    ]
    worth = picture.cash["EUR"] + (picture.cash["USD"] + 100 * 173) / D("1.09")
    assert abs(picture.net_liquidation - worth) < D("0.01")


def test_a_stock_is_paid_in_its_own_currency(talk):
    async def dialogue(broker):
        await deal(broker, "EUR.USD", 20_000)
        await deal(broker, "SAP", 100, "b2#1")
        return await broker.picture()

    picture = talk(dialogue)
    assert picture.cash["EUR"] == 20_000 - 100 * D("175.02") - 1 and picture.positions == {"SAP": D(100)}
    assert picture.executions[-1].currency == "EUR"


def test_a_limit_on_the_pair_s_tick(talk):
    async def dialogue(broker):
        with pytest.raises(Refused, match="tick"):
            await broker.place(await ticket(broker, "EUR.USD", 1000, kind="limit", limit="1.09007"))
        return await deal(broker, "EUR.USD", 1000, "b2#1", kind="limit", limit="1.09005")

    assert talk(dialogue)


def test_fills_in_slices_pay_one_commission_and_a_correction_moves_the_money(talk):
    async def dialogue(broker):
        await deal(broker, "EUR.USD", 1000)
        return await broker.picture()

    picture = talk(dialogue, slices=3)
    assert sum(e.commission for e in picture.executions) == 2 and sum(e.quantity for e in picture.executions) == 1000
    assert picture.cash == {"USD": 1_000_000 - D("1090.05") - 2, "EUR": D(1000)}


def test_a_correction_of_a_conversion_moves_the_money(talk):
    async def dialogue(broker):
        await deal(broker, "EUR.USD", 1000)
        return await broker.picture()

    picture = talk(dialogue, correct=1)
    assert picture.cash["USD"] == 1_000_000 - D("1090.10") - 2 and picture.executions[0].price == D("1.0901")


# ------------------------------------------------------------ short sales, loans
def test_a_short_sale_is_a_negative_position_with_its_proceeds(talk):
    async def dialogue(broker):
        await deal(broker, "SPY", 100, side=Side.SELL)
        short = await broker.picture()
        await deal(broker, "SPY", 100, "b2#1")
        return short, await broker.picture()

    short, flat = talk(dialogue)
    assert short.positions == {"SPY": D(-100)} and short.cash["USD"] == 1_000_000 + 100 * D("512.34") - 1
    assert flat.positions == {} and flat.cash["USD"] == short.cash["USD"] - 100 * D("512.46") - 1


@pytest.mark.parametrize(
    ("symbol", "quantity", "side", "good"),
    [
        ("SPY", 3900, Side.SELL, True),  # half of 1,998,360 is covered by a million
        ("SPY", 3910, Side.SELL, False),
        ("AAPL", 11_560, Side.BUY, True),  # half of 1,999,880
        ("AAPL", 11_570, Side.BUY, False),
        ("EUR.USD", 30_000_000, Side.BUY, True),  # three hundredths of 32,700,000
        ("EUR.USD", 31_000_000, Side.BUY, False),
    ],
)
def test_equity_must_carry_the_initial_margin(talk, symbol, quantity, side, good):
    async def dialogue(broker):
        over = await deal(broker, symbol, quantity, side=side)
        return over, (await broker.picture()).orders

    over, (order,) = talk(dialogue)
    assert over and order.state is (OrderState.FILLED if good else OrderState.REJECTED)
    assert good or "EQUITY WITH LOAN VALUE" in order.reason


def test_an_order_in_a_currency_without_a_rate_is_refused(talk, market):
    world = replace(market, prices={s: p for s, p in market.prices.items() if s != "EUR.USD"})

    async def dialogue(broker):
        await deal(broker, "SAP", 1)
        return (await broker.picture()).orders

    (order,) = talk(dialogue, world=world)
    assert order.state is OrderState.REJECTED and "No market price" in order.reason


# ------------------------------------------------------------ options
PUT = "SPY240621P00500000"


def test_an_option_is_quoted_bought_and_held_by_the_contract_of_a_hundred(talk):
    async def dialogue(broker):
        contract, quote = (await broker.contracts([PUT]))[PUT], (await broker.quotes([PUT]))[PUT]
        preview = await broker.what_if(await ticket(broker, PUT, 2))
        return contract, quote, preview, await deal(broker, PUT, 2), await broker.picture()

    contract, quote, preview, done, picture = talk(dialogue)
    assert (contract.currency, contract.exchange, contract.size_increment) == ("USD", "CBOE", D(1)) and done
    assert quote.bid < quote.last < quote.ask and quote.currency == "USD"
    (fill,) = picture.executions
    assert (fill.symbol, fill.quantity, fill.price) == (PUT, D(2), quote.ask)
    assert picture.positions == {PUT: D(2)} and picture.cash["USD"] == 1_000_000 - 200 * quote.ask - fill.commission
    assert abs(picture.net_liquidation - (picture.cash["USD"] + 200 * quote.last)) < D("0.01")
    assert preview.commission == fill.commission and preview.initial == 100 * quote.last


def test_an_option_of_nothing_or_of_the_past_is_unknown(talk):
    async def dialogue(broker):
        for name in ("NOPE240621P00500000", "SPY240313P00500000"):
            with pytest.raises(Refused, match=name):
                await broker.contracts([name])

    talk(dialogue)


def test_an_adjusted_option_is_not_taken_for_a_plain_one():
    """After a spin-off a contract may stand for other than a hundred shares: it is called what the broker calls it."""
    from types import SimpleNamespace

    terms = {"conId": 5, "symbol": "SPY", "secType": "OPT", "currency": "USD", "localSymbol": "SPY1  240621P00500000"}
    terms |= {"lastTradeDateOrContractMonth": "20240621", "strike": 500.0, "right": "P"}
    names = Symbols("USD")
    assert names.ours(SimpleNamespace(**terms, multiplier="100")) == PUT
    assert names.ours(SimpleNamespace(**terms, multiplier="10")).startswith("SPY1  240621P00500000:OPT")
    assert names.ours(SimpleNamespace(**(terms | {"currency": "EUR"}), multiplier="100")) != PUT


@given(strike=some.integers(100, 900), spot=some.integers(100, 900), days=some.integers(1, 700))
def test_a_put_and_a_call_differ_by_the_forward(strike, spot, days):
    """Put-call parity without a rate; and the price lies between its intrinsic value and its bound."""
    from datetime import UTC, date, datetime, timedelta

    from brokers.simulator.options import option_price
    from portfolio.types import OptionTerms

    now, expiry = datetime(2024, 3, 14, 20, tzinfo=UTC), date(2024, 3, 14) + timedelta(days=days)
    call, put = (option_price(OptionTerms("SPY", expiry, right, D(strike)), D(spot), now) for right in "CP")
    assert abs(call - put - (spot - strike)) < D("1e-8")
    assert max(spot - strike, 0) - D("1e-9") <= call <= spot and max(strike - spot, 0) - D("1e-9") <= put <= strike


# ------------------------------------------------------------ what if
def test_a_preview_tells_margins_equity_and_commission_and_sends_nothing(talk):
    async def dialogue(broker):
        first = await broker.what_if(await ticket(broker, "AAPL", 1000))
        pair = await broker.what_if(await ticket(broker, "EUR.USD", 100_000))
        return first, pair, await broker.picture(), await deal(broker, "AAPL", 1000)

    stock, pair, picture, done = talk(dialogue)
    assert (stock.initial, stock.maintenance, stock.equity) == (D("86500"), D("43250"), D("999995"))
    assert (stock.commission, stock.currency, stock.excess) == (D(5), "USD", D("956745"))
    assert (pair.initial, pair.commission) == (D("3270"), D("2.18"))
    assert (picture.orders, picture.executions, dict(picture.positions)) == ((), (), {}) and done


def test_a_first_answer_without_figures_is_waited_out(talk):
    async def dialogue(broker):
        return await broker.what_if(await ticket(broker, "AAPL", 1000))

    assert talk(dialogue, two_previews=True).initial == D("86500")


@pytest.mark.parametrize("fault", ["no_previews", "absurd_previews"])
def test_an_absurd_or_silent_preview_is_refused_and_the_line_lives(talk, monkeypatch, fault):
    monkeypatch.setattr("brokers.ib.previews.PATIENCE", 0.3)

    async def dialogue(broker):
        with pytest.raises(Refused, match="unanswered" if fault == "no_previews" else "no figures"):
            await broker.what_if(await ticket(broker, "AAPL", 1000))
        return await deal(broker, "AAPL", 10), (await broker.picture()).positions

    assert talk(dialogue, **{fault: True}) == (True, {"AAPL": D(10)})


def test_a_preview_of_what_the_broker_would_not_take_says_why(talk):
    async def dialogue(broker):
        with pytest.raises(Refused, match=r"201, .*INITIAL MARGIN"):
            await broker.what_if(await ticket(broker, "AAPL", 20_000))
        return (await broker.picture()).orders

    assert talk(dialogue) == ()


@pytest.mark.parametrize("told", ["1.7976931348623157E308", "1.7976931348623157e+308", "", "n/a", "NaN", "-Infinity", None])
def test_what_is_no_amount(told):
    assert states.money_of(told) is None


@pytest.mark.parametrize(("told", "amount"), [("86500.0", "86500"), ("-12.5", "-12.5"), ("0", "0")])
def test_what_is_one(told, amount):
    assert states.money_of(told) == D(amount)


# ------------------------------------------------------------ the gateway's own laws
def wish(number: int, action: str, symbol: str, quantity: int) -> OrderRequest:
    pair = currency_pair(symbol)
    name, kind = (pair[0], "CASH") if pair else (symbol, "STK")
    unit = pair[1] if pair else ("EUR" if symbol == "SAP" else "USD")
    contract = ContractRequest(0, name, kind, "SMART", "", unit)
    return OrderRequest(number, contract, action, D(quantity), "MKT", None, "DAY", "", f"r{number}#1", True, False, "", (), False)


DEALS = some.lists(
    some.tuples(
        some.sampled_from(["BUY", "SELL"]), some.sampled_from(["AAPL", "SAP", "EUR.USD", "USD.JPY"]), some.integers(1, 5000),
        some.booleans(),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(deals=DEALS, base=some.sampled_from(["USD", "EUR", "JPY"]))
def test_money_in_every_currency_is_the_sum_of_the_executions(market, deals, base):
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home) / "s.sqlite", "DU1", D("1000000.00"), base)
        exchange, money = Exchange(market, store), {base: D("1000000.00")}
        for number, (action, symbol, quantity, corrected) in enumerate(deals, start=1):
            order = exchange.store.accept(exchange.draft(wish(number, action, symbol, quantity), 1))
            fill, order = exchange.fill(order, D(quantity), exchange.price_for(order))
            last = exchange.correct(fill) if corrected else fill
            signed, pair = quantity if action == "BUY" else -quantity, currency_pair(symbol)
            unit = pair[1] if pair else ("EUR" if symbol == "SAP" else "USD")
            for currency, amount in [
                (unit, -signed * last.price),
                *([(pair[0], D(signed))] if pair else []),
                (base if pair else unit, -fill.commission),
            ]:
                money[currency] = money.get(currency, D(0)) + amount
        assert store.money == money
        before = (dict(store.money), dict(store.positions))
        store.close()
        again = Store(Path(home) / "s.sqlite", "DU1", D(1))
        assert (again.money, again.positions, again.currency) == (*before, base)
        again.close()


def test_an_account_keeps_its_currency(tmp_path):
    Store(tmp_path / "s.sqlite", "DU1", D(1), "EUR").close()
    with pytest.raises(Refused, match="kept in EUR"):
        Store(tmp_path / "s.sqlite", "DU1", D(1), "USD")


def test_a_file_from_before_there_were_several_currencies_is_read(tmp_path):
    import sqlite3

    Store(tmp_path / "s.sqlite", "DU1", D("12.50"), "USD").close()
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        db.execute("DROP TABLE money")
        db.execute("UPDATE word SET value = '77.25' WHERE name = 'cash'")
    db.close()
    store = Store(tmp_path / "s.sqlite", "DU1", D(1))
    assert store.money == {"USD": D("77.25")}
    store.close()


def test_every_pair_is_listed_one_way_round_and_survives_json(market):
    assert len(PAIRS) == len({frozenset(currency_pair(p)) for p in PAIRS}) == 21
    listings = tuple(map(pair_listing, PAIRS))
    assert len({one.contract_id for one in listings}) == 21
    world = replace(market, listings=listings, prices={"USD.CHF": D("0.9")}, bars={})
    assert from_json(to_json(world)) == world and isinstance(world, SimulatedMarket)
    assert world.quote(pair_listing("USD.CHF")).bid == D("0.89995") and world.quote(pair_listing("EUR.USD")) is None
    assert pair_listing("USD.JPY").min_tick == D("0.005")


def test_a_ticket_of_another_account_asks_nothing(talk):
    async def dialogue(broker):
        order = await ticket(broker, "EUR.USD", 1000)
        with pytest.raises(Broken):
            await broker.place(replace(order, account="DU2"))

    talk(dialogue)
