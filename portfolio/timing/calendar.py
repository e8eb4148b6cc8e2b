"""By the calendar: the first, last or n-th session of a week, month, quarter or year; a weekday, such as the third Friday."""

from __future__ import annotations

from datetime import date, timedelta

from portfolio.types import RebalancePolicy, SessionPlace

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
WHICH = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}  # of a month's five or four


def due(policy: RebalancePolicy, session: date, last: date | None, place: SessionPlace | None) -> tuple[bool, str]:
    """(trade?, the sentence why). last: session of the last rebalance.

    `first` is caught up where it was missed: any later session of the period trades. The others trade on their session
    alone: the last one (told by the exchange's own calendar), the n-th (the last of a period that has fewer), or a weekday
    ("friday" of a week, "third friday" of a month; where the exchange is closed then, the session before).
    """
    if policy.day.split()[-1] in WEEKDAYS:
        return _on_its_weekday(policy, session, last, place)
    if policy.months and session.month not in policy.months:
        return False, f"month {session.month} is none of {', '.join(map(str, policy.months))}"
    if last is not None and _period(policy.every, session) == _period(policy.every, last) and policy.day == "first":
        return False, f"this {policy.every} was rebalanced on {last}"
    if policy.day == "first":
        since = f"since {last} in a new {policy.every}" if last else f"on record of this {policy.every}"
        return True, f"the first session {since}"
    if place is None:
        return False, "nobody says where this session stands in the calendar"
    if session == last:
        return False, f"rebalanced on {last} already"
    return _on_its_day(policy, session, place)


def _on_its_day(policy: RebalancePolicy, session: date, place: SessionPlace) -> tuple[bool, str]:
    number = {"week": place.week, "month": place.month, "quarter": place.quarter, "year": place.year}[policy.every]
    is_last = _period(policy.every, place.next) != _period(policy.every, session)
    if policy.day == "last":
        return is_last, f"{'the' if is_last else 'not the'} last session of this {policy.every}; the next is {place.next}"
    comes = number == int(policy.day) or (is_last and number < int(policy.day))
    return comes, f"session {number} of this {policy.every}, the policy trades on session {policy.day}, or the last"


def _on_its_weekday(policy: RebalancePolicy, session: date, last: date | None, place: SessionPlace | None) -> tuple[bool, str]:
    if place is None:
        return False, "nobody says where this session stands in the calendar"
    days = {_weekday(policy.day, session), _weekday(policy.day, place.next)}
    wanted = sorted(d for d in days if session <= d < place.next and (not policy.months or d.month in policy.months))
    if not wanted:
        return False, f"not the {policy.day} of a {policy.every} that the policy names, nor the session before it"
    if session == last:
        return False, f"rebalanced on {last} already"
    return True, f"the {policy.day} of this {policy.every} is {wanted[0]}"


def _weekday(words: str, day: date) -> date:
    """The weekday that `words` mean in the week ("friday") or month ("third friday") of `day`."""
    *which, name = words.split()
    number = WEEKDAYS.index(name)
    if not which:
        return day - timedelta(days=day.weekday() - number)
    first = day.replace(day=1)
    start = first + timedelta(days=(number - first.weekday()) % 7)
    all_of_them = [d for d in (start + timedelta(days=7 * n) for n in range(5)) if d.month == day.month]
    return all_of_them[WHICH[which[0]]]


def _period(every: str, day: date) -> tuple[int, int]:
    if every == "week":
        year, week, _ = day.isocalendar()
        return year, week
    months = {"month": 1, "quarter": 3, "year": 12}[every]
    return day.year, (day.month - 1) // months
