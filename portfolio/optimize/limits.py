"""What a `Constraints` says, limit by limit and by name: linear rows, and the curved caps with their slopes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from portfolio.measures import SESSIONS_A_YEAR
from portfolio.optimize.problem import Problem
from portfolio.optimize.slopes import ordered, tail_weights
from portfolio.optimize.words import percent
from portfolio.types import FloatArray

ZERO = 1e-9  # a weight smaller than this is none
A_YEAR = math.sqrt(SESSIONS_A_YEAR)  # of a standard deviation of a day
NEAR = 1e-6  # a bound with less room than this is told


@dataclass(frozen=True, slots=True)
class Row:
    """coefficients @ w <= limit."""

    name: str
    coefficients: FloatArray
    limit: float


@dataclass(frozen=True, slots=True)
class Cap:
    """value(w) <= limit; value answers a convex function and a subgradient by asset.

    centre: where the value is the sum of distances from it, which a linear program can tell exactly.
    """

    name: str
    limit: float
    value: Callable[[FloatArray], tuple[float, FloatArray]]
    centre: FloatArray | None = None


def bounds(problem: Problem) -> list[Row]:
    """Each weight's own bounds, two rows an asset: at least, at most; one row "stays at" twice where both are one."""
    given = problem.constraints
    out = []
    for i, (asset, low, high) in enumerate(zip(problem.assets, given.lower, given.upper, strict=True)):
        unit = np.zeros(len(problem.assets))
        unit[i] = 1.0
        stays = f"{asset} stays at {percent(low)}"
        if np.isfinite(low):
            out.append(Row(stays if low == high else f"{asset} at least {percent(low)}", -unit, -float(low)))
        if np.isfinite(high):
            out.append(Row(stays if low == high else f"{asset} at most {percent(high)}", unit, float(high)))
    return out


def _bounds_near(weights: FloatArray, problem: Problem) -> list[tuple[str, float]]:
    given, out = problem.constraints, []
    over = np.stack([given.lower - weights, weights - given.upper])
    for side, i in np.argwhere(over >= min(-NEAR, float(over.max(initial=-np.inf)))):
        low, high = float(given.lower[i]), float(given.upper[i])
        words = f"at most {percent(high)}" if side else f"at least {percent(low)}"
        words = f"stays at {percent(low)}" if low == high else words
        out.append((f"{problem.assets[i]} {words}", float(over[side, i])))
    return sorted(out)


def rows(problem: Problem) -> list[Row]:
    """The sums that are bounded: the budget and the labelled rows."""
    given, ones = problem.constraints, np.ones(len(problem.assets))
    low, high = given.budget
    same = f"weights add up to {percent(high)}"
    out = [
        Row(same if low == high else f"weights add up to at most {percent(high)}", ones, high),
        Row(same if low == high else f"weights add up to at least {percent(low)}", -ones, -low),
    ]
    if given.rows is None:
        return out
    for k, row in enumerate(np.atleast_2d(given.rows)):
        label = given.labels[k] if k < len(given.labels) else f"row {k}"
        if given.high is not None and np.isfinite(given.high[k]):
            out.append(Row(f"{label} at most {percent(given.high[k])}", row, float(given.high[k])))
        if given.low is not None and np.isfinite(given.low[k]):
            out.append(Row(f"{label} at least {percent(given.low[k])}", -row, -float(given.low[k])))
    return out


def caps(problem: Problem) -> list[Cap]:
    """The limits that are no row: gross, turnover, tracking error, volatility, conditional value at risk."""
    given, none = problem.constraints, np.zeros(len(problem.assets))
    held = none if given.held is None else given.held
    benchmark = none if given.benchmark is None else given.benchmark
    out = []
    if given.gross is not None:
        out.append(Cap(f"gross exposure at most {percent(given.gross)}", given.gross, _size(none), none))
    if given.turnover is not None:
        out.append(Cap(f"turnover at most {percent(given.turnover)}", given.turnover, _size(held), held))
    if given.tracking_error is not None:
        name = f"tracking error at most {percent(given.tracking_error * A_YEAR)} a year"
        out.append(Cap(name, given.tracking_error, _spread(problem.returns, benchmark)))
    if given.volatility is not None:
        name = f"volatility at most {percent(given.volatility * A_YEAR)} a year"
        out.append(Cap(name, given.volatility, _spread(problem.returns, none)))
    if given.conditional_value_at_risk is not None:
        limit = given.conditional_value_at_risk
        name = f"conditional value at risk at most {percent(limit)} a day"
        out.append(Cap(name, limit, _tail(problem.returns, given.level)))
    return out


def _size(centre: FloatArray) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    return lambda w: (float(np.abs(w - centre).sum()), np.sign(w - centre))


def _spread(returns: FloatArray, centre: FloatArray) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    centred = returns - returns.mean(axis=0)

    def value(w: FloatArray) -> tuple[float, FloatArray]:
        moves = centred @ (w - centre)
        size = math.sqrt(float(moves @ moves) / max(len(moves) - 1, 1))
        slope = centred.T @ moves / (size * max(len(moves) - 1, 1)) if size > 0 else np.zeros(len(w))
        return size, slope

    return value


def _tail(returns: FloatArray, level: float) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    measure = ordered(tail_weights)

    def value(w: FloatArray) -> tuple[float, FloatArray]:
        size, by_day = measure(returns @ w, level, 0.0)
        return size, returns.T @ by_day

    return value


def evident(problem: Problem) -> set[str]:
    """Names of the limits that tell nothing where they bind: a weight is not below zero, everything is invested, nothing is
    borrowed, and what these and the weights' own bounds imply.
    """
    given = problem.constraints
    out = {f"{asset} {words} 0 %" for asset in problem.assets for words in ("at least", "at most", "stays at")}
    sums = rows(problem)
    out |= {row.name for row in sums[:2] if given.budget[0] == given.budget[1] or row.limit in (1.0, 0.0)}
    for row in sums[2:]:
        reach = np.where(row.coefficients > 0, given.upper, given.lower)
        most = np.multiply(row.coefficients, reach, out=np.zeros(len(reach)), where=row.coefficients != 0.0).sum()
        out |= {row.name} if most <= row.limit else set()
    if given.gross is not None and (given.lower >= 0.0).all() and given.gross >= given.budget[1]:
        out.add(f"gross exposure at most {percent(given.gross)}")
    return out


def broken(weights: FloatArray, problem: Problem) -> list[tuple[str, float]]:
    """(name, by how much) of every limit: negative where there is room. Counts of names and minimum positions as well.

    Of the bounds of single weights only those with less room than NEAR, and the nearest.
    """
    out = _bounds_near(weights, problem)
    out += [(r.name, float(r.coefficients @ weights) - r.limit) for r in rows(problem)]
    out += [(c.name, c.value(weights)[0] - c.limit) for c in caps(problem)]
    given = problem.constraints
    free = given.lower != given.upper  # a weight that must stay is not asked how small it is
    size = np.abs(weights)
    if given.names is not None:
        out.append((f"at most {given.names} names", float((size > ZERO).sum() - given.names)))
    if given.minimum_position > 0.0:
        small = np.where(free & (size > ZERO), given.minimum_position - size, -np.inf)
        out.append((f"a position of at least {percent(given.minimum_position)}", float(small.max(initial=-np.inf))))
    return out
