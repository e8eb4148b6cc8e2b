"""What the book, and the plan that would be decided for it, would lose in a stress."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from portfolio.book import Book, foreign_cash, valued
from portfolio.hedging import hedge_weights
from portfolio.market import Market
from portfolio.risk import Situation
from portfolio.risk.limits import within
from portfolio.risk.stress import by_hand, stresses
from portfolio.types import Decision, Policy, StressResult
from tasks.decide import tried
from tasks.settings import Settings
from tasks.trial import assumed


def stress(settings: Settings, policy: Policy, session: date, shocks: Sequence[str] = ()) -> dict[str, Any]:
    """The document of `trimtab stress`: today's book, and what would be held after the plan of `session`, in all scenarios or in
    those that `shocks` name and make. status: refused where the plan breaks a limit of the policy, or where one that cannot
    be told blocks.
    """
    scenarios = by_hand(shocks, policy) if shocks else None
    decision, market, book = tried(settings, policy, session)
    there = _situation(policy, market, book, decision)
    lines = decision.plan.lines if decision.plan else ()
    before = {**decision.current, **foreign_cash(market, book, there.equity)}
    after = {**decision.after, **foreign_cash(market, book, there.equity, lines)}
    found = stresses(before, after, there, scenarios)
    broken = [result.name for result in found if _broken(result, policy)]
    return {
        "status": "refused" if broken else "done",
        "portfolio": policy.name,
        "session": decision.session,
        "snapshot": decision.snapshot,
        "decided": decision.status,
        "assumed": assumed(settings, policy),
        "current": before,
        "weights": after,
        "scenarios": [_line(result) for result in found],
        "broken": broken,
    }


def _situation(policy: Policy, market: Market, book: Book, decision: Decision) -> Situation:
    equity, _ = valued(policy, market, book)
    hedging = hedge_weights(decision.hedges)
    return Situation(policy, market, book.state, book.history, equity, book.anchor, hedging, book.quotes)


def _broken(result: StressResult, policy: Policy) -> bool:
    if result.limit is None:
        return False
    if result.after is None:
        return policy.risk.unknown == "block"
    return not within(result.after, result.limit + 1e-9)


def _line(result: StressResult) -> dict[str, Any]:
    """used: how much of its limit the plan uses, 1 = all of it."""
    used = None if result.after is None or not result.limit else result.after / result.limit
    return {
        "name": result.name,
        "kind": result.kind,
        "before": result.before,
        "after": result.after,
        "limit": result.limit,
        "used": used,
        "proxied": dict(result.proxied),
        "parts": dict(result.parts),
        "sentence": result.sentence,
    }
