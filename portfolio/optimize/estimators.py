"""Means and covariances by name: the plain and the shrunk ones in numpy, the rest by Riskfolio, their owner; all checked."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from portfolio.optimize.solution import Infeasible
from portfolio.types import FloatArray

# Those without a name of Riskfolio's open without it. Its graphical lasso is not here: it depends on the order of the assets.
MEANS = {
    "historical": "",
    "ewma": "",
    "james_stein": "JS",  # James & Stein (1961)
    "bayes_stein": "BS",  # Jorion (1986)
    "bodnar_okhrin_parolya": "BOP",  # Bodnar, Okhrin & Parolya (2019)
}
COVARIANCES = {
    "historical": "",
    "ewma": "",
    "ledoit_wolf": "",  # Ledoit & Wolf (2004)
    "oas": "",  # Chen, Wiesel, Eldar & Hero (2010)
    "shrunk": "",  # a tenth of the way to equal variances without correlation
    "j_logo": "jlogo",  # Barfuss, Massara, Di Matteo & Aste (2016)
    "denoised": "fixed",  # Lopez de Prado (2020), chapter 2: eigenvalues of noise made one
    "denoised_spectral": "spectral",
    "denoised_shrunk": "shrink",
    "gerber": "gerber1",  # Gerber, Markowitz, Ernst, Miao, Javid & Sargen (2022)
    "gerber2": "gerber2",
    "factor": "",  # the assets' own principal components
}
SHRUNK = ("ledoit_wolf", "oas", "shrunk")
TENTH = 0.1  # of "shrunk"
DECAY = 0.94  # RiskMetrics (1996), of daily data
FACTORS = 0.5  # share of the variance that the principal components of "factor" explain at the least
SYMMETRIC = 1e-9  # relative; larger differences are an error of the estimator


def mean(returns: FloatArray, method: str = "historical", *, decay: float = DECAY) -> FloatArray:
    """Expected return of a day, shape (assets,), by one of MEANS. NaN in the returns: `Infeasible`.

    decay: weight of a day over that of the day after it, of ewma alone (normalised weights).
    """
    _complete(returns)
    if method == "historical":
        return np.asarray(returns.mean(axis=0))
    if method == "ewma":
        return np.asarray(_weights(len(returns), decay) @ returns)
    spread = np.atleast_2d(np.cov(returns, rowvar=False)) if len(returns) > 1 else np.zeros((returns.shape[1],) * 2)
    if len(returns) <= returns.shape[1] + 2 or np.linalg.matrix_rank(spread, hermitian=True) < returns.shape[1]:
        raise Infeasible(f"the mean by {method} needs a covariance that can be inverted: more days than assets, and all move")
    with _quiet(method):
        from riskfolio.src import ParamsEstimation

        found = np.asarray(ParamsEstimation.mean_vector(_frame(returns), method=MEANS[method]), dtype=float).ravel()
    if not np.isfinite(found).all():
        raise Infeasible(f"the mean by {method} is not finite")
    return found


def covariance(returns: FloatArray, method: str = "historical", *, decay: float = DECAY) -> FloatArray:
    """Covariance of a day's returns, shape (assets, assets), by one of COVARIANCES: symmetric, no negative eigenvalue.

    It may be singular (fewer days than assets, series that never move). An eigenvalue that is negative by more than rounding
    is set to zero (the nearest such matrix in Frobenius norm, Higham 1988). ewma is unbiased by the sum of squared weights.
    """
    _complete(returns)
    if method == "historical":
        found = np.atleast_2d(np.cov(returns, rowvar=False)) if len(returns) > 1 else np.zeros((returns.shape[1],) * 2)
    elif method == "ewma":
        weights = _weights(len(returns), decay)
        moves = returns - weights @ returns
        found = (moves * weights[:, None]).T @ moves / max(1.0 - float(weights @ weights), 1e-12)
    elif method == "factor":
        found = _by_factors(returns)
    elif method in SHRUNK:
        found = _shrunk(returns, method)
    else:
        with _quiet(method):
            from riskfolio.src import ParamsEstimation

            found = np.asarray(ParamsEstimation.covar_matrix(_frame(returns), method=COVARIANCES[method]), dtype=float)
    return _positive(found, method)


def _by_factors(returns: FloatArray) -> FloatArray:
    """Statistical factors (Connor & Korajczyk 1986): loadings' B F B' plus each asset's own variance on the diagonal."""
    plain = np.atleast_2d(np.cov(returns, rowvar=False))
    size, axes = np.linalg.eigh(plain)
    size, axes = np.maximum(size[::-1], 0.0), axes[:, ::-1]
    total = float(size.sum())
    count = 1 if total <= 0 else int(np.searchsorted(np.cumsum(size) / total, FACTORS) + 1)
    common = (axes[:, :count] * size[:count]) @ axes[:, :count].T
    return np.asarray(common + np.diag(np.maximum(np.diag(plain) - np.diag(common), 0.0)))


def _shrunk(returns: FloatArray, method: str) -> FloatArray:
    """The covariance (over days, not days - 1) on its way to equal variances without correlation.

    ledoit_wolf: by the share of Ledoit & Wolf (2004), lemma 3.2 to 3.4 of their sample version; oas: by that of Chen, Wiesel,
    Eldar & Hero (2010), eq. 23, without its terms in 2 / assets, as scikit-learn has it.
    """
    moves = returns - returns.mean(axis=0)
    days, size = moves.shape
    plain = moves.T @ moves / days
    usual, whole = float(np.trace(plain)) / size, float((plain**2).sum())
    away = whole - size * usual**2  # of the covariance from the target, squared
    if method == "ledoit_wolf":
        noise = (float(((moves**2).sum(axis=1) ** 2).sum()) / days - whole) / days
        share = min(noise / away, 1.0) if away > 0.0 else 0.0
    elif method == "oas":
        share = min((whole + (size * usual) ** 2) / ((days + 1.0) * away), 1.0) if away > 0.0 else 1.0
    else:
        share = TENTH
    return np.asarray((1.0 - share) * plain + share * usual * np.eye(size))


def _weights(days: int, decay: float) -> FloatArray:
    raw = decay ** np.arange(days - 1, -1, -1, dtype=float)
    return np.asarray(raw / raw.sum())


def _complete(returns: FloatArray) -> None:
    if returns.ndim != 2 or returns.shape[0] == 0:
        raise Infeasible("no days of returns carry no estimate")
    if not np.isfinite(returns).all():
        raise Infeasible("the returns hold a value that is not finite")


def _positive(found: FloatArray, method: str) -> FloatArray:
    if not np.isfinite(found).all():
        raise Infeasible(f"the covariance by {method} is not finite")
    scale = float(np.abs(found).max(initial=0.0))
    if float(np.abs(found - found.T).max(initial=0.0)) > SYMMETRIC * max(scale, 1e-300):
        raise Infeasible(f"the covariance by {method} is not symmetric")
    even = 0.5 * (found + found.T)
    size, axes = np.linalg.eigh(even)
    if size.min(initial=0.0) >= -1e-12 * max(scale, 1e-300):
        return np.asarray(even)
    mended = (axes * np.maximum(size, 0.0)) @ axes.T
    return np.asarray(0.5 * (mended + mended.T))


def _frame(returns: FloatArray) -> Any:
    import pandas as pd

    return pd.DataFrame(returns, columns=[f"a{i}" for i in range(returns.shape[1])])


class _quiet:
    """What goes wrong inside an estimator is a typed failure that names it; its warnings are nobody's."""

    def __init__(self, method: str) -> None:
        self.method, self.heard = method, warnings.catch_warnings()

    def __enter__(self) -> None:
        self.heard.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.heard.__exit__(None, None, None)
        if isinstance(error, (ValueError, ArithmeticError, LookupError, TypeError)):
            raise Infeasible(f"the estimator {self.method} failed ({error})") from error
