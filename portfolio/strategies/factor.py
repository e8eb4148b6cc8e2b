"""Smart beta: the names with the best scores of one factor or of several, with a buffer.

Sources of the factors stand in portfolio.signals.factors; of the score tilt, MSCI's factor indexes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from portfolio.errors import WrongUse
from portfolio.knobs import flag, number, shares, whole, word, words
from portfolio.optimize import Infeasible
from portfolio.signals.factors import FACTORS, Making, composite, log_size, ratios_of, scores, sessions_of, volatility
from portfolio.signals.hysteresis import BoolArray
from portfolio.signals.ranking import best
from portfolio.signals.standing import neutralised, z_scores
from portfolio.signals.weighting import STILL, capped, inverse_volatility
from portfolio.strategies.equal import NOBODY
from portfolio.strategies.protocol import Needs, Seen
from portfolio.types import Classes, FloatArray, Target, Weights

SIZE = "size"
HELD = 1e-9  # a weight above this is held
USUAL = Making()


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """Scores -> neutral -> the best `select` of the names -> weights that add up to the room.

    factors: factor = its part of the composite. standardise, winsorise, momentum_window, momentum_skip and
    volatility_window: portfolio.signals.factors. coverage: a name needs known factors with this part of all parts.
    neutral: classes of [universe.groups], and `size`: what they explain is taken off the composite. select: part of the
    names with a score. buffer: a name that is held stays while it is among the best select x (1 + buffer). weighting: of
    those chosen; tilt: times 1 + z, or 1 / (1 - z) below the mean. cap: of a name, as a fraction of the invested part;
    what cannot be placed under it is cash.

    A name with too little data gets 0 and the reason. `Infeasible` where fewer than minimum_names have a score.
    """

    kind: ClassVar[str] = "factor"
    objectives: ClassVar[tuple[str, ...]] = ("smart_beta",)

    factors: Weights = shares()
    standardise: str = word(("z_score", "rank"), USUAL.standardise)
    winsorise: float = number(0.0, 0.25, USUAL.winsorise)
    coverage: float = number(0.0, 1.0, 0.5)
    neutral: tuple[str, ...] = words(None, ())
    select: float = number(0.001, 1.0, 0.3)
    buffer: float = number(0.0, 10.0, 0.0)
    weighting: str = word(("equal", "market_value", "inverse_volatility"), "equal")
    tilt: bool = flag(False)
    cap: float = number(0.001, 1.0, 1.0)
    minimum_names: int = whole(2, 10_000, 5)
    momentum_window: int = whole(2, 2_520, USUAL.momentum_window)
    momentum_skip: int = whole(0, 2_519, USUAL.momentum_skip)
    volatility_window: int = whole(10, 2_520, USUAL.volatility_window)

    @property
    def making(self) -> Making:
        windows = (self.momentum_window, self.momentum_skip, self.volatility_window)
        return Making(self.standardise, self.winsorise, *windows)

    def check(self, symbols: tuple[str, ...], classes: Classes) -> None:
        for name, part in self.factors.items():
            if name not in FACTORS:
                raise WrongUse(f"[strategy] factors names {name!r}.", f"Known: {', '.join(FACTORS)}.", key=name)
            if part == 0.0:
                raise WrongUse(f"[strategy] factors gives {name} no part.", "Leave it out.", key=name)
        for name in self.neutral:
            if name != SIZE and name not in classes:
                way = f"Known: {', '.join((SIZE, *classes))}."
                raise WrongUse(f"[strategy] neutral names {name!r}, which is no class of [universe.groups].", way, key=name)
        if self.minimum_names > len(symbols):
            raise WrongUse(
                f"[strategy] minimum_names = {self.minimum_names}, and the universe has {len(symbols)}.", "Lower it, or add some."
            )
        for wrong in self._idle():
            raise WrongUse(f"[strategy] {wrong}.", "Change one of the two.")

    def _idle(self) -> list[str]:
        """What contradicts the rest, or would be read by nothing."""
        usual, wrong = USUAL, []
        if self.momentum_skip >= self.momentum_window:
            wrong.append(f"momentum_skip = {self.momentum_skip} leaves nothing of momentum_window = {self.momentum_window}")
        windows = (self.momentum_window, self.momentum_skip)
        if "momentum" not in self.factors and windows != (usual.momentum_window, usual.momentum_skip):
            wrong.append("momentum_window and momentum_skip mean nothing without the factor momentum")
        risk = "low_volatility" in self.factors or self.weighting == "inverse_volatility"
        if not risk and self.volatility_window != usual.volatility_window:
            wrong.append('volatility_window means nothing without low_volatility or weighting = "inverse_volatility"')
        if self.standardise == "rank" and self.winsorise != usual.winsorise:
            wrong.append("winsorise means nothing to ranks")
        if SIZE in self.neutral and SIZE in self.factors:
            wrong.append("size cannot be both a factor and taken off (neutral)")
        if self.buffer > 0.0 and self.select == 1.0:
            wrong.append("buffer means nothing where everybody is selected")
        return wrong

    def needs(self) -> Needs:
        size = SIZE in self.neutral or self.weighting == "market_value"
        told = [ratio for factor in self.factors for ratio in ratios_of(factor)]
        risk = ["low_volatility"] if self.weighting == "inverse_volatility" else []
        sessions = max(sessions_of(factor, self.making) for factor in (*self.factors, *risk))
        return Needs(max(sessions, 1), ratios=tuple(dict.fromkeys([*told, *(["market_value"] if size else [])])))

    def wish(self, seen: Seen) -> Target:
        if not seen.symbols:
            raise Infeasible(NOBODY)
        found = self._scored(seen)
        if int(found.known.sum()) < self.minimum_names:
            raise Infeasible(f"{int(found.known.sum())} names have a score, minimum_names is {self.minimum_names}")
        chosen = self._chosen(seen, found.score)
        share = np.where(chosen, found.base, 0.0)
        if self.tilt:
            share = share * tilted(z_scores(found.score), chosen)
        weights = capped(share, self.cap / seen.room if seen.room > 0.0 else 1.0) * max(seen.room, 0.0)
        reasons = {s: self._why(found, i, bool(chosen[i])) for i, s in enumerate(seen.symbols)}
        return Target(dict(zip(seen.symbols, weights.tolist(), strict=True)), (self.kind,), reasons)

    def _scored(self, seen: Seen) -> _Scored:
        ratios = {name: seen.ratio(name) for name in self.needs().ratios}
        closes = seen.closes(max(self.needs().sessions, self.volatility_window) + 1)
        told = scores(self.factors, closes, ratios, self.making)
        score = composite(told, self.factors, self.coverage)
        if self.neutral:
            groups = [[seen.classes[name].get(s, "") for s in seen.symbols] for name in self.neutral if name != SIZE]
            score = neutralised(score, groups, log_size(ratios["market_value"]) if SIZE in self.neutral else None)
        base = self._base(closes, ratios)
        return _Scored(told, np.where(np.isfinite(base), score, np.nan), base)

    def _base(self, closes: FloatArray, ratios: dict[str, FloatArray]) -> FloatArray:
        """What the weights of those chosen are in proportion to; NaN where it is unknown."""
        if self.weighting == "equal":
            return np.ones(closes.shape[1])
        if self.weighting == "market_value":
            value = ratios["market_value"]
            return np.where(np.isfinite(value) & (value > 0.0), value, np.nan)
        moves = volatility(closes, self.volatility_window)
        return np.where(moves > STILL, inverse_volatility(moves), np.nan)

    def _count(self, scored: int) -> int:
        return max(int(np.ceil(self.select * scored - 1e-9)), 1)

    def _chosen(self, seen: Seen, score: FloatArray) -> BoolArray:
        order = np.argsort(np.array(seen.symbols), kind="stable")  # by name: it decides between equals
        held = np.array([seen.held.get(s, 0.0) > HELD for s in seen.symbols])
        top = self._count(int(np.isfinite(score).sum()))
        out = np.zeros(len(score), dtype=bool)
        out[order] = best(score[order], held[order], top, int(np.floor(top * self.buffer + 1e-9)))
        return out

    def _why(self, found: _Scored, i: int, chosen: bool) -> str:
        parts = ", ".join(f"{name} {told[i]:+.2f}" for name, told in found.told.items() if np.isfinite(told[i]))
        if not found.known[i]:
            lacking = ", ".join(name for name, told in found.told.items() if not np.isfinite(told[i]))
            return f"no score: {lacking or self.weighting + ' or ' + ' and '.join(self.neutral)} unknown"
        rank, scored = 1 + int((found.score > found.score[i]).sum()), int(found.known.sum())
        top = self._count(scored)
        said = "not among" if not chosen else "held, and still near" if rank > top else "among"
        return f"score {found.score[i]:+.2f} ({parts}), {rank} of {scored}: {said} the best {top}"


@dataclass(frozen=True, slots=True)
class _Scored:
    told: dict[str, FloatArray]
    score: FloatArray
    base: FloatArray

    @property
    def known(self) -> BoolArray:
        known: BoolArray = np.isfinite(self.score)
        return known


def tilted(z: FloatArray, chosen: BoolArray) -> FloatArray:
    """1 + z above the mean, 1 / (1 - z) below it; 1 where nobody differs. Source: the scores of MSCI's factor indexes."""
    safe = np.where(chosen & np.isfinite(z), z, 0.0)
    out: FloatArray = np.where(safe >= 0.0, 1.0 + safe, 1.0 / (1.0 - np.minimum(safe, 0.0)))
    return out
