"""What is wrong with the data, and who has it in hand: list, show, acknowledge, resolve, snooze."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import Annotated, Any

import typer

from cli.output import Json, emit, guarded, say, table
from portfolio.errors import WrongUse

Which = Annotated[str, typer.Argument(help="Its id, or the first digits of it.")]
Note = Annotated[str, typer.Option("--note", help="Why, in words; it stays in the history.")]
By = Annotated[str | None, typer.Option("--by", help="Who says so; else the name of this login.")]


def register(app: typer.Typer) -> None:
    incidents = typer.Typer(help="What is wrong with the data, and who has it in hand.", no_args_is_help=True)
    incidents.command("list")(incidents_list)
    incidents.command("show")(show)
    incidents.command("acknowledge")(acknowledge)
    incidents.command("resolve")(resolve)
    incidents.command("snooze")(snooze)
    app.add_typer(incidents, name="incidents")


@guarded
def incidents_list(
    everything: Annotated[bool, typer.Option("--all", help="Those resolved too.")] = False,
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    json: Json = False,
) -> None:
    """The incidents that are not resolved, the worst first."""
    from tasks.doors import open_ledger
    from tasks.settings import settings

    found = open_ledger(settings()).incidents(live=not everything, dataset=dataset)
    if json:
        emit({"status": "done", "incidents": found})
        return
    rows = [(i.incident, _standing(i), f"{i.dataset} from {i.source or '–'}: {i.law}", _whom(i), i.bad, i.what) for i in found]
    table(f"{len(found)} incidents", ("incident", "state", "where", "whom", "rows", "what"), rows)


@guarded
def show(incident: Which, json: Json = False) -> None:
    """One incident: what, whom, its history, and the rows it took out."""
    from tasks.review import review
    from tasks.settings import settings

    document = review(settings(), incident)
    if json:
        emit({"status": "done", **document})
        return
    found = document["incident"]
    say(f"{found.incident}: {_standing(found)}")
    say(f"{found.dataset} from {found.source or '–'}, law {found.law}: {found.what}")
    say(f"Concerns {_whom(found)}; {found.bad} rows in {found.run}. A breach of it: {found.on_breach}.")
    if found.snoozed_until:
        say(f"Snoozed until {found.snoozed_until}.")
    lines = [(f"{e.at:%Y-%m-%d %H:%M}", e.kind, e.by, e.note) for e in document["history"]]
    table("History (UTC)", ("at", "what", "by", "note"), lines)
    trend = [(f"{t['at']:%Y-%m-%d %H:%M}", t["run"], t["status"], t["bad"]) for t in document["runs"]]
    table("Its law in the last runs", ("at", "run", "status", "rows"), trend)
    if document["quarantined"]:
        table("Rows taken out", ("symbol", "row"), [(q["symbol"], q["row"]) for q in document["quarantined"]])


@guarded
def acknowledge(incident: Which, note: Note = "", by: By = None, json: Json = False) -> None:
    """Take it in hand."""
    _do("acknowledge", json, incident, who(by), note)


@guarded
def resolve(
    incident: Which,
    how: Annotated[str, typer.Argument(help="fixed, expected, accepted or false_positive.")],
    note: Note = "",
    by: By = None,
    json: Json = False,
) -> None:
    """Settle it, and say why. What it froze is free again."""
    from portfolio.types import Resolution

    try:
        resolution = Resolution(how)
    except ValueError as error:
        raise WrongUse(f"{how!r} is no way to resolve.", "Say fixed, expected, accepted or false_positive.") from error
    _do("resolve", json, incident, resolution, who(by), note)


@guarded
def snooze(
    incident: Which,
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day of silence.")],
    note: Note = "",
    by: By = None,
    json: Json = False,
) -> None:
    """Say nothing of it until that day is over, unless it gets worse. What it froze stays frozen."""
    _do("snooze", json, incident, until.date(), who(by), note)


def _do(verb: str, json: bool, *words: Any) -> None:
    from tasks.doors import SystemClock, open_ledger
    from tasks.settings import settings

    moved = getattr(open_ledger(settings()), verb)(*words, SystemClock().now())
    if json:
        emit({"status": "done", "incident": moved})
    else:
        say(f"{moved.incident} ({moved.law}, {_whom(moved)}): {_standing(moved)}.")


def who(by: str | None) -> str:
    try:
        return by or getpass.getuser()
    except (KeyError, OSError) as error:
        raise WrongUse("This login has no name.", "Say who you are with --by.") from error


def _standing(incident: Any) -> str:
    """State, and what it does to trading, in few words."""
    settled = f" ({incident.resolution.value})" if incident.resolution else ""
    does = {"block": "freezes", "quarantine": "takes rows out"}.get(incident.on_breach)
    return ", ".join(part for part in (incident.state.value + settled, incident.severity, does, incident.owner) if part)


def _whom(incident: Any) -> str:
    named = ", ".join(incident.symbols[:6])
    return (named + (f" and {len(incident.symbols) - 6} more" if len(incident.symbols) > 6 else "")) or "no symbol by name"
