"""What is asked of a book: named episodes of history, and shocks by name."""

from __future__ import annotations

from dataclasses import dataclass

from portfolio.risk.stress.episodes import EPISODES


@dataclass(frozen=True, slots=True)
class Shock:
    """One thing that happens. what: episode | equities | rates | group | symbol | largest | currency (prices); volatility |
    correlation | days (the tail); volume | spread (what it costs to get out); margin. name: of the episode, the symbol, the
    currency or class.name. value: a return, a change of yield, or a multiple; see `portfolio.risk.stress.shocks`.
    """

    what: str
    value: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """kind: history | hypothetical | liquidity | margin | hand. words: what happens, for a person."""

    name: str
    kind: str
    shocks: tuple[Shock, ...]
    words: str

    @property
    def margin(self) -> bool:
        return self.kind == "margin"


def _history(name: str) -> Scenario:
    there = EPISODES[name]
    words = f"the low of {there.trough}" if there.intraday else f"{there.start} to {there.trough}"
    return Scenario(name, "history", (Shock("episode", 0.0, name),), words)


HYPOTHETICAL = (
    Scenario("equities-20", "hypothetical", (Shock("equities", -0.20),), "equities fall by 20 %"),
    Scenario("equities-40", "hypothetical", (Shock("equities", -0.40),), "equities fall by 40 %"),
    Scenario("rates-up", "hypothetical", (Shock("rates", 0.02),), "every yield rises by 200 basis points"),
    Scenario(
        "correlation-one", "hypothetical", (Shock("correlation", 1.0),), "every correlation is one: the tail of ten sessions"
    ),
    Scenario("volatility-double", "hypothetical", (Shock("volatility", 2.0),), "volatility doubles: the tail of ten sessions"),
    Scenario("single-name", "hypothetical", (Shock("largest", -0.60),), "the largest position loses 60 %"),
    Scenario(
        "low-liquidity",
        "liquidity",
        (Shock("volume", 0.2), Shock("spread", 5.0), Shock("days", 3.0)),
        "a fifth of the volume, five times the spread, three days without exit",
    ),
    Scenario("margin-double", "margin", (Shock("margin", 2.0),), "the broker doubles its maintenance margin"),
)
SCENARIOS: dict[str, Scenario] = {s.name: s for s in (*(_history(name) for name in EPISODES), *HYPOTHETICAL)}
