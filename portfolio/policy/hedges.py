"""[[hedge]]: each its own table; a key that its kind does not read is unknown."""

from __future__ import annotations

import re
from typing import Any

from portfolio.errors import WrongUse
from portfolio.section import Section
from portfolio.types import CURRENCIES, HedgePolicy

KINDS = ("beta", "minimum_variance", "tail", "currency", "put")
SIGNALS = ("volatility", "drawdown", "trend")
SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,14}")
USUAL = HedgePolicy("", "", "", 0.0)
NAME = re.compile(r"[a-z0-9][a-z0-9\-]{0,39}")


def read_hedges(sections: tuple[Section, ...], base: str) -> tuple[HedgePolicy, ...]:
    """In the order of the file. base: the portfolio's currency."""
    found = tuple(_hedge(section, base) for section in sections)
    names = [hedge.name for hedge in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise WrongUse(f"Two hedges are called {twice[0]}.", "Give each [[hedge]] a `name` of its own.", key="name")
    puts = [hedge.instrument for hedge in found if hedge.kind == "put"]
    doubled = [symbol for symbol in puts if puts.count(symbol) > 1]
    if doubled:  # nobody could say to which of them a put belongs that is held
        raise WrongUse(f"Two [[hedge]] buy puts on {doubled[0]}.", "Make one of them, with a larger cover.", key="instrument")
    return found


def _hedge(section: Section, base: str) -> HedgePolicy:
    kind = section.word("kind", KINDS)
    read = {"beta": _beta, "minimum_variance": _variance, "tail": _tail, "currency": _currency, "put": _put}[kind]
    own = read(section)
    name = section.text("name", kind.replace("_", "-"))
    if not NAME.fullmatch(name):
        raise section.wrong("name", "small letters, digits and dashes, 40 at the most")
    instrument = _instrument(section, kind, base)
    found = HedgePolicy(name, kind, instrument, ceiling=section.number("ceiling", 0.0, 1.0), **own)
    section.done()
    return found


def _instrument(section: Section, kind: str, base: str) -> str:
    if kind == "currency":
        return section.word("instrument", tuple(c for c in CURRENCIES if c != base))
    symbol = section.text("instrument")
    if symbol in CURRENCIES or not SYMBOL.fullmatch(symbol):
        raise section.wrong("instrument", "a symbol: capitals, digits, dots and dashes")
    return symbol


def _beta(section: Section) -> dict[str, Any]:
    return {"target": section.number("target", -1.0, 2.0, USUAL.target), **_variance(section)}


def _variance(section: Section) -> dict[str, Any]:
    return {
        "lookback": section.count("lookback", 60, 2520, USUAL.lookback),
        "max_weight": section.number("max_weight", 0.0, 2.0, USUAL.max_weight),
    }


def _tail(section: Section) -> dict[str, Any]:
    when = section.word("when", SIGNALS)
    own = {} if when == "trend" else {"threshold": section.number("threshold", 0.0, 5.0)}
    return {
        "when": when,
        "weight": section.number("weight", 0.0, 1.0),
        "lookback": section.count("lookback", 20, 2520, USUAL.lookback),
        **own,
    }


def _currency(section: Section) -> dict[str, Any]:
    return {"target": section.number("target", 0.0, 1.0, USUAL.target)}


def _put(section: Section) -> dict[str, Any]:
    return {
        "moneyness": section.number("moneyness", 0.3, 1.2, USUAL.moneyness),
        "days": section.count("days", 7, 730, USUAL.days),
        "cover": section.number("cover", 0.0, 2.0, USUAL.cover),
        "lookback": section.count("lookback", 60, 2520, USUAL.lookback),
    }
