"""Why this trade: the parts of each line say what moved it, and add up to its quantity."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import D, book, market, policy, priced, quote

from portfolio.decide import Before, decide
from portfolio.orders.parts import Steps, why_traded
from portfolio.reports.plan import WORDS
from portfolio.types import Side

SYMBOLS = ("SPY", "IEF", "GLD")
FREE = policy(risk={"value_at_risk": None, "conditional_value_at_risk": None}, execution={"minimum_trade": 0.0})
WEIGHTS = some.dictionaries(some.sampled_from(SYMBOLS), some.floats(0, 1), max_size=3)


def decided(held, cash, before=None, asked=FREE, **more):
    mine = book(held, cash, before=before, **more)
    return decide(asked, priced(market(), mine), mine, code_version="test")


def lines(found) -> dict:
    return {line.symbol: line for line in found.plan.lines} if found.plan else {}


def parts(found) -> dict:
    return {s: {cause: float(q) for cause, q in line.parts.items()} for s, line in lines(found).items()}


@given(
    held=some.fixed_dictionaries({s: some.integers(0, 2000) for s in SYMBOLS}),
    cash=some.integers(1_000, 200_000),
    before=some.none() | WEIGHTS,
    flow=some.floats(-0.5, 0.5),
)
@settings(max_examples=80, deadline=None)
def test_the_parts_add_up_to_the_quantity(held, cash, before, flow):
    remembered = None if before is None else Before(date(2022, 12, 1), before, {}, D(repr(round(flow * cash, 2))))
    for line in lines(decided(held, str(cash), remembered)).values():
        assert sum(line.parts.values()) == line.signed
        assert set(line.parts) <= set(WORDS)
        assert abs(line.parts.get("rounding", 0)) < 3 or line.parts.get("rounding", 0) * line.signed < 0


@given(
    held=WEIGHTS,
    before=some.none() | WEIGHTS,
    asked=WEIGHTS,
    judged=WEIGHTS,
    traded=WEIGHTS,
    hedges=WEIGHTS,
    flow=some.floats(-2, 2),
)
@settings(max_examples=100, deadline=None)
def test_the_steps_add_up_to_the_way(held, before, asked, judged, traded, hedges, flow):
    steps = Steps(held, before, flow, asked, judged, traded, {}, hedges)
    for symbol, split in why_traded(steps, {s: D(100) for s in SYMBOLS}).items():
        way = 100 * (traded.get(symbol, 0.0) - held.get(symbol, 0.0))
        assert float(sum(split.values())) == pytest.approx(way, abs=1e-6)


def test_a_first_investment_is_of_the_cash_that_was_paid_in():
    found = parts(decided({}, "100000"))
    assert found["SPY"]["cash_flow"] == pytest.approx(594)
    assert {cause for split in found.values() for cause in split} <= {"cash_flow", "rounding"}


def test_what_was_held_before_the_first_plan_is_moved_by_the_signal():
    found = parts(decided({"SPY": 1000}, "1000"))
    assert found["SPY"]["signal"] == pytest.approx(0.594 * 1010 - 1000)
    assert "drift" not in found["SPY"]


def test_drift_is_what_prices_did():
    """60/30/10 of 100,000 at 100; SPY rose: 600 shares are worth more, and the way back is drift alone."""
    before = Before(date(2022, 12, 1), {"SPY": 0.594, "IEF": 0.297, "GLD": 0.099})
    quotes = {"SPY": quote("SPY", "149.99", "150.01"), "IEF": quote("IEF"), "GLD": quote("GLD")}
    found = parts(decided({"SPY": 594, "IEF": 297, "GLD": 99}, "1000", before, quotes=quotes))
    assert set(found) == set(SYMBOLS)
    for split in found.values():
        assert set(split) <= {"drift", "rounding"}
    assert found["SPY"]["drift"] < 0 < found["IEF"]["drift"]


def test_a_deposit_is_a_cash_flow():
    before = Before(date(2022, 12, 1), {"SPY": 0.594, "IEF": 0.297, "GLD": 0.099}, flow=D(50_000))
    found = parts(decided({"SPY": 594, "IEF": 297, "GLD": 99}, "51000", before))
    for symbol, weight in before.weights.items():
        assert found[symbol]["cash_flow"] == pytest.approx(weight * 500)
        assert set(found[symbol]) <= {"cash_flow", "drift", "rounding"}
        assert abs(found[symbol].get("drift", 0.0)) < 1e-6


def test_a_withdrawal_sells():
    before = Before(date(2022, 12, 1), {"SPY": 0.594, "IEF": 0.297, "GLD": 0.099}, flow=D(-40_000))
    found = lines(decided({"SPY": 594, "IEF": 297, "GLD": 99}, "-39000", before))
    assert all(line.side is Side.SELL for line in found.values())
    assert all(line.parts["cash_flow"] < 0 for line in found.values())


def test_a_new_wish_is_a_signal():
    before = Before(date(2022, 12, 1), {"SPY": 0.3, "IEF": 0.59, "GLD": 0.1})
    found = parts(decided({"SPY": 300, "IEF": 590, "GLD": 100}, "1000", before))
    assert found["SPY"]["signal"] == pytest.approx(294)
    assert found["IEF"]["signal"] == pytest.approx(-293)


def test_a_limit_takes_its_own_part():
    capped = replace(FREE, risk=replace(FREE.risk, max_weight=0.5))
    found = parts(decided({}, "100000", asked=capped))
    assert found["SPY"]["cash_flow"] == pytest.approx(594)
    assert found["SPY"]["risk_limit"] == pytest.approx(-94)
    assert lines(decided({}, "100000", asked=capped))["SPY"].signed == 500


def test_the_plan_of_an_unchanged_book_is_empty():
    first = decided({}, "100000")
    held = {line.symbol: line.signed for line in first.plan.lines}
    cash = D(100_000) - sum(line.signed * line.price for line in first.plan.lines)
    assert decided(held, str(cash)).plan is None


@given(prices=some.fixed_dictionaries({s: some.integers(100, 90_000) for s in SYMBOLS}), cash=some.integers(50_000, 10**6))
@settings(max_examples=60, deadline=None)
def test_the_plan_of_what_was_just_traded_is_empty_at_any_price(prices, cash):
    """Asked again at the same prices, with every band at zero, nothing is left to trade but for the fees that were paid."""
    quotes = {s: quote(s, str(D(p) / 100), str(D(p) / 100)) for s, p in prices.items()}
    eager = replace(
        FREE,
        rebalance=replace(FREE.rebalance, absolute_band=0.0, relative_band=0.0),
        costs=replace(FREE.costs, commission="none"),
        execution=replace(FREE.execution, minimum_trade=100.0),
    )
    first = decided({}, str(cash), asked=eager, quotes=quotes)
    held = {line.symbol: line.signed for line in first.plan.lines}
    left = D(cash) - sum(line.signed * line.price for line in first.plan.lines)
    assert decided(held, str(left), asked=eager, quotes=quotes).plan is None
