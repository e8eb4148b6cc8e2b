"""The strategies that are no optimizers: what each wishes in a small world, and the papers' rules replayed by pandas."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene import days, market, seen, strategy, told, walk

from portfolio.errors import WrongUse
from portfolio.optimize import Infeasible
from portfolio.signals.hysteresis import Condition

UNIVERSE = ("AAA", "BBB", "CCC", "DDD")
TREND = """
kind = "signal"
base = { AAA = 0.6, BBB = 0.4 }
[[rule]]
symbols = ["AAA"]
measure = "moving_average"
window = 3
enter = "> 0.01"
exit = "< -0.01"
"""


def signal(rule: str, base: str = "AAA = 0.6, BBB = 0.4"):
    return strategy(f'kind = "signal"\nbase = {{ {base} }}\n[[rule]]\n{rule}', UNIVERSE)


def path(*closes: float, beside: float = 50.0) -> np.ndarray:
    return np.column_stack([closes, np.full(len(closes), beside)])


# ---- the simple ones


def test_fixed_keeps_its_weights_and_fits_the_room():
    fixed = strategy('kind = "fixed"\nweights = { AAA = 0.6, BBB = 0.3 }', UNIVERSE)
    world = market(walk(5, 4))
    assert told(fixed, world) == {"AAA": 0.6, "BBB": 0.3, "CCC": 0.0, "DDD": 0.0}
    assert told(fixed, seen(world, room=0.45)) == pytest.approx({"AAA": 0.3, "BBB": 0.15, "CCC": 0.0, "DDD": 0.0})
    assert told(fixed, seen(world, symbols=("BBB", "CCC"))) == {"BBB": 0.3, "CCC": 0.0}
    assert "60.00%" in fixed.wish(seen(world)).reasons["AAA"]


@pytest.mark.parametrize("weights", ["ZZZ = 0.5", "AAA = 0.6, BBB = 0.5"])
def test_weights_outside_the_universe_or_above_one_are_refused(weights):
    with pytest.raises(WrongUse, match=r"ZZZ|1\.1"):
        strategy(f'kind = "fixed"\nweights = {{ {weights} }}', UNIVERSE)


def test_equal_shares_the_room():
    equal = strategy('kind = "equal"', UNIVERSE)
    assert set(told(equal, walk(5, 4), room=0.6).values()) == {0.15}
    with pytest.raises(Infeasible, match="free to trade"):
        equal.wish(seen(walk(5, 4), symbols=()))


def test_inverse_volatility_is_that_of_pandas_and_leaves_out_what_it_cannot_judge():
    closes = walk(300, 4)
    closes[:-30, 2] = np.nan  # too short
    closes[:, 3] = 17.0  # does not move
    rule = strategy('kind = "inverse_volatility"\nlookback = 100\nminimum_history = 50', UNIVERSE)
    wish = rule.wish(seen(closes))
    inverse = 1 / pd.DataFrame(closes).pct_change().tail(100).std()[:2]
    assert list(wish.weights.values()) == pytest.approx([*(inverse / inverse.sum()), 0.0, 0.0], abs=1e-12)
    assert "minimum_history" in wish.reasons["CCC"]
    assert "not moved" in wish.reasons["DDD"]
    with pytest.raises(Infeasible, match="50 known returns"):
        rule.wish(seen(closes, symbols=("CCC", "DDD")))


AIMED = 'kind = "target_volatility"\ntarget = 0.08\nweights = { AAA = 0.5, BBB = 0.5 }\nlookback = 120\n'


def test_target_volatility_aims_with_pandas_ewma():
    closes = walk(300, 4)
    moves = pd.DataFrame(closes).pct_change().tail(120)[[0, 1]].mean(axis=1)
    forecast = np.sqrt((moves**2).ewm(alpha=0.06).mean().iloc[-1] * 252)
    wished = 0.08 / forecast
    assert 0.1 < wished < 1.0
    assert told(strategy(AIMED, UNIVERSE), closes) == pytest.approx(
        {"AAA": wished / 2, "BBB": wished / 2, "CCC": 0.0, "DDD": 0.0}
    )


def test_target_volatility_reaches_its_target_by_what_was_realised():
    closes = walk(300, 4)
    for mix in ('mix = "weights"', 'mix = "equal"', 'mix = "inverse_volatility"'):
        text = 'kind = "target_volatility"\ntarget = 0.05\nestimator = "realised"\nlookback = 120\n' + mix
        rule = strategy(text + ("\nweights = { AAA = 0.2, DDD = 0.1 }" if mix.endswith('"weights"') else ""), UNIVERSE)
        weights = np.array(list(told(rule, closes).values()))
        moves = pd.DataFrame(closes).pct_change().tail(120) @ weights
        assert moves.std() * np.sqrt(252) == pytest.approx(0.05, rel=1e-9)


def test_target_volatility_never_passes_the_room_nor_hands_on_what_is_not_free():
    calm = strategy(AIMED.replace("0.08", "2.0"), UNIVERSE)
    closes = walk(300, 4)
    assert sum(told(calm, closes, room=0.7).values()) == pytest.approx(0.7)
    alone = told(calm, seen(closes, symbols=("BBB", "CCC")))  # AAA must stay: BBB keeps to its half
    assert alone == pytest.approx({"BBB": 0.5, "CCC": 0.0})


def test_target_volatility_s_band_keeps_the_exposure_that_is_near():
    closes = walk(300, 4)
    wished = sum(told(strategy(AIMED, UNIVERSE), closes).values())
    banded = strategy(AIMED + "band = 0.1\n", UNIVERSE)
    near, far = wished * 1.05, wished * 1.15
    assert sum(told(banded, closes, held={"AAA": near / 2, "BBB": near / 2}).values()) == pytest.approx(near)
    assert sum(told(banded, closes, held={"AAA": far}).values()) == pytest.approx(wished)
    assert sum(told(banded, closes).values()) == pytest.approx(wished)
    assert sum(told(strategy(AIMED + "band = 1.0\n", UNIVERSE), closes).values()) == pytest.approx(
        wished
    )  # nothing held is no exposure


def test_target_volatility_has_no_aim_without_movement_or_history():
    rule = strategy(AIMED, UNIVERSE)
    with pytest.raises(Infeasible, match="not moved"):
        rule.wish(seen(np.full((200, 4), 100.0)))
    with pytest.raises(Infeasible, match="60 known returns"):
        rule.wish(seen(walk(40, 4)))
    gaps = walk(121, 4)
    gaps[::2, 0] = np.nan
    with pytest.raises(Infeasible, match=r"known returns|complete"):
        strategy(AIMED.replace("AAA", "CCC"), UNIVERSE).wish(
            seen(np.where(np.arange(4) == 2, gaps[:, :1], gaps), symbols=("CCC",))
        )


@pytest.mark.parametrize(
    "text",
    [
        'kind = "target_volatility"\ntarget = 0.1',
        AIMED + 'mix = "equal"',
        AIMED + 'estimator = "realised"\ndecay = 0.9',
        AIMED + "minimum_history = 130",
        'kind = "target_volatility"\ntarget = 0.1\nweights = { AAA = 0.0 }',
        'kind = "inverse_volatility"\nlookback = 50',
    ],
)
def test_settings_that_contradict_each_other_are_refused(text):
    with pytest.raises(WrongUse):
        strategy(text, UNIVERSE)


# ---- signals: entry, exit, and what moves


def test_a_rule_goes_in_above_one_threshold_and_out_below_the_other():
    rule = strategy(TREND, UNIVERSE)
    sessions = days(6)
    wish = rule.wish(seen(path(100, 100, 100, 110, 111, 110.5)))
    assert wish.weights == {"AAA": 0.6, "BBB": 0.4}
    assert wish.turned == {"AAA": sessions[3].item()}
    assert wish.road == ("signal",)
    assert "in since" in wish.reasons["AAA"]
    left = rule.wish(seen(path(100, 110, 111, 110, 100, 101)))
    assert left.weights == {"AAA": 0.0, "BBB": 0.4}
    assert left.turned == {"AAA": sessions[4].item()}
    never = rule.wish(seen(path(*[100] * 6)))
    assert never.weights["AAA"] == 0.0
    assert never.turned == {}


def test_the_newest_turn_of_several_rules_counts():
    later = '[[rule]]\nsymbols = ["AAA"]\nof = "BBB"\nmeasure = "momentum"\nwindow = 1\nenter = "> 0"\nexit = "< 0"\n'
    closes = np.column_stack([[100, 100, 100, 110, 111, 110.5], [50, 51, 52, 53, 52, 51]])
    for text in (TREND + later, TREND.replace("[[rule]]", later + "[[rule]]")):
        wish = strategy(text, UNIVERSE).wish(seen(closes))
        assert wish.turned == {"AAA": days(6)[4].item()}
        assert wish.weights["AAA"] == 0.0


def test_of_equal_measures_the_name_decides_not_the_order():
    same = np.outer(np.linspace(100, 110, 10), np.ones(4))
    text = 'symbols = ["DDD", "BBB", "AAA", "CCC"]\nmeasure = "momentum"\nwindow = 8\ntop = 2'
    rule = signal(text, "AAA = 0.25, BBB = 0.25, CCC = 0.25, DDD = 0.25")
    for order in (UNIVERSE, UNIVERSE[::-1]):
        assert {s for s, w in told(rule, market(same, order)).items() if w} == {"AAA", "BBB"}


def test_who_is_among_the_best_is_not_out_for_a_missing_day():
    closes = np.column_stack([np.linspace(100, end, 20) for end in (140, 120, 110)])
    text = 'symbols = ["AAA", "BBB", "CCC"]\nmeasure = "momentum"\nwindow = 8\ntop = 1'
    rule = signal(text, "AAA = 0.4, BBB = 0.3, CCC = 0.3")
    closes[-2:, 0] = np.nan
    assert told(rule, closes)["AAA"] == 0.4
    closes[-7:, 0] = np.nan  # for longer than five days
    assert told(rule, closes) == {"AAA": 0.0, "BBB": 0.3, "CCC": 0.0}


def test_a_month_whose_last_day_is_missing_ends_on_the_day_before():
    sessions = days(130)
    rising = np.linspace(100, 150, 130)
    text = 'symbols = ["AAA"]\nmeasure = "moving_average"\nevery = "month"\nwindow = 4\nenter = "> 0"\nexit = "<= 0"'
    closes = np.column_stack([rising, rising])
    ends = np.append(sessions.astype("datetime64[M]")[1:] != sessions.astype("datetime64[M]")[:-1], False)
    closes[ends, 0] = np.nan
    assert told(signal(text), market(closes, sessions=sessions))["AAA"] == 0.6


def test_what_is_unknown_is_out_and_says_so():
    closes = path(100, 100, 110, 120)
    closes[:3, 0] = np.nan
    wish = strategy(TREND, UNIVERSE).wish(seen(closes))
    assert wish.weights["AAA"] == 0.0
    assert "unknown, so out" in wish.reasons["AAA"]


def test_a_missing_day_changes_nobody_s_mind():
    closes = path(100, 100, 100, 110, 112, 100)
    closes[-1, 0] = np.nan
    assert strategy(TREND, UNIVERSE).wish(seen(closes)).weights["AAA"] == 0.6


RULE = 'symbols = ["AAA"]\nmeasure = "drawdown"\nwindow = 4\nenter = "< 0.05"\nexit = "> 0.1"\n'


def test_what_a_rule_frees_goes_where_it_says():
    fallen = np.column_stack([[100, 100, 100, 100, 80.0], [50.0] * 5, [10.0] * 5])
    assert told(signal(RULE), fallen) == {"AAA": 0.0, "BBB": 0.4, "CCC": 0.0}
    assert told(signal(RULE + 'instead = "CCC"'), fallen) == {"AAA": 0.0, "BBB": 0.4, "CCC": 0.6}
    assert told(signal(RULE + 'outside = 0.5\ninstead = "BBB"'), fallen) == pytest.approx({"AAA": 0.3, "BBB": 0.7, "CCC": 0.0})
    assert told(signal(RULE + 'instead = "CCC"'), seen(fallen, symbols=("AAA", "BBB"))) == {"AAA": 0.0, "BBB": 0.4}
    assert told(signal(RULE.replace("AAA", "BBB") + 'instead = "AAA"\noutside = 0.0\ninside = 2.0'), fallen) == pytest.approx(
        {"AAA": 0.2, "BBB": 0.8, "CCC": 0.0}
    )


def test_what_is_taken_is_no_more_than_there_is():
    high = np.column_stack([[100.0] * 5, [50.0] * 5])
    rule = signal(RULE + 'inside = 3.0\ninstead = "BBB"', "AAA = 0.4, BBB = 0.2")
    assert told(rule, high) == pytest.approx({"AAA": 0.6, "BBB": 0.0})
    borrowed = signal(RULE + "inside = 3.0", "AAA = 0.4, BBB = 0.2")  # from cash: 1.2 + 0.2 into a room of 1
    assert told(borrowed, high) == pytest.approx({"AAA": 1.2 / 1.4, "BBB": 0.2 / 1.4})


def test_the_chosen_share_what_the_others_lose():
    closes = np.column_stack([np.linspace(100, end, 10) for end in (120, 90, 110, 130)])
    rule = signal(
        'symbols = ["AAA", "BBB", "CCC", "DDD"]\nmeasure = "momentum"\nwindow = 8\ntop = 2\ninstead = "chosen"',
        "AAA = 0.1, BBB = 0.2, CCC = 0.3, DDD = 0.4",
    )
    wish = rule.wish(seen(closes))
    assert wish.weights == pytest.approx({"AAA": 0.2, "BBB": 0.0, "CCC": 0.0, "DDD": 0.8})
    assert wish.reasons["DDD"].endswith("times 1, +40.00% by momentum")
    assert "%" not in wish.reasons["BBB"].replace("base 20.00%", "")
    assert rule.wish(seen(closes, room=0.5)).reasons["DDD"].endswith("to fit the room")
    assert set(wish.turned) == {"AAA", "DDD"}


def test_a_slope_moves_weight_within_a_pair_and_stops_at_its_ends():
    rng = np.random.default_rng(4)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (80, 2)), axis=0))
    spread = pd.Series(np.log(closes[:, 0] / closes[:, 1]))
    z = ((spread - spread.rolling(40).mean()) / spread.rolling(40).std()).iloc[-1]
    assert abs(z) > 0.2
    pair = 'symbols = ["AAA"]\nof = "AAA/BBB"\nmeasure = "z_score"\nwindow = 40\ninstead = "BBB"\n'
    moved = 0.5 * (1 - 0.1 * z)
    assert told(signal(pair + "slope = -0.1", "AAA = 0.5, BBB = 0.5"), closes) == pytest.approx({"AAA": moved, "BBB": 1 - moved})
    ends = told(signal(pair + f"slope = {-50 if z > 0 else 50}\nleast = 0.8", "AAA = 0.5, BBB = 0.5"), closes)
    assert ends == pytest.approx({"AAA": 0.4, "BBB": 0.6})


def test_a_valuation_tilts_across_the_symbols():
    world = market(walk(10, 4), ratios={"earnings_yield": np.array([0.02, 0.04, 0.06, np.nan])})
    rule = signal(
        'symbols = ["AAA", "BBB", "CCC", "DDD"]\nratio = "earnings_yield"\nmeasure = "z_score"\nslope = 0.5',
        "AAA = 0.2, BBB = 0.2, CCC = 0.2, DDD = 0.2",
    )
    assert rule.needs().ratios == ("earnings_yield",)
    wish = rule.wish(seen(world))
    assert wish.weights == pytest.approx({"AAA": 0.1, "BBB": 0.2, "CCC": 0.3, "DDD": 0.2})  # z = -1, 0, 1, unknown
    assert "unknown" in wish.reasons["DDD"]


OWN = 'symbols = ["AAA", "BBB"]\nratio = "book_to_price"\nmeasure = "z_score"\nwindow = 20\n'


def a_ratio(seed: int, sessions: int = 160) -> np.ndarray:
    """Of two symbols, with days on which the one is unknown; it is below zero at times, as accruals are."""
    figures = np.random.default_rng(seed).normal(0.0, 0.01, (sessions, 2)).cumsum(axis=0)
    figures[np.random.default_rng(seed + 1).random(sessions) < 0.1, 0] = np.nan
    return figures


def by_pandas(told: pd.Series) -> pd.Series:
    """Deviation from the mean of twenty known points in standard deviations, and of that the mean of three."""
    past = told.dropna().rolling(20)
    return ((told.dropna() - past.mean()) / past.std()).rolling(3).mean()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["day", "week"]))
def test_a_valuation_beside_its_own_past_is_that_of_pandas(seed, every):
    figures = a_ratio(seed)
    world = market(walk(160, 2), ratios={"book_to_price": figures})
    rule = signal(OWN + f'smooth = 3\nevery = "{every}"\nslope = -0.05\nmost = 10.0', "AAA = 0.2, BBB = 0.4")
    panel = pd.DataFrame(figures, index=pd.DatetimeIndex(world.sessions), columns=["AAA", "BBB"])
    if every == "week":  # the week of 2022-12-28 is not over
        panel = panel.ffill(limit=5).groupby(panel.index.to_period("W")).tail(1)[:-1]
    expected = {s: w * (1 - 0.05 * by_pandas(panel[s]).iloc[-1]) for s, w in {"AAA": 0.2, "BBB": 0.4}.items()}
    found = told(rule, world)
    assert {s: found[s] for s in expected} == pytest.approx(expected, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_a_valuation_is_entered_and_left_as_by_one_who_looks_every_day(seed):
    figures = a_ratio(seed)
    world = market(walk(160, 2), ratios={"book_to_price": figures})
    wish = signal(OWN + 'enter = "> 1"\nexit = "< -0.5"', "AAA = 0.2, BBB = 0.4").wish(seen(world))
    for column, (symbol, base) in enumerate({"AAA": 0.2, "BBB": 0.4}.items()):
        known = pd.Series(figures[:, column], index=world.sessions).dropna()
        inside, turned = False, None
        for day, z in ((known - known.rolling(20).mean()) / known.rolling(20).std()).items():
            if (z > 1 and not inside) or (z < -0.5 and inside):
                inside, turned = not inside, day.date()
        assert (wish.weights[symbol], wish.turned.get(symbol)) == (base if inside else 0.0, turned)


def test_the_level_of_a_ratio_opens_shuts_and_ranks():
    figures = np.array([[0.04, 0.02, 0.03], [0.06, 0.02, 0.05], [0.045, 0.04, np.nan]])
    world = market(walk(3, 3), ratios={"earnings_yield": figures})
    of = 'symbols = ["AAA", "BBB", "CCC"]\nratio = "earnings_yield"\nmeasure = "level"\n'
    base = "AAA = 0.3, BBB = 0.3, CCC = 0.3"
    entered = signal(of + 'enter = "> 0.05"\nexit = "< 0.04"', base).wish(seen(world))
    assert entered.weights == {"AAA": 0.3, "BBB": 0.0, "CCC": 0.0}
    assert "in since 2022-12-26 by level earnings_yield (0.045)" in entered.reasons["AAA"]
    assert told(signal(of + "top = 2", base), world) == {"AAA": 0.3, "BBB": 0.0, "CCC": 0.3}  # the newest known counts


def test_of_a_ratio_no_more_is_asked_for_than_is_looked_at():
    asked = {
        "slope = 0.1": 2 * 21,
        'slope = 0.1\nevery = "month"\nsmooth = 3': 2 * 23 * 23,
        'enter = "> 1"\nexit = "< 0"': 1_000_000,
    }
    for text, sessions in asked.items():
        assert signal(OWN + text).needs().ratio_sessions == sessions
    assert signal(OWN.replace("window = 20", "slope = 0.1")).needs().ratio_sessions == 0
    both = f'kind = "combination"\n[[sleeve]]\nname = "a"\nshare = 0.5\nstrategy = {{ kind = "equal" }}\n[[sleeve]]\nname = "b"\nshare = 0.5\n[sleeve.strategy]\nkind = "signal"\nbase = {{ AAA = 0.5, BBB = 0.5 }}\n[[sleeve.strategy.rule]]\n{OWN}slope = 0.1'
    assert strategy(both, UNIVERSE).needs().ratio_sessions == 42


VIX = 'symbols = ["AAA"]\nseries = "VIXCLS"\nmeasure = "level"\nenter = "< 20"\nexit = "> 30"\n'


def test_the_level_of_the_vix_opens_and_shuts():
    rule = signal(VIX)
    assert rule.needs().macro == ("VIXCLS",)
    for vix, weight in (([15, 25, 29], 0.6), ([15, 35, 25], 0.0), ([35, 19, 30], 0.6), ([25, 25, 25], 0.0)):
        world = market(walk(3, 2), macro={"VIXCLS": np.array(vix, dtype=float)})
        assert told(rule, world)["AAA"] == weight


@pytest.mark.parametrize(("series", "value"), [("LONG - SHORT", 0.5), ("LONG/SHORT", 1.25)])
def test_the_term_and_a_credit_spread_are_differences_or_ratios(series, value):
    world = market(walk(3, 2), macro={"LONG": np.array([np.nan, 2.0, 2.5]), "SHORT": np.array([1.0, 1.0, 2.0])})
    text = f'symbols = ["AAA"]\nseries = "{series}"\nmeasure = "level"\n'
    assert told(signal(text + f'enter = ">= {value}"\nexit = "< -9"'), world)["AAA"] == 0.6
    newest = signal(text + f'enter = "> {value}"\nexit = "<= {value}"')
    assert told(newest, world)["AAA"] == 0.0
    assert newest.needs().macro == ("LONG", "SHORT")


def test_where_the_one_thing_watched_is_unknown_there_is_no_answer():
    with pytest.raises(Infeasible, match="VIXCLS, of which nothing is known"):
        signal(VIX).wish(seen(walk(3, 2)))
    with pytest.raises(Infeasible, match="has no value"):
        signal(VIX).wish(seen(market(walk(3, 2), macro={"VIXCLS": np.full(3, np.nan)})))
    beside = signal('symbols = ["AAA"]\nof = "SPY"\nmeasure = "momentum"\nwindow = 2\nenter = "> 0"\nexit = "<= 0"')
    assert beside.needs().watched == ("SPY",)
    world = market(walk(5, 2), watched={"SPY": np.arange(1.0, 6.0)})
    assert told(beside, world)["AAA"] == 0.6
    sick = market(walk(5, 3), health={"CCC": "blocked"})
    with pytest.raises(Infeasible, match="CCC, whose data is blocked"):
        signal('symbols = ["AAA"]\nof = "CCC"\nmeasure = "momentum"\nwindow = 2\nenter = "> 0"\nexit = "<= 0"').wish(
            seen(sick, symbols=("AAA", "BBB"))
        )


def test_turbulent_days_shut_a_rule():
    closes = walk(200, 3)
    closes[-1] *= [1.08, 0.92, 1.08]
    calm = walk(200, 3)
    rule = signal(
        'symbols = ["AAA"]\nmeasure = "turbulence"\namong = ["AAA", "BBB", "CCC"]\nwindow = 100\nenter = "< 7"\nexit = "> 30"'
    )
    assert told(rule, calm)["AAA"] == 0.6
    assert told(rule, closes)["AAA"] == 0.0
    smooth = signal(
        'symbols = ["AAA"]\nmeasure = "turbulence"\namong = ["AAA", "BBB", "CCC"]\nwindow = 100\nsmooth = 50\nenter = "< 7"\nexit = "> 30"'
    )
    assert told(smooth, calm)["AAA"] == 0.6


def test_a_blocked_symbol_of_a_rule_is_passed_over():
    wish = strategy(TREND, UNIVERSE).wish(seen(path(100, 100, 100, 110), symbols=("BBB",)))
    assert wish.weights == {"BBB": 0.4}


# ---- the papers' rules, on the bundled prices


@pytest.fixture(scope="module")
def real(sample_closes):
    symbols, sessions, closes, _ = sample_closes
    chosen = [symbols.index(s) for s in ("AAPL", "JPM", "KO", "XOM")]
    return sessions[-1500:], closes[-1500:][:, chosen]


def looks(sessions, closes, step=97):
    """The same history, cut at several days."""
    for end in range(700, len(sessions), step):
        today = (sessions[end - 1] + 1).item()
        yield end, market(closes[:end], UNIVERSE, sessions=sessions[:end], today=today)


def test_faber_s_ten_month_average(real):
    sessions, closes = real
    rule = signal('symbols = ["AAA"]\nmeasure = "moving_average"\nevery = "month"\nwindow = 10\nenter = "> 0"\nexit = "<= 0"')
    for end, world in looks(sessions, closes):
        monthly = pd.Series(closes[:end, 0], pd.DatetimeIndex(sessions[:end])).resample("ME").last()
        over = monthly[monthly.index.to_period("M") < pd.Period(world.session, "M")]
        expected = 0.6 if over.iloc[-1] > over.rolling(10).mean().iloc[-1] else 0.0
        assert told(rule, world)["AAA"] == expected


def test_time_series_momentum_is_the_sign_of_the_year(real):
    sessions, closes = real
    rule = signal('symbols = ["AAA", "BBB"]\nmeasure = "momentum"\nwindow = 252\nenter = "> 0"\nexit = "<= 0"')
    for end, world in looks(sessions, closes):
        year = pd.DataFrame(closes[:end]).pct_change(252).iloc[-1]
        expected = [0.6 * (year[0] > 0), 0.4 * (year[1] > 0)]
        assert [told(rule, world)[s] for s in ("AAA", "BBB")] == expected


def test_cross_section_momentum_buys_the_winners_without_the_newest_month(real):
    sessions, closes = real
    text = 'symbols = ["AAA", "BBB", "CCC", "DDD"]\nmeasure = "momentum"\nwindow = 252\nskip = 21\ntop = 2\ninstead = "chosen"'
    rule = signal(text, "AAA = 0.25, BBB = 0.25, CCC = 0.25, DDD = 0.25")
    for end, world in looks(sessions, closes):
        table = pd.DataFrame(closes[:end], columns=list(UNIVERSE))
        winners = (table.shift(21) / table.shift(252)).iloc[-1].nlargest(2).index
        assert {s for s, w in told(rule, world).items() if w > 0} == set(winners)
        assert sum(told(rule, world).values()) == pytest.approx(1.0)


def test_the_turtles_channels(real):
    sessions, closes = real
    rule = signal('symbols = ["AAA"]\nmeasure = "breakout"\nwindow = 20\nexit_window = 10')
    for end, world in looks(sessions, closes):
        inside = False
        for day in range(20, end):
            x = closes[: day + 1, 0]
            inside = True if x[-1] > x[-21:-1].max() else False if x[-1] < x[-11:-1].min() else inside
        assert told(rule, world)["AAA"] == 0.6 * inside


def test_brock_s_band_around_the_average_does_not_flicker(real):
    sessions, closes = real
    plain = signal('symbols = ["AAA"]\nmeasure = "moving_average"\nwindow = 50\nenter = "> 0"\nexit = "<= 0"')
    banded = signal('symbols = ["AAA"]\nmeasure = "moving_average"\nwindow = 50\nenter = "> 0.01"\nexit = "< -0.01"')
    average = pd.Series(closes[:, 0]).rolling(50).mean()
    turns = {}
    for name, rule, band in (("plain", plain, 0.0), ("banded", banded, 0.01)):
        inside, last = False, None
        for day in range(49, len(closes)):
            away = closes[day, 0] / average[day] - 1
            new = True if away > band else False if away <= -band else inside
            turns[name] = turns.get(name, 0) + (new != inside)
            last = day if new != inside else last
            inside = new
        world = market(closes, UNIVERSE, sessions=sessions, today=date(2022, 12, 29))
        wish = rule.wish(seen(world))
        assert wish.weights["AAA"] == 0.6 * inside
        assert wish.turned["AAA"] == sessions[last].item()
    assert turns["banded"] < 0.7 * turns["plain"]


# ---- what a policy may not say

MOVING = 'measure = "moving_average"\nwindow = 5\nenter = "> 0"\nexit = "< 0"\n'
MINE = 'symbols = ["AAA"]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINE + 'measure = "moving_average"\nenter = "> 0"\nexit = "< 0"', "needs a `window`"),
        (MINE + MOVING + "top = 1", "say one of"),
        (MINE + 'measure = "momentum"\nwindow = 5', "say one of"),
        (MINE + 'measure = "momentum"\nwindow = 5\nenter = "> 0"', "need each other"),
        (MINE + 'measure = "momentum"\nwindow = 5\nenter = "> 0"\nexit = "> 1"', "not opposite"),
        (MINE + 'measure = "momentum"\nwindow = 5\nenter = "> 0"\nexit = "< 1"', "not opposite"),
        (MINE + 'measure = "momentum"\nwindow = 5\nskip = 5\nenter = "> 0"\nexit = "< 0"', "leaves nothing"),
        (MINE + MOVING + "skip = 2", "`skip` means nothing"),
        (MINE + MOVING + "exit_window = 2", "`exit_window` means nothing"),
        (MINE + MOVING + 'among = ["AAA"]', "`among` means nothing"),
        (MINE + MOVING + "buffer = 2", "belongs to `top`"),
        (MINE + MOVING + "least = 0.5", "belong to `slope`"),
        (MINE + MOVING + "outside = 1.0", "moves nothing"),
        (MINE + MOVING + 'instead = "AAA"', "one of its own"),
        (MINE + MOVING + 'of = "BBB"\ninstead = "chosen"', "the same for all"),
        (MINE + MOVING + 'of = "BBB"\nseries = "VIXCLS"', "exclude each other"),
        (MINE + MOVING + 'of = "A/B/C"', "neither a symbol"),
        (MINE + MOVING + 'series = "VIXCLS"', "of a series is not known"),
        (MINE + 'measure = "level"\nenter = "> 0"\nexit = "< 0"', "a level is of a `series`"),
        (MINE + 'measure = "level"\nseries = "A * B"\nenter = "> 0"\nexit = "< 0"', "neither a series"),
        (MINE + 'measure = "level"\nseries = "VIX"\nwindow = 5\nenter = "> 0"\nexit = "< 0"', "`window` means nothing"),
        (MINE + 'measure = "z_score"\nwindow = 2\nenter = "> 0"\nexit = "< 0"', "too short"),
        (MINE + 'measure = "z_score"\nratio = "accruals"\nenter = "> 0"\nexit = "< 0"', "is across the symbols"),
        (
            MINE + 'measure = "z_score"\nratio = "accruals"\nslope = 0.1\nevery = "week"',
            "`every` means nothing to a ratio without",
        ),
        (MINE + 'measure = "z_score"\nratio = "accruals"\nslope = 0.1\nsmooth = 5', "`smooth` means nothing to a ratio without"),
        (MINE + 'measure = "z_score"\nratio = "accruals"\nslope = 0.1\nwindow = 2', "too short"),
        (MINE + 'measure = "level"\nratio = "accruals"\nslope = 0.1\nwindow = 5', "`window` means nothing"),
        (MINE + 'measure = "drawdown"\nratio = "accruals"\nwindow = 5\nslope = 0.1', "of a ratio is not known"),
        (MINE + 'measure = "z_score"\nwindow = 5\nslope = 0.1\ninside = 2.0', "belong to `enter`"),
        (MINE + 'measure = "z_score"\nwindow = 5\nslope = 0.1\nleast = 1.5', "must hold 1"),
        (MINE + 'measure = "breakout"\nwindow = 5\nenter = "> 0"\nexit = "< 0"', "its own entry"),
        (MINE + 'measure = "breakout"\nwindow = 5\nsmooth = 2', "`smooth` means nothing"),
        (MINE + 'measure = "turbulence"\nof = "BBB"\nwindow = 50\nenter = "< 1"\nexit = "> 2"', "`among`, not `of`"),
        (MINE + 'measure = "momentum"\nwindow = 5\ntop = 1', "takes all"),
        (MINE + 'measure = "momentum"\nof = "BBB"\nwindow = 5\ntop = 1', "by what is their own"),
        ('symbols = ["ZZZ"]\n' + MOVING, "absent from"),
        ('symbols = ["CCC"]\n' + MOVING, "nothing to move"),
        ("symbols = []\n" + MOVING, "is empty"),
        (MINE + MOVING.replace("> 0", "about 3"), "a condition such as"),
        (MINE + MOVING + "colour = 3", "unknown key"),
    ],
)
def test_a_rule_that_says_nothing_or_two_things_is_refused(text, said):
    with pytest.raises(WrongUse, match=said):
        signal(text)


def test_a_signal_needs_rules():
    for rules in ("rule = []", "rule = 3", ""):
        with pytest.raises(WrongUse, match="rule"):
            strategy('kind = "signal"\nbase = { AAA = 1.0 }\n' + rules, UNIVERSE)


def test_a_condition_is_read_from_its_text():
    rule = signal(MINE + 'measure = "momentum"\nwindow = 5\nenter = " >= 1.5e-2 "\nexit = "<-.5"').rule[0]
    assert (rule.enter, rule.exit) == (Condition(">=", 0.015), Condition("<", -0.5))
