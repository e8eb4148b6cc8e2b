"""What each model makes large or small, evaluated by ourselves; where it is convex, with its slope."""

from __future__ import annotations

import math

import numpy as np

from portfolio.optimize.cutting import Cost
from portfolio.optimize.problem import Model, Problem
from portfolio.optimize.risks import risk, threshold
from portfolio.types import FloatArray

CONVEX = ("minimum_risk", "minimum_tracking_error", "maximum_utility", "maximum_return")
LEAST = 1e-12  # a smaller figure is nothing to measure a gap against
LARGEST = ("maximum_utility", "maximum_return", "maximum_sharpe")  # the objective is to be large


def objective(weights: FloatArray, model: Model, problem: Problem) -> float:
    """The model's own figure, of a day: the risk; of the returns over the benchmark's; mean - aversion x risk; the mean;
    excess mean over risk (over the standard deviation for variance); how far the largest share of risk is from its budget.
    The hierarchical models and worst_case tell their risk.
    """
    if model.name in CONVEX:
        value = cost(model, problem)(weights)[0]
        return -value if model.name in LARGEST else value
    if model.name == "maximum_sharpe":
        size = _root(model, risk(weights, model, problem)[0])
        return excess_mean(weights, model, problem) / size if size > 0 else math.inf
    if model.name == "risk_parity":
        return parity_error(weights, model, problem)
    return risk(weights, model, problem)[0]


def cost(model: Model, problem: Problem) -> Cost:
    """The convex cost of a model of CONVEX and its slope; a maximum is negated."""
    if model.name == "minimum_risk":
        return lambda w: risk(w, model, problem)
    if model.name == "minimum_tracking_error":
        benchmark = _benchmark(problem)
        return lambda w: risk(w - benchmark, model, problem)
    if model.name == "maximum_return":
        return lambda w: (-float(problem.mean @ w), -problem.mean)

    def utility(w: FloatArray) -> tuple[float, FloatArray]:
        size, slope = risk(w, model, problem)
        return model.risk_aversion * size - float(problem.mean @ w), model.risk_aversion * slope - problem.mean

    return utility


def shortfall(ratio: float, model: Model, problem: Problem) -> Cost:
    """ratio x risk - excess mean: convex, and below zero where weights have a larger ratio (Dinkelbach 1967)."""

    def value(w: FloatArray) -> tuple[float, FloatArray]:
        size, slope = risk(w, model, problem)
        if model.risk == "variance":
            size = math.sqrt(max(size, 0.0))
            slope = slope / (2.0 * size) if size > 0 else np.zeros_like(slope)
        return ratio * size - excess_mean(w, model, problem), ratio * slope - problem.mean

    return value


def unit(weights: FloatArray, model: Model, problem: Problem) -> float:
    """What a gap of the objective is measured against: its own size, or, where that may cancel out, the size of its parts."""
    if model.name == "risk_parity":
        return 1.0
    reached = abs(objective(weights, model, problem))
    if model.name == "maximum_utility":
        parts = (abs(float(problem.mean @ weights)), model.risk_aversion * abs(risk(weights, model, problem)[0]))
        return max(reached, *parts, LEAST)
    if model.name == "minimum_tracking_error":
        return max(reached, 1e-3 * abs(risk(weights, model, problem)[0]), LEAST)
    return max(reached, LEAST)


def excess_mean(weights: FloatArray, model: Model, problem: Problem) -> float:
    """Mean over what the whole budget would earn at the risk-free rate."""
    return float(problem.mean @ weights) - threshold(model, problem)


def parity_error(weights: FloatArray, model: Model, problem: Problem) -> float:
    """Largest distance between a share of risk and its budget (Euler's shares: weight x slope over their sum)."""
    parts = weights * risk(weights, model, problem)[1]
    whole = float(parts.sum())
    size = len(weights)
    budgets = np.full(size, 1.0 / size) if model.budgets is None else np.asarray(model.budgets, dtype=float)
    return float(np.abs(parts / whole - budgets).max()) if whole > 0 else math.inf


def _root(model: Model, size: float) -> float:
    return math.sqrt(max(size, 0.0)) if model.risk == "variance" else size


def _benchmark(problem: Problem) -> FloatArray:
    given = problem.constraints.benchmark
    return np.zeros(len(problem.assets)) if given is None else given
