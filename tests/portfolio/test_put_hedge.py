"""Protective puts: which one, how many, what they may cost, when they are rolled, and what they are worth in a stress."""

import math
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import AS_OF, FIXED, SESSION, D, book, down, market, policy, quote, up, walk

from portfolio.decide import decide
from portfolio.errors import WrongUse
from portfolio.hedging import Scene, hedge, model_quote, wanted_options
from portfolio.hedging.listing import listed_strike, monthly_expiry, next_expiry
from portfolio.hedging.put import ROLL, held_put
from portfolio.measures.options import LAST_DAYS, European, option_value
from portfolio.policy import parse_policy
from portfolio.risk import Situation, judge, risk_profile
from portfolio.risk.past import look_back
from portfolio.risk.stress import SCENARIOS, Scenario, stresses
from portfolio.risk.stress.scenarios import Shock
from portfolio.strategies import needs
from portfolio.types import (
    Action,
    HedgePolicy,
    Rate,
    Side,
    TradingState,
    option_terms,
)

PUT = HedgePolicy("cover", "put", "SPY", ceiling=0.05)
NEW = "SPY230421P00360000"  # the first monthly expiry 90 days after SESSION, 90 % of 400
EQUITY = D(1_000_000)
WEIGHTS = {"SPY": 0.6, "IEF": 0.3, "GLD": 0.1}


def closes(days: int = 700, last: float = 400.0, seed: int = 7) -> np.ndarray:
    panel = walk(3, days, seed=seed)
    return panel * np.array([last, 100.0, 170.0]) / panel[-1]


def shown(panel=None, **more):
    panel = closes() if panel is None else panel
    return market(closes=panel, benchmark=panel[:, 0], **more)


def scene(one=PUT, premium="8.00", *, held=None, weights=WEIGHTS, symbol=NEW, seen=None, **more) -> Scene:
    """The world in which `symbol` is quoted around `premium` (None: nobody quotes it); held: units by symbol."""
    quotes = {} if premium is None else {symbol: quote(symbol, str(D(premium) - D("0.05")), str(D(premium) + D("0.05")))}
    held = {s: D(n) for s, n in (held or {}).items()}
    quotes |= {s: quote(s, "4.95", "5.05") for s in held if s not in quotes and s != more.get("unquoted")}
    more.pop("unquoted", None)
    return Scene(policy(hedges=(one,)), seen or shown(), weights, EQUITY, quotes, held, **more)


def put(*args, **more):
    (found,) = hedge(scene(*args, **more))
    return found


def number(found, premium=8.0) -> float:
    return round(found.weight * float(EQUITY) / (100 * premium), 9)


def beta(panel=None, weights=WEIGHTS, days: int = 252) -> float:
    """numpy's own regression of the book on SPY."""
    panel = closes() if panel is None else panel
    steps = panel[1:] / panel[:-1] - 1
    return float(np.polyfit(steps[-days:, 0], steps[-days:] @ np.array([weights.get(s, 0) for s in ("SPY", "IEF", "GLD")]), 1)[0])


# --- which put --------------------------------------------------------------------------------------------------------
def test_the_monthly_expiry_is_a_session_by_the_exchange_s_own_calendar():
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start="2015-01-01", end="2035-12-31")
    for year in range(2015, 2036):
        for month in range(1, 13):
            friday = next(d for d in (date(year, month, 15) + timedelta(days=n) for n in range(7)) if d.weekday() == 4)
            told = (
                friday
                if calendar.is_session(friday.isoformat())
                else calendar.previous_session(calendar.date_to_session(friday.isoformat(), direction="next")).date()
            )
            assert monthly_expiry(year, month) == told


@given(session=some.dates(date(2015, 1, 1), date(2040, 1, 1)), days=some.integers(7, 730))
@settings(max_examples=100, deadline=None)
def test_the_expiry_is_the_first_that_is_far_enough(session, days):
    found, earliest = next_expiry(session, days), session + timedelta(days=days)
    assert found >= earliest
    before = monthly_expiry(*((found.year, found.month - 1) if found.month > 1 else (found.year - 1, 12)))
    assert before < earliest


@given(wanted=some.decimals("0.01", "6000", places=4))
@settings(max_examples=100, deadline=None)
def test_the_strike_is_on_the_grid_and_next_below(wanted):
    found = listed_strike(wanted)
    step = D("0.5") if wanted < 25 else D(1) if wanted < 100 else D(5)
    assert found <= wanted < found + step
    assert found % step == 0


@pytest.mark.parametrize(
    ("last", "moneyness", "days", "symbol"),
    [
        (400.0, 0.9, 90, NEW),
        (399.99, 0.9, 90, "SPY230421P00355000"),
        (400.0, 0.9, 23, "SPY230120P00360000"),
        (400.0, 0.9, 24, "SPY230217P00360000"),
        (60.0, 0.9, 90, "SPY230421P00054000"),
        (20.0, 0.85, 90, "SPY230421P00017000"),
        (19.0, 0.87, 90, "SPY230421P00016500"),
    ],
)
def test_the_put_that_is_asked_for(last, moneyness, days, symbol):
    asked = policy(hedges=(replace(PUT, moneyness=moneyness, days=days),))
    assert wanted_options(asked, shown(closes(last=last)), {}) == (symbol,)


def test_quotes_are_asked_for_the_next_put_and_for_all_that_are_held():
    asked, held = policy(hedges=(PUT,)), {"SPY": D(10), "SPY230217P00300000": D(2), "SPY230120P00310000": D(0)}
    assert wanted_options(asked, shown(), held) == (NEW, "SPY230217P00300000")
    assert wanted_options(policy(), shown(), {}) == ()


@pytest.mark.parametrize(
    "seen",
    [
        shown(np.vstack([closes()[:-1], [[np.nan, 100.0, 170.0]]])),
        shown(health={"SPY": "blocked"}),
        shown(closes(last=0.5)),  # nine tenths of that is below the lowest strike
        replace(shown(), symbols=("AAA", "IEF", "GLD")),
    ],
)
def test_without_a_price_that_can_be_believed_no_put_is_named_or_bought(seen):
    assert wanted_options(policy(hedges=(PUT,)), seen, {}) == ()
    weights = {"IEF": 0.5}
    found = put(seen=seen, weights=weights)
    assert (found.weight, found.symbol) == (0.0, "SPY")
    assert "no price of SPY" in found.reason


def test_an_underlying_outside_the_universe_is_watched():
    text = FIXED.replace('["SPY", "IEF", "GLD"]', '["IEF", "GLD"]').replace("SPY = 0.6, ", "")
    asked = parse_policy(text + '[[hedge]]\nkind = "put"\ninstrument = "SPY"\nceiling = 0.06\n')
    assert needs(asked).watched == ("SPY",)
    assert needs(policy(hedges=(PUT,))).watched == ()
    assert "SPY" not in asked.traded
    panel = closes()
    panel[:, 1] = panel[:, 0] / 4
    seen = market(("IEF", "GLD"), panel[:, 1:], benchmark=panel[:, 0], watched={"SPY": panel[:, 0]})
    there = Scene(asked, seen, {"IEF": 0.8}, EQUITY, {NEW: quote(NEW, "7.95", "8.05")})
    (found,) = hedge(there)
    assert number(found) == 20  # 0.8 x 1,000,000 / (100 x 400), and the ceiling is wide enough


def test_two_puts_on_one_underlying_are_refused():
    table = '[[hedge]]\nkind = "put"\nname = "{}"\ninstrument = "SPY"\nceiling = 0.05\n'
    with pytest.raises(WrongUse, match="puts on SPY"):
        parse_policy(FIXED + table.format("one") + table.format("two"))


# --- how many ---------------------------------------------------------------------------------------------------------
def test_the_number_covers_the_beta_weighted_value_in_whole_contracts():
    found = put()
    covered = beta() * 1_000_000 / (100 * 400)
    assert number(found) == math.floor(covered) == 15
    assert found.symbol == NEW
    assert found.cost == pytest.approx(15 * 100 * 8 / 1_000_000 * 365 / 114)
    assert found.ratio == pytest.approx(covered * 800 / 1_000_000, rel=1e-9)
    for words in ("15 of", f"{beta():.2f}", "strike 360", "2023-04-21", f"{found.cost:.2%} of equity a year"):
        assert words in found.reason
    assert number(put(replace(PUT, cover=0.5))) == math.floor(covered / 2)


def test_a_book_that_does_not_move_with_it_or_is_too_small_needs_none():
    against = closes()
    against[:, 1] = 100.0 * np.cumprod(np.r_[1.0, 1.0 - (against[1:, 0] / against[:-1, 0] - 1.0)])
    assert put(seen=shown(against), weights={"IEF": 1.0}).weight == 0
    small = put(weights={"SPY": 0.039})
    assert (small.weight, "less than a contract" in small.reason) == (0.0, True)
    assert number(put(weights={"SPY": 0.04})) == 1


@pytest.mark.parametrize(("ceiling", "bought"), [(0.0, 0), (0.0025, 0), (0.0026, 1), (0.01, 3), (0.0385, 15), (1.0, 15)])
def test_the_budget_cuts(ceiling, bought):
    """A contract is 800, or 0.256 % of equity a year."""
    found = put(replace(PUT, ceiling=ceiling))
    assert number(found) == bought
    assert found.cost <= ceiling
    assert ("cut from 15" in found.reason) == (bought < 15)


def test_the_ceiling_one_ulp_around_what_it_costs():
    cost = put(replace(PUT, ceiling=1.0, cover=0.34)).cost
    assert number(put(replace(PUT, ceiling=1.0, cover=0.34))) == 5
    for ceiling, bought in ((down(cost), 4), (cost, 5), (up(cost), 5), (math.nan, 0)):
        assert number(put(replace(PUT, ceiling=ceiling, cover=0.34))) == bought


@given(
    cover=some.floats(0, 2), ceiling=some.floats(0, 0.2), premium=some.decimals("0.10", "60", places=2), stock=some.floats(0, 1.2)
)
@settings(max_examples=60, deadline=None)
def test_no_more_than_asked_for_nor_than_it_may_cost(cover, ceiling, premium, stock):
    found = put(replace(PUT, cover=cover, ceiling=ceiling), str(premium), weights={"SPY": stock})
    contracts = number(found, float(premium))
    assert contracts == pytest.approx(round(contracts), abs=1e-9)
    assert 0 <= contracts <= cover * stock * 25 + 1e-6  # 1,000,000 / (100 x 400)
    assert found.cost <= ceiling
    one_more = (round(contracts) + 1) * 100 * float(premium) / 1e6
    assert round(contracts) + 1 > cover * stock * 25 - 1e-6 or one_more * 365 / 114 > ceiling


# --- without a quote --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "quotes",
    [
        {},
        {NEW: quote(NEW, None, None)},
        {NEW: quote(NEW, "8.10", "8.00")},
        {NEW: quote(NEW, "NaN", "8.00", "8.00")},
        {NEW: quote(NEW, "0", "0", "0")},
        {NEW: quote(NEW, "7.95", "8.05", currency="EUR")},
    ],
)
def test_no_put_is_planned_without_a_usable_quote(quotes):
    found = hedge(replace(scene(), quotes=quotes))[0]
    assert (found.weight, found.symbol) == (0.0, NEW)
    assert f"no quote of {NEW}" in found.reason


def test_too_little_history_buys_nothing_and_sells_nothing():
    young = closes()
    young[:-50] = np.nan
    assert put(seen=shown(young)).weight == 0
    kept = put(seen=shown(young), held={NEW: 7})
    assert number(kept) == 7
    assert "nobody can tell the beta" in kept.reason


# --- what is held -----------------------------------------------------------------------------------------------------
OLD = "SPY230217P00330000"  # 51 days left
END = date(2023, 2, 17)


def on(day: date, held=None, premium="8.00", **more):
    """The hedge at another session; the put to buy is then another one, quoted at `premium`."""
    seen = replace(shown(), session=day)
    (new,) = wanted_options(policy(hedges=(PUT,)), seen, {})
    return put(premium=premium, symbol=new, seen=seen, held={OLD: 15} if held is None else held, **more)


def test_a_put_that_is_held_is_kept_in_number():
    found = put(held={OLD: 15})
    assert found.symbol == OLD
    assert number(found, 5.0) == 15
    assert found.cost == pytest.approx(15 * 100 * 5 / 1e6 * 365 / 51)


@pytest.mark.parametrize(
    ("held", "covered", "after"),
    [
        (15, 15.0, 15),
        (15, 14.5, 15),
        (15, 14.49, 14),
        (15, 16.49, 15),
        (15, 16.51, 16),
        (1, 0.5, 1),
        (1, 0.49, 0),
        (15, 30.2, 30),
    ],
)
def test_less_than_half_a_contract_moves_nothing(held, covered, after):
    found = put(replace(PUT, ceiling=1.0), held={NEW: held}, weights={"SPY": covered / 25})
    assert number(found) == after


def test_the_budget_sells_nothing_and_limits_what_is_added():
    """After a fall a put is dear: that is what it was bought for."""
    kept = put(replace(PUT, ceiling=0.0), "60.00", held={NEW: 15})
    assert number(kept, 60.0) == 15
    added = put(replace(PUT, ceiling=17.5 * 800 / 1e6 * 365 / 114), held={NEW: 15}, weights={"SPY": 30 / 25})
    assert number(added) == 17
    assert added.cost <= added.ceiling


def test_what_time_does_not_take_away_costs_nothing():
    """Of 60 a share 40 are what exercise brings at 320: half of the time value of the rest is gone in half of the time."""
    found = put(premium="60.00", held={NEW: 15}, seen=shown(closes(last=320.0)))
    assert found.cost == pytest.approx(15 * 100 * 20 / 1e6 * 365 / 114)


@pytest.mark.parametrize(("left", "kept"), [(51, True), (22, True), (21, False), (6, False), (0, False)])
def test_it_is_rolled_21_days_before_its_expiry(left, kept):
    found = on(END - timedelta(days=left))
    assert (found.symbol == OLD) is kept
    assert number(found, 5.0 if kept else 8.0) == 15
    assert (f"in place of {OLD}" in found.reason) is not kept


@pytest.mark.parametrize(("left", "symbol", "contracts"), [(21, OLD, 15), (6, OLD, 15), (5, None, 0), (0, None, 0)])
def test_where_the_next_one_cannot_be_had_it_stays_but_not_into_its_last_days(left, symbol, contracts):
    found = on(END - timedelta(days=left), premium=None)
    assert number(found, 5.0) == contracts
    assert symbol is None or found.symbol == symbol


def test_a_put_bought_for_few_days_is_not_rolled_into_another_strike():
    short = replace(PUT, days=7)
    held = "SPY230120P00350000"  # 23 days left; at 14 the put to buy has the same expiry
    seen = replace(shown(), session=date(2023, 1, 6))
    found = put(short, symbol="SPY230120P00360000", seen=seen, held={held: 15})
    assert found.symbol == held


def test_a_roll_that_was_filled_in_part_is_finished():
    found = put(held={OLD: 7, NEW: 8})
    assert found.symbol == NEW
    assert number(found) == 15  # 8 are more than half a contract short; the old ones are no part of the wish
    assert held_put("SPY", {OLD: D(7), NEW: D(8), "SPY230616C00400000": D(9), "QQQ230616P00200000": D(1)}) == option_terms(NEW)


# --- another currency -------------------------------------------------------------------------------------------------
def test_strike_and_premium_are_in_the_underlying_s_own_money():
    seen = shown(closes(), rates={"EUR": np.full(700, 1.25)})  # 400 dollars are 320 euros: the strike is 285
    symbol = "SPY230421P00285000"
    asked = replace(policy(hedges=(PUT,)), currencies={"SPY": "EUR"})
    assert wanted_options(asked, seen, {}) == (symbol,)
    there = Scene(asked, seen, WEIGHTS, EQUITY, {symbol: quote(symbol, "7.95", "8.05", currency="EUR")})
    (found,) = hedge(there)
    assert found.weight == pytest.approx(15 * 100 * 8 * 1.25 / 1e6)
    rated = replace(there, rates={"EUR": Rate("EUR", D("1.30"), AS_OF, "broker")})
    assert hedge(rated)[0].weight == pytest.approx(14 * 100 * 8 * 1.30 / 1e6)
    without = replace(there, market=replace(seen, rates={}))
    assert hedge(without)[0].weight == 0


# --- a trial's price --------------------------------------------------------------------------------------------------
def test_a_model_s_quote_is_black_and_scholes_at_the_past_volatility():
    asked, panel = policy(hedges=(PUT,)), closes()
    steps = panel[-252:, 0] / panel[-253:-1, 0] - 1
    told = float(option_value(European("P", 360.0, 114 / 365), 400.0, np.std(steps, ddof=1) * math.sqrt(252)))
    found = model_quote(NEW, asked, shown())
    assert float(found.last) == pytest.approx(told, abs=0.005)
    assert (found.bid, found.ask, found.delayed, found.currency) == (None, None, True, "USD")
    young = closes()
    young[:-50] = np.nan
    assert model_quote(NEW, asked, shown(young)) is None
    assert model_quote(NEW, policy(), shown()) is None
    assert model_quote("SPY221216P00360000", asked, shown()) is None  # expired
    assert model_quote("SPY230421P00005000", asked, shown()).last == D("0.01")


# --- the whole decision -----------------------------------------------------------------------------------------------
def decided(positions=None, cash="1000000", *, day=SESSION, premium="8.00", **changes):
    seen = replace(shown(), session=day)
    asked = policy(hedges=(PUT,), **changes)
    quotes = {s: quote(s, str(D(p) - D("0.01")), str(D(p) + D("0.01"))) for s, p in (("SPY", 400), ("IEF", 100), ("GLD", 170))}
    options = wanted_options(asked, seen, {s: D(1) for s in positions or {}})
    quotes |= {s: quote(s, str(D(premium) - D("0.05")), str(D(premium) + D("0.05"))) for s in options}
    return decide(asked, seen, book(positions, cash, quotes=quotes), code_version="test")


def test_a_put_is_a_line_of_the_plan_and_makes_room_for_itself():
    found = decided()
    (line,) = [x for x in found.plan.lines if x.symbol == NEW]
    assert line.side is Side.BUY
    assert line.quantity == number(found.hedges[0]) == 14
    assert "the book's beta to SPY" in line.reason
    assert line.parts["hedge"] == pytest.approx(line.quantity, abs=1)
    assert set(line.parts) <= {"hedge", "rounding", "risk_limit"}
    assert sum(found.targets.values()) <= 0.99 + 1e-9


ROLLING = {"SPY": "1485", "IEF": "2970", "GLD": "582", OLD: "15"}


def test_near_its_expiry_it_is_rolled_without_waiting_for_a_rebalance():
    waits = decided(ROLLING, "5000", day=END - timedelta(days=6), premium="2.00")
    assert waits.status == "nothing to trade"  # a drift of a tenth of a per cent
    found = decided(ROLLING, "5000", day=END - timedelta(days=4), premium="2.00")
    sides = {x.symbol: x.side for x in found.plan.lines if option_terms(x.symbol)}
    assert sides[OLD] is Side.SELL
    assert Side.BUY in sides.values()
    assert "limit" in found.timing.why


# --- risk: the last days, and what is left out ------------------------------------------------------------------------
def there(premium="8.00", seen=None, **more) -> Situation:
    quotes = {NEW: quote(NEW, str(D(premium) - D("0.05")), str(D(premium) + D("0.05"))), "SPY": quote("SPY", "399.99", "400.01")}
    more = {"quotes": quotes, **more}
    return Situation(policy(), seen or shown(), TradingState.ACTIVE, (), EQUITY, **more)


@pytest.mark.parametrize(
    ("left", "action"), [(6, Action.PASS), (5, Action.DROP), (1, Action.DROP), (0, Action.DROP), (-1, Action.DROP)]
)
def test_no_option_is_held_into_the_days_before_its_expiry(left, action):
    when = there(seen=replace(shown(), session=END - timedelta(days=left)))
    for symbol in (OLD, "SPY230217C00420000"):
        (found,) = [v for v in judge({"SPY": 0.5, symbol: 0.01}, when) if v.rule == "expiry"]
        assert found.action is action
        assert (found.symbols == (symbol,)) is (action is Action.DROP)
    assert [v for v in judge({"SPY": 0.5, OLD: 0.0}, when) if v.rule == "expiry"] == []


def test_figures_leave_a_bought_put_out_and_say_so():
    rules = {v.rule: v for v in judge({"SPY": 0.6, NEW: 0.01}, there())}
    plain = {v.rule: v for v in judge({"SPY": 0.6}, there())}
    for name in ("value_at_risk", "conditional_value_at_risk"):
        assert rules[name].figure == plain[name].figure
        assert f"without what {NEW} would pay" in rules[name].reason
        assert "without" not in plain[name].reason
    assert look_back({"SPY": 0.6, NEW: 0.01}, shown(), 504).left_out == (NEW,)
    assert risk_profile({"SPY": 0.6, NEW: 0.01}, shown(), policy())["beta"] == pytest.approx(0.6)


def test_what_is_only_watched_has_a_past_too():
    seen = shown(watched={"HDG": closes()[:, 0] * 0.1})
    past = look_back({"SPY": 0.6, "HDG": -0.6}, seen, 504)
    assert past.why == ""
    assert np.abs(past.book).max() < 1e-12


# --- stress -----------------------------------------------------------------------------------------------------------
COVERED = {"SPY": 1.0, NEW: 8.0 / 400.0}  # a put a share


def one(scenario, weights, where) -> object:
    if not isinstance(scenario, Scenario):
        scenario = SCENARIOS[scenario] if isinstance(scenario, str) else Scenario("mine", "hand", tuple(scenario), "mine")
    (found,) = stresses({}, weights, where, [scenario])
    return found


@pytest.mark.parametrize("premium", ["2.00", "8.00", "20.00"])
@pytest.mark.parametrize("fall", [-0.2, -0.4, -0.8, -1.0])
def test_a_book_with_a_put_a_share_loses_the_way_to_the_strike_and_the_premium(premium, fall):
    paid = float(premium) / 400.0
    found = one([Shock("equities", fall)], {"SPY": 1.0, NEW: paid}, there(premium))
    assert found.after <= 0.10 + paid + 1e-4
    if fall < -0.5:  # so deep in the money it is worth what exercise brings
        assert found.after == pytest.approx(0.10 + paid, abs=1e-4)
    assert math.fsum(found.parts.values()) == pytest.approx(found.after, abs=1e-15)
    assert one([Shock("equities", fall)], {"SPY": 1.0}, there(premium)).after == pytest.approx(-fall)


def test_it_is_revalued_at_the_volatility_of_its_own_price():
    """By scipy: the volatility behind 8.00, and the value at 320 with it."""
    from scipy import optimize, stats

    years = 114 / 365

    def value(price, volatility):
        spread = volatility * math.sqrt(years)
        first = math.log(price / 360) / spread + spread / 2
        return 360 * stats.norm.cdf(spread - first) - price * stats.norm.cdf(-first)

    implied = optimize.brentq(lambda v: value(400.0, v) - 8.0, 0.01, 2.0)
    found = one("equities-20", COVERED, there())
    assert found.parts[NEW] == pytest.approx(-(value(320.0, implied) - 8.0) / 400.0, rel=1e-6)
    assert f"volatility of {implied:.1%}" in found.proxied[NEW]
    wild = one([Shock("volatility", 2.0), Shock("equities", -0.2)], COVERED, there())
    slope = 2 * 2.3378 * math.sqrt(10) * np.std(closes()[-504:, 0] / closes()[-505:-1, 0] - 1, ddof=1)
    assert wild.parts[NEW] == pytest.approx(-(value(400 * 0.8 * (1 - slope), 2 * implied) - 8.0) / 400.0, rel=1e-3)


def test_a_call_is_revalued_too_and_pays_nothing_in_a_fall():
    call = "SPY230421C00440000"
    where = there(quotes={call: quote(call, "7.95", "8.05"), "SPY": quote("SPY", "399.99", "400.01")})
    found = one("equities-40", {"SPY": 0.5, call: 0.02}, where)
    assert found.parts[call] == pytest.approx(0.02, abs=1e-5)
    assert one([Shock("equities", 0.3)], {call: 0.02}, where).after < -0.1


def test_the_largest_alone_and_the_doubled_volatility():
    assert one("single-name", COVERED, there()).after == pytest.approx(0.12, abs=1e-4)
    elsewhere = one("single-name", {"IEF": 0.5, "SPY": 0.4, NEW: 0.01}, there())
    assert elsewhere.parts == {"IEF": pytest.approx(0.3)}  # what it is on does not move
    bare, covered = (one("volatility-double", w, there()).after for w in ({"SPY": 1.0}, COVERED))
    assert covered < bare - 0.02


@pytest.mark.parametrize(
    ("where", "weights"),
    [
        (there(quotes={}), COVERED),
        (there(quotes={NEW: quote(NEW, "7.95", "8.05", currency="EUR")}), COVERED),
        (there(seen=shown(health={"SPY": "blocked"})), COVERED),
        (there(quotes={NEW: quote(NEW, "500", "501")}), COVERED),  # no volatility explains that
        (there(), {"SPY": 1.0, "QQQ230421P00200000": 0.02}),
    ],
)
def test_what_cannot_be_revalued_is_taken_to_expire_worthless(where, weights):
    for name in ("equities-40", "2020", "volatility-double"):
        found = one(name, weights, where)
        bare = one(name, {"SPY": 1.0}, where)
        assert found.after == pytest.approx(bare.after + 0.02)
        assert any("worthless" in how for how in found.proxied.values())


def test_in_a_thin_market_nobody_knows_what_an_option_is_sold_for():
    where = there(seen=shown(volumes={"SPY": 1e6}))
    assert one("low-liquidity", COVERED, where).parts[NEW] == pytest.approx(0.02)


def test_an_option_that_was_sold_stays_unknown():
    for name in set(SCENARIOS) - {"margin-double", "low-liquidity"}:
        assert one(name, {"SPY": 1.0, NEW: -0.02}, there()).after is None, name


def test_a_quote_below_what_exercise_brings_makes_no_gain():
    """A stale premium of 20 where exercise brings 60: it is counted as worth 60, so a fall of nothing brings nothing."""
    where = there("20.00", quotes={NEW: quote(NEW, "19.95", "20.05"), "SPY": quote("SPY", "299.99", "300.01")})
    assert one([Shock("equities", 0.0)], {"SPY": 1.0, NEW: 0.05}, where).after == pytest.approx(0.0, abs=1e-12)
    assert one([Shock("equities", -0.1)], {NEW: 0.06}, where).after == pytest.approx(-0.06 * 0.5)  # 90 instead of 60


def test_the_price_of_the_day_before_serves_where_the_underlying_is_not_quoted():
    quoted, closed = there(), there(quotes={NEW: quote(NEW, "7.95", "8.05")})
    assert one("equities-40", COVERED, quoted).after == pytest.approx(one("equities-40", COVERED, closed).after)


def test_an_underlying_that_is_not_held_moves_it_and_is_no_part_of_the_book():
    seen = shown()
    only = replace(seen, symbols=("IEF", "GLD"), closes=seen.closes[:, 1:], watched={"SPY": seen.closes[:, 0]})
    for where in (there(), there(seen=only)):
        found = one("equities-40", {"IEF": 0.5, NEW: 0.02}, where)
        assert set(found.parts) == {"IEF", NEW}
        assert found.parts[NEW] < -0.2
        assert "1 of 2 proxied" in found.sentence


@given(
    stock=some.floats(0.0, 1.0),
    other=some.floats(0.0, 1.0),
    paid=some.floats(0.0, 0.05),
    premium=some.decimals("0.20", "40", places=2),
)
@settings(max_examples=25, deadline=None)
def test_a_put_costs_its_premium_at_the_most_and_scales_with_the_book(stock, other, paid, premium):
    where = there(str(premium), seen=shown(volumes={"SPY": 1e9, "IEF": 1e9}))
    book = {"SPY": stock, "IEF": other, NEW: paid}
    told = stresses({s: w / 2 for s, w in book.items()}, book, where)
    bare = stresses({}, {"SPY": stock, "IEF": other}, where)
    for with_it, without in zip(told, bare, strict=True):
        if with_it.name == "margin-double":
            continue
        assert with_it.after <= without.after + paid + 1e-12, with_it.name
        assert with_it.after == pytest.approx(math.fsum(with_it.parts.values()), abs=1e-12)
        if with_it.name != "low-liquidity":
            assert with_it.before == pytest.approx(with_it.after / 2, abs=1e-12), with_it.name


def test_a_limit_on_a_stress_lets_a_covered_book_pass():
    limits = policy(
        risk={"stress": replace(policy().risk.stress, max_loss={"equities-40": 0.15}), "max_weight": 1.0, "max_gross": 1.1}
    )
    for weights, action in ((COVERED, Action.PASS), ({"SPY": 1.0}, Action.SCALE)):
        (found,) = [v for v in judge(weights, replace(there(), policy=limits)) if v.rule == "stress"]
        assert found.action is action


def test_a_put_gains_nothing_by_a_guess():
    """Nothing tells what IEF did in 2008, or does when equities fall, but that it may be an equity: a put on it stands still."""
    symbol = "IEF230421P00090000"
    blind = replace(shown(), benchmark=np.full(700, np.nan))
    where = there(seen=blind, quotes={symbol: quote(symbol, "0.95", "1.05")})
    for name in ("2008", "equities-40"):
        found = one(name, {"IEF": 0.5, symbol: 0.01}, where)
        assert found.parts["IEF"] > 0.15
        assert found.parts.get(symbol, 0.0) == pytest.approx(0.0, abs=1e-9)
        assert "equity of beta one" in found.proxied[symbol]
        assert one(name, {"IEF": -0.5}, where).after == 0.0  # nor does who sold it short
    bond = replace(where, policy=replace(where.policy, classes={"asset_class": {"IEF": "equities"}}))
    assert one("2008", {symbol: 0.01}, bond).after < -0.2


def test_the_page_says_what_the_code_says():
    whole = (Path(__file__).parents[2] / "docs" / "risk.md").read_text(encoding="utf-8")
    page = whole.split("## Protective puts", 1)[1]
    assert f"until {ROLL} days before" in page
    assert f"last {LAST_DAYS} days" in page
    table = page.split("```toml\n", 1)[1].split("```", 1)[0]
    (found,) = parse_policy(FIXED + table).hedges
    assert found == replace(PUT, name="put", ceiling=0.02)
    for key in ("moneyness", "days", "cover", "lookback"):
        assert re.search(rf"`{key}` \({getattr(found, key):.2f}|`{key}` \({getattr(found, key):g};", whole), key
