"""Where a price is going: momentum, moving averages, channels.

All take a series of shape (n,), oldest first, positive, without NaN, and answer one value a point of it: NaN where the past
is too short. Values are rounded to 12 digits, so that a price that stands on a threshold stands on it in any unit.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from portfolio.types import FloatArray

DIGITS = 12


def momentum(prices: FloatArray, window: int, skip: int = 0) -> FloatArray:
    """Return from `window` points ago to `skip` points ago, a fraction.

    Source: Moskowitz, Ooi and Pedersen (2012), its sign over twelve months (theirs in excess of cash); Jegadeesh and Titman
    (1993), its rank over the past year without the newest month: window 252, skip 21 of sessions ("12-1").

    >>> momentum(np.array([100.0, 110.0, 121.0, 90.0]), 2, 1).tolist()
    [nan, nan, 0.1, 0.1]
    """
    out = np.full(len(prices), np.nan)
    if len(prices) > window:
        out[window:] = prices[window - skip : len(prices) - skip] / prices[: len(prices) - window] - 1.0
    return np.round(out, DIGITS)


def moving_average(prices: FloatArray, window: int) -> FloatArray:
    """Price / mean of the newest `window` prices (its own among them) - 1.

    Source: Faber (2007), above or below the mean of ten month-ends; Brock, Lakonishok and LeBaron (1992), with a band of
    1 % around the mean of 200 days.

    >>> moving_average(np.array([1.0, 3.0, 2.0]), 2).tolist()
    [nan, 0.5, -0.2]
    """
    out = np.full(len(prices), np.nan)
    if len(prices) >= window:
        out[window - 1 :] = prices[window - 1 :] / sliding_window_view(prices, window).mean(axis=1) - 1.0
    return np.round(out, DIGITS)


def breakout(prices: FloatArray, window: int, exit_window: int) -> FloatArray:
    """1 above the highest of the `window` prices before, -1 below the lowest of the `exit_window` before, else 0.

    NaN until both pasts are long enough. Source: Donchian's channels; the Turtles' rules (Faith, 2003): in above the high
    of 20 days, out below the low of 10. Of closes, where theirs are of the day's highs and lows.

    >>> breakout(np.array([1.0, 2.0, 3.0, 2.5, 1.0]), 2, 1).tolist()
    [nan, nan, 1.0, -1.0, -1.0]
    """
    out = np.full(len(prices), np.nan)
    first = max(window, exit_window)
    if len(prices) > first:
        high = sliding_window_view(prices[:-1], window).max(axis=1)[first - window :]
        low = sliding_window_view(prices[:-1], exit_window).min(axis=1)[first - exit_window :]
        now = prices[first:]
        out[first:] = (now > high).astype(float) - (now < low)
    return out
