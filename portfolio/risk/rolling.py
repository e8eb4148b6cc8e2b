"""The value at risk of each day, told by the days before it alone."""

from __future__ import annotations

import numpy as np

from portfolio.measures import Horizon, tail
from portfolio.measures.historical import tail_days, value_at_risk
from portfolio.measures.parametric import Moments
from portfolio.measures.simulated import simulated_book
from portfolio.types import FloatArray, TailLimit

REFITTED = 20  # sessions: the law of extreme values is fitted anew so often, and its figure stands in between


def rolling_value_at_risk(returns: FloatArray, lookback: int, asked: TailLimit) -> FloatArray:
    """Of one day, for each day that has `lookback` (1 or more) days before it, by the method and the level of `asked`.

    returns: shape (days,), no NaN. Shape (days - lookback,); row i is told by returns[i : i + lookback].
    """
    count = len(returns) - lookback
    if count <= 0:
        return np.empty(0)
    windows = np.lib.stride_tricks.sliding_window_view(returns, lookback)[:count]
    over = Horizon(asked.level)
    if asked.method == "historical":
        worst = tail_days(lookback, asked.level) - 1
        historical: FloatArray = -np.partition(windows, worst, axis=1)[:, worst]
        return historical
    if asked.method == "monte_carlo":
        return _monte_carlo(windows, asked)
    every = REFITTED if asked.method == "extreme_value" else 1
    told = [tail(window, over, asked.method, asked.degrees).value_at_risk for window in windows[::every]]
    out: FloatArray = np.repeat(told, every)[:count]
    return out


def _monte_carlo(windows: FloatArray, asked: TailLimit) -> FloatArray:
    """The draws are the same for every book: a figure is the mean and the deviation of its window times theirs."""
    drawn = value_at_risk(simulated_book(Moments(0.0, 1.0), 1, asked.degrees), asked.level)
    deviation = windows.std(axis=1, ddof=1) if windows.shape[1] > 1 else np.zeros(len(windows))
    out: FloatArray = drawn * deviation - windows.mean(axis=1)
    return out
