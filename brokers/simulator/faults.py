"""How the simulated gateway misbehaves on request. All off by default; a JSON object of the same names sets them."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

from portfolio.errors import WrongUse

KILL_POINTS = ("before_accept", "after_accept", "after_ack", "before_fill", "after_fill")
REQUESTS = (
    "positions",
    "open_orders",
    "completed_orders",
    "executions",
    "account_updates",
    "account_updates_multi",
    "account_summary",
    "contract_details",
    "market_data",
    "historical_data",
    "current_time",
    "cancel_order",
)


@dataclass(frozen=True)
class Faults:
    """Counts say how many orders are hit, beginning with order number `from_order` (1-based, of this process)."""

    from_order: int = 1
    drop_before_accept: int = 0  # the socket is cut; the order was never taken
    drop_after_accept: int = 0  # the order is taken and committed; the socket is cut before a word about it
    drop_before_fill: int = 0  # the fill is committed; the socket is cut before the message
    swallow: int = 0  # not taken, no answer, ever
    reject: int = 0  # error 201
    correct: int = 0  # each fill is followed by a correction, one tick worse
    preset: bool = False  # error 10349 for an order that lives on
    read_only: bool = False  # error 321 for orders, cancels, open and completed orders
    hold: bool = False  # taken and acknowledged, never filled while this is set
    stuck: bool = False  # as `hold`, but shown as PendingSubmit
    invisible_seconds: float = 0.0  # an order that was taken is in no answer for so long
    ack_delay: float = 0.0
    fill_delay: float = 0.0
    commission_delay: float = 0.0
    slices: int = 1  # fills come in so many pieces
    duplicate_statuses: int = 0  # each status is repeated so many times
    lost_filled: bool = False  # the status Filled is never sent, the execution is
    lost_updates: bool = False  # nothing about an order is sent unasked
    unanswered: tuple[str, ...] = ()  # of REQUESTS
    id_reset: bool = False  # nextValidId is always 1
    own_executions_only: bool = False  # a client sees only its own executions
    notices: tuple[tuple[float, int], ...] = ()  # (seconds after a client is ready, 1100 | 1101 | 1102)
    server_version: int = 178  # the highest that is offered
    messages_per_second: int = 50  # more than that: error 100, and the socket is closed
    market_data_type: int = 1  # 1 live, 2 frozen, 3 delayed, 4 delayed and frozen
    quote_age: float = 0.0  # seconds by which the last trade lies back
    no_quote: tuple[str, ...] = ()  # symbols answered with -1
    moves: tuple[tuple[float, float], ...] = ()  # (seconds after a ticker was asked for, factor of its prices; 0: -1 is sent)
    no_subscription: tuple[str, ...] = ()  # symbols answered with error 354
    historical_pacing: bool = False  # error 162
    two_previews: bool = False  # a what-if is answered twice, first with nothing but unset figures
    absurd_previews: bool = False  # a what-if is answered with nothing but unset figures
    no_previews: bool = False  # a what-if is left unanswered
    margin_rate: float = 0.5  # of gross value, to hold a position overnight
    kill_at: str = ""  # of KILL_POINTS: the process ends itself there, as by SIGKILL
    kill_on: int = 1  # at the so-manieth order that reaches that point

    def __post_init__(self) -> None:
        if self.kill_at and self.kill_at not in KILL_POINTS:
            raise WrongUse(f"There is no kill point {self.kill_at!r}.", f"There are: {', '.join(KILL_POINTS)}.")
        unknown = set(self.unanswered) - set(REQUESTS)
        if unknown:
            raise WrongUse(f"There is no request {', '.join(sorted(unknown))}.", f"There are: {', '.join(REQUESTS)}.")

    def hits(self, count: int, number: int) -> bool:
        """Whether a fault that hits `count` orders hits order `number`."""
        return self.from_order <= number < self.from_order + count


def parse(text: str) -> Faults:
    """Faults from a JSON object; an unknown name is refused with the names that exist."""
    try:
        body = json.loads(text)
    except ValueError as error:
        raise WrongUse(f"The faults are not JSON: {error}.", 'Give an object such as {"swallow": 1}.') from error
    if not isinstance(body, dict):
        raise WrongUse("The faults are not a JSON object.", 'Give one such as {"swallow": 1}.')
    known = {field.name for field in fields(Faults)}
    unknown = set(body) - known
    if unknown:
        raise WrongUse(f"There is no fault {', '.join(sorted(unknown))}.", f"There are: {', '.join(sorted(known))}.")
    return Faults(**{name: _frozen(value) for name, value in body.items()})


def _frozen(value: object) -> object:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
