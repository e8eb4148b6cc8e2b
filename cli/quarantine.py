"""Rows that broke a law: looked at, let in, repaired with evidence, and taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from cli.incidents import By, Note, who
from cli.output import Json, emit, guarded, say, table
from portfolio.errors import WrongUse

Symbols = Annotated[str | None, typer.Option(help="Only these, separated by commas.")]
SHOWN = 200


def register(app: typer.Typer) -> None:
    quarantine = typer.Typer(help="Rows that broke a law.", no_args_is_help=True)
    quarantine.command("list")(quarantine_list)
    quarantine.command("release")(release)
    quarantine.command("repair")(repair)
    quarantine.command("undo")(undo)
    app.add_typer(quarantine, name="quarantine")


@guarded
def quarantine_list(
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    law: Annotated[str | None, typer.Option(help="Only rows that broke this law.")] = None,
    symbols: Symbols = None,
    json: Json = False,
) -> None:
    """The rows that broke a law, newest first, at most 200."""
    from tasks.letting_in import held
    from tasks.settings import settings

    rows = held(settings(), dataset, law, _listed(symbols), SHOWN)
    if json:
        emit({"status": "done", "rows": rows})
        return
    shown = [(r["id"], f"{r['dataset']} from {r['source']}", r["law"], r["ruling"] or "held", r["row"]) for r in rows]
    table(f"{len(rows)} rows in quarantine", ("id", "where", "law", "ruling", "row"), shown)


@guarded
def release(
    ids: Annotated[list[str], typer.Argument(help="Ids that `quarantine list` shows.")],
    dataset: Annotated[str, typer.Option(help="Where the rows wanted to go.")] = "prices",
    note: Note = "",
    by: By = None,
    json: Json = False,
) -> None:
    """Let rows in as they came. Who said so, and why, stays with them."""
    from tasks.doors import SystemClock
    from tasks.letting_in import release as let_in
    from tasks.settings import settings

    done = let_in(settings(), dataset, ids, who(by), note, SystemClock().now())
    if json:
        emit({"status": "done", **done})
    else:
        say(f"{len(ids)} rows let into {dataset}: {done['added']} new, {done['revised']} revised; snapshot {done['snapshot']}.")


@guarded
def repair(
    symbols: Symbols = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write what is proposed; without it, only show it.")] = False,
    note: Note = "",
    by: By = None,
    json: Json = False,
) -> None:
    """What could be repaired of the prices in quarantine, each with its evidence; with --apply it is written."""
    from tasks.doors import SystemClock
    from tasks.letting_in import repair as mend
    from tasks.settings import settings

    done = mend(settings(), _listed(symbols), apply, who(by), note, SystemClock().now())
    if json:
        emit({"status": "done", **done})
        return
    rows = [(p["symbol"], p["session"], p["law"], _changes(p["changes"]), p["evidence"]) for p in done["proposals"]]
    table(f"{len(rows)} repairs proposed", ("symbol", "session", "law", "changes", "evidence"), rows)
    if apply:
        say(f"{done['repaired']} rows repaired; snapshot {done['snapshot']}. `trimtab quarantine undo` takes them back.")
    elif rows:
        say("Nothing is written; --apply --note WHY writes it.")


@guarded
def undo(
    symbol: Annotated[str, typer.Argument(help="Whose repairs.")],
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    until: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")],
    note: Note = "",
    by: By = None,
    json: Json = False,
) -> None:
    """Take repairs back: what stood there before stands there again."""
    from tasks.doors import SystemClock
    from tasks.letting_in import undo as take_back
    from tasks.settings import settings

    done = take_back(settings(), symbol, since.date(), until.date(), who(by), note, SystemClock().now())
    if json:
        emit({"status": "done", **done})
    else:
        say(f"{done['undone']} repairs of {symbol} taken back; snapshot {done['snapshot']}.")


def _changes(changes: dict[str, Any]) -> str:
    return ", ".join(f"{name} {old} -> {new}" for name, (old, new) in changes.items())


def _listed(symbols: str | None) -> tuple[str, ...]:
    if symbols is not None and not symbols.strip(", "):
        raise WrongUse("--symbols names nobody.", "Write --symbols A,B.")
    return tuple(s.strip() for s in symbols.split(",") if s.strip()) if symbols else ()
