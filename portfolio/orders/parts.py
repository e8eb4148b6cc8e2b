"""Why this trade: the signed quantity of each line, split by cause before it is made whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from portfolio.types import Weights


@dataclass(frozen=True, slots=True)
class Steps:
    """The weights on the way from what is held to what is traded, all fractions of today's equity.

    held: now. before: what the newest plan that traded went to, hedges left out, None where there was none; asked_before: what
    its strategy had wished, judged_before: what the rules left of that. flow: what was paid in since, as a fraction of
    today's equity. asked: the strategy's wish. judged: what the rules left of it, hedges included; traded: what is traded
    to. hedged_before, hedged: the hedges then and now.
    """

    held: Weights
    before: Weights | None
    flow: float
    asked: Weights
    judged: Weights
    traded: Weights
    hedged_before: Weights = field(default_factory=dict)
    hedged: Weights = field(default_factory=dict)
    asked_before: Weights | None = None
    judged_before: Weights | None = None


def why_traded(steps: Steps, units: Mapping[str, Decimal]) -> dict[str, dict[str, Decimal]]:
    """Symbol -> cause -> signed quantity, not whole; units: what one of equity is worth in each symbol's units.

    Now a wished for, j judged, t traded to and n hedged, before b, i, w and o (i and w without hedges), h held and F paid in
    since, all in units: cash_flow = (w + o) F; drift = (w + o)(1 - F) - h; signal = a - b; hedge = n - o; risk_limit = what
    the rules take otherwise than before, (j - a - n) - (i - b); timing = what is left for later, (t - j) - (w - i). They add
    up to t - h. Without an earlier plan the whole first purchase is of the cash that was paid in, and what was held before that
    is moved by the signal, or by the hedge where only that holds it.
    """
    return {s: _split(s, steps, unit) for s, unit in units.items()}


def _split(symbol: str, steps: Steps, unit: Decimal) -> dict[str, Decimal]:
    held, asked = steps.held.get(symbol, 0.0), steps.asked.get(symbol, 0.0)
    judged, traded = steps.judged.get(symbol, 0.0), steps.traded.get(symbol, 0.0)
    new = steps.hedged.get(symbol, 0.0)
    then, old = _before(symbol, steps, asked, new)
    flow = steps.flow if steps.before is not None else float(not any(steps.held.values()))
    wished = _told(steps.asked_before, symbol, then)
    ruled = _told(steps.judged_before, symbol, then)
    parts = {
        "cash_flow": (then + old) * flow,
        "drift": (then + old) * (1.0 - flow) - held,
        "signal": asked - wished,
        "hedge": new - old,
        "risk_limit": (judged - asked - new) - (ruled - wished),
        "timing": (traded - judged) - (then - ruled),
    }
    return {cause: Decimal(repr(weight)) * unit for cause, weight in parts.items() if abs(weight) > 1e-12}


def _before(symbol: str, steps: Steps, asked: float, new: float) -> tuple[float, float]:
    """(what was traded to before, without its hedges; those)."""
    if steps.before is not None:
        return steps.before.get(symbol, 0.0), steps.hedged_before.get(symbol, 0.0)
    held = steps.held.get(symbol, 0.0)
    if not any(steps.held.values()):
        return asked, 0.0
    return (0.0, held) if new and not asked else (held, 0.0)


def _told(weights: Weights | None, symbol: str, otherwise: float) -> float:
    return otherwise if weights is None else weights.get(symbol, 0.0)
