"""What was lost, and what an account may do after it: each limit and one ulp around it, gaps, the way back, and the laws."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import D, actions, down, market, policy, up, verdict, walk

from portfolio.risk import Situation, state_after
from portfolio.risk.drawdown import RULES, drawdown_rules, state_rule
from portfolio.types import Action, DrawdownLimit, TradingState

SESSION = date(2022, 12, 28)
CALM = DrawdownLimit(0.9, 0.95)


def situation(history, equity, session=SESSION, anchor=None, gaps=(), state=TradingState.ACTIVE, **changes):
    """The market knows every weekday before the session but `gaps`."""
    days = np.busday_offset(np.datetime64(session) - 1, np.arange(-399, 1), roll="backward").astype("datetime64[D]")
    days = days[~np.isin(days, np.array(gaps, dtype="datetime64[D]"))]
    seen = replace(market(closes=walk(3, len(days))), session=session, sessions=days)
    return Situation(policy(risk=changes), seen, state, history, D(equity), anchor)


def drawdowns(history, equity, session=SESSION, **changes):
    limits = {"daily_drawdown": DrawdownLimit(0.03, 0.06), "monthly_drawdown": DrawdownLimit(0.06, 0.10), **changes}
    return actions(drawdown_rules(situation(history, equity, session, **limits)))


DAY = [(date(2022, 12, 27), D(100))]


@pytest.mark.parametrize(
    ("equity", "action"),
    [
        ("97.01", Action.PASS),
        ("97", Action.REDUCE),
        ("94.01", Action.REDUCE),
        ("94", Action.BLOCK),
        ("0", Action.BLOCK),
        ("120", Action.PASS),
    ],
)
def test_the_daily_drawdown_at_its_limits(equity, action):
    assert drawdowns(DAY, equity)["daily_drawdown"] is action


def test_a_drawdown_one_ulp_around_its_limits():
    """Accepted only if below: the loss at the limit acts."""
    loss = float(Fraction(1, 32))  # exact in binary and in decimal
    for limit, action in [(up(loss), Action.PASS), (loss, Action.REDUCE), (down(loss), Action.REDUCE)]:
        assert drawdowns(DAY, "96.875", daily_drawdown=DrawdownLimit(limit, 0.5))["daily_drawdown"] is action
        halted = drawdowns(DAY, "96.875", daily_drawdown=DrawdownLimit(0.0, limit))["daily_drawdown"]
        assert halted is (Action.BLOCK if action is Action.REDUCE else Action.REDUCE)


def test_a_day_is_an_exchange_session_never_a_calendar_day():
    friday, monday, tuesday = date(2022, 12, 23), date(2022, 12, 26), date(2022, 12, 27)
    closed = {"session": tuesday, "gaps": [monday]}  # no session
    assert drawdowns([(friday, D(100))], "96", **closed)["daily_drawdown"] is Action.REDUCE
    same = [(friday, D(96)), (tuesday, D(1000))]  # today's own record is not the session before
    assert drawdowns(same, "96", **closed)["daily_drawdown"] is Action.PASS


def test_the_month_starts_at_the_last_session_of_the_month_before():
    history = [
        (date(2022, 11, 29), D(200)),
        (date(2022, 11, 30), D(100)),
        (date(2022, 12, 1), D(99)),
        (date(2022, 12, 27), D(95)),
    ]
    assert drawdowns(history, "94.01")["monthly_drawdown"] is Action.PASS
    assert drawdowns(history, "94")["monthly_drawdown"] is Action.REDUCE
    assert drawdowns(history, "90")["monthly_drawdown"] is Action.BLOCK
    first = date(2023, 1, 3)  # the year turns: December's last session counts
    assert drawdowns(history, "94", first)["monthly_drawdown"] is Action.PASS
    assert drawdowns(history, "89", first)["monthly_drawdown"] is Action.REDUCE


def test_an_account_younger_than_the_month_starts_at_its_first_record():
    young = [(date(2022, 12, 20), D(100)), (date(2022, 12, 27), D(95))]
    assert drawdowns(young, "93.9")["monthly_drawdown"] is Action.REDUCE
    assert set(drawdowns([], "1").values()) == {Action.PASS}


def test_a_limit_that_the_policy_does_not_set_has_no_verdict():
    assert drawdowns(DAY, "1", daily_drawdown=None, monthly_drawdown=None) == {}


@pytest.mark.parametrize("start", ["0", "-5", "NaN", "Infinity"])
@pytest.mark.parametrize(("word", "action"), [("warn", Action.WARN), ("block", Action.BLOCK)])
def test_a_start_that_is_no_equity_is_unknown(start, word, action):
    history = [(date(2022, 12, 27), D(start))]
    assert set(drawdowns(history, "100", unknown=word).values()) == {action}


def test_an_equity_that_is_no_number_is_unknown():
    for equity in ("NaN", "Infinity"):
        assert set(drawdowns(DAY, equity, unknown="block").values()) == {Action.BLOCK}


CAREFUL = [TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED]


@pytest.mark.parametrize("state", TradingState)
@pytest.mark.parametrize("action", [Action.PASS, Action.WARN, Action.REDUCE, Action.BLOCK])
@pytest.mark.parametrize("rule", RULES)
def test_the_state_only_becomes_more_careful(state, action, rule):
    after = state_after(state, [verdict(action, rule=rule)])
    asked = {Action.REDUCE: TradingState.REDUCING, Action.BLOCK: TradingState.HALTED}.get(action, TradingState.ACTIVE)
    if state in CAREFUL:
        assert after is max(state, asked, key=CAREFUL.index)
    else:  # nothing at all may be traded while UNRECONCILED: only HALTED is more careful
        assert after is (TradingState.HALTED if action is Action.BLOCK else TradingState.UNRECONCILED)


def test_only_a_drawdown_changes_the_state():
    for rule in ("max_gross", "finite_weights", "liquidity", "trading_state"):
        assert state_after(TradingState.ACTIVE, [verdict(Action.BLOCK, rule=rule)]) is TradingState.ACTIVE


def test_a_restart_finds_the_state_it_left():
    """REDUCING on Monday stays REDUCING on Tuesday though the loss is over; HALTED too."""
    for state, action in [(TradingState.REDUCING, Action.REDUCE), (TradingState.HALTED, Action.BLOCK)]:
        assert state_rule(state).action is action
        assert state_after(state, drawdown_rules(situation(DAY, 100))) is state
    assert state_rule(TradingState.ACTIVE).action is Action.PASS
    assert state_rule(TradingState.UNRECONCILED).action is Action.PASS


# --- from the peak -----------------------------------------------------------------------------------------------

LONG_AGO = [(date(2022, 3, 1), D(100)), (date(2022, 10, 3), D(128)), (date(2022, 12, 27), D(120))]


def peak(history, equity, limit=None, **more):
    calm = {"daily_drawdown": CALM, "monthly_drawdown": CALM}
    return drawdowns(history, equity, peak_drawdown=limit or DrawdownLimit(0.2, 0.3), **calm, **more).get("peak_drawdown")


@pytest.mark.parametrize(
    ("equity", "action"),
    [("102.41", Action.PASS), ("102.4", Action.REDUCE), ("89.61", Action.REDUCE), ("89.6", Action.BLOCK), ("500", Action.PASS)],
)
def test_the_drawdown_from_the_peak_at_its_limits(equity, action):
    assert peak(LONG_AGO, equity) is action


def test_the_peak_one_ulp_around_its_limits():
    loss = 0.25  # 96 of 128
    for limit, action in [(up(loss), Action.PASS), (loss, Action.REDUCE), (down(loss), Action.REDUCE)]:
        assert peak(LONG_AGO, "96", DrawdownLimit(limit, 0.5)) is action
        halted = Action.BLOCK if action is Action.REDUCE else Action.REDUCE
        assert peak(LONG_AGO, "96", DrawdownLimit(0.0, limit)) is halted
    assert peak(LONG_AGO, "96", DrawdownLimit(float("nan"), float("nan"))) is Action.BLOCK


def test_a_peak_among_records_that_are_no_numbers_is_unknown():
    for bad in ("NaN", "Infinity", "-Infinity"):
        history = [(date(2022, 10, 3), D(bad)), (date(2022, 12, 27), D(100))]
        assert peak(history, "100", unknown="block") is Action.BLOCK
        assert peak(history, "100", unknown="warn") is Action.WARN
    assert peak(LONG_AGO, "NaN", unknown="block") is Action.BLOCK
    assert peak([], "100") is Action.PASS


# --- sessions without a record -----------------------------------------------------------------------------------


def test_a_loss_over_several_sessions_is_no_daily_loss():
    """9 % since the record of four sessions ago are 2.25 % a session; the month counts all of them."""
    week = [(date(2022, 12, 22), D(100))]
    found = drawdowns(week, "91", daily_drawdown=DrawdownLimit(0.03, 0.06), monthly_drawdown=DrawdownLimit(0.05, 0.20))
    assert found == {"daily_drawdown": Action.PASS, "monthly_drawdown": Action.REDUCE}
    (daily, _) = drawdown_rules(situation(week, "91"))
    assert daily.figure == pytest.approx(0.09 / 4)
    assert "2.25% a session, over 4 sessions" in daily.reason
    assert drawdowns(week, "88", monthly_drawdown=CALM)["daily_drawdown"] is Action.REDUCE
    assert drawdowns(week, "76", monthly_drawdown=CALM)["daily_drawdown"] is Action.BLOCK


def test_a_session_that_the_market_does_not_know_either_makes_the_rule_stricter_never_looser():
    gaps = [date(2022, 12, 26), date(2022, 12, 27)]
    (daily, _) = drawdown_rules(situation([(date(2022, 12, 22), D(100))], "91", gaps=gaps))
    assert daily.figure == pytest.approx(0.09 / 2)


# --- the way back ------------------------------------------------------------------------------------------------

FALL = [(date(2022, 12, 20), D(130)), (date(2022, 12, 23), D(128)), (date(2022, 12, 26), D(100)), (date(2022, 12, 27), D(101))]


def test_what_was_lost_before_the_account_was_resumed_counts_no_more():
    limits = {"peak_drawdown": DrawdownLimit(0.1, 0.2)}
    before = drawdowns(FALL, "100", **limits)
    assert before == {"daily_drawdown": Action.PASS, "monthly_drawdown": Action.BLOCK, "peak_drawdown": Action.BLOCK}
    after = drawdowns(FALL, "100", anchor=date(2022, 12, 26), **limits)
    assert set(after.values()) == {Action.PASS}
    again = drawdowns(FALL, "90", anchor=date(2022, 12, 26), **limits)  # a new loss: 10.9 % in a day, 10 % since then
    assert again == {"daily_drawdown": Action.BLOCK, "monthly_drawdown": Action.BLOCK, "peak_drawdown": Action.REDUCE}


def test_where_the_session_of_the_resume_has_no_record_the_count_begins_with_the_next_one():
    """Whoever was killed between the decision that halted and the closing of the books is not halted again by the same loss."""
    found = drawdown_rules(situation(FALL[:2], "100", anchor=date(2022, 12, 27)))
    assert {v.action for v in found} == {Action.PASS}
    assert all("since it was resumed in 2022-12-27" in v.reason for v in found)


PATH = some.lists(some.floats(-0.12, 0.10), min_size=1, max_size=25)


def run(returns, resumes=(), start=TradingState.ACTIVE, sessions_apart=1):
    """The states of an account day by day, each from what is on record: what is held is worth what the path says."""
    limits = {"daily_drawdown": DrawdownLimit(0.03, 0.06), "monthly_drawdown": DrawdownLimit(0.06, 0.1)}
    limits |= {"peak_drawdown": DrawdownLimit(0.08, 0.15)}
    rules, shown = policy(risk=limits), market(days=60)
    day, equity, state, anchor, history, states = date(2022, 1, 3), D(100), start, None, [(date(2021, 12, 31), D(100))], []
    for i, change in enumerate(returns):
        if i in resumes:
            state, anchor = TradingState.ACTIVE, history[-1][0]
        equity *= 1 + D(change)
        there = Situation(rules, replace(shown, session=day, sessions=weekdays(day)), state, history, equity, anchor)
        state = state_after(state, drawdown_rules(there))
        history, states = [*history, (day, equity)], [*states, state]
        day = (np.busday_offset(day, sessions_apart, roll="forward")).astype(object)
    return states, history


def weekdays(day):
    return np.busday_offset(np.datetime64(day) - 1, np.arange(-59, 1), roll="backward").astype("datetime64[D]")


@given(returns=PATH, start=some.sampled_from(CAREFUL), apart=some.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_whatever_the_equity_does_no_state_goes_back_by_itself(returns, start, apart):
    states, _ = run(returns, start=start, sessions_apart=apart)
    ranks = [CAREFUL.index(s) for s in [start, *states]]
    assert ranks == sorted(ranks)


@given(returns=PATH, at=some.integers(0, 24))
@settings(max_examples=60, deadline=None)
def test_after_a_resume_only_a_new_loss_stops_again(returns, at):
    """From the resume on the account's states are those of one that was opened that day with that equity."""
    at = min(at, len(returns) - 1)
    states, history = run(returns, resumes={at})
    anchor = history[at]  # the record of the session before, the one that `resume` counts from
    fresh = fresh_states(returns[at:], anchor, [day for day, _ in history[at + 1 :]])
    assert states[at:] == fresh


def fresh_states(returns, first, days):
    limits = {"daily_drawdown": DrawdownLimit(0.03, 0.06), "monthly_drawdown": DrawdownLimit(0.06, 0.1)}
    rules, shown = policy(risk=limits | {"peak_drawdown": DrawdownLimit(0.08, 0.15)}), market(days=60)
    equity, state, history, states = first[1], TradingState.ACTIVE, [first], []
    for change, day in zip(returns, days, strict=True):
        equity *= 1 + D(change)
        there = Situation(rules, replace(shown, session=day, sessions=weekdays(day)), state, history, equity)
        state = state_after(state, drawdown_rules(there))
        history, states = [*history, (day, equity)], [*states, state]
    return states
