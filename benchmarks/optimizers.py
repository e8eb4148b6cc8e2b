"""Every model of the fast kernels beside Riskfolio called plainly, skfolio and plain cvxpy: CPU seconds, and the objective.

python -m benchmarks.optimizers [assets ...]   (20 100 473 where none are named; 20 are the bundled companies, the rest drawn)
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks.peers import CAP, DAYS, GROUP_CAP, GROUPS, Peers, bundled, drawn
from portfolio.optimize import fast
from portfolio.optimize.problem import long_only

Work = Callable[[], np.ndarray]


class Bench(Peers):
    """Who answers which question; ours first."""

    def rows(self) -> list[tuple[str, Callable[[np.ndarray], float], dict[str, Work]]]:
        """(model, its objective, who answers it); `ours` first."""
        r, highs = self.returns, ("HIGHS", "CLARABEL")
        rich = {"max_cvar": self.rich.conditional_value_at_risk, "objective": "MAXIMIZE_RETURN"}
        return [
            ("minimum variance", self.variance, {
                "ours": lambda: fast.minimum_variance(self.estimate(), self.box).weights,
                "riskfolio": lambda: self.riskfolio("MV", "MinRisk"),
                "skfolio": lambda: self.skfolio("variance"), "cvxpy": lambda: self.cvxpy("variance"),
            }),
            ("maximum Sharpe", self.sharpe, {
                "ours": lambda: fast.maximum_sharpe(r.mean(axis=0), self.estimate(), self.box).weights,
                "riskfolio": lambda: self.riskfolio("MV", "Sharpe"),
                "skfolio": lambda: self.skfolio("variance", objective="MAXIMIZE_RATIO"), "cvxpy": lambda: self.cvxpy("sharpe"),
            }),
            ("Black-Litterman (maximum Sharpe)", self.after_views, {
                "ours": lambda: fast.maximum_sharpe(*self.believed(), self.box).weights,
                "riskfolio": self.riskfolio_views, "skfolio": self.skfolio_views,
            }),
            ("minimum CVaR", self.cvar, {
                "ours": lambda: fast.minimum_cvar(r, self.box).weights,
                "riskfolio": lambda: self.riskfolio("CVaR", "MinRisk"),
                "riskfolio HiGHS": lambda: self.riskfolio("CVaR", "MinRisk", highs),
                "skfolio": lambda: self.skfolio("cvar"), "cvxpy": lambda: self.cvxpy("cvar"),
            }),
            ("CVaR limit + turnover + groups", self.earned, {
                "ours": lambda: fast.maximum_return(self.mean, self.rich, returns=r).weights,
                "riskfolio*": lambda: self.riskfolio("CVaR", "MaxRet", rich=True),
                "riskfolio* HiGHS": lambda: self.riskfolio("CVaR", "MaxRet", highs, rich=True),
                "skfolio*": lambda: self.skfolio(
                    "cvar", left_inequality=self.groups, right_inequality=np.full(GROUPS, GROUP_CAP), **rich
                ),
                "cvxpy": lambda: self.cvxpy("rich"),
            }),
            ("risk parity (distance from it)", self.parity, {
                "ours": lambda: fast.risk_parity(self.estimate()).weights, "riskfolio": self.riskfolio_parity,
                "skfolio": lambda: self.skfolio("parity"),
            }),
            ("HRP (variance)", self.variance, {
                "ours": lambda: fast.hrp(r), "riskfolio": lambda: self.riskfolio_tree("HRP", "single"),
                "skfolio": lambda: self.skfolio("HRP"),
            }),
            ("HERC (variance)", self.variance, {
                "ours": lambda: fast.herc(r, linkage="ward"), "riskfolio": lambda: self.riskfolio_tree("HERC", "ward"),
                "skfolio": lambda: self.skfolio("HERC"),
            }),
        ]  # fmt: skip


def cpu_seconds(work: Work, runs: int) -> tuple[float, np.ndarray | None]:
    """(median CPU seconds after one run to warm up, the weights)."""
    took, weights = [], None
    for turn in range(runs + 1):
        started = time.process_time()
        try:
            weights = np.asarray(work(), dtype=float)
        except Exception as error:  # a peer that fails is a line of the table
            print(f"      {type(error).__name__}: {str(error)[:90]}")
            return time.process_time() - started, None
        took.append(time.process_time() - started)
        if turn == 0 and took[0] > 2.0:
            break
    return median(took[1:] or took), weights


def compare(name: str, returns: np.ndarray) -> None:
    print(f"\n{name}, {len(returns)} days, {returns.shape[1]} assets, at most {CAP:g} each")
    for model, objective, answers in Bench(returns).rows():
        base, value = 0.0, 0.0
        for who, work in answers.items():
            seconds, weights = cpu_seconds(work, 5)
            found = float("nan") if weights is None else objective(weights)
            if who == "ours":
                base, value = seconds, found
            differs = (found - value) / abs(value) if value else 0.0
            print(f"  {model:<33}{who:<17}{seconds:9.4f} s {seconds / base:8.1f} x   {found:+.9f}  {differs:+.1e}", flush=True)


def rolling() -> None:
    """A walk-forward: 108 monthly windows of 252 days on 50 assets, minimum variance, in wall seconds."""
    import pandas as pd
    import riskfolio
    from skfolio.optimization import MeanRisk

    returns = drawn(50, 252 + 108 * 21, seed=1)
    windows = [returns[i * 21 : i * 21 + 252] for i in range(108)]
    box = long_only(50, CAP)

    def plain(window: np.ndarray) -> np.ndarray:
        book: Any = riskfolio.Portfolio(returns=pd.DataFrame(window))
        book.upperlng = CAP
        book.assets_stats(method_mu="hist", method_cov="hist")
        return book.optimization(model="Classic", rm="MV", obj="MinRisk", rf=0, l=0, hist=True).to_numpy().ravel()

    fits: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "ours": lambda window: fast.minimum_variance(np.cov(window, rowvar=False), box).weights,
        "ours, CVaR": lambda window: fast.minimum_cvar(window, box).weights,
        "riskfolio": plain,
        "skfolio": lambda window: MeanRisk(min_weights=0, max_weights=CAP).fit(window).weights_,
    }
    print("\nrolling: 108 fits of 252 days on 50 drawn assets, wall seconds")
    for who, fit in fits.items():
        started = time.perf_counter()
        variances = [float(w @ np.cov(x, rowvar=False) @ w) for x in windows for w in [fit(x)]]
        print(f"  {who:<17}{time.perf_counter() - started:8.3f} s   mean variance {np.mean(variances):.9e}", flush=True)


def main() -> None:
    import cvxpy  # noqa: F401
    import riskfolio  # noqa: F401
    import skfolio  # noqa: F401
    import threadpoolctl

    warnings.simplefilter("ignore")
    sizes = [int(word) for word in sys.argv[1:]] or [20, 100, 473]
    print("CPU seconds, median, one thread; x: of ours; then the objective and its relative difference from ours.")
    print("* knows no total turnover: solves the problem without it, so its objective may be better.")
    with threadpoolctl.threadpool_limits(1):
        for assets in sizes:
            compare(
                *(("the bundled companies", bundled()) if assets == 20 else ("drawn from a factor model", drawn(assets, DAYS)))
            )
        rolling()


if __name__ == "__main__":
    main()
