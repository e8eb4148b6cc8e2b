"""When to trade, and how far: the calendar, bands, signals, cash flows, and what a trade is worth after its cost."""

from portfolio.timing.when import Occasion, rebalance

__all__ = ["Occasion", "rebalance"]
