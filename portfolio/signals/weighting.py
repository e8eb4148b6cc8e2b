"""From shares to weights: within the room, under a cap, by the inverse of volatility."""

from __future__ import annotations

import numpy as np

from portfolio.types import FloatArray

STILL = 1e-10  # a daily volatility up to this is a price that does not move


def within(weights: FloatArray, room: float) -> FloatArray:
    """The weights, all made smaller by the same factor where they add up to more than `room`.

    >>> within(np.array([0.6, 0.4]), 0.5).tolist()
    [0.3, 0.2]
    """
    total = float(weights.sum())
    return weights if total <= room else weights * (max(room, 0.0) / total)


def inverse_volatility(volatility: FloatArray) -> FloatArray:
    """Shares that add up to 1, each in proportion to 1 / volatility; 0 where it is unknown (NaN) or does not move.

    All 0 where none is known. Source: naive risk parity, as in Maillard, Roncalli and Teiletche (2010): the portfolio of
    equal contributions to risk where all correlations are equal.

    >>> inverse_volatility(np.array([0.01, 0.03, np.nan])).tolist()
    [0.75, 0.25, 0.0]
    """
    moves = np.isfinite(volatility) & (volatility > STILL)
    shares: FloatArray = np.where(moves, 1.0 / np.where(moves, volatility, 1.0), 0.0)
    return shares / shares.sum() if moves.any() else shares


def capped(shares: FloatArray, cap: float) -> FloatArray:
    """Shares that add up to 1, none above `cap`: what is cut off goes to the others in proportion.

    shares: shape (names,), >= 0. Where the names that have a share cannot hold everything (names x cap < 1), each gets
    `cap` and the rest is nobody's.

    >>> capped(np.array([0.6, 0.2, 0.2]), 0.4).tolist()
    [0.4, 0.3, 0.3]
    """
    total = shares.sum()
    if total <= 0.0:
        return np.zeros_like(shares)
    full = np.zeros(len(shares), dtype=bool)
    weights: FloatArray = shares / total
    while (weights > cap * (1.0 + 1e-12)).any():
        full |= weights > cap * (1.0 + 1e-12)
        free = np.where(full, 0.0, shares)
        left = max(1.0 - cap * full.sum(), 0.0)
        weights = np.where(full, cap, free * (left / free.sum() if free.sum() > 0.0 else 0.0))
    return weights
