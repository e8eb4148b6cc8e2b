"""What the optimizer wishes for: the model's answer over those with history, every knob read or refused, every weight told."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mind import market, walk

from portfolio.errors import WrongUse
from portfolio.knobs import read_knobs
from portfolio.optimize import RISKS, Infeasible, Model, Problem, long_only, solve
from portfolio.optimize.part import part
from portfolio.section import Section
from portfolio.strategies.optimized import HANGING, NAMES, Optimized
from portfolio.strategies.protocol import Seen

FOUR = ("AAA", "BBB", "CCC", "DDD")
RULE = Optimized(model="minimum_cvar", level=0.95, lookback=300, minimum_history=100)
VIEWS = "[[view]]\nassets = { AAA = 1, BBB = -1 }\nreturn_a_year = 0.40\nconfidence = 0.9\n"


@pytest.fixture(scope="module", autouse=True)
def _opened(riskfolio):
    """Riskfolio's import prints and warns; it is none of these tests' matter."""


def rising(days: int = 400) -> np.ndarray:
    return walk(4, days, drift=0.001) * np.exp(np.outer(np.arange(days), [0, 1e-4, 2e-4, 4e-4]))


def seen(closes=None, cap: float = 0.5, **changes) -> Seen:
    closes = rising() if closes is None else closes
    constraints = replace(long_only(4, cap), **changes)
    return Seen(market(FOUR, closes), FOUR, dict.fromkeys(FOUR, 0.0), constraints, files={"views.toml": VIEWS})


def wish(rule: Optimized = RULE, shown: Seen | None = None) -> np.ndarray:
    rule.check(FOUR, {})
    found = rule.wish(seen() if shown is None else shown).weights
    return np.array([found[s] for s in FOUR])


def test_it_is_the_solver_s_answer_with_its_certificate():
    shown = seen()
    returns = shown.returns(300)
    alone = solve(
        Model("minimum_risk", risk="cvar"),
        Problem(FOUR, returns, returns.mean(axis=0), np.cov(returns, rowvar=False), long_only(4, 0.5)),
    )
    target = RULE.wish(shown)
    assert [target.weights[s] for s in FOUR] == pytest.approx(alone.weights.tolist(), abs=1e-12)
    assert target.road == ("minimum_cvar",)
    assert target.certificate == alone.certificate
    assert target.certificate.status == "optimal"
    assert sum(target.weights.values()) == pytest.approx(1.0, abs=1e-9)
    assert set(target.reasons) == set(FOUR)


def test_every_weight_is_told_in_words():
    target = RULE.wish(seen())
    for symbol, weight in target.weights.items():
        told = target.reasons[symbol]
        assert ("held at its cap of 50.00% of equity" in told) == (weight > 0.5 - 1e-6)
        assert ("adds more to the worst days" in told) == (weight < 1e-6)
    for model in NAMES:
        rule = replace(RULE, level=None, model=model, benchmark={"AAA": 1.0} if model == "minimum_tracking_error" else {})
        target = rule.wish(seen())
        assert target.road == (model,)
        assert all(target.reasons.values())
        assert not any("{" in told for told in target.reasons.values())


def test_a_short_history_is_left_out_and_says_so():
    closes = rising()
    closes[:-100, 3] = np.nan  # 99 returns, 100 are needed
    target = RULE.wish(seen(closes))
    assert target.weights["DDD"] == 0.0
    assert "minimum_history" in target.reasons["DDD"]
    closes[-101, 3] = closes[-100, 3]  # the hundredth
    assert RULE.wish(seen(closes)).reasons["DDD"] != target.reasons["DDD"]


def test_a_price_that_never_moves_is_left_out_and_says_so():
    """Else it would take 99.99 % of a minimum-variance portfolio."""
    closes = rising()
    closes[:, 2] = 42.0
    for model in ("minimum_variance", "minimum_cvar", "hrp", "risk_parity"):
        target = replace(RULE, model=model, level=None).wish(seen(closes, cap=0.9))
        assert target.weights["CCC"] == 0.0
        assert target.reasons["CCC"] == "its price has not moved in 300 sessions"
    with pytest.raises(Infeasible, match="no price has moved in 300 sessions"):
        RULE.wish(seen(np.full((400, 4), 10.0)))


def test_too_few_complete_sessions_are_infeasible():
    with pytest.raises(Infeasible, match="only 99 sessions are complete, 100 are needed"):
        RULE.wish(seen(rising(100)))
    apart = rising()
    apart[:-150, :2], apart[-150:, 2:] = np.nan, np.nan  # enough of each, never of all
    with pytest.raises(Infeasible, match="only 0 sessions are complete"):
        RULE.wish(seen(apart))
    with pytest.raises(Infeasible, match="no symbol of the universe is free"):
        RULE.wish(replace(seen(), symbols=()))


def test_a_conflict_of_the_policy_is_named():
    tech = {"rows": np.array([[1.0, 1, 0, 0]]), "low": np.array([0.9]), "high": np.array([1.0]), "labels": ("sector Technology",)}
    with pytest.raises(Infeasible) as failure:
        RULE.wish(seen(cap=0.4, **tech))
    assert set(failure.value.conflict) == {"each weight at most 40 %", "sector Technology at least 90 %"}


def test_nothing_left_to_invest_is_all_cash():
    target = RULE.wish(seen(budget=(0.0, 0.0)))
    assert set(target.weights.values()) == {0.0}
    assert set(target.reasons.values()) == {"nothing is left to invest"}


def test_less_room_is_filled_whole_or_as_the_net_range_says():
    assert wish(RULE, seen(budget=(0.0, 0.7))).sum() == pytest.approx(0.7, abs=1e-9)
    assert wish(replace(RULE, fully_invested=False), seen(budget=(0.0, 0.7))).sum() == pytest.approx(0.0, abs=1e-9)
    assert wish(replace(RULE, fully_invested=False), seen(budget=(0.4, 0.7))).sum() == pytest.approx(0.4, abs=1e-9)


@pytest.mark.parametrize("model", NAMES)
def test_the_future_order_and_scale_change_nothing(model):
    rule = Optimized(
        model=model, lookback=300, minimum_history=100, benchmark={"AAA": 0.5, "CCC": 0.5} if "tracking" in model else {}
    )
    plain = wish(rule)
    assert wish(rule, seen(rising() * np.array([1.0, 50.0, 0.01, 3.0]))) == pytest.approx(plain, abs=2e-6)
    order = [2, 0, 3, 1]
    names = tuple(FOUR[i] for i in order)
    mixed = Seen(market(names, rising()[:, order]), names, dict.fromkeys(FOUR, 0.0), long_only(4, 0.5))
    found = rule.wish(mixed).weights
    assert np.array([found[s] for s in FOUR]) == pytest.approx(plain, abs=1e-4 if model in {"nco", "worst_case"} else 2e-6)


# --- knobs ----------------------------------------------------------------------------------------------------------

BASE = {
    "minimum_risk": {"risk": "evar"},
    "maximum_sharpe": {"risk": "variance"},
    "maximum_utility": {"risk": "variance", "risk_aversion": 3.0},
    "minimum_tracking_error": {"benchmark": {"AAA": 0.6, "DDD": 0.4}},
    "worst_case": {"risk_aversion": 3.0},
}
MATTER = [  # (model, what else is set, the knob, another value)
    ("minimum_cvar", {}, "level", 0.8),
    ("minimum_cvar", {}, "lookback", 150),
    ("minimum_cvar", {}, "model", "minimum_variance"),
    ("minimum_variance", {}, "covariance", "gerber"),
    ("minimum_variance", {"covariance": "ewma"}, "decay", 0.99),
    ("minimum_risk", {"risk": "evar"}, "risk", "cdar"),
    ("minimum_risk", {"risk": "evar"}, "level", 0.7),
    ("minimum_risk", {"risk": "first_lower_partial_moment"}, "risk_free", 0.9),
    ("maximum_sharpe", {}, "mean", "ewma"),
    ("maximum_sharpe", {}, "risk_free", 0.12),
    ("maximum_sharpe", {}, "risk", "cvar"),
    ("maximum_sharpe", {}, "views", "views.toml"),
    ("maximum_sharpe", {"views": "views.toml"}, "prior", "entropy_pooling"),
    ("maximum_sharpe", {"views": "views.toml"}, "benchmark", {"DDD": 1.0}),
    ("maximum_utility", {}, "risk_aversion", 40.0),
    ("maximum_return", {}, "mean", "ewma"),
    ("risk_parity", {}, "budgets", {"AAA": 0.1, "BBB": 0.2, "CCC": 0.3, "DDD": 0.4}),
    ("risk_parity", {}, "risk", "mean_absolute_deviation"),
    ("hrp", {}, "linkage", "ward"),
    ("hrp", {}, "risk", "cvar"),
    ("herc", {}, "covariance", "ewma"),
    ("nco", {}, "risk", "cvar"),
    ("worst_case", {"risk_aversion": 3.0}, "uncertainty", "ellip"),
    ("worst_case", {"risk_aversion": 3.0}, "risk_aversion", 60.0),
    ("minimum_tracking_error", {"benchmark": {"AAA": 0.6, "DDD": 0.4}}, "benchmark", {"AAA": 0.2, "DDD": 0.8}),
]


@pytest.mark.parametrize(("model", "base", "name", "value"), MATTER, ids=lambda v: str(v) if isinstance(v, str) else "")
def test_every_knob_matters(model, base, name, value):
    plain = Optimized(**{"lookback": 300, "minimum_history": 100, "model": model, **base})
    other = replace(plain, **{name: value})
    markets = [seen(walk(4, 400, seed=s, drift=0.0012), cap=0.9) for s in range(5, 11)]
    assert any(not np.allclose(wish(plain, shown), wish(other, shown), atol=1e-5) for shown in markets)


def test_every_knob_that_hangs_on_the_model_is_tried_above():
    assert {name for _, _, name, _ in MATTER} >= set(HANGING)


VALUES = {
    "risk": "evar",
    "level": 0.9,
    "mean": "ewma",
    "covariance": "oas",
    "decay": 0.9,
    "risk_free": 0.02,
    "risk_aversion": 3.0,
    "budgets": dict.fromkeys(FOUR, 0.25),
    "linkage": "ward",
    "uncertainty": "ellip",
    "views": "views.toml",
    "prior": "entropy_pooling",
    "benchmark": {"AAA": 1.0},
}


@pytest.mark.parametrize("model", NAMES)
def test_a_knob_that_is_not_read_is_refused_by_name_and_one_that_is_read_is_not(model):
    for name, value in VALUES.items():
        rule = Optimized(model=model, **{name: value})
        if name in rule._reads():
            rule.check(FOUR, {})
        else:
            said = "has no views to mix in" if name == "prior" else f"{name} is not read by model = '{model}'"
            with pytest.raises(WrongUse, match=said):
                rule.check(FOUR, {})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Optimized(lookback=100, minimum_history=101), "more than lookback = 100"),
        (Optimized(model="risk_parity", budgets={"AAA": 0.5, "ZZZ": 0.5}), "ZZZ, which is not in the universe"),
        (Optimized(model="risk_parity", budgets={"AAA": 1.0}), "each symbol of the universe a share"),
        (Optimized(model="risk_parity", budgets=dict.fromkeys(FOUR, 0.3)), "adding up to 1"),
        (Optimized(model="risk_parity", budgets={"AAA": 1.0, "BBB": 0.0, "CCC": 0.0, "DDD": 0.0}), "a share of 0"),
        (Optimized(model="risk_parity", risk="max_drawdown"), "cannot be budgeted"),
        (Optimized(model="minimum_tracking_error", benchmark={"ZZZ": 1.0}), "ZZZ, which is not in the universe"),
        (
            Optimized(model="minimum_risk", risk="mean_absolute_deviation", level=0.9),
            "not read by model = 'minimum_risk' with risk",
        ),
        (Optimized(prior="black_litterman"), "has no views to mix in"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(rule, words):
    with pytest.raises(WrongUse, match=words):
        rule.check(FOUR, {})


def test_it_is_read_from_a_policy():
    table = {"model": "maximum_sharpe", "risk": "cvar", "views": "views.toml", "risk_free": 0.02, "level": 0.9}
    rule = read_knobs(Optimized, Section("strategy", table))
    rule.check(FOUR, {})
    assert (rule.model, rule.risk, rule.views, rule.risk_free, rule.level) == ("maximum_sharpe", "cvar", "views.toml", 0.02, 0.9)
    assert read_knobs(Optimized, Section("strategy", {})) == Optimized()
    for key, value in {"risk": "luck", "mean": "guess", "prior": "gut", "model": "magic", "linkage": "chain"}.items():
        with pytest.raises(WrongUse, match=key):
            read_knobs(Optimized, Section("strategy", {key: value}))


@pytest.mark.parametrize("risk", RISKS)
def test_every_measure_can_be_asked_for(risk):
    rule = Optimized(model="minimum_risk", risk=risk, lookback=150, minimum_history=100)
    assert wish(rule).sum() == pytest.approx(1.0, abs=1e-9)


ASK = """
import sys
import numpy as np
sys.path.insert(0, "tests/portfolio")
from test_optimized import Optimized, seen
rule = Optimized(lookback=300, minimum_history=100, **eval(sys.argv[1]))
rule.wish(seen())
print(rule.opens_riskfolio, "riskfolio" in sys.modules, "sklearn" in sys.modules)
"""


@pytest.mark.parametrize(
    ("knobs", "opens"),
    [
        ({}, False),
        ({"model": "maximum_sharpe", "covariance": "ledoit_wolf", "views": "views.toml"}, False),
        ({"model": "herc", "covariance": "ewma"}, False),
        pytest.param({"model": "minimum_risk", "risk": "evar"}, True, marks=pytest.mark.soak),
    ],
)
def test_who_needs_riskfolio_says_so_and_nobody_else_opens_it(knobs, opens):
    """It takes seconds to import."""
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(Path(__file__).parent)])}
    ran = subprocess.run(
        [sys.executable, "-c", ASK, repr(knobs)], env=env, cwd=root, capture_output=True, text=True, timeout=120, check=True
    )
    assert ran.stdout.split() == [str(opens)] * 3  # Riskfolio brings scikit-learn


@pytest.mark.parametrize(
    "knobs", [{"risk": "evar"}, {"covariance": "gerber"}, {"engine": "riskfolio"}, {"risk": "cvar", "covariance": "j_logo"}]
)
def test_who_asks_riskfolio_says_so(knobs):
    assert Optimized(**{"model": "minimum_risk", "lookback": 300, "minimum_history": 100, **knobs}).opens_riskfolio


# --- views, benchmark -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", ["black_litterman", "entropy_pooling"])
def test_a_view_moves_weights_its_way(prior):
    plain = Optimized(model="maximum_utility", risk_aversion=5.0, lookback=300, minimum_history=100)
    told = replace(plain, views="views.toml", prior=prior)
    against = replace(seen(), files={"views.toml": VIEWS.replace("0.40", "-0.40")})
    up, down = wish(told), wish(told, against)
    assert up[0] - up[1] > down[0] - down[1] + 0.1


def test_a_views_file_that_is_wrong_or_not_there_is_refused():
    rule = Optimized(model="maximum_sharpe", views="views.toml", lookback=300, minimum_history=100)
    with pytest.raises(WrongUse, match="was not read"):
        rule.wish(replace(seen(), files={}))
    with pytest.raises(WrongUse, match="ZZZ, which is not in the universe"):
        rule.wish(replace(seen(), files={"views.toml": VIEWS.replace("AAA", "ZZZ")}))


def test_a_benchmark_that_may_be_held_is_held():
    rule = Optimized(model="minimum_tracking_error", benchmark={"AAA": 0.4, "DDD": 0.6}, lookback=300, minimum_history=100)
    assert wish(rule, seen(cap=1.0)) == pytest.approx([0.4, 0.0, 0.0, 0.6], abs=1e-6)
    by_policy = replace(rule, benchmark={})
    assert wish(by_policy, seen(cap=1.0, benchmark=np.array([0.1, 0.2, 0.3, 0.4]))) == pytest.approx(
        [0.1, 0.2, 0.3, 0.4], abs=1e-6
    )
    with pytest.raises(Infeasible, match="no benchmark to follow"):
        by_policy.wish(seen())


# --- those who are left out keep their place ------------------------------------------------------------------------


def test_a_symbol_that_must_stay_and_has_no_history_stays():
    closes = rising()
    closes[:-50, 3] = np.nan
    shown = seen(closes, lower=np.array([0, 0, 0, 0.2]), upper=np.array([0.5, 0.5, 0.5, 0.2]))
    target = RULE.wish(shown)
    assert target.weights["DDD"] == 0.2
    assert sum(target.weights.values()) == pytest.approx(1.0, abs=1e-9)


def test_part_takes_what_is_settled_off_every_limit():
    luck = np.random.default_rng(6)
    whole = replace(
        long_only(5, 0.6), rows=luck.normal(size=(2, 5)), low=np.full(2, -1.0), high=np.full(2, 1.0), labels=("a", "b"),
        gross=1.2, held=luck.dirichlet(np.ones(5)), turnover=0.5, names=4,
    )  # fmt: skip
    kept, settled = np.array([True, False, True, True, False]), np.array([9.0, 0.1, 9.0, 9.0, -0.05])
    left = part(whole, kept, settled)
    for _ in range(20):
        mine = luck.normal(size=3)
        everybody = np.where(kept, 0.0, settled)
        everybody[kept] = mine
        assert left.budget[1] - mine.sum() == pytest.approx(whole.budget[1] - everybody.sum())
        assert left.high - left.rows @ mine == pytest.approx(whole.high - whole.rows @ everybody)
        assert left.rows @ mine - left.low == pytest.approx(whole.rows @ everybody - whole.low)
        assert left.gross - np.abs(mine).sum() == pytest.approx(whole.gross - np.abs(everybody).sum())
        traded = np.abs(everybody - whole.held).sum()
        assert left.turnover - np.abs(mine - left.held).sum() == pytest.approx(whole.turnover - traded)
    assert left.names == 2


def test_a_group_that_binds_is_in_the_reasons_of_its_members_and_of_nobody_else():
    free = RULE.wish(seen())
    first = free.weights["AAA"] + free.weights["BBB"]
    rows = np.array([[1.0, 1.0, 0.0, 0.0]])
    bound = seen(rows=rows, low=np.array([0.0]), high=np.array([first - 0.1]), labels=("sector Energy",))
    wish_ = RULE.wish(bound)
    assert wish_.weights["AAA"] + wish_.weights["BBB"] == pytest.approx(first - 0.1)
    held = {s for s in ("AAA", "BBB") if wish_.weights[s] > 0}
    assert {s for s, words in wish_.reasons.items() if "bound by sector Energy at most" in words} == held
    wide = seen(rows=rows, low=np.array([0.0]), high=np.array([1.0]), labels=("sector Energy",))
    assert not any("bound by" in words for words in RULE.wish(wide).reasons.values())
