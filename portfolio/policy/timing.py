"""[rebalance]: when to trade."""

from __future__ import annotations

from dataclasses import replace

from portfolio.section import Section
from portfolio.timing.calendar import WEEKDAYS, WHICH
from portfolio.types import RebalancePolicy

LONGEST = {"week": 5, "month": 23, "quarter": 64, "year": 254}  # sessions that a period can have
PERIODS = ("week", "month", "quarter", "year")


def read_rebalance(section: Section | None, usual: RebalancePolicy) -> RebalancePolicy:
    """The section's own values, and where it names none those of the objective. A key of another `when` is unknown."""
    if section is None:
        return usual
    when = section.word("when", ("calendar", "drift", "signal", "cost_aware"), usual.when)
    base = usual if when == usual.when else RebalancePolicy(when)
    chosen = {"calendar": _calendar, "drift": _drift, "signal": _signal, "cost_aware": _cost_aware}[when](section, base)
    flows = section.flag("cash_flows", base.cash_flows)
    return replace(
        chosen,
        cooldown=section.count("cooldown", 0, 1000, base.cooldown),
        max_a_month=section.count("max_a_month", 1, 31) if "max_a_month" in section.table else section.absent("max_a_month"),
        cash_flows=flows,
        cash_band=section.number("cash_band", 0.0, 1.0, base.cash_band) if flows else base.cash_band,
    )


def _calendar(section: Section, base: RebalancePolicy) -> RebalancePolicy:
    every = section.word("every", PERIODS, base.every)
    day = section.absent("day", base.day)
    number = isinstance(day, int) and not isinstance(day, bool) and 1 <= day <= LONGEST[every]
    if not number and day not in ("first", "last") and day not in _weekdays(every):  # tuples: a value may be unhashable
        named = {"week": ', a weekday such as "friday"', "month": ', a weekday such as "third friday"'}.get(every, "")
        need = f'"first", "last"{named}, or the number of a session in the {every}, from 1 to {LONGEST[every]}'
        raise section.wrong("day", need)
    months = section.absent("months", list(base.months))
    good = isinstance(months, list) and all(isinstance(m, int) and not isinstance(m, bool) and 1 <= m <= 12 for m in months)
    if not good or len(set(months)) != len(months):
        raise section.wrong("months", "a list of different months from 1 to 12")
    last = {"quarter": {3, 6, 9, 12}, "year": {12}}.get(every)
    if day == "last" and last is not None and months and not set(months) & last:
        raise section.wrong("months", f"a list with a month that ends a {every}: day = 'last' would never come")
    return replace(base, every=every, day=str(day), months=tuple(sorted(months)))


def _weekdays(every: str) -> tuple[str, ...]:
    if every == "week":
        return WEEKDAYS
    return tuple(f"{which} {day}" for which in WHICH for day in WEEKDAYS) if every == "month" else ()


def _drift(section: Section, base: RebalancePolicy) -> RebalancePolicy:
    return replace(
        base,
        absolute_band=section.number("absolute_band", 0.0, 1.0, base.absolute_band),
        relative_band=section.number("relative_band", 0.0, 10.0, base.relative_band),
        band_by=section.text("band_by") if "band_by" in section.table else section.absent("band_by", base.band_by),
    )


def _signal(section: Section, base: RebalancePolicy) -> RebalancePolicy:
    return base


def _cost_aware(section: Section, base: RebalancePolicy) -> RebalancePolicy:
    return replace(
        base,
        risk_aversion=section.number("risk_aversion", 0.01, 1000.0, base.risk_aversion),
        horizon=section.count("horizon", 1, 1000, base.horizon),
        cost=section.number("cost", 0.0, 0.2, base.cost),
        minimum_gain=section.number("minimum_gain", 0.0, 0.1, base.minimum_gain),
    )
