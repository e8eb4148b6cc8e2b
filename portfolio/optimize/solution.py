"""What an optimizer answers, and the failure it answers instead."""

from __future__ import annotations

from dataclasses import dataclass

from portfolio.types import Certificate, FloatArray


class Infeasible(Exception):
    """There is no answer, and the sentence says why; `conflict` names the constraints that contradict each other.

    The strategy walks its fallback road.
    """

    def __init__(self, why: str, conflict: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.conflict = conflict


@dataclass(frozen=True, slots=True)
class Solution:
    """weights: shape (assets,), within the problem's constraints to 1e-9. certificate: what an independent check found."""

    weights: FloatArray
    certificate: Certificate
