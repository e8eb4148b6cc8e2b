"""What each strategy wishes, and which road it says it took."""

from dataclasses import replace

import numpy as np
import pytest
from mind import FIXED, OPTIMIZED, changed, market, policy, walk

from portfolio.errors import Broken, Refused
from portfolio.optimize import Infeasible
from portfolio.strategies import optimized, target

FOUR = ("AAA", "BBB", "CCC", "DDD")
NOTHING = dict.fromkeys(FOUR, 0.0)
HELD = {"AAA": 0.7, "BBB": 0.2, "CCC": 0.0, "DDD": 0.0}


def tail(**changes):
    return policy(OPTIMIZED, strategy=changes)


def four(days=400, **more):
    return market(FOUR, walk(4, days), **more)


@pytest.fixture
def failing(monkeypatch):
    def fails(*_, **__):
        raise Infeasible("nothing works today")

    monkeypatch.setattr(optimized, "minimum_cvar", fails)


def test_fixed_wishes_what_the_policy_says_in_a_fixed_order():
    wish = target(policy(), market(), {})
    assert wish.weights == {"GLD": 0.1, "IEF": 0.3, "SPY": 0.6}
    assert list(wish.weights) == sorted(wish.weights)
    assert wish.road == ("fixed",)
    assert "60.00%" in wish.reasons["SPY"]


def test_a_symbol_the_policy_does_not_weigh_is_wished_away():
    text = changed(changed(FIXED, 'symbols = ["SPY",', 'symbols = ["TLT", "SPY",'), "GLD = 0.1 ", "GLD = 0.05 ")
    wish = target(policy(text), market(("TLT", "SPY", "IEF", "GLD")), {})
    assert wish.weights == {"GLD": 0.05, "IEF": 0.3, "SPY": 0.6, "TLT": 0.0}


def test_optimized_is_the_solver_s_answer_with_its_certificate(riskfolio):
    from portfolio.optimize import minimum_cvar

    shown = four()
    wish = target(tail(), shown, NOTHING)
    alone = minimum_cvar(shown.returns(300), level=0.95, cap=0.5)
    assert [wish.weights[s] for s in FOUR] == pytest.approx(alone.weights.tolist(), abs=1e-12)
    assert wish.road == ("minimum_cvar",)
    assert wish.certificate.status == "optimal"
    assert sum(wish.weights.values()) == pytest.approx(1.0, abs=1e-7)
    assert set(wish.reasons) == set(FOUR)


def test_every_knob_of_the_optimizer_matters(riskfolio):
    plain = target(tail(), four(), NOTHING).weights
    assert target(tail(level=0.8), four(), NOTHING).weights != plain
    assert target(tail(lookback=150), four(), NOTHING).weights != plain
    assert target(policy(OPTIMIZED, risk={"max_weight": 0.3}), four(), NOTHING).weights != plain
    assert target(tail(minimum_history=301), four(), NOTHING).road[-1] == "equal_weight"


def test_a_blocked_symbol_is_not_seen_by_the_optimizer(riskfolio):
    shown = four(health={"BBB": "blocked", "CCC": "suspect"})
    scrambled = shown.closes.copy()
    scrambled[:, 1] = np.nan
    wish = target(tail(), shown, NOTHING)
    assert wish.weights["BBB"] == 0.0
    assert "blocked" in wish.reasons["BBB"]
    assert wish.weights["CCC"] > 0.0
    assert target(tail(), replace(shown, closes=scrambled), NOTHING).weights == wish.weights


def test_a_short_history_is_left_out_and_says_so(riskfolio):
    closes = walk(4, 400)
    closes[:-100, 3] = np.nan  # 99 returns, 100 are needed
    wish = target(tail(), market(FOUR, closes), NOTHING)
    assert wish.road == ("minimum_cvar",)
    assert wish.weights["DDD"] == 0.0
    assert "minimum_history" in wish.reasons["DDD"]
    closes[-101, 3] = closes[-100, 3]  # the hundredth
    assert target(tail(), market(FOUR, closes), NOTHING).reasons["DDD"] != wish.reasons["DDD"]


def test_too_few_complete_sessions_take_the_first_fallback(riskfolio):
    wish = target(tail(), four(days=100), NOTHING)
    assert wish.road[-1] == "equal_weight"
    assert wish.road[0].startswith("minimum_cvar failed: only")
    assert set(wish.weights.values()) == {0.25}
    assert wish.certificate is None


def test_equal_weight_is_over_what_may_be_traded(failing):
    wish = target(tail(), four(health={"AAA": "blocked"}), HELD)
    assert wish.road == ("minimum_cvar failed: nothing works today", "equal_weight")
    assert wish.weights == {"AAA": 0.0, "BBB": pytest.approx(1 / 3), "CCC": pytest.approx(1 / 3), "DDD": pytest.approx(1 / 3)}


def test_equal_weight_over_too_few_is_no_road_and_the_next_is_taken(failing):
    shown = four(health=dict.fromkeys(("AAA", "BBB", "CCC"), "blocked"))
    wish = target(tail(), shown, HELD)
    assert wish.road[1] == "equal_weight not possible under max_weight"
    assert wish.road[-1] == "hold"
    assert wish.weights == HELD


def test_hold_wishes_what_is_held(failing):
    wish = target(tail(fallback=("hold",)), four(health={"AAA": "blocked"}), HELD)
    assert wish.road[-1] == "hold"
    assert wish.weights == HELD
    assert all("held" in wish.reasons[s] for s in HELD)


def test_everything_blocked_is_held():
    wish = target(tail(), four(health=dict.fromkeys(FOUR, "blocked")), HELD)
    assert wish.road[-1] == "hold"
    assert wish.weights == HELD


@pytest.mark.parametrize("fallback", [(), ("equal_weight",)])
def test_a_road_that_leads_nowhere_is_refused(fallback):
    with pytest.raises(Refused, match="no symbol of the universe is free"):
        target(tail(fallback=fallback), four(health=dict.fromkeys(FOUR, "blocked")), HELD)


def test_a_kind_nobody_taught_is_our_bug():
    with pytest.raises(Broken, match="zebra"):
        target(policy(strategy={"kind": "zebra"}), market(), {})
