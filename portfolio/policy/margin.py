"""[margin] and [costs]: what the account may borrow, what that costs, and what a trade is expected to cost."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from portfolio.errors import WrongUse
from portfolio.section import Section
from portfolio.types import CostPolicy, MarginPolicy

SCHEDULES = ("ib_fixed", "ib_tiered", "per_share", "per_value", "none")


def read_margin(section: Section | None, traded: tuple[str, ...]) -> MarginPolicy | None:
    """None where the policy has no such table: then nothing is borrowed and nothing is sold short."""
    if section is None:
        return None
    usual = MarginPolicy()
    return MarginPolicy(
        leverage=section.number("leverage", 1.0, 4.0, usual.leverage),
        initial=section.number("initial", 0.0, 1.0, usual.initial),
        maintenance=section.number("maintenance", 0.0, 1.0, usual.maintenance),
        short_initial=section.number("short_initial", 0.0, 2.0, usual.short_initial),
        short_maintenance=section.number("short_maintenance", 0.0, 2.0, usual.short_maintenance),
        benchmark_rate=section.number("benchmark_rate", 0.0, 1.0),
        tiers=_tiers(section, usual.tiers),
        borrow_fee=section.number("borrow_fee", 0.0, 10.0, usual.borrow_fee),
        borrow_fees=_fees(section, traded),
        cushion=section.number("cushion", 0.0, 1.0, usual.cushion),
    )


def _tiers(section: Section, usual: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """[[margin.tiers]] up_to, spread; the last has no `up_to`."""
    found = section.tables("tiers", ())
    if not found:
        return usual
    out = []
    for number, each in enumerate(found, start=1):
        last = number == len(found)
        if last and "up_to" in each.table:
            raise WrongUse(
                f"[{each.path}] is the last tier and names up_to.", "Leave it out: the last tier has no end.", key="up_to"
            )
        up_to = float("inf") if last else each.number("up_to", 0.0, 1e15)
        out.append((up_to, each.number("spread", 0.0, 1.0)))
        each.done()
    if any(low[0] >= high[0] for low, high in itertools.pairwise(out)):
        raise section.wrong("tiers", "a list whose `up_to` rises from one to the next")
    return tuple(out)


def _fees(section: Section, traded: tuple[str, ...]) -> dict[str, float]:
    inner = section.section("borrow_fees", {})
    assert inner is not None
    strange = [symbol for symbol in inner.table if symbol not in traded]
    if strange:
        what = f"[margin.borrow_fees] names {strange[0]}, which the policy does not trade."
        raise WrongUse(what, "Take it out, or name a symbol of the universe or of a hedge.", key=strange[0])
    return {symbol: inner.number(symbol, 0.0, 10.0) for symbol in inner.table}


def read_costs(section: Section | None) -> CostPolicy:
    """A key that its schedule does not read is unknown."""
    usual = CostPolicy()
    if section is None:
        return usual
    kind = section.word("commission", SCHEDULES, usual.commission)
    own: Mapping[str, Any] = {}
    if kind in {"per_share", "per_value"}:
        own = {
            "rate": section.number("rate", 0.0, 100.0 if kind == "per_share" else 0.1),
            "minimum": section.number("minimum", 0.0, 1000.0, usual.minimum),
            "maximum": section.number("maximum", 0.0, 1.0, usual.maximum),
        }
    return CostPolicy(
        commission=kind,
        half_spread=section.number("half_spread", 0.0, 0.1, usual.half_spread),
        impact=section.number("impact", 0.0, 10.0, usual.impact),
        **own,
    )
