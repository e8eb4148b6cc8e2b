"""Shocks by hand, and the limits of [risk.stress]: what may be said, and what each wrong word is answered."""

import pytest
from mind import FIXED, policy

from portfolio.errors import WrongUse
from portfolio.policy.stress import read_stress
from portfolio.risk.stress import SCENARIOS, by_hand
from portfolio.risk.stress.scenarios import Shock
from portfolio.section import Section

GROUPED = FIXED.replace("[strategy]", '[universe.groups.asset_class]\nstocks = ["SPY"]\nrates = ["IEF"]\n[strategy]')


def shocks(*texts):
    return by_hand(texts, policy(GROUPED))


@pytest.mark.parametrize(
    ("text", "shock"),
    [
        ("equities=-0.2", Shock("equities", -0.2)),
        ("rates=+0.02", Shock("rates", 0.02)),
        ("SPY=-0.6", Shock("symbol", -0.6, "SPY")),
        ("asset_class.stocks=-0.3", Shock("group", -0.3, "asset_class.stocks")),
        ("correlation=1", Shock("correlation", 1.0)),
        ("volatility=2", Shock("volatility", 2.0)),
        ("volume=0.2", Shock("volume", 0.2)),
        ("spread=5", Shock("spread", 5.0)),
        ("days=3", Shock("days", 3.0)),
        ("largest=-0.6", Shock("largest", -0.6)),
        (" equities = -0.2 ", Shock("equities", -0.2)),
    ],
)
def test_one_shock(text, shock):
    (made,) = shocks(text)
    assert made.shocks == (shock,)
    assert (made.name, made.kind, made.words) == ("by hand", "hand", text.strip())


def test_several_with_a_value_make_one_scenario_and_each_name_is_shown():
    assert shocks("2008", "rates-up") == (SCENARIOS["2008"], SCENARIOS["rates-up"])
    assert shocks("2008", "2008") == (SCENARIOS["2008"],)
    found = shocks("2008", "SPY=-0.1", "volatility=2", "single-name")
    assert found[:2] == (SCENARIOS["2008"], SCENARIOS["single-name"])
    assert found[2].shocks == (Shock("episode", 0.0, "2008"), Shock("symbol", -0.1, "SPY"), Shock("volatility", 2.0))
    assert [s.kind for s in shocks("margin=2")] == ["margin"]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["2009"], "'2009' is no scenario.* There are: 1987, 1998, 2000-02"),
        (["equities-2"], "Did you mean `equities-20`"),
        (["equity=-0.2"], "moves nothing that is known.*Did you mean `equities`.*asset_class.stocks"),
        (["TLT=-0.2"], "moves nothing"),
        (["asset_class.gold=-0.1"], "moves nothing"),
        (["equities=-1.01"], "a number from -1 to 10"),
        (["equities=nan"], "no shock"),
        (["equities=twenty"], "no shock"),
        (["equities="], "no shock"),
        (["equities=-20%"], "0.2 is 20 %"),
        (["rates=2"], "a number from -0.2 to 0.2"),
        (["correlation=1.1"], "from 0 to 1"),
        (["volume=0"], "no shock"),
        (["volatility=2", "volatility=3"], "say volatility twice"),
        (["SPY=-0.1", "SPY=-0.2"], "say SPY twice"),
        (["days=1000"], "a number from 1 to 20\\.$"),
        (["margin=2", "equities=-0.1"], "margin goes with no other"),
        (["=1"], "moves nothing"),
        ([""], "no scenario"),
    ],
)
def test_a_wrong_one_is_answered_in_one_sentence(texts, words):
    with pytest.raises(WrongUse, match=words):
        shocks(*texts)


# --- [risk.stress] -----------------------------------------------------------------------------------------------


def read(table, classes=None):
    return read_stress(Section("risk.stress", table), classes)


def test_limits_by_scenario_and_for_any():
    assert read_stress(None).max_loss == {}
    assert read({}).max_loss == {}
    told = {"2008": 0.4, "any": 0.5, "margin-double": 0.0, "rates-up": 1}
    assert read({"max_loss": told}).max_loss == told


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"max_loss": {"2009": 0.1}}, "2009 is no scenario.*There are: 1987"),
        ({"max_loss": {"rate-up": 0.1}}, "Did you mean `rates-up`"),
        ({"max_loss": {"2008": 1.01}}, "a number from 0 to 1"),
        ({"max_loss": {"2008": -0.1}}, "a number from 0 to 1"),
        ({"max_loss": {"2008": float("nan")}}, "a number from 0 to 1"),
        ({"max_loss": {"2008": "40 %"}}, "a number from 0 to 1"),
        ({"max_loss": 0.4}, "must be a table"),
        ({"max_los": {"2008": 0.4}}, "unknown key `max_los`.*Did you mean `max_loss`"),
    ],
)
def test_a_wrong_limit_is_refused_by_name(table, words):
    with pytest.raises(WrongUse, match=words):
        read(table)


@pytest.mark.parametrize("bad", ["long", "-1", "101", "nan"])
def test_durations_are_numbers_of_years(bad):
    assert read({}, {"duration": {"SPY": "0", "IEF": "7.5"}}).max_loss == {}
    with pytest.raises(WrongUse, match=f"group '{bad}', which is no number of years"):
        read_stress(None, {"duration": {"IEF": bad}})
