"""Words that the field agrees on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Weights = Mapping[str, float]  # symbol -> fraction of equity
Span = tuple[date, date]  # first and last day, both included


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class TradingState(StrEnum):
    UNRECONCILED = "UNRECONCILED"  # at start; clears itself when the reconcile passes
    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"  # only trades that bring the book closer to cash
    HALTED = "HALTED"  # cleared by `trimtab resume` only


BY_LOSS = "drawdown: "  # what the reason of a state begins with where a loss is it


class OrderState(StrEnum):
    PLANNED = "PLANNED"
    SENDING = "SENDING"  # written down; the broker may or may not have it
    ACKED = "ACKED"
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"  # a person must look

    @property
    def final(self) -> bool:
        return self in {OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED}


class Action(StrEnum):
    """What a rule wants, from the least careful to the most careful."""

    PASS = "pass"
    WARN = "warn"
    SCALE = "scale"
    DROP = "drop"
    REDUCE = "reduce"  # only trades that bring the book closer to cash
    FREEZE = "freeze"
    BLOCK = "block"


class Health(StrEnum):
    SOUND = "sound"
    SUSPECT = "suspect"
    BLOCKED = "blocked"
