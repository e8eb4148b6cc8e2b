"""Rows in quarantine: let in by a person, repaired with evidence, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from portfolio.errors import WrongUse
from tasks import doors
from tasks.settings import Settings

if TYPE_CHECKING:
    from expectations.repair import Proposal


def held(settings: Settings, dataset: str | None, law: str | None, symbols: Sequence[str], most: int) -> list[dict[str, Any]]:
    """Rows in quarantine, newest first: id, dataset, law, symbol, source, row, quarantined_at, ruling (None: still held)."""
    with doors.open_lake(settings) as lake, lake.at(lake.snapshot()) as reader:
        return reader.quarantined(dataset, law, None, symbols, most)


def release(settings: Settings, dataset: str, ids: Sequence[str], by: str, note: str, now: datetime) -> dict[str, Any]:
    """Let rows in as they came; who and why stands in the warehouse and in the journal."""
    _reasoned(note)
    with doors.open_lake(settings) as lake:
        with lake.transaction(f"release-{now:%Y%m%dT%H%M%S%f}", now) as tx:
            merged = tx.release(dataset, ids, by, note)
        snapshot = lake.snapshot()
    done = {"dataset": dataset, "rows": list(ids), "by": by, "note": note, "added": merged.added, "revised": merged.revised}
    doors.open_ledger(settings).journal("release", done, now)
    return {**done, "snapshot": snapshot}


def repair(settings: Settings, symbols: Sequence[str], apply: bool, by: str, note: str, now: datetime) -> dict[str, Any]:
    """What could be repaired of the prices in quarantine, with its evidence; written where `apply` says so.

    proposals: symbol, session, law, evidence, and before and after of what changes.
    """
    from expectations.repair import propose

    if apply:
        _reasoned(note)
    found: list[Proposal] = []
    rows = 0
    with doors.open_lake(settings) as lake:
        with lake.at(lake.snapshot()) as reader:
            sources = sorted({row["source"] for row in reader.quarantined("prices", symbols=symbols, most=1_000_000)})
        with lake.transaction(f"repair-{now:%Y%m%dT%H%M%S%f}", now) as tx:
            for source in sources:
                others, actions = tx.held("prices", source, others=True), tx.held("corporate_actions")
                bad, sound = tx.held_back("prices", source), tx.held("prices", source)
                proposed = propose(tx.cursor, bad, sound, actions=actions, others=others)
                found += [p for p in proposed if not symbols or p.row["symbol"] in symbols]
            if apply and found:
                rows = tx.repair("prices", found, by, note).rows
        snapshot = lake.snapshot()
    said = [_said(one) for one in found]
    if apply and found:
        doors.open_ledger(settings).journal("repair", {"by": by, "note": note, "proposals": said}, now)
    return {"proposals": said, "repaired": rows, "snapshot": snapshot}


def _said(one: Proposal) -> dict[str, Any]:
    changed = {name: [one.row[name], value] for name, value in one.repaired.items() if value != one.row[name]}
    about = {"symbol": one.row["symbol"], "session": one.row["session"], "source": one.row["source"], "law": one.law}
    return about | {"changes": changed, "evidence": one.evidence}


def undo(settings: Settings, symbol: str, since: date, until: date, by: str, note: str, now: datetime) -> dict[str, Any]:
    """Take back the repairs of a symbol's prices between two days."""
    _reasoned(note)
    with doors.open_lake(settings) as lake:
        with lake.at(lake.snapshot()) as reader:
            instrument = reader.identities([symbol], now).get(symbol, symbol)
        with lake.transaction(f"undo-{now:%Y%m%dT%H%M%S%f}", now) as tx:
            count = tx.undo_repairs("prices", instrument, since, until, by, note)
        snapshot = lake.snapshot()
    done = {"symbol": symbol, "since": since, "until": until, "undone": count, "by": by, "note": note}
    doors.open_ledger(settings).journal("repair undone", done, now)
    return {**done, "snapshot": snapshot}


def _reasoned(note: str) -> None:
    if not note.strip():
        raise WrongUse("Nothing is let in or taken back without a reason.", "Say why with --note.")
