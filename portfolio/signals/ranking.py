"""The best few, with a buffer: who is in stays in while it is not far behind.

Source: Jegadeesh and Titman (1993) for buying past winners; the buffer as in the rules of index providers, and Novy-Marx
and Velikov (2016), who find a wider band for leaving than for entering the cheapest way to trade less.
"""

from __future__ import annotations

import numpy as np

from portfolio.signals.hysteresis import BoolArray
from portfolio.types import FloatArray


def best(values: FloatArray, held: BoolArray, top: int, buffer: int) -> BoolArray:
    """`top` names: the held ones among the best `top + buffer` (best first), then the best of the others.

    values: shape (names,); the unknown (NaN) are never in. Of two that are equal the earlier is better, so hand them over
    in an order that means nothing (by name).

    >>> best(np.array([3.0, 2.0, 1.0]), np.array([False, True, False]), 1, 1).tolist()
    [False, True, False]
    """
    order = np.argsort(-values, kind="stable")
    order = order[np.isfinite(values[order])]
    near = order[: top + buffer]
    kept = near[held[near]][:top]
    others = order[~np.isin(order, kept)][: top - len(kept)]
    chosen = np.zeros(len(values), dtype=bool)
    chosen[kept] = chosen[others] = True
    return chosen


def replayed(values: FloatArray, top: int, buffer: int) -> BoolArray:
    """`best`, row after row, each with what the row before held; shape (rows, names) as `values`.

    A row in which nobody is known changes nothing.
    """
    out = np.zeros(values.shape, dtype=bool)
    held = np.zeros(values.shape[1], dtype=bool)
    known: BoolArray = np.atleast_1d(np.isfinite(values).any(axis=1))
    for row in range(len(values)):
        if known[row]:
            held = best(values[row], held, top, buffer)
        out[row] = held
    return out
