"""Rules on what the account has lost: since the session before, and month to date."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from portfolio.risk.limits import passed, unknown
from portfolio.types import Action, DrawdownLimit, Policy, TradingState, Verdict

History = Sequence[tuple[date, Decimal]]


def drawdown_rules(history: History, equity: Decimal, session: date, policy: Policy) -> list[Verdict]:
    """history: (session, equity at its end), oldest first; equity: now. In exchange sessions, never calendar days."""
    earlier = [(day, value) for day, value in history if day < session]
    rules = [
        ("daily_drawdown", policy.risk.daily_drawdown, earlier[-1][1] if earlier else None),
        ("monthly_drawdown", policy.risk.monthly_drawdown, _month_start(earlier, session)),
    ]
    return [_drawdown(name, limit, start, equity, policy) for name, limit, start in rules if limit is not None]


def _month_start(history: History, session: date) -> Decimal | None:
    """Equity at the last session before this month; a younger account: its first record."""
    earlier = [value for day, value in history if (day.year, day.month) < (session.year, session.month)]
    if earlier:
        return earlier[-1]
    return history[0][1] if history else None


def _drawdown(name: str, limit: DrawdownLimit, start: Decimal | None, equity: Decimal, policy: Policy) -> Verdict:
    if start is None:
        return passed(name, "the account has no earlier session on record")
    if not start.is_finite() or start <= 0 or not equity.is_finite():
        return unknown(name, policy.risk, f"the equity it starts from is {start}, the equity now {equity}")
    loss = float(1 - equity / start)
    words = f"{name.replace('_', ' ')} {loss:.2%}, reduce at {limit.reduce:.2%}, halt at {limit.halt:.2%}"
    if not math.isfinite(loss) or loss >= limit.halt:
        return Verdict(name, Action.BLOCK, 0.0, (), words)
    if loss >= limit.reduce:
        return Verdict(name, Action.REDUCE, 1.0, (), f"{words}: only sells from here")
    return passed(name, words)


def state_rule(state: TradingState) -> Verdict:
    """What the account's trading state allows."""
    if state is TradingState.HALTED:
        return Verdict("trading_state", Action.BLOCK, 0.0, (), "the account is HALTED; `trimtab resume` clears it")
    if state is TradingState.REDUCING:
        return Verdict("trading_state", Action.REDUCE, 1.0, (), "the account is REDUCING: only sells until a person resumes it")
    return passed("trading_state", f"the account is {state.value}")


def state_after(state: TradingState, verdicts: Sequence[Verdict]) -> TradingState:
    """The state that the drawdown verdicts ask for; it only ever becomes more careful (a person brings it back).

    UNRECONCILED forbids every order, REDUCING lets sells through: a reduction does not loosen it.
    """
    actions = {v.action for v in verdicts if v.rule in {"daily_drawdown", "monthly_drawdown"}}
    if state is TradingState.HALTED or Action.BLOCK in actions:
        return TradingState.HALTED
    if Action.REDUCE in actions and state is not TradingState.UNRECONCILED:
        return TradingState.REDUCING
    return state
