"""What is measured and guarded beside the weights: hedges, margin, stresses, and how a risk figure fared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Hedge:
    """One hedge of a decision. weight: signed fraction of equity that its instrument shall have because of it; ratio: the weight
    that was wanted before anything cut it.

    cost: expected, a year, as a fraction of equity; ceiling: what the policy lets it cost. reason: the sentence.
    """

    name: str
    kind: str  # beta | minimum_variance | tail | currency | put
    symbol: str
    weight: float
    ratio: float
    cost: float
    ceiling: float
    reason: str


@dataclass(frozen=True, slots=True)
class MarginPicture:
    """What a margin account asks of a book. Money in the base currency; None where there is nothing to tell.

    call_distance: the fall of everything held long, as a fraction of its price (shorts rise by as much), at which equity meets
    the maintenance margin; None where no fall does. interest and borrow_fee: a year, positive is paid.
    """

    equity: Decimal
    gross: Decimal
    leverage: float  # gross over equity
    initial: Decimal
    maintenance: Decimal
    excess_liquidity: Decimal  # equity less maintenance
    call_distance: float | None
    interest: Decimal
    borrow_fee: Decimal


@dataclass(frozen=True, slots=True)
class StressResult:
    """What one scenario would cost, as a fraction of equity (positive is a loss); None where it cannot be told.

    kind: history | hypothetical | liquidity | hand, or margin, whose figure is no loss but the share of the book that must be
    sold. before: of what is held; after: of what is decided. sentence: what happens, the lines that it costs most, what cannot be
    told; none of the figures. proxied: symbol -> what stands in for the history, the price or the asset class that it lacks.
    parts: symbol -> its share of `after` (they add up to it).
    """

    name: str
    kind: str
    before: float | None
    after: float | None
    sentence: str
    proxied: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, float] = field(default_factory=dict)
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class VarBacktest:
    """How often losses went beyond the value at risk that was told for their day.

    on: live | simulated. kupiec and christoffersen: p-values of unconditional coverage and of independence, None where the
    days do not carry them; zone: green | yellow | red, Basel's, of the newest 250 days at 99 %, "" at another level or with
    fewer days.
    """

    on: str
    method: str
    level: float
    days: int
    exceptions: int
    expected: float
    kupiec: float | None
    christoffersen: float | None
    zone: str
    sentence: str
