"""Constraints as a solver wants them: variables within bounds, rows within ranges, nothing that cannot bind."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from portfolio.optimize.problem import Constraints
from portfolio.optimize.solution import Infeasible
from portfolio.optimize.words import asked
from portfolio.types import FloatArray

OPEN = 100.0  # a bound without an end counts as this much of equity in a proof
EXACT = 1e-9  # how closely every constraint is obeyed


@dataclass(frozen=True, slots=True)
class Form:
    """w = origin + sum of the variables of each asset; lower <= x <= upper; low <= rows @ x <= high.

    An asset that is fixed has no variable. Where turnover or gross can bind, an asset has one variable for each stretch
    between its bounds, what is held and zero: both sums of absolute values are then linear, and exact, because filling the
    stretches out of order only overstates them.
    """

    origin: FloatArray  # shape (assets,)
    owner: np.typing.NDArray[np.intp]  # shape (variables,): the asset of each
    lower: FloatArray
    upper: FloatArray
    rows: FloatArray  # shape (rows, variables)
    low: FloatArray
    high: FloatArray
    held: FloatArray | None = None
    asked: str = ""  # what a failure says

    def weights(self, x: FloatArray) -> FloatArray:
        """The weights that variables stand for; what is held is met to the bit where it is met."""
        out: FloatArray = self.origin + np.bincount(self.owner, x, len(self.origin))
        if self.held is not None:
            out = np.where(np.abs(out - self.held) <= 1e-14, self.held, out)
        return out + 0.0  # no negative zero

    def variables(self, weights: FloatArray) -> FloatArray:
        """The variables of weights, each stretch of an asset filled before the next; within their bounds."""
        rest = (weights - self.origin)[self.owner]
        for stretch in np.nonzero(np.diff(self.owner) == 0)[0]:
            rest[stretch + 1] = rest[stretch] - self.upper[stretch]
        return np.clip(rest, self.lower, self.upper)

    def lifted(self, linear: FloatArray) -> FloatArray:
        """A value of each asset, for each variable."""
        out: FloatArray = linear[self.owner]
        return out


def form_of(constraints: Constraints) -> Form:
    """The linear part of the constraints (bounds, budget, rows, turnover, gross). `Infeasible` where a bound or a row alone
    leaves no room.
    """
    lower, upper = _bounds(constraints)
    rows, low, high = _rows(constraints)
    kinks = _kinks(constraints, lower, upper)
    if not kinks:
        free = np.nonzero(upper > lower)[0]
        origin = np.where(upper > lower, 0.0, lower)
        found = Form(origin, free, lower[free], upper[free], rows[:, free], low - rows @ origin, high - rows @ origin)
        return _needed(found, constraints)
    return _needed(_stretched(constraints, lower, upper, (rows, low, high), kinks), constraints)


def _bounds(constraints: Constraints) -> tuple[FloatArray, FloatArray]:
    """The bounds, tightened by what turnover and gross imply."""
    lower, upper = np.asarray(constraints.lower, dtype=float), np.asarray(constraints.upper, dtype=float)
    if np.isnan(lower).any() or np.isnan(upper).any():
        raise Infeasible("a bound is not a number")
    if constraints.gross is not None:
        lower, upper = np.maximum(lower, -constraints.gross), np.minimum(upper, constraints.gross)
    if constraints.turnover is not None and constraints.held is not None:
        lower = np.maximum(lower, constraints.held - constraints.turnover)
        upper = np.minimum(upper, constraints.held + constraints.turnover)
    for asset in np.nonzero(lower > upper + EXACT)[0]:
        raise Infeasible(f"asset {asset} has no room: it must be at least {lower[asset]:g} and at most {upper[asset]:g}")
    return lower, np.maximum(upper, lower)


def _rows(constraints: Constraints) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The budget first, then the rows as they are."""
    assets = len(constraints.lower)
    rows = np.ones((1, assets))
    low, high = np.array([constraints.budget[0]]), np.array([constraints.budget[1]])
    if constraints.gross is not None and (constraints.lower >= 0.0).all():
        high = np.minimum(high, constraints.gross)  # nothing short: the same sum
    if constraints.rows is None or not len(constraints.rows):
        return rows, low, high
    more = len(constraints.rows)
    under = np.full(more, -np.inf) if constraints.low is None else constraints.low
    over = np.full(more, np.inf) if constraints.high is None else constraints.high
    return np.vstack([rows, constraints.rows]), np.concatenate([low, under]), np.concatenate([high, over])


def _kinks(constraints: Constraints, lower: FloatArray, upper: FloatArray) -> list[tuple[FloatArray, float]]:
    """(where the absolute value turns, its limit) of each sum of absolute values that can bind."""
    out = []
    if constraints.turnover is not None and constraints.held is not None:
        held = np.asarray(constraints.held, dtype=float)
        if np.maximum(np.abs(lower - held), np.abs(upper - held)).sum() > constraints.turnover:
            out.append((held, float(constraints.turnover)))
    short = not (constraints.lower >= 0.0).all()
    if constraints.gross is not None and short and np.maximum(np.abs(lower), np.abs(upper)).sum() > constraints.gross:
        out.append((np.zeros(len(lower)), float(constraints.gross)))
    return out


def _stretched(
    constraints: Constraints,
    lower: FloatArray,
    upper: FloatArray,
    rows: tuple[FloatArray, FloatArray, FloatArray],
    kinks: list[tuple[FloatArray, float]],
) -> Form:
    """Cut every asset's room at the kinks. Bounds are finite here: the limits of the sums have seen to that."""
    matrix, low, high = rows
    cuts = np.sort(np.column_stack([lower, *(np.clip(at, lower, upper) for at, _ in kinks), upper]), axis=1)
    owner, piece = np.nonzero(np.diff(cuts, axis=1) > 0.0)
    start, length = cuts[owner, piece], np.diff(cuts, axis=1)[owner, piece]
    turns = [np.where(start >= at[owner], 1.0, -1.0) for at, _ in kinks]  # slope of each absolute value on the stretch
    spent = [np.abs(lower - at).sum() for at, _ in kinks]
    return Form(
        origin=lower,
        owner=owner,
        lower=np.zeros(len(owner)),
        upper=length,
        rows=np.vstack([matrix[:, owner], *turns]),
        low=np.concatenate([low - matrix @ lower, np.full(len(kinks), -np.inf)]),
        high=np.concatenate([high - matrix @ lower, [limit - used for (_, limit), used in zip(kinks, spent, strict=True)]]),
        held=constraints.held,
    )


def _needed(form: Form, constraints: Constraints) -> Form:
    """Without the rows that the bounds imply; `Infeasible` names a row that the bounds forbid."""
    with np.errstate(invalid="ignore"):
        most = np.where(form.rows > 0, form.rows * form.upper, np.where(form.rows < 0, form.rows * form.lower, 0.0)).sum(axis=1)
        least = np.where(form.rows > 0, form.rows * form.lower, np.where(form.rows < 0, form.rows * form.upper, 0.0)).sum(axis=1)
    for row in np.nonzero((least > form.high + EXACT) | (most < form.low - EXACT) | (form.low > form.high + EXACT))[0]:
        raise Infeasible(f"the bounds of the assets leave no room for {_named(int(row), constraints)}")
    keep = ((most > form.high) | (least < form.low)) & (form.rows != 0.0).any(axis=1)
    return replace(form, rows=form.rows[keep], low=form.low[keep], high=form.high[keep], asked=asked(constraints))


def _named(row: int, constraints: Constraints) -> str:
    if row == 0:
        return f"a sum of weights from {constraints.budget[0]:g} to {constraints.budget[1]:g}"
    if row <= len(constraints.labels):
        return constraints.labels[row - 1]
    rows = 0 if constraints.rows is None else len(constraints.rows)
    return f"row {row - 1}" if row <= rows else "the limit on turnover or gross exposure"


def excess(form: Form, x: FloatArray) -> float:
    """By how much variables break the form at the worst; 0 where they obey."""
    value = form.rows @ x
    parts = (form.lower - x, x - form.upper, form.low - value, value - form.high)
    return max((float(part.max()) for part in parts if len(part)), default=0.0)


def dual_bound(form: Form, gradient: FloatArray, multipliers: FloatArray) -> float:
    """The least that gradient @ x can be over the form, proven by the rows' multipliers (positive: pushes up from `low`).

    Source: weak duality of linear programming; any multipliers prove something, the right ones prove the optimum.
    """
    endless = ((multipliers > 0) & np.isinf(form.low)) | ((multipliers < 0) & np.isinf(form.high))
    price = np.where(endless, 0.0, multipliers)
    reduced = gradient - form.rows.T @ price
    ends = np.where(reduced > 0, np.maximum(form.lower, -OPEN), np.minimum(form.upper, OPEN))
    sides = np.where(price > 0, form.low, np.where(price < 0, form.high, 0.0))
    return float(reduced @ ends + price @ sides)


def settle(x: FloatArray, form: Form) -> FloatArray:
    """The nearest obeying point to one that nearly obeys: shortest corrections of broken rows over what is not at a bound."""
    for _ in range(50):
        x = np.clip(x, form.lower, form.upper)
        if excess(form, x) <= EXACT / 100:
            return x
        value = form.rows @ x
        short = np.maximum(form.low - value, 0.0) - np.maximum(value - form.high, 0.0)
        push, room = form.rows.T @ short, np.ones(len(x), bool)
        room[(x <= form.lower) & (push < 0) | (x >= form.upper) & (push > 0)] = False
        bind = short != 0
        x = x.copy()
        x[room] += np.linalg.lstsq(form.rows[np.ix_(bind, room)], short[bind], rcond=1e-12)[0]
    if excess(form, np.clip(x, form.lower, form.upper)) > EXACT:
        raise Infeasible("the solver's weights break a constraint")
    return np.clip(x, form.lower, form.upper)
