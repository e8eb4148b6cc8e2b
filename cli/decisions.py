"""Decisions and plans from the terminal: decide, show, replay, trade."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from cli.explained import show_plan
from cli.output import Json, emit, guarded, progress, say, table
from portfolio.errors import Refused


def register(app: typer.Typer) -> None:
    app.command("decide")(decide)
    decision = typer.Typer(help="What was decided, and why.", no_args_is_help=True)
    decision.command("list")(decision_list)
    decision.command("show")(decision_show)
    decision.command("replay")(decision_replay)
    app.add_typer(decision, name="decision")
    plan = typer.Typer(help="Which orders.", no_args_is_help=True)
    plan.command("show")(plan_show)
    app.add_typer(plan, name="plan")
    app.command("trade")(trade)


@guarded
def decide(
    policy: Annotated[str, typer.Argument(help="The policy file.")],
    as_of: Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The session to decide for.")] = None,
    json: Json = False,
) -> None:
    """What would be decided, from the warehouse alone: nothing is written, nobody is asked, nothing is traded.

    Without an account on record 1,000,000 of the base currency in cash is assumed, and said.
    """
    from portfolio.record import decision_body
    from tasks.calendar import exchange_day
    from tasks.decide import trial
    from tasks.doors import SystemClock, read_policy
    from tasks.settings import settings
    from tasks.summary import trial_document
    from tasks.trial import beside

    rules = read_policy(policy)
    session = as_of.date() if as_of else exchange_day(SystemClock().now())
    with progress(quiet=json):
        found = trial(settings(), rules, session)
    document = trial_document(found) | beside(settings(), rules, found)
    if json:
        emit(document)
    else:
        _show(document, _title(document))
        show_plan(decision_body(found))
        _say_beside(document)
    if document["status"] == "refused":
        raise typer.Exit(1)


@guarded
def decision_list(
    portfolio: Annotated[str | None, typer.Argument(help="The portfolio's name; all of them without one.")] = None,
    json: Json = False,
) -> None:
    """The decisions on record of all portfolios, or of one, oldest first."""
    from tasks.doors import open_ledger
    from tasks.settings import settings

    ledger = open_ledger(settings())
    rows = [_line(ledger, record) for record in ledger.decisions(portfolio)]
    if json:
        emit({"status": "done", "decisions": rows})
    elif rows:
        columns = ("decision", "portfolio", "session", "snapshot", "status", "plan", "plan_status")
        table(f"Decisions of {portfolio or 'all portfolios'}", columns, [[row[c] for c in columns] for row in rows])
    else:
        others = sorted({record["portfolio"] for record in ledger.decisions()}) if portfolio else []
        there = f"; there are decisions of {', '.join(others)}" if others else ""
        say(f"No decision {f'of {portfolio} ' if portfolio else ''}is on record{there}.")


def _line(ledger: Any, record: dict[str, Any]) -> dict[str, Any]:
    plan = record["document"]["plan"]
    name = plan["plan"] if plan else None
    row = {key: record[key] for key in ("decision", "portfolio", "session", "snapshot", "status")}
    return row | {"plan": name, "plan_status": ledger.plan_status(name) if name else None}


@guarded
def decision_show(decision: Annotated[str, typer.Argument(help="Its id.")], json: Json = False) -> None:
    """One decision, whole."""
    from tasks.doors import open_ledger
    from tasks.settings import settings

    record = open_ledger(settings()).decision(decision)
    if record is None:
        raise Refused(f"There is no decision {decision}.", "`trimtab decision list` names them.")
    if json:
        emit({**record["document"], "recorded": record["status"]})
    else:
        _show(record["document"], f"Decision {decision}")
        show_plan(record["document"])


@guarded
def decision_replay(decision: Annotated[str, typer.Argument(help="Its id.")], json: Json = False) -> None:
    """Recompute a decision from its snapshot and compare: equal, to the share, or exit 1."""
    from tasks.decide import replay
    from tasks.settings import settings

    with progress(quiet=json):
        document = replay(settings(), decision)
    if json:
        emit(document)
    else:
        say(f"Decision {decision}: {document['status']}.")
        for words in document["differences"]:
            say(f"  {words}")
    if document["status"] != "equal":
        raise typer.Exit(1)


@guarded
def plan_show(plan: Annotated[str, typer.Argument(help="Its id.")], json: Json = False) -> None:
    """One plan: its orders, how each of them stands, and why it is there."""
    from portfolio.record import plan_document
    from tasks.doors import open_ledger
    from tasks.settings import settings

    ledger = open_ledger(settings())
    found = ledger.plan(plan)
    if found is None:
        raise Refused(f"There is no plan {plan}.", "`trimtab decision list` names decisions and their plans.")
    states = {i.ref: i for i in ledger.intents(found.account, plan)}
    if json:
        document = plan_document(found)
        lines = [{**line, "state": states[line["ref"]].state, "note": states[line["ref"]].note} for line in document["lines"]]
        emit({**document, "status": ledger.plan_status(plan), "lines": lines})
        return
    rows = [(x.ref, x.side, x.quantity, x.symbol, x.price, states[x.ref].state.value, x.reason) for x in found.lines]
    table(f"Plan {plan}: {ledger.plan_status(plan)}", ("ref", "side", "quantity", "symbol", "price", "state", "why"), rows)


@guarded
def trade(plan: Annotated[str, typer.Argument(help="The plan's id.")], json: Json = False) -> None:
    """Bring a plan to its end at the gateway of TRIMTAB_IB_HOST and TRIMTAB_IB_PORT. Safe to repeat."""
    from tasks.doors import open_ledger
    from tasks.narration import tell
    from tasks.settings import settings
    from tasks.summary import summary
    from tasks.trade import trade as execute

    with progress(quiet=json):
        ended = execute(settings(), plan, tell)
    found = open_ledger(settings()).plan(plan)
    status = {"done": "traded", "partly": "partly traded"}.get(ended, ended)
    document = summary(settings(), found.decision if found else None, status)
    if json:
        emit(document)
    else:
        say(f"Plan {plan}: {status}, {len(document['fills'])} fills of {len(document['orders'])} orders.")
    if status in {"refused", "expired"}:
        raise typer.Exit(1)


def _title(document: dict[str, Any]) -> str:
    """Of a decision that was only tried; one on record may have its id and another content."""
    if document["recorded_decision"] == document["decision"]:
        return f"Tried again, not recorded: what decision {document['decision']} would be now"
    return f"Tried, not recorded: decision {document['decision']}"


def _say_beside(document: dict[str, Any]) -> None:
    recorded = document["recorded_decision"]
    where = f"; `trimtab decision show {recorded}` shows that one" if recorded else ""
    say(f"T{document['note'].removeprefix('t')}{where}.")
    if document["assumed"]:
        say(f"Assumed: {document['assumed']}.")


def _show(document: dict[str, Any], title: str) -> None:
    rows = [("status", document["status"]), ("why", "; ".join(document["reasons"])), ("road", " > ".join(document["road"]))]
    if document.get("certificate"):
        rows.append(("certificate", _certificate(document["certificate"])))
    rows += [("session", document["session"]), ("snapshot", document["snapshot"])]
    table(title, ("", ""), rows)
    _show_weights(document["weights"], document.get("current") or {}, document.get("why") or {})
    table("Verdicts", ("rule", "says", "why"), [(v["rule"], v["action"], v["reason"]) for v in document["verdicts"]])


def _show_weights(weights: dict[str, float], current: dict[str, float], why: dict[str, str]) -> None:
    """What is held or decided, the largest first, and what is left in cash."""
    there = sorted((s for s in weights if max(abs(weights[s]), abs(current.get(s, 0.0))) > 1e-6), key=lambda s: (-weights[s], s))
    rows = [(s, f"{current.get(s, 0.0):.2%}", f"{weights[s]:.2%}", why.get(s, "").split(": ", 1)[-1]) for s in there]
    rows.append(("cash", f"{1 - sum(current.values()):.2%}", f"{1 - sum(weights.values()):.2%}", ""))
    table("Weights, fractions of equity", ("symbol", "held", "decided", "why"), rows)


def _certificate(found: dict[str, Any]) -> str:
    """`optimal by highs: objective 0.0205, gap 1e-09; binding, …`."""
    gap = "no bound is known" if found.get("gap") is None else f"at most {found['gap']:.1e} from the best possible"
    binding = f"; binding, in fractions of what is invested: {', '.join(found['binding'])}" if found["binding"] else ""
    return f"{found['status']} by {found.get('engine') or 'riskfolio'}: objective {found['objective']:.6g}, {gap}{binding}"
