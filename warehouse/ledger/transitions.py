"""Which state of an order may follow which, when the broker was seen to say something.

    PLANNED, SENDING   any state of the broker's. (SENDING itself comes from `sending` only.)
    ACKED, PARTIAL     onward; never back to ACKED once something is filled
    UNKNOWN            any state of the broker's: a person or a later picture settles it
    CANCELLED, REJECTED, EXPIRED    only to FILLED or PARTIAL, and only when executions say so: a fill that crossed the cancel
    FILLED             only when a correction of an execution has left less than the whole: PARTIAL or CANCELLED

A word that may not move the state is kept in the history (`applied` false) and moves nothing: brokers repeat themselves
and report late. `SENDING` as an observation is our own note about an order in doubt and keeps the state SENDING.
"""

from __future__ import annotations

from decimal import Decimal

from portfolio.errors import Refused
from portfolio.types import OrderState as S

_SEEN = frozenset({S.ACKED, S.PARTIAL, S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED, S.UNKNOWN})
_LIVE: dict[S, frozenset[S]] = {
    S.PLANNED: _SEEN,
    S.SENDING: _SEEN | {S.SENDING},
    S.ACKED: _SEEN,
    S.PARTIAL: _SEEN - {S.ACKED},
    S.UNKNOWN: _SEEN,
}


def allowed(state: S, seen: S, filled: Decimal, quantity: Decimal) -> bool:
    """Whether an order in `state`, of which executions have `filled` so much of `quantity`, moves to `seen`."""
    if seen is S.PLANNED:
        raise Refused("Nobody can have seen an order as PLANNED.", "Observe what the broker says of it.")
    if not state.final:
        return seen in _LIVE[state]
    if state is S.FILLED:
        return seen in {S.PARTIAL, S.CANCELLED} and filled < quantity
    return (seen is S.FILLED and filled >= quantity) or (seen is S.PARTIAL and 0 < filled < quantity)
