"""A cap on CVaR as rows: one for each set of tail days that would break it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from portfolio.measures import conditional_value_at_risk
from portfolio.optimize.fast.linear import Program
from portfolio.optimize.fast.quadratic import quadratic
from portfolio.optimize.fast.solved import Solved
from portfolio.optimize.problem import Constraints
from portfolio.optimize.solution import Infeasible
from portfolio.types import FloatArray

MISS = 2e-10  # by how much CVaR may be above its cap
CUTS = 2000
Rows = Sequence[FloatArray]


@dataclass(frozen=True, slots=True)
class TailCap:
    """CVaR of returns @ w at `level` is at most `limit`. returns: shape (days, assets), finite."""

    returns: FloatArray
    limit: float
    level: float

    def over(self, weights: FloatArray) -> float:
        return conditional_value_at_risk(self.returns @ weights, self.level) - self.limit

    def loss(self, weights: FloatArray) -> FloatArray:
        """The mean loss of each asset over the worst days of these weights: a subgradient of CVaR, shape (assets,)."""
        return -(self.returns.T @ tail_shares(self.returns @ weights, self.level))


def tail_shares(earned: FloatArray, level: float) -> FloatArray:
    """How much each day counts in CVaR, shape (days,): 1 / (days (1 - level)) at the most, adding up to 1."""
    room = len(earned) * (1.0 - level)
    whole = min(int(np.floor(room + 1e-9)), len(earned))
    shares = np.zeros(len(earned))
    worst = np.argsort(earned, kind="stable")[: whole + 1]
    shares[worst[:whole]] = 1.0 / room
    if len(worst) > whole:
        shares[worst[whole]] = max(1.0 - whole / room, 0.0)
    out: FloatArray = shares / shares.sum()
    return out


def obeying(ask: Callable[[Rows], Solved], cap: TailCap, constraints: Constraints) -> Solved:
    """What `ask` answers when it knows enough rows (each: row @ w <= limit) that its answer obeys the cap.

    The rows are taken halfway to a point that obeys the cap, which makes them deep. `Infeasible` where none is allowed.
    Source: cutting planes for CVaR: Künzi-Bay & Mayer (2006); in-out points: Ben-Ameur & Neto (2007).
    """
    rows: list[FloatArray] = []
    inside = None
    for _ in range(CUTS):
        try:
            found = ask(rows)
        except Infeasible as error:
            if not rows:
                raise
            raise Infeasible(f"no allowed weights keep the CVaR at {cap.limit:g} a day") from error
        if cap.over(found.weights) <= MISS:
            return found
        if inside is None:
            inside = calm_tail(cap.returns, constraints)
        row, inside = _between(cap, found.weights, inside)
        rows.append(row)
    raise Infeasible(f"the search for weights with a CVaR of {cap.limit:g} a day did not end")


def calm_tail(returns: FloatArray, constraints: Constraints) -> FloatArray:
    """Weights whose CVaR is low, by their second moment. They need not be allowed: a row is true wherever it is taken."""
    box = Constraints(constraints.lower, constraints.upper, constraints.budget)
    return quadratic(returns.T @ returns, np.zeros(len(box.lower)), box).weights


def _between(cap: TailCap, weights: FloatArray, inside: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(a row that the weights break, the point inside from now on)."""
    if cap.over(inside) > 0.0:
        return cap.loss(weights), inside
    for _ in range(6):
        middle = (weights + inside) / 2.0
        row = cap.loss(middle)
        if cap.over(middle) <= 0.0:
            inside = middle
        if float(row @ weights) > cap.limit + MISS:
            return row, inside
    return cap.loss(weights), inside


def with_rows(constraints: Constraints, cuts: Rows, limit: float) -> Constraints:
    """The constraints with more rows, each at most `limit`."""
    if not len(cuts):
        return constraints
    rows = np.array(cuts) if constraints.rows is None else np.vstack([constraints.rows, *cuts])
    before = len(rows) - len(cuts)
    low = np.full(before, -np.inf) if constraints.low is None else constraints.low
    high = np.full(before, np.inf) if constraints.high is None else constraints.high
    more = np.full(len(cuts), -np.inf), np.full(len(cuts), limit)
    return replace(constraints, rows=rows, low=np.concatenate([low, more[0]]), high=np.concatenate([high, more[1]]))


class WarmProgram:
    """The least cost @ w over linear constraints, asked again and again with more rows; the simplex goes on from where it was."""

    def __init__(self, cost: FloatArray, constraints: Constraints, cap: TailCap) -> None:
        self._program = Program(cost, constraints)
        self._cap, self._known = cap, 0
        self._unit = float(np.abs(cap.returns).mean()) or 1.0  # so that rows are around 1

    def __call__(self, cuts: Rows) -> Solved:
        for row in cuts[self._known :]:
            self._program.add(row / self._unit, self._cap.limit / self._unit)
        self._known = len(cuts)
        return self._program.solve()
