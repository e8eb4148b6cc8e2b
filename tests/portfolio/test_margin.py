"""Margin: requirements, interest by tier, the distance to a call, held against what regulators and brokers publish."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import D, actions, down, market, policy, up

from portfolio.errors import WrongUse
from portfolio.policy import parse_policy
from portfolio.risk import Situation, settle
from portfolio.risk.margin import (
    borrow_fee,
    call_distance,
    initial_requirement,
    interest,
    maintenance_requirement,
    margin_picture,
    margin_rules,
)
from portfolio.types import Action, MarginPolicy, TradingState

MARGIN = MarginPolicy(benchmark_rate=0.05)
BOOKS = some.dictionaries(some.sampled_from(["SPY", "IEF", "GLD"]), some.floats(-2, 2), max_size=3)


def situation(margin=MARGIN, **risk) -> Situation:
    return Situation(policy(margin=margin, risk=risk or {}), market(), TradingState.ACTIVE, (), D(100_000))


def test_regulation_t_s_own_example():
    """The SEC's investor bulletin "Understanding margin accounts": 10,000 of stock is bought with 5,000 of cash and 5,000 borrowed;
    when the stock is worth 6,000, equity is 1,000, and a maintenance of 25 % asks for 1,500.
    """
    bought = {"SPY": 2.0}  # of 5,000 of equity
    assert initial_requirement(bought, MARGIN) == 1.0
    fallen = {"SPY": 6.0}  # of 1,000 of equity
    picture = margin_picture(fallen, D(1000), MARGIN)
    assert picture.maintenance == D(1500)
    assert picture.excess_liquidity == D(-500)
    assert picture.call_distance == 0.0


@pytest.mark.parametrize("loan_to_value", [0.3, 0.5, 0.6, 0.7])
def test_the_price_of_a_margin_call_is_the_textbook_s(loan_to_value):
    """Bodie, Kane & Marcus, "Investments", ch. 3: the call comes at the price P with (P - loan) / P = maintenance."""
    weight = 1 / (1 - loan_to_value)
    distance = call_distance({"SPY": weight}, MARGIN)
    price = 1 - distance
    assert (price - loan_to_value) / price == pytest.approx(0.25)


def test_the_price_of_a_call_on_a_short_sale_is_the_textbook_s():
    """The same chapter: 1,000 shares short at 100 with 50,000 of margin, maintenance 30 %: the call comes at 115.38."""
    distance = call_distance({"SPY": -2.0}, MARGIN)  # 100,000 short on 50,000 of equity
    assert 100 * (1 + distance) == pytest.approx(115.38, abs=0.005)


@given(book=BOOKS)
@settings(max_examples=100, deadline=None)
def test_at_the_distance_equity_is_the_requirement(book):
    distance = call_distance(book, MARGIN)
    longs, shorts = sum(w for w in book.values() if w > 0), -sum(w for w in book.values() if w < 0)
    if distance is None:
        assert 1 - (longs + shorts) > 0.25 * 0 + 0.30 * shorts * 2 - 1e-9 or longs + shorts == 0
    elif distance > 0:
        equity = 1 - distance * (longs + shorts)
        assert equity == pytest.approx(0.25 * longs * (1 - distance) + 0.30 * shorts * (1 + distance), abs=1e-9)
    else:
        assert maintenance_requirement(book, MARGIN) >= 1 - 1e-12


@pytest.mark.parametrize(
    ("loan", "days", "cost"),
    [
        (0, 30, "0.00"),
        (100_000, 360, "6500.00"),  # at 5 % + 1.5 %
        (100_000, 365, "6590.28"),
        (1_000_000, 360, "60500.00"),  # 6,500 + 900,000 at 6 %
        (3_000_000, 360, "175500.00"),  # and 2,000,000 at 5.75 %
        (50_000, 1, "9.03"),
    ],
)
def test_interest_is_by_tiers_and_of_a_year_of_360_days(loan, days, cost):
    assert interest(D(loan), days, MARGIN) == D(cost)


@given(low=some.integers(0, 5_000_000), more=some.integers(0, 5_000_000))
@settings(max_examples=100, deadline=None)
def test_a_larger_loan_costs_more_and_never_more_than_the_first_tier(low, more):
    small, large = interest(D(low), 365, MARGIN), interest(D(low + more), 365, MARGIN)
    assert small <= large
    assert large <= (D(low + more) * D("0.065") * 365 / 360).quantize(D("0.01")) + D("0.01")


def test_borrowed_shares_cost_their_own_fee():
    margin = MarginPolicy(borrow_fee=0.0025, borrow_fees={"GLD": 0.03})
    assert borrow_fee({"SPY": -0.2, "GLD": -0.1, "IEF": 0.9}, D(100_000), 360, margin) == D("350.00")
    assert borrow_fee({"SPY": 1.0}, D(100_000), 360, margin) == 0


def test_a_balance_owed_in_a_currency_is_a_loan_and_no_short_position():
    picture = margin_picture({"SPY": 0.99, "USD": -0.5}, D(100_000), MARGIN)
    assert picture.gross == D(99_000)
    assert picture.interest == interest(D(50_000), 365, MARGIN)
    assert picture.maintenance == D(24_750)


@pytest.mark.parametrize(
    ("weight", "action"),
    [
        (2.0, Action.PASS),
        (down(2.0), Action.PASS),
        (2.0 + 1e-8, Action.SCALE),
        (3.0, Action.SCALE),
        (math.nan, Action.BLOCK),
        (math.inf, Action.BLOCK),
    ],
)
def test_what_is_opened_is_within_equity(weight, action):
    assert actions(margin_rules({"SPY": weight}, situation()))["initial_margin"] is action


@pytest.mark.parametrize("cushion", [0.1, 0.5])
def test_the_cushion_is_left_to_the_last_bit(cushion):
    there = situation(MarginPolicy(cushion=cushion, initial=0.0))
    edge = (1 - cushion) / 0.25
    for weight, action in ((down(edge), Action.PASS), (edge, Action.PASS), (up(edge + 1e-7), Action.SCALE)):
        assert actions(margin_rules({"SPY": weight}, there))["margin_cushion"] is action


@given(book=BOOKS)
@settings(max_examples=60, deadline=None)
def test_what_the_rules_leave_holds_the_cushion(book):
    there = situation(max_weight=2.0, max_gross=10.0, value_at_risk=None, conditional_value_at_risk=None)
    left, _ = settle({s: abs(w) for s, w in book.items()}, {}, there)
    assert initial_requirement(left, MARGIN) <= 1 + 1e-8
    assert maintenance_requirement(left, MARGIN) <= 0.9 + 1e-8


def test_without_a_margin_account_there_is_nothing_to_judge():
    assert margin_rules({"SPY": 5.0}, situation(margin=None)) == []


# --- the policy's table -----------------------------------------------------------------------------------------------
TABLE = """
[margin]
leverage = 1.5
benchmark_rate = 0.0433
cushion = 0.2
[margin.borrow_fees]
SPY = 0.01
[[margin.tiers]]
up_to = 50000
spread = 0.02
[[margin.tiers]]
spread = 0.01
"""


def text(table: str = TABLE, gross: str = "1.5") -> str:
    from mind import FIXED

    return FIXED.replace("max_gross = 1.0", f"max_gross = {gross}") + table


def test_the_table_is_read():
    read = parse_policy(text())
    assert read.margin == MarginPolicy(
        leverage=1.5,
        benchmark_rate=0.0433,
        cushion=0.2,
        borrow_fees={"SPY": 0.01},
        tiers=((50_000.0, 0.02), (math.inf, 0.01)),
    )
    assert read.invested == pytest.approx(1.49)


@pytest.mark.parametrize(
    ("table", "gross", "words"),
    [
        (TABLE, "1.4", "above"),
        (TABLE.replace("leverage = 1.5", "leverage = 0.5"), "1.5", "leverage"),
        (TABLE.replace("benchmark_rate = 0.0433\n", ""), "1.5", "lacks `benchmark_rate`"),
        (TABLE.replace("SPY = 0.01", "XYZ = 0.01"), "1.5", "XYZ"),
        (TABLE.replace("spread = 0.01", "up_to = 10\nspread = 0.01"), "1.5", "the last tier has no end"),
        (
            TABLE.replace("[[margin.tiers]]\nspread", "[[margin.tiers]]\nup_to = 10\nspread = 0.02\n[[margin.tiers]]\nspread"),
            "1.5",
            "rises",
        ),
        (TABLE.replace("cushion", "cussion"), "1.5", "Did you mean `cushion`"),
        ("", "1.5", "max_gross"),
    ],
)
def test_a_wrong_table_is_refused_by_name(table, gross, words):
    with pytest.raises(WrongUse) as refused:
        parse_policy(text(table, gross))
    assert words in str(refused.value)


def test_the_whole_decision_borrows_what_the_policy_says():
    """60/30/10 at one and a half times the equity, a tenth of it in gold; the loan is half, and the picture says its price."""
    from mind import book, quote

    from portfolio.decide import decide

    asked = parse_policy(
        text(TABLE.replace("[margin.borrow_fees]\nSPY = 0.01\n", "")).replace("max_weight = 0.65", "max_weight = 0.95")
    )
    asked = policy_without_tails(asked)
    quotes = {s: quote(s) for s in ("SPY", "IEF", "GLD")}
    found = decide(asked, market(), book(cash="100000", quotes=quotes), code_version="test")
    assert found.status == "trade"
    assert sum(found.weights.values()) == pytest.approx(1.49)
    spent = sum(line.notional for line in found.plan.lines)
    assert D(148_000) < spent <= D(149_000)
    assert found.margin_before.leverage == 0
    leverage = float(spent) / 100_000
    assert found.margin_after.leverage == pytest.approx(leverage)
    assert found.margin_after.interest == interest(spent - 100_000, 365, asked.margin)
    assert found.margin_after.call_distance == pytest.approx((1 - 0.25 * leverage) / (leverage * 0.75))


def policy_without_tails(asked):
    from dataclasses import replace

    return replace(asked, risk=replace(asked.risk, value_at_risk=None, conditional_value_at_risk=None))
