"""Cutting planes: the least of a convex cost over the allowed weights, from both sides. Needs no more than slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolio.optimize.limits import Cap, caps, rows
from portfolio.optimize.problem import Problem
from portfolio.types import FloatArray

Cost = Callable[[FloatArray], tuple[float, FloatArray]]
FEASIBLE = 1e-10


@dataclass(frozen=True, slots=True)
class Bounded:
    """weights cost `cost`; no allowed weights cost less than `bound`."""

    weights: FloatArray
    cost: float
    bound: float


def least(cost: Cost, problem: Problem, start: FloatArray, *, near: Callable[[Bounded], bool], rounds: int) -> Bounded:
    """The least cost over bounds, rows and caps, started from allowed weights, until `near` says that the bound is near enough.

    Each round bounds the cost from below by all planes found so far, and asks the cost anew between the best weights and the
    bound's. Source: Kelley (1960); the step from the inner to the outer point: Ben-Ameur & Neto (2007).
    """
    value, slope = cost(start)
    master = _Master(problem, max(abs(value), float(np.abs(slope).max()), 1e-12))
    master.add(value, slope, start)
    best, share, limits = Bounded(start, value, -np.inf), 0.5, caps(problem)
    for _ in range(rounds):
        outer, bound = master.solve()
        best = replace(best, bound=max(best.bound, bound))
        if near(best):
            break
        _hold(limits, master, outer)
        point = best.weights + share * (outer - best.weights)
        value, slope = cost(point)
        master.add(value, slope, point)
        reaches = value + float(slope @ (outer - point)) > bound + 0.1 * (best.cost - bound)
        share = share * 0.7 if reaches and share > 0.02 else min(share * 2.0, 1.0)
        if value < best.cost and all(c.value(point)[0] <= c.limit + FEASIBLE for c in limits):
            best = replace(best, weights=point, cost=value)
    return best


def _hold(limits: list[Cap], master: _Master, at: FloatArray) -> None:
    """Cut off by a plane what breaks a curved limit."""
    for cap in limits:
        size, slope = cap.value(at)
        if size > cap.limit + FEASIBLE:
            master.cap(size - cap.limit, slope, at)


class _Master:
    """The linear program of all planes: min t over the allowed weights, t above every plane of the cost (in `unit`s)."""

    def __init__(self, problem: Problem, unit: float) -> None:
        import highspy as solver

        highspy: Any = solver
        self.unit, self.assets = unit, len(problem.assets)
        self.program: Any = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("primal_feasibility_tolerance", 1e-10)):
            self.program.setOptionValue(option, value)
        self.program.setOptionValue("dual_feasibility_tolerance", 1e-10)
        for low, high in zip(problem.constraints.lower, problem.constraints.upper, strict=True):
            self.program.addVar(float(low), float(high))
        self.program.addVar(-highspy.kHighsInf, highspy.kHighsInf)
        self.program.changeColCost(self.assets, 1.0)
        self.infinity = highspy.kHighsInf
        for row in rows(problem):
            self._row(np.append(row.coefficients, 0.0), row.limit)
        given, none = problem.constraints, np.zeros(self.assets)
        for centre, limit in ((none, given.gross), (none if given.held is None else given.held, given.turnover)):
            if limit is not None:
                self._row(np.ones(self.assets), limit, self._distances(centre))

    def _row(self, coefficients: FloatArray, limit: float, columns: NDArray[np.int32] | None = None) -> None:
        places = np.arange(len(coefficients), dtype=np.int32) if columns is None else columns
        self.program.addRow(-self.infinity, float(limit), len(coefficients), places, coefficients.astype(float))

    def _distances(self, centre: FloatArray) -> NDArray[np.int32]:
        """A column more for each asset, at least as large as its distance from the centre."""
        first = self.program.getNumCol()
        away = np.arange(first, first + self.assets, dtype=np.int32)
        for i in range(self.assets):
            self.program.addVar(0.0, self.infinity)
            places = np.array([i, away[i]], dtype=np.int32)
            self._row(np.array([1.0, -1.0]), float(centre[i]), places)
            self._row(np.array([-1.0, -1.0]), -float(centre[i]), places)
        return away

    def add(self, value: float, slope: FloatArray, at: FloatArray) -> None:
        """t >= value + slope (w - at)."""
        self._row(np.append(slope / self.unit, -1.0), (float(slope @ at) - value) / self.unit)

    def cap(self, excess: float, slope: FloatArray, at: FloatArray) -> None:
        """excess + slope (w - at) <= 0."""
        size = max(float(np.abs(slope).max()), 1e-12)
        self._row(np.append(slope / size, 0.0), (float(slope @ at) - excess) / size)

    def solve(self) -> tuple[FloatArray, float]:
        """(weights, bound); a program that does not end bounds nothing."""
        self.program.run()
        if "kOptimal" not in str(self.program.getModelStatus()):
            return np.zeros(self.assets), -np.inf
        found = np.array(self.program.getSolution().col_value)
        return found[: self.assets], float(self.program.getObjectiveValue()) * self.unit
