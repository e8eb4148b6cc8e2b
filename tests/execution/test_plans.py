"""How plans end: sessions, states of the account, the gate, money inside a batch, pace."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from execution_trading import ACCOUNT, DAY, NOW, SystemClock, job, line, market, plan

from brokers.ib.broker import IBBroker
from portfolio.errors import Outage, Refused
from portfolio.types import OrderState, TradingState

SMALL = (("SELL", "AAA", 100), ("BUY", "EEE", 100))
TOMORROW = market(NOW + timedelta(days=1))
PLANNED, FILLED, REJECTED, EXPIRED = OrderState.PLANNED, OrderState.FILLED, OrderState.REJECTED, OrderState.EXPIRED


def notes(world, name="p1") -> dict[str, str]:
    return {i.symbol: i.note for i in world.ledger.intents(ACCOUNT, name)}


def journalled(world, word: str) -> bool:
    return any(word in row.body for row in world.ledger._rows() if row.kind == "observed")


# ---------------------------------------------------------------- sessions
def test_a_plan_of_yesterday_expires_unsent(world):
    world.serve(TOMORROW)
    assert world.run(plan(wish=SMALL)).status == "expired"
    assert world.accepted() == {} and set(world.states().values()) == {EXPIRED}
    assert world.ledger.plan_status("p1") == "expired"


def test_a_plan_of_tomorrow_is_refused_and_stays(world):
    world.serve()
    later = plan(wish=SMALL, session=DAY + timedelta(days=1))
    with pytest.raises(Refused, match="2024-03-15, the broker is in 2024-03-14"):
        world.run(later)
    assert set(world.states().values()) == {PLANNED} and world.accepted() == {}
    world.serve(TOMORROW)
    assert world.run(later).status == "done"


def test_what_was_filled_yesterday_is_no_expired_plan(world):
    """The executor died before it wrote the plan's end; the next day knows it all the same."""
    world.serve()
    small = plan(wish=SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(world.ledger), "finish_plan", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            world.run(small)
    world.serve(TOMORROW)
    assert world.run(small).status == "done"
    world.exact(small)


def test_an_intent_in_doubt_since_yesterday_is_expired_and_never_sent_again(world):
    world.serve(swallow=1)
    small = plan(wish=SMALL[1:])
    world.killed_at("after_sending")  # of the big plan
    world.serve(TOMORROW)
    assert world.run().status == "expired"
    assert world.accepted() == {} and set(world.states().values()) == {EXPIRED}
    assert (
        world.run(replace(small, plan="p2", session=DAY + timedelta(days=1), lines=(line("BUY", "EEE", 9, "p2"),))).status
        == "done"
    )
    world.agree()


# ---------------------------------------------------------------- the account
def test_a_halted_account_sends_nothing(world):
    world.serve()
    assert world.run(plan("p0", wish=SMALL[1:])).status == "done"
    world.ledger.set_trading_state(ACCOUNT, TradingState.HALTED, "by hand", SystemClock().now())
    with pytest.raises(Refused, match=f"Account {ACCOUNT} is HALTED"):
        world.run(plan(wish=SMALL))
    assert set(world.states().values()) == {PLANNED} and len(world.accepted()) == 1
    world.resume()
    assert world.run(plan(wish=SMALL)).status == "done"


def test_a_halt_stops_the_next_order_and_what_is_planned_stays_planned(world):
    world.serve()
    small = plan(wish=tuple(("BUY", s, 1) for s in ("AAA", "BBB", "CCC", "DDD")))

    def halt(what: str, done: int, of: int) -> None:
        if done == 2:
            world.ledger.set_trading_state(ACCOUNT, TradingState.HALTED, "by hand", SystemClock().now())

    import asyncio

    from brokers.executor import execute

    with pytest.raises(Refused, match="HALTED"):
        asyncio.run(execute(replace(job(world.desk(), small), progress=halt)))
    assert len(world.accepted()) == 2 and list(world.states().values()).count(PLANNED) == 2
    world.resume()
    assert world.run_until_over(small).status == "done"
    world.exact(small)


def test_a_plan_of_another_account_is_refused(world):
    world.serve()
    with pytest.raises(Refused, match="DU2"):
        world.run(replace(plan(wish=SMALL), account="DU2"))
    assert world.accepted() == {}


# ---------------------------------------------------------------- the gate
REFUSALS = [
    ("allowed_symbol", "", ("BUY", "ZZZ", 1), {}),
    ("allowed_symbol", "", ("BUY", "GGG", "0.5"), {}),
    ("fresh_quote", "", ("BUY", "GGG", 1), {"no_quote": ("GGG",)}),
    ("no_short", "", ("SELL", "GGG", 1), {}),
    ("no_short", "", ("SELL", "AAA", 301), {}),
    ("minimum_cash", "", ("BUY", "FFF", 51), {}),
    ("order_value", "funding_order_value = 0.05", ("BUY", "FFF", 20), {}),
    ("order_value", "max_order_value_absolute = 5000", ("BUY", "FFF", 20), {}),
    ("daily_notional", "max_daily_notional = 0.05", ("BUY", "FFF", 20), {}),
    ("volume_share", "max_volume_share = 0.000001", ("BUY", "EEE", 200), {}),
]


LONGER = {3, 7}  # a second case of a rule: soak only
CASES = [
    pytest.param(*case, id=f"{case[0]}-{case[2][1]}{case[2][2]}", marks=[pytest.mark.soak] if number in LONGER else [])
    for number, case in enumerate(REFUSALS)
]


@pytest.mark.parametrize(("rule", "gate", "wish", "faults"), CASES)
def test_a_refusal_names_its_rule_and_the_others_go_on(world, rule, gate, wish, faults):
    world.serve(**faults)
    mixed = plan(wish=(("BUY", "EEE", 2), wish, ("BUY", "CCC", 1)))
    if wish[1] == "EEE":
        mixed = plan(wish=(wish, ("BUY", "DDD", 1), ("BUY", "CCC", 1)))
    outcome = world.run(mixed, gate=gate)
    assert outcome.status == "partly" and rule in {v.rule for v in outcome.verdicts}
    bad = next(i for i in world.ledger.intents(ACCOUNT, "p1") if i.symbol == wish[1])
    assert bad.state is REJECTED and f"{rule}: " in bad.note and bad.note.startswith("gate: ")
    assert list(world.states().values()).count(FILLED) == 2 and len(world.accepted()) == 2
    assert journalled(world, f"{rule}: ")
    world.agree()


@pytest.mark.parametrize("kind", [2, 3, 4])
def test_a_frozen_or_delayed_quote_is_too_old_to_send_an_order_on(world, kind):
    """As old as its last trade: half an hour, where a minute is the limit."""
    world.serve(market_data_type=kind, quote_age=1800.0)
    assert world.run(plan(wish=SMALL)).status == "refused"
    assert world.accepted() == {} and all("fresh_quote: " in note and "seconds old" in note for note in notes(world).values())


def test_prices_that_moved_since_the_plan_are_refused(world):
    world.serve(market(prices={"EEE": "10.90"}))
    assert world.run(plan(wish=(("BUY", "EEE", 5),)), gate="max_price_distance = 0.05").status == "refused"
    assert "price_distance" in notes(world)["EEE"] and world.accepted() == {}


def test_a_plan_that_turns_over_too_much_is_refused_whole(world):
    world.serve()
    assert world.run(gate="funding_turnover = 0.5").status == "refused"
    assert world.accepted() == {} and all("plan_turnover" in note for note in notes(world).values())


def test_outside_the_session_nothing_is_sent(world):
    world.serve(market(NOW.replace(hour=12, minute=0)))
    assert world.run(plan(wish=SMALL)).status == "refused"
    assert world.accepted() == {} and all("session_open" in note for note in notes(world).values())


def test_limits_count_what_this_batch_has_sent(world):
    """A limit is not passed by sending a batch of orders that each pass it alone."""
    world.serve()
    twins = (line("BUY", "EEE", 10), line("BUY", "EEE", 10, leg=1), line("BUY", "GGG", 10), line("BUY", "DDD", 10))
    several = replace(plan(), lines=twins)
    gate = "duplicate_minutes = 10\nmax_daily_notional = 0.012"  # of 80,000: 960
    assert world.run(several, gate=gate).status == "partly"
    found = {i.ref: (i.state, i.note) for i in world.ledger.intents(ACCOUNT, "p1")}
    assert found[twins[0].ref][0] is FILLED and "duplicate: " in found[twins[1].ref][1]
    assert found[twins[2].ref][0] is FILLED and "daily_notional: " in found[twins[3].ref][1]


def test_shares_are_sold_once_and_cash_is_spent_once_inside_a_batch(world):
    world.serve()
    lines = (
        *(line("SELL", "AAA", 200), line("SELL", "AAA", 200, leg=1)),
        *(line("BUY", "FFF", 60), line("BUY", "DDD", 120), line("BUY", "EEE", 100)),
    )
    assert world.run(replace(plan(), lines=lines)).status == "partly"
    found = {i.ref: (i.state, i.note) for i in world.ledger.intents(ACCOUNT, "p1")}
    assert [found[one.ref][0] for one in lines] == [FILLED, REJECTED, FILLED, REJECTED, FILLED]
    assert "no_short" in found[lines[1].ref][1] and "minimum_cash" in found[lines[3].ref][1]
    assert world.cash() > 0
    world.agree()


def test_money_in_flight_from_an_earlier_run_is_spent(world):
    world.serve(hold=True)
    assert world.run(plan(wish=(("BUY", "FFF", 40),)), settle=0.3).status == "working"  # 16,000 of 20,000
    assert world.run(plan("p2", wish=(("BUY", "DDD", 30),)), settle=0.3).status == "refused"
    assert "minimum_cash" in notes(world, "p2")["DDD"]
    assert world.run(plan("p3", wish=(("SELL", "AAA", 200),)), settle=0.3).status == "working"
    assert world.run(plan("p4", wish=(("SELL", "AAA", 101),)), settle=0.3).status == "refused"
    assert "no_short" in notes(world, "p4")["AAA"]


def test_sells_are_filled_before_a_buy_is_sent(world):
    world.serve(fill_delay=0.3)
    assert world.run().status == "done"
    order = world.ask("SELECT action, at, done_at FROM placed ORDER BY perm_id")
    sold = max(done for action, _, done in order if action == "SELL")
    assert sold <= min(at for action, at, _ in order if action == "BUY")
    world.exact()


def test_limit_orders_go_to_the_far_side_on_the_tick(world):
    world.serve()
    small = plan(wish=SMALL)
    assert world.run(small, order_type="limit").status == "done"
    assert world.ask("SELECT symbol, kind, price_limit FROM placed ORDER BY perm_id") == [
        ("AAA", "LMT", "99.99"),
        ("EEE", "LMT", "10.01"),
    ]
    world.exact(small)


# ---------------------------------------------------------------- late words
def test_a_fill_after_the_last_word_is_booked(world):
    """The ledger was told that the order is over; the broker then shows that it was dealt."""
    world.serve(hold=True)
    small = plan(wish=SMALL[1:])
    assert world.run(small, settle=0.3).status == "working"
    world.ledger.observe(small.lines[0].ref, OrderState.CANCELLED, None, "as somebody said", SystemClock().now())
    world.ledger.finish_plan("p1", "refused", SystemClock().now())
    world.serve(fill_delay=0.05)
    import time

    time.sleep(0.5)
    assert world.run(small).status == "done"
    world.exact(small)


def test_an_order_that_is_over_here_and_works_there_halts(world):
    world.serve(hold=True)
    small = plan(wish=SMALL[1:])
    assert world.run(small, settle=0.3).status == "working"
    world.ledger.observe(small.lines[0].ref, OrderState.CANCELLED, None, "as somebody said", SystemClock().now())
    with pytest.raises(Refused, match="is CANCELLED and yet works at the broker"):
        world.run(small, settle=0.3)
    assert world.trading_state() is TradingState.HALTED


# ---------------------------------------------------------------- pace
class Counting(IBBroker):
    times = 0

    async def time(self):
        type(self).times += 1
        return await super().time()


def test_the_broker_is_asked_for_the_time_once_a_batch(world, monkeypatch):
    monkeypatch.setattr(Counting, "times", 0)
    world.serve()
    many = plan(wish=tuple(("BUY", s, 1) for s in ("AAA", "BBB", "CCC", "DDD", "EEE", "GGG")))
    assert world.run(many, broker=Counting).status == "done"
    assert Counting.times == 1


def test_the_orders_a_minute_hold_over_runs_and_quotes_are_renewed(world, monkeypatch):
    """Two orders in 3 s here; the quotes grow too old while the third waits, and are asked for again."""
    monkeypatch.setattr("brokers.executor.MINUTE", 3.0)
    world.serve()
    many = plan(wish=tuple(("BUY", s, 1) for s in ("AAA", "BBB", "CCC", "DDD")))
    gate = "max_orders_a_minute = 2\nmax_quote_age = 2.5"
    assert world.run(plan("p0", wish=(("BUY", "EEE", 1),)), gate=gate).status == "done"
    assert world.run(many, gate=gate).status == "done"
    from datetime import datetime

    sent = sorted(datetime.fromisoformat(at) for (at,) in world.ask("SELECT at FROM placed"))
    assert all(later - first >= timedelta(seconds=2.5) for first, later in zip(sent, sent[2:], strict=False)), sent
    world.agree()


def test_a_connection_that_is_down_leaves_the_rest_planned(world):
    class Silent(IBBroker):
        def connected(self) -> bool:
            return False

    world.serve()
    with pytest.raises(Outage):
        world.run(plan(wish=SMALL), broker=Silent)
    assert set(world.states().values()) == {PLANNED} and world.accepted() == {}
    assert world.positions()["AAA"] == Decimal(300)
