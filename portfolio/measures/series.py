"""The row of returns that a measure is asked of, and the year that its figures are told by."""

from __future__ import annotations

import numpy as np

from portfolio.errors import Refused
from portfolio.types import FloatArray

SESSIONS_A_YEAR = 252


def clean(returns: FloatArray) -> FloatArray:
    """`returns` as floats of shape (days,); `Refused` where they are empty or one is not finite."""
    values = np.asarray(returns, dtype=float)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise Refused("A risk measure was asked of returns that are empty or not finite.", "Hand it finite daily returns.")
    return values


def checked_level(level: float) -> float:
    """`level`, where it is one of a tail: in [0, 1)."""
    if not 0.0 <= level < 1.0:
        raise Refused(f"{level:g} is no level of a tail.", "Hand it a level from 0 to below 1, such as 0.95.", level=level)
    return level


def horizon_sums(returns: FloatArray, days: int) -> FloatArray:
    """Sums over every stretch of `days` sessions in a row, shape (sessions - days + 1,): what a book that is brought back to
    its weights each day makes of its equity at the start. Neighbours overlap.

    >>> horizon_sums(np.array([0.01, 0.02, -0.05]), 2).round(4).tolist()
    [0.03, -0.03]
    """
    values = clean(returns)
    if not 1 <= days <= len(values):
        what = f"A horizon of {days} days was asked of {len(values)} returns."
        raise Refused(what, "Hand it more returns, or a shorter horizon.", days=days)
    if days == 1:
        return values
    out: FloatArray = np.lib.stride_tricks.sliding_window_view(values, days).sum(axis=1)
    return out
