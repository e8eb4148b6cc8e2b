"""[risk]: the limits, each read once."""

from __future__ import annotations

from portfolio.policy.objectives import Objective
from portfolio.section import Section
from portfolio.types import Classes, DrawdownLimit, RiskPolicy, TailLimit


def read_risk(section: Section, objective: Objective, classes: Classes) -> RiskPolicy:
    """A limit that is deleted falls back to its objective's: there is no way to have none."""
    return RiskPolicy(
        max_weight=section.number("max_weight", 0.0, 1.0, objective.max_weight),
        max_gross=section.number("max_gross", 0.0, 1.0, 1.0),
        cash_reserve=section.number("cash_reserve", 0.0, 1.0, 0.01),
        daily_drawdown=_drawdown(section, "daily_drawdown", objective.daily_drawdown),
        monthly_drawdown=_drawdown(section, "monthly_drawdown", objective.monthly_drawdown),
        value_at_risk=_tail(section, "value_at_risk"),
        conditional_value_at_risk=_tail(section, "conditional_value_at_risk"),
        unknown=section.word("unknown", ("warn", "block"), "warn"),
        lookback=section.count("lookback", 60, 10_000, 504),
    )


def _drawdown(section: Section, key: str, usual: DrawdownLimit) -> DrawdownLimit:
    inner = section.section(key, None)
    if inner is None:
        return usual
    limit = DrawdownLimit(reduce=inner.number("reduce", 0.0, 1.0), halt=inner.number("halt", 0.0, 1.0))
    inner.done()
    if limit.reduce > limit.halt:
        raise inner.wrong("reduce", "at most `halt`")
    return limit


def _tail(section: Section, key: str) -> TailLimit | None:
    inner = section.section(key, None)
    if inner is None:
        return None
    limit = TailLimit(inner.number("level", 0.5, 0.999), inner.count("days", 1, 1), inner.number("limit", 0.0, 1.0))
    inner.done()
    return limit
