"""Hedges: how much of what, why, and never above what they may cost."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import HEDGED, D, book, market, policy, quote

from portfolio.decide import decide
from portfolio.errors import WrongUse
from portfolio.hedging import Scene, hedge, together
from portfolio.hedging.ratios import beta_ratio, minimum_variance_ratio
from portfolio.policy import parse_policy
from portfolio.types import HedgePolicy, MarginPolicy, Side

NAMES = ("SPY", "IEF", "GLD", "HDG")
MARGIN = MarginPolicy(benchmark_rate=0.04)
BETA = HedgePolicy("beta", "beta", "HDG", ceiling=0.02, target=0.3, max_weight=1.0)
VARIANCE = HedgePolicy("least", "minimum_variance", "HDG", ceiling=0.02)


def moved(seed: int = 1, days: int = 400, own: float = 0.004) -> np.ndarray:
    """Closes of SPY, IEF, GLD and HDG, which moves as SPY does, and some of its own."""
    rng = np.random.default_rng(seed)
    spy = rng.normal(0.0003, 0.01, days)
    rest = rng.normal(0.0, 0.006, (days, 2))
    hedge_returns = 0.9 * spy + rng.normal(0.0, own, days)
    steps = np.column_stack([spy, rest, hedge_returns])
    return 100 * np.vstack([np.ones(4), np.cumprod(1 + steps, axis=0)])


def scene(*hedges, weights=None, short: bool = True, closes=None, **more) -> Scene:
    closes = moved() if closes is None else closes
    shown = market(NAMES, closes, benchmark=more.pop("benchmark", closes[:, 0]))
    asked = policy(hedges=hedges, margin=MARGIN if short else None, **({"gate": {"allow_short": True}} if short else {}), **more)
    return Scene(asked, shown, {"SPY": 0.6, "IEF": 0.3, "GLD": 0.1} if weights is None else weights, D(100_000))


def returns(closes) -> np.ndarray:
    return closes[1:] / closes[:-1] - 1


def test_the_beta_left_is_the_target():
    (found,) = hedge(scene(BETA))
    closes = moved()
    steps = returns(closes)[-BETA.lookback :]
    hedged = steps @ np.array([0.6, 0.3, 0.1, found.weight])
    slope = np.polyfit(steps[:, 0], hedged, 1)[0]
    assert found.weight < 0
    assert slope == pytest.approx(0.3, abs=1e-9)
    assert "beta" in found.reason


def test_the_ratio_is_the_regression_s():
    """Ederington's ratio is the slope of the book on the instrument, negated: numpy's own regression says the same."""
    steps = returns(moved(3))
    mine, theirs = steps @ np.array([0.6, 0.3, 0.1, 0.0]), steps[:, 3]
    assert minimum_variance_ratio(mine, theirs) == pytest.approx(-np.polyfit(theirs, mine, 1)[0], rel=1e-9)


def test_hull_s_cross_hedge():
    """Hull, "Options, futures and other derivatives", example 3.3: with deviations 0.0263 and 0.0313 and a correlation of 0.928
    the ratio is 0.78. Two series made to have just these moments give it.
    """
    first = np.array([1.0, -1.0, 1.0, -1.0])
    second = np.array([1.0, 1.0, -1.0, -1.0])
    oil = 0.0313 * first
    fuel = 0.0263 * (0.928 * first + math.sqrt(1 - 0.928**2) * second)
    assert -minimum_variance_ratio(fuel, oil) == pytest.approx(0.78, abs=0.005)


@given(seed=some.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_no_other_weight_has_less_variance(seed):
    steps = returns(moved(seed, 120))
    mine, theirs = steps @ np.array([0.6, 0.3, 0.1, 0.0]), steps[:, 3]
    ratio = minimum_variance_ratio(mine, theirs)
    least = np.var(mine + ratio * theirs)
    assert all(least <= np.var(mine + (ratio + step) * theirs) + 1e-18 for step in (-0.1, -1e-3, 1e-3, 0.1))


@given(seed=some.integers(0, 10**6), most=some.floats(0, 1), ceiling=some.floats(0, 0.01))
@settings(max_examples=60, deadline=None)
def test_no_hedge_is_above_its_weight_or_costs_more_than_its_ceiling(seed, most, ceiling):
    closes = moved(seed % 7)
    hedges = [replace(one, max_weight=most, ceiling=ceiling) for one in (BETA, VARIANCE)]
    for found in hedge(scene(*hedges, closes=closes)):
        assert abs(found.weight) <= most + 1e-12
        assert found.cost <= ceiling + 1e-12
        assert abs(found.weight) <= abs(found.ratio) + 1e-12
        assert found.reason


def test_what_may_not_be_sold_short_is_not_hedged():
    (found,) = hedge(scene(BETA, short=False))
    assert found.weight == 0
    assert "allow_short" in found.reason


def test_an_inverse_fund_is_bought():
    closes = moved()
    inverse = closes.copy()
    inverse[1:, 3] = 100 * np.cumprod(1 - returns(closes)[:, 0])
    (found,) = hedge(scene(replace(BETA, max_weight=1.0), short=False, closes=inverse))
    book_beta, left = 0.6 + beta_rest(closes), found.weight / 0.99
    assert book_beta * (1 - left) - found.weight == pytest.approx(0.3, abs=1e-6)  # the book makes room for the fund


def beta_rest(closes) -> float:
    steps = returns(closes)[-BETA.lookback :]
    return np.polyfit(steps[:, 0], steps[:, 1] * 0.3 + steps[:, 2] * 0.1, 1)[0]


def test_a_bought_hedge_takes_its_room_from_the_rest():
    hedges = hedge(scene(HedgePolicy("t", "tail", "HDG", 0.05, weight=0.2, when="drawdown", threshold=0.0)))
    made = together({"SPY": 0.59, "IEF": 0.4}, hedges, 0.99)
    assert made["HDG"] == pytest.approx(0.2)
    assert sum(made.values()) == pytest.approx(0.99)


@pytest.mark.parametrize("closes", [np.full((400, 4), 100.0), moved(days=30)])
@pytest.mark.parametrize("kind", ["beta", "minimum_variance"])
def test_what_cannot_be_measured_is_no_hedge_and_says_why(closes, kind):
    (found,) = hedge(scene(replace(BETA, kind=kind), closes=closes))
    assert found.weight == 0
    assert "history" in found.reason or "move" in found.reason


def test_a_book_below_its_target_needs_no_hedge():
    (found,) = hedge(scene(replace(BETA, target=0.9)))
    assert found.weight == 0
    assert "not above" in found.reason


# --- tail hedges by rule ----------------------------------------------------------------------------------------------
CALM = 100 * np.cumprod(np.r_[1.0, np.tile([1.001, 0.9995], 200)])
FALLEN = np.r_[CALM, CALM[-1] * np.cumprod(np.full(30, 0.98))]


@pytest.mark.parametrize(
    ("when", "threshold", "closes", "there"),
    [
        ("volatility", 0.3, CALM, False),
        ("volatility", 0.005, CALM, True),
        ("drawdown", 0.1, CALM, False),
        ("drawdown", 0.1, FALLEN, True),
        ("trend", 0.0, CALM, False),
        ("trend", 0.0, FALLEN, True),
        ("volatility", 0.3, FALLEN[:10], True),  # unknown is no calm
        ("trend", 0.0, FALLEN[:10], True),
    ],
)
def test_a_tail_hedge_is_there_while_its_rule_holds(when, threshold, closes, there):
    panel = np.column_stack([closes] * 4)
    one = HedgePolicy("tail", "tail", "HDG", 0.05, weight=0.15, when=when, threshold=threshold)
    (found,) = hedge(scene(one, closes=panel))
    assert found.weight == (0.15 if there else 0.0)
    assert "benchmark" in found.reason


def test_the_edge_of_a_rule_is_calm():
    high = np.r_[np.full(300, 100.0), 90.0]
    drawdown = 1 - 90.0 / 100.0
    for threshold, weight in ((drawdown, 0.0), (np.nextafter(drawdown, 1), 0.0), (np.nextafter(drawdown, 0), 0.1)):
        one = HedgePolicy("tail", "tail", "HDG", 0.05, weight=0.1, when="drawdown", threshold=float(threshold))
        assert hedge(scene(one, closes=np.column_stack([high] * 4)))[0].weight == weight


# --- a currency -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "owed"), [(0.0, 0.9), (0.5, 0.45), (1.0, 0.0)])
def test_a_currency_is_owed_but_for_what_stays_open(target, owed):
    one = HedgePolicy("dollars", "currency", "USD", ceiling=1.0, target=target)
    shown = scene(one)
    shown = replace(shown, policy=replace(shown.policy, base_currency="EUR", currencies={"SPY": "USD", "IEF": "USD"}))
    (found,) = hedge(shown)
    assert found.weight == pytest.approx(-owed)
    assert found.cost == pytest.approx(owed * (0.04 + 0.015))


def test_the_ceiling_cuts_a_currency_hedge():
    one = HedgePolicy("dollars", "currency", "USD", ceiling=0.011, target=0.0)
    shown = scene(one)
    shown = replace(shown, policy=replace(shown.policy, base_currency="EUR", currencies={"SPY": "USD", "IEF": "USD"}))
    (found,) = hedge(shown)
    assert found.weight == pytest.approx(-0.2)
    assert "ceiling" in found.reason


# --- the whole decision, and the policy's table -----------------------------------------------------------------------


def test_a_hedge_is_a_line_of_the_plan_with_its_reason():
    closes = moved()
    asked = parse_policy(HEDGED)
    shown = market(NAMES, closes, benchmark=closes[:, 0])
    found = decide(asked, shown, book(quotes={s: quote(s) for s in NAMES}, symbols=NAMES), code_version="test")
    (line,) = [x for x in found.plan.lines if x.symbol == "HDG"]
    assert line.side is Side.SELL
    assert "half: the book's beta" in line.reason
    assert line.parts["hedge"] < 0
    assert set(line.parts) <= {"hedge", "rounding"}
    assert found.hedges[0].weight == pytest.approx(float(line.signed * 100) / 100_000, abs=0.002)
    assert found.risk_after["beta"] == pytest.approx(0.3, abs=0.04)  # over twice as many sessions, and cut by its max_weight


def test_a_hedge_that_is_held_already_is_no_trade():
    closes = moved()
    asked = parse_policy(HEDGED)
    shown = market(NAMES, closes, benchmark=closes[:, 0])
    quotes = {s: quote(s) for s in NAMES}
    first = decide(asked, shown, book(quotes=quotes, symbols=NAMES), code_version="test")
    positions = {x.symbol: x.signed for x in first.plan.lines}
    cash = D(100_000) - sum(x.signed * x.price for x in first.plan.lines)
    again = decide(asked, shown, book(positions, str(cash), quotes=quotes, symbols=NAMES), code_version="test")
    assert again.status == "nothing to trade"
    assert again.current["HDG"] < 0


@pytest.mark.parametrize(
    ("line", "instead", "words"),
    [
        ('kind = "beta"\nname', 'kind = "gamma"\nname', "gamma"),
        ('instrument = "HDG"', 'instrument = "SPY"', "instrument of its own"),
        ("target = 0.3", "taget = 0.3", "target"),
        ("ceiling = 0.01", "", "ceiling"),
        ('benchmark = "SPY"\n', "", "benchmark"),
        ('kind = "beta"\nname', 'kind = "tail"\nname', "when"),
        ('instrument = "HDG"', 'instrument = "hdg"', "symbol"),
        ("benchmark_rate = 0.04", "", "benchmark_rate"),
    ],
)
def test_a_wrong_hedge_is_refused_by_name(line, instead, words):
    assert line in HEDGED
    with pytest.raises(WrongUse) as refused:
        parse_policy(HEDGED.replace(line, instead))
    assert words in str(refused.value)


def test_two_hedges_have_two_names():
    twice = HEDGED + HEDGED[HEDGED.index("[[hedge]]") :]
    with pytest.raises(WrongUse, match="called half"):
        parse_policy(twice)


def test_beta_ratio_of_nothing_is_no_number():
    assert all(math.isnan(x) for x in beta_ratio(np.zeros(5), np.ones(5), np.zeros(5), 0.0))
