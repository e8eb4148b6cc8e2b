"""What an optimizer is asked: returns, estimates, and the set of weights that the policy allows, laid out by asset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portfolio.types import FloatArray


@dataclass(frozen=True, slots=True)
class Constraints:
    """The weights w, shape (assets,), that are allowed. Arrays are in the order of the problem's assets.

    lower <= w <= upper · low <= rows @ w <= high, one `label` a row · budget[0] <= sum(w) <= budget[1] · sum(|w|) <= gross ·
    sum(|w - held|) <= turnover · std(returns @ (w - benchmark)) <= tracking_error · std(returns @ w) <= volatility · CVaR at
    `level` <= conditional_value_at_risk (these three a day) · at most `names` weights that are not zero · each weight zero or
    at least `minimum_position` in size. None does not constrain. A weight that must stay has lower == upper == held.
    """

    lower: FloatArray
    upper: FloatArray
    budget: tuple[float, float] = (1.0, 1.0)
    rows: FloatArray | None = None  # shape (rows, assets)
    low: FloatArray | None = None
    high: FloatArray | None = None
    labels: tuple[str, ...] = ()
    gross: float | None = None
    held: FloatArray | None = None
    turnover: float | None = None
    benchmark: FloatArray | None = None
    tracking_error: float | None = None
    volatility: float | None = None
    conditional_value_at_risk: float | None = None
    level: float = 0.95
    names: int | None = None
    minimum_position: float = 0.0


@dataclass(frozen=True, slots=True)
class Problem:
    """returns: shape (days, assets), simple daily returns, no NaN. mean, shape (assets,), and covariance, shape (assets,
    assets): of a day, as an estimator or views told them. assets: whom the columns are of.
    """

    assets: tuple[str, ...]
    returns: FloatArray
    mean: FloatArray
    covariance: FloatArray
    constraints: Constraints


@dataclass(frozen=True, slots=True)
class Model:
    """Which optimization: `name` one of MODELS, the rest where it means something to it.

    risk: one of portfolio.optimize.risks.RISKS. risk_free: of a day. risk_aversion: of maximum_utility (mean - aversion x
    risk). budgets: shape (assets,), shares of risk that add up to 1 (None: equal).
    """

    name: str
    risk: str = "variance"
    level: float = 0.95
    risk_free: float = 0.0
    risk_aversion: float = 2.0
    budgets: FloatArray | None = None
    linkage: str = "single"
    uncertainty: str = "box"  # of worst_case: box | ellip
    engine: str = "fast"  # fast: our own kernels where they know the model, else Riskfolio; riskfolio: always Riskfolio


MODELS = (
    "minimum_risk",
    "maximum_sharpe",
    "maximum_utility",
    "maximum_return",
    "risk_parity",
    "hrp",
    "herc",
    "nco",
    "worst_case",
    "minimum_tracking_error",
)


def long_only(assets: int, cap: float = 1.0) -> Constraints:
    """Fully invested, nothing short, none above `cap`."""
    return Constraints(np.zeros(assets), np.full(assets, cap))
