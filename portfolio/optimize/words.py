"""How what the weights must obey is said, where no single limit can be named."""

from __future__ import annotations

from portfolio.optimize.problem import Constraints

MANY = 6  # labels that are told before the rest are counted


def percent(value: float) -> str:
    """0.305 -> "30.5 %"."""
    return f"{value * 100:.6g} %"


def counts(constraints: Constraints) -> tuple[str, ...]:
    """The number of names and the smallest position, as far as they are limited."""
    out = [] if constraints.names is None else [f"at most {constraints.names} names"]
    least = constraints.minimum_position
    return (*out, *([f"each position at least {percent(least)}"] if least > 0.0 else []))


def asked(constraints: Constraints) -> str:
    """Everything but the bounds of single weights, in one phrase.

    >>> import numpy as np
    >>> asked(Constraints(np.zeros(2), np.ones(2), turnover=0.3, held=np.zeros(2), names=1))
    'weights that add up to 100 %, turnover at most 30 %, at most 1 names'
    """
    c, (low, high) = constraints, constraints.budget
    rows = 0 if c.rows is None else len(c.rows)
    labels = list(dict.fromkeys([*c.labels, *(f"row {k}" for k in range(len(c.labels), rows))]))
    more = [f"{len(labels) - MANY} limits more"] if len(labels) > MANY else []
    capped = {
        "gross exposure": c.gross,
        "turnover": c.turnover if c.held is not None else None,
        "tracking error of a day": c.tracking_error,
        "volatility of a day": c.volatility,
        "conditional value at risk of a day": c.conditional_value_at_risk,
    }
    return ", ".join(
        [
            f"weights that add up to {percent(high) if low == high else f'{percent(low)} to {percent(high)}'}",
            *(f"the limit on {label}" for label in labels[:MANY]),
            *more,
            *(f"{name} at most {percent(limit)}" for name, limit in capped.items() if limit is not None),
            *counts(c),
        ]
    )
