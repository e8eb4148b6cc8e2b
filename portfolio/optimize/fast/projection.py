"""From what a strategy wishes to the nearest weights that the policy allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from portfolio.optimize.fast.capped import RiskLimits, risk_limits, within
from portfolio.optimize.fast.form import EXACT
from portfolio.optimize.problem import Constraints
from portfolio.optimize.solution import Infeasible
from portfolio.optimize.words import asked, counts
from portfolio.types import FloatArray


def nearest(
    weights: FloatArray, constraints: Constraints, returns: FloatArray | None = None, covariance: FloatArray | None = None
) -> FloatArray:
    """The allowed weights nearest to a wish in least squares; the wish itself, bit for bit, where it obeys already.

    weights: shape (assets,), finite. returns, covariance: see `minimise`. Raises `Infeasible`. `names` and
    `minimum_position` by a heuristic: project; then the smallest that are too many become zero, what is below half of the
    smallest position becomes zero and what is above is raised to it, as many at once as leave an answer; project again.
    The result obeys them, but need not be the nearest of all that do. Fixed weights (lower == upper) count as names and
    are never too small. Source: Euclidean projection on a convex set; with a limited number of names the problem is
    Chang, Meade, Beasley & Sharaiha (2000), who search too.
    """
    wish = np.asarray(weights, dtype=float)
    if not np.isfinite(wish).all():
        raise Infeasible("the wished weights hold a value that is not finite")
    limits = risk_limits(constraints, returns, covariance)
    if _breach(wish, constraints, limits) <= EXACT:
        return wish
    found = _projected(wish, constraints, limits)
    if constraints.names is None and constraints.minimum_position <= 0.0:
        return found
    return _sparse(_Step(wish, constraints, limits, found))


def violation(
    weights: FloatArray, constraints: Constraints, returns: FloatArray | None = None, covariance: FloatArray | None = None
) -> float:
    """The worst breach of any constraint, in its own unit (names: how many too many), 0 where all is obeyed.

    returns, covariance: see `minimise`.
    """
    return _breach(np.asarray(weights, dtype=float), constraints, risk_limits(constraints, returns, covariance))


def _breach(w: FloatArray, c: Constraints, limits: RiskLimits) -> float:
    worst = [0.0, float((c.lower - w).max()), float((w - c.upper).max())]
    worst += [c.budget[0] - float(w.sum()), float(w.sum()) - c.budget[1]]
    if c.rows is not None and len(c.rows):
        value = c.rows @ w
        worst += [
            0.0 if c.low is None else float((c.low - value).max()),
            0.0 if c.high is None else float((value - c.high).max()),
        ]
    if c.gross is not None:
        worst.append(float(np.abs(w).sum()) - c.gross)
    if c.turnover is not None and c.held is not None:
        worst.append(float(np.abs(w - c.held).sum()) - c.turnover)
    worst += [float(np.sqrt(max(cap.over(w) + cap.limit**2, 0.0))) - cap.limit for cap in limits.caps]
    worst += [] if limits.tail is None else [limits.tail.over(w)]
    many, small = _misfits(w, c)
    worst += [float(many), float((c.minimum_position - np.abs(w[small])).max(initial=0.0))]
    return max(worst)


def _misfits(weights: FloatArray, constraints: Constraints) -> tuple[int, NDArray[np.intp]]:
    """(how many names too many, which weights are neither zero nor large enough)."""
    size, free = np.abs(weights), constraints.upper > constraints.lower
    many = 0 if constraints.names is None else max(int((size > 0.0).sum()) - constraints.names, 0)
    return many, np.nonzero((size > 0.0) & (size < constraints.minimum_position - EXACT) & free)[0]


def _projected(wish: FloatArray, constraints: Constraints, limits: RiskLimits) -> FloatArray:
    return within(limits, np.eye(len(wish)), -wish, constraints, ridge=0.0).weights


@dataclass(frozen=True, slots=True)
class _Step:
    """Where the search stands: the wish, the constraints with what is decided so far, and their nearest weights."""

    wish: FloatArray
    constraints: Constraints
    limits: RiskLimits
    found: FloatArray

    def ordered(self, assets: Sequence[int], *, by_wish: bool = False) -> list[int]:
        """Those that may become zero, the smallest first; by_wish: those that were wished least."""
        c = self.constraints
        may = [i for i in assets if c.lower[i] <= 0.0 <= c.upper[i] and self.found[i] != 0.0]
        sizes = (np.abs(self.wish), np.abs(self.found)) if by_wish else (np.abs(self.found), np.abs(self.wish))
        return sorted(may, key=lambda i: (sizes[0][i], sizes[1][i], i))

    def bounded(self, lower: FloatArray, upper: FloatArray) -> _Step | None:
        """With other bounds; None where they leave no answer."""
        constraints = replace(self.constraints, lower=lower, upper=upper)
        try:
            return replace(self, constraints=constraints, found=_projected(self.wish, constraints, self.limits))
        except Infeasible:
            return None

    def dropped(self, assets: list[int]) -> _Step | None:
        """As many of the first of them at zero as leave an answer, by halves; None where not even one may go."""
        while assets:
            lower, upper = self.constraints.lower.astype(float), self.constraints.upper.astype(float)
            lower[assets] = upper[assets] = 0.0
            if (step := self.bounded(lower, upper)) is not None:
                return step
            assets = assets[: len(assets) // 2]
        return None

    def raised(self, assets: list[int]) -> _Step | None:
        """All of them at the smallest position or above, on the side where they are."""
        least = self.constraints.minimum_position
        lower, upper = self.constraints.lower.astype(float), self.constraints.upper.astype(float)
        long, short = [i for i in assets if self.found[i] > 0.0], [i for i in assets if self.found[i] < 0.0]
        lower[long], upper[short] = np.maximum(lower[long], least), np.minimum(upper[short], -least)
        return self.bounded(lower, upper)


def _sparse(step: _Step) -> FloatArray:
    """Each turn decides for one asset at the least, so it ends."""
    while True:
        many, small = _misfits(step.found, step.constraints)
        if not many and not len(small):
            return step.found
        following = _fewer(step, many) if many else _larger(step, [int(i) for i in small])
        if following is None:
            words = " and ".join(counts(step.constraints))
            raise Infeasible(f"no weights were found with {words} that obey all that is asked: {asked(step.constraints)}")
        step = following


def _fewer(step: _Step, many: int) -> _Step | None:
    order = step.ordered(range(len(step.found)), by_wish=True)
    return step.dropped(order[:many]) or next((one for i in order if (one := step.dropped([i])) is not None), None)


def _larger(step: _Step, small: list[int]) -> _Step | None:
    half = step.constraints.minimum_position / 2.0
    order = step.ordered(small)
    low = [i for i in order if abs(step.found[i]) < half]
    if low and (following := step.dropped(low)) is not None:
        return following
    return (
        step.raised(small)
        or step.dropped(order[: (len(order) + 1) // 2])
        or next((one for i in small[::-1] if (one := step.raised([i])) is not None), None)
    )
