"""What each asset brings to the risk of a book: marginal, component and incremental.

All measures here are homogeneous in the weights, so that components, weight times margin, add up to the whole (Euler).
Cash has a weight of no column and brings nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from portfolio.errors import Refused
from portfolio.measures.historical import tail_days, value_at_risk
from portfolio.measures.series import SESSIONS_A_YEAR, checked_level, clean
from portfolio.types import FloatArray


def marginal_volatility(weights: FloatArray, returns: FloatArray) -> FloatArray:
    """Change of volatility a year by each weight, shape (assets,); zeros where the book does not vary.

    weights: shape (assets,); returns: shape (days, assets), no NaN. It is the asset's covariance with the book over the
    book's deviation.
    """
    book = clean(returns @ weights)
    apart = book - book.mean()
    square = float(apart @ apart)
    if len(book) < 2 or math.sqrt(square / len(book)) <= 1e-14 * float(np.abs(book).max()):
        return np.zeros(len(weights))
    out: FloatArray = returns.T @ apart * math.sqrt(SESSIONS_A_YEAR / (square * (len(book) - 1)))
    return out


def marginal_value_at_risk(weights: FloatArray, returns: FloatArray, level: float = 0.95, neighbours: int = 0) -> FloatArray:
    """Change of historical value at risk by each weight, shape (assets,).

    The losses of the day that is the value at risk: Riskfolio's numerical derivative. One day says little; with neighbours,
    the mean of as many days before and after it in the order of losses, brought to the same sum (Hallerbach 2003).
    """
    book = clean(returns @ weights)
    at = tail_days(len(book), checked_level(level)) - 1
    order = np.argsort(book, kind="stable")[max(at - neighbours, 0) : at + neighbours + 1]
    mean: FloatArray = -returns[order].mean(axis=0)
    told, whole = float(mean @ weights), value_at_risk(book, level)
    if not neighbours:
        return mean
    if told * whole <= 0.0:
        raise Refused("The days beside the value at risk have no loss to share out.", "Use fewer neighbours.")
    out: FloatArray = mean * (whole / told)
    return out


def marginal_conditional_value_at_risk(weights: FloatArray, returns: FloatArray, level: float = 0.95) -> FloatArray:
    """Change of historical CVaR by each weight, shape (assets,): the mean loss over the days of the book's tail, the day on the
    boundary counted in part. Source: Tasche (2002), expected shortfall as the mean over the tail.
    """
    book = clean(returns @ weights)
    share = (1.0 - checked_level(level)) * len(book)
    count = tail_days(len(book), level)
    order = np.argsort(book, kind="stable")[:count]
    counted = np.full(count, 1.0 / share)
    counted[-1] = (share - (count - 1)) / share
    out: FloatArray = -counted @ returns[order]
    return out


def components(weights: FloatArray, marginal: FloatArray) -> FloatArray:
    """What each asset brings; they add up to the measure itself."""
    out: FloatArray = weights * marginal
    return out


def incremental(weights: FloatArray, returns: FloatArray, measure: Callable[[FloatArray], float]) -> FloatArray:
    """By how much `measure` (of the book's returns) is higher with each asset than with cash in its place, shape (assets,)."""
    book = returns @ weights
    whole = measure(book)
    return np.array([whole - measure(book - returns[:, i] * w) for i, w in enumerate(weights)])
