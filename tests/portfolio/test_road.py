"""From the policy to a wish that obeys it: constraints on every strategy, what stays, and the fallback road."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import FIXED, OPTIMIZED, market, policy, walk

from portfolio.errors import Refused
from portfolio.strategies import target
from portfolio.strategies.conform import MOVED

FOUR = ("AAA", "BBB", "CCC", "DDD")
NOTHING = dict.fromkeys(FOUR, 0.0)
HELD = {"AAA": 0.6, "BBB": 0.2, "CCC": 0.1, "DDD": 0.1}


def four(days=400, **more):
    return market(FOUR, walk(4, days), **more)


def rules(kind='kind = "equal"', constraints="", classes="", more=""):
    objective = "optimized" if "optimized" in kind else "allocation"
    groups = f"[universe.groups.kind]\n{classes}\n" if classes else ""
    limits = f"[constraints]\n{constraints}\n" if constraints else ""
    return policy(
        f'[portfolio]\nname = "x"\nobjective = "{objective}"\nbase_currency = "USD"\nbenchmark = "SPX"\n'
        f'[universe]\nsymbols = ["AAA", "BBB", "CCC", "DDD"]\n{groups}[strategy]\n{kind}\n{more}\n{limits}'
        '[risk]\nmax_weight = 1.0\ncash_reserve = 0.0\n[execution]\nmode = "paper"\n'
    )


def fixed(a, b, c, d, **more):
    return rules(f'kind = "fixed"\nweights = {{ AAA = {a}, BBB = {b}, CCC = {c}, DDD = {d} }}', **more)


# --- a wish that obeys is left alone --------------------------------------------------------------------------------


def test_a_wish_within_its_constraints_is_left_as_it_is():
    plain = target(fixed(0.4, 0.3, 0.2, 0.1), four(), NOTHING)
    asked = target(fixed(0.4, 0.3, 0.2, 0.1, constraints="symbols = { AAA = { max = 0.4 } }\nnames = 4"), four(), NOTHING)
    assert asked == plain
    assert plain.road == ("fixed",)
    assert plain.weights == {"AAA": 0.4, "BBB": 0.3, "CCC": 0.2, "DDD": 0.1}
    assert list(plain.weights) == sorted(plain.weights)


def test_without_constraints_max_weight_is_for_the_rules_to_judge():
    wish = target(policy(FIXED, risk={"max_weight": 0.5}), market(), {})
    assert wish.weights["SPY"] == 0.6


def test_with_constraints_it_is_one_of_them_so_that_no_rule_breaks_them_afterwards():
    """Seven tenths in a class of two, each at most 0.4: found under the cap, not cut by a rule below the class's least."""
    asked = fixed(0.7, 0.0, 0.2, 0.1, constraints="kind = { risky = { min = 0.7 } }\nnet = { min = 1.0 }", classes=GROUPS)
    wish = target(replace(asked, risk=replace(asked.risk, max_weight=0.4)), four(), NOTHING)
    assert max(wish.weights.values()) <= 0.4 + 1e-9
    assert wish.weights["AAA"] + wish.weights["BBB"] >= 0.7 - 1e-9
    assert sum(wish.weights.values()) == pytest.approx(1.0)


# --- as much stays invested as was wished ---------------------------------------------------------------------------


def test_what_a_cap_takes_off_goes_to_others_not_to_cash():
    wish = target(fixed(0.5, 0.3, 0.15, 0.05, constraints="kind = { risky = { max = 0.5 } }", classes=GROUPS), four(), HELD)
    assert sum(wish.weights.values()) == pytest.approx(1.0)
    assert "moved from 50.00% by kind risky at most 50 %" in wish.reasons["AAA"]


def test_where_there_is_no_room_the_rest_is_cash_and_said():
    wish = target(fixed(0.5, 0.3, 0.15, 0.05, constraints="volatility = 0.03"), four(), HELD)
    assert sum(wish.weights.values()) < 0.9
    assert "more in cash" in wish.reasons["AAA"]
    assert "volatility at most 3 % a year" in wish.reasons["AAA"]


def test_a_number_of_names_keeps_those_that_were_wished_most():
    """DDD is wished least and must be held; of the others the two wished most stay."""
    limits = "names = 3\nsymbols = { DDD = { min = 0.3 } }"
    wish = target(fixed(0.5, 0.3, 0.15, 0.05, constraints=limits), four(), HELD)
    assert {s for s, w in wish.weights.items() if w > 0} == {"AAA", "BBB", "DDD"}


# --- a wish that does not is moved to the nearest that does ----------------------------------------------------------

GROUPS = 'risky = ["AAA", "BBB"]\nsafe = ["CCC"]'
CASES = {
    "symbols = { AAA = { max = 0.3 } }": lambda w: w["AAA"] <= 0.3,
    "symbols = { DDD = { min = 0.2 } }": lambda w: w["DDD"] >= 0.2,
    "kind = { risky = { max = 0.5 } }": lambda w: w["AAA"] + w["BBB"] <= 0.5,
    "kind = { safe = { min = 0.4 } }": lambda w: w["CCC"] >= 0.4,
    "net = { max = 0.8 }": lambda w: sum(w.values()) <= 0.8,
    "gross = 0.7": lambda w: sum(map(abs, w.values())) <= 0.7,
    "names = 2": lambda w: sum(x > 0 for x in w.values()) <= 2,
    "minimum_position = 0.15": lambda w: all(x == 0 or x >= 0.15 for x in w.values()),
    'do_not_trade = ["BBB"]': lambda w: w["BBB"] == HELD["BBB"],
    "turnover = 0.2": lambda w: sum(abs(w[s] - HELD[s]) for s in w) <= 0.2,
    "volatility = 0.05": lambda w: volatility(w) <= 0.05,
    "tracking_error = 0.02\nbenchmark = { AAA = 0.5, DDD = 0.5 }": lambda w: volatility(w, {"AAA": 0.5, "DDD": 0.5}) <= 0.02,
    "conditional_value_at_risk = 0.006": lambda w: tail(w) <= 0.006,
}


def moves(w, less=None):
    rows = walk(4, 400)
    returns = rows[1:] / rows[:-1] - 1
    return returns @ np.array([w[s] - (less or {}).get(s, 0.0) for s in FOUR])


def volatility(w, less=None):
    return moves(w, less).std(ddof=1) * np.sqrt(252) - 1e-9


def tail(w):
    from skfolio.measures import cvar

    return float(cvar(moves(w), beta=0.95)) - 1e-9


@pytest.mark.parametrize("constraint", CASES)
def test_every_constraint_binds_a_strategy_that_knows_nothing_of_it(constraint):
    """Fixed weights that break it are moved to weights that do not; the road and the reasons say so."""
    wide = fixed(0.5, 0.3, 0.12, 0.08, constraints=constraint, classes=GROUPS)
    free = target(fixed(0.5, 0.3, 0.12, 0.08), four(), HELD)
    wish = target(wide, four(), HELD)
    assert not CASES[constraint](free.weights) or "names" in constraint, "the case must bind"
    assert CASES[constraint]({s: round(w, 9) for s, w in wish.weights.items()}) or CASES[constraint](wish.weights)
    if constraint.startswith("net"):
        assert wish.road == ("fixed",), "the room is told to the strategy, which keeps to it by itself"
        return
    assert wish.road == ("fixed", "nearest allowed weights")
    moved = {s for s in FOUR if abs(wish.weights[s] - free.weights[s]) > MOVED}
    assert moved
    assert all("moved from" in wish.reasons[s] for s in moved)


def test_a_limit_on_beta_is_in_betas_to_the_benchmark():
    closes = walk(4, 400)
    benchmark = 100 * np.cumprod(1 + np.concatenate([[0], (closes[1:, :2] / closes[:-1, :2] - 1).mean(axis=1)]))
    shown = market(FOUR, closes, benchmark=benchmark)
    wish = target(fixed(0.5, 0.5, 0.0, 0.0, constraints="exposures = { beta = { max = 0.6 } }"), shown, NOTHING)
    beta = np.cov(moves(wish.weights), benchmark[1:] / benchmark[:-1] - 1)
    assert beta[0, 1] / beta[1, 1] <= 0.6 + 1e-9
    assert wish.road[-1] == "nearest allowed weights"


@given(
    wished=some.lists(some.floats(0.0, 0.25), min_size=4, max_size=4),
    cap=some.floats(0.3, 1.0),
    floor=some.floats(0.0, 0.25),
    turnover=some.floats(0.5, 2.0),
)
@settings(max_examples=40, deadline=None)
def test_whatever_is_wished_obeys_to_a_billionth(wished, cap, floor, turnover):
    asked = f"kind = {{ risky = {{ max = {cap} }}, safe = {{ min = {floor} }} }}\nturnover = {turnover}\nweight = {{ max = 0.5 }}"
    wish = target(fixed(*wished, constraints=asked, classes=GROUPS), four(), HELD)
    w = wish.weights
    if wish.road[-1] == "hold":
        assert w == HELD
        return
    assert w["AAA"] + w["BBB"] <= cap + 1e-9
    assert w["CCC"] >= floor - 1e-9
    assert sum(abs(w[s] - HELD[s]) for s in FOUR) <= turnover + 1e-9
    assert all(-1e-9 <= x <= 0.5 + 1e-9 for x in w.values())


# --- what stays -----------------------------------------------------------------------------------------------------


def test_a_blocked_symbol_stays_and_its_part_is_taken_off_every_sum():
    shown = four(health={"AAA": "blocked"})
    wish = target(rules(constraints="kind = { risky = { max = 0.7 } }", classes=GROUPS), shown, HELD)
    assert wish.weights["AAA"] == HELD["AAA"]
    assert "blocked" in wish.reasons["AAA"]
    assert wish.weights["AAA"] + wish.weights["BBB"] <= 0.7 + 1e-9
    assert sum(wish.weights.values()) <= 1.0 + 1e-9
    plain = target(rules(), shown, HELD)
    assert plain.weights["BBB"] == pytest.approx(0.4 / 3)


def test_a_first_investment_is_no_turnover():
    asked = fixed(0.4, 0.3, 0.2, 0.1, constraints="turnover = 0.1")
    assert target(asked, four(), NOTHING).road == ("fixed",)
    assert target(asked, four(), HELD).road == ("fixed", "nearest allowed weights")


def test_a_larger_reserve_is_reached_although_turnover_is_limited():
    """From 99 % invested to a reserve of 40 %: what must be sold for it is no turnover."""
    asked = policy(FIXED + "[constraints]\nturnover = 0.1\n", risk={"cash_reserve": 0.4})
    wish = target(asked, market(), {"SPY": 0.6, "IEF": 0.29, "GLD": 0.1})
    assert wish.road[-1] != "hold"
    assert sum(wish.weights.values()) <= 1.0 + 1e-9


# --- the road -------------------------------------------------------------------------------------------------------

IMPOSSIBLE = "symbols = { AAA = { min = 0.6 } }\nkind = { risky = { max = 0.3 } }"


def test_a_conflict_is_named_and_what_is_held_stays():
    wish = target(fixed(0.4, 0.3, 0.2, 0.1, constraints=IMPOSSIBLE, classes=GROUPS), four(), HELD)
    assert wish.road[0].startswith("fixed failed: ")
    assert "kind risky" in wish.road[0]
    assert "AAA" in wish.road[0]
    assert wish.road[-1] == "hold"
    assert wish.weights == HELD


def test_relaxing_lets_go_in_the_stated_order_and_no_further():
    more = 'fallback = ["relax", "hold"]\nrelax = ["turnover", "kind", "symbols"]'
    wish = target(fixed(0.6, 0.2, 0.1, 0.1, constraints=f"{IMPOSSIBLE}\nturnover = 1.0", classes=GROUPS, more=more), four(), HELD)
    assert [step.split(":")[0] for step in wish.road] == ["fixed failed", "relaxed turnover", "relaxed kind", "fixed"]
    assert wish.weights["AAA"] == 0.6


def test_a_simpler_model_under_what_is_left_of_the_constraints():
    more = 'fallback = ["relax", "inverse_volatility", "hold"]\nrelax = ["turnover"]'
    wish = target(fixed(0.6, 0.2, 0.1, 0.1, constraints=IMPOSSIBLE + "\nturnover = 1.0", classes=GROUPS, more=more), four(), HELD)
    assert "inverse_volatility failed" in " ".join(wish.road)
    assert wish.road[-1] == "hold"


def test_a_simpler_model_says_for_want_of_what(riskfolio):
    tailed = policy(OPTIMIZED, strategy={"fallback": ("inverse_volatility", "hold")})
    wish = target(tailed, four(days=90), NOTHING)
    assert wish.road[-1] == "inverse_volatility" or wish.road[-1] == "hold"


@pytest.mark.parametrize("fallback", [(), ("equal_weight",)])
def test_a_road_that_leads_nowhere_is_refused(fallback):
    shown = four(health=dict.fromkeys(FOUR, "blocked"))
    with pytest.raises(Refused, match="no symbol of the universe is free"):
        target(policy(OPTIMIZED, strategy={"fallback": fallback}), shown, HELD)


def test_everything_blocked_is_held():
    wish = target(rules(), four(health=dict.fromkeys(FOUR, "blocked")), HELD)
    assert wish.road[-1] == "hold"
    assert wish.weights == HELD
