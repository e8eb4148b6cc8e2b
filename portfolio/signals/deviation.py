"""How far a series is from its own past: z-score, drawdown, turbulence.

NaN where the past is too short or says nothing. Values are rounded to 12 digits, turbulence to 9.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from portfolio.signals.trend import DIGITS
from portfolio.types import FloatArray

NOTHING = 1e-12  # a spread up to this is rounding


def z_score(values: FloatArray, window: int) -> FloatArray:
    """(value - mean) / standard deviation of the newest `window` values, its own among them; one degree of freedom.

    values: shape (n,), no NaN; of prices hand it the logarithm, of a pair the logarithm of the ratio of its prices. NaN where
    the window does not move. Source: the deviation in pairs trading, as in Gatev, Goetzmann and Rouwenhorst (2006), who trade
    a spread two standard deviations from its mean and close where it has come back; of a valuation, Campbell and Shiller
    (1998): prices that are far from their usual ratio come back to it.

    >>> z_score(np.array([1.0, 2.0, 3.0]), 3).tolist()
    [nan, nan, 1.0]
    """
    out = np.full(len(values), np.nan)
    if len(values) >= window:
        past = sliding_window_view(values, window)
        mean, spread = past.mean(axis=1), past.std(axis=1, ddof=1)
        moves = spread > NOTHING * np.maximum(np.abs(mean), 1.0)
        out[window - 1 :] = np.where(moves, (values[window - 1 :] - mean) / np.where(moves, spread, 1.0), np.nan)
    return np.round(out, DIGITS)


def drawdown(prices: FloatArray, window: int) -> FloatArray:
    """1 - price / highest of the newest `window` prices: a positive fraction, 0 at the high.

    prices: shape (n,), positive, no NaN. Source: Grossman and Zhou (1993), who hold less the nearer a fall from the high
    comes to its limit.

    >>> drawdown(np.array([100.0, 80.0, 90.0]), 2).tolist()
    [nan, 0.2, 0.0]
    """
    out = np.full(len(prices), np.nan)
    if len(prices) >= window:
        out[window - 1 :] = 1.0 - prices[window - 1 :] / sliding_window_view(prices, window).max(axis=1)
    return np.round(out, DIGITS)


def turbulence(returns: FloatArray, window: int) -> FloatArray:
    """(y - m)' C^-1 (y - m): how unusual the returns y of a day are beside their past, their correlations counted.

    returns: shape (days, assets), no NaN; m and C: mean and covariance (one degree of freedom) of the `window` days before,
    never the day itself. Shape (days,). Where C is singular, its pseudo-inverse. Of normal returns it is near to a
    chi-squared with as many degrees of freedom as assets, so that of five assets one day in twenty is above 11.
    Source: Kritzman and Li (2010), eq. 1.
    """
    days, assets = returns.shape
    out = np.full(days, np.nan)
    if days <= window:
        return out
    centred = returns - returns.mean(axis=0)
    mean, second = _past(centred, window), _past((centred[:, :, None] * centred[:, None, :]).reshape(days, -1), window)
    covariance = (second.reshape(-1, assets, assets) - mean[:, :, None] * mean[:, None, :]) * (window / (window - 1.0))
    away = centred[window:] - mean
    inverse = np.linalg.pinv(covariance, rcond=1e-10, hermitian=True)
    out[window:] = np.einsum("ti,tij,tj->t", away, inverse, away)
    away_from_past: FloatArray = np.round(np.maximum(out, 0.0), 9)
    return away_from_past


def _past(values: FloatArray, window: int) -> FloatArray:
    """Mean of the `window` rows before each row from the `window`-th on."""
    sums = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
    out: FloatArray = (sums[window:-1] - sums[: -window - 1]) / window
    return out
