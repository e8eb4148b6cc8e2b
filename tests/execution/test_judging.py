"""Laws of the verdict on an order, over all that a broker could show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.commissions import outstanding, unexplained
from brokers.judging import doubled, judge, judge_late, judge_order, traces
from brokers.reconcile import Desk, match
from portfolio.ledger import Break
from portfolio.types import BrokerOrder, BrokerPicture, Execution, Intent, OrderState, Side, TradingState
from warehouse.ledger.transitions import allowed

S = OrderState
AT = datetime(2024, 3, 14, 18, tzinfo=UTC)
DAY = date(2024, 3, 14)
REF = "a" * 16
BROKERS = [S.ACKED, S.PARTIAL, S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED, S.UNKNOWN]


def intent(state=S.SENDING, attempt=1, quantity=10, side=Side.BUY, **more) -> Intent:
    return Intent(REF, "p", "DU1", "US-X", "X", side, Decimal(quantity), Decimal(5), "USD", DAY, state, attempt, **more)


def order(state, perm_id=1, attempt=1, quantity=10, filled=0) -> BrokerOrder:
    return BrokerOrder(f"{REF}#{attempt}", perm_id, "X", Side.BUY, Decimal(quantity), state, "", Decimal(filled))


def fill(shares, perm_id=1, attempt=1, number=1, commission=1) -> Execution:
    money = None if commission is None else Decimal(commission)
    return Execution(
        f"{perm_id}.{number}.01.01", f"{REF}#{attempt}", perm_id, "DU1", "X", Decimal(shares), Decimal(5), money, "USD", AT
    )


orders = st.lists(st.builds(order, st.sampled_from(BROKERS), st.integers(0, 2), st.integers(1, 2)), max_size=3)
fills = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 2), st.integers(1, 2)), max_size=3).map(
    lambda told: [fill(shares, perm, attempt, number) for number, (shares, perm, attempt) in enumerate(told)]
)
unfinished = st.builds(intent, st.sampled_from([S.PLANNED, S.SENDING, S.ACKED, S.PARTIAL, S.UNKNOWN]), st.integers(1, 2))


@given(unfinished, orders, fills)
@settings(max_examples=400, deadline=None)
def test_laws_of_the_verdict(wanted, shown, dealt):
    said = judge_order(wanted, shown, dealt)
    done = sum((e.quantity for e in dealt), Decimal(0))
    acting = {o.perm_id for o in shown if not o.state.final} | {e.perm_id for e in dealt}
    if said is None:
        assert not dealt and not [o for o in shown if o.order_ref == wanted.wire_ref or not o.state.final]
        return
    state, perm_id, words = said
    assert state not in {S.PLANNED, S.SENDING} and str(done) in words
    assert len(acting - {0}) < 2 or state is S.UNKNOWN, "two at work are for a person"
    assert done <= wanted.quantity or state is S.UNKNOWN
    assert state is not S.FILLED or done == wanted.quantity, "only executions fill an order"
    if state.final and state is not S.FILLED:
        assert all(o.state.final for o in shown), "nothing ends while it lives"
    assert allowed(wanted.state, state, done, wanted.quantity) or (wanted.state, state) == (S.PARTIAL, S.ACKED)
    assert perm_id in {o.perm_id for o in shown} | {e.perm_id for e in dealt} | {None}


@given(orders, fills, st.permutations([0, 1, 2]))
@settings(max_examples=200, deadline=None)
def test_the_order_of_executions_says_nothing(shown, dealt, way):
    turned = [dealt[i] for i in way if i < len(dealt)]
    assert judge_order(intent(), shown, dealt) == judge_order(intent(), shown, turned)


@pytest.mark.parametrize(
    ("shown", "dealt", "state"),
    [
        ([], [], None),
        ([order(S.ACKED)], [], S.ACKED),
        ([order(S.ACKED)], [fill(4)], S.PARTIAL),
        ([order(S.FILLED)], [fill(4)], S.ACKED),  # its executions have not all come
        ([order(S.CANCELLED)], [fill(10)], S.FILLED),  # the fill won the race
        ([order(S.CANCELLED)], [fill(4)], S.CANCELLED),
        ([order(S.REJECTED)], [], S.REJECTED),
        ([], [fill(4)], S.PARTIAL),
        ([order(S.ACKED, 1), order(S.ACKED, 2)], [], S.UNKNOWN),
        ([order(S.REJECTED, 1), order(S.ACKED, 2)], [], S.ACKED),
        ([order(S.CANCELLED, 1)], [fill(4), fill(7, number=2)], S.UNKNOWN),  # over-fill
        ([], [fill(-4)], S.UNKNOWN),  # sold where it was to buy
        ([order(S.UNKNOWN, 0)], [], S.UNKNOWN),
    ],
)
def test_answers(shown, dealt, state):
    said = judge_order(intent(), shown, dealt)
    assert (said[0] if said else None) is state


def test_an_older_attempt_that_ended_says_nothing_of_the_newest():
    assert judge_order(intent(attempt=2), [order(S.CANCELLED, 1, attempt=1)], []) is None
    assert judge_order(intent(attempt=2), [order(S.ACKED, 1, attempt=1)], [])[0] is S.UNKNOWN
    assert "taken for lost" in doubled(intent(attempt=2), [], [fill(10, attempt=1)])


def test_after_its_session_an_intent_is_over_unless_it_lives():
    tomorrow = DAY + timedelta(days=1)
    assert judge(intent(S.SENDING), [], [], tomorrow)[0] is S.EXPIRED
    assert judge(intent(S.ACKED), [order(S.ACKED)], [], tomorrow)[0] is S.ACKED
    assert judge(intent(S.PARTIAL, filled=Decimal(10)), [], [], tomorrow)[0] is S.FILLED
    assert judge(intent(S.UNKNOWN), [], [fill(4)], tomorrow)[0] is S.EXPIRED


def test_a_finished_intent_moves_with_its_shares_alone():
    assert judge_late(intent(S.CANCELLED)) is None
    assert judge_late(intent(S.CANCELLED, filled=Decimal(10)))[0] is S.FILLED
    assert judge_late(intent(S.FILLED, filled=Decimal(10))) is None
    assert judge_late(intent(S.FILLED, filled=Decimal(9)))[0] is S.CANCELLED


def test_a_missing_commission_explains_so_much_cash_and_no_more():
    def cash(less: str) -> tuple[Break, ...]:
        return (Break("cash USD", Decimal(100), Decimal(100) - Decimal(less)),)

    assert unexplained(cash("1.00"), {"USD": Decimal(1)}) == ()
    assert unexplained(cash("1.01"), {"USD": Decimal(1)}) == cash("1.01")
    assert unexplained(cash("-0.01"), {"USD": Decimal(1)}) == cash("-0.01")
    assert unexplained(cash("1.00"), {"EUR": Decimal(1)}) == cash("1.00"), "what is missing in dollars, no euro explains"
    shares = (Break("USD", Decimal(1), Decimal(0)),)
    assert unexplained(shares, {"USD": Decimal(100)}) == shares


def test_what_an_unreported_commission_may_be():
    assert outstanding([fill(10, commission=None), fill(10, commission=1)], "USD") == {"USD": Decimal(1)}
    told = replace(fill(10_000, commission=None), symbol="EUR.USD", price=Decimal("1.10"))
    assert outstanding([told], "EUR") == {"EUR": Decimal("2.5")}, "once, and in the account's own money"
    assert outstanding([told], "USD") == {"USD": Decimal(2)}
    large = replace(told, quantity=Decimal(-1_000_000))
    assert outstanding([large], "EUR") == {"EUR": Decimal(40)}, "0.2 basis points are charged, twice that is borne with"
    assert outstanding([large, told], "EUR") == {"EUR": Decimal("42.5")}
    small = replace(fill(10, commission=None), symbol="USD.JPY", price=Decimal(140), currency="JPY")
    assert outstanding([small], "JPY") == {"JPY": Decimal(400)}
    gone = (Break("cash USD", Decimal(1_100_000), Decimal(1_090_000)), Break("cash EUR", Decimal(0), Decimal("-40.01")))
    assert unexplained(gone, outstanding([large], "EUR")) == gone


def test_nothing_filled_of_a_sale_is_nothing():
    _, _, words = judge_order(intent(side=Side.SELL), [order(S.REJECTED)], [])
    assert words == "0 of 10 filled"


class Paper:
    """A ledger in memory, as far as `match` asks for one; its transitions are those of the real one."""

    def __init__(self, wanted: Intent) -> None:
        self.intent, self.booked = wanted, {}

    def now(self):
        return AT

    def book(self, executions, at):
        self.booked |= {e.exec_id: e for e in executions}

    def intents(self, account, plan=None, unfinished=False):
        told = sum((e.quantity for e in self.booked.values()), Decimal(0))
        self.intent = replace(self.intent, filled=told)
        return [self.intent]

    def observe(self, ref, state, perm_id, note, at):
        if allowed(self.intent.state, state, self.intent.filled, self.intent.quantity):
            self.intent = replace(self.intent, state=state, perm_id=perm_id or self.intent.perm_id, note=note)


def picture(shown, dealt) -> BrokerPicture:
    return BrokerPicture("DU1", AT, tuple(shown), tuple(dealt), {}, {}, None)


@given(st.lists(st.tuples(orders, fills), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_whatever_pictures_come_shares_decide(pictures):
    """Any succession of pictures: FILLED exactly when the shares say so, and the same picture twice changes nothing."""
    paper = Paper(intent())
    desk = Desk(paper, None, paper, "DU1", "USD", 7, 0.0)
    for shown, dealt in pictures:
        doubtful = match(desk, picture(shown, dealt), DAY)
        first = paper.intent
        assert match(desk, picture(shown, dealt), DAY) == doubtful
        assert (paper.intent.state, paper.intent.filled) == (first.state, first.filled)
        assert not doubtful or (not dealt and first.state in {S.SENDING, S.ACKED, S.PARTIAL})
        if first.state is S.FILLED:
            assert first.filled >= first.quantity
        assert traces(picture(shown, dealt)).keys() <= {REF}
    assert TradingState.ACTIVE


def test_an_option_s_commission_not_yet_reported_is_by_the_contract():
    """A hundred puts at 0.04 are worth 400: one per cent would be 4, and IB takes 25."""
    told = replace(fill(100, commission=None), symbol="AAA240621P00090000", price=Decimal("0.04"))
    assert outstanding([told], "USD")["USD"] >= 25
