"""Plans over several currencies: what is converted, and that no balance ever falls below what shall be left in it."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import AS_OF, D

from portfolio.errors import Refused
from portfolio.orders import Sizing, plan_orders
from portfolio.orders.costs import IB_CURRENCIES, IB_FIXED
from portfolio.orders.planning import NO_REASON
from portfolio.types import Account, Quote, Rate, Side, currency_pair

AT_HOME, AWAY, FAR = ("AAA", "BBB"), ("CCC", "DDD"), ("EEE",)  # EUR, USD, JPY
CURRENCY = dict.fromkeys(AWAY, "USD") | dict.fromkeys(FAR, "JPY")
SYMBOLS = (*AT_HOME, *AWAY, *FAR)
EUR_USD, EUR_JPY = D("1.0625"), D("141.20")


def two_sided(symbol: str, mid: Decimal, half: Decimal, currency: str) -> Quote:
    return Quote(symbol, mid - half, mid + half, None, currency, AS_OF)


def sizing(positions, cash, foreign=None, *, prices=None, half="0.01", **more) -> Sizing:
    prices = prices or {"AAA": "50", "BBB": "20", "CCC": "100", "DDD": "35", "EEE": "9000"}
    quotes = {s: two_sided(s, D(p), D(half), CURRENCY.get(s, "EUR")) for s, p in prices.items()}
    quotes |= {"EUR.USD": two_sided("EUR.USD", EUR_USD, D("0.0001"), "USD")}
    quotes |= {"EUR.JPY": two_sided("EUR.JPY", EUR_JPY, D("0.01"), "JPY")}
    fields = {
        "decision": "d" * 16,
        "account_name": "DU1",
        "session": date(2022, 12, 28),
        "account": Account(
            {s: D(q) for s, q in positions.items()}, D(cash), "EUR", {c: D(a) for c, a in (foreign or {}).items()}
        ),
        "quotes": quotes,
        "instruments": {s: f"X:{s}" for s in SYMBOLS},
        "increments": {},
        "reserve": 0.01,
        "minimum_trade": 0.0,
        "rates": {"USD": Rate("USD", 1 / EUR_USD, AS_OF, "test"), "JPY": Rate("JPY", 1 / EUR_JPY, AS_OF, "test")},
        "currencies": CURRENCY,
    }
    return Sizing(**{**fields, **more})


def planned(wish, size, keep=frozenset()):
    return plan_orders(wish, frozenset(keep), NO_REASON, size)


def balances(lines, size: Sizing) -> dict[str, Decimal]:
    """Every line filled at the far side, in order; the lowest that each balance was at a line's end once its side was over."""
    left = {"EUR": size.account.cash, "USD": D(0), "JPY": D(0), **size.account.foreign}
    for line in lines:
        quote = size.quotes[line.symbol]
        far = quote.ask if line.side is Side.BUY else quote.bid
        pair = currency_pair(line.symbol)
        if pair:
            first, second = pair
            left[first] += line.signed
            left[second] -= line.signed * far
            value = line.quantity * (size.rates[first].value if first != "EUR" else 1)
            left["EUR"] -= IB_CURRENCIES.of(line.quantity, value / line.quantity)
        else:
            left[line.currency] -= line.signed * far + IB_FIXED.of(line.quantity, far)
    return left


def worth(left, size: Sizing) -> Decimal:
    return left["EUR"] + sum(left[c] * size.rates[c].value for c in ("USD", "JPY"))


@some.composite
def worlds(draw):
    positions = {s: draw(some.integers(0, 200)) for s in SYMBOLS}
    positions["EEE"] = draw(some.integers(0, 5))
    foreign = {"USD": draw(some.integers(0, 20_000)), "JPY": draw(some.integers(0, 500_000))}
    raw = [draw(some.integers(0, 100)) for _ in SYMBOLS]
    total = max(sum(raw), 1) / draw(some.floats(0.2, 1.0))
    wish = {s: w / total * 0.99 for s, w in zip(SYMBOLS, raw, strict=True)}
    more = {"minimum_trade": draw(some.sampled_from([0.0, 500.0])), "half": draw(some.sampled_from(["0", "0.01", "0.1"]))}
    return wish, sizing(positions, draw(some.integers(5_000, 200_000)), foreign, **more)


@given(world=worlds())
@settings(max_examples=200, deadline=None)
def test_no_balance_is_ever_negative_and_the_reserve_is_kept(world):
    wish, size = world
    lines = planned(wish, size)
    left = balances(lines, size)
    prices = {s: size.price(s) * size.rate(size.currency(s)) for s in SYMBOLS}
    equity = size.account.equity(prices, {c: r.value for c, r in size.rates.items()})
    assert all(amount >= 0 for amount in left.values()), left
    bought = [x for x in lines if x.side is Side.BUY and not currency_pair(x.symbol)]
    assert not bought or worth(left, size) >= equity * D("0.01")


@given(world=worlds())
@settings(max_examples=100, deadline=None)
def test_sells_come_first_then_conversions_then_buys(world):
    wish, size = world
    stages = [1 if currency_pair(x.symbol) else (0 if x.side is Side.SELL else 2) for x in planned(wish, size)]
    assert stages == sorted(stages)


@given(world=worlds())
@settings(max_examples=100, deadline=None)
def test_a_line_is_worth_its_value_at_the_dated_rate(world):
    wish, size = world
    for line in planned(wish, size):
        assert line.value == line.quantity * line.price * line.rate
        assert line.rate == (1 if line.currency == "EUR" else size.rates[line.currency].value)
        assert sum(line.parts.values()) == line.signed
        assert line.cost >= 0


def test_dollars_are_bought_for_dollar_shares():
    """100,000 EUR; half of it in CCC at 100 USD: 531 shares cost 53,105.31 + 2.66 USD; so many dollars are bought, and three
    thousandths more, so that a price that moves meanwhile leaves no balance below zero.
    """
    conversion, buy = planned({"CCC": 0.5}, sizing({}, "100000"))
    assert (buy.symbol, buy.signed, buy.currency) == ("CCC", 531, "USD")
    needed = (531 * D("100.01") + IB_FIXED.of(D(531), D("100.01"))) * D("1.003")
    assert (conversion.symbol, conversion.side) == ("EUR.USD", Side.SELL)
    assert conversion.quantity == math.ceil((needed + D("0.01")) / D("1.0624"))  # whole euros, at the bid
    assert conversion.price == EUR_USD
    assert f"{needed:,.2f} USD" in conversion.reason


def test_dollars_that_are_there_are_spent_first():
    lines = planned({"CCC": 0.5}, sizing({}, "40000", {"USD": "60000"}))
    assert [line.symbol for line in lines] == ["CCC"]


def test_euros_come_from_dollars_where_they_are_lacking():
    conversion, buy = planned({"AAA": 0.9}, sizing({}, "10000", {"USD": "95625"}))
    assert (conversion.symbol, conversion.side, buy.symbol) == ("EUR.USD", Side.BUY, "AAA")
    assert balances([conversion, buy], sizing({}, "10000", {"USD": "95625"}))["EUR"] >= 0


def test_the_proceeds_of_a_sale_pay_in_their_own_currency():
    lines = planned({"CCC": 0.0, "DDD": 0.45}, sizing({"CCC": "500"}, "50000"))
    assert [(x.symbol, x.side) for x in lines] == [("CCC", Side.SELL), ("DDD", Side.BUY)]


def test_a_debt_in_dollars_is_paid_back():
    conversion, *_ = planned({"AAA": 0.2}, sizing({}, "50000", {"USD": "-1000"}))
    assert (conversion.symbol, conversion.side) == ("EUR.USD", Side.SELL)
    assert conversion.quantity * D("1.0624") >= 1000


def test_a_hedged_currency_is_owed():
    """What is held in dollars is owed in dollars, and the euros stay at home."""
    size = sizing({"CCC": "500"}, "50000", {"USD": "0"}, balances={"USD": D("-53000")}, reserve=-0.5)
    (conversion,) = planned({"CCC": 50000 / EUR_USD / (50000 + 50000 / EUR_USD)}, size)
    assert (conversion.symbol, conversion.side) == ("EUR.USD", Side.BUY)
    left = balances([conversion], size)
    assert -53_000 <= left["USD"] <= -53_000 + D("1.1")


@pytest.mark.parametrize("value", [None, "NaN", "0", "-1", "Infinity"])
def test_without_a_rate_nothing_is_planned(value):
    size = sizing({"CCC": "10"}, "1000")
    rates = {} if value is None else {"USD": Rate("USD", D(value), AS_OF, "test")}
    with pytest.raises(Refused, match="rate of USD"):
        planned({"AAA": 0.5}, replace(size, rates=rates))


def test_a_quote_in_another_currency_is_refused():
    """Pence for pounds, dollars for euros: the symbol's currency is the policy's."""
    size = sizing({}, "1000")
    wrong = replace(size.quotes["CCC"], currency="EUR")
    with pytest.raises(Refused, match="CCC in USD"):
        planned({"CCC": 0.5}, replace(size, quotes={**size.quotes, "CCC": wrong}))


def test_a_pair_without_a_quote_is_dealt_at_its_rate():
    size = sizing({}, "100000")
    quotes = {s: q for s, q in size.quotes.items() if s != "EUR.USD"}
    conversion, buy = planned({"CCC": 0.5}, replace(size, quotes=quotes))
    assert conversion.price == pytest.approx(EUR_USD)
    assert buy.signed == 531


def test_dust_in_three_currencies_leaves_no_balance_below_zero():
    size = sizing({}, "1000", {"JPY": "100000"}, prices={"AAA": "0.05", "CCC": "0.05"}, half="0", reserve=0.0)
    assert all(amount >= 0 for amount in balances(planned({"AAA": 0.7, "CCC": 0.3}, size), size).values())


@pytest.mark.parametrize("dollars", ["0.40", "0.99", "5.40"])
def test_dust_beside_an_overdraft_is_no_conversion_of_nothing(dollars):
    """Fifty euros are owed, and the dollars that are there are less than one unit of the pair."""
    size = sizing({"AAA": "190"}, "-50", {"USD": dollars}, reserve=0.0)
    lines = planned({"AAA": 0.9}, size)
    assert all(line.quantity > 0 for line in lines)
    assert [line.side for line in lines if line.symbol == "AAA"] == [Side.SELL]


@pytest.mark.parametrize("off", ["0.0000001", "-0.0000001", "0.004"])
def test_the_last_bits_of_a_loan_are_no_conversion(off):
    size = sizing({"CCC": "100"}, "10000", {"USD": "-5000"}, balances={"USD": D(-5000) + D(off)}, reserve=0.0)
    assert planned({"CCC": 0.5}, size, keep={"CCC"}) == ()


# --- what is at work already ------------------------------------------------------------------------------------------


def test_a_target_is_net_of_what_is_at_work():
    """A market order of 100 that is half filled: 50 are held, 50 are at work, and none is bought again."""
    wish = {"AAA": 0.5}
    whole = planned(wish, sizing({}, "10000"))
    assert [line.signed for line in whole] == [100]
    rest = sizing({"AAA": "50"}, "7499.50", pending={"AAA": D(50)})
    assert planned(wish, rest) == ()


def test_the_money_of_a_buy_at_work_is_spent():
    busy = sizing({}, "10000", pending={"BBB": D(400)})
    (line,) = planned({"AAA": 0.9, "BBB": 0.8}, busy)
    assert line.symbol == "AAA"
    assert line.signed * D("50.01") <= 10_000 - 400 * D("20.01") - 100


def test_a_sale_at_work_is_not_sold_twice():
    assert planned({"AAA": 0.0}, sizing({"AAA": "100"}, "1000", pending={"AAA": D(-100)})) == ()
