"""A limit that a price moved over is mended by the least trade that does; the strategy's wish, and its hedges, wait for their time."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from mind import AS_OF, FIXED, HEDGED, book, changed, market, policy, priced, quote, walk

from portfolio.decide import decide
from portfolio.risk import Situation, judge, mended, over
from portfolio.types import Action, TailLimit, TradingState

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


def test_an_excess_that_is_not_worth_a_ticket_is_left():
    found = decided(policy(YEARLY, execution={"minimum_trade": 500.0}), book({"SPY": "652", "IEF": "300"}, "4800"))
    assert found.plan is None
    assert found.reasons[0].startswith("what is held breaks a limit: max_weight: SPY at 65.20%")
    assert found.reasons[1] == "yet no order is worth its ticket"


def test_what_is_left_over_because_it_is_worth_no_ticket_is_said():
    rules = policy(YEARLY, risk={"max_weight": 0.4}, execution={"minimum_trade": 1000.0})
    found = decided(rules, book({"SPY": "405", "IEF": "145", "GLD": "450"}, "0"))
    assert lines(found) == {"GLD": -50}
    assert found.reasons[1] == "what is left over is no share, or worth no ticket: SPY at 40.50% is over the limit of 40.00%"


def test_a_short_position_is_bought_back_to_its_limit_whatever_cash_the_sales_beside_it_leave():
    """A tail of the whole is mended: each is made smaller, and none, rounded, stays above what was asked of it."""
    names = (*SYMBOLS, "HDG")
    text = changed(HEDGED, 'when = "drift"\nabsolute_band = 0.05\nrelative_band = 0.25', 'when = "calendar"\nevery = "year"')
    mids = {"SPY": "91.37", "IEF": "108.61", "GLD": "97.83", "HDG": "103.19"}
    held = book({"SPY": "701", "GLD": "52", "HDG": "-613"}, "91000", quotes={s: quote(s, m, m) for s, m in mids.items()})
    rules = policy(text, risk={"max_gross": 0.8}, execution={"minimum_trade": 0.0})
    found = decided(rules, held, market(names, walk(4, 400, size=0.002), benchmark=walk(1, 400)[:, 0]))
    assert found.timing.kind == "mend"
    after = {s: held.account.positions.get(s, 0) + lines(found).get(s, 0) for s in names}
    gross = sum(abs(q) * Decimal(mids[s]) for s, q in after.items())
    equity = 91000 + sum(held.account.positions[s] * Decimal(mids[s]) for s in held.account.positions)
    assert Decimal("0.795") < gross / equity <= Decimal("0.8")
    assert lines(found)["HDG"] > 0


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
    assert found.targets["HDG"] == pytest.approx(-0.31)


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


weights = some.tuples(*[some.floats(0.0, 1.2)] * 3).map(lambda w: dict(zip(SYMBOLS, w, strict=True)))


@given(held=weights, cap=some.floats(0.05, 1.0), gross=some.floats(0.2, 1.0), tail=some.floats(0.001, 0.02))
@settings(max_examples=150, deadline=None)
def test_what_is_mended_keeps_every_limit_and_makes_nothing_larger_nor_more_than_it_must(held, cap, gross, tail):
    rules = policy(YEARLY, risk={"max_weight": cap, "max_gross": gross, "value_at_risk": TailLimit(0.95, 1, tail)})
    there = situation(rules, market(closes=walk(3, 400, size=0.008)))
    found = mended(held, there)
    if found is None:
        assert not over(judge(held, there))
        return
    assert not over(judge(found.weights, there))
    assert all(0.0 <= found.weights[s] <= held[s] for s in SYMBOLS)
    alone = [v for v in found.broken if v.symbols]
    if len(alone) == len(found.broken):  # limits of single names: the others are left as they are, where nothing else follows
        meant = {s for v in alone for s in v.symbols}
        assume(not over(judge({s: min(w, cap) for s, w in held.items()}, there)))
        assert all(found.weights[s] == held[s] for s in SYMBOLS if s not in meant)
        assert all(found.weights[s] == pytest.approx(cap, abs=1e-8) for s in meant)


@given(move=some.floats(-0.3, 0.3))
@settings(max_examples=60, deadline=None)
def test_names_at_their_limit_move_and_only_what_rose_is_sold(move):
    """Two names of a third each, bought to the limit; one moves: nothing is bought, and the other is not touched."""
    rules = policy(YEARLY, risk={"max_weight": 0.33}, execution={"minimum_trade": 0.0})
    mid = f"{100 * (1 + move):.2f}"
    quotes = {s: quote(s) for s in SYMBOLS} | {"SPY": quote("SPY", mid, mid)}
    shown = market(closes=CALM)
    held = replace(book({"SPY": "330", "IEF": "330"}, "34000", quotes=quotes), rebalances=(AS_OF.date(),))
    found = decide(rules, priced(shown, held), held, code_version="test")
    first = "SPY" if move > 0 else "IEF"
    assert set(lines(found)) <= {first}
    assert all(quantity < 0 for quantity in lines(found).values())
    assert [v for v in found.kept if v.action not in {Action.PASS, Action.WARN}] == []
