"""What an optimizer answers, and the failure it answers instead."""

from __future__ import annotations

from dataclasses import dataclass

from portfolio.types import Certificate, FloatArray


class Infeasible(Exception):
    """There is no answer, and the sentence says why. The strategy walks its fallback road."""


@dataclass(frozen=True, slots=True)
class Solution:
    """weights: shape (assets,), >= 0, adding up to 1."""

    weights: FloatArray
    certificate: Certificate
