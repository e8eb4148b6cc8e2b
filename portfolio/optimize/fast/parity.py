"""Risk parity and risk budgeting of variance by Newton's method."""

from __future__ import annotations

import numpy as np

from portfolio.optimize.fast.solved import Solved
from portfolio.optimize.solution import Infeasible
from portfolio.types import FloatArray

CLOSE = 1e-10  # of a budget
STEPS = 200
FAR = 0.3  # a relative change that is damped
WORST = 1e-7  # a share that is further from its budget is no parity


def risk_parity(covariance: FloatArray, budgets: FloatArray | None = None) -> Solved:
    """Long-only weights that add up to 1, each asset's share of the variance equal to its budget (None: all equal).

    covariance: shape (assets, assets), positive semidefinite, every variance above 0. budgets: shape (assets,), above 0,
    adding up to 1. objective: the largest difference between a share w_i (Sw)_i / w'Sw and its budget: below 1e-9,
    where the covariance is near singular as near as rounding allows, at most 1e-7; bound: 0.
    Knows no constraints: weights that are moved to obey bounds have no parity, so the caller looks (`violation`).
    The minimum of 1/2 y'Sy - sum b_i log y_i, which is unique, scaled to a sum of 1. Raises `Infeasible`.
    Source: Maillard, Roncalli & Teïletche (2010); the function and its damped Newton method: Spinu (2013).
    """
    assets = len(covariance)
    shares = np.full(assets, 1.0 / assets) if budgets is None else np.asarray(budgets, dtype=float)
    deviations = _checked(covariance, shares)
    correlation = covariance / np.outer(deviations, deviations)
    weights = _minimum(correlation, shares) / deviations
    weights /= weights.sum()
    pull = covariance @ weights
    missed = float(np.abs(weights * pull / float(weights @ pull) - shares).max())
    if not missed <= WORST:
        raise Infeasible(f"risk parity was not reached: a share of risk is off by {missed:.1e}")
    return Solved(weights, missed, 0.0)


def _checked(covariance: FloatArray, budgets: FloatArray) -> FloatArray:
    if not np.isfinite(covariance).all():
        raise Infeasible("the covariance holds a value that is not finite")
    if not (budgets > 0.0).all() or abs(float(budgets.sum()) - 1.0) > 1e-9:
        raise Infeasible("budgets of risk are above 0 and add up to 1")
    variances = np.diag(covariance)
    for asset in np.nonzero(variances <= 1e-14 * variances.max())[0]:
        raise Infeasible(f"asset {asset} never moves: it can carry no share of the risk")
    deviations: FloatArray = np.sqrt(variances)
    return deviations


def _minimum(correlation: FloatArray, budgets: FloatArray) -> FloatArray:
    """Newton's steps, damped by the largest relative change while that is large: so it ends from anywhere."""
    from scipy.linalg import lapack

    y: FloatArray = np.sqrt(budgets)
    length = float(y @ correlation @ y)
    if not length > 0.0:
        raise Infeasible("the assets hedge each other without rest: there is no risk to share out")
    y, before = y / np.sqrt(length), np.inf
    for _ in range(STEPS):
        gradient = correlation @ y - budgets / y
        missed = float(np.abs(y * gradient / budgets).max())
        if missed <= CLOSE or (before < FAR and missed >= before):  # the second: rounding is reached
            return y
        factor, failed = lapack.dpotrf(correlation + np.diag(budgets / y**2), lower=1, clean=0)
        if failed:
            raise Infeasible("the covariance is not positive semidefinite")
        step = lapack.dpotrs(factor, gradient, lower=1)[0]
        reach = float(np.abs(step / y).max())
        y, before = y - (step / (1.0 + reach) if reach > FAR else step), missed
    return y
