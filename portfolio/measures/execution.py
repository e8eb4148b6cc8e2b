"""What it costs to get out of a position, and how certain that is: optimal execution with linear impact.

X units are sold in N steps of length tau over T = N tau days. Selling at the rate v moves the price by gamma v for good and
costs eta v and a half-spread epsilon besides; the price has a volatility of sigma (money, a square root of a day).
Source: Almgren & Chriss (2000), "Optimal execution of portfolio transactions", J. Risk 3(2); numbers of equations are theirs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from portfolio.errors import Refused
from portfolio.types import FloatArray


@dataclass(frozen=True, slots=True)
class Liquidation:
    """units: X, > 0; days: T; steps: N. sigma: money a unit, a square root of a day; gamma: money a unit squared; eta: money days
    a unit squared; epsilon: money a unit.
    """

    units: float
    days: float
    steps: int
    sigma: float
    gamma: float
    eta: float
    epsilon: float

    @property
    def tau(self) -> float:
        return self.days / self.steps

    @property
    def eta_net(self) -> float:
        """Of a step, the permanent impact taken off: eta - gamma tau / 2."""
        return self.eta - self.gamma * self.tau / 2.0


def evenly(units: float, days: float, *, price: float, volume: float, volatility: float, half_spread: float) -> Liquidation:
    """An order with the paper's own guess of its impact (its section 3.4): trading a hundredth of the day's volume costs a whole
    spread for the while, selling a tenth of it moves the price by one for good.

    volume: units a day; volatility: of a day, a fraction; half_spread: a fraction of the price. A step is a day or less.
    """
    spread = 2.0 * half_spread * price
    steps = max(math.ceil(days - 1e-9), 1)
    gamma, eta = spread / (0.1 * volume), spread / (0.01 * volume)
    return Liquidation(units, days, steps, volatility * price, gamma, eta, spread / 2.0)


def urgency(order: Liquidation, aversion: float) -> float:
    """kappa, a day: how fast the optimal holdings fall (eq. 15); 0 without aversion to risk (money to the minus one).

    `Refused` where the steps are so long that permanent impact outweighs the temporary one.
    """
    if order.eta_net <= 0:
        raise Refused("The steps of the execution are too long for its impact.", "Take more steps.", steps=order.steps)
    square = aversion * order.sigma**2 / order.eta_net
    return math.acosh(square * order.tau**2 / 2.0 + 1.0) / order.tau


def holdings(order: Liquidation, aversion: float = 0.0) -> FloatArray:
    """What is left after each step of the optimal schedule, shape (steps + 1,), from X to 0 (eq. 17); evenly without aversion."""
    times = np.arange(order.steps + 1) * order.tau
    kappa = urgency(order, aversion)
    left = order.days - times
    shape = left / order.days if kappa == 0.0 else np.sinh(kappa * left) / math.sinh(kappa * order.days)
    out: FloatArray = order.units * np.asarray(shape, dtype=float)
    return out


def shortfall(order: Liquidation, left: FloatArray) -> tuple[float, float]:
    """(expected cost, its standard deviation) of a schedule of holdings, in money (eq. 4 to 6).

    >>> order = Liquidation(1e6, 5, 5, sigma=0.95, gamma=2.5e-7, eta=2.5e-6, epsilon=0.0625)  # the paper's example
    >>> cost, deviation = shortfall(order, holdings(order))
    >>> round(cost), round(deviation)
    (662500, 1040673)
    """
    sold = left[:-1] - left[1:]
    cost = order.gamma * order.units**2 / 2.0 + order.epsilon * float(np.abs(sold).sum())
    cost += order.eta_net / order.tau * float((sold**2).sum())
    return cost, order.sigma * math.sqrt(order.tau * float((left[1:] ** 2).sum()))
