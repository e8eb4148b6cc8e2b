"""Words that the field agrees on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
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


# What the reason of a state begins with: a loss, a person, or what ledger and broker do not agree on.
BY_LOSS, BY_HAND, BY_BOOKS = "drawdown: ", "by hand: ", "reconcile: "
_WHO = {BY_LOSS: "by a loss: ", BY_HAND: "by a person: ", BY_BOOKS: "by the reconcile: "}
_WAYS = {
    BY_LOSS: "Look at the loss, then `trimtab resume WHY`: it counts losses anew from there",
    BY_HAND: "Ask who halted it, then `trimtab resume WHY`",
    BY_BOOKS: "Clear the difference, then `trimtab resume WHY`",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The trading state of an account, why, and since when."""

    state: TradingState
    reason: str
    since: datetime

    @property
    def words(self) -> str:
        """The state, when it began, and who brought it about.

        >>> Standing(TradingState.HALTED, "by hand: lunch", datetime(2024, 3, 14, 18, 31)).words
        'HALTED since 2024-03-14 18:31 UTC, by a person: lunch'
        """
        who, why = _WHO.get(self._kind, ""), self.reason.removeprefix(self._kind)
        return f"{self.state.value} since {self.since:%Y-%m-%d %H:%M} UTC, {who}{why}"

    @property
    def way_out(self) -> str:
        return f"{_WAYS.get(self._kind, 'Look at the reason, then `trimtab resume WHY`')}."

    @property
    def _kind(self) -> str:
        return next((kind for kind in _WHO if self.reason.startswith(kind)), "")


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
