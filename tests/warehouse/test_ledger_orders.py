"""Plans, intents, fencing, and which word may move an order."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolio.errors import Refused, WrongUse
from portfolio.types import Execution, OrderState, Plan, PlanLine, Side
from warehouse.ledger import open_ledger
from warehouse.ledger.transitions import allowed

AT = datetime(2026, 1, 5, 15, tzinfo=UTC)
DAY = date(2026, 1, 5)
A, B = "a" * 16, "b" * 16


def line(ref=A, symbol="SPY", side=Side.BUY, quantity="10"):
    return PlanLine(ref, f"US-{symbol}", symbol, side, Decimal(quantity), Decimal("100.50"), "USD", "to target")


def plan(name="p1", *lines, session=DAY):
    return Plan(name, f"d-{name}", "core", "DU1", session, lines or (line(), line(B, "GLD", Side.SELL, "5")), funding=False)


def fill(exec_id="x.y.01.01", ref=A, quantity="10", price="100", commission=None, symbol="SPY"):
    money = None if commission is None else Decimal(commission)
    return Execution(exec_id, f"{ref}#1", 77, "DU1", symbol, Decimal(quantity), Decimal(price), money, "USD", AT)


@pytest.fixture
def sent(ledger):
    """(ledger, epoch) with order A handed to the broker."""
    ledger.record_plan(plan())
    epoch = ledger.take_epoch("DU1", "here", AT)
    ledger.sending(A, 1, 100, 7, AT, epoch)
    return ledger, epoch


def test_a_plan_is_written_once(ledger):
    ledger.record_plan(plan())
    rows = ledger.verify().rows
    ledger.record_plan(plan())
    assert ledger.verify().rows == rows
    assert ledger.plan("p1") == plan()
    assert ledger.plan("p2") is None
    assert [(i.ref, i.state, i.signed, i.filled) for i in ledger.intents("DU1")] == [
        (A, OrderState.PLANNED, Decimal(10), Decimal(0)),
        (B, OrderState.PLANNED, Decimal(-5), Decimal(0)),
    ]
    with pytest.raises(Refused, match="recorded with other orders"):
        ledger.record_plan(plan("p1", line(quantity="11")))
    with pytest.raises(Refused, match=f"reference {A} is already used by plan p1"):
        ledger.record_plan(plan("p2", line()))
    assert ledger.plan("p2") is None, "a failed method changes nothing"


@pytest.mark.parametrize("kind", ["cash flow", "mend"])
def test_cash_that_flowed_and_a_limit_that_was_mended_are_no_rebalance(ledger, kind):
    ledger.record_plan(plan("p0", line("c" * 16)))
    ledger.finish_plan("p0", "done", AT)
    ledger.book([fill(ref="c" * 16)], AT)
    about = {"portfolio": "core", "session": DAY, "as_of": AT, "snapshot": 1, "policy_hash": "x", "status": "trade", "at": AT}
    said = f'a text with "kind":"{kind}" in it'
    ledger.record_decision("d-p1", document={"timing": {"kind": "rule"}, "policy": said}, **about)
    assert ledger.rebalances("core") == [DAY], "another decision, and words in a text"
    ledger.record_decision("d-p0", document={"timing": {"gain": None, "kind": kind, "trade": True}}, **about)
    assert ledger.rebalances("core") == []


def test_plans_end(ledger):
    ledger.record_plan(plan())
    ledger.record_plan(plan("p0", line("c" * 16), session=DAY - timedelta(days=9)))
    assert [p.plan for p in ledger.open_plans("core", "DU1")] == ["p1", "p0"]
    assert ledger.rebalances("core") == []
    ledger.finish_plan("p1", "expired", AT)
    ledger.finish_plan("p0", "partly", AT)
    assert ledger.rebalances("core") == [], "nothing was filled"
    ledger.book([fill(ref="c" * 16)], AT)
    assert ledger.rebalances("core") == [DAY - timedelta(days=9)]
    assert (ledger.plan_status("p1"), ledger.plan_status("p9")) == ("expired", None)
    assert ledger.open_plans("core", "DU1") == []
    with pytest.raises(WrongUse, match="cannot end as 'lost'"):
        ledger.finish_plan("p1", "lost", AT)
    with pytest.raises(Refused, match="no plan p9"):
        ledger.finish_plan("p9", "done", AT)


def test_sending_is_durable_and_numbered(sent, ledger_url):
    ledger, epoch = sent
    with open_ledger(ledger_url) as other:
        (intent,) = [i for i in other.intents("DU1", unfinished=True) if i.state is OrderState.SENDING]
        assert (intent.attempt, intent.order_id, intent.client_id, intent.sent_at) == (1, 100, 7, AT)
        assert intent.wire_ref == f"{A}#1"
        assert (other.highest_order_id("DU1", 7), other.highest_order_id("DU1", 8)) == (100, 0)
    with pytest.raises(Refused, match=r"Attempt 1 of order a+ was already handed"):
        ledger.sending(A, 1, 101, 7, AT, epoch)
    with pytest.raises(Refused, match=f"Order id 100 was used before, for order {A}"):
        ledger.sending(B, 1, 100, 7, AT, epoch)
    assert ledger.sending(A, 2, 101, 7, AT, epoch).attempt == 2
    assert [i.ref for i in ledger.sent_since("DU1", AT)] == [A]
    assert ledger.sent_since("DU1", AT + timedelta(seconds=1)) == []
    with pytest.raises(Refused, match="no order zzz"):
        ledger.sending("zzz", 1, 1, 1, AT, epoch)


def test_an_old_epoch_is_fenced_off(sent):
    ledger, old = sent
    new = ledger.take_epoch("DU1", "there", AT)
    assert new == old + 1
    rows = ledger.verify().rows
    with pytest.raises(Refused, match=rf"Another executor has taken over account DU1 \(epoch {new}, this one has {old}\)"):
        ledger.sending(B, 1, 102, 7, AT, old)
    assert ledger.verify().rows == rows
    assert ledger.intents("DU1")[1].state is OrderState.PLANNED
    assert ledger.take_epoch("DU2", "there", AT) == 1


@pytest.mark.parametrize("state", [s for s in OrderState if s not in {OrderState.PLANNED, OrderState.SENDING}])
def test_only_planned_and_sending_may_be_sent(tmp_path, state):
    with open_ledger(f"sqlite:///{tmp_path}/l.sqlite") as ledger:
        ledger.record_plan(plan())
        epoch = ledger.take_epoch("DU1", "here", AT)
        ledger.observe(A, state, None, "", AT)
        with pytest.raises(Refused, match=f"is {state} and cannot be sent"):
            ledger.sending(A, 9, 9, 9, AT, epoch)


def test_late_words_are_kept_but_move_nothing(sent):
    ledger, _ = sent
    for state, perm in ((OrderState.ACKED, 77), (OrderState.FILLED, 77), (OrderState.ACKED, 77), (OrderState.ACKED, 77)):
        ledger.observe(A, state, perm, "", AT)
    (intent, _) = ledger.intents("DU1")
    assert (intent.state, intent.perm_id) == (OrderState.FILLED, 77)
    assert [(e["state"], e["applied"]) for e in ledger.history(A)] == [
        ("SENDING", True),
        ("ACKED", True),
        ("FILLED", True),
        ("ACKED", False),
    ]
    assert [i.ref for i in ledger.intents("DU1", unfinished=True)] == [B]
    with pytest.raises(Refused, match="as PLANNED"):
        ledger.observe(A, OrderState.PLANNED, None, "", AT)


def test_a_fill_that_crossed_the_cancel_and_a_corrected_fill(sent):
    ledger, _ = sent
    ledger.observe(A, OrderState.CANCELLED, 77, "", AT)
    ledger.observe(A, OrderState.FILLED, 77, "", AT)
    assert ledger.intents("DU1")[0].state is OrderState.CANCELLED, "no execution says so yet"
    ledger.book([fill()], AT)
    ledger.observe(A, OrderState.FILLED, 77, "late", AT)
    assert ledger.intents("DU1")[0].state is OrderState.FILLED
    ledger.observe(A, OrderState.CANCELLED, 77, "again", AT)
    assert ledger.intents("DU1")[0].state is OrderState.FILLED
    ledger.book([fill("x.y.01.02", quantity="9")], AT)
    ledger.observe(A, OrderState.PARTIAL, 77, "corrected", AT)
    assert (ledger.intents("DU1")[0].state, ledger.intents("DU1")[0].filled) == (OrderState.PARTIAL, Decimal(9))


# Written out by hand: what may follow what, without any executions.
FOLLOWS = {
    "PLANNED": "ACKED PARTIAL FILLED CANCELLED REJECTED EXPIRED UNKNOWN",
    "SENDING": "SENDING ACKED PARTIAL FILLED CANCELLED REJECTED EXPIRED UNKNOWN",
    "ACKED": "ACKED PARTIAL FILLED CANCELLED REJECTED EXPIRED UNKNOWN",
    "PARTIAL": "PARTIAL FILLED CANCELLED REJECTED EXPIRED UNKNOWN",
    "UNKNOWN": "ACKED PARTIAL FILLED CANCELLED REJECTED EXPIRED UNKNOWN",
    "FILLED": "PARTIAL CANCELLED",
    "CANCELLED": "",
    "REJECTED": "",
    "EXPIRED": "",
}


@pytest.mark.parametrize("state", OrderState)
def test_the_table_of_transitions(state):
    for seen in OrderState:
        if seen is OrderState.PLANNED:
            with pytest.raises(Refused):
                allowed(state, seen, Decimal(0), Decimal(10))
        else:
            assert allowed(state, seen, Decimal(0), Decimal(10)) == (seen.value in FOLLOWS[state].split()), (state, seen)


WORDS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 3)),
        st.tuples(st.just("see"), st.sampled_from([s for s in OrderState if s is not OrderState.PLANNED])),
        st.tuples(st.just("fill"), st.integers(1, 3)),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def one_ledger(tmp_path_factory):
    with open_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/l.sqlite") as opened:
        yield opened, iter(range(10**6))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(WORDS)
def test_whatever_happens_a_final_order_is_never_sent_again(one_ledger, words):
    ledger, numbers = one_ledger
    number = next(numbers)
    ref = f"{number:016x}"
    ledger.record_plan(plan(f"p{number}", line(ref)))
    epoch = ledger.take_epoch("DU1", "here", AT)
    for step, (verb, what) in enumerate(words):
        (before,) = ledger.intents("DU1", f"p{number}")
        if verb == "see":
            ledger.observe(ref, what, None, str(step), AT)
        elif verb == "fill":
            ledger.book([fill(f"{number}.{what}.0.{step}", ref, "3")], AT)
        else:
            order_id = number * 100 + step + 1
            if before.state in {OrderState.PLANNED, OrderState.SENDING} and (
                what > before.attempt or before.state is OrderState.PLANNED
            ):
                assert ledger.sending(ref, what, order_id, 7, AT, epoch).state is OrderState.SENDING
            else:
                with pytest.raises(Refused):
                    ledger.sending(ref, what, order_id, 7, AT, epoch)
        (after,) = ledger.intents("DU1", f"p{number}")
        if before.state.final and after.state is not before.state:
            assert verb == "see"
            corrected = before.state is OrderState.FILLED and before.filled < before.quantity
            crossed = before.state is not OrderState.FILLED and before.filled > 0
            assert corrected or crossed
    assert len({i.ref for i in ledger.intents("DU1", f"p{number}")}) == 1


def test_two_executors_at_once_send_an_order_once(sent, ledger_url):
    ledger, epoch = sent
    outcomes = []

    def attempt(order_id):
        with open_ledger(ledger_url) as mine:
            try:
                outcomes.append(mine.sending(B, 1, order_id, 7, AT, epoch).order_id)
            except Refused:
                outcomes.append(None)

    threads = [threading.Thread(target=attempt, args=(order_id,)) for order_id in (200, 201, 202)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes, key=bool)[:2] == [None, None]
    assert sum(outcome is not None for outcome in outcomes) == 1
    assert replace(ledger.intents("DU1")[1]).attempt == 1
