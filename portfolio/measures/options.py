"""What a European option is worth, and how it moves with its underlying: Black and Scholes, with a rate and a dividend yield.

Source: Black & Scholes (1973), Merton (1973); Hull, "Options, futures and other derivatives", ch. 15 and 17.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from portfolio.types import FloatArray

YEAR = 365.0  # calendar days
LAST_DAYS = 5  # before its expiry, in which no option is held: in the money it would be exercised into shares
LOWEST, HIGHEST = 1e-4, 10.0  # volatilities a year between which the implied one is looked for


@dataclass(frozen=True, slots=True)
class European:
    """right: C (call) | P (put). strike: > 0, in the currency of the underlying. years: to expiry, 0 or more. rate, dividend:
    a year, compounded continuously.
    """

    right: str
    strike: float
    years: float
    rate: float = 0.0
    dividend: float = 0.0

    @property
    def sign(self) -> float:
        return 1.0 if self.right == "C" else -1.0

    @property
    def discount(self) -> float:
        return math.exp(-self.rate * self.years)


def option_value(option: European, price: FloatArray | float, volatility: FloatArray | float) -> FloatArray:
    """Per share of the underlying. price, volatility (a year): 0 or more, of shapes that broadcast; NaN where one is no such
    number. Without volatility or time it is what exercise at the forward price brings.

    >>> round(float(option_value(European("C", 40.0, 0.5, rate=0.1), 42.0, 0.2)), 2)  # Hull's example
    4.76
    """
    forward, first, second = _distances(option, price, volatility)
    sign = option.sign
    with np.errstate(invalid="ignore"):
        out: FloatArray = option.discount * sign * (forward * _normal(sign * first) - option.strike * _normal(sign * second))
    return np.maximum(out, 0.0)  # NaN stays


def option_delta(option: European, price: FloatArray | float, volatility: FloatArray | float) -> FloatArray:
    """What the value gains as the price rises by one: 0 to 1 of a call, -1 to 0 of a put. Shapes and NaN as `option_value`.

    >>> round(float(option_delta(European("P", 40.0, 0.5, rate=0.1), 42.0, 0.2)), 4)
    -0.2209
    """
    _, first, _ = _distances(option, price, volatility)
    out: FloatArray = option.sign * math.exp(-option.dividend * option.years) * _normal(option.sign * first)
    return out


@lru_cache(maxsize=4096)
def implied_volatility(option: European, price: float, premium: float) -> float:
    """The volatility a year at which the option is worth `premium`, between 0.0001 and 10; NaN where there is none.

    >>> round(implied_volatility(European("P", 40.0, 0.5, rate=0.1), 42.0, 0.8086), 3)
    0.2
    """
    low, high = LOWEST, HIGHEST
    if not float(option_value(option, price, low)) <= premium <= float(option_value(option, price, high)):
        return math.nan
    for _ in range(80):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if float(option_value(option, price, middle)) < premium else (low, middle)
    return (low + high) / 2.0


def _distances(option: European, price: Any, volatility: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(forward price, d1, d2); infinite where nothing is uncertain, NaN of what is no number."""
    spot, sigma = np.asarray(price, dtype=float), np.asarray(volatility, dtype=float)
    known = np.isfinite(spot) & np.isfinite(sigma) & (spot >= 0.0) & (sigma >= 0.0)
    forward = np.where(known, spot, np.nan) * math.exp((option.rate - option.dividend) * option.years)
    spread = np.where(known, sigma, np.nan) * math.sqrt(option.years)
    moves = (spread > 0.0) & (forward > 0.0)
    log = np.log(np.where(moves, forward, 1.0) / option.strike)
    first = log / np.where(moves, spread, 1.0) + spread / 2.0
    sure = np.where(forward > option.strike, np.inf, -np.inf)
    first = np.where(known, np.where(moves, first, sure), np.nan)
    return forward, first, first - spread


def _normal(x: FloatArray) -> FloatArray:
    """The standard normal distribution, exact in its lower tail too."""
    out: FloatArray = np.asarray(_ERFC(np.asarray(-x / math.sqrt(2.0))), dtype=float) / 2.0
    return out


_ERFC = np.frompyfunc(math.erfc, 1, 1)
