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
        _show_lines(view)
    limits = [(x["rule"], x["who"], x["figure"], x["limit"], x["wished"], x["used"]) for x in view["limits"][:MOST]]
    table("Limits, the most used first", ("limit", "of", "figure", "limit", "wished", "used"), limits)
    if view["hedges"]:
        table("Hedges", ("hedge", "with", "weight", "cost a year", "made of", "why"), [_hedge(one) for one in view["hedges"]])
    if view["margin"]:
        table("Margin", ("", "before", "after"), view["margin"])
        say(view["loan"])
    if view["stresses"]:
        rows = [(x["name"], x["before"], x["after"], x["limit"], x["sentence"], x["proxied"]) for x in view["stresses"]]
        table("Stress, losses of equity", ("scenario", "held", "decided", "limit", "what happens", "proxied"), rows)
    for one in view["backtests"]:
        say(one["sentence"])


def _show_lines(view: dict[str, Any]) -> None:
    columns = ("side", "quantity", "symbol", "price", "value", "cost", "parts")
    heads = ("", "quantity", "symbol", "price", "value", "cost", "made of")
    table("Plan", heads, [[line[c] for c in columns] for line in view["lines"]])
    say(view["total"])


def _hedge(one: dict[str, Any]) -> tuple[str, ...]:
    return (one["name"], one["symbol"], f"{one['weight']:.2%}", f"{one['cost']:.3%}", one["cost_of"], one["reason"])
