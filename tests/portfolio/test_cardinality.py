"""Few names, none tiny: the search against all the portfolios there are."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.optimize import Infeasible, Model, Problem, long_only, solve

SIZE = 8
MODELS = (Model("minimum_risk"), Model("minimum_risk", risk="cvar"), Model("maximum_utility", risk_aversion=3.0))


def asked(seed: int, **limits) -> Problem:
    luck = np.random.default_rng(seed)
    returns = luck.normal(size=(80, 1)) * 0.008 + luck.normal(size=(80, SIZE)) * luck.uniform(0.004, 0.02, SIZE) + 0.0003
    names = tuple("ABCDEFGH")
    constraints = replace(long_only(SIZE, 0.6), **limits)
    return Problem(names, returns, returns.mean(axis=0), np.cov(returns, rowvar=False), constraints)


def best_of_all(model: Model, problem: Problem) -> float:
    """The best objective over every choice of names, each between its least position and its cap."""
    given = problem.constraints
    sign = -1.0 if model.name.startswith("maximum") else 1.0
    best = np.inf
    for count in range(1, (given.names or SIZE) + 1):
        for chosen in combinations(range(SIZE), count):
            held = np.isin(np.arange(SIZE), chosen)
            low, high = np.where(held, given.minimum_position, 0.0), np.where(held, given.upper, 0.0)
            limits = replace(given, lower=low, upper=high, names=None, minimum_position=0.0)
            try:
                found = solve(model, replace(problem, constraints=limits)).certificate.objective
            except Infeasible:
                continue
            best = min(best, sign * found)
    return sign * best


@pytest.mark.parametrize("limits", [{"names": 3}, {"minimum_position": 0.15}, {"names": 4, "minimum_position": 0.1}])
@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.name} of {m.risk}")
@pytest.mark.parametrize("seed", [1, 2])
def test_the_search_finds_nearly_the_best_of_all(seed, model, limits):
    problem = asked(seed, **limits)
    answer = solve(model, problem)
    seal, best = answer.certificate, best_of_all(model, problem)
    room = 0.02 * abs(best)
    if model.name.startswith("maximum"):
        assert best - room <= seal.objective <= best + 1e-9
        assert seal.bound >= best - 1e-9
    else:
        assert best * (1 - 1e-7) <= seal.objective <= best + room
        assert seal.bound <= best * (1 + 1e-7)
    assert seal.status == ("optimal" if seal.gap <= 1e-6 else "within gap" if seal.gap <= 1e-3 else "heuristic")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from([0.0, 0.05, 0.15]))
def test_both_limits_hold(seed, names, least):
    problem = asked(seed, names=names, minimum_position=least)
    try:
        answer = solve(Model("minimum_risk"), problem)
    except Infeasible as failure:
        assert failure.conflict
        return
    held = answer.weights != 0
    assert held.sum() <= names
    assert answer.weights[held].min() >= least - 1e-9
    assert answer.weights.sum() == pytest.approx(1.0, abs=1e-9)
    assert answer.weights.max() <= 0.6 + 1e-9


def test_more_names_are_never_worse():
    figures = [solve(Model("minimum_risk"), asked(5, names=n)).certificate.objective for n in range(2, SIZE + 1)]
    assert all(b <= a * 1.001 for a, b in pairwise(figures))
    assert figures[-1] == pytest.approx(solve(Model("minimum_risk"), asked(5)).certificate.objective, rel=1e-9)


def test_a_name_that_must_stay_is_counted_and_kept():
    limits = {"lower": np.r_[np.zeros(7), 0.02], "upper": np.r_[np.full(7, 0.6), 0.02]}
    answer = solve(Model("minimum_risk"), asked(3, names=3, minimum_position=0.1, **limits))
    assert answer.weights[7] == pytest.approx(0.02, abs=1e-12)
    assert np.count_nonzero(answer.weights) == 3
    assert answer.weights[:7][answer.weights[:7] > 0].min() >= 0.1 - 1e-9


def test_a_short_position_has_a_least_size_too():
    limits = {"lower": np.r_[np.zeros(7), -0.3], "upper": np.r_[np.full(7, 0.6), -0.05], "gross": 1.6}
    answer = solve(Model("minimum_risk"), asked(3, minimum_position=0.1, **limits))
    assert answer.weights[7] <= -0.1 + 1e-9


@pytest.mark.parametrize("model", ["hrp", "risk_parity", "maximum_sharpe", "maximum_return"])
def test_other_models_hold_them_too(model):
    answer = solve(Model(model), asked(8, names=4, minimum_position=0.1))
    held = answer.weights > 0
    assert held.sum() <= 4
    assert answer.weights[held].min() >= 0.1 - 1e-9


@pytest.mark.parametrize(("names", "status"), [(SIZE, "heuristic"), (3, "conformed")])
def test_a_model_that_looks_at_no_limit_has_no_bound(names, status):
    """The variance of other weights than these may be lower: nobody has proven anything."""
    seal = solve(Model("hrp"), asked(8, names=names)).certificate
    assert (seal.status, seal.bound, seal.gap) == (status, None, None)


def test_a_search_without_an_answer_names_what_was_asked(monkeypatch):
    from portfolio.optimize import solving

    monkeypatch.setattr(solving, "conflict", lambda problem: ())
    with pytest.raises(Infeasible, match="no weights were found with at most 1 names and each position at least 2 %: "):
        solve(Model("minimum_risk"), asked(3, names=1, minimum_position=0.02))


def test_the_order_of_assets_changes_nothing():
    order = np.random.default_rng(0).permutation(SIZE)
    plain = asked(4, names=3)
    mixed = replace(
        plain, returns=plain.returns[:, order], mean=plain.mean[order], covariance=plain.covariance[np.ix_(order, order)]
    )
    here, there = (solve(Model("minimum_risk"), p).weights for p in (plain, mixed))
    assert there == pytest.approx(here[order], abs=1e-9)
