"""One universe and the same questions to everybody: Riskfolio, skfolio and cvxpy called plainly, and what an answer is worth."""

from __future__ import annotations

from typing import Any

import numpy as np

from portfolio.measures import conditional_value_at_risk
from portfolio.optimize import fast, views
from portfolio.optimize.problem import Constraints, long_only

DAYS, CAP, GROUPS, GROUP_CAP, TURNOVER = 1260, 0.1, 5, 0.3, 0.4


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


class Peers:
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
