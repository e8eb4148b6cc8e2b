"""In or out: a state that is entered at one threshold and left at another, replayed over the whole past.

The state is a pure function of the values, so nobody needs to remember it: the first value that meets `enter` puts it in,
and it stays in until one meets `leave`. Between the two thresholds nothing turns, however the values move.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolio.knobs import knob
from portfolio.section import Section
from portfolio.types import FloatArray

BoolArray = NDArray[np.bool_]
CONDITION = re.compile(r"\s*(>=|<=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,2})?)\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """`sign` is one of >, >=, <, <=."""

    sign: str
    level: float

    def met(self, values: FloatArray) -> BoolArray:
        """Shape of `values`; what is unknown (NaN) meets nothing.

        >>> Condition(">=", 0.0).met(np.array([-1.0, 0.0, np.nan])).tolist()
        [False, True, False]
        """
        up = values > self.level if self.sign[0] == ">" else values < self.level
        met: BoolArray = up | (values == self.level) if self.sign.endswith("=") else up
        return met

    def opposes(self, other: Condition) -> bool:
        """No value meets both, and every value far enough meets one of them."""
        if self.sign[0] == other.sign[0]:
            return False
        high, low = (self, other) if self.sign[0] == ">" else (other, self)
        return low.level < high.level or (low.level == high.level and not (low.sign[-1] == high.sign[-1] == "="))

    def __str__(self) -> str:
        return f"{self.sign} {self.level:g}"


def condition() -> Any:
    """A knob: a text such as "> 0.02", or None where the file does not name it."""

    def read(section: Section, key: str, _: Any) -> Condition | None:
        if key not in section.table:
            section.absent(key)
            return None
        found = CONDITION.fullmatch(section.text(key))
        if found is None:
            raise section.wrong(key, 'a condition such as "> 0.02" or "<= -1.5"')
        return Condition(found[1], float(found[2]))

    return knob(read, None)


def states(values: FloatArray, enter: Condition, leave: Condition) -> BoolArray:
    """In (True) or out at each value, out before the first that meets `enter`. Shape (n,) as `values`; NaN changes nothing.

    >>> states(np.array([0.0, 2.0, 0.5, 1.5, -1.0]), Condition(">", 1.0), Condition("<", 0.0)).tolist()
    [False, True, True, True, False]
    """
    turns = enter.met(values).astype(int) - leave.met(values)
    told = np.maximum.accumulate(np.where(turns != 0, np.arange(1, len(turns) + 1), 0))
    state: BoolArray = np.concatenate([[0], turns])[told] > 0
    return state


def newest_turn(state: BoolArray) -> int | None:
    """Position of the newest value at which the state changed (from out, before the first); None where it never did."""
    changed = np.nonzero(np.diff(np.concatenate([[False], state]).astype(int)))[0]
    return int(changed[-1]) if len(changed) else None
