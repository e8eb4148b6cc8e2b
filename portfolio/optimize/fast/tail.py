"""Minimum CVaR: a linear program in which only the days near the tail have a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portfolio.measures import conditional_value_at_risk
from portfolio.optimize.fast.capped import limited, risk_limits
from portfolio.optimize.fast.cuts import calm_tail, obeying, with_rows
from portfolio.optimize.fast.form import Form, dual_bound, form_of, settle
from portfolio.optimize.fast.linear import Linear
from portfolio.optimize.fast.quadratic import answer, posed, solve
from portfolio.optimize.fast.solved import Solved
from portfolio.optimize.problem import Constraints
from portfolio.optimize.solution import Infeasible
from portfolio.types import FloatArray

NEAR = 3.0  # times the tail: the days that have a row from the start
MISSED = 1e-10  # of the scale of returns: a loss above the value at risk that has no row
ROUNDS = 100
Days = NDArray[np.bool_]


def minimum_cvar(returns: FloatArray, constraints: Constraints, *, level: float = 0.95) -> Solved:
    """The allowed weights with the least mean loss over the worst 1 - `level` share of days. objective: that CVaR.

    returns: shape (days, assets), simple daily returns, no NaN (`Infeasible`). All of `Constraints` but names and
    minimum_position is obeyed; a cap on CVaR is at the constraints' own level. Days far from the tail have no row until a
    solution puts them into it, so each program is a relaxation, and the last one exact; the bound is the dual's, over all
    days. Raises `Infeasible`. Source: Rockafellar & Uryasev (2000), eq. 9; caps as in `minimise`.
    """
    if not 0.0 <= level < 1.0 or returns.ndim != 2 or not len(returns):
        raise Infeasible(f"{len(returns)} days of returns at a level of {level:g} have no tail")
    if not np.isfinite(returns).all():
        raise Infeasible("the returns hold a value that is not finite")
    base, assets = _Tail(returns, level), returns.shape[1]
    nothing, none = np.zeros((assets, assets)), np.zeros(assets)
    limits = risk_limits(constraints, returns, None)
    caps, cap = limits.caps, limits.tail
    if cap is None:
        return limited(base, nothing, none, constraints, caps)
    limit = cap.limit
    return obeying(lambda rows: limited(base, nothing, none, with_rows(constraints, rows, limit), caps), cap, constraints)


@dataclass(frozen=True, slots=True)
class _Tail:
    """CVaR beside a quadratic of the weights."""

    returns: FloatArray
    level: float

    def value(self, weights: FloatArray) -> float:
        """CVaR."""
        return conditional_value_at_risk(self.returns @ weights, self.level)

    def solve(self, hessian: FloatArray, linear: FloatArray, constraints: Constraints) -> Solved:
        """A linear program alone, a quadratic one with a price on a deviation."""
        form, scale = form_of(constraints), float(np.abs(self.returns).mean()) or 1.0
        losses, tail = -self.returns / scale, len(self.returns) * (1.0 - self.level)
        days = _nearest_days(losses, calm_tail(self.returns, constraints), max(NEAR * tail, tail + 2.0))
        priced = hessian.any()
        for _ in range(ROUNDS):
            asked = _Asked(form, losses, days, tail)
            weights, limit, bound = asked.quadratic(hessian / scale, linear / scale) if priced else asked.linear()
            missed = (losses @ weights > limit + MISSED) & ~days
            if not missed.any():
                value = float(weights @ hessian @ weights / 2 + linear @ weights) + self.value(weights)
                return Solved(weights, value, min(bound * scale, value))
            days = days | missed
        raise Infeasible("the search for the days of the tail did not end")


def _nearest_days(losses: FloatArray, weights: FloatArray, count: float) -> Days:
    days = np.zeros(len(losses), bool)
    days[np.argsort(-(losses @ weights), kind="stable")[: int(np.ceil(count))]] = True
    return days


@dataclass(frozen=True, slots=True)
class _Asked:
    """The program with the chosen days only. Columns: x, the value at risk, the excess over it of each chosen day."""

    form: Form
    losses: FloatArray  # divided by their scale
    days: Days
    tail: float  # how many days the tail holds

    def wide(self) -> Form:
        """The form with these columns, and a row for each chosen day first: excess + value at risk >= loss."""
        chosen, form, assets = np.nonzero(self.days)[0], self.form, len(self.form.origin)
        count = len(chosen)
        endless = np.full(count, np.inf)
        own = np.hstack([-self.losses[np.ix_(chosen, form.owner)], np.ones((count, 1)), np.eye(count)])
        return Form(
            origin=np.concatenate([form.origin, np.zeros(count + 1)]),
            owner=np.concatenate([form.owner, np.arange(assets, assets + count + 1)]),
            lower=np.concatenate([form.lower, [-np.inf], np.zeros(count)]),
            upper=np.concatenate([form.upper, [np.inf], endless]),
            rows=np.vstack([own, np.hstack([form.rows, np.zeros((len(form.rows), count + 1))])]),
            low=np.concatenate([self.losses[chosen] @ form.origin, form.low]),
            high=np.concatenate([endless, form.high]),
            asked=form.asked,
        )

    def cost(self) -> FloatArray:
        """Of the columns after x: the value at risk, and the excesses over the tail."""
        return np.concatenate([[1.0], np.full(int(self.days.sum()), 1.0 / self.tail)])

    def linear(self) -> tuple[FloatArray, float, float]:
        """(weights, value at risk, bound) of the least CVaR. The bound: the mean loss over the dual's own tail."""
        wide, width = self.wide(), len(self.form.owner)
        solver = Linear(np.concatenate([np.zeros(width), self.cost()]), wide.lower, wide.upper, wide.asked)
        solver.add(wide.rows, wide.low, wide.high)
        x, duals = solver.solve()
        shares, count = np.zeros(len(self.losses)), int(self.days.sum())
        shares[self.days] = np.clip(duals[:count], 0.0, 1.0 / self.tail)
        slope = self.losses.T @ (shares / shares.sum())
        bound = dual_bound(self.form, self.form.lifted(slope), duals[count:]) + float(slope @ self.form.origin)
        return self.form.weights(settle(x[:width], self.form)), float(x[width]), bound

    def quadratic(self, hessian: FloatArray, linear: FloatArray) -> tuple[FloatArray, float, float]:
        """(weights, value at risk, bound) of the least CVaR plus 1/2 w'Hw + linear'w."""
        wide, assets, more = self.wide(), len(self.form.origin), int(self.days.sum()) + 1
        whole = np.zeros((assets + more, assets + more))
        whole[:assets, :assets] = hessian
        cost = np.concatenate([linear, self.cost()])
        problem = posed(whole, cost, wide)
        found = answer(whole, cost, problem, solve(problem))
        return found.weights[:assets], float(found.weights[assets]), found.bound
