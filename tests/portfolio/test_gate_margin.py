"""The one door where something may be sold short, where the broker lends, and where options are bought."""

from __future__ import annotations

import pytest
from mind import D, down, up
from mind_views import SELL, contract, euros, intent, line, refusals, seen, view

from portfolio.orders import admit
from portfolio.types import Action, MarginPolicy, OrderState, Preview, Side, TradingState

# --- short sales ----------------------------------------------------------------------------------------------------

SHORTS = {"knobs": {"allow_short": True}, "shorts": frozenset({"AAPL"}), "positions": {"AAPL": D(-30)}}


def hedged(**changes):
    terms = {**SHORTS, **changes}
    return view("paper", terms.pop("knobs"), **terms)


def test_a_short_sale_needs_the_door_s_leave_and_the_policy_s_wish():
    assert "no_short" not in refusals(line(side=SELL), hedged())
    assert "no_short" in refusals(line(side=SELL), hedged(knobs={}))
    assert "no_short" in refusals(line(side=SELL), hedged(shorts=frozenset()))
    assert "no_short" in refusals(line(side=SELL), hedged(shorts=frozenset({"MSFT"})))
    assert "no_short" not in refusals(line("100", SELL), hedged(shorts=frozenset(), positions={"AAPL": D(100)}))


def test_buying_back_reduces_and_nothing_more():
    reducing = {"state": TradingState.REDUCING}
    assert "trading_state" not in refusals(line("30"), hedged(**reducing))
    assert "trading_state" in refusals(line("31"), hedged(**reducing))
    assert "trading_state" in refusals(line("1", SELL), hedged(**reducing))
    working = intent(side=Side.BUY, quantity="20", state=OrderState.ACKED)
    assert "trading_state" not in refusals(line("10"), hedged(**reducing, sent=(working,)))
    assert "trading_state" in refusals(line("11"), hedged(**reducing, sent=(working,)))
    assert "allowed_symbol" not in refusals(line("30"), hedged(symbols=frozenset())), "what was sold short may be bought back"
    assert "allowed_symbol" in refusals(line("31"), hedged(symbols=frozenset()))


# --- margin ---------------------------------------------------------------------------------------------------------


def lent(cushion=0.25, equity="100", maintenance="75", **changes):
    preview = None if equity is None else Preview(D(150), D(maintenance), D(equity))
    return view("paper", margin=MarginPolicy(cushion=cushion), preview=preview, **changes)


def test_the_cushion_at_its_edge():
    for cushion, refused in [(down(0.25), False), (0.25, False), (up(0.25), True), (float("nan"), True)]:
        for order in (line(), line("101", SELL)):
            assert ("margin_cushion" in refusals(order, lent(cushion))) is refused
        assert "margin_cushion" not in refusals(line("100", SELL), lent(cushion)), "what closes may always go"


@pytest.mark.parametrize(
    ("equity", "maintenance"), [("NaN", "1"), ("Infinity", "1"), ("0", "0"), ("-5", "1"), ("100", "NaN"), ("100", "Infinity")]
)
def test_an_absurd_preview_is_refused(equity, maintenance):
    assert "margin_cushion" in refusals(line(), lent(0.0, equity, maintenance))


def test_without_a_preview_nothing_is_borrowed_and_the_reason_is_said():
    at = lent(equity=None, no_preview="The broker left the preview unanswered.")
    (found,) = (v for v in admit(line(), at) if v.rule == "margin_cushion")
    assert found.action is Action.BLOCK and "left the preview unanswered" in found.reason
    assert "margin_cushion" not in refusals(line(), view("paper")), "no margin account, no question"


def test_a_loan_is_as_deep_as_the_plan_wants_it_and_no_deeper():
    planned = {"loans": {"USD": D(-90_000)}, "cash": D(0)}
    assert "minimum_cash" not in refusals(line("899"), lent(**planned))
    assert "minimum_cash" in refusals(line("900"), lent(**planned))
    assert "minimum_cash" in refusals(line("1"), lent(cash=D(0))), "nobody planned a loan"
    assert "minimum_cash" in refusals(line("900"), view("paper", **planned)), "nobody lends"
    assert "minimum_cash" in refusals(line("9"), lent(cash=D("NaN")))
    in_dollars = euros(margin=MarginPolicy(), loans={"USD": D(-5_000)}, preview=Preview(D(1), D(1), D(100)))
    assert "minimum_cash" not in refusals(line("149"), in_dollars)  # 10,000 are there
    assert "minimum_cash" in refusals(line("150"), in_dollars)


# --- options --------------------------------------------------------------------------------------------------------

PUT = "AAPL230120P00100000"


def test_an_option_stands_for_a_hundred_shares_of_its_underlying():
    terms = {"contracts": {PUT: contract(symbol=PUT)}, "quotes": {PUT: seen("4.99", "5.01")}, "insured": frozenset({"AAPL"})}

    def refused(quantity="10", side=Side.BUY, knobs=None, **more):
        order = line(quantity, side, "5", PUT)
        return refusals(order, view("paper", knobs, **(terms | more)))

    assert refused() == set()
    for limit, over in [(0.05, False), (down(0.05), True)]:  # ten of them are 5,000 of 100,000
        assert ("order_value" in refused(knobs={"max_order_value": limit})) is over
    assert "minimum_cash" in refused("100")
    assert "minimum_cash" not in refused("99")
    assert "allowed_symbol" in refused(insured=frozenset()), "the share is of the universe, its options are not"
    assert "allowed_symbol" not in refused(symbols=frozenset({"MSFT"}))
    assert "allowed_symbol" not in refused(insured=frozenset(), side=SELL, positions={PUT: D(10)})
    call = line("1", price="5", symbol=PUT.replace("P0", "C0"))
    assert "allowed_symbol" in refusals(call, view("paper", **terms)), "puts alone are bought"
    assert "no_short" in refused(side=SELL), "no option is written"
    assert "no_short" in refused(side=SELL, knobs={"allow_short": True}, shorts=frozenset({"AAPL"}))
    assert "no_short" not in refused(side=SELL, positions={PUT: D(10)})
