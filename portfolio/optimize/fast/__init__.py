"""Our own solvers of the models that are asked most. They look at every field of `Constraints` but `names` and
`minimum_position`, which only `nearest` obeys. Each answers within the constraints to 1e-9, or raises `Infeasible`.

Signatures (shapes: mean (assets,), covariance (assets, assets), returns (days, assets); all of one period, no NaN):

    minimum_variance(covariance, constraints, *, returns=None) -> Solved              objective: variance
    maximum_utility(mean, covariance, constraints, *, risk_aversion, returns=None)    objective: aversion x variance - mean
    minimum_tracking_error(covariance, constraints, *, benchmark=None, returns=None)  objective: variance of w - benchmark
    maximum_sharpe(mean, covariance, constraints, *, risk_free=0.0, returns=None)     objective: -(mean - risk_free) / std
    maximum_return(mean, constraints, *, returns=None, covariance=None)               objective: -mean
    minimum_cvar(returns, constraints, *, level=0.95)                                 objective: CVaR
    risk_parity(covariance, budgets=None) -> Solved          long only, fully invested; no constraints: the caller looks
    hrp(returns, *, covariance=None, linkage="single") -> weights                     no constraints: the caller conforms
    herc(returns, *, covariance=None, linkage="single", most_clusters=10) -> weights  no constraints: the caller conforms
    nearest(weights, constraints, returns=None, covariance=None) -> weights           least squares; names, minimum_position
    violation(weights, constraints, returns=None, covariance=None) -> float           worst breach, 0 where all is obeyed
    quadratic(hessian, linear, constraints) -> Solved                                 the QP door: 1/2 w'Pw + q'w

`returns` is wanted where the constraints cap volatility, tracking error or CVaR (a covariance that is given stands in for
the first two where returns are not).
"""

from portfolio.optimize.fast.hierarchy import herc, hrp
from portfolio.optimize.fast.parity import risk_parity
from portfolio.optimize.fast.projection import nearest, violation
from portfolio.optimize.fast.quadratic import quadratic
from portfolio.optimize.fast.sharpe import maximum_sharpe
from portfolio.optimize.fast.solved import Solved
from portfolio.optimize.fast.tail import minimum_cvar
from portfolio.optimize.fast.variance import maximum_return, maximum_utility, minimum_tracking_error, minimum_variance

__all__ = [
    "Solved",
    "herc",
    "hrp",
    "maximum_return",
    "maximum_sharpe",
    "maximum_utility",
    "minimum_cvar",
    "minimum_tracking_error",
    "minimum_variance",
    "nearest",
    "quadratic",
    "risk_parity",
    "violation",
]
