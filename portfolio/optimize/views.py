"""Opinions about returns from a small file, and two ways to mix them with what the market says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from portfolio.errors import WrongUse
from portfolio.measures import SESSIONS_A_YEAR
from portfolio.optimize.solution import Infeasible
from portfolio.section import Section
from portfolio.types import FloatArray

SURE = 1.0 - 1e-9  # of a view with confidence 1: its doubt may not be zero


@dataclass(frozen=True, slots=True)
class View:
    """The portfolio `assets` (symbol -> weight: {SPY = 1}, or long-short {SPY = 1, TLT = -1}) will return `return_a_year`.

    confidence: from above 0 to 1 (Idzorek 2005); None: as sure as the market's own variance (He & Litterman 1999).
    """

    assets: Mapping[str, float]
    return_a_year: float
    confidence: float | None = None


def read_views(text: str, symbols: Sequence[str], name: str = "views") -> tuple[View, ...]:
    """The views of a TOML text, one table [[view]] each. `WrongUse` names the key or the symbol that is wrong."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # beside its own error: a number of 5,000 digits, 1,000 lists in one another
        raise WrongUse(f"The views file {name} is no TOML: {error}.", "Write one table [[view]] a view.") from error
    unknown = [key for key in table if key != "view"]
    if unknown:
        raise WrongUse(f"The views file {name} has an unknown key `{unknown[0]}`.", "Known here: [[view]].", key=unknown[0])
    found = table.get("view")
    if not isinstance(found, list) or not found:
        raise WrongUse(f"The views file {name} holds no view.", "Write one table [[view]] a view.")
    return tuple(_view(Section(f"{name}: view {k}", each), symbols) for k, each in enumerate(found, 1))


def _view(section: Section, symbols: Sequence[str]) -> View:
    inner = section.section("assets")
    if inner is None or not inner.table:
        raise section.wrong("assets", "a table of symbol = weight")
    weights = {symbol: inner.number(symbol, -10.0, 10.0) for symbol in inner.table}
    for symbol in weights:
        if symbol not in symbols:
            way = f"The universe is: {', '.join(symbols)}."
            raise WrongUse(f"[{section.path}] has a view on {symbol}, which is not in the universe.", way, key=symbol)
    if not any(weights.values()):
        raise section.wrong("assets", "a table with a weight that is not zero")
    expected = section.number("return_a_year", -1.0, 10.0)
    sure = section.number("confidence", 1e-6, 1.0) if "confidence" in section.table else section.absent("confidence")
    section.done()
    return View(weights, expected, sure)


def matrices(views: Sequence[View], assets: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """(P, shape (views, assets); Q, shape (views,), of a day). A view on somebody who is not among `assets` is left out."""
    kept = [v for v in views if set(v.assets) <= set(assets)]
    rows = np.array([[v.assets.get(a, 0.0) for a in assets] for v in kept]).reshape(len(kept), len(assets))
    return rows, np.array([v.return_a_year / SESSIONS_A_YEAR for v in kept])


def black_litterman(
    covariance: FloatArray,
    market: FloatArray,
    views: Sequence[View],
    assets: Sequence[str],
    *,
    days: int,
    aversion: float,
    risk_free: float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """(mean, shape (assets,); covariance, shape (assets, assets)) of a day after the views.

    market: the weights whose equilibrium is the prior, aversion x covariance @ market over risk_free. A view tells a whole
    return; its excess is that less risk_free times the sum of its weights. tau is 1 / days, the variance of a mean. A view
    without confidence is as doubtful as its own portfolio's mean; one with confidence c has (1 - c) / c of that doubt, which
    moves the mean c of the way to a single view (Walters 2014).
    Source: Black & Litterman (1992); He & Litterman (1999); confidence: Idzorek (2005).
    """
    rows, told = matrices(views, assets)
    prior = aversion * covariance @ market
    spread = covariance / days
    if not len(rows):
        return prior + risk_free, covariance + spread
    expected = told - risk_free * rows.sum(axis=1)
    across = rows @ spread @ rows.T
    middle = across + np.diag(np.diag(across) * _doubts(views, assets))
    gain = np.linalg.lstsq(middle, rows @ spread, rcond=None)[0].T  # views that say the same twice are no trouble
    posterior = covariance + spread - gain @ rows @ spread
    return prior + gain @ (expected - rows @ prior) + risk_free, 0.5 * (posterior + posterior.T)


def _doubts(views: Sequence[View], assets: Sequence[str]) -> FloatArray:
    sure = [0.5 if v.confidence is None else min(v.confidence, SURE) for v in views if set(v.assets) <= set(assets)]
    return np.array([(1.0 - c) / c for c in sure])


def aversion_of(mean: FloatArray, covariance: FloatArray, market: FloatArray, risk_free: float = 0.0) -> float:
    """The market's price of risk, (its mean - risk_free) / its variance, never below zero (He & Litterman 1999)."""
    variance = float(market @ covariance @ market)
    if variance <= 0.0:
        raise Infeasible("the market portfolio of Black-Litterman never moves")
    return max((float(market @ mean) - risk_free) / variance, 0.0)


def entropy_pooling(
    returns: FloatArray, views: Sequence[View], assets: Sequence[str]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(mean, covariance, probability of each day, shape (days,)) with the least relative entropy to equal days such that
    every view's mean holds exactly; confidence below 1 mixes the probabilities with the equal ones, by the mean confidence.

    `Infeasible` where no probabilities can make the views true. The dual has one variable a view and is smooth.
    Source: Meucci (2008), eq. 20 to 24; confidence as in its section 2.
    """
    rows, expected = matrices(views, assets)
    days = len(returns)
    equal = np.full(days, 1.0 / days)
    if not len(rows):
        return returns.mean(axis=0), _covariance(returns, equal), equal
    shares = _tilted(returns @ rows.T - expected)
    told = [v.confidence for v in views if set(v.assets) <= set(assets)]
    sure = float(np.mean([1.0 if c is None else c for c in told]))
    shares = sure * shares + (1.0 - sure) * equal
    return shares @ returns, _covariance(returns, shares), shares


def _covariance(returns: FloatArray, shares: FloatArray) -> FloatArray:
    moves = returns - shares @ returns
    return np.asarray((moves * shares[:, None]).T @ moves)


def _tilted(away: FloatArray) -> FloatArray:
    """exp(-away @ u) made a probability, u such that its mean of `away`, shape (days, views), is zero (Newton's method)."""
    scale = np.maximum(np.abs(away).max(axis=0), 1e-300)
    unit, u = away / scale, np.zeros(away.shape[1])
    for _ in range(200):
        shares, level = _shares(unit, u)
        slope = -(shares @ unit)
        if float(np.abs(slope).max()) < 1e-13:
            break
        moves = unit + slope
        curve = (moves * shares[:, None]).T @ moves + 1e-14 * np.eye(len(u))
        step, size = -np.linalg.solve(curve, slope), 1.0
        while size > 1e-12 and _shares(unit, u + size * step)[1] > level + 1e-4 * size * float(slope @ step):
            size *= 0.5
        u = u + size * step
    shares, _ = _shares(unit, u)
    if not np.isfinite(shares).all() or float(np.abs(shares @ unit).max()) > 1e-9:
        raise Infeasible("no probabilities of the days that were seen make the views true")
    return shares


def _shares(unit: FloatArray, u: FloatArray) -> tuple[FloatArray, float]:
    """(probabilities, the dual's value: log of the mean of exp(-unit @ u))."""
    power = -unit @ u
    top = float(power.max())
    raw = np.exp(power - top)
    return raw / raw.sum(), top + float(np.log(raw.mean()))
