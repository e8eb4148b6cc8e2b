"""Core and satellites: what each sleeve wants, netted into one book."""

import numpy as np
import pytest
from scene import market, seen, strategy, told, walk

from portfolio.errors import WrongUse
from portfolio.optimize import Infeasible
from portfolio.strategies.combination import Combination

UNIVERSE = ("AAA", "BBB", "CCC", "DDD")
CORE = """
[[sleeve]]
name = "core"
share = 0.7
symbols = ["AAA", "BBB"]
strategy = { kind = "fixed", weights = { AAA = 0.6, BBB = 0.4 } }
"""
SATELLITE = """
[[sleeve]]
name = "satellite"
share = 0.2
symbols = ["BBB", "CCC", "DDD"]
strategy = { kind = "inverse_volatility", lookback = 100, minimum_history = 50 }
"""
TREND = """
[[sleeve]]
name = "trend"
share = 0.3
symbols = ["DDD"]
[sleeve.strategy]
kind = "signal"
base = { DDD = 1.0 }
[[sleeve.strategy.rule]]
symbols = ["DDD"]
measure = "momentum"
window = 3
enter = "> 0"
exit = "<= 0"
"""


def combined(*sleeves: str, more: str = "") -> Combination:
    return strategy('kind = "combination"\n' + more + "".join(sleeves), UNIVERSE)


def test_sleeves_are_netted_into_one_book_and_say_what_they_want():
    closes = walk(200, 4)
    alone = told(strategy('kind = "inverse_volatility"\nlookback = 100\nminimum_history = 50'), closes, symbols=UNIVERSE[1:])
    wish = combined(CORE, SATELLITE).wish(seen(closes))
    assert wish.weights == pytest.approx(
        {"AAA": 0.42, "BBB": 0.28 + 0.2 * alone["BBB"], "CCC": 0.2 * alone["CCC"], "DDD": 0.2 * alone["DDD"]}
    )
    assert sum(wish.weights.values()) == pytest.approx(0.9)  # what the shares leave is cash
    assert "core 28.00%" in wish.reasons["BBB"]
    assert "satellite" in wish.reasons["BBB"]
    assert wish.road == ("core: fixed", "satellite: inverse_volatility")


def test_where_there_is_less_room_every_sleeve_is_smaller_by_the_same_factor():
    whole = told(combined(CORE, SATELLITE), walk(200, 4))
    small = told(combined(CORE, SATELLITE), walk(200, 4), room=0.45)
    assert small == pytest.approx({s: w / 2 for s, w in whole.items()})


def test_a_sleeve_without_an_answer_holds_what_is_held_or_is_sold():
    closes = walk(200, 4)
    closes[:-10, 1:] = np.nan  # too short for the satellite
    held = {"AAA": 0.5, "BBB": 0.18, "CCC": 0.05, "DDD": 0.02}
    wish = combined(CORE, SATELLITE).wish(seen(closes, held=held))
    # of BBB, 0.2 / (0.7 + 0.2) counts for the satellite
    assert wish.weights == pytest.approx({"AAA": 0.42, "BBB": 0.28 + 0.04, "CCC": 0.05, "DDD": 0.02})
    assert wish.road[1].startswith("satellite failed: no symbol has 50 known returns")
    assert "held: no symbol" in wish.reasons["CCC"]
    sold = combined(CORE, SATELLITE, more='unanswered = "cash"\n').wish(seen(closes, held=held))
    assert sold.weights == pytest.approx({"AAA": 0.42, "BBB": 0.28, "CCC": 0.0, "DDD": 0.0})
    assert "sold: no symbol" in sold.reasons["CCC"]
    grown = combined(CORE, SATELLITE).wish(seen(closes, held={"CCC": 0.3, "DDD": 0.1}))
    assert (grown.weights["CCC"], grown.weights["DDD"]) == pytest.approx((0.15, 0.05))  # no more than its share


def test_what_a_failed_sleeve_holds_is_not_sold_for_want_of_room():
    closes = walk(200, 4)
    closes[:-10, 1:] = np.nan
    small = told(combined(CORE, SATELLITE), closes, held={"CCC": 0.05}, room=0.45)
    assert small == pytest.approx({"AAA": 0.21, "BBB": 0.14, "CCC": 0.05, "DDD": 0.0})


def test_where_no_sleeve_has_an_answer_there_is_none():
    closes = np.full((200, 4), np.nan)
    with pytest.raises(Infeasible, match="no sleeve has an answer: satellite failed"):
        combined(SATELLITE).wish(seen(closes))


def test_a_sleeve_sees_its_own_holdings_as_fractions_of_itself():
    class Looking:
        kind = "looking"

        def wish(self, shown):
            self.shown = shown
            return strategy('kind = "equal"').wish(shown)

    core, satellite = combined(CORE, SATELLITE).sleeve
    looking = Looking()
    from dataclasses import replace

    book = Combination(sleeve=(core, replace(satellite, strategy=looking)))
    book.wish(seen(walk(200, 4), held={"AAA": 0.3, "BBB": 0.09, "CCC": 0.1}))
    assert looking.shown.symbols == ("BBB", "CCC", "DDD")
    assert looking.shown.held == pytest.approx({"BBB": 0.1, "CCC": 0.5, "DDD": 0.0})
    assert looking.shown.room == 1.0
    assert looking.shown.constraints.upper.tolist() == [1.0, 1.0, 1.0]


def test_bounds_on_single_weights_are_fractions_of_the_sleeve():
    from dataclasses import replace

    from portfolio.strategies.combination import _bounds

    whole = seen(walk(5, 4)).constraints
    inner = _bounds(replace(whole, upper=np.array([0.1, 0.2, 0.3, 0.4]), budget=(0.5, 0.5)), [1, 3], 0.25)
    assert inner.upper.tolist() == [0.8, 1.0]
    assert inner.budget == (1.0, 1.0)


def test_signals_of_sleeves_are_the_book_s():
    closes = walk(20, 4)
    closes[-2:, 3] = [200.0, 210.0]
    wish = combined(CORE, TREND).wish(seen(closes))
    assert wish.weights["DDD"] == pytest.approx(0.3)
    alone = strategy(
        'kind = "signal"\nbase = { DDD = 1.0 }\n[[rule]]\nsymbols = ["DDD"]\nmeasure = "momentum"\nwindow = 3\nenter = "> 0"\nexit = "<= 0"'
    )
    assert wish.turned == alone.wish(seen(closes)).turned
    assert set(wish.turned) == {"DDD"}


def test_a_book_asks_for_what_its_sleeves_look_at():
    watching = TREND.replace("momentum", "level").replace("window = 3", 'series = "VIXCLS"')
    needs = combined(CORE, SATELLITE.replace("0.2", "0.0001"), watching.replace("0.3", "0.1")).needs()
    assert needs.macro == ("VIXCLS",)
    assert needs.sessions == 50


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ([CORE, CORE], "a name of its own"),
        ([CORE, TREND, SATELLITE], "more than 1"),
        ([CORE.replace("0.7", "0.0")], "has no share"),
        ([CORE.replace('["AAA", "BBB"]', '["AAA", "BBB", "ZZZ"]')], "ZZZ, absent"),
        ([CORE.replace('["AAA", "BBB"]', '["AAA"]')], "The sleeve core: .*BBB"),
        ([CORE.replace('name = "core"', "")], "lacks `name`"),
        ([CORE.replace("kind =", "colour = 3, kind =")], "unknown key `colour`"),
        ([CORE + "colour = 3"], "unknown key `colour`"),
        ([CORE.replace('"fixed"', '"zebra"')], "zebra"),
    ],
)
def test_sleeves_that_make_no_sense_are_refused(text, said):
    with pytest.raises(WrongUse, match=said):
        combined(*text)


def test_sleeves_within_sleeves():
    inner = """
[[sleeve]]
name = "outer"
share = 0.5
[sleeve.strategy]
kind = "combination"
[[sleeve.strategy.sleeve]]
name = "inner"
share = 0.5
strategy = { kind = "equal" }
"""
    assert set(told(combined(inner), market(walk(5, 4))).values()) == {0.0625}


HALVES = """
[[sleeve]]
name = "a"
share = 0.5
symbols = ["AAA"]
strategy = { kind = "fixed", weights = { AAA = 1.0 } }
[[sleeve]]
name = "b"
share = 0.5
symbols = ["BBB", "CCC"]
strategy = { kind = "fixed", weights = { BBB = 0.5, CCC = 0.5 } }
"""


def test_a_blocked_symbol_is_taken_off_its_own_sleeve_and_no_other():
    """On target, AAA blocked: the sleeve of the others keeps its half; nothing of it is sold to pay for AAA's."""
    held = {"AAA": 0.5, "BBB": 0.25, "CCC": 0.25, "DDD": 0.0}
    free = UNIVERSE[1:]
    wish = combined(HALVES).wish(seen(walk(60, 4), held=held, symbols=free, room=0.5))
    assert wish.weights == pytest.approx({"BBB": 0.25, "CCC": 0.25, "DDD": 0.0})
    assert wish.road[0].startswith("a: what it holds stays")
    heavier = {**held, "AAA": 0.6}
    wish = combined(HALVES).wish(seen(walk(60, 4), held=heavier, symbols=free, room=0.4))
    assert wish.weights == pytest.approx({"BBB": 0.2, "CCC": 0.2, "DDD": 0.0}), "only what does not fit is taken off the others"
