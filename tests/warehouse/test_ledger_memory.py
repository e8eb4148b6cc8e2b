"""What the ledger remembers for the next decision: the last one that traded, what was paid in since, and returns without flows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from portfolio.book import without_flows
from portfolio.types import Execution, Plan, PlanLine, Side

AT = datetime(2026, 1, 5, 15, tzinfo=UTC)
D = Decimal


def decided(ledger, name: str, session: date, at: datetime, *, traded: bool, portfolio: str = "core", kind: str = "rule") -> None:
    document = {"session": session.isoformat(), "name": name, "timing": {"kind": kind, "trade": traded}}
    ledger.record_decision(name, portfolio, session, at, 1, "hash", "trade", document, at)
    ref = (name * 16)[:16]
    line = PlanLine(ref, "US:SPY", "SPY", Side.BUY, D(1), D(100), "USD", "why")
    ledger.record_plan(Plan(f"plan-{name}", name, portfolio, "DU1", session, (line,), False), at)
    if traded:
        ledger.book([Execution(f"e-{name}", f"{ref}#1", 1, "DU1", "SPY", D(1), D(100), D(1), "USD", at)], at)


def test_the_newest_that_traded_is_remembered(ledger):
    assert ledger.newest_traded("core", "DU1") is None
    ledger.open_account("DU1", {}, D(1000), "USD", AT)
    for number, traded in enumerate((True, True, False)):
        decided(ledger, "abc"[number], date(2026, 1, 5 + number), AT + timedelta(days=number), traded=traded)
    decided(ledger, "d", date(2026, 1, 9), AT + timedelta(days=4), traded=True, portfolio="other")
    document, at = ledger.newest_traded("core", "DU1")
    assert (document["name"], at) == ("b", AT + timedelta(days=1))
    assert ledger.newest_traded("core", "DU2") is None


def test_a_limit_that_was_mended_leaves_the_wish_before_it_to_be_remembered(ledger):
    ledger.open_account("DU1", {}, D(1000), "USD", AT)
    for number, kind in enumerate(("rule", "mend")):
        decided(ledger, "ab"[number], date(2026, 1, 5 + number), AT + timedelta(days=number), traded=True, kind=kind)
    document, at = ledger.newest_traded("core", "DU1")
    assert (document["name"], at) == ("a", AT)


def test_flows_are_what_came_and_went(ledger):
    ledger.open_account("DU1", {}, D(1000), "EUR", AT)
    ledger.adjustment("DU1", "deposit", None, D(0), D(500), AT, "a")
    ledger.adjustment("DU1", "withdrawal", None, D(0), D(-20), AT + timedelta(1), "b", "USD")
    ledger.adjustment("DU1", "dividend", "SPY", D(0), D(7), AT, "c")
    ledger.adjustment("DU2", "deposit", None, D(0), D(9), AT, "d")
    assert ledger.flows("DU1") == [(AT, "EUR", D(500)), (AT + timedelta(1), "USD", D(-20))]
    assert ledger.noted("DU1", "deposit", "a")
    assert not ledger.noted("DU1", "withdrawal", "a")


def test_marks_are_the_last_of_each_session(ledger):
    for minutes, equity in ((0, 100), (1, 101)):
        at = AT + timedelta(minutes=minutes)
        ledger.record_equity("DU1", "core", date(2026, 1, 5), D(equity), D(1), {}, at)
    ledger.record_equity("DU1", "core", date(2026, 1, 6), D(102), D(1), {}, AT + timedelta(1))
    assert [(day.day, equity) for day, equity, _ in ledger.equity_marks("DU1")] == [(5, D(101)), (6, D(102))]


# --- returns without flows --------------------------------------------------------------------------------------------


def marks(values):
    return [(date(2026, 1, 1) + timedelta(i), D(v), AT + timedelta(i)) for i, v in enumerate(values)]


def test_a_deposit_is_no_gain_and_a_withdrawal_no_loss():
    history = without_flows(marks([100, 150, 75]), [(AT + timedelta(hours=1), D(50)), (AT + timedelta(days=1, hours=1), D(-75))])
    assert [value for _, value in history] == [D(75), D(75), D(75)]


def test_what_came_after_the_last_record_moves_all_of_it():
    assert [v for _, v in without_flows(marks([100, 110]), [(AT + timedelta(9), D(110))])] == [D(200), D(220)]


def test_a_flow_before_the_first_record_is_in_it():
    assert without_flows(marks([100]), [(AT - timedelta(9), D(50))]) == [(date(2026, 1, 1), D(100))]


def test_what_is_emptied_begins_anew():
    history = without_flows(marks([100, 40]), [(AT + timedelta(hours=1), D(-100))])
    assert history == [(date(2026, 1, 2), D(40))]


@given(
    moves=some.lists(some.tuples(some.floats(-0.2, 0.2), some.integers(-30, 200)), min_size=1, max_size=12),
)
@settings(max_examples=100, deadline=None)
def test_each_return_is_what_the_market_did(moves):
    """An account lives through returns and flows; its history without flows shows the returns alone."""
    equity, values, flows = D(1000), [D(1000)], []
    for day, (change, percent) in enumerate(moves):
        flow = equity * percent / 100
        flows.append((AT + timedelta(days=day, hours=1), flow))
        equity = (equity + flow) * (1 + D(repr(round(change, 6))))
        values.append(equity)
    seen = [value for _, value in without_flows(marks(values), flows)]
    assert len(seen) == len(values)
    for (change, _), before, after in zip(moves, seen, seen[1:], strict=False):
        assert float(after / before - 1) == pytest.approx(round(change, 6), abs=1e-9)
    assert seen[-1] == values[-1]
