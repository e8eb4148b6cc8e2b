"""Each rule at its limit and one ulp around it, and the laws of putting verdicts together."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import down, market, policy, up, verdict, walk

from portfolio.market import Market
from portfolio.measures import conditional_value_at_risk, value_at_risk
from portfolio.risk import Situation, apply_verdicts, blocked, judge, risk_profile
from portfolio.risk.apply import frozen
from portfolio.risk.data import data_health, freshness
from portfolio.risk.exposure import finite_weights, long_only, max_gross, max_weight
from portfolio.risk.limits import ROUNDING, within
from portfolio.risk.liquidity import liquidity
from portfolio.risk.past import MINIMUM_DAYS, look_back, portfolio_returns
from portfolio.risk.tail import tail_rules
from portfolio.types import Action, Declaration, TailLimit, TradingState

NAN = float("nan")
WEIGHTS = {"SPY": 0.6, "IEF": 0.3, "GLD": 0.09}
SESSION = date(2022, 12, 28)


def risk(**changes):
    return policy(risk=changes)


def situation(shown: Market | None = None, rules=None, hedging=None) -> Situation:
    return Situation(rules or risk(), shown or market(), TradingState.ACTIVE, (), Decimal(100_000), hedging=hedging or {})


def tails(weights, shown, rules):
    return tail_rules(look_back(weights, shown, rules.risk.lookback), rules)


def test_a_figure_is_within_only_if_finite_and_at_most_the_limit():
    assert within(1.0, 1.0)
    assert within(down(1.0), 1.0)
    assert not within(up(1.0), 1.0)
    assert not any(within(bad, 1.0) for bad in (NAN, float("inf"), float("-inf")))
    assert not within(0.5, NAN)


# --- weights alone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0.1, 0.65, 1 / 3])
def test_max_weight_at_its_limit(limit):
    """An optimizer's last bits (1e-9 of a weight) are forgiven, nothing more."""
    edge = limit + ROUNDING
    rules = risk(max_weight=limit).risk
    for weight in (limit, up(limit), down(limit), edge, down(edge)):
        assert [v.action for v in max_weight({"SPY": weight}, rules)] == [Action.PASS], weight
    (over,) = max_weight({"SPY": up(edge), "IEF": limit}, rules)
    assert (over.action, over.symbols) == (Action.SCALE, ("SPY",))
    assert up(edge) * over.scale == pytest.approx(limit, rel=1e-15)
    assert max_weight({"SPY": -0.9}, rules)[0].action is Action.SCALE
    assert max_weight({"SPY": NAN}, rules)[0].action is Action.BLOCK
    assert max_weight({}, rules)[0].action is Action.PASS


def test_each_symbol_over_its_limit_has_its_own_verdict():
    found = max_weight({"A": 0.9, "B": 0.5, "C": 0.8}, risk(max_weight=0.5).risk)
    assert [(v.symbols, v.scale) for v in found] == [(("A",), pytest.approx(0.5 / 0.9)), (("C",), pytest.approx(0.5 / 0.8))]


def test_max_gross_at_its_limit():
    rules = risk(max_gross=0.8).risk
    edge = 0.8 + ROUNDING
    for gross in (0.8, up(0.8), down(0.8), edge):
        assert max_gross({"SPY": gross}, rules).action is Action.PASS
    over = max_gross({"SPY": up(edge)}, rules)
    assert (over.action, over.symbols) == (Action.SCALE, ())
    assert max_gross({"SPY": 0.5, "IEF": -0.5}, rules).scale == pytest.approx(0.8)
    assert max_gross({"SPY": NAN}, rules).action is Action.BLOCK


def test_nothing_is_sold_short():
    for weight in (0.0, -ROUNDING, down(0.0), up(-ROUNDING)):
        assert long_only({"SPY": weight}, situation()).action is Action.PASS
    found = long_only({"SPY": down(-ROUNDING), "IEF": 0.5}, situation())
    assert (found.action, found.symbols) == (Action.DROP, ("SPY",))


@pytest.mark.parametrize("bad", [NAN, float("inf"), float("-inf")])
def test_a_weight_that_is_no_number_blocks_everything(bad):
    found = finite_weights({"SPY": bad, "IEF": 0.1})
    assert (found.action, found.symbols) == (Action.BLOCK, ("SPY",))
    assert blocked(judged({"SPY": bad, "IEF": 0.1}))


# --- the tail ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "measure"), [("value_at_risk", value_at_risk), ("conditional_value_at_risk", conditional_value_at_risk)]
)
def test_a_tail_rule_at_its_limit(name, measure):
    shown = market()
    figure = measure(portfolio_returns(WEIGHTS, shown, 504), 0.95)
    for limit, action in [(up(figure), Action.PASS), (figure, Action.PASS), (down(figure), Action.SCALE), (0.0, Action.SCALE)]:
        both = {"value_at_risk": None, "conditional_value_at_risk": None, name: TailLimit(0.95, 1, limit)}
        (found,) = tails(WEIGHTS, shown, risk(**both))
        assert (found.rule, found.action) == (name, action)
        scaled = {s: w * found.scale for s, w in WEIGHTS.items()}
        assert measure(portfolio_returns(scaled, shown, 504), 0.95) <= limit + 1e-15


def test_portfolio_returns_are_the_weighted_sum_of_complete_days():
    closes = walk(3, 400)
    closes[100, 1] = NAN  # two returns of IEF are unknown
    shown = market(closes=closes)
    simple = closes[1:] / closes[:-1] - 1
    expected = (simple @ np.array([0.6, 0.3, 0.09]))[np.isfinite(simple).all(axis=1)]
    assert np.allclose(portfolio_returns(WEIGHTS, shown, 504), expected, atol=1e-15)
    assert len(portfolio_returns(WEIGHTS, shown, 80)) == 80
    without = portfolio_returns({"SPY": 0.5, "IEF": 0.0}, shown, 504)
    assert len(without) == 399


def test_a_history_too_short_is_unknown_never_a_pass():
    for days, known in [(MINIMUM_DAYS + 1, True), (MINIMUM_DAYS, False)]:
        shown = market(days=days)
        assert (portfolio_returns(WEIGHTS, shown, 504) is not None) is known
        for word, action in [("warn", Action.WARN), ("block", Action.BLOCK)]:
            found = tails(WEIGHTS, shown, risk(unknown=word))
            assert all(v.action is (Action.PASS if known else action) for v in found)
            assert known or all("unknown" in v.reason for v in found)


def test_a_held_symbol_that_the_market_does_not_know_is_unknown():
    assert portfolio_returns({"TLT": 0.1}, market(), 504) is None


def test_cash_alone_has_no_tail():
    assert set(portfolio_returns(dict.fromkeys(WEIGHTS, 0.0), market(), 504)) == {0.0}
    assert {v.action for v in tails({}, market(), risk(value_at_risk=TailLimit(0.95, 1, 0.0)))} == {Action.PASS}


# --- the data ----------------------------------------------------------------------------------------------------


def test_a_sick_symbol_is_frozen_or_warned_of_the_others_go_on():
    shown = market(health={"SPY": "blocked", "IEF": "suspect"}, illness={"SPY": ("a split is missing.",)})
    found = {v.symbols: v for v in data_health(shown)}
    assert found[("SPY",)].action is Action.FREEZE
    assert "a split is missing." in found[("SPY",)].reason
    assert found[("IEF",)].action is Action.WARN
    assert set(found) == {("SPY",), ("IEF",)}
    assert [v.action for v in data_health(market())] == [Action.PASS]


def test_liquidity_is_unknown_where_a_source_has_no_volume():
    def said(has, word):
        shown = market(declarations=tuple(Declaration(f"s{i}", "raw", frozenset(h)) for i, h in enumerate(has)))
        (found,) = liquidity(WEIGHTS, situation(shown, risk(unknown=word)))
        return found.action

    assert said([{"close", "volume"}], "block") is Action.PASS
    assert said([{"close"}, {"close", "volume"}], "warn") is Action.WARN
    assert said([{"close"}], "block") is Action.BLOCK
    assert said([], "block") is Action.BLOCK


STALE = {"fundamentals": "no filing since 2022-06-11 is known of SPY", "macro VIX": "its newest value is of 2019-01-03"}


@pytest.mark.parametrize("word", ["warn", "block"])
@pytest.mark.parametrize("fresh", [("prices",), ("prices", "macro"), ("prices", "fundamentals")])
def test_what_the_objective_asks_to_be_fresh_and_is_not_is_unknown(word, fresh):
    rules = replace(risk(unknown=word), fresh=fresh)
    told = {
        v.reason.removeprefix("unknown: ").removeprefix("stale ").split(":")[0]: v.action
        for v in freshness(market(stale=STALE), rules)
    }
    asked = Action.BLOCK if word == "block" else Action.WARN
    assert told == {name: asked if name.split()[0] in fresh else Action.WARN for name in STALE}
    assert [v.action for v in freshness(market(), rules)] == [Action.PASS]


# --- verdicts together -------------------------------------------------------------------------------------------


def judged(weights, shown: Market | None = None, history=(), equity="100", state=TradingState.ACTIVE, **changes):
    return judge(weights, Situation(risk(**changes), shown or market(), state, history, Decimal(equity)))


def test_every_rule_has_a_verdict_with_a_sentence():
    found = judged(WEIGHTS)
    names = {
        "finite_weights",
        "trading_state",
        "data_health",
        "freshness",
        "long_only",
        "max_weight",
        "max_gross",
        "value_at_risk",
    }
    assert {v.rule for v in found} == names | {"conditional_value_at_risk", "daily_drawdown", "monthly_drawdown", "liquidity"}
    assert all(v.reason for v in found)


SYMBOLS = ("A", "B", "C", "D")
WISH = some.fixed_dictionaries({s: some.floats(-0.2, 1.2) for s in SYMBOLS})
HELD = some.fixed_dictionaries({s: some.floats(0, 0.5) for s in SYMBOLS})
SUBSET = some.sets(some.sampled_from(SYMBOLS)).map(lambda s: tuple(sorted(s)))
VERDICT = some.one_of(
    some.builds(verdict, some.just(Action.SCALE), some.floats(0, 1), SUBSET),
    some.builds(verdict, some.just(Action.DROP), some.just(0.0), SUBSET),
    some.builds(verdict, some.just(Action.FREEZE), some.just(1.0), SUBSET),
    some.builds(verdict, some.sampled_from([Action.PASS, Action.WARN, Action.REDUCE]), some.just(1.0), SUBSET),
)
VERDICTS = some.lists(VERDICT, max_size=6)


@given(wish=WISH, held=HELD, verdicts=VERDICTS)
@settings(max_examples=300, deadline=None)
def test_a_limit_never_raises_the_exposure_of_any_symbol(wish, held, verdicts):
    left = apply_verdicts(wish, held, verdicts)
    still = frozen(verdicts)
    for symbol in SYMBOLS:
        if symbol in still:
            assert left[symbol] == held[symbol]
        elif any(v.action is Action.REDUCE for v in verdicts):
            assert left[symbol] <= min(max(wish[symbol], 0.0), held[symbol])
        else:
            assert abs(left[symbol]) <= abs(wish[symbol])
            assert left[symbol] * wish[symbol] >= 0.0


@given(wish=WISH, held=HELD, verdicts=VERDICTS, more=VERDICT)
@settings(max_examples=200, deadline=None)
def test_one_more_limit_never_raises_what_is_left(wish, held, verdicts, more):
    """Most careful wins: adding a scale, a drop or a reduction lowers or keeps each long symbol's weight."""
    if more.action is Action.FREEZE:
        return
    wish = {s: abs(w) for s, w in wish.items()}
    before, after = (apply_verdicts(wish, held, v) for v in (verdicts, [*verdicts, more]))
    assert all(after[s] <= before[s] + 1e-12 for s in SYMBOLS)


@given(wish=WISH, held=HELD, verdicts=VERDICTS, luck=some.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_verdicts_means_nothing_and_neither_does_a_repetition(wish, held, verdicts, luck):
    mixed = [*verdicts, *verdicts]
    luck.shuffle(mixed)
    assert apply_verdicts(wish, held, mixed) == apply_verdicts(wish, held, verdicts)


@given(wish=WISH, held=HELD, verdicts=VERDICTS)
@settings(max_examples=150, deadline=None)
def test_the_whole_is_never_more_than_allowed_beside_what_is_frozen(wish, held, verdicts):
    left = apply_verdicts(wish, held, verdicts)
    still = frozen(verdicts)
    room = sum(abs(w) for s, w in apply_verdicts(wish, held, [v for v in verdicts if v.action is not Action.FREEZE]).items())
    moving = sum(abs(w) for s, w in left.items() if s not in still)
    assert moving <= max(room - sum(held[s] for s in still), 0.0) + 1e-9


@given(wish=WISH, held=HELD, verdicts=VERDICTS)
@settings(max_examples=100, deadline=None)
def test_blocked_keeps_what_is_held(wish, held, verdicts):
    assert apply_verdicts(wish, held, [*verdicts, verdict(Action.BLOCK)]) == held


def test_the_most_careful_verdict_wins():
    wish, held = {"A": 0.5, "B": 0.5}, {"A": 0.2, "B": 0.9}
    scales = [verdict(Action.SCALE, 0.5), verdict(Action.SCALE, 0.8, ("A",))]
    assert apply_verdicts(wish, held, scales) == {"A": 0.25, "B": 0.25}  # the smallest, never the product
    assert apply_verdicts(wish, held, [*scales, verdict(Action.DROP, symbols=("A",))])["A"] == 0.0
    assert apply_verdicts(wish, held, [verdict(Action.REDUCE)]) == {"A": 0.2, "B": 0.5}
    assert apply_verdicts(wish, held, [verdict(Action.DROP, symbols=("A",)), verdict(Action.FREEZE, symbols=("A",))])["A"] == 0.2
    assert apply_verdicts(wish, held, [verdict(Action.WARN), verdict(Action.PASS)]) == wish


def test_what_is_frozen_takes_its_room_first():
    left = apply_verdicts({"A": 0.0, "B": 0.6, "C": 0.4}, {"A": 0.5}, [verdict(Action.FREEZE, symbols=("A",))])
    assert left == {"A": 0.5, "B": pytest.approx(0.3), "C": pytest.approx(0.2)}
    full = apply_verdicts({"A": 0.0, "B": 0.3}, {"A": 0.5}, [verdict(Action.FREEZE, symbols=("A",))])
    assert full == {"A": 0.5, "B": 0.0}


@given(
    weights=some.fixed_dictionaries({s: some.floats(0, 1) for s in WEIGHTS}),
    cap=some.floats(0.05, 1),
    gross=some.floats(0.05, 1),
    limit=some.floats(0.0, 0.02),
)
@settings(max_examples=100, deadline=None)
def test_after_the_rules_every_limit_holds(weights, cap, gross, limit):
    shown = market()
    limits = {"value_at_risk": TailLimit(0.95, 1, limit), "conditional_value_at_risk": TailLimit(0.95, 1, limit)}
    verdicts = judged(weights, shown, max_weight=cap, max_gross=gross, **limits)
    left = apply_verdicts(weights, {}, verdicts)
    assert max(left.values()) <= cap + 2e-9
    assert sum(left.values()) <= gross + 2e-9
    returns = portfolio_returns(left, shown, 504)
    assert value_at_risk(returns) <= limit + 1e-12 or max_weight(weights, risk(max_weight=cap).risk)[0].action is Action.SCALE


def test_the_profile_is_the_measures_of_the_constant_weights():
    shown = market()
    simple = shown.closes[1:] / shown.closes[:-1] - 1
    mine = simple @ np.array([0.6, 0.3, 0.09])
    found = risk_profile(WEIGHTS, shown, policy())
    assert found["gross"] == pytest.approx(0.99)
    assert found["names"] == 3
    assert found["value_at_risk"] == pytest.approx(-np.sort(mine)[19], abs=1e-12)  # ceil(0.05 * 399) = 20
    assert found["volatility"] == pytest.approx(mine.std(ddof=1) * np.sqrt(252), abs=1e-12)
    unknown = risk_profile(WEIGHTS, market(days=20), policy())
    assert unknown["volatility"] is unknown["max_drawdown"] is None
    assert unknown["gross"] == pytest.approx(0.99)
    assert risk_profile({}, shown, policy())["conditional_value_at_risk"] == 0.0
