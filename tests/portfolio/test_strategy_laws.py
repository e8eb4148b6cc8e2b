"""One suite of laws, every strategy a subject: order, unit, future, room, knobs, and no flicker at a threshold."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene import NAMES, days, market, seen, strategy, told, walk

from portfolio.market import PriceHistory, view
from portfolio.optimize import Infeasible
from portfolio.signals.rule import Rule
from portfolio.strategies.catalog import OURS
from portfolio.strategies.combination import Sleeve

UNIVERSE = NAMES[:6]
LENGTH = 330
SECTORS = {"sector": dict(zip(UNIVERSE, ("north", "north", "south", "south", "south", ""), strict=True))}
ALL = '["AAA", "BBB", "CCC", "DDD", "EEE", "FFF"]'
BASE = "base = { AAA = 0.2, BBB = 0.2, CCC = 0.2, DDD = 0.2, EEE = 0.1, FFF = 0.1 }\n"
SIXTHS = "weights = { AAA = 0.4, BBB = 0.2, CCC = 0.1, DDD = 0.1, EEE = 0.1, FFF = 0.1 }\n"


def a_rule(text: str) -> str:
    return f'kind = "signal"\n{BASE}[[rule]]\nsymbols = {ALL}\n{text}'


def a_factor(text: str) -> str:
    return f'kind = "factor"\n{text}'


MOMENTUM = 'measure = "momentum"\nwindow = 100\nskip = 5\n'
COMBINED = f"""
kind = "combination"
[[sleeve]]
name = "core"
share = 0.6
strategy = {{ kind = "inverse_volatility" }}
[[sleeve]]
name = "trend"
share = 0.3
[sleeve.strategy]
kind = "signal"
{BASE}
[[sleeve.strategy.rule]]
symbols = {ALL}
measure = "moving_average"
window = 50
enter = "> 0.01"
exit = "< -0.01"
"""
SUBJECTS = {
    "fixed": 'kind = "fixed"\n' + SIXTHS,
    "equal": 'kind = "equal"',
    "inverse volatility": 'kind = "inverse_volatility"',
    "target volatility": 'kind = "target_volatility"\ntarget = 0.06\n' + SIXTHS,
    "target volatility, realised, with a band": 'kind = "target_volatility"\ntarget = 0.06\nmix = "inverse_volatility"\nestimator = "realised"\nband = 0.2',
    "momentum": a_rule(MOMENTUM + 'enter = "> 0.02"\nexit = "< -0.02"'),
    "the best three": a_rule(MOMENTUM + 'top = 3\nbuffer = 1\nevery = "month"\ninstead = "chosen"')
    .replace("100", "6", 1)
    .replace("skip = 5", "skip = 1"),
    "moving average of the month": a_rule(
        'measure = "moving_average"\nevery = "month"\nwindow = 6\nenter = "> 0"\nexit = "<= 0"'
    ),
    "breakout": a_rule('measure = "breakout"\nwindow = 20\nexit_window = 10'),
    "drawdown of another": a_rule('of = "SPY"\nmeasure = "drawdown"\nwindow = 60\nenter = "< 0.02"\nexit = "> 0.25"'),
    "z-score of a pair": a_rule('of = "AAA/SPY"\nmeasure = "z_score"\nwindow = 60\nslope = -0.2'),
    "turbulence": a_rule(
        'measure = "turbulence"\namong = ["AAA", "CCC", "SPY"]\nwindow = 60\nsmooth = 5\nenter = "< 3"\nexit = "> 4"'
    ),
    "level": a_rule('series = "VIX3M - VIX"\nmeasure = "level"\nenter = "> 0.5"\nexit = "< -0.5"\noutside = 0.5'),
    "valuation": a_rule('ratio = "earnings_yield"\nmeasure = "z_score"\nslope = 0.3\ninstead = "chosen"'),
    "valuation through time": a_rule(
        'ratio = "earnings_yield"\nmeasure = "z_score"\nwindow = 60\nsmooth = 5\nslope = 0.3\ninstead = "chosen"'
    ),
    "valuation with entry and exit": a_rule(
        'ratio = "book_to_price"\nmeasure = "z_score"\nwindow = 20\nevery = "week"\nenter = "> 0.5"\nexit = "< -0.5"\noutside = 0.3'
    ),
    "level of a ratio": a_rule('ratio = "debt_to_equity"\nmeasure = "level"\nenter = "< 0.05"\nexit = "> 0.06"\noutside = 0.5'),
    "multifactor": a_factor(
        'factors = { value = 0.3, quality = 0.2, momentum = 0.2, size = 0.1, low_volatility = 0.1, dividend = 0.1 }\nneutral = ["sector"]\nselect = 0.5\ntilt = true'
    ),
    "factor by ranks": a_factor(
        'factors = { low_volatility = 1.0 }\nstandardise = "rank"\nselect = 0.4\nweighting = "inverse_volatility"\nneutral = ["size"]\nbuffer = 0.5\ncap = 0.4'
    ),
    "core and satellite": COMBINED,
    "minimum variance": 'kind = "optimized"\nmodel = "minimum_variance"',
    "risk parity": 'kind = "optimized"\nmodel = "risk_parity"',
    "hrp": 'kind = "optimized"\nmodel = "hrp"',
}
subjects = pytest.mark.parametrize("name", list(SUBJECTS))
SEEDS = st.integers(0, 10_000)


def subject(name: str):
    return strategy(SUBJECTS[name], UNIVERSE, SECTORS)


def near(name: str) -> float:
    """How near two answers must be: a solver's are no exact function."""
    return 1e-6 if "optimized" in SUBJECTS[name] else 1e-9


def world(seed: int, length: int = LENGTH, gaps: float = 0.0):
    """Six symbols, a seventh to look at, two series, and every ratio with its past."""
    rng = np.random.default_rng(seed)
    closes = walk(length, 7, seed)
    closes[rng.random(closes.shape) < gaps] = np.nan
    names = ("earnings_yield", "book_to_price", "sales_to_price", "free_cash_flow_yield", "dividend_yield", "return_on_equity")
    figures = {name: rng.normal(0.05, 0.02, 6) for name in (*names, "gross_profitability", "accruals", "debt_to_equity")}
    figures["market_value"] = np.exp(rng.normal(24.0, 1.5, 6))
    if gaps:
        figures = {name: np.where(rng.random(6) < gaps, np.nan, told) for name, told in figures.items()}
    macro = {name: 20.0 + rng.normal(0.0, 1.0, length).cumsum() / 4 for name in ("VIX", "VIX3M")}
    moves = {name: rng.normal(0.0, 0.01, (length, 6)).cumsum(axis=0) for name in figures}
    figures = {name: told * np.exp(moves[name] - moves[name][-1]) for name, told in figures.items()}
    if gaps:
        figures = {name: np.where(rng.random((length, 6)) < gaps, np.nan, told) for name, told in figures.items()}
    return market(closes[:, :6], UNIVERSE, watched={"SPY": closes[:, 6]}, macro=macro, ratios=figures)


def shown(seed: int, **more):
    held = dict(zip(UNIVERSE, (0.3, 0.0, 0.2, 0.1, 0.0, 0.2), strict=True))
    return seen(world(seed, **{k: more.pop(k) for k in ("length", "gaps") if k in more}), held=held, classes=SECTORS, **more)


def permuted(before, order):
    picture = before.market
    moved = replace(
        picture,
        symbols=tuple(picture.symbols[i] for i in order),
        closes=picture.closes[:, order],
        ratios={name: told[:, order] for name, told in picture.ratios.items()},
    )
    return replace(before, market=moved, symbols=moved.symbols)


@subjects
@settings(max_examples=4, deadline=None)
@given(SEEDS, st.permutations(range(6)))
def test_the_order_of_the_symbols_means_nothing(name, seed, order):
    rule, before = subject(name), shown(seed)
    assert told(rule, permuted(before, list(order))) == pytest.approx(told(rule, before), abs=near(name))


@subjects
@settings(max_examples=4, deadline=None)
@given(SEEDS, st.lists(st.floats(0.01, 100.0), min_size=7, max_size=7))
def test_the_unit_of_a_price_means_nothing(name, seed, factors):
    rule, before = subject(name), shown(seed)
    closes, spy = before.market.closes * factors[:6], before.market.watched["SPY"] * factors[6]
    after = replace(before, market=replace(before.market, closes=closes, watched={"SPY": spy}))
    assert told(rule, after) == pytest.approx(told(rule, before), abs=near(name))


@subjects
@settings(max_examples=8, deadline=None)
@given(
    SEEDS,
    st.floats(0.0, 1.0),
    st.sampled_from([0.0, 0.02, 0.5]),
    st.sampled_from([1, 2, 30, LENGTH]),
    st.sets(st.sampled_from(UNIVERSE)),
)
def test_weights_are_within_the_room_and_explained_or_there_is_a_sentence(name, seed, room, gaps, length, free):
    before = shown(seed, room=room, gaps=gaps, length=length, symbols=[s for s in UNIVERSE if s in free])
    try:
        wish = subject(name).wish(before)
    except Infeasible as failure:
        assert len(str(failure)) > 15
        return
    weights = np.array(list(wish.weights.values()))
    assert set(wish.weights) == set(before.symbols) == set(wish.reasons)
    assert all(type(weight) is float for weight in wish.weights.values())
    assert np.isfinite(weights).all()
    assert (weights >= 0.0).all()
    assert weights.sum() <= room + 1e-9
    assert all(wish.reasons.values())
    assert wish.road
    assert set(wish.turned) <= set(before.symbols)
    assert set(wish.turned.values()) <= {day.item() for day in before.market.sessions}


@subjects
def test_there_is_an_answer_in_a_whole_world(name):
    assert sum(told(subject(name), shown(3)).values()) > 0.0


@subjects
@pytest.mark.parametrize("closes", [np.full((LENGTH, 6), 100.0), walk(1, 6), walk(LENGTH, 6) * np.nan])
def test_a_world_without_movement_or_past_has_a_defined_answer(name, closes):
    before = shown(3)
    spy = closes[:, 0]
    macro = {series: told[: len(closes)] for series, told in before.market.macro.items()}
    ratios = {ratio: told[-1:].repeat(len(closes), axis=0) for ratio, told in before.market.ratios.items()}
    still = replace(before.market, closes=closes, sessions=days(len(closes)), watched={"SPY": spy}, macro=macro, ratios=ratios)
    try:
        weights = np.array(list(told(subject(name), replace(before, market=still)).values()))
    except Infeasible as failure:
        assert len(str(failure)) > 15
        return
    assert np.isfinite(weights).all()
    assert weights.sum() <= 1.0 + 1e-9


@subjects
def test_what_a_strategy_asks_for_is_enough(name):
    """As many sessions as it needs, and one close more: an answer, and nothing in it is unknown."""
    rule = subject(name)
    wish = rule.wish(shown(3, length=rule.needs().sessions + 1))
    assert not [reason for reason in wish.reasons.values() if "unknown" in reason or "minimum_history" in reason]


@subjects
@pytest.mark.parametrize("gaps", [0.0, 0.55])
def test_what_is_told_of_ratios_beyond_what_was_asked_for_means_nothing(name, gaps):
    """Somebody else may have asked for more."""
    more = shown(3, gaps=gaps)
    newest = subject(name).needs().ratio_sessions + 1
    ratios = {ratio: panel.copy() for ratio, panel in more.market.ratios.items()}
    for panel in ratios.values():
        panel[:-newest] = np.nan
    less = replace(more, market=replace(more.market, ratios=ratios))
    assert answer(SUBJECTS[name], less) == answer(SUBJECTS[name], more)


@subjects
def test_the_same_is_answered_twice(name):
    rule, before = subject(name), shown(5)
    first, second = rule.wish(before), rule.wish(before)
    assert (first.weights, first.reasons, first.road, first.turned) == (
        second.weights,
        second.reasons,
        second.road,
        second.turned,
    )


@subjects
@settings(max_examples=3, deadline=None)
@given(SEEDS, SEEDS)
def test_the_future_cannot_matter(name, seed, later):
    """Later sessions, and later corrections of earlier ones, are in the history; the market view cuts them off."""
    before = shown(seed)
    everyone = (*UNIVERSE, "SPY")
    closes = np.column_stack([before.market.closes, before.market.watched["SPY"]])
    sessions = before.market.sessions
    past = rows(sessions, closes, everyone, sessions)
    future = np.busday_offset(sessions[-1], np.arange(1, 41)).astype("datetime64[D]")
    more = rows(future, walk(40, 7, later), everyone, future)
    corrected = rows(sessions, closes * 1.5, everyone, np.repeat(future[:1], len(sessions)))
    rule = subject(name)
    instant = datetime.fromisoformat(str(sessions[-1])).replace(tzinfo=UTC) + timedelta(hours=22)
    answers = []
    for told_rows in (past, [*past, *more, *corrected]):
        cut = view(
            history(told_rows, everyone), as_of=instant, session=future[0].item(), snapshot=1, symbols=UNIVERSE, watched=["SPY"]
        )
        answers.append(told(rule, replace(before, market=replace(cut, macro=before.market.macro, ratios=before.market.ratios))))
    assert answers[0] == answers[1]


def rows(sessions, closes, symbols, known):
    return [
        (column, session, closes[row, column], told.astype("datetime64[us]") + np.timedelta64(21, "h"))
        for row, (session, told) in enumerate(zip(sessions, known, strict=True))
        for column in range(len(symbols))
    ]


def history(told_rows, symbols) -> PriceHistory:
    column, session, close, known = zip(*told_rows, strict=True)
    return PriceHistory(tuple(symbols), np.array(session), np.array(column), np.array(close), np.array(known))


# ---- entry and exit do not flicker


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=25), st.sampled_from([2.0, -2.0]))
def test_between_entry_and_exit_a_rule_turns_at_most_once(values, first):
    """Decided anew every day: whatever the series does between the thresholds, the weights stay what they became."""
    rule = strategy(
        'kind = "signal"\nbase = { AAA = 1.0 }\n[[rule]]\nsymbols = ["AAA"]\nseries = "X"\nmeasure = "level"\nenter = "> 1"\nexit = "< -1"'
    )
    path = np.array([first, *values])
    answers = []
    for day in range(1, len(path) + 1):
        cut = market(walk(day, 1), macro={"X": path[:day]}, sessions=days(30)[:day])
        answers.append(rule.wish(seen(cut)))
    assert [a.weights["AAA"] for a in answers] == [float(first > 1.0)] * len(path)
    assert [a.turned for a in answers] == [{"AAA": days(30)[0].item()} if first > 1.0 else {}] * len(path)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.99, 1.01), min_size=1, max_size=20))
def test_a_name_on_the_edge_of_the_best_does_not_come_and_go(noise):
    """Three names; the second and the third change places every day, and the buffer keeps who was there first."""
    rule = strategy(
        'kind = "signal"\nbase = { AAA = 0.4, BBB = 0.3, CCC = 0.3 }\n[[rule]]\nsymbols = ["AAA", "BBB", "CCC"]\nmeasure = "momentum"\nwindow = 1\ntop = 2\nbuffer = 1'
    )
    steps = np.column_stack([np.full(len(noise) + 1, 1.05), [1.001, *noise], [1.0, *noise[::-1]]])
    closes = 100.0 * np.vstack([np.ones(3), np.cumprod(steps, axis=0)])
    wishes = [rule.wish(seen(market(closes[:day], sessions=days(30)[:day]))) for day in range(2, len(closes) + 1)]
    assert {tuple(wish.weights.values()) for wish in wishes} == {(0.4, 0.3, 0.0)}
    assert {wish.turned["BBB"] for wish in wishes} == {days(30)[1].item()}


# ---- every knob matters: (class, knob) -> two texts that differ in it alone, and wish for different weights

RISK = "target = 0.03\n" + SIXTHS
TWO = 'enter = "> 0.02"\nexit = "< -0.02"\n'
VALUE = "factors = { value = 0.5, size = 0.5 }\n"
BOTH = "factors = { value = 0.5, momentum = 0.5 }\n"
OF_A_PAIR = 'of = "AAA/SPY"\nmeasure = "z_score"\nwindow = 60\nslope = -0.2\n'
SLEEVES = '[[sleeve]]\nname = "one"\nshare = 0.5\nstrategy = { kind = "equal" }\n'
FAILING = (
    '[[sleeve]]\nname = "two"\nshare = 0.3\nstrategy = { kind = "inverse_volatility", minimum_history = 900, lookback = 900 }\n'
)


def swap(text: str, old: str, new: str) -> tuple[str, str]:
    assert old in text, (text, old)
    return text, text.replace(old, new)


def aimed(more: str, changed: str) -> tuple[str, str]:
    return f'kind = "target_volatility"\n{RISK}{more}', f'kind = "target_volatility"\n{RISK}{changed}'


def ruled(more: str, changed: str) -> tuple[str, str]:
    return a_rule(more), a_rule(more + changed)


def factored(more: str, changed: str) -> tuple[str, str]:
    return a_factor(more), a_factor(more + changed)


KNOBS = {
    ("fixed", "weights"): swap('kind = "fixed"\n' + SIXTHS, "0.4", "0.3"),
    ("inverse_volatility", "lookback"): swap('kind = "inverse_volatility"\nlookback = 252', "252", "100"),
    ("inverse_volatility", "minimum_history"): swap('kind = "inverse_volatility"\nminimum_history = 60', "60", "200"),
    ("target_volatility", "target"): swap('kind = "target_volatility"\n' + RISK, "0.03", "0.04"),
    ("target_volatility", "mix"): (
        'kind = "target_volatility"\ntarget = 0.06\nmix = "equal"',
        'kind = "target_volatility"\ntarget = 0.06\nmix = "inverse_volatility"',
    ),
    ("target_volatility", "weights"): swap('kind = "target_volatility"\n' + RISK, "AAA = 0.4", "AAA = 0.1"),
    ("target_volatility", "estimator"): aimed("", 'estimator = "realised"'),
    ("target_volatility", "decay"): aimed("", "decay = 0.97"),
    ("target_volatility", "lookback"): aimed("", "lookback = 80"),
    ("target_volatility", "minimum_history"): aimed("", "minimum_history = 200"),
    ("target_volatility", "band"): aimed("", "band = 0.9"),
    ("signal", "base"): swap(a_rule(MOMENTUM + TWO), "BBB = 0.2", "BBB = 0.1"),
    ("signal", "rule"): swap(a_rule(MOMENTUM + TWO), "100", "20"),
    ("factor", "factors"): swap(a_factor(VALUE), "size = 0.5", "dividend = 0.5"),
    ("factor", "standardise"): factored(VALUE + "select = 1.0\ntilt = true\n", 'standardise = "rank"'),
    ("factor", "winsorise"): factored(VALUE + "select = 1.0\ntilt = true\n", "winsorise = 0.2"),
    ("factor", "coverage"): factored("factors = { value = 0.4, size = 0.6 }\nselect = 1.0\n", "coverage = 1.0"),
    ("factor", "neutral"): factored(VALUE + "select = 1.0\ntilt = true\n", 'neutral = ["sector"]'),
    ("factor", "select"): factored(VALUE, "select = 0.6"),
    ("factor", "buffer"): factored("factors = { size = 1.0 }\nselect = 0.4\n", "buffer = 1.0"),
    ("factor", "weighting"): factored(VALUE, 'weighting = "market_value"'),
    ("factor", "tilt"): factored(VALUE + "select = 1.0\n", "tilt = true"),
    ("factor", "cap"): factored(VALUE, "cap = 0.2"),
    ("factor", "minimum_names"): factored("factors = { value = 0.4, size = 0.6 }\ncoverage = 1.0\n", "minimum_names = 6"),
    ("factor", "momentum_window"): factored(BOTH + "tilt = true\nselect = 1.0\n", "momentum_window = 100"),
    ("factor", "momentum_skip"): factored(BOTH + "tilt = true\nselect = 1.0\n", "momentum_skip = 1"),
    ("factor", "volatility_window"): factored(
        'factors = { value = 1.0 }\nweighting = "inverse_volatility"\n', "volatility_window = 60"
    ),
    ("combination", "sleeve"): swap('kind = "combination"\n' + SLEEVES, "0.5", "0.4"),
    ("combination", "unanswered"): (
        'kind = "combination"\n' + SLEEVES + FAILING,
        'kind = "combination"\nunanswered = "cash"\n' + SLEEVES + FAILING,
    ),
    ("Sleeve", "name"): swap('kind = "combination"\n' + SLEEVES, '"one"', '"two"'),
    ("Sleeve", "share"): swap('kind = "combination"\n' + SLEEVES, "0.5", "0.4"),
    ("Sleeve", "symbols"): swap('kind = "combination"\n' + SLEEVES, "share = 0.5", 'share = 0.5\nsymbols = ["AAA"]'),
    ("Sleeve", "strategy"): swap('kind = "combination"\n' + SLEEVES, '"equal"', '"inverse_volatility"'),
    ("Rule", "symbols"): swap(a_rule(OF_A_PAIR), ALL, '["AAA"]'),
    ("Rule", "name"): ruled(MOMENTUM + TWO, 'name = "trend"'),
    ("Rule", "of"): swap(a_rule(OF_A_PAIR), "AAA/SPY", "BBB/SPY"),
    ("Rule", "series"): swap(a_rule('series = "VIX"\nmeasure = "level"\nenter = "> 10"\nexit = "< 5"'), '"VIX"', '"VIX - VIX3M"'),
    ("Rule", "ratio"): swap(a_rule('ratio = "accruals"\nmeasure = "z_score"\nslope = 0.2'), "accruals", "earnings_yield"),
    ("Rule", "among"): ruled(
        'measure = "turbulence"\nwindow = 60\nenter = "< 3"\nexit = "> 4.5"\nsmooth = 3\n', 'among = ["AAA", "BBB"]'
    ),
    ("Rule", "measure"): swap(a_rule('measure = "momentum"\nwindow = 60\nslope = 5.0'), "momentum", "moving_average"),
    ("Rule", "window"): swap(a_rule(MOMENTUM + TWO), "100", "20"),
    ("Rule", "skip"): swap(a_rule(MOMENTUM + "top = 2"), "skip = 5", "skip = 60"),
    ("Rule", "exit_window"): swap(
        a_rule('measure = "breakout"\nwindow = 60\nexit_window = 60'), "exit_window = 60", "exit_window = 5"
    ),
    ("Rule", "every"): ruled('measure = "momentum"\nwindow = 5\ntop = 2\n', 'every = "month"'),
    ("Rule", "smooth"): ruled(OF_A_PAIR, "smooth = 20"),
    ("Rule", "enter"): swap(a_rule(MOMENTUM + TWO), "> 0.02", "> 0.2"),
    ("Rule", "exit"): swap(a_rule(MOMENTUM + TWO), "< -0.02", "< -0.2"),
    ("Rule", "inside"): ruled(MOMENTUM + TWO, "inside = 0.5"),
    ("Rule", "outside"): ruled(MOMENTUM + TWO, "outside = 0.5"),
    ("Rule", "top"): swap(a_rule(MOMENTUM + "top = 2"), "top = 2", "top = 3"),
    ("Rule", "buffer"): ruled(MOMENTUM + "top = 2\n", "buffer = 3"),
    ("Rule", "slope"): swap(a_rule(OF_A_PAIR), "-0.2", "-0.1"),
    ("Rule", "least"): ruled(OF_A_PAIR.replace("-0.2", "-50.0"), "least = 0.3"),
    ("Rule", "most"): swap(a_rule(OF_A_PAIR + "most = 3.0").replace(ALL, '["AAA"]').replace("-0.2", "50.0"), "3.0", "1.1"),
    ("Rule", "instead"): ruled(MOMENTUM + TWO, 'instead = "chosen"'),
}
SOLVED = {"optimized"}  # its knobs have a suite of their own
WORDS = {("Rule", "name"), ("Sleeve", "name")}  # said, not weighed


def whole(kind) -> set[str]:
    return {each.name for each in fields(kind) if kind is Sleeve or "read" in each.metadata}


def test_every_knob_has_a_world_in_which_it_matters():
    known = {(kind.kind, key) for kind in OURS if kind.kind not in SOLVED for key in whole(kind)}
    inner = {("Rule", key) for key in whole(Rule)} | {("Sleeve", key) for key in whole(Sleeve) - {"kind"}}
    assert set(KNOBS) == known | inner


@pytest.mark.parametrize("knob", list(KNOBS), ids=".".join)
def test_every_knob_matters(knob):
    """In a world with gaps in its figures, a short history and a holding, each knob alone changes what is wished."""
    before = shown(8)
    closes = before.market.closes.copy()
    closes[:-150, 5] = np.nan
    dented = {
        name: np.where(np.arange(6) == 4, np.nan, told) for name, told in before.market.ratios.items() if name != "market_value"
    }
    crafted = replace(before, market=replace(before.market, closes=closes, ratios=before.market.ratios | dented))
    answers = [answer(text, crafted) for text in KNOBS[knob]]
    if knob in WORDS:
        assert answers[0][1] != answers[1][1]
    else:
        assert answers[0][0] != answers[1][0]


def answer(text: str, crafted):
    """(weights, reasons), or the sentence that there are none."""
    try:
        wish = strategy(text, UNIVERSE, SECTORS).wish(crafted)
    except Infeasible as failure:
        return str(failure), str(failure)
    return {s: round(w, 9) for s, w in wish.weights.items()}, wish.reasons
