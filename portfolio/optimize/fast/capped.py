"""Caps on volatility, tracking error and CVaR beside any linear or quadratic objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from portfolio.errors import Broken
from portfolio.optimize.fast.cuts import TailCap, WarmProgram, obeying, with_rows
from portfolio.optimize.fast.linear import program
from portfolio.optimize.fast.quadratic import RIDGE, quadratic
from portfolio.optimize.fast.solved import Solved
from portfolio.optimize.problem import Constraints
from portfolio.optimize.solution import Infeasible
from portfolio.types import FloatArray

CLOSE = 1e-12  # of the objective's scale: where the search for a multiplier ends
STEPS = 80


@dataclass(frozen=True, slots=True)
class Cap:
    """std of (w - centre) under a covariance is at most `limit`."""

    covariance: FloatArray
    centre: FloatArray
    limit: float
    name: str

    def over(self, weights: FloatArray) -> float:
        """Variance above what is allowed; <= 0 where it is obeyed."""
        away = weights - self.centre
        return float(away @ self.covariance @ away) - self.limit**2


def minimise(
    hessian: FloatArray,
    linear: FloatArray,
    constraints: Constraints,
    *,
    returns: FloatArray | None = None,
    covariance: FloatArray | None = None,
    ridge: float = RIDGE,
) -> Solved:
    """The allowed w with the least 1/2 w'Hw + linear'w, all of `Constraints` but names and minimum_position.

    returns: shape (days, assets), wanted where CVaR is capped; volatility and tracking error are of returns, or of
    `covariance` where there are none. Volatility and tracking error are capped by their Lagrange multipliers: the bound is
    the dual's; CVaR by cutting planes (`obeying`). Raises `Infeasible`.
    Source: Rockafellar & Uryasev (2000) for the cap on CVaR; Moré & Sorensen (1983) for the root in the multiplier.
    """
    return within(risk_limits(constraints, returns, covariance), hessian, linear, constraints, ridge=ridge)


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """The caps on risk, read off the returns once, however many objectives are minimised under them."""

    caps: tuple[Cap, ...]
    tail: TailCap | None

    def __bool__(self) -> bool:
        return bool(self.caps) or self.tail is not None


def risk_limits(constraints: Constraints, returns: FloatArray | None, covariance: FloatArray | None) -> RiskLimits:
    """The caps on volatility, tracking error and CVaR. `returns`, `covariance`: see `minimise`."""
    return RiskLimits(caps_of(constraints, returns, covariance), tail_cap(constraints, returns))


def within(
    limits: RiskLimits, hessian: FloatArray, linear: FloatArray, constraints: Constraints, *, ridge: float = RIDGE
) -> Solved:
    """`minimise` where the caps are known already."""
    base, caps, cap = Plain(ridge), limits.caps, limits.tail
    if cap is None:
        return limited(base, hessian, linear, constraints, caps)
    if not caps and not hessian.any():
        return obeying(WarmProgram(linear, constraints, cap), cap, constraints)
    limit = cap.limit
    return obeying(lambda rows: limited(base, hessian, linear, with_rows(constraints, rows, limit), caps), cap, constraints)


class Base(Protocol):
    """What is minimised beside a quadratic of the weights, and who solves it over linear constraints."""

    def solve(self, hessian: FloatArray, linear: FloatArray, constraints: Constraints) -> Solved:
        """The optimum of 1/2 w'Hw + linear'w + value(w)."""

    def value(self, weights: FloatArray) -> float:
        """What is added to the quadratic."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Nothing beside the quadratic."""

    ridge: float = RIDGE

    def solve(self, hessian: FloatArray, linear: FloatArray, constraints: Constraints) -> Solved:
        """By the door of quadratic programs, or of linear ones."""
        return quadratic(hessian, linear, constraints, ridge=self.ridge) if hessian.any() else program(linear, constraints)

    def value(self, weights: FloatArray) -> float:
        """Nothing."""
        return 0.0


def tail_cap(constraints: Constraints, returns: FloatArray | None) -> TailCap | None:
    """The cap on CVaR, where there is one."""
    if constraints.conditional_value_at_risk is None:
        return None
    if returns is None:
        raise Broken("A CVaR is capped, but no returns were handed over.")
    if not np.isfinite(returns).all() or not len(returns):
        raise Infeasible("the returns hold a value that is not finite")
    return TailCap(returns, float(constraints.conditional_value_at_risk), constraints.level)


def caps_of(constraints: Constraints, returns: FloatArray | None, covariance: FloatArray | None) -> tuple[Cap, ...]:
    """The caps on standard deviations."""
    if constraints.volatility is None and constraints.tracking_error is None:
        return ()
    if returns is not None and len(returns) > 1:
        covariance = np.atleast_2d(np.cov(returns, rowvar=False))
    if covariance is None:
        raise Broken("A volatility or tracking error is capped, but neither returns nor a covariance were handed over.")
    centre, out = np.zeros(len(constraints.lower)), []
    if constraints.volatility is not None:
        out.append(Cap(covariance, centre, constraints.volatility, "volatility"))
    if constraints.tracking_error is not None:
        middle = centre if constraints.benchmark is None else constraints.benchmark
        out.append(Cap(covariance, middle, constraints.tracking_error, "tracking error"))
    return tuple(out)


def limited(base: Base, hessian: FloatArray, linear: FloatArray, constraints: Constraints, caps: tuple[Cap, ...]) -> Solved:
    """The optimum of base plus quadratic under linear constraints and caps: one cap after the other by its multiplier."""
    if not caps:
        return base.solve(hessian, linear, constraints)
    *rest, cap = caps
    lagrangian = _Lagrangian(base, hessian, linear, constraints, tuple(rest), cap)
    free = lagrangian.at(0.0)
    if cap.over(free.weights) <= 0.0:
        return free
    calmest = lagrangian.calmest()
    over = cap.over(calmest.weights)
    if over > 2e-9 * cap.limit**2:
        least = np.sqrt(over + cap.limit**2)
        raise Infeasible(f"no allowed weights keep the {cap.name} at {cap.limit:g} a day: {least:g} is the least")
    if over > -1e-12 * cap.limit**2:
        return Solved(calmest.weights, lagrangian.value(calmest.weights), free.bound)
    return _priced(lagrangian, _Bracket(0.0, np.inf, free, calmest, free.bound))


@dataclass(frozen=True, slots=True)
class _Lagrangian:
    """The objective plus price x (variance - limit squared), under what else is to be obeyed."""

    base: Base
    hessian: FloatArray
    linear: FloatArray
    constraints: Constraints
    inner: tuple[Cap, ...]
    cap: Cap

    def value(self, weights: FloatArray) -> float:
        return float(weights @ self.hessian @ weights / 2 + self.linear @ weights) + self.base.value(weights)

    def at(self, price: float) -> Solved:
        """The best weights at a price; objective without the price, bound of the whole problem (weak duality)."""
        cap = self.cap
        toward = -2.0 * price * (cap.covariance @ cap.centre)
        hessian = self.hessian + 2.0 * price * cap.covariance
        found = limited(self.base, hessian, self.linear + toward, self.constraints, self.inner)
        constant = price * float(cap.centre @ cap.covariance @ cap.centre - cap.limit**2)
        return Solved(found.weights, self.value(found.weights), found.bound + constant)

    def calmest(self) -> Solved:
        """The allowed weights with the least of what is capped; objective as elsewhere, no bound."""
        toward = -2.0 * (self.cap.covariance @ self.cap.centre)
        found = limited(Plain(), 2.0 * self.cap.covariance, toward, self.constraints, self.inner)
        return Solved(found.weights, self.value(found.weights), -np.inf)

    def between(self, good: FloatArray, bad: FloatArray) -> Solved:
        """As far from weights that obey the cap toward some that do not as it allows: a quadratic equation."""
        step, away = bad - good, good - self.cap.centre
        a, b = float(step @ self.cap.covariance @ step), float(step @ self.cap.covariance @ away)
        room = max(-self.cap.over(good), 0.0)
        share = (np.sqrt(b * b + a * room) - b) / a if a > 0.0 else 0.0
        weights = good + min(max(share, 0.0), 1.0) * (1 - 1e-15) * step
        return Solved(weights, self.value(weights), -np.inf)

    def bent(self, weights: FloatArray) -> float:
        """1 / limit - 1 / deviation, nearly a line in the price. Source: Moré & Sorensen (1983)."""
        return 1.0 / self.cap.limit - 1.0 / float(np.sqrt(max(self.cap.over(weights) + self.cap.limit**2, 1e-300)))


@dataclass(frozen=True, slots=True)
class _Bracket:
    """Prices whose weights break the cap (`low`) and obey it (`high`), and the best bound so far."""

    low: float
    high: float
    bad: Solved
    good: Solved
    bound: float

    def with_trial(self, price: float, found: Solved, obeys: bool) -> _Bracket:
        bound = max(self.bound, found.bound)
        if obeys:
            return _Bracket(self.low, price, self.bad, found, bound)
        return _Bracket(price, self.high, found, self.good, bound)


def _priced(lagrangian: _Lagrangian, bracket: _Bracket) -> Solved:
    """The price at which the cap binds: regula falsi (Illinois), ended when the dual proves the best mixture of the ends."""
    cap = lagrangian.cap
    start = abs(bracket.bad.objective) / cap.limit**2 or 1.0  # a price at which the cap costs as much as the objective
    over, under, side = lagrangian.bent(bracket.bad.weights), 0.0, 0
    best = bracket.good
    for _ in range(STEPS):
        trial = _next(bracket, over, under, start)
        found = lagrangian.at(trial)
        bent = lagrangian.bent(found.weights)
        bracket = bracket.with_trial(trial, found, obeys=bent <= 0.0)
        if bent > 0.0:
            over, under, side = bent, under / 2 if side > 0 else under, 1
        else:
            over, under, side = over / 2 if side < 0 else over, bent, -1
        mixed = lagrangian.between(bracket.good.weights, bracket.bad.weights)
        best = min(best, mixed, bracket.good, key=lambda each: each.objective)
        narrow = bracket.high <= bracket.low * (1.0 + 1e-15)
        if best.objective - bracket.bound <= CLOSE * abs(best.objective) or narrow:
            break
    return Solved(best.weights, best.objective, min(bracket.bound, best.objective))


def _next(bracket: _Bracket, over: float, under: float, start: float) -> float:
    if np.isinf(bracket.high):
        return bracket.low * 8.0 or start
    trial = bracket.high - under * (bracket.high - bracket.low) / (under - over) if under < over else bracket.low
    return trial if bracket.low < trial < bracket.high else (bracket.low + bracket.high) / 2
