"""The constraints on some of the assets, where the weights of the others are settled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from portfolio.optimize.problem import Constraints
from portfolio.types import FloatArray


def part(constraints: Constraints, kept: NDArray[np.bool_], settled: FloatArray) -> Constraints:
    """What is left for the assets `kept`, shape (assets,), when the others have the weights of `settled`, shape (assets,).

    Their part is taken off every sum, off gross, turnover and the number of names. Limits on risk are then those of the kept
    assets alone.
    """
    c, out = constraints, np.where(kept, 0.0, settled)
    spent = float(out.sum())
    taken = None if c.rows is None else c.rows @ out
    traded = 0.0 if c.held is None else float(np.abs(out - c.held)[~kept].sum())
    return replace(
        c,
        lower=c.lower[kept],
        upper=c.upper[kept],
        budget=(c.budget[0] - spent, c.budget[1] - spent),
        rows=None if c.rows is None else c.rows[:, kept],
        low=None if c.low is None or taken is None else c.low - taken,
        high=None if c.high is None or taken is None else c.high - taken,
        gross=None if c.gross is None else c.gross - float(np.abs(out).sum()),
        held=None if c.held is None else c.held[kept],
        turnover=None if c.turnover is None else c.turnover - traded,
        benchmark=None if c.benchmark is None else c.benchmark[kept],
        names=None if c.names is None else c.names - int((out != 0.0).sum()),
    )
