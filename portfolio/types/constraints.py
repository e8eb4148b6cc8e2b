"""What the weights must obey, by name, as the policy says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Classes = Mapping[str, Mapping[str, str]]  # class ("sector", "country", "asset_class", ...) -> symbol -> its name there


@dataclass(frozen=True, slots=True)
class Range:
    """Both ends belong to it."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ConstraintPolicy:
    """Weights here are fractions of the invested part (equity less the cash reserve); None does not constrain.

    weight: of every symbol that `symbols` does not name. groups: class -> name -> range of the sum of its weights.
    turnover: sum of |new - held| (buys plus sells). tracking_error and volatility: a year. exposures: factor -> range of the
    weighted mean of its scores (`beta`: of the betas to the benchmark). names: how many are held at the most;
    minimum_position: a weight is zero or at least this. do_not_trade: stay as they are held.
    """

    weight: Range = Range(0.0, 1.0)
    symbols: Mapping[str, Range] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Range]] = field(default_factory=dict)
    net: Range = Range(0.0, 1.0)
    gross: float = 1.0
    turnover: float | None = None
    tracking_error: float | None = None
    benchmark: Mapping[str, float] = field(default_factory=dict)  # weights that tracking_error is measured against
    volatility: float | None = None
    conditional_value_at_risk: float | None = None  # of a day, at `level`
    level: float = 0.95
    exposures: Mapping[str, Range] = field(default_factory=dict)
    names: int | None = None
    minimum_position: float = 0.0
    do_not_trade: tuple[str, ...] = ()
    lots: Mapping[str, int] = field(default_factory=dict)  # symbol -> shares a lot
    lookback: int = 504  # sessions behind exposures and, but for an optimizer with its own, the limits on risk
