"""A quadratic program whose binding constraints are known: exact by one linear system, and a search from a good guess."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portfolio.optimize.fast.form import Form
from portfolio.types import FloatArray

PRIMAL, DUAL = 1e-12, 1e-11  # of a bound or row; of a multiplier, where the hessian's mean diagonal is 1
STRETCHED = 4.0  # by which a row's multiplier, twice for each of two kinks, can pull stretches further apart than itself
ROUNDS = 40
Sides = NDArray[np.int8]
Solve = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True)
class Active:
    """Which side binds: -1 lower, 0 none, +1 upper (equations: either)."""

    bounds: Sides  # shape (variables,)
    rows: Sides  # shape (rows,)


@dataclass(frozen=True, slots=True)
class Point:
    """x, the rows' multipliers (positive: pushes up from `low`), and what binds."""

    x: FloatArray
    multipliers: FloatArray
    active: Active


def stationary(
    hessian: FloatArray, linear: FloatArray, form: Form, active: Active, ridge: float
) -> tuple[FloatArray, FloatArray] | None:
    """(x, multipliers) of the least 1/2 x'Hx + linear'x with what binds as equations; None where the system has no answer.

    ridge: on the diagonal of what is factored, not of what is solved: where the optimum is unique it leaves no trace.
    Source: Nocedal & Wright (2006), Numerical Optimization, 16.2 (Schur complement), with refinement of the residual.
    """
    free, bind = np.nonzero(active.bounds == 0)[0], np.nonzero(active.rows)[0]
    x = np.where(active.bounds < 0, form.lower, np.where(active.bounds > 0, form.upper, 0.0))
    target, multipliers = np.where(active.rows < 0, form.low, form.high)[bind], np.zeros(len(form.rows))
    block, rows = hessian[np.ix_(free, free)], form.rows[np.ix_(bind, free)]
    block[np.diag_indices(len(free))] += ridge
    system = _schur(block, rows)
    if system is None:
        return None
    for _ in range(3):
        for solve in (system, _whole(block, rows)):
            force = -(hessian @ x + linear - form.rows.T @ multipliers)[free]
            slack = target - form.rows[bind] @ x
            step, price = solve(force, slack)
            x[free] += step
            multipliers[bind] += price
            if np.abs(target - form.rows[bind] @ x).max(initial=0.0) <= PRIMAL:
                break  # else the rows depend on each other too closely for the complement
    return x, multipliers


def _schur(block: FloatArray, rows: FloatArray) -> Solve | None:
    """Solves block @ step - rows' @ price = force, rows @ step = slack by the block's Cholesky factor."""
    from scipy.linalg import lapack

    if not len(block):
        return lambda force, slack: (force, np.zeros(len(slack)))
    factor, failed = lapack.dpotrf(block, lower=1, clean=0)
    if failed:
        return None
    inner = lapack.dpotrs(factor, rows.T, lower=1)[0] if len(rows) else np.zeros((len(block), 0))
    schur = np.linalg.pinv(rows @ inner, rcond=1e-13, hermitian=True) if len(rows) else np.zeros((0, 0))

    def solve(force: FloatArray, slack: FloatArray) -> tuple[FloatArray, FloatArray]:
        step = lapack.dpotrs(factor, force, lower=1)[0]
        price = schur @ (slack - rows @ step)
        return step + inner @ price, price

    return solve


def _whole(block: FloatArray, rows: FloatArray) -> Solve:
    """The same by least squares of the whole system: slower, and safe where rows depend on each other."""

    def solve(force: FloatArray, slack: FloatArray) -> tuple[FloatArray, FloatArray]:
        system = np.block([[block, -rows.T], [rows, np.zeros((len(rows), len(rows)))]])
        found = np.linalg.lstsq(system, np.concatenate([force, slack]), rcond=1e-15)[0]
        return found[: len(block)], found[len(block) :]

    return solve


def search(hessian: FloatArray, linear: FloatArray, form: Form, active: Active, ridge: float) -> Point | None:
    """The optimum from a guess of what binds: what is broken is made to bind, what pulls the wrong way is set free.

    None where the search does not end. Source: block principal pivoting (Júdice & Pires 1994), one at a time after a while.
    """
    for turn in range(ROUNDS):
        found = stationary(hessian, linear, form, active, ridge)
        if found is None:
            return None
        x, multipliers = found
        mended = _mend(hessian @ x + linear - form.rows.T @ multipliers, x, multipliers, form, active, one=turn > ROUNDS // 2)
        if mended is None:
            return _settled(x, multipliers, form, active)
        active = mended
    return None


def _settled(x: FloatArray, multipliers: FloatArray, form: Form, active: Active) -> Point | None:
    x = np.clip(x, form.lower, form.upper)
    value = form.rows @ x
    target = np.where(active.rows < 0, form.low, np.where(active.rows > 0, form.high, value))
    if np.abs(value - target).max(initial=0.0) > 10 * PRIMAL:
        return None  # what binds contradicts itself
    return Point(x, multipliers, active)


def _mend(reduced: FloatArray, x: FloatArray, multipliers: FloatArray, form: Form, active: Active, one: bool) -> Active | None:
    """The next guess; None where nothing is broken and nothing pulls the wrong way."""
    value = form.rows @ x
    free, loose = active.bounds == 0, active.rows == 0
    broken = np.where(free, np.maximum(form.lower - x, x - form.upper), 0.0)
    crossed = np.where(loose, np.maximum(form.low - value, value - form.high), 0.0)
    if max(broken.max(initial=0.0), crossed.max(initial=0.0)) > PRIMAL:
        most = max(broken.max(initial=0.0), crossed.max(initial=0.0)) if one else PRIMAL
        bounds = np.where(broken >= most, np.where(x < form.lower, -1, 1), active.bounds).astype(np.int8)
        rows = np.where(crossed >= most, np.where(value < form.low, -1, 1), active.rows).astype(np.int8)
        return Active(bounds, rows)
    wrong = np.where(active.bounds < 0, -reduced, np.where(active.bounds > 0, reduced, 0.0)) / STRETCHED
    equal = form.low == form.high
    astray = np.where(equal, 0.0, np.where(active.rows < 0, -multipliers, np.where(active.rows > 0, multipliers, 0.0)))
    worst = max(wrong.max(initial=0.0), astray.max(initial=0.0))
    if worst <= DUAL:
        return None
    limit = worst if one else DUAL
    loosened = np.where(astray >= limit, 0, active.rows).astype(np.int8)
    return Active(_freed(np.where(wrong >= limit, wrong, 0.0), form, active, swap=bool((astray < limit).all())), loosened)


def _freed(pulled: FloatArray, form: Form, active: Active, swap: bool) -> Sides:
    """The bounds without those that are pulled most, one stretch of an asset: two that move at once leave their order open.

    swap: where one moves already, the one that is pulled moves in its place, and it goes to the side that it comes from.
    """
    best = np.zeros(len(form.origin))
    np.maximum.at(best, form.owner, pulled)
    order = np.nonzero((pulled > 0.0) & (pulled >= best[form.owner]))[0]
    moving = np.full(len(form.origin), -1)
    free = np.nonzero(active.bounds == 0)[0]
    moving[form.owner[free]] = free
    out = active.bounds.copy()
    for one in order[np.unique(form.owner[order], return_index=True)[1]]:
        other = moving[form.owner[one]]
        if other >= 0 and not swap:
            continue
        if other >= 0:
            out[other] = active.bounds[one]
        out[one] = 0
    return out


def binding(form: Form, x: FloatArray) -> Active:
    """What binds at variables that need not obey: their nearest bounds where they are there, and the rows that are broken."""
    bounds = np.where(x <= form.lower, -1, np.where(x >= form.upper, 1, 0))
    value = form.rows @ np.clip(x, form.lower, form.upper)
    rows = np.where(value < form.low, -1, np.where((value > form.high) | (form.low == form.high), 1, 0))
    return Active(bounds.astype(np.int8), rows.astype(np.int8))
