"""What a currency does in a scenario: on top of what prices do in it, whoever holds them."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from mind import AS_OF, policy, walk

from portfolio.errors import WrongUse
from portfolio.market import Market
from portfolio.risk import Situation
from portfolio.risk.stress import Scenario, stresses
from portfolio.risk.stress.episodes import EPISODES
from portfolio.risk.stress.scenarios import Shock
from portfolio.risk.stress.shocks import by_hand
from portfolio.types import Quote, StressPolicy, TradingState

NAMES = ("HOME", "ABROAD")
DAYS = np.busday_offset("2022-12-27", np.arange(-800, 1), roll="backward").astype("datetime64[D]")
SESSION = date(2022, 12, 28)
EPISODE = "2022"  # both of its days are sessions here
NOT_THERE = "2008"  # none of its days is


def there(*, classes=None, rates=True, fills=True, quotes=None, falls=1.0):
    """An account in euros; ABROAD is quoted in dollars, and its closes are in euros already. fills: whether it was there in 2022;
    falls: what is left of its price at the end.
    """
    closes = walk(2, len(DAYS), seed=3) * np.linspace([1.0, 1.0], [1.0, falls], len(DAYS))
    if not fills:
        closes[: len(DAYS) - 100, 1] = np.nan
    dollar = np.linspace(0.8, 1.0, len(DAYS))
    market = Market(
        AS_OF, SESSION, 1, NAMES, DAYS, closes, np.full(len(DAYS), np.nan), {}, rates={"USD": dollar} if rates else {}
    )
    rules = replace(
        policy(risk={"stress": StressPolicy({})}),
        symbols=NAMES,
        base_currency="EUR",
        currencies={"ABROAD": "USD"},
        classes=classes or {},
    )
    return Situation(rules, market, TradingState.ACTIVE, (), Decimal(100_000), quotes=quotes or {})


def one(shocks, weights, situation):
    (found,) = stresses({}, weights, situation, [Scenario("mine", "hand", tuple(shocks), "mine")])
    return found


def dollar_in(name):
    rates = np.linspace(0.8, 1.0, len(DAYS))
    first, last = (int(np.flatnonzero(np.datetime64(day) == DAYS)[0]) for day in (EPISODES[name].start, EPISODES[name].trough))
    return rates[last] / rates[first] - 1


def test_a_currency_that_falls_takes_its_assets_and_its_money_along_and_nobody_else():
    found = one([Shock("currency", -0.1, "USD")], {"HOME": 0.5, "ABROAD": 0.3, "USD": 0.05}, there())
    assert found.after == pytest.approx(0.1 * 0.35, abs=1e-15)
    assert set(found.parts) == {"ABROAD", "USD"}


def test_a_loan_in_a_currency_gains_when_it_falls():
    assert one([Shock("currency", -0.1, "USD")], {"ABROAD": 0.3, "USD": -0.3}, there()).after == pytest.approx(0.0, abs=1e-15)


@given(price=some.floats(-1.0, 2.0), money=some.floats(-1.0, 2.0), weight=some.floats(-1.0, 1.0))
def test_it_compounds_with_what_the_price_does_in_it_in_whatever_order_they_are_told(price, money, weight):
    shocks = [Shock("currency", money, "USD"), Shock("symbol", price, "ABROAD")]
    told = {one(order, {"ABROAD": weight}, there()).after for order in (shocks, shocks[::-1])}
    assert len(told) == 1
    assert told.pop() == pytest.approx(-weight * ((1 + price) * (1 + money) - 1), abs=1e-12)


def test_an_option_abroad_is_worth_less_money_while_what_it_is_on_has_not_moved():
    put = "ABROAD230120P00010000"
    closes = float(there().market.closes[-1, 1])
    quotes = {put: Quote(put, Decimal("0.50"), Decimal("0.52"), None, "USD", AS_OF)}
    quotes["ABROAD"] = Quote("ABROAD", Decimal("9.90"), Decimal("9.92"), None, "USD", AS_OF)
    assert closes > 0
    found = one([Shock("currency", -0.1, "USD")], {put: 0.02}, there(quotes=quotes))
    assert "revalued" in found.proxied[put]
    assert found.after == pytest.approx(0.02 * 0.1, abs=1e-12)


# --- proxies in an episode -----------------------------------------------------------------------------------------
GOLD = {"asset_class": {"ABROAD": "gold", "HOME": "gold"}}


def test_a_class_that_stands_in_for_a_foreign_asset_brings_its_currency_along():
    found = one([Shock("episode", 0.0, EPISODE)], {"ABROAD": 1.0}, there(classes=GOLD, fills=False))
    assert found.after == pytest.approx(1 - (1 - 0.073) * (1 + dollar_in(EPISODE)), abs=1e-12)  # gold then, by its fund: -7.3 %
    assert found.proxied["ABROAD"] == f"its asset class, gold: -7.3%, USD {dollar_in(EPISODE):+.1%}"


def test_the_index_that_stands_in_for_a_foreign_asset_brings_its_currency_along():
    found = one([Shock("episode", 0.0, EPISODE)], {"ABROAD": 1.0}, there(fills=False))
    assert found.after == pytest.approx(1 - (1 - 0.254) * (1 + dollar_in(EPISODE)), abs=1e-12)


@pytest.mark.parametrize("situation", [there(classes=GOLD, rates=False, fills=False), there(classes=GOLD)], ids=["2022", "2008"])
def test_where_nobody_knows_the_rate_of_those_days_the_proxy_says_what_it_leaves_out(situation):
    name = EPISODE if not situation.market.rates else NOT_THERE
    found = one([Shock("episode", 0.0, name)], {"ABROAD": 0.6, "HOME": 0.4}, situation)
    assert found.proxied["ABROAD"].endswith("without what USD did")
    assert "without" not in found.proxied.get("HOME", "")


def test_own_prices_are_at_the_rates_of_their_days_already():
    situation = there()
    closes = situation.market.closes[:, 1]
    first, last = (
        int(np.flatnonzero(np.datetime64(day) == DAYS)[0]) for day in (EPISODES[EPISODE].start, EPISODES[EPISODE].trough)
    )
    assert one([Shock("episode", 0.0, EPISODE)], {"ABROAD": 1.0}, situation).after == pytest.approx(
        1 - closes[last] / closes[first], abs=1e-12
    )


def test_a_put_abroad_is_revalued_by_the_price_of_its_share_and_then_by_the_money_it_is_in():
    """The share rises a little in euros only because the dollar rose; in dollars it fell, and the put gains."""
    put = "ABROAD230120P00010000"
    quotes = {put: Quote(put, Decimal("0.50"), Decimal("0.52"), None, "USD", AS_OF)}
    quotes["ABROAD"] = Quote("ABROAD", Decimal("9.90"), Decimal("9.92"), None, "USD", AS_OF)
    situation = there(quotes=quotes)
    closes, dollar = situation.market.closes[:, 1], situation.market.rates["USD"]
    first, last = (
        int(np.flatnonzero(np.datetime64(day) == DAYS)[0]) for day in (EPISODES[EPISODE].start, EPISODES[EPISODE].trough)
    )
    local = (closes[last] / dollar[last]) / (closes[first] / dollar[first]) - 1
    alone = one([Shock("symbol", local, "ABROAD")], {put: 0.02}, situation).after
    found = one([Shock("episode", 0.0, EPISODE)], {put: 0.02}, situation).after
    assert 1 - found / 0.02 == pytest.approx((1 - alone / 0.02) * (1 + dollar_in(EPISODE)), rel=1e-9)


def test_rising_yields_ask_what_the_price_did_in_2022_and_not_what_its_currency_did():
    """Without an asset class the worse of beta and own 2022 counts: the fund fell in dollars, whatever those were worth in euros."""
    situation = there(falls=0.1)
    closes, dollar = situation.market.closes[:, 1], situation.market.rates["USD"]
    first, last = (
        int(np.flatnonzero(np.datetime64(day) == DAYS)[0]) for day in (EPISODES["2022"].start, EPISODES["2022"].trough)
    )
    local = (closes[last] / dollar[last]) / (closes[first] / dollar[first]) - 1
    a_point = -0.254 / (3.91 - 1.63)  # what equities did a point of yield
    expected = local * 2 * a_point / -0.254
    assert expected < 2 * a_point, "worse than a beta of one, which stands in without a benchmark"
    assert one([Shock("rates", 0.02)], {"ABROAD": 1.0}, situation).after == pytest.approx(-expected, abs=1e-12)


# --- by hand -------------------------------------------------------------------------------------------------------
def test_a_currency_of_the_policy_can_be_shocked_by_hand_and_its_own_or_another_is_refused():
    rules = there().policy
    (made,) = by_hand(["currency.USD=-0.1"], rules)
    assert made.shocks == (Shock("currency", -0.1, "USD"),)
    assert by_hand(["currency.JPY=-0.1"], rules), "of money that lies about in the account too"
    with pytest.raises(WrongUse, match="moves nothing that is known") as told:
        by_hand(["currency.XXX=-0.1"], rules)
    assert "currency.USD" in told.value.way_out
    with pytest.raises(WrongUse, match="moves the account's own currency"):
        by_hand(["currency.EUR=-0.1"], rules)
