"""What a stress says beside its figures, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping

from portfolio.risk.stress.scenarios import Scenario

MOST = 3  # lines named
SMALL = 0.00005  # of equity: a part that would be written as 0.00%


def sentence(scenario: Scenario, parts: Mapping[str, float], why: str, proxied: str) -> str:
    """What happens, the lines that it costs most, what cannot be told, and how many are proxied; no figure of the whole.

    parts: symbol -> what it brings of the loss of what is decided, a fraction of equity, NaN where unknown. why, proxied: "" or
    what else there is to say.
    """
    unknown = [symbol for symbol, part in parts.items() if math.isnan(part)]
    silent = f"what is decided cannot be told for {some(unknown)}" if unknown else ""
    what = "the figures are the share of the book that must be sold, no loss" if scenario.margin else ""
    lines = "" if unknown else _lines(scenario, parts)
    return "; ".join(words for words in (scenario.words, what, lines, silent, why, proxied) if words)


def some(names: list[str]) -> str:
    """The first three, and how many others.

    >>> some(["AAPL", "JPM", "MSFT", "XOM"])
    'AAPL, JPM, MSFT and 1 other'
    """
    left = len(names) - MOST
    return ", ".join(names[:MOST]) + (f" and {left} other{'s' if left > 1 else ''}" if left > 0 else "")


def _lines(scenario: Scenario, parts: Mapping[str, float]) -> str:
    """`worst lines: AAPL 3.10%, JPM 2.00%; best: SH gains 4.00%`."""
    ranked = sorted(((part, symbol) for symbol, part in parts.items() if abs(part) >= SMALL), key=lambda x: (-x[0], x[1]))
    worst = [f"{symbol} {part:.2%}" for part, symbol in ranked if part > 0][:MOST]
    if scenario.margin:
        return f"most of {', '.join(worst)}" if worst else ""
    told = [f"worst line{'s' if len(worst) > 1 else ''}: {', '.join(worst)}"] if worst else []
    gains = [f"best: {symbol} gains {-part:.2%}" for part, symbol in ranked[-1:] if part < 0]
    return "; ".join(told + gains)
