"""What an objective decides: which data must be fresh, when to trade where nobody says, and the limits that are never absent."""

from __future__ import annotations

from dataclasses import dataclass

from portfolio.types import DrawdownLimit, RebalancePolicy


@dataclass(frozen=True, slots=True)
class Objective:
    """datasets: must be fresh for every policy with this objective, beside what its strategy looks at."""

    name: str
    datasets: tuple[str, ...]
    rebalance: RebalancePolicy
    max_weight: float
    daily_drawdown: DrawdownLimit
    monthly_drawdown: DrawdownLimit


DAY, MONTH = DrawdownLimit(reduce=0.03, halt=0.06), DrawdownLimit(reduce=0.06, halt=0.10)
DRIFT = RebalancePolicy("drift", absolute_band=0.05, relative_band=0.25)
OBJECTIVES = {
    each.name: each
    for each in (
        # a strategic allocation keeps its weights: it trades when they have drifted
        Objective("allocation", ("prices", "macro"), DRIFT, 0.65, DAY, MONTH),
        # factors are told by filings, which come by the quarter
        Objective("smart_beta", ("prices", "fundamentals"), RebalancePolicy("calendar", every="quarter"), 0.10, DAY, MONTH),
        Objective("optimized", ("prices",), RebalancePolicy("calendar", every="month"), 0.25, DAY, MONTH),
    )
}
