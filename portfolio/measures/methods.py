"""One tail, told by the method that a policy names, and what is done where the method has no answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from portfolio.errors import Refused
from portfolio.measures.extreme import LEAST, pareto_tail
from portfolio.measures.filtered import filtered
from portfolio.measures.historical import conditional_value_at_risk, value_at_risk
from portfolio.measures.parametric import (
    Moments,
    cornish_fisher,
    moments,
    normal_conditional_value_at_risk,
    normal_value_at_risk,
)
from portfolio.measures.series import horizon_sums
from portfolio.measures.simulated import simulated_book
from portfolio.types import FloatArray

METHODS = ("historical", "normal", "cornish_fisher", "extreme_value", "monte_carlo", "filtered_historical")


class Horizon(NamedTuple):
    """How far a tail looks, and how deep. level: in (0, 1); days: sessions, 1 or more."""

    level: float = 0.95
    days: int = 1


@dataclass(frozen=True, slots=True)
class Tail:
    """Positive fractions of equity; conditional_value_at_risk: None where the law has none.

    method: who answered in the end; note: why it is not the one that was asked, or what is missing, as part of a sentence.
    """

    value_at_risk: float
    conditional_value_at_risk: float | None
    method: str
    note: str = ""


def tail(returns: FloatArray, over: Horizon, method: str = "historical", degrees: float | None = None) -> Tail:
    """The tail of `returns`, shape (sessions,), simple and daily, no NaN (raises `Refused`).

    Over several days: historical, extreme_value and filtered_historical look at the sums over overlapping stretches; normal
    and cornish_fisher add the moments of independent days (the root of time); monte_carlo adds independent draws. degrees:
    of freedom of monte_carlo's Student t; without them it draws from a normal law.
    """
    if method == "historical":
        return _historical(horizon_sums(returns, over.days), over.level)
    if method == "filtered_historical":
        return _historical(horizon_sums(filtered(returns), over.days), over.level, method)
    if method == "monte_carlo":
        return _historical(simulated_book(moments(returns), over.days, degrees), over.level, method)
    if method == "normal":
        told = moments(returns).over(over.days)
        return Tail(normal_value_at_risk(told, over.level), normal_conditional_value_at_risk(told, over.level), method)
    if method == "cornish_fisher":
        return _cornish_fisher(returns, over)
    if method == "extreme_value":
        return _extreme_value(horizon_sums(returns, over.days), over.level)
    raise Refused(f"{method!r} is no method of a tail.", f"Use one of: {', '.join(METHODS)}.", method=method)


def _historical(sums: FloatArray, level: float, method: str = "historical", note: str = "") -> Tail:
    return Tail(value_at_risk(sums, level), conditional_value_at_risk(sums, level), method, note)


def _cornish_fisher(returns: FloatArray, over: Horizon) -> Tail:
    told = moments(returns).over(over.days)
    found = cornish_fisher(told, over.level)
    if found is None:
        return _historical(horizon_sums(returns, over.days), over.level, note=_outside(told))
    return Tail(*found, "cornish_fisher")


def _outside(told: Moments) -> str:
    where = f"skewness {told.skewness:.2f} and excess kurtosis {told.kurtosis:.2f}"
    return f"{where} are outside the domain of Cornish-Fisher, so the historical figure stands in"


def _extreme_value(sums: FloatArray, level: float) -> Tail:
    found = pareto_tail(sums)
    if found is None:
        why = f"fewer than {LEAST} losses are beyond the threshold of extreme values, so the historical figure stands in"
        return _historical(sums, level, note=why)
    mean = found.conditional_value_at_risk(level)
    note = "" if mean is not None else f"the tail index is {found.index:.2f}, and from 1 on no expected shortfall exists"
    return Tail(found.value_at_risk(level), mean, "extreme_value", note)
