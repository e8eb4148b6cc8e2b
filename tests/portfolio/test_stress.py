"""What a book would lose: each scenario against figures worked out elsewhere, and the laws that all of them keep."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import AS_OF, down, policy, up, walk

from portfolio.market import Market
from portfolio.risk import Situation, apply_verdicts
from portfolio.risk.stress import SCENARIOS, Scenario, stress_rules, stresses
from portfolio.risk.stress.episodes import CLASSES, EPISODES, class_of
from portfolio.risk.stress.scenarios import Shock
from portfolio.types import Action, CostPolicy, Health, LiquidityPolicy, MarginPolicy, StressPolicy, TradingState

NAN = float("nan")
SESSION = date(2022, 12, 28)
DAYS = np.busday_offset("2022-12-27", np.arange(-4200 + 1, 1), roll="backward").astype("datetime64[D]")  # from 2006 on
NAMES = ("AAA", "BBB", "CCC", "DDD")
VOLUMES = {"AAA": 1e6, "BBB": 2e5, "CCC": 5e4, "DDD": 1e7}


def world(closes=None, *, classes=None, limits=None, margin=None, health=None, benchmark=True, **risk):
    """A situation of four names with closes since 2006, each on a beta of its own to the benchmark."""
    closes = full() if closes is None else closes
    health = {s: Health(h) for s, h in (health or {}).items()}
    its = index() if benchmark else np.full(len(DAYS), np.nan)
    market = Market(AS_OF, SESSION, 17, NAMES, DAYS, closes, its, health, volumes=VOLUMES)
    rules = policy(risk={"stress": StressPolicy(limits or {}), **risk})
    rules = replace(rules, symbols=NAMES, classes=classes or {}, margin=margin)
    return Situation(rules, market, TradingState.ACTIVE, (), Decimal(1_000_000))


def index():
    return walk(1, len(DAYS), seed=1, size=0.01)[:, 0]


def full():
    its = index()[1:] / index()[:-1] - 1
    own = np.random.default_rng(2).normal(0, 0.006, (len(DAYS) - 1, len(NAMES)))
    return 50.0 * np.vstack([np.ones(len(NAMES)), np.cumprod(1 + np.outer(its, [1.2, 0.8, -0.3, 0.5]) + own, axis=0)])


def one(scenario, weights, there):
    """The result of one scenario, by its name or by its shocks, on `weights` decided and nothing held."""
    if not isinstance(scenario, Scenario):
        scenario = SCENARIOS[scenario] if isinstance(scenario, str) else Scenario("mine", "hand", tuple(scenario), "mine")
    (found,) = stresses({}, weights, there, [scenario])
    return found


# --- history -----------------------------------------------------------------------------------------------------


def test_there_are_the_episodes_and_the_shocks_that_the_field_talks_of():
    told = {"1987", "1998", "2000-02", "2008", "2010-05-06", "2011", "2015-08", "2018-02", "2020", "2022"}
    assert set(EPISODES) == told
    more = {"equities-20", "equities-40", "rates-up", "correlation-one", "volatility-double", "single-name", "low-liquidity"}
    assert set(SCENARIOS) == told | more | {"margin-double"}
    assert len(stresses({}, {"AAA": 1.0}, world())) == len(SCENARIOS)


def test_a_history_of_its_own_is_used_from_close_to_close_on_the_same_dates():
    closes = full()
    for name in ("2008", "2011", "2015-08", "2018-02", "2020", "2022"):
        start, end = (int(np.flatnonzero(np.datetime64(d) == DAYS)[0]) for d in (EPISODES[name].start, EPISODES[name].trough))
        found = one(name, {"AAA": 0.5, "CCC": -0.2}, world(closes))
        own = closes[end] / closes[start] - 1
        assert found.after == pytest.approx(-0.5 * own[0] + 0.2 * own[2], abs=1e-14)
        assert found.proxied == {}
        assert found.before == 0.0


def test_a_close_that_is_missing_on_the_day_is_filled_in_from_the_days_before():
    closes = full()
    end = int(np.flatnonzero(np.datetime64(EPISODES["2020"].trough) == DAYS)[0])
    gap = closes.copy()
    gap[end, 0] = NAN
    found = one("2020", {"AAA": 1.0}, world(gap))
    start = int(np.flatnonzero(np.datetime64(EPISODES["2020"].start) == DAYS)[0])
    assert found.after == pytest.approx(1 - closes[end - 1, 0] / closes[start, 0])
    assert found.proxied == {}
    gap[end - 8 : end + 1, 0] = NAN  # longer ago it is no close of that day
    assert "AAA" in one("2020", {"AAA": 1.0}, world(gap)).proxied


def young(column=1):
    closes = full()
    closes[:-300, column] = NAN
    return closes


def test_who_has_no_history_is_proxied_by_class_then_by_beta_then_as_the_index_and_is_named():
    weights = {"BBB": 1.0}
    by_class = one("2008", weights, world(young(), classes={"asset_class": {"BBB": "Long Treasuries"}}))
    assert by_class.after == pytest.approx(-0.251)
    assert "long treasuries" in by_class.proxied["BBB"]
    its, mine = (x[-300:][1:] / x[-300:][:-1] - 1 for x in (index(), young()[:, 1]))
    beta = np.polyfit(its, mine, 1)[0]
    start, end = (int(np.flatnonzero(np.datetime64(d) == DAYS)[0]) for d in (EPISODES["2008"].start, EPISODES["2008"].trough))
    benchmark = index()[end] / index()[start] - 1
    for classes in ({}, {"asset_class": {"BBB": "crypto"}}, {"asset_class": {"AAA": "gold"}}):
        by_beta = one("2008", weights, world(young(), classes=classes))
        assert by_beta.after == pytest.approx(-max(beta * benchmark, -1), abs=1e-12)
        assert "beta" in by_beta.proxied["BBB"]
    blind = one("2008", weights, world(young(), benchmark=False))
    assert blind.after == pytest.approx(0.568)
    assert "beta one" in blind.proxied["BBB"]


def test_a_class_without_a_figure_of_that_time_falls_back_to_beta():
    found = one("1987", {"BBB": 1.0}, world(classes={"asset_class": {"BBB": "high_yield"}}))
    assert "S&P 500" in found.proxied["BBB"]
    assert found.after == pytest.approx(0.335)


def test_what_stood_in_no_close_is_taken_from_the_table_alone():
    found = one("2010-05-06", {"AAA": 0.6, "BBB": 0.4}, world(classes={"asset_class": {"AAA": "equity", "BBB": "gold"}}))
    assert found.after == pytest.approx(0.6 * 0.086 - 0.4 * 0.030)
    assert set(found.proxied) == {"AAA", "BBB"}


def test_closes_of_a_blocked_symbol_are_not_believed():
    healthy, sick = (one("2008", {"AAA": 1.0}, world(health=h)) for h in ({}, {"AAA": "blocked"}))
    assert healthy.proxied == {}
    assert "AAA" in sick.proxied
    assert one("2008", {"AAA": 1.0}, world(health={"AAA": "suspect"})).after == healthy.after


def test_a_symbol_that_the_market_does_not_know_is_proxied_too():
    assert one("2008", {"ZZZ": 1.0}, world()).after == pytest.approx(0.568)


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        *((c, c) for c in CLASSES),
        ("Equity", "equities"),
        ("US Equity", "equities"),
        ("bonds", "bonds"),
        ("Government-Bonds", "treasuries"),
        ("Long Treasuries", "long_treasuries"),
        ("T-bills", "cash"),
        ("REITs", "real_estate"),
        ("Commodity", "commodities"),
        ("TIPS", "inflation_linked"),
        ("High Yield", "high_yield"),
        ("crypto", None),
        ("", None),
    ],
)
def test_a_policys_own_word_for_a_class(word, ours):
    assert class_of(word) == ours


# --- shocks ------------------------------------------------------------------------------------------------------


def betas():
    """Of each name over the policy's 504 sessions, by numpy's own regression."""
    closes, its = full()[-505:], index()[-505:]
    return [np.polyfit(its[1:] / its[:-1] - 1, c[1:] / c[:-1] - 1, 1)[0] for c in closes.T]


def test_equities_fall_by_each_ones_beta_and_a_negative_beta_helps_nobody():
    b = betas()
    assert b[2] < 0 < b[3]
    found = one("equities-20", dict.fromkeys(NAMES, 0.25), world())
    assert found.parts == pytest.approx({s: 0.25 * 0.2 * x for s, x in zip(NAMES, b, strict=True) if s != "CCC"}, abs=1e-12)
    assert one("equities-40", {"AAA": 0.5}, world()).after == pytest.approx(0.5 * 0.4 * b[0])
    assert one("equities-40", {"AAA": -0.5}, world()).after == pytest.approx(-0.5 * 0.4 * b[0])  # a short hedge helps
    assert one("equities-20", {"CCC": -1.0}, world()).after == pytest.approx(-b[2] * 0.2)  # it rises, and is sold short
    assert one([Shock("equities", -1.0)], {"AAA": 1.0}, world()).after == 1.0  # nothing falls below nothing


def test_equities_where_there_is_no_beta():
    classes = {"asset_class": {"AAA": "Equity", "BBB": "Treasuries", "CCC": "cash"}}
    found = one("equities-20", dict.fromkeys(NAMES, 0.25), world(classes=classes, benchmark=False))
    assert found.parts == pytest.approx({"AAA": 0.05, "DDD": 0.05})
    assert set(found.proxied) == {"AAA", "BBB", "DDD"}


def test_rates_move_bonds_by_their_duration_and_equities_as_in_2022():
    classes = {"asset_class": {"AAA": "long_treasuries", "BBB": "bonds", "CCC": "gold", "DDD": "equities"}}
    there = world(classes=classes | {"duration": {"BBB": "3.5"}})
    found = one("rates-up", {"AAA": 0.2, "BBB": 0.3, "CCC": 0.1, "DDD": 0.4}, there)
    equities = 0.254 / 2.28 * 2 * betas()[3]
    assert found.parts == pytest.approx({"AAA": 0.2 * 17.4 * 0.02, "BBB": 0.3 * 3.5 * 0.02, "DDD": 0.4 * equities}, abs=1e-12)
    assert one([Shock("rates", -0.01)], {"AAA": 1.0}, there).after == pytest.approx(-0.174)


def test_who_has_no_class_loses_the_worse_of_beta_and_2022_when_rates_rise():
    start, end = (int(np.flatnonzero(np.datetime64(d) == DAYS)[0]) for d in (EPISODES["2022"].start, EPISODES["2022"].trough))
    own = (full()[end] / full()[start] - 1) * 2 / 2.28
    equities = -0.254 / 2.28 * 2
    for i, name in enumerate(NAMES):
        by_beta = equities * betas()[i]
        assert one("rates-up", {name: 1.0}, world()).after == pytest.approx(-min(own[i], by_beta, by_beta if by_beta < 0 else 0))
        assert one("rates-up", {name: -1.0}, world()).after == pytest.approx(max(own[i], by_beta))


def covariance(names=NAMES):
    closes = full()[-505:][:, [NAMES.index(n) for n in names]]
    return np.cov(closes[1:] / closes[:-1] - 1, rowvar=False)


def test_the_tail_is_the_shortfall_of_the_changed_covariance():
    from scipy import stats

    w = np.array([0.5, 0.3, -0.1, 0.2])
    weights, s = dict(zip(NAMES, w, strict=True)), covariance()
    shortfall = -stats.norm.expect(lambda x: x, ub=stats.norm.ppf(0.025)) / 0.025 * math.sqrt(10)
    assert one("volatility-double", weights, world()).after == pytest.approx(2 * shortfall * math.sqrt(w @ s @ w), rel=1e-9)
    together = abs(w @ np.sqrt(np.diag(s)))
    assert one("correlation-one", weights, world()).after == pytest.approx(shortfall * together, rel=1e-9)
    half = math.sqrt(0.5 * w @ s @ w + 0.5 * together**2)
    both = [Shock("correlation", 0.5), Shock("volatility", 3.0)]
    assert one(both, weights, world()).after == pytest.approx(3 * shortfall * half, rel=1e-9)
    days = one([Shock("days", 3.0)], weights, world()).after
    assert days == pytest.approx(stats.norm.ppf(0.99) * math.sqrt(3 * w @ s @ w), rel=1e-9)


def test_a_tail_without_sessions_is_unknown_and_a_young_name_moves_as_the_benchmark():
    closes = full()
    closes[:-40] = NAN
    assert one("volatility-double", {"AAA": 1.0}, world(closes, benchmark=False)).after is None
    closes = full()
    closes[:-40, 1] = NAN
    found = one("volatility-double", {"BBB": 1.0}, world(closes))
    its = index()[-505:]
    assert found.after == pytest.approx(2 * 2.3378 * math.sqrt(10) * (its[1:] / its[:-1] - 1).std(ddof=1), rel=1e-4)
    assert found.proxied == {"BBB": "moves as the benchmark: too young"}


def test_the_largest_position_falls_whoever_it_is():
    assert one("single-name", {"AAA": 0.3, "BBB": 0.5, "CCC": 0.2}, world()).parts == {"BBB": pytest.approx(0.3)}
    assert one("single-name", {"AAA": 0.3, "BBB": -0.5}, world()).parts == {"BBB": pytest.approx(0.3)}


def test_getting_out_of_a_thin_market_costs_spread_and_impact_and_the_days_in_it():
    costs = CostPolicy(half_spread=0.001, impact=0.8)
    there = world(liquidity=LiquidityPolicy(participation=0.1))
    there = replace(there, policy=replace(there.policy, costs=costs))
    weights, price = {"AAA": 0.4, "CCC": 0.2}, full()[-1]
    s = covariance(("AAA", "CCC"))
    shares = [0.4e6 / price[0], 0.2e6 / price[2]]
    cost = [
        w * (5 * 0.001 + 0.8 * math.sqrt(s[i, i]) * math.sqrt(n / (0.2 * v)))
        for i, (w, n, v) in enumerate(zip([0.4, 0.2], shares, [1e6, 5e4], strict=True))
    ]
    w = np.array([0.4, 0.2])
    found = one("low-liquidity", weights, there)
    assert found.after == pytest.approx(sum(cost) + 2.3263478740408408 * math.sqrt(3 * w @ s @ w), rel=1e-9)
    slowest = max(shares[0] / (0.1 * 0.2 * 1e6), shares[1] / (0.1 * 0.2 * 5e4))
    assert f"{slowest:.1f} days at 10%" in found.sentence


def test_without_a_volume_low_liquidity_is_unknown_and_says_of_whom():
    there = world()
    silent = replace(there, market=replace(there.market, volumes={"AAA": 1e6}))
    found = one("low-liquidity", {"AAA": 0.5, "BBB": 0.5}, silent)
    assert found.after is None
    assert "the volume of BBB" in found.sentence
    assert one("low-liquidity", {"AAA": 0.5}, silent).after is not None


def test_the_margin_doubled_asks_for_a_share_of_the_book():
    """What is left after selling that share just meets the doubled requirement."""
    weights, margin = {"AAA": 1.5, "BBB": 0.6, "CCC": -0.4}, MarginPolicy(maintenance=0.25, short_maintenance=0.30)
    found = one("margin-double", weights, world(margin=margin))
    share = found.after
    needs = 2 * (0.25 * 2.1 + 0.30 * 0.4)
    assert share == pytest.approx(1 - 1 / needs)
    assert needs * (1 - share) == pytest.approx(1.0)
    assert one("margin-double", {"AAA": 1.9}, world(margin=margin)).after == 0.0
    free = one("margin-double", weights, world())
    assert free.after == 0.0
    assert "no loan, nothing is called" in free.sentence


def test_a_groups_shock_and_a_symbols_replace_the_wider_one():
    classes = {"sector": {"AAA": "tech", "BBB": "tech"}}
    shocks = [Shock("symbol", -0.6, "AAA"), Shock("equities", -0.2), Shock("group", -0.3, "sector.tech")]
    found = one(shocks, {"AAA": 0.2, "BBB": 0.3, "DDD": 0.5}, world(classes=classes))
    assert found.parts == pytest.approx({"AAA": 0.12, "BBB": 0.09, "DDD": 0.5 * 0.2 * betas()[3]})


def test_shocks_to_prices_compound():
    first, second = (one([Shock("equities", x)], {"AAA": 1.0}, world()).after for x in (-0.2, -0.1))
    both = one([Shock("equities", -0.2), Shock("equities", -0.1)], {"AAA": 1.0}, world()).after
    assert 1 - both == pytest.approx((1 - first) * (1 - second))


PUT = "SPY230120P00360000"


def test_an_option_is_taken_to_expire_worthless_and_a_sold_one_cannot_be_told():
    for name in set(SCENARIOS) - {"margin-double"}:
        plain, hedged = (one(name, {"AAA": 0.5} | more, world()) for more in ({}, {PUT: 0.01}))
        assert hedged.after == pytest.approx(plain.after + 0.01)
        assert "worthless" in hedged.proxied[PUT]
        assert one(name, {PUT: -0.01}, world()).after is None


def test_a_currency_has_the_history_of_its_rates():
    there = world()
    rates = 1.1 * walk(1, len(DAYS), seed=5, size=0.004)[:, 0] / 100
    known = replace(there, market=replace(there.market, rates={"EUR": rates}))
    start, end = (int(np.flatnonzero(np.datetime64(d) == DAYS)[0]) for d in (EPISODES["2008"].start, EPISODES["2008"].trough))
    assert one("2008", {"EUR.USD": -0.3}, known).after == pytest.approx(0.3 * (rates[end] / rates[start] - 1))
    assert one("2008", {"EUR.USD": -0.3}, known).proxied == {}
    owed = one("2008", {"EUR": -0.3}, known)  # a balance, as a currency hedge asks for it
    assert owed.after == one("2008", {"EUR.USD": -0.3}, known).after
    assert one("single-name", {"EUR": -0.9, "AAA": 0.5}, known).parts == {"AAA": pytest.approx(0.3)}
    assert (
        one("margin-double", {"EUR": -9.0, "AAA": 1.9}, replace(known, policy=replace(known.policy, margin=MarginPolicy()))).after
        == 0
    )
    assert one("low-liquidity", {"EUR": -0.3}, known).after < 0.01
    blind = one("2008", {"EUR.USD": -0.3}, there)
    assert blind.after == 0.0
    assert "EUR.USD" in blind.proxied


# --- laws --------------------------------------------------------------------------------------------------------

THERE = world(young(), classes={"asset_class": {"CCC": "gold", "DDD": "bonds"}}, margin=MarginPolicy())
WEIGHTS = some.fixed_dictionaries({s: some.floats(-1.0, 2.0).map(lambda x: round(x, 6)) for s in NAMES})
PRICED = [s for s in SCENARIOS.values() if s.name not in {"low-liquidity", "margin-double"}]


@given(weights=WEIGHTS)
@settings(max_examples=40, deadline=None)
def test_parts_add_up_to_the_loss_and_the_order_of_symbols_changes_nothing(weights):
    found = stresses(weights, weights, THERE)
    for result in found:
        assert result.after == pytest.approx(math.fsum(result.parts.values()), abs=1e-12)
        assert result.before == result.after
    assert stresses(weights, dict(reversed(weights.items())), THERE) == found


@given(weights=WEIGHTS, scale=some.floats(0.0, 1.0))
@settings(max_examples=40, deadline=None)
def test_scaling_the_book_scales_the_loss(weights, scale):
    small = {s: w * scale for s, w in weights.items()}
    for whole, part in zip(stresses({}, weights, THERE), stresses({}, small, THERE), strict=True):
        if SCENARIOS[whole.name] in PRICED:
            assert part.after == pytest.approx(scale * whole.after, abs=1e-12), whole.name
        elif whole.name == "margin-double":  # the share to be sold, of the smaller book: 1 - 1 / requirement is no multiple of it
            assert part.after <= whole.after, whole.name
        else:  # getting out of less costs less a share
            assert part.after <= scale * whole.after + 1e-12, whole.name


def test_whatever_falls_on_a_position_falls_on_what_the_shocks_before_it_left():
    """Half is lost, then 60 % of the rest: a fifth is left. Of nothing no tail takes more."""
    weights = {"AAA": 0.5, "CCC": 0.1}
    assert one([Shock("symbol", -0.5, "AAA"), Shock("largest", -0.6)], weights, THERE).after == pytest.approx(0.5 * 0.8)
    gone = one([Shock("symbol", -1.0, "AAA"), Shock("volatility", 5.0)], weights, THERE)
    assert gone.parts["AAA"] == pytest.approx(0.5)
    assert gone.parts["CCC"] == pytest.approx(one([Shock("volatility", 5.0)], {"CCC": 0.1}, THERE).after)


def test_the_limit_of_a_single_name_cuts_that_name_and_nobody_else():
    there = world(limits={"single-name": 0.12})
    told = stress_rules({"AAA": 0.5, "BBB": 0.25, "CCC": 0.1}, there)
    assert {v.symbols[0]: v.scale for v in told} == pytest.approx({"AAA": 0.4, "BBB": 0.8})
    cut = apply_verdicts({"AAA": 0.5, "BBB": 0.25, "CCC": 0.1}, {}, told)
    assert cut == pytest.approx({"AAA": 0.2, "BBB": 0.2, "CCC": 0.1})
    assert [v.action for v in stress_rules(cut, there)] == [Action.PASS]


def test_a_scenario_that_cannot_be_told_hides_none_that_can():
    there = world(limits={"single-name": 0.4, "low-liquidity": 0.5})
    silent = replace(there, market=replace(there.market, volumes={}))
    told = {v.of: (v.action, v.used) for v in stress_rules({"AAA": 0.5}, silent)}
    assert told["single-name"] == (Action.PASS, pytest.approx(0.75))
    assert told["low-liquidity"][0] is Action.WARN


def test_an_empty_book_loses_nothing():
    for book in ({}, dict.fromkeys(NAMES, 0.0)):
        assert {r.after for r in stresses(book, book, THERE)} == {0.0}
        assert all(r.proxied == {} for r in stresses(book, book, THERE))


@given(weights=WEIGHTS)
@settings(max_examples=20, deadline=None)
def test_nobody_with_a_whole_history_is_proxied(weights):
    for result in stresses({}, weights, THERE):
        if result.kind == "history" and result.name not in {
            "1987",
            "1998",
            "2000-02",
            "2010-05-06",
        }:  # before 2006, or in no close
            assert set(result.proxied) <= {"BBB"}, result.name


@pytest.mark.parametrize("bad", [NAN, float("inf"), float("-inf")])
def test_a_weight_that_is_no_number_is_never_a_loss(bad):
    assert {r.after for r in stresses({}, {"AAA": bad, "BBB": 0.1}, THERE)} == {None}


# --- limits ------------------------------------------------------------------------------------------------------

LIMITED = ("2008", "equities-40", "rates-up", "volatility-double", "low-liquidity", "margin-double")
BOOK = {"AAA": 1.2, "BBB": 0.9, "DDD": 0.5}


def limited(name, limit, **more):
    return world(limits={name: limit}, margin=MarginPolicy(), **more)


@pytest.mark.parametrize("name", LIMITED)
def test_a_limit_one_ulp_around_the_loss(name):
    loss = stress_rules(BOOK, limited(name, 1.0))[0].figure
    assert loss == pytest.approx(one(name, BOOK, limited(name, 1.0)).after, abs=1e-14)
    assert loss > 0
    edge = loss - 1e-12  # the last bits of a scaled book are forgiven, nothing more
    for limit, action in [(up(loss), Action.PASS), (loss, Action.PASS), (down(loss), Action.PASS), (edge - 1e-14, Action.SCALE)]:
        (found,) = stress_rules(BOOK, limited(name, limit))
        assert (found.rule, found.action) == ("stress", action), limit
        assert found.figure == loss
        assert found.limit == limit


@pytest.mark.parametrize("name", LIMITED)
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_a_scaled_book_is_within_its_limit(name, share):
    limit = share * one(name, BOOK, limited(name, 1.0)).after
    there = limited(name, limit)
    (found,) = stress_rules(BOOK, there)
    assert found.action is Action.SCALE
    left = apply_verdicts(BOOK, {}, [found])
    assert one(name, left, there).after <= limit + 1e-12
    assert [v.action for v in stress_rules(left, there)] == [Action.PASS]


@pytest.mark.parametrize(("word", "action"), [("warn", Action.WARN), ("block", Action.BLOCK)])
def test_a_loss_that_cannot_be_told_is_no_pass(word, action):
    there = limited("low-liquidity", 0.5, unknown=word)
    silent = replace(there, market=replace(there.market, volumes={}))
    (found,) = stress_rules(BOOK, silent)
    assert found.action is action
    assert "unknown: low-liquidity: nobody says the volume" in found.reason
    (found,) = stress_rules({"AAA": NAN}, limited("2008", 0.5, unknown=word))
    assert found.action is action


def test_any_is_the_limit_of_every_loss_without_its_own():
    there = world(limits={"any": 0.3, "2008": 1.0}, margin=MarginPolicy())
    told = {r.name: r.limit for r in stresses({}, BOOK, there)}
    assert told == dict.fromkeys(SCENARIOS, 0.3) | {"2008": 1.0, "margin-double": None}
    over = {name for name, limit in told.items() if limit and one(name, BOOK, there).after > limit + 1e-12}
    assert {v.reason.split(" ")[0] for v in stress_rules(BOOK, there) if v.action is Action.SCALE} == over
    assert len(over) > 2
    assert stress_rules(BOOK, world()) == []


def test_the_rule_that_passes_names_the_scenario_that_uses_most_of_its_limit():
    (found,) = stress_rules({"AAA": 0.1}, world(limits={"any": 0.9, "equities-40": 0.2}))
    assert found.action is Action.PASS
    used = {
        r.name: r.after / r.limit for r in stresses({}, {"AAA": 0.1}, world(limits={"any": 0.9, "equities-40": 0.2})) if r.limit
    }
    assert found.reason.startswith(max(used, key=used.get))
    assert found.used == pytest.approx(max(used.values()))
