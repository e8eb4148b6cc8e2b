"""Weights that an optimization model finds: Riskfolio's models, by our own kernels where they know them.

Source: portfolio.optimize names it model by model; Rockafellar & Uryasev (2000) for the default, the least CVaR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from portfolio.errors import WrongUse
from portfolio.knobs import flag, knob, optional_number, shares, text, whole, word
from portfolio.measures import SESSIONS_A_YEAR
from portfolio.optimize import MODELS, RISKS, Constraints, Infeasible, Model, Problem, ours, solve
from portfolio.optimize.estimators import COVARIANCES, DECAY, MEANS, covariance, mean
from portfolio.optimize.part import part
from portfolio.optimize.views import aversion_of, black_litterman, entropy_pooling, read_views
from portfolio.section import Section
from portfolio.strategies.optimized_words import bound_by, reason
from portfolio.strategies.protocol import Needs, Seen
from portfolio.types import Classes, FloatArray, Target

SHORT_NAMES = {"minimum_cvar": ("minimum_risk", "cvar"), "minimum_variance": ("minimum_risk", "variance")}
NAMES = (*SHORT_NAMES, *MODELS)
LINKAGES = ("single", "complete", "average", "weighted", "centroid", "median", "ward")
PRIORS = ("black_litterman", "entropy_pooling")
STILL = 1e-12  # returns that differ by less never move

# The knobs that a model reads whatever its risk; `_reads` adds those that hang on the risk.
READS = {
    "minimum_cvar": (),
    "minimum_variance": (),
    "minimum_risk": ("risk",),
    "maximum_sharpe": ("risk", "mean", "risk_free"),
    "maximum_utility": ("risk", "mean", "risk_aversion"),
    "maximum_return": ("mean",),
    "risk_parity": ("risk", "budgets"),
    "hrp": ("risk", "linkage"),
    "herc": ("risk", "linkage"),
    "nco": ("risk", "linkage"),
    "worst_case": ("mean", "risk_aversion", "uncertainty"),
    "minimum_tracking_error": ("risk", "benchmark"),
}

HANGING = (  # knobs that only some models read
    *("risk", "level", "mean", "covariance", "decay", "risk_free", "risk_aversion", "budgets", "linkage", "uncertainty"),
    *("views", "prior", "benchmark"),
)


def _optional_word(allowed: tuple[str, ...]) -> Any:
    """One of `allowed`, or None where the file does not name it."""

    def read(section: Section, key: str, _: Any) -> str | None:
        return section.word(key, allowed) if key in section.table else section.absent(key)

    return knob(read, None)


@dataclass(frozen=True, slots=True)
class Optimized:
    """The weights of `model` over the symbols with enough history, within the policy's constraints.

    risk: one of RISKS (default variance). level: of its tail (0.95). mean, covariance: estimators by name (historical);
    decay: of ewma. lookback, minimum_history: sessions. risk_free: a year (0). risk_aversion: 2. budgets: symbol -> share of
    risk (equal). views: a file of views, mixed in by `prior` (black_litterman), whose equilibrium is that of `benchmark` or of
    equal weights. uncertainty: of worst_case. fully_invested: the weights add up to all that may be invested; else the
    policy's range of `net` says how little they may. engine: fast (our own kernels where they know the model) or riskfolio.
    A knob that the model does not read is refused.
    """

    kind: ClassVar[str] = "optimized"
    objectives: ClassVar[tuple[str, ...]] = ("optimized",)

    model: str = word(NAMES, "minimum_cvar")
    risk: str | None = _optional_word(tuple(RISKS))
    level: float | None = optional_number(0.5, 0.999)
    mean: str | None = _optional_word(tuple(MEANS))
    covariance: str | None = _optional_word(tuple(COVARIANCES))
    decay: float | None = optional_number(0.5, 0.9999)
    lookback: int = whole(2, 10_000, 1260)
    minimum_history: int = whole(2, 10_000, 252)
    risk_free: float | None = optional_number(-0.5, 1.0)
    risk_aversion: float | None = optional_number(1e-3, 1e4)
    budgets: dict[str, float] = shares({})
    linkage: str | None = _optional_word(LINKAGES)
    uncertainty: str | None = _optional_word(("box", "ellip"))
    views: str | None = text(None)
    prior: str | None = _optional_word(PRIORS)
    benchmark: dict[str, float] = shares({})
    fully_invested: bool = flag(True)
    engine: str = word(("fast", "riskfolio"), "fast")

    def check(self, symbols: tuple[str, ...], classes: Classes) -> None:
        """`WrongUse` names the first knob that the model does not read, or that contradicts another."""
        if self.prior is not None and self.views is None:
            raise _wrong("prior", f"= {self.prior!r} has no views to mix in", "Name the file of `views`")
        for name in self._unread():
            raise WrongUse(
                f"[strategy] {name} is not read by model = {self.model!r}{self._of_risk()}.", f"Take `{name}` out.", key=name
            )
        if self.minimum_history > self.lookback:
            raise _wrong("minimum_history", f"{self.minimum_history} is more than lookback = {self.lookback}", "Lower it")
        for name, table in (("budgets", self.budgets), ("benchmark", self.benchmark)):
            stranger = next((s for s in table if s not in symbols), None)
            if stranger is not None:
                raise _wrong(name, f"names {stranger}, which is not in the universe", f"Take {stranger} out")
        if self.budgets and (set(self.budgets) != set(symbols) or abs(sum(self.budgets.values()) - 1.0) > 1e-6):
            raise _wrong("budgets", "must give each symbol of the universe a share, adding up to 1", "Complete it")
        if self.budgets and min(self.budgets.values()) <= 0.0:
            raise _wrong("budgets", "holds a share of 0, which risk parity cannot give", "Leave that symbol out of the universe")
        if self.model == "risk_parity" and not RISKS[self._risk].parity:
            raise _wrong("risk", f"{self._risk} cannot be budgeted", "Use another measure")

    def needs(self) -> Needs:
        return Needs(sessions=self.minimum_history)

    @property
    def opens_riskfolio(self) -> bool:
        """Whether the wish imports Riskfolio (seconds), so that a caller who waits for something else may import it then."""
        estimators = (MEANS[self.mean or "historical"], COVARIANCES[self.covariance or "historical"])
        return any(estimators) or not ours(self._model(()))

    def wish(self, seen: Seen) -> Target:
        """`Infeasible` where the model has no answer; its `conflict` names constraints that contradict each other."""
        if not seen.symbols:
            raise Infeasible("no symbol of the universe is free to trade")
        returns, kept, why = self._window(seen)
        settled = np.clip(0.0, seen.constraints.lower, seen.constraints.upper)
        left = part(self._budgeted(seen.constraints), kept, settled)
        assets = tuple(s for s, ok in zip(seen.symbols, kept, strict=True) if ok)
        weights = dict(zip(seen.symbols, settled.tolist(), strict=True))
        if left.budget[1] <= 0.0 and not (left.lower < 0.0).any():
            nothing = dict.fromkeys(seen.symbols, "nothing is left to invest")
            return Target(dict.fromkeys(seen.symbols, 0.0), (self.model,), nothing)
        solution = solve(self._model(assets), self._problem(seen, assets, returns, left))
        weights |= dict(zip(assets, solution.weights.tolist(), strict=True))
        caps = dict(zip(assets, left.upper.tolist(), strict=True))
        reasons = why | {s: reason(self.model, self._risk, weights[s], caps[s], len(returns), seen.invested) for s in assets}
        reasons |= {s: f"{reasons[s]}; bound by {', '.join(names)}" for s, names in bound_by(assets, left, solution).items()}
        return Target(weights, (self.model,), reasons, solution.certificate)

    def _window(self, seen: Seen) -> tuple[FloatArray, NDArray[np.bool_], dict[str, str]]:
        """(complete returns of those kept, who is kept, why the others are not)."""
        returns = seen.returns(self.lookback)
        sessions = np.isfinite(returns).sum(axis=0)
        usable = sessions >= self.minimum_history
        why = {s: "fewer sessions than minimum_history" for s, ok in zip(seen.symbols, usable, strict=True) if not ok}
        complete = returns[np.isfinite(returns[:, usable]).all(axis=1)]
        known = len(complete) if usable.any() else int(sessions.max())
        if known < self.minimum_history:
            raise Infeasible(f"only {known} sessions are complete, {self.minimum_history} are needed")
        moves = usable.copy()
        moves[usable] = np.ptp(complete[:, usable], axis=0) > STILL
        still = f"its price has not moved in {len(complete)} sessions"
        why |= {s: still for s, ok, on in zip(seen.symbols, usable, moves, strict=True) if ok and not on}
        if not moves.any():
            raise Infeasible(f"no price has moved in {len(complete)} sessions")
        return complete[:, moves], moves, why

    def _budgeted(self, constraints: Constraints) -> Constraints:
        high = constraints.budget[1]
        return replace(constraints, budget=(high, high)) if self.fully_invested else constraints

    def _problem(self, seen: Seen, assets: tuple[str, ...], returns: FloatArray, left: Constraints) -> Problem:
        decay = DECAY if self.decay is None else self.decay
        expected = mean(returns, self.mean or "historical", decay=decay)
        spread = covariance(returns, self.covariance or "historical", decay=decay)
        if self.model == "minimum_tracking_error" and self.benchmark:
            left = replace(left, benchmark=np.array([self.benchmark.get(s, 0.0) for s in assets]))
        if self.model == "minimum_tracking_error" and left.benchmark is None:
            raise Infeasible("minimum_tracking_error has no benchmark to follow")
        if self.views is not None:
            expected, spread = self._after_views(seen, assets, returns, (expected, spread), left)
        return Problem(assets, returns, expected, spread, left)

    def _after_views(
        self, seen: Seen, assets: tuple[str, ...], returns: FloatArray, before: tuple[FloatArray, FloatArray], left: Constraints
    ) -> tuple[FloatArray, FloatArray]:
        name = str(self.views)
        if name not in seen.files:
            raise WrongUse(f"[strategy] views = {name!r} was not read.", "Put the file beside the policy.", key="views")
        views = read_views(seen.files[name], seen.market.symbols, name)
        if self.prior == "entropy_pooling":
            return entropy_pooling(returns, views, assets)[:2]
        market = self._market(assets, left)
        rate = self._risk_free
        price = aversion_of(before[0], before[1], market, rate)
        return black_litterman(before[1], market, views, assets, days=len(returns), aversion=price, risk_free=rate)

    def _market(self, assets: tuple[str, ...], left: Constraints) -> FloatArray:
        """The weights whose equilibrium the views start from: of `benchmark`, else the policy's, else equal ones."""
        if self.benchmark:
            told = np.array([self.benchmark.get(s, 0.0) for s in assets])
        else:
            told = np.ones(len(assets)) if left.benchmark is None else left.benchmark
        if not told.sum() > 0.0:
            raise Infeasible("nobody of the benchmark is among those with enough history, so the views have no equilibrium")
        out: FloatArray = told / told.sum()
        return out

    @property
    def follows_benchmark(self) -> bool:
        """Whether a benchmark of the policy's constraints is read beside a limit on tracking error."""
        return (self.model == "minimum_tracking_error" or self._equilibrium) and not self.benchmark

    @property
    def _equilibrium(self) -> bool:
        return self.views is not None and self.prior != "entropy_pooling"

    def check_benchmark(self, limit: Mapping[str, float]) -> None:
        """`WrongUse` where the model follows nobody, or somebody else than the policy's limit is measured against."""
        if self.model != "minimum_tracking_error":
            return
        if not self.benchmark and not limit:
            raise _wrong("model", "= 'minimum_tracking_error' follows nobody", "Name the `benchmark`, a table of symbol = weight")
        if self.benchmark and limit and dict(self.benchmark) != dict(limit):
            raise _wrong("benchmark", "is not that of [constraints.benchmark]", "Name it once")

    def _model(self, assets: tuple[str, ...]) -> Model:
        told = [self.budgets[s] for s in assets] if self.budgets and assets else None
        return Model(
            name=SHORT_NAMES.get(self.model, (self.model, ""))[0],
            risk=self._risk,
            level=0.95 if self.level is None else self.level,
            risk_free=self._risk_free,
            risk_aversion=2.0 if self.risk_aversion is None else self.risk_aversion,
            budgets=None if told is None else np.array(told) / sum(told),
            linkage=self.linkage or "single",
            uncertainty=self.uncertainty or "box",
            engine=self.engine,
        )

    @property
    def _risk(self) -> str:
        return self.risk or SHORT_NAMES.get(self.model, ("", "variance"))[1]

    @property
    def _risk_free(self) -> float:
        return (self.risk_free or 0.0) / SESSIONS_A_YEAR

    def _of_risk(self) -> str:
        return f" with risk = {self._risk!r}" if "risk" in READS[self.model] else ""

    def _reads(self) -> set[str]:
        found = set(READS[self.model])
        if self.model not in {"maximum_return", "worst_case"}:
            found |= {"level"} if RISKS[self._risk].tailed else set()
            found |= {"covariance"} if self._risk == "variance" else set()
            found |= {"risk_free"} if "lower_partial" in self._risk else set()
        if self.uncertainty == "ellip":
            found.add("covariance")
        if "mean" in found or "covariance" in found:
            found.add("views")
        if self.views is not None:
            found |= {"prior", "risk_free", "benchmark"} - ({"benchmark"} if self.prior == "entropy_pooling" else set())
        if "ewma" in (self.mean, self.covariance):
            found.add("decay")
        return found

    def _unread(self) -> list[str]:
        """The knobs that were set and that the model does not read, in their order."""
        reads = self._reads()
        return [n for n in HANGING if getattr(self, n) not in (None, {}) and n not in reads]


def _wrong(name: str, what: str, way: str) -> WrongUse:
    return WrongUse(f"[strategy] {name} {what}.", f"{way}.", key=name)
