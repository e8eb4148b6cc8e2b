"""What a fast kernel answers: weights, what they cost, and a bound that proves how good they are."""

from __future__ import annotations

from dataclasses import dataclass

from portfolio.types import FloatArray


@dataclass(frozen=True, slots=True)
class Solved:
    """weights: shape (assets,), within the constraints to 1e-9. objective: of these weights, as it is minimised (a maximum
    is negated: minus the Sharpe ratio, minus the utility, minus the mean). bound: a proven lower bound of the objective over
    all allowed weights, from the dual; -inf where none is known.
    """

    weights: FloatArray
    objective: float
    bound: float

    @property
    def gap(self) -> float:
        """How far from the best the weights can be at the most, in units of the objective."""
        return max(self.objective - self.bound, 0.0)
