"""A hedge is bought in the contracts that it asked for: shares give way to it, and only the cash can make it fewer."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import AS_OF, FIXED, D, book, market, policy, quote, walk

from portfolio.decide import decide
from portfolio.hedging import Scene, hedge
from portfolio.orders import Sizing, plan_orders
from portfolio.orders.planning import NO_REASON
from portfolio.types import Account, Quote, Side, option_terms

COVERED = FIXED + '\n[[hedge]]\nkind = "put"\nname = "floor"\ninstrument = "SPY"\nceiling = 0.05\n'
NEW = "SPY230421P00360000"
PREMIUM = D("8.00")


def shown():
    panel = walk(3, 700)
    panel = panel * np.array([400.0, 1500.0, 1700.0]) / panel[-1]
    return market(closes=panel, benchmark=panel[:, 0])


SEEN = shown()
QUOTES = {"SPY": quote("SPY", "399.98", "400.02")}
QUOTES |= {"IEF": quote("IEF", "1499.5", "1500.5"), "GLD": quote("GLD", "1699", "1701")}  # dear: a contract is the small change
QUOTES |= {NEW: quote(NEW, "7.60", "8.40")}
WISH = {"SPY": 0.6, "IEF": 0.3, "GLD": 0.1}


def sizing(positions, cash, quotes) -> Sizing:
    account = Account({s: D(q) for s, q in positions.items()}, D(cash), "USD")
    return Sizing("d" * 16, "DU1", date(2022, 12, 28), account, quotes, {}, {}, 0.0, 0.0)


def flat(**prices) -> dict[str, Quote]:
    """Quotes without a spread."""
    return {s: Quote(s, D(p), D(p), None, "USD", AS_OF) for s, p in prices.items()}


def planned(wish, size, keep=frozenset()):
    return plan_orders(wish, frozenset(keep), NO_REASON, size)


def asked(found, equity) -> int:
    """What the hedge says in its own sentence, before anything is rounded: contracts."""
    (one,) = found.hedges
    number = one.weight * float(equity) / (100 * float(PREMIUM))
    assert number == pytest.approx(round(number), abs=1e-6)
    return round(number)


@given(cash=some.integers(150_000, 3_000_000))
@settings(max_examples=40, deadline=None)
def test_the_contracts_are_those_that_the_hedge_asked_for(cash):
    found = decide(policy(COVERED), SEEN, book(cash=str(cash), quotes=QUOTES), code_version="1")
    (line,) = [x for x in found.plan.lines if option_terms(x.symbol)]
    assert (line.symbol, line.side) == (NEW, Side.BUY)
    before = hedge(Scene(policy(COVERED), SEEN, {s: w * 0.99 for s, w in WISH.items()}, D(cash), QUOTES, {}, {}))
    assert line.quantity == asked(found, cash) == round(before[0].weight * cash / 800) > 0, "before anything was rounded"
    assert "cut to" not in found.hedges[0].reason
    spent = sum(x.quantity * QUOTES[x.symbol].ask * (100 if x is line else 1) for x in found.plan.lines)
    fees = sum(max(D("0.65") * x.quantity, D(1)) if x is line else max(D("0.005") * x.quantity, D(1)) for x in found.plan.lines)
    assert cash - spent - fees >= D(cash) / 100 - D("0.01"), "the reserve is kept to the cent"


def test_a_share_is_left_out_for_a_contract():
    """10,000 in cash, shares of 1,000, a contract of 300: nine shares and all three contracts, not ten and none."""
    quotes = flat(AAA="1000", **{NEW: "3.00"})
    lines = planned({"AAA": 0.91, NEW: 0.09}, sizing({}, "10000", quotes))
    assert {x.symbol: x.quantity for x in lines} == {"AAA": 9, NEW: 3} or {x.symbol: x.quantity for x in lines} == {
        "AAA": 8,
        NEW: 3,
    }
    lines = planned({"AAA": 0.97, NEW: 0.03}, sizing({}, "10000", quotes))
    assert {x.symbol: x.quantity for x in lines} == {"AAA": 9, NEW: 1}


def test_only_the_cash_makes_it_fewer_and_the_line_says_so():
    """What is frozen is not sold for it: 700 in cash pay for two contracts of 300 and their commission, not for five."""
    quotes = flat(AAA="1000", **{NEW: "3.00"})
    account = sizing({"AAA": 8}, "700", quotes)
    lines = planned({"AAA": 0.8, NEW: 5 * 300 / 8700}, account, keep={"AAA"})
    (line,) = lines
    assert (line.symbol, line.quantity) == (NEW, 2)
    assert line.reason.endswith("the cash pays for 2 of 5 contracts")
    assert planned({"AAA": 0.8, NEW: 5 * 300 / 8700}, sizing({"AAA": 8}, "300", quotes), keep={"AAA"}) == ()


def test_fewer_shares_than_wished_take_no_contract_away():
    """Whole shares are a little less than what the hedge was reckoned for: that is no reason for one contract fewer."""
    whole = 0
    for cash in range(100_000, 400_000, 1371):
        found = decide(policy(COVERED), SEEN, book(cash=str(cash), quotes=QUOTES), code_version="1")
        bought = [x.quantity for x in found.plan.lines if x.symbol == NEW]
        assert bought == ([asked(found, cash)] if asked(found, cash) else []) and "cut to" not in found.hedges[0].reason
        whole += bool(bought)
    assert whole > 100
