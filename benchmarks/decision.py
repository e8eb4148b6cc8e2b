"""Minimum CVaR on the twenty bundled companies, 1,260 days: ours with its certificate, Riskfolio called plainly, plain cvxpy."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np


def cpu_seconds(work: Callable[[], float], runs: int = 5) -> tuple[float, float]:
    """(median CPU seconds, the objective it found)."""
    found, took = work(), []
    for _ in range(runs):
        started = time.process_time()
        found = work()
        took.append(time.process_time() - started)
    return median(took), found


def main() -> None:
    import cvxpy
    import pandas as pd
    import polars as pl
    import riskfolio

    from portfolio.measures import conditional_value_at_risk
    from portfolio.optimize import minimum_cvar
    from sources import open_source

    frame = open_source("sample").read("prices").filter(pl.col("symbol") != "SP500")
    wide = frame.pivot(on="symbol", index="session", values="close").sort("session").drop("session").to_numpy()
    returns = (wide[1:] / wide[:-1] - 1)[-1260:]

    def ours() -> float:
        return conditional_value_at_risk(returns @ minimum_cvar(returns, level=0.95, cap=0.1).weights)

    def plain_riskfolio() -> float:
        book = riskfolio.Portfolio(returns=pd.DataFrame(returns), alpha=0.05)
        book.upperlng = 0.1
        book.assets_stats(method_mu="hist", method_cov="hist")
        weights = book.optimization(model="Classic", rm="CVaR", obj="MinRisk", rf=0, l=0, hist=True).to_numpy().ravel()
        return conditional_value_at_risk(returns @ weights)

    def plain_cvxpy() -> float:
        weights, tail = cvxpy.Variable(returns.shape[1]), cvxpy.Variable()
        loss = tail + cvxpy.sum(cvxpy.pos(-returns @ weights - tail)) / (0.05 * len(returns))
        cvxpy.Problem(cvxpy.Minimize(loss), [cvxpy.sum(weights) == 1, weights >= 0, weights <= 0.1]).solve(solver="CLARABEL")
        return conditional_value_at_risk(returns @ np.asarray(weights.value))

    base, _ = cpu_seconds(plain_riskfolio)
    for name, work in (("ours, certified", ours), ("riskfolio plain", plain_riskfolio), ("cvxpy plain", plain_cvxpy)):
        seconds, objective = cpu_seconds(work)
        print(f"  {name:<16} {seconds:7.3f} CPU s   {seconds / base:5.2f} of Riskfolio   CVaR {objective:.8f}", flush=True)


if __name__ == "__main__":
    main()
