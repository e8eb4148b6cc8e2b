"""The one door where money has several currencies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from mind import D, down, up
from mind_views import CLOSE, NOW, OPEN, PAIR, SELL, contract, euros, intent, line, pair, plan, quotes, refusals, seen

from portfolio.orders import admit, admit_plan
from portfolio.types import Action, CostPolicy, MarginPolicy, OrderState, Quote, Side, TradingState


def test_a_sound_order_and_a_sound_conversion_pass_every_rule():
    for order in (line(), line(side=SELL), pair(), pair(side=Side.BUY)):
        assert {v.action for v in admit(order, euros())} == {Action.PASS}, order


# --- values in the base currency ------------------------------------------------------------------------------------


def test_limits_are_of_the_value_in_the_base_currency():
    """250 shares at 100 dollars are 20,000 euros: a fifth of the account."""
    order = line("250")
    for knob, rule in [("max_order_value", "order_value"), ("max_daily_notional", "daily_notional")]:
        for limit, refused in [(up(0.2), False), (0.2, False), (down(0.2), True)]:
            assert (rule in refusals(order, euros({knob: limit}, foreign={"USD": D(10**6)}))) is refused
    for limit, refused in [(up(20_000.0), False), (20_000.0, False), (down(20_000.0), True), (float("nan"), True)]:
        assert ("order_value" in refusals(order, euros({"max_order_value_absolute": limit}))) is refused
    for limit, refused in [(0.2, False), (down(0.2), True)]:
        (found,) = admit_plan(plan(order, pair("90000")), euros({"max_turnover": limit}))
        assert (found.action is Action.BLOCK) is refused, "money changed for a purchase is counted with the purchase"


def test_a_conversion_is_held_against_what_a_plan_may_turn_over():
    """20,000 euros are a fifth of the account."""
    for limit, refused in [(up(0.2), False), (0.2, False), (down(0.2), True), (float("nan"), True)]:
        at = euros({"max_turnover": limit, "max_order_value": 0.0, "max_daily_notional": 0.0})
        found = refusals(pair("20000"), at)
        assert ("order_value" in found) is refused and "daily_notional" not in found
    funding = euros({"funding_turnover": 0.2, "max_turnover": 0.0}, funding=True)
    assert "order_value" not in refusals(pair("20000"), funding)
    assert "order_value" in refusals(pair("20001"), funding)


@pytest.mark.parametrize("rates", [{}, {"USD": D("NaN")}, {"USD": D(0)}, {"USD": D(-1)}])
def test_without_a_fresh_rate_nothing_is_sent(rates):
    at = euros(rates=rates)
    for order in (line(), pair()):
        assert "fresh_rate" in refusals(order, at)
    at_home = euros(rates=rates, foreign={}, currencies={}, contracts={"AAPL": contract(currency="EUR")})
    at_home = replace(at_home, quotes={"AAPL": seen(currency="EUR")})
    assert "fresh_rate" not in refusals(line(currency="EUR"), at_home)


def test_an_earlier_order_in_a_currency_without_a_rate_leaves_the_day_unknown():
    pounds = replace(intent(), currency="GBP")
    assert "daily_notional" in refusals(line(), euros(sent=(pounds,)))


# --- cash -----------------------------------------------------------------------------------------------------------


def test_no_currency_is_overdrawn():
    assert "minimum_cash" not in refusals(line("99"), euros())  # 10,000 dollars are there
    assert "minimum_cash" in refusals(line("100"), euros()), "euros pay no dollar shares before they are changed"
    assert "minimum_cash" not in refusals(pair("79997"), euros())
    assert "minimum_cash" in refusals(pair("79998"), euros()), "its commission is at least 2.50 euros"
    assert "minimum_cash" not in refusals(pair("7999", Side.BUY), euros())  # at 1.25005
    assert "minimum_cash" in refusals(pair("8000", Side.BUY), euros())
    assert "minimum_cash" not in refusals(line("100", SELL), euros(cash=D(-5), foreign={}))


def test_all_cash_together_keeps_its_floor_and_a_conversion_only_moves_it():
    """80,000 euros and 10,000 dollars; after 5,000.50 dollars of shares and 1 of commission 83,998.80 euros' worth."""
    for floor, refused in [(down(0.839988), False), (0.839988, False), (up(0.839988), True), (float("nan"), True)]:
        assert ("minimum_cash" in refusals(line("50"), euros({"minimum_cash_after": floor}))) is refused
    assert "minimum_cash" not in refusals(pair("79997"), euros({"minimum_cash_after": 0.99}))


def test_a_purchase_counts_at_the_dearer_of_plan_and_quote():
    """The market rose by 2 % since the plan: 98 of them are no longer paid by 9,900 dollars."""
    risen = quotes(AAPL=seen("101.99", "102.01"))
    money = {"foreign": {"USD": D(9_900)}}
    assert "minimum_cash" not in refusals(line("98"), euros(**money))
    assert "minimum_cash" in refusals(line("98"), euros(**money, quotes=risen))
    assert "minimum_cash" in refusals(line("98", price="102"), euros(**money)), "nor at what was planned"
    assert "minimum_cash" not in refusals(line("97"), euros(**money, quotes=risen))
    for cash, refused in [("9997.97", True), ("9997.98", False)]:  # 98 x 102.01 + 1
        assert ("minimum_cash" in refusals(line("98"), euros(foreign={"USD": D(cash)}, quotes=risen))) is refused


def test_the_fee_of_a_conversion_is_paid_in_the_base_currency():
    assert euros().outlay(pair("1000"), D(1000)) == {"EUR": D("1002.50")}
    assert euros().outlay(pair("1000", Side.BUY), D(1000)) == {"USD": D("1250.05")}, "it comes out of the euros that come in"
    assert euros().outlay(pair("1000000"), D(1_000_000)) == {"EUR": D(1_000_020)}, "0.2 basis points"
    assert euros(costs=CostPolicy("none")).outlay(pair("1000"), D(1000)) == {"EUR": D(1000)}
    yen = line("1000", SELL, "150", "USD.JPY", "JPY")
    assert euros(base_currency="JPY", rates={"USD": D(150)}).outlay(yen, D(1000)) == {"USD": D(1000)}
    assert euros().outlay(line("10", SELL), D(10)) == {}


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity"])
def test_money_that_is_no_number_buys_nothing(bad):
    assert "minimum_cash" in refusals(line("1"), euros(foreign={"USD": D(bad)}))
    assert "minimum_cash" in refusals(pair("1"), euros(cash=D(bad)))


@given(
    money=some.tuples(some.integers(0, 10**5), some.integers(0, 10**5)),
    orders=some.lists(some.tuples(some.sampled_from(["AAPL", PAIR]), some.sampled_from(Side), some.integers(1, 500)), max_size=6),
)
def test_whatever_is_admitted_and_spent_leaves_no_currency_below_zero(money, orders):
    """In their order, each booked as spent and nothing as gained: the door's own reckoning."""
    at = euros(cash=D(money[0]), foreign={"USD": D(money[1])})
    for symbol, side, quantity in orders:
        order = line(str(quantity), side, price="1.25" if symbol == PAIR else "100", symbol=symbol)
        if "minimum_cash" not in refusals(order, at):
            paid = order.quantity * at.quotes[symbol].ask if side is Side.BUY else order.quantity if symbol == PAIR else D(0)
            takes = at.outlay(order, order.quantity)
            assert takes.get("EUR" if symbol == PAIR and side is SELL else "USD", D(0)) >= paid, "never less than the far side"
            at = at.spent(takes)
    assert at.cash >= 0 and at.foreign["USD"] >= 0


# --- what may be dealt ----------------------------------------------------------------------------------------------


def test_contract_quote_and_line_are_in_the_currency_that_the_policy_says():
    assert "allowed_symbol" in refusals(line(currency="EUR"), euros())
    assert "allowed_symbol" in refusals(line(), euros(contracts={"AAPL": contract(currency="EUR")}))
    assert "allowed_symbol" in refusals(line(), euros(currencies={}))
    assert "fresh_quote" in refusals(line(), euros(quotes=quotes(AAPL=seen(currency="EUR"))))
    assert "fresh_quote" in refusals(line(), euros(quotes=quotes(AAPL=seen(currency="GBX"))))


def test_money_is_changed_between_currencies_of_the_policy_or_brought_home():
    pounds = {"EUR.GBP": contract(symbol="EUR.GBP", currency="GBP")}
    there = {"EUR.GBP": Quote("EUR.GBP", D("0.85"), D("0.86"), None, "GBP", NOW)}
    terms = {"contracts": pounds, "quotes": there, "rates": {"USD": D("0.8"), "GBP": D("1.17")}}

    def refused(side, **more):
        order = line("100", side, "0.855", "EUR.GBP", "GBP")
        return "allowed_symbol" in refusals(order, euros(**terms, **more))

    assert refused(SELL), "nobody needs pounds"
    assert refused(Side.BUY), "there are none"
    assert not refused(Side.BUY, foreign={"GBP": D(500)}), "a stray deposit is brought home"
    assert not refused(SELL, currencies={"AAPL": "USD", "SAP": "GBP"})


def test_fresh_quotes_bind_pairs_too():
    assert "fresh_quote" in refusals(pair(), euros(quotes={"AAPL": seen()}))
    old = Quote(PAIR, D("1.24995"), D("1.25005"), None, "USD", NOW.replace(hour=10))
    assert "fresh_quote" in refusals(pair(), euros(quotes=quotes(**{PAIR: old})))
    assert "price_distance" in refusals(pair(price="1.50"), euros())
    assert "session_open" in refusals(pair(), euros(now=CLOSE))
    assert "session_open" in refusals(pair(), euros(now=OPEN.replace(hour=1)))


def test_a_reducing_account_changes_money_home_or_pays_back():
    reducing = {"state": TradingState.REDUCING}
    assert "trading_state" not in refusals(pair(side=Side.BUY), euros(**reducing))
    assert "trading_state" in refusals(pair(), euros(**reducing))
    assert "trading_state" in refusals(pair(), euros(state=TradingState.HALTED))


def test_a_reducing_account_pays_back_no_more_than_the_loan_with_no_more_than_it_has():
    def refused(quantity, side=SELL, cash=80_000, owed="-10000", **more):
        at = euros(state=TradingState.REDUCING, foreign={"USD": D(owed)}, cash=D(cash), margin=MarginPolicy(), **more)
        return "trading_state" in refusals(pair(str(quantity), side), at)

    assert not refused(8000) and not refused(1), "10,000 dollars are 8,000 euros"
    assert not refused(8080) and refused(8081), "one in a hundred for moving prices, and one whole unit"
    assert refused(40_000, owed="-1") and not refused(1, owed="-1")
    assert refused(1, owed="0") and refused(1, owed="5")
    assert not refused(7997, cash=8000) and refused(7998, cash=8000), "not for a loan in euros, its fee of 2.50 included"
    assert refused(20_000, Side.BUY, owed="0", loans={"USD": D(-25_000)}), "no new loan in dollars"
    assert not refused(7999, Side.BUY, owed="10000") and refused(8000, Side.BUY, owed="10000"), "what is there comes home"
    assert refused(1, owed="NaN") and refused(1, cash="NaN")
    working = intent(side=SELL, quantity="8000", price="1.25", symbol=PAIR, state=OrderState.ACKED)
    assert refused(8000, sent=(working,)), "it is being paid back already"


def test_a_reducing_account_changes_money_for_what_it_buys_back():
    """Ten short at 100.01 dollars: 1,000.10 of them are lacking, 800.08 euros."""

    def refused(quantity, dollars=0, **more):
        terms = {"positions": {"AAPL": D(-10)}, **more}
        at = euros(state=TradingState.REDUCING, foreign={"USD": D(dollars)}, **terms)
        return "trading_state" in refusals(pair(str(quantity)), at)

    assert not refused(802) and refused(900)
    assert refused(802, 1001) and not refused(402, 500), "what is there is not changed again"
    assert refused(1, positions={"AAPL": D(10)})
    assert refused(1, quotes=quotes(AAPL=seen(None, None))), "nobody knows what it costs"
    working = intent(side=Side.BUY, quantity="10", state=OrderState.ACKED)
    assert refused(1, sent=(working,), dollars=1), "it is being bought back already"
    assert refused(1, positions={"AAPL": D("NaN")})
