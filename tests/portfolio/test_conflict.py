"""Which constraints contradict each other: a set that has no answer, and has one without any of its members."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from portfolio.optimize import Infeasible, Model, Problem, long_only, solve
from portfolio.optimize.conflict import conflict

SIZE = 6
PLAIN = long_only(SIZE, 0.5)
ROWS = np.array([[1.0] * 3 + [0.0] * 3, [0.0] * 3 + [1.0] * 3])
LABELS = ("sector Technology", "sector Energy")


def asked(constraints, seed: int = 4) -> Problem:
    returns = np.random.default_rng(seed).normal(0.0003, 0.01, (120, SIZE))
    names = tuple("ABCDEF")
    return Problem(names, returns, returns.mean(axis=0), np.cov(returns, rowvar=False), constraints)


def sectors(low, high):
    return replace(PLAIN, rows=ROWS, low=np.array(low), high=np.array(high), labels=LABELS)


CASES = {
    "caps": (replace(PLAIN, upper=np.full(SIZE, 0.1)), {"each weight at most 10 %", "weights add up to 100 %"}),
    "two sectors at least": (
        sectors([0.4, 0.7], [1.0, 1.0]),
        {"sector Technology at least 40 %", "sector Energy at least 70 %", "weights add up to 100 %"},
    ),
    "two sectors at most": (
        sectors([0.0, 0.0], [0.3, 0.6]),
        {"sector Technology at most 30 %", "sector Energy at most 60 %", "weights add up to 100 %"},
    ),
    "a sector and its members": (
        replace(sectors([0.0, 0.0], [0.3, 1.0]), lower=np.r_[0.2, 0.2, np.zeros(4)]),
        {"A at least 20 %", "B at least 20 %", "C at least 0 %", "sector Technology at most 30 %"},
    ),
    "frozen": (
        replace(sectors([0.0, 0.0], [0.3, 1.0]), lower=np.r_[0.45, np.zeros(5)], upper=np.r_[0.45, np.full(5, 0.5)]),
        {"A stays at 45 %", "each of 5 assets (B ... F) at least 0 %", "sector Technology at most 30 %"},
    ),
    "turnover": (
        replace(PLAIN, held=np.r_[1.0, np.zeros(5)], turnover=0.3),
        {"each weight at most 50 %", "turnover at most 30 %"},
    ),
    "gross": (
        replace(PLAIN, gross=0.9),
        {"weights add up to 100 %", "gross exposure at most 90 %"},
    ),
    "volatility": (replace(PLAIN, volatility=0.0005), {"weights add up to 100 %", "volatility at most 0.793725 % a year"}),
    "tail": (
        replace(PLAIN, conditional_value_at_risk=0.001),
        {"weights add up to 100 %", "conditional value at risk at most 0.1 % a day"},
    ),
    "names": (replace(PLAIN, names=1), {"weights add up to 100 %", "each weight at most 50 %", "at most 1 names"}),
    "positions": (
        replace(PLAIN, minimum_position=0.6),
        {"weights add up to 100 %", "each weight at most 50 %", "each position at least 60 %"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_conflict_is_named_in_the_policy_s_words(name):
    constraints, expected = CASES[name]
    with pytest.raises(Infeasible, match="no weights obey all of: ") as failure:
        solve(Model("minimum_risk"), asked(constraints))
    assert set(failure.value.conflict) == expected
    assert len(expected) == len(failure.value.conflict)
    assert all(words in str(failure.value) for words in expected)


@pytest.mark.parametrize("counts", [{}, {"minimum_position": 0.01}, {"names": 12}, {"names": 12, "minimum_position": 0.01}])
@pytest.mark.parametrize("limit", ["turnover", "gross"])
def test_a_sum_of_distances_is_told_beside_counts(limit, counts):
    """Five of health care are held at 46 %; 30 % are allowed, which asks for 16 % sold and 16 % bought: more than 30 %."""
    size, held = 20, np.r_[np.array([0.09, 0.09, 0.09, 0.095, 0.095]), np.full(15, 0.036)]
    care = np.r_[np.ones(5), np.zeros(15)]
    given = replace(long_only(size, 0.12), rows=care[None, :], low=np.array([-np.inf]), high=np.array([0.3]), **counts)
    given = replace(given, labels=("sector Health Care",))
    if limit == "turnover":
        given = replace(given, held=held, turnover=0.3)
        expected = {"sector Health Care at most 30 %", "turnover at most 30 %", "weights add up to 100 %"}
    else:  # 30 % short at the least, so that the others are 130 % long
        given = replace(given, lower=np.full(size, -0.1), high=np.array([-0.3]), gross=1.5)
        expected = {"sector Health Care at most -30 %", "gross exposure at most 150 %", "weights add up to 100 %"}
    returns = np.random.default_rng(3).normal(0.0003, 0.01, (120, size))
    names = tuple(f"A{i}" for i in range(size))
    asked = Problem(names, returns, returns.mean(axis=0), np.cov(returns, rowvar=False), given)
    assert set(conflict(asked)) == expected
    with pytest.raises(Infeasible) as failure:
        solve(Model("minimum_risk"), asked)
    assert set(failure.value.conflict) == expected


@pytest.mark.parametrize("model", ["maximum_sharpe", "maximum_return", "hrp", "risk_parity", "worst_case"])
@pytest.mark.parametrize("engine", ["fast", "riskfolio"])
def test_every_model_names_it(model, engine, riskfolio):
    with pytest.raises(Infeasible) as failure:
        solve(Model(model, engine=engine), asked(sectors([0.4, 0.7], [1.0, 1.0])))
    assert "sector Energy at least 70 %" in failure.value.conflict


def test_what_has_an_answer_has_no_conflict():
    for constraints in (PLAIN, sectors([0.1, 0.2], [0.5, 0.9]), replace(PLAIN, names=2), replace(PLAIN, minimum_position=0.5)):
        assert conflict(asked(constraints)) == ()


def test_a_failure_of_another_kind_names_no_conflict():
    with pytest.raises(Infeasible, match="risk-free") as failure:
        solve(Model("maximum_sharpe", risk_free=1.0), asked(PLAIN))
    assert failure.value.conflict == ()


def possible(told: set[str], low, high, upper) -> bool:
    """Whether some weights obey the constraints that are told, by SciPy's linear programs."""
    rows = {
        "weights add up to 100 %": [(np.ones(SIZE), 1.0), (-np.ones(SIZE), -1.0)],
        "each weight at least 0 %": [(-row, 0.0) for row in np.eye(SIZE)],
        f"each weight at most {upper * 100:.6g} %": [(row, upper) for row in np.eye(SIZE)],
    }
    for k, label in enumerate(LABELS):
        rows[f"{label} at least {low[k] * 100:.6g} %"] = [(-ROWS[k], -low[k])]
        rows[f"{label} at most {high[k] * 100:.6g} %"] = [(ROWS[k], high[k])]
    assert told <= set(rows)
    chosen = [row for name in told for row in rows[name]]
    matrix, limits = np.array([r for r, _ in chosen]), np.array([x for _, x in chosen]) + 1e-9
    return linprog(np.zeros(SIZE), A_ub=matrix, b_ub=limits, bounds=(None, None)).status == 0


@settings(max_examples=60, deadline=None)
@given(st.tuples(st.integers(0, 90), st.integers(0, 90)), st.tuples(st.integers(5, 100), st.integers(5, 100)), st.integers(5, 60))
def test_a_conflict_is_told_where_there_is_one_and_has_no_idle_member(low, high, upper):
    low, high, upper = np.array(low) / 100, np.array(high) / 100, upper / 100
    told = set(conflict(asked(replace(sectors(low, high), upper=np.full(SIZE, upper)))))
    everything = {"weights add up to 100 %", "each weight at least 0 %", f"each weight at most {upper * 100:.6g} %"}
    for k, label in enumerate(LABELS):
        everything |= {f"{label} at least {low[k] * 100:.6g} %", f"{label} at most {high[k] * 100:.6g} %"}
    assert bool(told) == (not possible(everything, low, high, upper))
    if told:
        assert not possible(told, low, high, upper)
    for idle in told:
        rest = told - {idle}
        assert not rest or possible(rest, low, high, upper)


def possible_by_trial(told: set[str], limits: dict[str, list[tuple[np.ndarray, float]]], held, counted) -> bool:
    """Whether weights obey the constraints that are told: SciPy's linear programs, one for each choice of whom to hold."""
    names, least = counted
    size = len(held)
    rows = [(np.r_[row, np.zeros(size)], limit) for name in told if name in limits for row, limit in limits[name]]
    if "turnover" in " ".join(told):
        (turnover,) = [float(name.split()[-2]) / 100 for name in told if "turnover" in name]
        one = np.eye(size)
        rows += [(np.r_[r, -r], x) for r, x in zip(one, held, strict=True)]
        rows += [(np.r_[-r, -r], -x) for r, x in zip(one, held, strict=True)]
        rows.append((np.r_[np.zeros(size), np.ones(size)], turnover))
    fewest = names if any("names" in name for name in told) else size
    at_least = least if any("position" in name for name in told) else 0.0
    matrix = np.array([r for r, _ in rows]).reshape(-1, 2 * size)
    most = np.array([x for _, x in rows]) + 1e-9
    for sides in product((-1, 0, 1), repeat=size):
        if sum(side != 0 for side in sides) > fewest:
            continue
        box = [(at_least, None) if side > 0 else (None, -at_least) if side < 0 else (0.0, 0.0) for side in sides]
        if linprog(np.zeros(2 * size), A_ub=matrix, b_ub=most, bounds=[*box, *[(0, None)] * size]).status == 0:
            return True
    return False


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from([0.05, 0.2, 0.45]))
def test_counts_beside_turnover_name_a_smallest_set(seed, names, least):
    """Three assets: every choice of long, short and none is tried."""
    luck = np.random.default_rng(seed)
    held, cap, turnover = luck.dirichlet(np.ones(3)), float(luck.choice([0.4, 0.6])), float(luck.choice([0.1, 0.3, 0.8]))
    given = replace(long_only(3, cap), held=held, turnover=turnover, names=names, minimum_position=least)
    returns = luck.normal(0.0003, 0.01, (60, 3))
    told = set(conflict(Problem(("A", "B", "C"), returns, returns.mean(axis=0), np.cov(returns, rowvar=False), given)))
    limits = {
        "weights add up to 100 %": [(np.ones(3), 1.0), (-np.ones(3), -1.0)],
        "each weight at least 0 %": [(-row, 0.0) for row in np.eye(3)],
        f"each weight at most {cap * 100:.6g} %": [(row, cap) for row in np.eye(3)],
    }
    others = {f"turnover at most {turnover * 100:.6g} %", f"at most {names} names", f"each position at least {least * 100:.6g} %"}
    assert told <= {*limits, *others}
    assert bool(told) == (not possible_by_trial({*limits, *others}, limits, held, (names, least)))
    if told:
        assert not possible_by_trial(told, limits, held, (names, least))
    for idle in told:
        rest = told - {idle}
        assert not rest or possible_by_trial(rest, limits, held, (names, least))
