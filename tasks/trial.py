"""What is said beside a decision that was only tried: what was assumed, and what is on record of its session."""

from __future__ import annotations

from typing import Any

from portfolio.types import Decision, Policy
from tasks import doors
from tasks.book import TRIAL_CASH
from tasks.settings import Settings


def assumed(settings: Settings, policy: Policy) -> str | None:
    """What `tasks.decide.tried` takes for the account where none is on record; None where one is."""
    if doors.open_ledger(settings).opened(settings.account):
        return None
    cash = f"{TRIAL_CASH:,} {policy.base_currency}"
    return f"no account {settings.account} is on record (TRIMTAB_ACCOUNT), so {cash} in cash"


def beside(settings: Settings, policy: Policy, tried: Decision) -> dict[str, Any]:
    """assumed; recorded_decision: id of the newest on record of the session, None where there is none; note: which is shown."""
    found = doors.open_ledger(settings).decision_for(policy.name, tried.session, settings.account)
    recorded = found["decision"] if found else None
    there = f"the session's recorded decision is {recorded}" if recorded else "no decision of this session is on record"
    same = ", of the same id because policy, moment and snapshot are the same" if recorded == tried.decision else ""
    return {
        "assumed": assumed(settings, policy),
        "recorded_decision": recorded,
        "note": f"tried, not recorded; {there}{same}",
    }
