"""The one door before figures that are none: whatever they are, it answers, and lets no nonsense through."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import D
from mind_views import BOTH, RULES, SELL, line, plan, refusals, seen, view

from portfolio.orders import admit, admit_plan
from portfolio.policy.gates import PROFILES
from portfolio.types import Action, Side


@pytest.mark.parametrize("price", ["NaN", "sNaN", "Infinity", "1E+999999", "-1E+999999"])
@pytest.mark.parametrize("quantity", ["10", "Infinity", "1E+999999"])
def test_a_plan_with_an_absurd_figure_is_refused_by_every_door(price, quantity):
    order = line(quantity, price=price)
    assert admit_plan(plan(order), view())[0].action is Action.BLOCK
    assert refusals(order, view()) and refusals(replace(order, quantity=D(0)), view())


def test_a_negative_price_hides_no_turnover():
    hidden = plan(line("900"), line("900", price="-100", ref="c" * 16))
    assert admit_plan(hidden, view(knobs={"max_turnover": 1.0}))[0].action is Action.BLOCK


@BOTH
@pytest.mark.parametrize("quantity", ["0", "-10", "10.5", "NaN", "Infinity", "-Infinity"])
def test_a_quantity_the_broker_does_not_take_is_refused(profile, quantity):
    for side in Side:
        assert "allowed_symbol" in refusals(line(quantity, side), view(profile))


@BOTH
@pytest.mark.parametrize("price", ["0", "-100", "NaN", "Infinity", "1e999", "1e12", "0.01"])
def test_a_price_far_from_the_quote_is_refused(profile, price):
    assert "price_distance" in refusals(line(price=price), view(profile, {"max_price_distance": 0.5}))
    if price in {"0", "-100", "NaN"}:
        assert "price_distance" in refusals(line(price=price), view(profile, {"max_price_distance": 1.0}))


@BOTH
@pytest.mark.parametrize("name", ["nav", "cash"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_an_account_that_is_no_number_trades_nothing(profile, name, value):
    assert "minimum_cash" in refusals(line(), view(profile, **{name: D(value)}))


@BOTH
@pytest.mark.parametrize("nav", ["0", "-1", "NaN"])
def test_without_net_asset_value_there_is_no_room(profile, nav):
    assert {"order_value", "daily_notional", "minimum_cash"} <= refusals(line(), view(profile, nav=D(nav)))


NUMBER = some.one_of(
    some.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6, places=2),
    some.sampled_from([D("NaN"), D("Infinity"), D("-Infinity"), D(0), D("1e999")]),
)
PROMISE = some.sampled_from(list(PROFILES))


@given(
    profile=PROMISE,
    nav=NUMBER,
    cash=NUMBER,
    held=NUMBER,
    quantity=NUMBER,
    price=NUMBER,
    bid=NUMBER,
    ask=NUMBER,
    side=some.sampled_from(Side),
)
@settings(max_examples=300, deadline=None)
def test_whatever_the_figures_are_the_door_answers_and_never_lets_nonsense_through(
    profile, nav, cash, held, quantity, price, bid, ask, side
):
    """No figure makes it raise; what passes keeps its limits by arithmetic done here."""
    quote = replace(seen(), bid=bid, ask=ask)
    order = replace(line(side=side), quantity=quantity, price=price)
    at = view(profile, nav=nav, cash=cash, positions={"AAPL": held}, quotes={"AAPL": quote})
    assert {v.rule for v in admit(order, at)} == RULES
    if refusals(order, at):
        return
    assert all(x.is_finite() for x in (nav, cash, held, quantity, price, bid, ask))
    assert min(nav, quantity, price) > 0
    assert 0 < bid <= ask
    gate, value = PROFILES[profile], quantity * price
    assert value <= Decimal(repr(gate.max_order_value)) * nav * (1 + D("1e-12"))
    if side is SELL:
        assert quantity <= held
    else:
        assert cash - value >= Decimal(repr(gate.minimum_cash_after)) * nav * (1 - D("1e-12"))
