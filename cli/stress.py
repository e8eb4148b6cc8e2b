"""`trimtab stress`: what today's book and the plan would lose."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from cli.output import Json, emit, guarded, progress, say, table


def register(app: typer.Typer) -> None:
    app.command("stress")(stress)


@guarded
def stress(
    policy: Annotated[str, typer.Argument(help="The policy file.")],
    shock: Annotated[
        list[str] | None,
        typer.Option("--shock", help="equities=-0.2, rates=+0.02, AAPL=-0.6, sector.tech=-0.3, volatility=2, 2008 … Repeat it."),
    ] = None,
    as_of: Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The session to decide for.")] = None,
    json: Json = False,
) -> None:
    """What the book, and the plan that would be decided, would lose: in history, in what never was, or in shocks by hand.

    Shocks with a value make one scenario together; names of scenarios are shown each. Exit 1 where the plan breaks a limit.
    """
    from tasks.calendar import exchange_day
    from tasks.doors import SystemClock, read_policy
    from tasks.settings import settings
    from tasks.stress import stress as stressed

    rules = read_policy(policy)
    session = as_of.date() if as_of else exchange_day(SystemClock().now())
    with progress(quiet=json):
        document = stressed(settings(), rules, session, shock or ())
    if json:
        emit(document)
    else:
        _show(document)
    if document["status"] == "refused":
        raise typer.Exit(1)


def _show(document: dict[str, Any]) -> None:
    title = f"Stress of {document['portfolio']} in session {document['session']}: losses, fractions of equity"
    figures = ("scenario", "what is held", "what is decided", "limit", "used")
    table(title, figures, [_figures(one) for one in document["scenarios"]])
    table("What happens, and what stands in for a history", ("scenario", "words"), [_words(one) for one in document["scenarios"]])
    for one in document["scenarios"]:
        if one["name"] in document["broken"]:
            say(f"Over its limit of {_percent(one['limit'])}: {one['name']}, {_percent(one['after'])}: {one['sentence']}.")
    if document["assumed"]:
        say(f"Assumed: {document['assumed']}.")


def _figures(one: dict[str, Any]) -> tuple[str, ...]:
    limits = ["" if one[key] is None else _percent(one[key]) for key in ("limit", "used")]
    return (one["name"], *(_percent(one[key]) for key in ("before", "after")), *limits)


def _words(one: dict[str, Any]) -> tuple[str, str]:
    from portfolio.reports.plan import some_proxies

    proxies = some_proxies(one["proxied"], one["parts"])
    return one["name"], one["sentence"] + (f": {proxies}" if proxies else "")  # it ends with how many are proxied


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2%}"
