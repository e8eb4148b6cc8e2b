"""The door of quadratic programs: PIQP finds what binds, one linear system makes it exact, the dual proves it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from portfolio.optimize.fast.active import Active, Point, binding, search
from portfolio.optimize.fast.form import Form, dual_bound, form_of, settle
from portfolio.optimize.fast.solved import Solved
from portfolio.optimize.problem import Constraints
from portfolio.optimize.solution import Infeasible
from portfolio.types import FloatArray

RIDGE = 1e-10  # of the mean diagonal: which of many optima is meant, the shortest
SOLVER = 1e-10  # tolerance of the interior point
KINK = 1e-7  # a variable nearer to its bound is guessed to be there
STOPPED = 1e-7  # a gap above this share of the objective's scale is no answer


@dataclass(frozen=True, slots=True)
class Quadratic:
    """1/2 w'Hw + linear'w over a form, scaled so that the solver sees numbers around 1."""

    hessian: FloatArray  # of the variables, divided by scale
    linear: FloatArray
    form: Form
    scale: float
    ridge: float  # of the scaled problem


def quadratic(hessian: FloatArray, linear: FloatArray, constraints: Constraints, *, ridge: float = RIDGE) -> Solved:
    """The allowed w with the least 1/2 w'Hw + linear'w, over bounds, budget, rows, turnover and gross.

    hessian: shape (assets, assets), symmetric, positive semidefinite (else the bound proves nothing); singular is allowed:
    a ridge of 1e-10 of its mean diagonal picks the shortest of the optima. linear: shape (assets,). Both finite, else
    `Infeasible`. Weights obey to 1e-9: what binds holds as an equation to rounding. Raises `Infeasible` where nothing is
    allowed or the solver stopped. In the bound an open end of a weight counts as 100 times equity.
    Source: PIQP (Schwan, Jiang, Kuhn & Jones 2023), a proximal interior point; then its active set solved exactly.
    """
    problem = prepared(hessian, linear, constraints, ridge)
    return answer(hessian, linear, problem, solve(problem))


def prepared(hessian: FloatArray, linear: FloatArray, constraints: Constraints, ridge: float = RIDGE) -> Quadratic:
    """The problem as the solver sees it. `Infeasible` where numbers are not finite or a constraint alone leaves no room."""
    if not (np.isfinite(hessian).all() and np.isfinite(linear).all()):
        raise Infeasible("the estimates hold a value that is not finite")
    return posed(hessian, linear, form_of(constraints), ridge)


def posed(hessian: FloatArray, linear: FloatArray, form: Form, ridge: float = RIDGE) -> Quadratic:
    """The problem over a form, scaled, with its ridge."""
    assets = len(linear)
    scale = max(float(np.trace(hessian)) / assets, float(np.abs(linear).max()) * 1e-3) or 1.0
    lifted = hessian[np.ix_(form.owner, form.owner)] / scale
    shift = linear + hessian @ form.origin if form.origin.any() else linear
    least = ridge * max(float(np.trace(hessian)) / assets / scale, 1e-3)
    return Quadratic(lifted, form.lifted(shift) / scale, form, scale, least)


def solve(problem: Quadratic, guess: Active | None = None) -> Point:
    """The optimum of the scaled problem, from a guess of what binds or from nothing."""
    form = problem.form
    if not len(form.owner):
        return Point(np.zeros(0), np.zeros(len(form.rows)), Active(np.zeros(0, np.int8), np.zeros(len(form.rows), np.int8)))
    if guess is not None and (found := search(problem.hessian, problem.linear, form, guess, problem.ridge)) is not None:
        return found
    result, status = _interior(problem)
    near = Point(np.asarray(result.x), _multipliers(result, form), _guess(result, form))
    if np.isfinite(near.x).all():
        for active in (near.active, _in_order(near, form)):
            if (exact := search(problem.hessian, problem.linear, form, active, problem.ridge)) is not None:
                return exact
    if status != "solved":
        _doubted(near, form, status)
    return Point(settle(near.x, form), near.multipliers, near.active)


def answer(hessian: FloatArray, linear: FloatArray, problem: Quadratic, point: Point) -> Solved:
    """Weights, objective and bound of a point. The bound needs no solver: the tangent at x, over the form, by its dual."""
    weights = problem.form.weights(point.x)
    value = float(weights @ hessian @ weights / 2 + linear @ weights)
    slope = hessian @ weights + linear
    lifted = problem.form.lifted(slope)
    least = dual_bound(problem.form, lifted / problem.scale, point.multipliers) * problem.scale
    bound = value + least - float(lifted @ point.x)
    if value - bound > STOPPED * problem.scale:
        raise Infeasible(f"the solver stopped early: {value - bound:.1e} of the objective are left")
    return Solved(weights, value, min(bound, value))


def _interior(problem: Quadratic) -> tuple[Any, str]:
    """PIQP's result and its status in a word."""
    import piqp

    form, solver = problem.form, piqp.DenseSolver()
    settings = solver.settings
    settings.eps_abs = settings.eps_rel = settings.eps_duality_gap_abs = settings.eps_duality_gap_rel = SOLVER
    settings.check_duality_gap = True
    equal = form.low == form.high
    rows, other = np.asfortranarray(form.rows[equal]), np.asfortranarray(form.rows[~equal])
    equations = (rows, form.low[equal]) if len(rows) else (None, None)
    ranges = (other, form.low[~equal], form.high[~equal]) if len(other) else (None, None, None)
    hessian = problem.hessian.copy(order="F")
    hessian[np.diag_indices(len(hessian))] += problem.ridge
    solver.setup(hessian, problem.linear, *equations, *ranges, form.lower, form.upper)
    status = str(solver.solve()).rsplit("_", maxsplit=1)[-1].lower()
    return solver.result, status


def _multipliers(result: Any, form: Form) -> FloatArray:
    equal, out = form.low == form.high, np.zeros(len(form.rows))
    out[equal] = -result.y
    out[~equal] = result.z_l - result.z_u
    return out


def _guess(result: Any, form: Form) -> Active:
    """What binds: the multiplier is larger than the room that is left."""
    equal, rows = form.low == form.high, np.zeros(len(form.rows), np.int8)
    rows[equal] = 1
    rows[~equal] = np.where(result.z_l > result.s_l, -1, np.where(result.z_u > result.s_u, 1, 0))
    bounds = np.where(result.z_bl > result.x - form.lower, -1, np.where(result.z_bu > form.upper - result.x, 1, 0))
    return Active(bounds.astype(np.int8), rows)


def _in_order(near: Point, form: Form) -> Active:
    """The guess where each asset's stretches are filled one after the other: those of a weight at a kink do not move."""
    x = form.variables(form.weights(near.x))
    x = np.where(x - form.lower < KINK, form.lower, np.where(form.upper - x < KINK, form.upper, x))
    return replace(near.active, bounds=binding(form, x).bounds)


def _doubted(near: Point, form: Form, status: str) -> None:
    """`Infeasible` where nothing is allowed or the solver has no numbers; an answer that it did not finish the bound judges."""
    from portfolio.optimize.fast.linear import feasible

    if not feasible(form):
        raise Infeasible(f"no weights obey their bounds and all that is asked: {form.asked}")
    if not np.isfinite(near.x).all():
        raise Infeasible(f"the solver of the quadratic program stopped early ({status})")
