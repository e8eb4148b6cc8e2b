"""What the tail of the next sessions would cost, were volatilities or correlations other than they are."""

from __future__ import annotations

import numpy as np

from portfolio.risk.stress.world import World
from portfolio.types import FloatArray

SHORTFALL = 2.337802792201413  # mean of the worst 2.5 % of a standard normal: its density at the 97.5 % quantile over 0.025
QUANTILE_99 = 2.3263478740408408
SESSIONS = 10.0


def tail_slopes(world: World, weights: FloatArray, asked: dict[str, float]) -> FloatArray | None:
    """What the loss gains with each symbol's weight, shape of `weights` (symbols, books); times the weights it adds up to the
    loss, and it is what the symbol itself falls by, on average, where the book does. None where returns are too few.

    asked: `correlation` (how far each correlation goes to one, 0 to 1), `volatility` (a multiple), `days` (without exit).
    Normal, without a mean: expected shortfall at 97.5 % over ten sessions (the measure and the horizon of Basel's MAR33), or,
    where `days` is asked, the value at risk at 99 % over so many. Variance is (1 - c) w'Sw + c (w's)^2 with S the covariance
    of the policy's lookback and s the volatilities, times the squared multiple; the slope is its root's derivative.
    """
    returns = world.complete
    if returns is None:
        return None
    share, multiple = asked.get("correlation", 0.0), asked.get("volatility", 1.0)
    centred = returns - returns.mean(axis=0)
    books = centred @ weights
    apart = centred.T @ books / (len(returns) - 1)
    alone = centred.std(axis=0, ddof=1)[:, None]
    together = (alone * weights).sum(axis=0)
    variance = (1.0 - share) * (apart * weights).sum(axis=0) + share * together**2
    deviation = np.sqrt(np.maximum(variance, 0.0))
    slope = ((1.0 - share) * apart + share * together * alone) / np.where(deviation > 0, deviation, 1.0)
    out: FloatArray = _times(asked) * multiple * slope
    return out


def _times(asked: dict[str, float]) -> float:
    """How many daily deviations are lost."""
    if "days" in asked:
        return float(QUANTILE_99 * np.sqrt(asked["days"]))
    return float(SHORTFALL * np.sqrt(SESSIONS))
