"""Shocks by hand, as `--shock` takes them.

equities=-0.2      every asset by its beta          rates=+0.02         yields, 0.02 = 200 basis points
AAPL=-0.6          one symbol                       sector.tech=-0.3    a group of [universe.groups], class.name
largest=-0.6       the largest position             correlation=1       how far each correlation goes to one, 0 to 1
volatility=2       a multiple of the usual one      days=3              sessions without exit, at 99 %
volume=0.2         a multiple of the usual one      spread=5            a multiple of the usual one
margin=2           a multiple, alone                currency.USD=-0.1   what a unit of it is worth in the base currency
2008               an episode, or any other scenario, by its name
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

from portfolio.errors import WrongUse
from portfolio.risk.stress.scenarios import SCENARIOS, Scenario, Shock
from portfolio.types import CURRENCIES, Policy

RANGES = {  # low, high
    "equities": (-1.0, 10.0),
    "rates": (-0.2, 0.2),
    "largest": (-1.0, 0.0),
    "correlation": (0.0, 1.0),
    "volatility": (0.0, 100.0),
    "days": (1.0, 20.0),
    "volume": (0.0001, 100.0),
    "spread": (0.0, 1000.0),
    "margin": (1.0, 10.0),
}
PRICE = (-1.0, 10.0)


def by_hand(texts: Sequence[str], policy: Policy) -> tuple[Scenario, ...]:
    """The scenarios that are named, and one of all shocks together, the named episodes among them, where one has a value.

    `WrongUse` says in one sentence what is wrong with the first that is, and what is known.
    """
    shocks = [_shock(text.strip(), policy) for text in texts]
    named = [SCENARIOS[s.name] for s in shocks if s.what == "named"]
    made = [s for s in shocks if s.what != "named"]
    episodes = [inner for scenario in named if scenario.kind == "history" for inner in scenario.shocks]
    together = [*episodes, *made]
    _check(together if made else [])
    unique = tuple(dict.fromkeys(named))
    if not made:
        return unique
    words = ", ".join(text.strip() for text in texts)
    kind = "margin" if together[0].what == "margin" else "hand"
    return (*unique, Scenario("by hand", kind, tuple(together), words))


def _shock(text: str, policy: Policy) -> Shock:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        if name in SCENARIOS:
            return Shock("named", 0.0, name)
        raise WrongUse(f"--shock {text!r} is no scenario.", f"{_near(name, SCENARIOS)}There are: {', '.join(SCENARIOS)}.")
    if name in RANGES:
        return Shock(name, _number(text, value, *RANGES[name]))
    if name in policy.traded:
        return Shock("symbol", _number(text, value, *PRICE), name)
    money = [f"currency.{c}" for c in CURRENCIES if c != policy.base_currency]
    if name in money:
        return Shock("currency", _number(text, value, *PRICE), name.partition(".")[2])
    groups = sorted({f"{kind}.{group}" for kind, members in policy.classes.items() for group in members.values()})
    if name in groups:
        return Shock("group", _number(text, value, *PRICE), name)
    if name == f"currency.{policy.base_currency}":
        raise WrongUse(f"--shock {text!r} moves the account's own currency.", "Name a foreign one: it is told in the account's.")
    known = [*RANGES, *money, *groups, *policy.traded]
    shown = ", ".join([*RANGES, *groups, "a symbol of the policy", *money])
    raise WrongUse(f"--shock {text!r} moves nothing that is known.", f"{_near(name, known)}There are: {shown}.")


def _near(name: str, known: Sequence[str] | dict[str, Scenario]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"Did you mean `{found[0]}`? " if found else ""


def _number(text: str, value: str, low: float, high: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not low <= number <= high:  # NaN is in no range
        part = "; 0.2 is 20 %" if low < 0 else ""
        raise WrongUse(f"--shock {text!r} is no shock.", f"Give it a number from {low:g} to {high:g}{part}.")
    return number


def _check(shocks: Sequence[Shock]) -> None:
    """What does not go together."""
    once = [s.what if s.what in RANGES else s.name for s in shocks if s.what != "episode"]
    twice = next((what for what in once if once.count(what) > 1), None)
    if twice:
        raise WrongUse(f"The shocks say {twice} twice.", "Say it once.")
    if "margin" in once and len(shocks) > 1:
        raise WrongUse("margin goes with no other shock: it says what must be sold, not what is lost.", "Ask it alone.")
