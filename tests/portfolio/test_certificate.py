"""What an answer's certificate claims is checked by other means; what breaks a limit or stopped early is no answer."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.optimize import Constraints, Infeasible, Model, Problem, long_only, solve, solving
from portfolio.optimize.certify import certify
from portfolio.optimize.cutting import least
from portfolio.optimize.fast import Solved

ROWS = np.array([[1.0] * 4 + [0.0] * 6, [0.0] * 4 + [1.0] * 6])
HELD = np.r_[np.full(5, 0.2), np.zeros(5)]
PLAIN = long_only(10, 0.3)
SETS = {
    "plain": PLAIN,
    "groups": replace(
        PLAIN, rows=ROWS, low=np.array([0.3, 0.0]), high=np.array([1.0, 0.65]), labels=("sector Technology", "sector Energy")
    ),
    "turnover": replace(PLAIN, held=HELD, turnover=0.3),
    "gross": replace(PLAIN, lower=np.full(10, -0.1), gross=1.2),
    "tracking error": replace(PLAIN, benchmark=HELD, tracking_error=0.004),
    "volatility": replace(PLAIN, volatility=0.0112),
    "tail": replace(PLAIN, conditional_value_at_risk=0.0255),
    "range": replace(PLAIN, budget=(0.6, 1.0)),
    "frozen": replace(PLAIN, lower=np.r_[0.2, np.zeros(9)], upper=np.r_[0.2, np.full(9, 0.3)]),
}


@pytest.fixture(scope="module", autouse=True)
def _opened(riskfolio):
    """Riskfolio's import prints and warns; it is none of these tests' matter."""


@pytest.fixture(scope="module")
def real(stocks) -> Problem:
    returns = stocks[1][6000:6200, :10] + 0.0004
    names = tuple(f"S{i}" for i in range(10))
    return Problem(names, returns, returns.mean(axis=0), np.cov(returns, rowvar=False), PLAIN)


def worst(w: np.ndarray, asked: Problem) -> float:
    """The worst breach of `Constraints`, written down from its docstring."""
    c: Constraints = asked.constraints
    away = asked.returns @ (w - (0 if c.benchmark is None else c.benchmark))
    losses = np.sort(-(asked.returns @ w))[::-1]
    tail = losses[: round(len(losses) * (1 - c.level))].mean()  # a whole number of days here
    told = [
        (c.lower - w).max(),
        (w - c.upper).max(),
        c.budget[0] - w.sum(),
        w.sum() - c.budget[1],
        -np.inf if c.rows is None else max((c.low - c.rows @ w).max(), (c.rows @ w - c.high).max()),
        -np.inf if c.gross is None else np.abs(w).sum() - c.gross,
        -np.inf if c.turnover is None else np.abs(w - c.held).sum() - c.turnover,
        -np.inf if c.tracking_error is None else away.std(ddof=1) - c.tracking_error,
        -np.inf if c.volatility is None else (asked.returns @ w).std(ddof=1) - c.volatility,
        -np.inf if c.conditional_value_at_risk is None else tail - c.conditional_value_at_risk,
    ]
    return float(max(told))


def by_cvxpy(asked: Problem, risk: str) -> float:
    """The least variance or CVaR under every kind of limit."""
    import cvxpy as cp

    c, days = asked.constraints, len(asked.returns)
    w, a = cp.Variable(10), cp.Variable()
    centred = (asked.returns - asked.returns.mean(axis=0)) / np.sqrt(days - 1)

    def tail(at, level):
        return at + cp.sum(cp.pos(-asked.returns @ w - at)) / (days * (1 - level))

    limits = [w >= c.lower, w <= c.upper, cp.sum(w) >= c.budget[0], cp.sum(w) <= c.budget[1]]
    limits += [] if c.rows is None else [c.rows @ w >= c.low, c.rows @ w <= c.high]
    limits += [] if c.gross is None else [cp.norm1(w) <= c.gross]
    limits += [] if c.turnover is None else [cp.norm1(w - c.held) <= c.turnover]
    limits += [] if c.tracking_error is None else [cp.norm(centred @ (w - c.benchmark)) * 100 <= c.tracking_error * 100]
    limits += [] if c.volatility is None else [cp.norm(centred @ w) * 100 <= c.volatility * 100]
    limits += (
        [] if c.conditional_value_at_risk is None else [tail(cp.Variable(), c.level) * 100 <= c.conditional_value_at_risk * 100]
    )
    cost = cp.sum_squares(100 * centred @ w) if risk == "variance" else 100 * tail(a, 0.95)
    program = cp.Problem(cp.Minimize(cost), limits)
    program.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10)
    return float(program.value) / (1e4 if risk == "variance" else 100)


@pytest.mark.parametrize("engine", ["fast", "riskfolio"])
@pytest.mark.parametrize("risk", ["variance", "cvar"])
@pytest.mark.parametrize("name", SETS)
def test_every_limit_holds_and_costs_what_cvxpy_says(name, risk, engine, real):
    asked = replace(real, constraints=SETS[name])
    answer = solve(Model("minimum_risk", risk=risk, engine=engine), asked)
    assert worst(answer.weights, asked) <= 1e-9
    assert answer.certificate.worst_violation <= 1e-9
    assert answer.certificate.objective == pytest.approx(by_cvxpy(asked, risk), rel=2e-6)
    assert answer.certificate.status == "optimal"
    assert answer.certificate.bound <= answer.certificate.objective * (1 + 1e-9)
    assert not ((answer.weights != 0) & (np.abs(answer.weights) < 1e-12)).any()
    assert not np.signbit(answer.weights[answer.weights == 0]).any()


@pytest.mark.parametrize("model", ["maximum_sharpe", "maximum_utility", "maximum_return"])
@pytest.mark.parametrize("name", SETS)
def test_both_engines_agree_under_every_kind_of_limit(name, model, real):
    asked = replace(real, constraints=SETS[name])
    answers = [solve(Model(model, engine=engine), asked) for engine in ("fast", "riskfolio")]
    for answer in answers:
        assert worst(answer.weights, asked) <= 1e-9
        assert answer.certificate.status == "optimal"
    assert answers[0].certificate.objective == pytest.approx(answers[1].certificate.objective, rel=2e-6)


@pytest.mark.parametrize("model", ["risk_parity", "hrp", "herc", "nco", "worst_case"])
@pytest.mark.parametrize("name", ["groups", "turnover", "volatility", "frozen"])
def test_models_that_look_at_no_limit_are_moved_to_what_is_allowed_and_say_so(name, model, real):
    asked = replace(real, constraints=SETS[name])
    answer = solve(Model(model), asked)
    assert worst(answer.weights, asked) <= 1e-9
    free = solve(Model(model), replace(real, constraints=long_only(10)))
    moved = not np.allclose(free.weights, answer.weights, atol=1e-6)
    if model != "worst_case":
        assert (answer.certificate.status == "conformed") == moved


def test_binding_limits_are_told_by_name(real):
    asked = replace(real, constraints=replace(SETS["groups"], upper=np.full(10, 0.25)))
    answer = solve(Model("minimum_risk", risk="cvar"), asked)
    told = set(answer.certificate.binding)
    for i, weight in enumerate(answer.weights):
        assert (f"S{i} at most 25 %" in told) == (weight > 0.25 - 1e-7)
    parts = ROWS @ answer.weights
    assert ("sector Technology at least 30 %" in told) == (parts[0] < 0.3 + 1e-7)
    assert ("sector Energy at most 65 %" in told) == (parts[1] > 0.65 - 1e-7)
    assert not any("at least 0 %" in words or "add up" in words for words in told)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, {f"S{i} at most 30 %" for i in range(3)}),  # not the sum, which always holds, and not the weights of zero
        ({"gross": 1.0}, {f"S{i} at most 30 %" for i in range(3)}),  # that of weights that are not short is their sum
        ({"budget": (0.0, 1.0)}, {f"S{i} at most 30 %" for i in range(3)}),
        ({"budget": (0.0, 0.9)}, {"weights add up to at most 90 %", *(f"S{i} at most 30 %" for i in range(3))}),
        ({"upper": np.r_[0.3, 0.3, 0.3, np.zeros(6), 0.3]}, {f"S{i} at most 30 %" for i in range(3)}),
        ({"lower": np.r_[np.zeros(9), 0.02]}, {"S9 at least 2 %", *(f"S{i} at most 30 %" for i in range(3))}),
        (
            {"lower": np.r_[np.zeros(9), -0.1], "gross": 1.2},
            {"S9 at least -10 %", "gross exposure at most 120 %", *(f"S{i} at most 30 %" for i in range(3))},
        ),
        (
            {"rows": ROWS, "low": np.array([-np.inf, 0.0]), "high": np.array([0.8, np.inf]), "labels": ("sector T", "sector E")},
            {"sector T at most 80 %", "S0 at most 30 %", "S1 at most 30 %"},
        ),
        ({"rows": ROWS[1:], "low": np.array([0.0]), "high": np.array([1.8])}, {f"S{i} at most 30 %" for i in range(3)}),
        ({"held": HELD, "turnover": 0.4}, {"turnover at most 40 %", "S0 at most 30 %", "S1 at most 30 %"}),
        ({"names": 4}, {"at most 4 names", *(f"S{i} at most 30 %" for i in range(3))}),
    ],
)
def test_only_what_a_reader_can_let_go_of_is_told_as_binding(limits, expected, real):
    """The largest mean, which falls from S0 to S9: everybody knows what it holds."""
    asked = replace(real, mean=np.linspace(0.01, 0.001, 10), constraints=replace(PLAIN, **limits))
    assert set(solve(Model("maximum_return"), asked).certificate.binding) == expected


def test_a_kernel_that_stopped_early_is_finished_and_says_so(real, monkeypatch):
    """What Riskfolio accepts at an iteration limit: allowed, finite, and worse than possible. The planes find the rest."""
    best = solve(Model("minimum_risk"), real).certificate.objective
    even = np.full(10, 0.1)
    monkeypatch.setattr(solving, "owner", lambda model, problem: even)
    answer = solve(Model("minimum_risk", engine="riskfolio"), real)
    assert answer.certificate.engine == "Riskfolio, finished by cutting planes"
    assert answer.certificate.objective == pytest.approx(best, rel=1e-6)
    monkeypatch.setattr(solving.fast, "minimum_variance", lambda *_, **__: Solved(even, 1.0, best))
    answer = solve(Model("minimum_risk"), real)
    assert answer.certificate.engine == "fast, finished by cutting planes"
    assert answer.certificate.objective == pytest.approx(best, rel=1e-6)


def test_an_answer_that_nobody_could_finish_is_refused(real, monkeypatch):
    monkeypatch.setattr(solving, "owner", lambda model, problem: np.full(10, 0.1))
    monkeypatch.setattr(solving, "ROUNDS", 2)
    with pytest.raises(Infeasible, match="stopped early"):
        solve(Model("minimum_risk", engine="riskfolio"), real)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.full(10, np.nan), "not finite"),
        (np.r_[np.full(9, 0.1), np.inf], "not finite"),
        (np.full(10, 0.1 + 1e-9), "weights add up to 100 %"),
        (np.r_[0.31, np.full(9, 0.69 / 9)], "S0 at most 30 %"),
        (np.r_[-0.01, np.full(9, 1.01 / 9)], "S0 at least 0 %"),
    ],
)
def test_an_answer_that_breaks_a_limit_is_refused_by_its_name(real, weights, words):
    with pytest.raises(Infeasible, match=words):
        certify(weights, Model("minimum_risk"), real, bound=None, engine="somebody")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("groups", "sector Energy at most 65 %"),
        ("turnover", "turnover at most 30 %"),
        ("gross", "gross exposure at most 120 %"),
        ("tracking error", "tracking error at most 6.3498 % a year"),
        ("volatility", "volatility at most 17.7794 % a year"),
        ("tail", "conditional value at risk at most 2.55 % a day"),
    ],
)
def test_every_kind_of_limit_is_checked(name, words, real):
    weights = (
        np.r_[-0.1, -0.1, 0.0, 0.3, 0.3, np.full(2, 0.3), np.zeros(3)]
        if name == "gross"
        else np.r_[np.zeros(6), 0.3, 0.3, 0.3, 0.1]
    )
    asked = replace(real, returns=3 * real.returns, constraints=SETS[name])
    with pytest.raises(Infeasible, match=words):
        certify(weights, Model("minimum_risk"), asked, bound=None, engine="somebody")


@pytest.mark.parametrize(("limits", "words"), [({"names": 9}, "at most 9 names"), ({"minimum_position": 0.2}, "at least 20 %")])
def test_counts_and_least_positions_are_checked(limits, words, real):
    asked = replace(real, constraints=replace(PLAIN, **limits))
    with pytest.raises(Infeasible, match=words):
        certify(np.full(10, 0.1), Model("minimum_risk"), asked, bound=None, engine="somebody")


def test_a_bound_that_is_out_of_reach_is_a_failure_and_a_near_one_is_a_gap(real):
    even, model = np.full(10, 0.1), Model("minimum_risk")
    reached = float(even @ real.covariance @ even)
    for share, status in [(0.0, "optimal"), (5e-7, "optimal"), (1e-4, "within gap")]:
        seal = certify(even, model, real, bound=reached * (1 - share), engine="somebody")
        assert seal.status == status
        assert seal.gap == pytest.approx(share, abs=1e-12)
    with pytest.raises(Infeasible, match="stopped early"):
        certify(even, model, real, bound=reached * 0.99, engine="somebody")
    assert certify(even, model, real, bound=None, engine="somebody").status == "heuristic"


def test_fourteen_decimals_of_a_sum_and_shorts_of_nothing_are_not_handed_on(real, monkeypatch):
    """1.0000001 and -1e-17 come out as 1 and 0."""
    rough = np.r_[0.3000001, 0.3, 0.2, 0.2, -1e-17, 1e-12, np.zeros(4)]
    monkeypatch.setattr(solving, "owner", lambda model, problem: rough)
    answer = solve(Model("worst_case"), real)
    assert answer.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert answer.weights.min() == 0.0
    assert np.count_nonzero(answer.weights) == 4


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 8), st.floats(0.3, 1.0))
def test_cutting_planes_bound_from_below_and_meet(seed, size, cap):
    """Of a random quadratic over a box and a budget: the least is the fast kernel's, which proves its own."""
    luck = np.random.default_rng(seed)
    returns = luck.normal(size=(60, size)) * 0.01
    cap = max(cap, 1.2 / size)
    asked = Problem(tuple("abcdefgh"[:size]), returns, returns.mean(axis=0), np.cov(returns, rowvar=False), long_only(size, cap))

    def cost(w):
        return float(w @ asked.covariance @ w), 2 * asked.covariance @ w

    start = np.full(size, 1.0 / size)
    found = least(cost, asked, start, near=lambda b: b.cost - b.bound <= 1e-7 * b.cost, rounds=500)
    best = solve(Model("minimum_risk"), asked).certificate.objective
    assert found.bound <= best * (1 + 1e-9)
    assert best <= found.cost * (1 + 1e-9)
    assert found.cost == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("name", ["minimum_tracking_error", "maximum_utility"])
def test_nothing_held_has_a_certificate_too(real, name):
    """All cash, where that is the answer or the only one left: no figure of zero is divided by."""
    empty = replace(PLAIN, budget=(0.0, 0.0), benchmark=np.zeros(10))
    asked = replace(real, mean=-np.abs(real.mean), constraints=empty)
    answer = solve(Model(name), asked)
    assert answer.weights.tolist() == [0.0] * 10
    assert answer.certificate.worst_violation <= 1e-9
    assert answer.certificate.gap in {0.0, None}


def test_a_ratio_of_nothing_over_nothing_is_a_sentence(real):
    still = replace(real, covariance=np.zeros((10, 10)), mean=np.zeros(10), returns=np.zeros_like(real.returns))
    with pytest.raises(Infeasible, match=r"variance|mean|moved"):
        solve(Model("maximum_sharpe"), still)
