"""Options in a scenario: what the shocks to their underlyings, and to the volatility, make of what was paid for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portfolio.risk.stress.options import WORTHLESS
from portfolio.risk.stress.world import World
from portfolio.types import FloatArray


@dataclass(frozen=True, slots=True)
class Shocks:
    """Returns of all prices so far, shape (symbols, books), as they are counted for who gains by a rise (`long`) and for who
    gains by a fall (`short`); NaN where the scenario does not tell them. What is added compounds.
    """

    long: FloatArray
    short: FloatArray

    @classmethod
    def none(cls, like: FloatArray) -> Shocks:
        return cls(np.zeros(like.shape), np.zeros(like.shape))

    def plus(self, long: FloatArray | float, short: FloatArray | float) -> Shocks:
        return Shocks((1.0 + self.long) * (1.0 + long) - 1.0, (1.0 + self.short) * (1.0 + short) - 1.0)


def option_losses(
    world: World, weights: FloatArray, shocks: Shocks, multiple: float, money: FloatArray
) -> tuple[FloatArray, dict[str, str]]:
    """(what each option costs, shape of `weights` (symbols, books); option -> how it was told).

    A bought put gains by a fall, a bought call by a rise. multiple: of the volatility. money: return of the currency of
    each, (symbols,): of what the option is worth afterwards. NaN of an option that was sold. A
    shock that moves a whole tail is the mean of many: an option, whose value is convex, is worth at least as much over them.
    """
    out, told = np.zeros(weights.shape), {}
    for row in np.flatnonzero(world.is_option):
        option, size = world.options.get(int(row)), weights[row]
        gain = np.full(size.shape, -1.0)
        if option is not None:
            beneath = world.symbols.index(option.underlying)
            shock = (shocks.short if option.option.right == "P" else shocks.long)[beneath]
            gain = np.where(np.isfinite(shock), (1.0 + option.gain(shock, multiple)) * (1.0 + money[row]) - 1.0, -1.0)
        out[row] = np.where(size > 0, -size * gain, np.where(size == 0, 0.0, np.nan))
        told[world.symbols[row]] = WORTHLESS if option is None or (gain == -1.0).all() else option.words
    return out, told
