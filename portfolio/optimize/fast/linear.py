"""The door of linear programs: HiGHS, simplex, kept warm while rows are added."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from portfolio.optimize.fast.form import Form, dual_bound, form_of, settle
from portfolio.optimize.fast.solved import Solved
from portfolio.optimize.problem import Constraints
from portfolio.optimize.solution import Infeasible
from portfolio.types import FloatArray

TOLERANCE = 1e-10  # of rows and reduced costs: the least that HiGHS takes


class Linear:
    """min cost @ x, lower <= x <= upper, low <= rows @ x <= high. Rows can be added between solves; the basis is kept.

    asked: what it says where there is no x.
    """

    def __init__(self, cost: FloatArray, lower: FloatArray, upper: FloatArray, asked: str = "") -> None:
        import highspy

        self._highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        self._cost, self._lower, self._upper, self._asked = cost, lower, upper, asked
        for name, value in (
            ("output_flag", False),
            ("presolve", "off"),
            ("threads", 1),
            ("solver", "simplex"),
            ("primal_feasibility_tolerance", TOLERANCE),
            ("dual_feasibility_tolerance", TOLERANCE),
        ):
            self._highs.setOptionValue(name, value)
        none, count = np.zeros(0), len(cost)
        starts = np.zeros(count, np.int32)
        self._highs.addCols(count, cost, lower, upper, 0, starts, np.zeros(0, np.int32), none)

    def add(self, rows: FloatArray, low: FloatArray, high: FloatArray) -> None:
        """More rows, shape (rows, columns)."""
        filled = rows != 0.0
        starts = np.concatenate([[0], np.cumsum(filled.sum(axis=1))[:-1]]).astype(np.int32)
        where = np.nonzero(filled)[1].astype(np.int32)
        self._highs.addRows(len(rows), low, high, len(where), starts, where, rows[filled])

    def solve(self) -> tuple[FloatArray, FloatArray]:
        """(x, the rows' multipliers: positive pushes up from `low`). `Infeasible` where there is no optimum."""
        import highspy

        self._highs.run()
        status = self._highs.getModelStatus()
        if status == highspy.HighsModelStatus.kModelEmpty:  # no rows, or nothing to choose
            return self._at_bounds(), np.zeros(0)
        if status == highspy.HighsModelStatus.kInfeasible:
            raise Infeasible(f"no weights obey their bounds and all that is asked: {self._asked}")
        if status != highspy.HighsModelStatus.kOptimal:
            raise Infeasible(f"the linear program ended without an optimum ({self._highs.modelStatusToString(status)})")
        solution = self._highs.getSolution()
        return np.asarray(solution.col_value), np.asarray(solution.row_dual)

    def _at_bounds(self) -> FloatArray:
        x = np.where(self._cost > 0, self._lower, np.where(self._cost < 0, self._upper, np.clip(0.0, self._lower, self._upper)))
        if not np.isfinite(x).all():
            raise Infeasible("the linear program has no end")
        return x


class Program:
    """The least cost @ w over bounds, budget, rows, turnover and gross; more rows can be added between solves."""

    def __init__(self, cost: FloatArray, constraints: Constraints) -> None:
        if not np.isfinite(cost).all():
            raise Infeasible("the estimates hold a value that is not finite")
        self._cost, self._form = cost, form_of(constraints)
        self._scale = float(np.abs(cost).max()) or 1.0
        self._solver = Linear(self._form.lifted(cost) / self._scale, self._form.lower, self._form.upper, self._form.asked)
        if len(self._form.rows):
            self._solver.add(self._form.rows, self._form.low, self._form.high)

    def add(self, row: FloatArray, high: float) -> None:
        """row @ w <= high from now on. row: shape (assets,)."""
        form = self._form
        lifted, low, most = form.lifted(row)[None, :], np.array([-np.inf]), np.array([high - float(row @ form.origin)])
        self._solver.add(lifted, low, most)
        rows, lows, highs = np.vstack([form.rows, lifted]), np.append(form.low, low), np.append(form.high, most)
        self._form = replace(form, rows=rows, low=lows, high=highs)

    def solve(self) -> Solved:
        """Weights, cost and the dual's bound. `Infeasible` where nothing is allowed or the cost falls without end."""
        form, cost = self._form, self._cost
        x, multipliers = self._solver.solve()
        weights = form.weights(settle(x, form))
        bound = float(cost @ form.origin) + dual_bound(form, form.lifted(cost) / self._scale, multipliers) * self._scale
        value = float(cost @ weights)
        return Solved(weights, value, min(bound, value))


def program(cost: FloatArray, constraints: Constraints) -> Solved:
    """The allowed w with the least cost @ w. cost: shape (assets,), finite (else `Infeasible`).

    Source: HiGHS' dual simplex (Huangfu & Hall 2018).
    """
    return Program(cost, constraints).solve()


def feasible(form: Form) -> bool:
    """Whether anything obeys the form, to 1e-10."""
    solver = Linear(np.zeros(len(form.owner)), form.lower, form.upper)
    solver.add(form.rows, form.low, form.high)
    try:
        solver.solve()
    except Infeasible:
        return False
    return True
