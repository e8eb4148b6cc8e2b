"""The plan in the terminal: its lines with their parts, the limits that are used most, hedges, margin and stress."""

from __future__ import annotations

from typing import Any

from cli.output import say, table

MOST = 12  # limits shown


def show_plan(document: dict[str, Any]) -> None:
    """Of a decision's JSON values; what it does not have is not shown."""
    from portfolio.reports.plan import plan_view

    view = plan_view(document)
    if view["lines"]:
        columns = ("side", "quantity", "symbol", "price", "value", "cost", "parts")
        table(
            "Plan",
            ("", "quantity", "symbol", "price", "value", "cost", "made of"),
            [[x[c] for c in columns] for x in view["lines"]],
        )
        say(view["total"])
    limits = [(x["rule"], x["who"], x["figure"], x["limit"], x["wished"], x["used"]) for x in view["limits"][:MOST]]
    table("Limits, the most used first", ("limit", "of", "figure", "limit", "wished", "used"), limits)
    if view["hedges"]:
        rows = [(x["name"], x["symbol"], f"{x['weight']:.2%}", f"{x['cost']:.3%}", x["reason"]) for x in view["hedges"]]
        table("Hedges", ("hedge", "with", "weight", "cost a year", "why"), rows)
    if view["margin"]:
        table("Margin", ("", "before", "after"), view["margin"])
    if view["stresses"]:
        rows = [(x["name"], x["before"], x["after"], x["limit"], x["proxied"]) for x in view["stresses"]]
        table("Stress, losses of equity", ("scenario", "held", "decided", "limit", "proxied"), rows)
    for one in view["backtests"]:
        say(one["sentence"])
