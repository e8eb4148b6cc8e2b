"""A hedge that is there only while the market is in trouble, by a rule that anybody can check."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from portfolio.hedging.ratios import limited
from portfolio.hedging.scene import Scene
from portfolio.measures import SESSIONS_A_YEAR
from portfolio.types import FloatArray, Hedge, HedgePolicy

DAYS = 21  # behind the volatility


def tail_hedge(hedge: HedgePolicy, scene: Scene) -> Hedge:
    """`weight` of the instrument while the benchmark is in trouble, else none; a rule that cannot be told holds the hedge."""
    closes = scene.market.benchmark[np.isfinite(scene.market.benchmark)][-(hedge.lookback + 1) :]
    trouble, why = _TROUBLE[hedge.when](closes, hedge)
    if trouble:
        wide = replace(hedge, max_weight=max(hedge.weight, hedge.max_weight))
        return limited(wide, scene, hedge.weight, why)
    return Hedge(hedge.name, hedge.kind, hedge.instrument, 0.0, 0.0, 0.0, hedge.ceiling, f"{hedge.name}: {why}, so it waits")


def _volatility(closes: FloatArray, hedge: HedgePolicy) -> tuple[bool, str]:
    """Of the newest 21 sessions, a year."""
    if len(closes) < DAYS + 1:
        return True, "the benchmark's volatility is unknown"
    figure = float(np.std(closes[-DAYS:] / closes[-DAYS - 1 : -1] - 1.0, ddof=1) * math.sqrt(SESSIONS_A_YEAR))
    calm = figure <= hedge.threshold
    return not calm, f"the benchmark's volatility is {figure:.1%} a year, {'not ' if calm else ''}above {hedge.threshold:.1%}"


def _drawdown(closes: FloatArray, hedge: HedgePolicy) -> tuple[bool, str]:
    """From the highest close of the lookback."""
    if len(closes) == 0:
        return True, "the benchmark's drawdown is unknown"
    figure = 1.0 - float(closes[-1] / closes.max())
    calm = figure <= hedge.threshold
    return not calm, f"the benchmark is {figure:.1%} below its high, {'not ' if calm else ''}more than {hedge.threshold:.1%}"


def _trend(closes: FloatArray, hedge: HedgePolicy) -> tuple[bool, str]:
    """Below the mean of the lookback."""
    if len(closes) < hedge.lookback:
        return True, "the benchmark's trend is unknown"
    calm = bool(closes[-1] >= closes[-hedge.lookback :].mean())
    return not calm, f"the benchmark is {'not ' if calm else ''}below its mean of {hedge.lookback} sessions"


_TROUBLE = {"volatility": _volatility, "drawdown": _drawdown, "trend": _trend}
