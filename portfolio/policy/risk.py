"""[risk]: the limits, each read once."""

from __future__ import annotations

from portfolio.errors import WrongUse
from portfolio.measures import METHODS
from portfolio.policy.objectives import Objective
from portfolio.policy.sizing import read_sizing
from portfolio.policy.stress import read_stress
from portfolio.section import Section
from portfolio.types import Classes, DrawdownLimit, LiquidityPolicy, RiskPolicy, TailLimit

CURRENCY = "currency"  # of [risk.max_group], beside the classes of [universe.groups]


def read_risk(section: Section, objective: Objective, classes: Classes, *, leveraged: bool = False) -> RiskPolicy:
    """A limit that is deleted falls back to its objective's: there is no way to have none of those that each account needs.

    classes: of [universe.groups]; leveraged: whether the policy has a margin account, without which no gross is above 1.
    """
    return RiskPolicy(
        max_weight=section.number("max_weight", 0.0, 1.0, objective.max_weight),
        max_gross=_gross(section, leveraged),
        cash_reserve=section.number("cash_reserve", 0.0, 1.0, 0.01),
        daily_drawdown=_drawdown(section, "daily_drawdown", objective.daily_drawdown),
        monthly_drawdown=_drawdown(section, "monthly_drawdown", objective.monthly_drawdown),
        value_at_risk=_tail(section, "value_at_risk"),
        conditional_value_at_risk=_tail(section, "conditional_value_at_risk"),
        unknown=section.word("unknown", ("warn", "block"), "warn"),
        lookback=section.count("lookback", 60, 10_000, 504),
        peak_drawdown=_drawdown(section, "peak_drawdown", None),
        max_group=_groups(section, classes),
        min_effective_names=_optional(section, "min_effective_names", 1.0, 100_000.0),
        max_component=_optional(section, "max_component", 0.0, 1.0),
        max_volatility=_optional(section, "max_volatility", 0.0, 10.0),
        max_volatility_at_one=_optional(section, "max_volatility_at_one", 0.0, 10.0),
        beta=_beta(section),
        sizing=read_sizing(section.section("sizing", None)),
        liquidity=_liquidity(section),
        stress=read_stress(section.section("stress", None), classes),
    )


def _gross(section: Section, leveraged: bool) -> float:
    value = section.table.get("max_gross", 1.0)
    if not leveraged and isinstance(value, (int, float)) and not isinstance(value, bool) and 1.0 < value <= 10.0:
        what = f"[risk] max_gross = {value:g} is leverage, and the policy has no margin account."
        raise WrongUse(what, "Add [margin], or set `max_gross` to at most 1.", key="max_gross", value=value)
    return section.number("max_gross", 0.0, 10.0 if leveraged else 1.0, 1.0)


def _optional(section: Section, key: str, low: float, high: float) -> float | None:
    value: float | None = section.number(key, low, high) if key in section.table else section.absent(key)
    return value


def _drawdown(section: Section, key: str, usual: DrawdownLimit | None) -> DrawdownLimit | None:
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
    method = inner.word("method", METHODS, "historical")
    lowest = 0.9 if method == "extreme_value" else 0.5  # its law is fitted to the worst tenth
    limit = TailLimit(
        level=inner.number("level", lowest, 0.999),
        days=inner.count("days", 1, 20),
        limit=inner.number("limit", 0.0, 1.0),
        method=method,
        degrees=_optional(inner, "degrees", 2.1, 1_000.0) if method == "monte_carlo" else None,
    )
    inner.done()
    return limit


def _groups(section: Section, classes: Classes) -> dict[str, float]:
    inner = section.section("max_group", {})
    assert inner is not None
    known = tuple(dict.fromkeys([*classes, CURRENCY]))
    for name in inner.table:
        if name not in known:
            what = f"[{inner.path}] names {name}, which is no class of [universe.groups]."
            raise WrongUse(what, f"There are: {', '.join(known)}.", key=name)
    return {name: inner.number(name, 0.0, 10.0) for name in inner.table}


def _beta(section: Section) -> tuple[float, float] | None:
    inner = section.section("beta", None)
    if inner is None:
        return None
    if not inner.table:
        raise WrongUse(f"[{inner.path}] limits nothing.", "Write `beta = { min = …, max = … }`, one of them at least.")
    low, high = inner.number("min", -10.0, 10.0, -10.0), inner.number("max", -10.0, 10.0, 10.0)
    inner.done()
    if low > high:
        raise inner.wrong("min", "at most `max`")
    return low, high


def _liquidity(section: Section) -> LiquidityPolicy:
    inner, usual = section.section("liquidity", None), LiquidityPolicy()
    if inner is None:
        return usual
    found = LiquidityPolicy(
        participation=inner.number("participation", 0.001, 1.0, usual.participation),
        days=_optional(inner, "days", 0.0, 1_000.0),
        volume_share=_optional(inner, "volume_share", 0.0, 1_000.0),
    )
    inner.done()
    return found
