"""Which strategies there are: our own, and those that other packages bring by an entry point of `trimtab.strategies`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from portfolio.errors import WrongUse
from portfolio.knobs import read_knobs
from portfolio.section import Section
from portfolio.strategies.combination import Combination
from portfolio.strategies.equal import Equal
from portfolio.strategies.factor import Factor
from portfolio.strategies.fixed import Fixed
from portfolio.strategies.inverse_volatility import InverseVolatility
from portfolio.strategies.optimized import Optimized
from portfolio.strategies.protocol import Strategy
from portfolio.strategies.signal import Signal
from portfolio.strategies.target_volatility import TargetVolatility
from portfolio.types import StrategyPolicy

GROUP = "trimtab.strategies"
OURS: tuple[type[Strategy], ...] = (Fixed, Equal, InverseVolatility, TargetVolatility, Signal, Factor, Combination, Optimized)
LATER = ("predicted", "policy_gradient")


@cache
def kinds() -> dict[str, type[Strategy]]:
    """kind -> its class. `WrongUse` where a package brings a kind that is taken, or no strategy at all."""
    found: dict[str, type[Strategy]] = {kind.kind: kind for kind in OURS}
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        brought = entry.load()
        if not all(hasattr(brought, name) for name in ("kind", "objectives", "check", "needs", "wish")):
            raise WrongUse(f"The entry point {entry.value} is no strategy.", "portfolio.strategies.protocol says what one has.")
        if brought.kind in found:
            raise WrongUse(f"The entry point {entry.value} brings the kind {brought.kind!r}, which is taken.", "Rename it.")
        found[brought.kind] = brought
    return found


def read_strategy(section: Section) -> StrategyPolicy:
    """[strategy]: the rule of its kind, and the road where that has no answer."""
    rule = read_rule(section)
    fallback = section.words("fallback", ("hold",))
    for step in fallback:
        if step not in STEPS:
            raise section.wrong("fallback", f"a list of: {', '.join(STEPS)}")
    relax = section.words("relax", ())
    if ("relax" in fallback) != bool(relax):
        way = 'List what may be let go of, `relax = ["turnover", …]`, and say when, `fallback = ["relax", …, "hold"]`.'
        raise WrongUse("[strategy] relax and the step `relax` of fallback need each other.", way)
    return StrategyPolicy(rule.kind, rule, fallback, relax)


def read_rule(section: Section) -> Strategy:
    """The strategy of the section's `kind`, with its own keys."""
    kind = section.word("kind", tuple(kinds()), later=LATER)
    return read_knobs(kinds()[kind], section)


SIMPLER: dict[str, Strategy] = {  # steps of a fallback road that are strategies of their own
    "equal_weight": Equal(),
    "inverse_volatility": InverseVolatility(),
    "minimum_variance": Optimized(model="minimum_variance"),
    "risk_parity": Optimized(model="risk_parity"),
    "hrp": Optimized(model="hrp"),
}
STEPS = ("relax", *SIMPLER, "hold")
