"""A mix held larger where markets are calm and smaller where they are not, so that its volatility is the one that is wished.

Source: Moreira and Muir (2017), volatility-managed portfolios; Harvey, Hoyle, Korgaonkar, Rattray, Sargaison and Van Hemert
(2018), the impact of volatility targeting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from portfolio.errors import WrongUse
from portfolio.knobs import number, shares, whole, word
from portfolio.optimize import Infeasible
from portfolio.signals.volatility import a_year, ewma, realised
from portfolio.signals.weighting import STILL, inverse_volatility
from portfolio.strategies.equal import NOBODY
from portfolio.strategies.fixed import check_weights
from portfolio.strategies.inverse_volatility import check_history
from portfolio.strategies.protocol import Needs, Seen
from portfolio.types import Classes, FloatArray, Target, Weights

MIXES = ("weights", "equal", "inverse_volatility")
ESTIMATORS = ("ewma", "realised")
RISKMETRICS = 0.94
ROUNDING = 1e-12  # of a sum of weights


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetVolatility:
    """mix x (target / forecast volatility of the mix), never above the room; the rest is cash.

    target: of a year. mix: what is scaled: a table of `weights`, equal, or inverse_volatility. estimator: of the forecast,
    over the complete sessions of `lookback`; decay: of ewma. band: while the exposure that is held differs from the one
    that is wished by no more than this share of it, it is kept, so that noise is not traded.

    A symbol of the mix that is not free to trade, or knows fewer returns than minimum_history, gets 0, and its part of a
    table of weights is not given to the others. `Infeasible` where fewer sessions than minimum_history are complete, or
    where the mix does not move.
    """

    kind: ClassVar[str] = "target_volatility"
    objectives: ClassVar[tuple[str, ...]] = ("allocation",)

    target: float = number(0.001, 2.0)
    mix: str = word(MIXES, "weights")
    weights: Weights = shares({})
    estimator: str = word(ESTIMATORS, "ewma")
    decay: float = number(0.5, 0.9999, RISKMETRICS)
    lookback: int = whole(2, 10_000, 252)
    minimum_history: int = whole(2, 10_000, 60)
    band: float = number(0.0, 1.0, 0.0)

    def check(self, symbols: tuple[str, ...], classes: Classes) -> None:
        check_history(self.lookback, self.minimum_history)
        check_weights("weights", self.weights, symbols)
        if (self.mix == "weights") != bool(self.weights) or (self.weights and not sum(self.weights.values()) > 0.0):
            raise WrongUse(
                f"[strategy] mix = {self.mix!r} and `weights` contradict each other.",
                'Give weights above 0 where mix = "weights", and only there.',
                key="weights",
            )
        if self.estimator != "ewma" and self.decay != RISKMETRICS:
            raise WrongUse("[strategy] decay means nothing here.", 'It belongs to estimator = "ewma".', key="decay")

    def needs(self) -> Needs:
        return Needs(sessions=self.minimum_history)

    def wish(self, seen: Seen) -> Target:
        if not seen.symbols:
            raise Infeasible(NOBODY)
        returns = seen.returns(self.lookback)
        daily = realised(returns, self.minimum_history)
        mix, free = self._mix(seen, daily)
        forecast = a_year(self._forecast(returns, mix))
        if forecast <= a_year(STILL):
            raise Infeasible(f"the mix has not moved in {self.lookback} sessions, so it has no volatility to aim with")
        exposure, why = self._exposure(seen, mix, self.target / forecast, min(max(seen.room, 0.0), free))
        why = f"{why}; forecast {forecast:.1%} a year, aimed at {self.target:.1%}"
        weights = mix * exposure
        reasons = {s: self._why(float(m), float(v), why) for s, m, v in zip(seen.symbols, mix, daily, strict=True)}
        return Target(dict(zip(seen.symbols, weights.tolist(), strict=True)), (self.kind,), reasons)

    def _mix(self, seen: Seen, daily: FloatArray) -> tuple[FloatArray, float]:
        """(shares that add up to 1, the part of the whole mix that they stand for)."""
        usable = np.isfinite(daily)
        if self.mix == "inverse_volatility":
            asked, whole_mix = inverse_volatility(daily), 1.0
        elif self.mix == "equal":
            asked, whole_mix = usable / max(int(usable.sum()), 1), 1.0
        else:
            named = np.array([self.weights.get(s, 0.0) for s in seen.symbols])
            asked, whole_mix = np.where(usable, named, 0.0), sum(self.weights.values())
        total = float(asked.sum())
        if total <= 0.0:
            raise Infeasible(f"no symbol of the mix has {self.minimum_history} known returns in {self.lookback} sessions")
        return asked / total, total / whole_mix

    def _forecast(self, returns: FloatArray, mix: FloatArray) -> float:
        held = mix > 0.0
        rows = returns[:, held]
        rows = rows[np.isfinite(rows).all(axis=1)]
        if len(rows) < self.minimum_history:
            raise Infeasible(f"only {len(rows)} sessions are complete, {self.minimum_history} are needed")
        moves = rows @ mix[held]
        return ewma(moves, self.decay) if self.estimator == "ewma" else float(realised(moves[:, None])[0])

    def _exposure(self, seen: Seen, mix: FloatArray, wished: float, room: float) -> tuple[float, str]:
        """(sum of the weights, why)."""
        allowed = min(wished, room)
        held = sum(seen.held.get(s, 0.0) for s, m in zip(seen.symbols, mix, strict=True) if m > 0.0)
        near = held <= room + ROUNDING and abs(held - allowed) <= self.band * allowed + ROUNDING
        if self.band > 0.0 and held > 0.0 and near:
            return min(held, room), f"exposure {held:.1%} kept: within {self.band:.0%} of {allowed:.1%}"
        if wished > room:
            return allowed, f"exposure {allowed:.1%}, all that there is room for"
        return allowed, f"exposure {allowed:.1%}"

    def _why(self, share: float, daily: float, why: str) -> str:
        if share > 0.0:
            return f"{share:.1%} of the mix, {why}"
        if np.isnan(daily):
            return f"fewer than {self.minimum_history} known returns in {self.lookback} sessions (minimum_history)"
        return "no part of the mix"
