"""The account from the terminal: orders, reconcile, halt, resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import Json, emit, guarded, say, table
from portfolio.errors import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from warehouse.ledger import SqlLedger


def register(app: typer.Typer) -> None:
    app.command("orders")(orders)
    app.command("reconcile")(reconcile)
    app.command("halt")(halt)
    app.command("resume")(resume)


@guarded
def orders(
    plan: Annotated[str | None, typer.Option(help="Only this plan's.")] = None,
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Only those not yet at an end.")] = False,
    json: Json = False,
) -> None:
    """The orders that the ledger knows, oldest first."""
    from tasks.doors import open_ledger
    from tasks.settings import settings

    where = settings()
    found = open_ledger(where).intents(where.account, plan, unfinished)
    if json:
        emit({"status": "done", "orders": found})
        return
    rows = [(i.ref, i.session, i.side.value, i.quantity, i.symbol, i.currency, i.state.value, i.filled, i.note) for i in found]
    names = ("ref", "session", "side", "quantity", "symbol", "currency", "state", "filled", "note")
    table(f"Orders of {where.account}", names, rows)


@guarded
def reconcile(
    policy: Annotated[str | None, typer.Option(help="Whose mode and currency count; the demo's if none is named.")] = None,
    json: Json = False,
) -> None:
    """Compare ledger and gateway to the share and the cent; exit 1 where they differ."""
    from tasks.doors import demo_policy, read_policy
    from tasks.settings import settings
    from tasks.trade import reconcile as reconcile_account

    where = settings()
    seen = reconcile_account(where, read_policy(policy or demo_policy()))
    breaks = [b.sentence for b in seen.breaks]
    document = {
        "status": "refused" if breaks else "done",
        "account": where.account,
        "session": seen.session,
        "state": seen.state,
        "breaks": breaks,
        "warnings": list(seen.warnings),
        "positions": seen.picture.positions,
        "cash": seen.picture.cash,
    }
    if json:
        emit(document)
    else:
        say("; ".join(breaks) if breaks else f"Ledger and gateway agree on {where.account}; it is {seen.state.value}.")
        for words in seen.warnings:
            say(f"Warning: {words}.")
    if breaks:
        raise typer.Exit(1)


@guarded
def halt(
    reason: Annotated[str, typer.Argument(help="Why, for the journal.")] = "halted by hand",
    json: Json = False,
) -> None:
    """Stop all trading of the account until `trimtab resume`."""
    from portfolio.types import BY_HAND, TradingState

    told = BY_HAND + reason
    _change("HALTED", reason, json, lambda ledger, account, at: ledger.set_trading_state(account, TradingState.HALTED, told, at))


@guarded
def resume(
    reason: Annotated[str, typer.Argument(help="Why, for the journal.")] = "resumed by hand",
    json: Json = False,
) -> None:
    """Let the account trade again once the next reconcile passes; what was lost before no longer counts as a drawdown."""
    _change("UNRECONCILED", reason, json, lambda ledger, account, at: ledger.resume(account, reason, at))


def _change(state: str, reason: str, json: bool, write: Callable[[SqlLedger, str, datetime], None]) -> None:
    from tasks.doors import SystemClock, open_ledger
    from tasks.settings import settings

    where = settings()
    if not reason.strip():
        raise Refused("A change of the trading state needs a reason.", "Give one: it stands in the journal.")
    ledger = open_ledger(where)
    write(ledger, where.account, SystemClock().now())
    document = {"status": "done", "account": where.account, "state": state, "reason": reason}
    if json:
        emit(document)
    else:
        say(f"{where.account} is {state}: {reason}.")
