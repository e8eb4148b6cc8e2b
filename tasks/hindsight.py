"""Past decisions, made again with what the warehouse knows now: which would have been others, and in what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from portfolio.decide import decide
from portfolio.errors import Trouble
from portfolio.record import book_from, decision_document, policy_from
from tasks import doors
from tasks.calendar import hours
from tasks.market import hindsight_at, wanted
from tasks.settings import Settings

if TYPE_CHECKING:
    from portfolio.types import Policy
    from warehouse.lake import Lake


def reconsider(settings: Settings, instruments: Collection[str], snapshot: int) -> list[dict[str, Any]]:
    """The decisions of every portfolio that read one of `instruments` and would be others with the prices of `snapshot`.

    Account, quotes, policy and health are those of the record; the prices are of the same sessions, as they are known now.
    Each entry: decision, portfolio, session, status (changed | no longer possible), changes (sentences).
    """
    ledger = doors.open_ledger(settings)
    found = []
    with doors.open_lake(settings) as lake:
        for record in ledger.decisions():
            changes = _changes(lake, record["document"], instruments, snapshot)
            if changes:
                about = {"decision": record["decision"], "portfolio": record["portfolio"], "session": record["session"]}
                found.append(about | changes)
    return found


def _changes(lake: Lake, recorded: Mapping[str, Any], instruments: Collection[str], snapshot: int) -> dict[str, Any] | None:
    """None where the decision would be the same, or read none of the instruments."""

    policy, was = policy_from(recorded), recorded["inputs"]["market"]
    times = hours(date.fromisoformat(was["session"]))
    if times is None or not _read(lake, policy, snapshot) & set(instruments):
        return None
    try:
        market = hindsight_at(lake, policy, times, datetime.fromisoformat(was["as_of"]), snapshot, was)
        market = replace(market, snapshot=was["snapshot"])  # so that only what was decided can differ
        book = book_from(recorded["inputs"]["book"])
        again = decision_document(decide(policy, market, book, code_version=recorded["code_version"]), policy, market, book)
    except Trouble as trouble:
        return {"status": "no longer possible", "changes": [trouble.what]}
    changes = [*_weights(recorded["weights"], again["weights"]), *_orders(recorded["plan"], again["plan"])]
    return {"status": "changed", "changes": changes} if changes else None


def _read(lake: Lake, policy: Policy, snapshot: int) -> set[str]:
    """The instruments that a policy looks at, its benchmark too."""
    with lake.at(snapshot) as reader:
        return set(reader.identities(wanted(policy), None).values())


def _weights(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    """Weights that moved by a basis point or more."""
    moved = [(s, before.get(s, 0.0), after.get(s, 0.0)) for s in sorted({*before, *after})]
    return [f"{s}: weight {old:.2%} -> {new:.2%}" for s, old, new in moved if abs(new - old) >= 1e-4]


def _orders(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
    """Orders of other sizes."""
    old, new = ({x["symbol"]: f"{x['side']} {x['quantity']}" for x in plan["lines"]} if plan else {} for plan in (before, after))
    return [
        f"{s}: {old.get(s, 'no order')} -> {new.get(s, 'no order')}" for s in sorted({*old, *new}) if old.get(s) != new.get(s)
    ]
