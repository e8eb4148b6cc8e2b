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

from portfolio.measures import conditional_value_at_risk
from portfolio.optimize import fast, views
from portfolio.optimize.problem import Constraints, long_only

DAYS, CAP, GROUPS, GROUP_CAP, TURNOVER = 1260, 0.1, 5, 0.3, 0.4
Work = Callable[[], np.ndarray]


def drawn(assets: int, days: int, seed: int = 0) -> np.ndarray:
    """Returns of a factor model with fat tails: a market, a factor for every 20 assets, and their own noise."""
    rng = np.random.default_rng(seed)
    factors = max(3, assets // 20)
    loads = rng.normal(0.0, 0.3, (assets, factors))
    loads[:, 0] = rng.uniform(0.5, 1.5, assets)
    common = rng.standard_t(4, (days, factors)) * 0.007
    return 0.0004 + common @ loads.T + rng.standard_t(4, (days, assets)) * rng.uniform(0.006, 0.018, assets)


def bundled() -> np.ndarray:
    """The twenty companies of the sample."""
    import polars as pl

    from sources import open_source

    source = open_source("sample")
    companies = source.universe().filter(pl.col("name") == "demo").get_column("symbol").to_list()
    frame = source.read("prices", sorted(companies))
    wide = frame.pivot(on="symbol", index="session", values="close").sort("session").drop("session").to_numpy()
    return (wide[1:] / wide[:-1] - 1)[-DAYS:]


class Bench:
    """One universe: the same question to everybody."""

    def __init__(self, returns: np.ndarray) -> None:
        import pandas as pd

        self.returns, (self.days, self.assets) = returns, returns.shape
        self.frame = pd.DataFrame(returns, columns=[f"a{i}" for i in range(self.assets)])
        self.mean, self.covariance = returns.mean(axis=0), np.cov(returns, rowvar=False)
        self.box = long_only(self.assets, CAP)
        self.groups = np.array([np.arange(self.assets) % GROUPS == i for i in range(GROUPS)], dtype=float)
        self.held = np.full(self.assets, 1.0 / self.assets)
        self.rich = Constraints(
            self.box.lower, self.box.upper, rows=self.groups, low=np.zeros(GROUPS), high=np.full(GROUPS, GROUP_CAP),
            held=self.held, turnover=TURNOVER, conditional_value_at_risk=self.tight(),
        )  # fmt: skip

    def tight(self) -> float:
        """A limit on CVaR between the calmest and the best paid portfolio that the turnover allows."""
        free = Constraints(
            self.box.lower, self.box.upper, rows=self.groups, low=np.zeros(GROUPS), high=np.full(GROUPS, GROUP_CAP),
            held=self.held, turnover=TURNOVER,
        )  # fmt: skip
        best = conditional_value_at_risk(self.returns @ fast.maximum_return(self.mean, free).weights)
        return 0.5 * (best + fast.minimum_cvar(self.returns, free).objective)

    def estimate(self) -> np.ndarray:
        """Like the peers, ours begins with returns; plain cvxpy is given the covariance."""
        return np.cov(self.returns, rowvar=False)

    def variance(self, w: np.ndarray) -> float:
        return float(w @ self.covariance @ w)

    def sharpe(self, w: np.ndarray) -> float:
        return -float(self.mean @ w) / self.variance(w) ** 0.5

    def cvar(self, w: np.ndarray) -> float:
        return conditional_value_at_risk(self.returns @ w)

    def earned(self, w: np.ndarray) -> float:
        return -float(self.mean @ w)

    def parity(self, w: np.ndarray) -> float:
        share = w * (self.covariance @ w) / self.variance(w)
        return float(np.abs(share - 1.0 / self.assets).max())

    def riskfolio(self, risk: str, objective: str, solvers: tuple[str, ...] = (), rich: bool = False) -> np.ndarray:
        import riskfolio

        book: Any = riskfolio.Portfolio(returns=self.frame, alpha=0.05)
        book.upperlng = CAP
        if solvers:
            book.solvers = list(solvers)
        if rich:
            book.upperCVaR = self.rich.conditional_value_at_risk
            book.ainequality, book.binequality = self.groups, np.full((GROUPS, 1), GROUP_CAP)
        book.assets_stats(method_mu="hist", method_cov="hist")
        return book.optimization(model="Classic", rm=risk, obj=objective, rf=0, l=0, hist=True).to_numpy().ravel()

    def riskfolio_parity(self) -> np.ndarray:
        import riskfolio

        book: Any = riskfolio.Portfolio(returns=self.frame)
        book.assets_stats(method_mu="hist", method_cov="hist")
        return book.rp_optimization(model="Classic", rm="MV", rf=0, b=None, hist=True).to_numpy().ravel()

    def riskfolio_tree(self, model: str, linkage: str) -> np.ndarray:
        import riskfolio

        book: Any = riskfolio.HCPortfolio(returns=self.frame)
        return book.optimization(model=model, codependence="pearson", rm="MV", linkage=linkage).to_numpy().ravel()

    def skfolio(self, model: str, **more: Any) -> np.ndarray:
        import skfolio.optimization as so
        from skfolio import RiskMeasure
        from skfolio.cluster import HierarchicalClustering, LinkageMethod
        from skfolio.distance import PearsonDistance

        measures = {"variance": RiskMeasure.VARIANCE, "cvar": RiskMeasure.CVAR}
        if model == "parity":
            return so.RiskBudgeting(risk_measure=RiskMeasure.VARIANCE).fit(self.frame).weights_
        if model in {"HRP", "HERC"}:
            kind = so.HierarchicalRiskParity if model == "HRP" else so.HierarchicalEqualRiskContribution
            tree = HierarchicalClustering(linkage_method=LinkageMethod.SINGLE if model == "HRP" else LinkageMethod.WARD)
            return kind(hierarchical_clustering_estimator=tree, distance_estimator=PearsonDistance()).fit(self.frame).weights_
        objective = getattr(so.ObjectiveFunction, more.pop("objective", "MINIMIZE_RISK"))
        return so.MeanRisk(objective, measures[model], min_weights=0, max_weights=CAP, **more).fit(self.frame).weights_

    def views(self) -> tuple[np.ndarray, np.ndarray]:
        """One beats another, and one by itself: (rows, returns of a day)."""
        rows = np.zeros((2, self.assets))
        rows[0, 0], rows[0, 1], rows[1, 2] = 1.0, -1.0, 1.0
        return rows, np.array([0.02, 0.10]) / 252

    def believed(self) -> tuple[np.ndarray, np.ndarray]:
        """(mean, covariance) after the views, from the equilibrium of equal weights."""
        told = [
            views.View({f"a{i}": x for i, x in enumerate(row) if x}, y * 252, None) for row, y in zip(*self.views(), strict=True)
        ]
        covariance, market = self.estimate(), np.full(self.assets, 1.0 / self.assets)
        price = views.aversion_of(self.returns.mean(axis=0), covariance, market)
        names = [f"a{i}" for i in range(self.assets)]
        return views.black_litterman(covariance, market, told, names, days=self.days, aversion=price)

    def after_views(self, w: np.ndarray) -> float:
        mean, covariance = self.believed()
        return -float(mean @ w) / float(w @ covariance @ w) ** 0.5

    def riskfolio_views(self) -> np.ndarray:
        import pandas as pd
        import riskfolio

        rows, told = self.views()
        book: Any = riskfolio.Portfolio(returns=self.frame)
        book.upperlng = CAP
        book.assets_stats(method_mu="hist", method_cov="hist")
        market = pd.DataFrame(np.full((self.assets, 1), 1.0 / self.assets), index=self.frame.columns)
        book.blacklitterman_stats(rows, told[:, None], rf=0, w=market, delta=None, eq=True)
        return book.optimization(model="BL", rm="MV", obj="Sharpe", rf=0, l=0, hist=False).to_numpy().ravel()

    def skfolio_views(self) -> np.ndarray:
        from skfolio.optimization import MeanRisk, ObjectiveFunction
        from skfolio.prior import BlackLitterman

        prior = BlackLitterman(views=[f"a0 - a1 == {0.02 / 252}", f"a2 == {0.10 / 252}"], tau=1.0 / self.days)
        aim = ObjectiveFunction.MAXIMIZE_RATIO
        return MeanRisk(aim, prior_estimator=prior, min_weights=0, max_weights=CAP).fit(self.frame).weights_

    def cvxpy(self, model: str) -> np.ndarray:
        import cvxpy as cp

        w = cp.Variable(self.assets, nonneg=True)
        if model == "sharpe":  # homogenised
            scale = cp.Variable(nonneg=True)
            rules = [cp.sum(w) == scale, w <= CAP * scale, self.mean @ w == 1]
            cp.Problem(cp.Minimize(cp.quad_form(w, cp.psd_wrap(self.covariance))), rules).solve(solver="CLARABEL")
            return np.asarray(w.value) / float(scale.value)
        rules, tail = [cp.sum(w) == 1, w <= CAP], cp.Variable()
        cvar = tail + cp.sum(cp.pos(-self.returns @ w - tail)) / (0.05 * self.days)
        aim: Any = cp.Minimize(cvar if model == "cvar" else cp.quad_form(w, cp.psd_wrap(self.covariance)))
        if model == "rich":
            rules += [cvar <= self.rich.conditional_value_at_risk, self.groups @ w <= GROUP_CAP]
            rules.append(cp.norm1(w - self.held) <= TURNOVER)
            aim = cp.Maximize(self.mean @ w)
        cp.Problem(aim, rules).solve(solver="CLARABEL")
        return np.asarray(w.value)

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
