"""The gate's profiles. `strict` is for real money; `paper` is wide. Each value can be set in [gate]."""

from __future__ import annotations

from portfolio.section import Section
from portfolio.types import GatePolicy

STRICT = GatePolicy(
    profile="strict",
    max_order_value=0.05,
    max_order_value_absolute=250_000.0,
    max_volume_share=0.05,
    max_price_distance=0.05,
    max_quote_age=15.0,
    max_turnover=0.30,
    max_daily_notional=2.0,
    max_orders_a_minute=30,
    max_orders_a_symbol_a_day=3,
    minimum_cash_after=0.10,
    allow_short=False,
    duplicate_minutes=10.0,
    minutes_before_close=5.0,
    funding_order_value=0.25,
    funding_turnover=1.0,
)
PAPER = GatePolicy(
    profile="paper",
    max_order_value=1.0,
    max_order_value_absolute=1e9,
    max_volume_share=1.0,
    max_price_distance=0.10,
    max_quote_age=60.0,
    max_turnover=2.0,
    max_daily_notional=4.0,
    max_orders_a_minute=600,
    max_orders_a_symbol_a_day=20,
    minimum_cash_after=0.0,
    allow_short=False,
    duplicate_minutes=0.0,
    minutes_before_close=1.0,
    funding_order_value=1.0,
    funding_turnover=2.0,
)
PROFILES = {"strict": STRICT, "paper": PAPER}


def read_gate(section: Section, *, margin: bool = False) -> GatePolicy:
    """The profile's values, each replaced by the section's own where it names it. margin: the policy has a margin account."""
    base = PROFILES[section.word("profile", tuple(PROFILES), "strict")]
    return GatePolicy(
        profile=base.profile,
        max_order_value=section.number("max_order_value", 0, 10, base.max_order_value),
        max_order_value_absolute=section.number("max_order_value_absolute", 0, 1e12, base.max_order_value_absolute),
        max_volume_share=section.number("max_volume_share", 0, 1, base.max_volume_share),
        max_price_distance=section.number("max_price_distance", 0, 1, base.max_price_distance),
        max_quote_age=section.number("max_quote_age", 0, 3600, base.max_quote_age),
        max_turnover=section.number("max_turnover", 0, 10, base.max_turnover),
        max_daily_notional=section.number("max_daily_notional", 0, 100, base.max_daily_notional),
        max_orders_a_minute=section.count("max_orders_a_minute", 1, 2400, base.max_orders_a_minute),
        max_orders_a_symbol_a_day=section.count("max_orders_a_symbol_a_day", 1, 1000, base.max_orders_a_symbol_a_day),
        minimum_cash_after=section.number("minimum_cash_after", 0, 1, base.minimum_cash_after),
        allow_short=_short(section, margin),
        duplicate_minutes=section.number("duplicate_minutes", 0, 1440, base.duplicate_minutes),
        minutes_before_close=section.number("minutes_before_close", 0, 390, base.minutes_before_close),
        funding_order_value=section.number("funding_order_value", 0, 10, base.funding_order_value),
        funding_turnover=section.number("funding_turnover", 0, 10, base.funding_turnover),
    )


def _short(section: Section, margin: bool) -> bool:
    allowed = section.flag("allow_short", False)
    if allowed and not margin:
        raise section.wrong("allow_short", "false where the policy has no [margin]: what is sold short is borrowed")
    return allowed
