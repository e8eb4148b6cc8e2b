"""Rules on what the account has lost, in exchange sessions: since the session before, month to date, and from its peak.

A loss moves the trading state: ACTIVE -> REDUCING -> HALTED. It only ever becomes more careful by itself; a person brings it
back (`trimtab resume`), and from that session on the drawdowns are counted anew: the loss that halted does not halt again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from portfolio.risk.limits import passed, unknown
from portfolio.risk.situation import Situation
from portfolio.types import Action, DrawdownLimit, TradingState, Verdict

History = Sequence[tuple[date, Decimal]]
RULES = ("daily_drawdown", "monthly_drawdown", "peak_drawdown")


def drawdown_rules(there: Situation) -> list[Verdict]:
    """One verdict a limit that the policy sets. Losses are of the equity that each starts from:

    daily: of the record before, a session; where sessions are missing from the record, the loss since then over their number.
    monthly: of the last record before this month, or the account's first. peak: of the highest record.
    """
    counted = counted_history(there)
    limits = there.policy.risk
    starts = {
        "daily_drawdown": (limits.daily_drawdown, counted[-1][1] if counted else None),
        "monthly_drawdown": (limits.monthly_drawdown, _month_start(counted, there.market.session)),
        "peak_drawdown": (limits.peak_drawdown, _peak(counted)),
    }
    lasted = _sessions_since(there, counted[-1][0]) if counted else 1
    return [
        _drawdown(name, limit, start, lasted if name == "daily_drawdown" else 1, there)
        for name, (limit, start) in starts.items()
        if limit is not None
    ]


def counted_history(there: Situation) -> History:
    """The records of the sessions before this one that count: after a `resume` (the anchor) only those from its session on."""
    return [
        (day, value) for day, value in there.history if day < there.market.session and (not there.anchor or day >= there.anchor)
    ]


def _sessions_since(there: Situation, record: date) -> int:
    """Exchange sessions from the one of the record to this one, as the market knows them: 1 where none is missing."""
    sessions = there.market.sessions
    between = (sessions > np.datetime64(record)) & (sessions < np.datetime64(there.market.session))
    return int(np.count_nonzero(between)) + 1


def _month_start(history: History, session: date) -> Decimal | None:
    """Equity at the last session before this month; a younger account: its first record."""
    earlier = [value for day, value in history if (day.year, day.month) < (session.year, session.month)]
    if earlier:
        return earlier[-1]
    return history[0][1] if history else None


def _peak(history: History) -> Decimal | None:
    """The highest equity on record; one that is no number where any is none."""
    values = [value for _, value in history]
    strange = next((value for value in values if not value.is_finite()), None)
    return strange if strange is not None else max(values, default=None)


def _drawdown(name: str, limit: DrawdownLimit, start: Decimal | None, sessions: int, there: Situation) -> Verdict:
    if start is None:
        since = f" since it was resumed in {there.anchor}" if there.anchor else ""
        return passed(name, f"the account has no earlier session on record{since}")
    equity = there.equity
    if not start.is_finite() or start <= 0 or not equity.is_finite():
        return unknown(name, there.policy.risk, f"the equity it starts from is {start}, the equity now {equity}")
    loss = float(1 - equity / start) / sessions
    over = f" a session, over {sessions} sessions of which the last alone is on record" if sessions > 1 else ""
    words = f"{name.replace('_', ' ')} {loss:.2%}{over}, reduce at {limit.reduce:.2%}, halt at {limit.halt:.2%}"
    if not math.isfinite(loss) or not loss < limit.halt:  # so that a limit that is no number lets nothing through
        return Verdict(name, Action.BLOCK, 0.0, (), words, loss, limit.halt)
    if not loss < limit.reduce:
        return Verdict(name, Action.REDUCE, 1.0, (), f"{words}: only sells from here", loss, limit.reduce)
    return passed(name, words, (), loss, limit.reduce)


def state_rule(state: TradingState, words: str = "") -> Verdict:
    """What the account's trading state allows. words: the state, who brought it about and when, where that is known."""
    said = f"the account is {words or state.value}"
    if state is TradingState.HALTED:
        return Verdict("trading_state", Action.BLOCK, 0.0, (), f"{said}; `trimtab resume` clears it")
    if state is TradingState.REDUCING:
        return Verdict("trading_state", Action.REDUCE, 1.0, (), f"{said}: only sells until a person resumes it")
    return passed("trading_state", f"the account is {state.value}")


def state_after(state: TradingState, verdicts: Sequence[Verdict]) -> TradingState:
    """The state that the drawdown verdicts ask for; it only ever becomes more careful (a person brings it back).

    UNRECONCILED forbids every order, REDUCING lets sells through: a reduction does not loosen it.
    """
    actions = {v.action for v in verdicts if v.rule in RULES}
    if state is TradingState.HALTED or Action.BLOCK in actions:
        return TradingState.HALTED
    if Action.REDUCE in actions and state is not TradingState.UNRECONCILED:
        return TradingState.REDUCING
    return state
