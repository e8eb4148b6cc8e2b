"""How a figure is held against its limit: accepted only if it is finite and at most the limit."""

from __future__ import annotations

import math

from portfolio.types import Action, RiskPolicy, Verdict

ROUNDING = 1e-9  # of a weight: what an optimizer's last bits may be over


def within(figure: float, limit: float) -> bool:
    return math.isfinite(figure) and figure <= limit


def unknown(rule: str, policy: RiskPolicy, why: str, symbols: tuple[str, ...] = ()) -> Verdict:
    """A rule that cannot be judged is never a silent pass: the policy's [risk] unknown says what it is."""
    action = Action.BLOCK if policy.unknown == "block" else Action.WARN
    return Verdict(rule, action, 1.0, symbols, f"unknown: {why} ([risk] unknown = {policy.unknown!r})")


def passed(rule: str, reason: str, symbols: tuple[str, ...] = ()) -> Verdict:
    return Verdict(rule, Action.PASS, 1.0, symbols, reason)


def scaled(rule: str, figure: float, limit: float, reason: str, symbols: tuple[str, ...] = ()) -> Verdict:
    """Scale what the rule means by limit / figure; a figure that is not finite blocks."""
    if not math.isfinite(figure):
        return Verdict(rule, Action.BLOCK, 0.0, symbols, f"{reason}; the figure is not finite")
    return Verdict(rule, Action.SCALE, max(limit / figure, 0.0), symbols, reason)
