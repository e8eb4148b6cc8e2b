"""A limit that a price moved over is mended by the least trade that does; the strategy's wish, and its hedges, wait for their time."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import AS_OF, FIXED, HEDGED, book, changed, market, policy, priced, quote, walk

from portfolio.decide import decide
from portfolio.risk import Situation, judge, mended
from portfolio.types import Action, LiquidityPolicy, Rate, TradingState

SYMBOLS = ("SPY", "IEF", "GLD")
CALM = walk(3, 400, size=0.002)
YEARLY = changed(FIXED, 'when = "drift"\nabsolute_band = 0.05\nrelative_band = 0.25', 'when = "calendar"\nevery = "year"')


def decided(rules, held, shown=None):
    """Of an account that was rebalanced today, so that its calendar is not due."""
    held = replace(held, rebalances=(AS_OF.date(),))
    return decide(rules, priced(shown or market(closes=CALM), held), held, code_version="test")


def lines(decision) -> dict[str, Decimal]:
    return {} if decision.plan is None else {line.symbol: line.signed for line in decision.plan.lines}


def situation(rules, shown=None):
    return Situation(rules, shown or market(closes=CALM), TradingState.ACTIVE, (), Decimal(100_000))


def test_a_name_that_rose_over_its_limit_is_cut_to_it_and_nobody_else_is_traded():
    """70 % of a limit of 65 %: fifty of seven hundred shares; the wish of 60, 30 and 10 waits for the year's day."""
    found = decided(policy(YEARLY), book({"SPY": "700", "IEF": "200", "GLD": "90"}, "1000"))
    assert lines(found) == {"SPY": -50}
    assert found.timing.kind == "mend"
    assert found.weights == pytest.approx({"SPY": 0.65, "IEF": 0.2, "GLD": 0.09})
    assert found.targets["SPY"] == pytest.approx(0.594), "what was wished is on record"
    assert found.why["SPY"] == "to 65.00%: max_weight: SPY at 70.00% is over the limit of 65.00%"
    assert found.why["IEF"] == "to 20.00%: as it is, until the next rebalance"
    assert {cause: float(part) for cause, part in found.plan.lines[0].parts.items()} == pytest.approx({"risk_limit": -50})


def test_an_excess_that_is_not_worth_a_ticket_is_left_and_holds_nothing_else_up():
    """Two shares over: 200 of a ticket of 500. The cash that came in is invested all the same."""
    held = book({"SPY": "652", "IEF": "200"}, "14800")
    found = decided(policy(YEARLY, execution={"minimum_trade": 500.0}), held)
    assert found.plan is None
    assert "breaks a limit" not in found.reasons[0]
    assert [(v.rule, v.symbols) for v in found.kept if v.action is Action.SCALE] == [("max_weight", ("SPY",))]
    flowing = YEARLY.replace('every = "year"', 'every = "year"\ncash_flows = true')
    found = decided(policy(flowing, execution={"minimum_trade": 500.0}), held)
    assert found.timing.kind == "cash flow"
    assert {s for s, quantity in lines(found).items() if quantity > 0} == {"IEF", "GLD"}


def test_of_two_names_over_their_limit_only_what_is_worth_a_ticket_is_sold():
    rules = policy(YEARLY, risk={"max_weight": 0.4}, execution={"minimum_trade": 1000.0})
    found = decided(rules, book({"SPY": "405", "IEF": "145", "GLD": "450"}, "0"))
    assert lines(found) == {"GLD": -50}
    assert found.reasons == ("what is held breaks a limit: max_weight: GLD at 45.00% is over the limit of 40.00%",)


def test_a_share_that_is_more_than_the_excess_is_not_sold():
    """A share is a twentieth of the account, and the name is a hundredth over."""
    dear = {s: quote(s, "5000", "5000") for s in SYMBOLS}
    found = decided(policy(YEARLY, risk={"max_weight": 0.64}), book({"SPY": "13", "IEF": "5"}, "10000", quotes=dear))
    assert found.plan is None


def test_a_frozen_name_over_its_limit_makes_nobody_else_sell():
    """IEF is two shares over and sells those; SPY, which may not be traded, stays at 55 %, and GLD as it is."""
    text = YEARLY + '[constraints]\ndo_not_trade = ["SPY"]\n'
    found = decided(policy(text, risk={"max_weight": 0.4}), book({"SPY": "550", "IEF": "402", "GLD": "20"}, "2800"))
    assert lines(found) == {"IEF": -2}


def test_a_loan_that_hedges_a_currency_shrinks_with_what_is_sold_in_it():
    """650 shares in euros against 65,000 euros owed, exactly: after the sale of 60 the loan is 59,000, and nothing is changed."""
    text = YEARLY.replace('"GLD"]', '"GLD"]\n[universe.currencies]\nEUR = ["SPY"]')
    text += '\n[margin]\nbenchmark_rate = 0.02\n[[hedge]]\nkind = "currency"\ninstrument = "EUR"\nceiling = 0.5\n'
    closes = walk(3, 400, size=0.002)
    shown = market(closes=closes / closes[-1] * np.array([110.0, 100.0, 100.0]), rates={"EUR": np.full(400, 1.1)})
    quotes = {"SPY": quote("SPY", "100", "100", currency="EUR"), "EUR.USD": quote("EUR.USD", "1.0999", "1.1001")}
    quotes |= {s: quote(s, "100", "100") for s in ("IEF", "GLD")}
    rates = {"EUR": Rate("EUR", Decimal("1.1"), AS_OF, "test")}
    held = book({"SPY": "650", "IEF": "200", "GLD": "50"}, "75000", quotes=quotes, rates=rates)
    held = replace(held, account=replace(held.account, foreign={"EUR": Decimal(-65000)}), rebalances=(AS_OF.date(),))
    found = decide(policy(text), shown, held, code_version="test")
    assert found.timing.kind == "mend"
    assert lines(found) == {"SPY": -60}  # of 650: 65 % of 100,000 dollars are 590.9 shares of 110
    assert found.weights["EUR"] == pytest.approx(-0.65)
    assert found.why["EUR"] == "to -65.00%: it follows what is held in it"
    assert found.hedges[0].weight == pytest.approx(-0.65)
    assert found.hedges[0].reason.startswith("it follows what is held in it until the next rebalance")


def test_a_rule_that_is_due_trades_the_whole_wish():
    held = book({"SPY": "700", "IEF": "200", "GLD": "90"}, "1000")
    found = decide(policy(YEARLY), priced(market(closes=CALM), held), held, code_version="test")
    assert found.timing.kind == "rule"
    assert set(lines(found)) == set(SYMBOLS)


def test_a_hedge_stays_what_it_is_while_a_limit_is_mended():
    text = changed(HEDGED, 'when = "drift"\nabsolute_band = 0.05\nrelative_band = 0.25', 'when = "calendar"\nevery = "year"')
    names = (*SYMBOLS, "HDG")
    index = walk(1, 400, seed=5, size=0.006)
    closes = np.hstack([index * 1.02, index, index, index]) * np.exp(walk(4, 400, seed=6, size=0.0005) / 100 - 1)
    shown = market(names, closes, benchmark=index[:, 0])
    held = book({"SPY": "700", "IEF": "200", "GLD": "90", "HDG": "-310"}, "32000", quotes={s: quote(s) for s in names})
    found = decided(policy(text), held, shown)
    assert lines(found) == {"SPY": -50}
    assert found.weights["HDG"] == found.current["HDG"] == pytest.approx(-0.31)
    (hedge,) = found.hedges
    assert hedge.weight == pytest.approx(-0.31)
    assert hedge.reason.startswith("as it is until the next rebalance, then ")


def test_what_may_be_held_no_longer_is_replaced_and_so_all_of_the_wish_is_traded():
    found = decided(policy(YEARLY), book({"SPY": "-10", "IEF": "300", "GLD": "90"}, "62000"))
    assert found.timing.kind == "repair"
    assert set(lines(found)) == {"SPY", "IEF", "GLD"} - {s for s in SYMBOLS if s not in lines(found)}
    assert lines(found)["SPY"] > 0
    assert "sold short" in found.reasons[0]


def test_a_state_that_only_sells_is_no_limit_to_be_mended():
    held = replace(book({"SPY": "600", "IEF": "295", "GLD": "95"}, "1000"), state=TradingState.REDUCING)
    assert decided(policy(YEARLY), held).plan is None


def test_a_limit_on_what_is_opened_sells_nothing_that_is_held():
    text = changed(YEARLY, "max_gross = 1.0", "max_gross = 1.8") + "[margin]\nbenchmark_rate = 0.04\nleverage = 1.5\n"
    text = changed(text, "max_weight = 0.65", "max_weight = 1.0")
    rules = replace(policy(text), margin=replace(policy(text).margin, initial=0.9))
    held = book({"SPY": "700", "IEF": "350", "GLD": "150"}, "-20000")
    assert "initial_margin" in {v.rule for v in judge({"SPY": 0.7, "IEF": 0.35, "GLD": 0.15}, situation(rules)) if v.scale < 1}
    assert decided(rules, held).plan is None


@pytest.mark.parametrize("cap", [0.31, 0.35, 0.4, 0.43, 0.47, 0.52, 0.55, 0.6])
def test_exactly_a_ticket_over_is_sold_whatever_the_last_bits_say(cap):
    """Five shares of 100 over the cap, and a ticket of 500."""
    rules = policy(YEARLY, risk={"max_weight": cap, "value_at_risk": None}, execution={"minimum_trade": 500.0})
    held = round(cap * 1000) + 5
    assert lines(decided(rules, book({"SPY": str(held)}, str(100_000 - held * 100)))) == {"SPY": -5}


def test_a_hedge_over_its_limit_by_less_than_a_ticket_trades_nothing():
    text = changed(HEDGED, 'when = "drift"\nabsolute_band = 0.05\nrelative_band = 0.25', 'when = "calendar"\nevery = "year"')
    names = (*SYMBOLS, "HDG")
    closes = walk(4, 400, seed=1, size=0.01)
    shown = market(names, closes / closes[-1] * 100, benchmark=closes[:, 0])
    quotes = {s: quote(s) for s in names}
    rules = policy(text, risk={"max_weight": 0.3, "value_at_risk": None}, execution={"minimum_trade": 500.0})
    held = book({"SPY": "297", "IEF": "250", "GLD": "297", "HDG": "-301"}, "45700", quotes=quotes)
    assert decided(rules, held, shown).plan is None
    large = book({"SPY": "297", "IEF": "250", "GLD": "297", "HDG": "-310"}, "46600", quotes=quotes)
    assert decided(rules, large, shown).timing.kind == "repair", "what the hedge shall be is part of the wish"


def test_two_limits_of_one_name_that_is_over_both_by_dust_stop_no_cash_flow():
    limits = LiquidityPolicy(participation=0.1, days=1.0, volume_share=0.1005)
    flowing = YEARLY.replace('every = "year"', 'every = "year"\ncash_flows = true')
    rules = policy(flowing, risk={"max_weight": 1.0, "value_at_risk": None, "liquidity": limits})
    closes = walk(3, 400, size=0.002)
    shown = market(closes=closes / closes[-1] * 10, volumes={"SPY": 1e4, "IEF": 1e6, "GLD": 1e6})
    held = book({"SPY": "1008", "IEF": "500", "GLD": "120"}, "3720", quotes={s: quote(s, "10", "10") for s in SYMBOLS})
    found = decide(rules, shown, replace(held, rebalances=(AS_OF.date(),)), code_version="test")
    assert found.timing.kind == "cash flow"
    assert found.timing.why.startswith("cash is")


def test_who_only_sells_does_not_sell_more_each_day_for_a_name_that_may_not_be_traded():
    """IEF stays at 60 % and takes its room; SPY is sold to the rest of it once, and then the book is as it may be."""
    text = FIXED + '[constraints]\ndo_not_trade = ["IEF"]\n'
    rules = policy(text, risk={"max_weight": 0.5})
    held = replace(book({"SPY": "500", "IEF": "600"}, "-10000"), state=TradingState.REDUCING)
    shown = market(closes=CALM / CALM[-1] * 100)
    first = decide(rules, shown, held, code_version="test")
    sold = lines(first)["SPY"]
    assert set(lines(first)) == {"SPY"} and sold < 0
    left = held.account.positions["SPY"] + sold
    next_day = replace(
        held, account=replace(held.account, positions={**held.account.positions, "SPY": left}, cash=-10000 - sold * 100)
    )
    assert lines(decide(rules, shown, next_day, code_version="test")) == {}


def test_a_limit_of_the_whole_trades_the_whole_wish():
    """Less of everything is no least trade: hedges count in it, and each cut may be too small for a ticket."""
    rules = policy(YEARLY, risk={"max_weight": 1.0, "max_gross": 0.95, "value_at_risk": None})
    found = decided(rules, book({"SPY": "600", "IEF": "300", "GLD": "90"}, "1000"))
    assert found.timing.kind == "repair"
    assert found.reasons[0].startswith("what is held breaks a limit: max_gross: gross exposure 99.00%")


weights = some.tuples(*[some.floats(0.0, 1.2)] * 3).map(lambda w: dict(zip(SYMBOLS, w, strict=True)))


@given(held=weights, cap=some.floats(0.05, 1.0), gross=some.floats(0.2, 4.0), ticket=some.floats(0.0, 0.2))
@settings(max_examples=150, deadline=None)
def test_names_are_cut_to_their_limit_where_it_is_worth_a_ticket_and_nobody_else_is_touched(held, cap, gross, ticket):
    limits = {"max_weight": cap, "max_gross": gross, "value_at_risk": None, "conditional_value_at_risk": None}
    found = mended(held, situation(policy(YEARLY, risk=limits)), dict.fromkeys(SYMBOLS, ticket))
    if sum(held.values()) > gross * (1 + 1e-8):
        assert found is not None and found.whole
        return
    large = {s for s, w in held.items() if w > cap * (1 + 1e-8) and w - cap >= ticket}
    if not large:
        assert found is None
        return
    assert not found.whole
    for s in SYMBOLS:
        assert found.weights[s] == (pytest.approx(cap, abs=1e-8) if s in large else held[s])


def equity_of(held, quotes):
    return held.account.equity({s: quotes[s].dealable for s in held.account.positions})


@given(move=some.floats(-0.3, 0.3))
@settings(max_examples=60, deadline=None)
def test_names_at_their_limit_move_and_only_what_rose_is_sold(move):
    """Two names of a third each, bought to the limit; one moves: nothing is bought, the other is not touched, and what stays
    over the limit is less than a share.
    """
    rules = policy(YEARLY, risk={"max_weight": 0.33}, execution={"minimum_trade": 0.0})
    mid = f"{100 * (1 + move):.2f}"
    quotes = {s: quote(s) for s in SYMBOLS} | {"SPY": quote("SPY", mid, mid)}
    shown = market(closes=CALM)
    held = replace(book({"SPY": "330", "IEF": "330"}, "34000", quotes=quotes), rebalances=(AS_OF.date(),))
    found = decide(rules, priced(shown, held), held, code_version="test")
    first = "SPY" if move > 0 else "IEF"
    assert set(lines(found)) <= {first}
    assert all(quantity < 0 for quantity in lines(found).values())
    share = float(quotes[first].bid / equity_of(held, quotes))
    assert [v for v in found.kept if v.action not in {Action.PASS, Action.WARN} and v.figure >= v.limit + share] == []
