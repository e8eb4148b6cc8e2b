"""Weights that move with signals: a base, and rules with an entry and an exit that multiply parts of it.

Sources stand by each measure in portfolio.signals (trend, deviation, ranking). A rule that holds, or does not, one thing by
another is a timing rule as in Faber (2007) and Moskowitz, Ooi and Pedersen (2012); two rules, one that ranks and one that
looks at each by itself, are dual momentum (Antonacci, 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np

from portfolio.errors import WrongUse
from portfolio.knobs import knob, read_knobs, shares
from portfolio.market import DateArray
from portfolio.optimize import Infeasible
from portfolio.section import Section
from portfolio.signals.reading import Reading, read_across, read_one, read_ranks
from portfolio.signals.rule import CASH, CHOSEN, Rule
from portfolio.signals.weighting import within
from portfolio.strategies.equal import NOBODY
from portfolio.strategies.fixed import check_weights
from portfolio.strategies.protocol import Needs, Seen
from portfolio.types import Classes, FloatArray, Health, Target, Weights

ROUNDING = 1e-12  # of a weight


def _rules() -> Any:
    def read(section: Section, key: str, _: Any) -> tuple[Rule, ...]:
        found = []
        for each in section.tables(key):
            found.append(read_knobs(Rule, each))
            each.done()
        if not found:
            raise section.wrong(key, f"at least one table under `[[{section.path}.{key}]]`")
        return tuple(found)

    return knob(read)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """The base, and one rule after the other on it; what is left is cash.

    base: weights, fractions of the invested part. rule: portfolio.signals.rule.Rule. The state of a rule is replayed over
    all the history that the market shows, so it depends on nothing that is remembered. A symbol whose own measure was never
    known is out, and its reason says so; where the one thing that a rule watches was never known, or its data is blocked,
    there is no answer (`Infeasible`). Where the weights add up to more than the room all are made smaller by the same factor.
    """

    kind: ClassVar[str] = "signal"
    objectives: ClassVar[tuple[str, ...]] = ("allocation",)

    base: Weights = shares()
    rule: tuple[Rule, ...] = _rules()

    def check(self, symbols: tuple[str, ...], classes: Classes) -> None:
        check_weights("base", self.base, symbols)
        holds = {s for s, w in self.base.items() if w > 0.0}
        for number, rule in enumerate(self.rule, start=1):
            where = f"[[strategy.rule]] {number} ({rule.title})"
            rule.check(where)
            asked = {*rule.symbols, *({rule.instead} - {CASH, CHOSEN})}
            if unknown := sorted(asked - set(symbols)):
                raise WrongUse(f"{where} moves {', '.join(unknown)}, absent from [universe] symbols.", "Add it there.")
            if idle := sorted(set(rule.symbols) - holds):
                raise WrongUse(
                    f"{where} moves {', '.join(idle)}, of which there is nothing to move.", "Give it a weight in `base`."
                )
            holds |= {rule.instead}

    def needs(self) -> Needs:
        return Needs(
            sessions=max(rule.sessions for rule in self.rule),
            watched=_distinct(s for rule in self.rule for s in rule.watched),
            macro=_distinct(s for rule in self.rule for s in rule.macro),
            ratios=_distinct(rule.ratio for rule in self.rule if rule.ratio),
            ratio_sessions=max(rule.ratio_sessions for rule in self.rule),
        )

    def wish(self, seen: Seen) -> Target:
        if not seen.symbols:
            raise Infeasible(NOBODY)
        weights = {s: self.base.get(s, 0.0) for s in seen.symbols}
        why = {s: [f"base {w:.2%}"] for s, w in weights.items()}
        turned: dict[str, date] = {}
        for rule in self.rule:
            found, before = _readings(rule, seen), dict(weights)
            _move(rule, found, weights)
            for symbol, said in _explained(rule, found, before, weights).items():
                why[symbol].append(said)
            for symbol, reading in found.items():
                if reading.turned is not None:
                    turned[symbol] = max(reading.turned, turned.get(symbol, reading.turned))
        fitted = within(np.array([weights[s] for s in seen.symbols]), max(seen.room, 0.0))
        smaller = "; all made smaller to fit the room" if fitted.sum() < sum(weights.values()) - ROUNDING else ""
        reasons = {s: "; ".join(said) + smaller for s, said in why.items()}
        return Target(dict(zip(seen.symbols, fitted.tolist(), strict=True)), (self.kind,), reasons, turned=turned)


def _distinct(names: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _readings(rule: Rule, seen: Seen) -> dict[str, Reading]:
    """What the rule says of each of its symbols that is free to trade."""
    mine = sorted(set(rule.symbols) & set(seen.symbols))  # by name: it decides between equals
    if not mine:
        return {}
    sessions, today = seen.market.sessions, seen.market.session
    if rule.across:
        figures = dict(zip(seen.symbols, seen.ratio(rule.ratio), strict=True))
        return dict(zip(mine, read_across(rule, np.array([figures[s] for s in mine])), strict=True))
    if rule.each:
        panel, sessions = _own(rule, seen, mine)
        if rule.top is not None:
            return dict(zip(mine, read_ranks(rule, panel, sessions, today), strict=True))
        return {s: read_one(rule, panel[:, i], sessions, today) for i, s in enumerate(mine)}
    reading = read_one(rule, _watched(rule, seen), sessions, today)
    if not np.isfinite(reading.value):
        raise Infeasible(f"the rule {rule.title!r} has no value: what it watches is unknown, or its past is too short")
    return dict.fromkeys(mine, reading)


def _own(rule: Rule, seen: Seen, mine: list[str]) -> tuple[FloatArray, DateArray]:
    """(each symbol's own price or ratio, shape (sessions, mine); the sessions). Of a ratio no more than the rule asked for,
    so that nothing hangs on what others did.
    """
    sessions = seen.market.sessions
    if not rule.ratio:
        return seen.closes(symbols=mine), sessions
    newest = rule.ratio_sessions + 1
    return seen.ratios(rule.ratio, mine)[-newest:], sessions[-newest:]


def _watched(rule: Rule, seen: Seen) -> FloatArray:
    """The one thing that all its symbols hang on; shape (sessions,), of turbulence (sessions, among)."""
    if rule.series:
        return _series(rule, seen)
    for symbol in rule.watched:
        if seen.market.health.get(symbol, Health.SOUND) is Health.BLOCKED:
            raise Infeasible(f"the rule {rule.title!r} watches {symbol}, whose data is blocked")
    columns = [seen.watched(s) for s in rule.watched]
    if rule.measure == "turbulence":
        return np.column_stack(columns)
    return columns[0] if len(columns) == 1 else columns[0] / columns[1]


def _series(rule: Rule, seen: Seen) -> FloatArray:
    lacking = sorted(set(rule.macro) - set(seen.market.macro))
    if lacking:
        raise Infeasible(f"the rule {rule.title!r} watches {', '.join(lacking)}, of which nothing is known")
    columns = [seen.market.macro[name] for name in rule.macro]
    if len(columns) == 1:
        return columns[0]
    if rule.operator == "-":
        return columns[0] - columns[1]
    whole = np.where(columns[1] == 0.0, np.nan, columns[1])
    out: FloatArray = columns[0] / whole
    return out


def _move(rule: Rule, found: dict[str, Reading], weights: dict[str, float]) -> None:
    """Multiply the weights of the rule's symbols, and let `instead` take what that frees or give what it takes."""
    if not found:
        return
    before = sum(weights[s] for s in found)
    after = {s: weights[s] * reading.factor for s, reading in found.items()}
    freed = before - sum(after.values())
    if rule.instead == CHOSEN:
        _to_the_chosen(found, after, freed)
    elif rule.instead in weights:
        freed = _taken(weights, after, weights[rule.instead], freed)
        weights[rule.instead] = max(weights[rule.instead] + freed, 0.0)
    weights.update(after)


def _to_the_chosen(found: dict[str, Reading], after: dict[str, float], freed: float) -> None:
    inside: Sequence[str] = [s for s, reading in found.items() if reading.inside]
    total = sum(after[s] for s in inside)
    for symbol in inside if total > 0.0 else ():
        after[symbol] *= max((total + freed) / total, 0.0)


def _taken(weights: dict[str, float], after: dict[str, float], there: float, freed: float) -> float:
    """What `instead` gains. Where it cannot give what the growing ones ask, they grow by what it has."""
    if freed >= -there:
        return freed
    grown = {s: w - weights[s] for s, w in after.items() if w > weights[s]}
    part = (sum(grown.values()) + freed + there) / sum(grown.values())
    for symbol, more in grown.items():
        after[symbol] = weights[symbol] + more * part
    return -there


def _explained(rule: Rule, found: dict[str, Reading], before: Weights, after: Weights) -> dict[str, str]:
    """What the rule did to each symbol that it looked at or moved, in words."""
    out = {}
    for symbol in after:
        own = found[symbol].factor if symbol in found else 1.0
        moved = after[symbol] - before[symbol] * own
        more = f"{moved:+.2%} by {rule.title}" if abs(moved) > ROUNDING else ""
        said = _sentence(rule, found[symbol]) if symbol in found else ""
        if said or more:
            out[symbol] = ", ".join(part for part in (said, more) if part)
    return out


def _sentence(rule: Rule, reading: Reading) -> str:
    if not np.isfinite(reading.value):
        left = "left as it is" if rule.slope is not None else "out"
        return f"{rule.title} is unknown, so {left}"
    if rule.slope is not None:
        return f"{rule.title} is {reading.value:.4g}: times {reading.factor:.3g}"
    since = f" since {reading.turned.isoformat()}" if reading.turned is not None else ""
    return f"{'in' if reading.inside else 'out'}{since} by {rule.title} ({reading.value:.4g}): times {reading.factor:.3g}"
