"""When to trade: by the calendar, or when the book has drifted."""

from __future__ import annotations

from datetime import date

from portfolio.types import RebalancePolicy, Weights


def rebalance(
    policy: RebalancePolicy, *, wish: Weights, current: Weights, session: date, last: date | None, repair: bool
) -> tuple[bool, str]:
    """(trade?, the sentence why). last: session of the last finished plan that traded. repair: a limit is broken by the
    book as it stands, which never waits for a calendar or a band.
    """
    if not any(abs(w) > 0 for w in current.values()):
        return True, "the account holds nothing yet: the first investment"
    if repair:
        return True, "what is held breaks a limit"
    return _calendar(policy, session, last) if policy.when == "calendar" else _drift(policy, wish, current)


def _calendar(policy: RebalancePolicy, session: date, last: date | None) -> tuple[bool, str]:
    if last is None:
        return True, f"the first session on record of this {policy.every}"
    if _period(policy.every, session) != _period(policy.every, last):
        return True, f"the first session since {last} in a new {policy.every}"
    return False, f"this {policy.every} was rebalanced on {last}"


def _period(every: str, day: date) -> tuple[int, int]:
    if every == "week":
        year, week, _ = day.isocalendar()
        return year, week
    months = {"month": 1, "quarter": 3, "year": 12}[every]
    return day.year, (day.month - 1) // months


def _drift(policy: RebalancePolicy, wish: Weights, current: Weights) -> tuple[bool, str]:
    """Outside the absolute band, or outside the relative band and by more than a tenth of the absolute one (so that
    a name of a few basis points does not trade the whole book).
    """
    drift = {s: current.get(s, 0.0) - wish.get(s, 0.0) for s in {*wish, *current}}
    symbol = max(sorted(drift), key=lambda s: abs(drift[s]), default=None)
    if symbol is None:
        return False, "there is nothing to drift"
    floor = policy.absolute_band / 10
    over = [
        s
        for s in sorted(drift)
        if abs(drift[s]) > policy.absolute_band
        or (abs(drift[s]) > policy.relative_band * wish.get(s, 0.0) and abs(drift[s]) > floor)
    ]
    widest = f"the widest drift is {symbol} at {drift[symbol]:+.2%}"
    if over:
        return True, f"{len(over)} of {len(drift)} symbols are outside their bands; {widest}"
    return False, f"every symbol is inside its bands; {widest}"
