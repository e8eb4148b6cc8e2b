"""The whole decision: pure, explained, and within every limit to the last share."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import AS_OF, DEMO, FIXED, D, actions, book, changed, market, policy, priced, quote, walk

from portfolio.decide import decide, decision_id
from portfolio.errors import Refused
from portfolio.types import Account, Action, Declaration, OrderState, Side, TradingState

SYMBOLS = ("SPY", "IEF", "GLD")
CALM = walk(3, 400, size=0.002)


def decided(rules=None, shown=None, held=None):
    held = held or book()
    return decide(rules or policy(), priced(shown or market(closes=CALM), held), held, code_version="test")


def lines(decision) -> dict[str, Decimal]:
    return {} if decision.plan is None else {line.symbol: line.signed for line in decision.plan.lines}


def test_the_first_investment_by_hand():
    """100,000 at a mid of 100 with 1 % kept: 594, 297 and 99 shares, less what fees and the spread take from the largest."""
    found = decided()
    assert found.status == "trade"
    assert found.targets == {"GLD": pytest.approx(0.099), "IEF": pytest.approx(0.297), "SPY": pytest.approx(0.594)}
    assert found.weights == found.targets
    assert lines(found) == {"GLD": 99, "IEF": 297, "SPY": 593}
    assert found.plan.funding
    assert found.current == dict.fromkeys(SYMBOLS, 0.0)
    assert found.reasons == ("the account holds nothing yet: the first investment",)
    assert all("60.00%" in line.reason or line.symbol != "SPY" for line in found.plan.lines)


def test_the_same_input_gives_the_same_output():
    assert decided() == decided()
    mixed = book(quotes={s: quote(s) for s in reversed(SYMBOLS)})
    assert decided(held=mixed) == decided()


def test_what_names_a_decision_and_what_does_not():
    rules, shown = policy(), market(closes=CALM)
    name = decision_id(rules, shown)
    assert len(name) == 16
    assert decided(held=book(cash="50000")).decision == name  # the account is an input, not the identity
    others = [
        decision_id(replace(rules, name="other"), shown),
        decision_id(replace(rules, hash="x"), shown),
        decision_id(rules, replace(shown, snapshot=18)),
        decision_id(rules, replace(shown, as_of=AS_OF + timedelta(seconds=1))),
    ]
    assert len({name, *others}) == 5


def test_a_book_inside_its_bands_has_nothing_to_trade():
    found = decided(held=book({"SPY": "594", "IEF": "297", "GLD": "99"}, "1000"))
    assert (found.status, found.plan) == ("nothing to trade", None)
    assert "inside its bands" in found.reasons[0]
    assert found.current["SPY"] == pytest.approx(0.594)


def test_a_book_that_drifted_sells_before_it_buys():
    found = decided(held=book({"SPY": "400", "IEF": "500", "GLD": "90"}, "1000"))
    assert found.status == "trade"
    assert [line.side for line in found.plan.lines] == [Side.SELL, Side.BUY, Side.BUY] or [
        line.side for line in found.plan.lines
    ] == [Side.SELL, Side.BUY]
    assert not found.plan.funding
    assert lines(found)["IEF"] == -203


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (book({"TLT": "1"}), "TLT"),
        (book({"SPY": "1"}, quotes={s: quote(s) for s in ("IEF", "GLD")}), "SPY"),
        (book({"SPY": "1"}, quotes={s: quote(s, "NaN", "NaN", "100") for s in SYMBOLS}), "SPY"),
        (book({"SPY": "1"}, quotes={s: quote(s, "101", "99", "100") for s in SYMBOLS}), "SPY"),
        (book({"SPY": "1"}, quotes={s: quote(s, None, None, "0") for s in SYMBOLS}), "SPY"),
        (book({"SPY": "1"}, quotes={s: quote(s, currency="GBP") for s in SYMBOLS}), "SPY"),
        (book(cash="0"), "equity"),
        (book({"SPY": "1"}, "-1000"), "equity"),
        (book(cash="NaN"), "cash in USD"),
        (book(account=Account({}, D("100000"), "GBP")), "GBP"),
        (book(quotes={}), "GLD|IEF|SPY"),
    ],
)
def test_what_cannot_be_valued_is_refused_by_name(held, words):
    with pytest.raises(Refused, match=words):
        decided(held=held)


def test_a_position_of_zero_outside_the_universe_is_nothing():
    assert decided(held=book({"TLT": "0"})).status == "trade"


def test_halted_is_refused_and_keeps_what_is_held():
    found = decided(held=book({"SPY": "100"}, state=TradingState.HALTED))
    assert (found.status, found.plan) == ("refused", None)
    assert found.weights == found.current
    assert "HALTED" in found.reasons[0]


def test_a_drawdown_blocks_or_reduces():
    def after(equity):
        return decided(held=book({"SPY": "500"}, "50000", history=((date(2022, 12, 27), D(equity)),)))

    assert actions(after("100000").verdicts)["daily_drawdown"] is Action.PASS
    reduced = after("103500")
    assert actions(reduced.verdicts)["daily_drawdown"] is Action.REDUCE
    assert all(line.side is Side.SELL for line in (reduced.plan.lines if reduced.plan else ()))
    assert after("107000").status == "refused"


@given(
    shares=some.tuples(*[some.integers(0, 600)] * 3),
    cash=some.integers(1000, 10**7),
    prices=some.tuples(*[some.integers(100, 60_000)] * 3),
)
@settings(max_examples=120, deadline=None)
def test_reducing_never_buys_and_never_goes_short(shares, cash, prices):
    quotes = {s: quote(s, str(D(p) / 100), str(D(p + 1) / 100)) for s, p in zip(SYMBOLS, prices, strict=True)}
    held = book(dict(zip(SYMBOLS, shares, strict=True)), str(cash), quotes=quotes, state=TradingState.REDUCING)
    found = decided(policy(execution={"minimum_trade": 0.0}), held=held)
    for line in found.plan.lines if found.plan else ():
        assert line.side is Side.SELL
        assert line.quantity <= held.account.positions[line.symbol]


@given(
    shares=some.tuples(*[some.integers(0, 300)] * 3),
    cash=some.integers(1000, 10**6),
    cap=some.floats(0.05, 1.0),
    gross=some.floats(0.1, 1.0),
    prices=some.tuples(*[some.integers(100, 60_000)] * 3),
)
@settings(max_examples=120, deadline=None)
def test_no_order_causes_a_breach_of_a_weight(shares, cash, cap, gross, prices):
    """After all fills at the mid: whoever was bought is within its limit; whoever was over it was not bought."""
    mids = {s: D(p) / 100 for s, p in zip(SYMBOLS, prices, strict=True)}
    quotes = {s: quote(s, str(p), str(p)) for s, p in mids.items()}
    held = book(dict(zip(SYMBOLS, shares, strict=True)), str(cash), quotes=quotes)
    found = decided(policy(risk={"max_weight": cap, "max_gross": gross}, execution={"minimum_trade": 0.0}), held=held)
    equity = held.account.equity(mids)
    after = {s: held.account.positions[s] + lines(found).get(s, 0) for s in SYMBOLS}
    for symbol, delta in lines(found).items():
        if delta > 0:
            assert after[symbol] * mids[symbol] <= D(repr(cap)) * equity * (1 + D("1e-8"))
    if any(delta > 0 for delta in lines(found).values()):
        assert sum(after[s] * mids[s] for s in SYMBOLS) <= D(repr(gross)) * equity + max(mids.values()) * 3


def test_a_broken_limit_is_repaired_inside_the_bands():
    """66 % of a limit of 65 % is no drift of 5 %, and is sold all the same."""
    rules = policy(changed(FIXED, "SPY = 0.6, IEF = 0.3, GLD = 0.1 ", "SPY = 0.656, IEF = 0.3 "))
    found = decided(rules, held=book({"SPY": "665", "IEF": "300"}, "3500"))
    assert found.reasons == ("what is held breaks a limit: max_weight: SPY at 66.50% is over the limit of 65.00%",)
    assert lines(found)["SPY"] < 0


def test_a_frozen_symbol_is_not_traded_and_the_others_make_room():
    shown = market(closes=CALM, health={"SPY": "blocked"}, illness={"SPY": ("stale.",)})
    found = decided(shown=shown, held=book({"SPY": "700"}, "30000"))
    assert "SPY" not in lines(found)
    assert found.weights["SPY"] == pytest.approx(0.7)
    assert sum(found.weights.values()) <= 0.99 + 1e-9
    assert "data_health" in {v.rule for v in found.verdicts}


def test_a_frozen_symbol_that_nobody_holds_needs_no_quote():
    shown = market(closes=CALM, health={"GLD": "blocked"})
    found = decided(shown=shown, held=book(quotes={s: quote(s) for s in ("SPY", "IEF")}))
    assert set(lines(found)) == {"SPY", "IEF"}


def test_a_tail_over_its_limit_scales_the_whole():
    wild = market(closes=walk(3, 400, size=0.03))
    found = decided(shown=wild)
    scales = [v.scale for v in found.verdicts if v.action is Action.SCALE]
    assert found.weights["SPY"] == pytest.approx(found.targets["SPY"] * min(scales))
    assert found.risk_after["conditional_value_at_risk"] <= 0.03 + 1e-12
    assert any("value_at_risk" in line.reason for line in found.plan.lines)


def test_unknown_blocks_where_the_policy_says_so():
    short = market(days=20)
    assert decided(shown=short).status == "trade"
    assert decided(policy(risk={"unknown": "block"}), shown=short).status == "refused"


def test_hold_trades_nothing_whatever_the_calendar_says():
    """The optimizer fails, the road ends in hold: not one share moves, though floats are not decimals."""
    from mind import OPTIMIZED

    four = ("AAA", "BBB", "CCC", "DDD")
    rules = policy(OPTIMIZED, strategy={"fallback": ("hold",)}, risk={"max_weight": 1.0}, execution={"minimum_trade": 0.0})
    for seed in range(12):
        luck = np.random.default_rng(seed)
        quotes = {
            s: quote(s, str(D(int(p)) / 100), str(D(int(p) + 2) / 100))
            for s, p in zip(four, luck.integers(500, 90_000, 4), strict=True)
        }
        held = book(dict(zip(four, map(int, luck.integers(1, 900, 4)), strict=True)), "5000", quotes=quotes, symbols=four)
        found = decided(rules, market(four, walk(4, 70, size=0.001)), held)
        assert found.road[-1] == "hold"
        assert (found.status, found.plan) == ("nothing to trade", None)
        assert found.reasons == (f"what is held stays: {found.road[0]}",)


def test_selling_everything_is_a_plan_of_sells():
    rules = policy(changed(FIXED, "weights = { SPY = 0.6, IEF = 0.3, GLD = 0.1 }", "weights = { SPY = 0.0 }"))
    found = decided(rules, held=book({"SPY": "100", "IEF": "7"}, "10"))
    assert lines(found) == {"SPY": -100, "IEF": -7}
    assert decided(rules).status == "nothing to trade"


def test_small_tickets_are_left_out():
    found = decided(held=book({"SPY": "594", "IEF": "291", "GLD": "98"}, "1700"), rules=policy(
        rebalance={"absolute_band": 0.0, "relative_band": 0.0}, execution={"minimum_trade": 400.0}))  # fmt: skip
    assert set(lines(found)) <= {"IEF"}


def test_the_demo_over_real_prices(riskfolio, sample_closes):
    """The bundled policy on the bundled prices: caps, cash and the tail limit hold, by arithmetic done here."""
    from portfolio.market import Market
    from portfolio.policy import parse_policy

    rules = parse_policy(DEMO)
    names, days, closes, _ = sample_closes
    columns = [names.index(s) for s in rules.symbols]
    note = (Declaration("sample", "adjusted", frozenset({"close"})),)
    shown = Market(
        AS_OF, AS_OF.date(), 1, rules.symbols, days, closes[:, columns], closes[:, names.index("SP500")], declarations=note
    )
    prices = {s: D(repr(round(float(c), 2))) for s, c in zip(rules.symbols, closes[-1, columns], strict=True)}
    held = book({}, "1000000", quotes={s: quote(s, str(p), str(p + D("0.01"))) for s, p in prices.items()}, symbols=rules.symbols)
    found = decide(rules, shown, held, code_version="test")
    assert found.status == "trade"
    assert found.road == ("minimum_cvar",)
    assert actions(found.verdicts)["liquidity"] is Action.WARN
    spent = sum(line.quantity * (prices[line.symbol] + D("0.01")) for line in found.plan.lines)
    assert D(1_000_000) * D("0.97") < spent < D(980_000)
    assert max(line.notional for line in found.plan.lines) <= D(100_000)
    bought = {line.symbol: float(line.notional) / 1e6 for line in found.plan.lines}
    weights = np.array([bought.get(s, 0.0) for s in rules.symbols])  # what whole shares make of the decided ones
    simple = (closes[1:] / closes[:-1] - 1)[-504:, columns] @ weights
    worst = np.sort(simple)[: int(np.ceil(0.05 * 504))]
    assert found.risk_after["value_at_risk"] == pytest.approx(-worst[-1], abs=1e-12)
    assert -worst[-1] <= 0.02 + 1e-9


def test_words_that_end_an_order():
    assert {s for s in OrderState if s.final} == {
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.REJECTED,
        OrderState.EXPIRED,
    }


# --- explained, in lots, and only as far as it is worth -----------------------------------------------------------------


def test_every_weight_has_its_sentence_also_where_nothing_is_traded():
    quiet = decided(held=book({"SPY": "594", "IEF": "297", "GLD": "99"}, "1000"))
    assert quiet.plan is None
    assert set(quiet.why) == set(SYMBOLS)
    assert quiet.why["SPY"] == "to 59.40%: the policy fixes 60.00%"
    assert quiet.timing.trade is False
    assert quiet.timing.why == quiet.reasons[0]


@pytest.mark.parametrize("lot", [10, 50])
def test_only_whole_lots_are_traded(lot):
    text = FIXED + f"[constraints]\nlots = {{ SPY = {lot} }}\n"
    whole = lines(decided(policy(text)))
    assert whole["SPY"] % lot == 0
    assert abs(whole["SPY"] - 593) < lot
    assert 290 < whole["IEF"] <= 297  # SPY is rounded up by up to half a lot, and the sum of the wish is kept
    odd = decided(policy(text), held=book({"SPY": "703", "IEF": "200", "GLD": "90"}, "700"))
    assert lines(odd)["SPY"] % lot == 0, "an odd rest that is held stays"


COSTLY = changed(
    FIXED,
    'when = "drift"\nabsolute_band = 0.05\nrelative_band = 0.25',
    'when = "cost_aware"\nrisk_aversion = 20.0\nhorizon = 63\ncost = COST',
)


def test_a_trade_that_is_not_worth_its_cost_waits_and_one_that_is_goes_only_so_far():
    drifted = book({"SPY": "650", "IEF": "250", "GLD": "90"}, "1000")
    shown = market(closes=walk(3, 400, size=0.01))
    wait = decided(policy(COSTLY.replace("COST", str(0.02))), shown, drifted)
    assert wait.plan is None
    assert wait.reasons[0].startswith("wait: ")
    assert wait.timing.gain - wait.timing.cost <= 0
    part = decided(policy(COSTLY.replace("COST", str(0.0002))), shown, drifted)
    assert part.reasons[0].startswith("trade now: ")
    assert part.timing.gain > part.timing.cost > 0
    assert part.targets["SPY"] < part.weights["SPY"] < part.current["SPY"], "to the edge of the region, not beyond"
    assert "traded part of the way to 59.40%" in part.why["SPY"]
    whole = decided(policy(COSTLY.replace("COST", str(0.0))), shown, drifted)
    assert whole.weights == pytest.approx(whole.targets, abs=1e-6)


def test_a_young_symbol_that_nobody_holds_or_wishes_stops_no_cost_aware_trade():
    closes = walk(3, 400, size=0.01)
    closes[:-20, 2] = np.nan
    text = COSTLY.replace("COST", "0.0002").replace("SPY = 0.6, IEF = 0.3, GLD = 0.1", "SPY = 0.6, IEF = 0.4")
    found = decided(policy(text), market(closes=closes), book({"SPY": "640", "IEF": "280"}, "8000"))
    assert found.reasons[0].startswith("trade now: ")


def test_what_is_not_to_be_traded_stays_whatever_a_rule_says():
    """Over its limit and marked: it stays, the others make room, and no day is a repair for ever."""
    text = FIXED + '[constraints]\ndo_not_trade = ["SPY"]\n'
    heavy = book({"SPY": "700", "IEF": "200", "GLD": "90"}, "1000")
    found = decided(policy(text), held=heavy)
    assert "SPY" not in lines(found)
    assert found.weights["SPY"] == found.current["SPY"]
    assert actions(found.verdicts)["do_not_trade"] is Action.FREEZE
    assert "breaks a limit" not in found.reasons[0]
    assert sum(found.weights.values()) <= 0.99 + 1e-9
    calendar = changed(FIXED, 'when = "drift"\nabsolute_band = 0.05\nrelative_band = 0.25', 'when = "calendar"\nevery = "year"')
    plain = decided(policy(calendar), held=replace(heavy, rebalances=(AS_OF.date(),)))
    assert plain.reasons[0].startswith("what is held breaks a limit: max_weight: SPY at 70.00%")


def test_a_limit_on_risk_says_whom_it_cannot_see():
    text = FIXED + "[constraints]\nvolatility = 0.2\n"
    shown = market(closes=CALM, health={"SPY": "blocked"})
    held = book({"SPY": "500", "IEF": "300", "GLD": "100"}, "10000")
    said = [v for v in decided(policy(text), shown, held).verdicts if v.rule == "limits_on_risk"]
    assert [(v.action, v.symbols) for v in said] == [(Action.WARN, ("SPY",))]
    assert not [v for v in decided(policy(text), held=held).verdicts if v.rule == "limits_on_risk"]


def test_a_broken_limit_is_repaired_whatever_it_costs():
    heavy = book({"SPY": "800", "IEF": "150", "GLD": "40"}, "1000")
    found = decided(policy(COSTLY.replace("COST", str(0.2))), market(closes=CALM), heavy)
    assert found.reasons[0].startswith("what is held breaks a limit: max_weight: SPY at 80.00%")
    assert set(lines(found)) == {"SPY"}


def test_cash_that_came_in_is_invested_without_selling_anything():
    rules = policy(changed(FIXED, "relative_band = 0.25", "relative_band = 0.25\ncash_flows = true\ncash_band = 0.02"))
    held = book({"SPY": "565", "IEF": "285", "GLD": "95"}, "5500")
    plain = decided(held=held)
    found = decided(rules, held=held)
    assert plain.plan is None
    assert all(line.side is Side.BUY for line in found.plan.lines)
    assert "cash is 4.50% of equity above its target" in found.reasons[0]


def test_a_limit_by_name_is_obeyed_and_said_in_the_reason():
    grouped = FIXED.replace("[strategy]", '[universe.groups.kind]\nrisky = ["SPY", "GLD"]\n[strategy]')
    found = decided(policy(grouped + "[constraints.kind]\nrisky = { max = 0.5 }\n"))
    assert found.road == ("fixed", "nearest allowed weights")
    assert (found.weights["SPY"] + found.weights["GLD"]) / 0.99 <= 0.5 + 1e-9
    assert "moved from 60.00% by kind risky at most 50 %" in found.why["SPY"]
    assert sum(found.weights.values()) == pytest.approx(0.99), "what is invested stays as much as was wished"
