"""How a figure is held against its limit: accepted only if it is finite and at most the limit."""

from __future__ import annotations

import math

from portfolio.types import Action, RiskPolicy, Verdict

ROUNDING = 1e-9  # of a weight or a share of risk: what an optimizer's last bits may be over


def within(figure: float, limit: float) -> bool:
    return math.isfinite(figure) and figure <= limit


def unknown(rule: str, policy: RiskPolicy, why: str, symbols: tuple[str, ...] = ()) -> Verdict:
    """A rule that cannot be judged is never a silent pass: the policy's [risk] unknown says what it is."""
    action = Action.BLOCK if policy.unknown == "block" else Action.WARN
    return Verdict(rule, action, 1.0, symbols, f"unknown: {why} ([risk] unknown = {policy.unknown!r})")


def passed(
    rule: str, reason: str, symbols: tuple[str, ...] = (), figure: float | None = None, limit: float | None = None
) -> Verdict:
    return Verdict(rule, Action.PASS, 1.0, symbols, reason, figure, limit)


def scaled(rule: str, figure: float, limit: float, reason: str, symbols: tuple[str, ...] = ()) -> Verdict:
    """Scale what the rule means by limit / figure; a figure that is not finite, or a limit that is no number, blocks."""
    if not math.isfinite(figure) or math.isnan(limit):
        return Verdict(rule, Action.BLOCK, 0.0, symbols, f"{reason}; the figure is not finite")
    return Verdict(rule, Action.SCALE, max(limit / figure, 0.0), symbols, reason, figure, limit)


def judged(rule: str, figure: float, limit: float, words: str, symbols: tuple[str, ...] = ()) -> Verdict:
    """Passed within the limit, else scaled by limit / figure; `words` tell the figure."""
    if within(figure, limit):
        return passed(rule, f"{words}, limit {limit:.2%}", (), figure, limit)
    return scaled(rule, figure, limit, f"{words} is over the limit of {limit:.2%}", symbols)
