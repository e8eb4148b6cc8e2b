"""Core and satellites: sleeves with strategies of their own, netted into one book.

Source: Treynor and Black (1973), a passive core and an active portfolio beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import numpy as np

from portfolio.errors import WrongUse
from portfolio.knobs import knob, word
from portfolio.optimize import Constraints, Infeasible
from portfolio.section import Section
from portfolio.strategies.protocol import Needs, Seen, Strategy
from portfolio.types import Classes, FloatArray, Target, Weights

HOLD, CASH = "hold", "cash"


@dataclass(frozen=True, slots=True)
class Sleeve:
    """share: of the invested part. symbols: whom it may hold; none: the whole universe. kind: that of its strategy."""

    name: str
    share: float
    symbols: tuple[str, ...]
    kind: str
    strategy: Strategy

    def of(self, symbols: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `symbols` that it may hold, in their order."""
        return tuple(s for s in symbols if not self.symbols or s in self.symbols)


def _sleeves() -> Any:
    def read(section: Section, key: str, _: Any) -> tuple[Sleeve, ...]:
        return tuple(_sleeve(each) for each in section.tables(key))

    return knob(read)


def _sleeve(section: Section) -> Sleeve:
    from portfolio.strategies.catalog import read_rule

    name, share = section.text("name"), section.number("share", 0.0, 1.0)
    symbols = section.words("symbols", ())
    inner = section.section("strategy")
    assert inner is not None
    strategy = read_rule(inner)
    inner.done()
    section.done()
    return Sleeve(name, share, symbols, strategy.kind, strategy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """share x what each sleeve's strategy wishes, added up by symbol; what the shares leave is cash.

    A sleeve's strategy is shown its own symbols and the bounds on single weights, in fractions of the sleeve; what
    constrains the whole book is kept by the book. Where several sleeves may hold a symbol, what is held of it counts for
    each in proportion to their shares. What stays because its data is blocked is taken off the share of its own sleeve.

    unanswered: what becomes of a sleeve whose strategy has no answer: `hold`, its symbols stay at what is held of them, up
    to its share; `cash`, it is sold. `Infeasible` where no sleeve has an answer.
    """

    kind: ClassVar[str] = "combination"
    objectives: ClassVar[tuple[str, ...]] = ("allocation", "smart_beta", "optimized")

    sleeve: tuple[Sleeve, ...] = _sleeves()
    unanswered: str = word((HOLD, CASH), HOLD)

    def check(self, symbols: tuple[str, ...], classes: Classes) -> None:
        names = [each.name for each in self.sleeve]
        if not names or len(set(names)) != len(names):
            raise WrongUse("[strategy] needs sleeves, each with a name of its own.", "Write `[[strategy.sleeve]]` and a `name`.")
        total = sum(each.share for each in self.sleeve)
        if total > 1.0 + 1e-9:
            raise WrongUse(f"[strategy] the shares of the sleeves add up to {total:g}, more than 1.", "Lower them.")
        for each in self.sleeve:
            if each.share == 0.0:
                raise WrongUse(f"The sleeve {each.name} has no share.", "Leave it out.")
            if unknown := sorted(set(each.symbols) - set(symbols)):
                raise WrongUse(
                    f"The sleeve {each.name} names {', '.join(unknown)}, absent from [universe] symbols.", "Add it there."
                )
            _check_inner(each, each.of(symbols), classes)

    def needs(self) -> Needs:
        asked = [each.strategy.needs() for each in self.sleeve]
        return Needs(
            sessions=max(need.sessions for need in asked),
            watched=tuple(dict.fromkeys(s for need in asked for s in need.watched)),
            macro=tuple(dict.fromkeys(s for need in asked for s in need.macro)),
            ratios=tuple(dict.fromkeys(s for need in asked for s in need.ratios)),
            ratio_sessions=max(need.ratio_sessions for need in asked),
        )

    def wish(self, seen: Seen) -> Target:
        told = [self._answer(each, seen, share) for each, share in zip(self.sleeve, self._shares(seen), strict=True)]
        if all(failed for _, failed in told):
            raise Infeasible("no sleeve has an answer: " + "; ".join(wish.road[0] for wish, _ in told))
        return _netted(self.sleeve, [wish for wish, _ in told], seen)

    def _shares(self, seen: Seen) -> list[float]:
        """What each sleeve may decide on: its share less what stays as it is held of its own symbols, within the room."""
        still = {s: w for s, w in seen.held.items() if s not in seen.symbols}
        left = [max(e.share - sum(_part(self.sleeve, e, s) * w for s, w in still.items()), 0.0) for e in self.sleeve]
        scale = min(1.0, max(seen.room, 0.0) / sum(left)) if sum(left) > 0.0 else 0.0
        return [share * scale for share in left]

    def _answer(self, sleeve: Sleeve, seen: Seen, share: float) -> tuple[Target, bool]:
        """(what the sleeve wishes, in fractions of the book; whether its strategy failed)."""
        inner = self._shown(sleeve, seen, share)
        if not inner.symbols or share <= 0.0:
            zeros = dict.fromkeys(inner.symbols, 0.0)
            words = "what it holds stays as it is, and fills its share"
            return Target(zeros, (f"{sleeve.name}: {words}",), dict.fromkeys(zeros, words)), False
        try:
            wish = sleeve.strategy.wish(inner)
        except Infeasible as failure:
            return self._failed(sleeve, inner, share, str(failure)), True
        return replace(
            wish,
            weights={s: w * share for s, w in wish.weights.items()},
            road=tuple(f"{sleeve.name}: {step}" for step in wish.road),
        ), False

    def _failed(self, sleeve: Sleeve, inner: Seen, share: float, failure: str) -> Target:
        held = {s: max(inner.held[s], 0.0) for s in inner.symbols}
        total = sum(held.values())
        part = 0.0 if self.unanswered == CASH else share / max(total, 1.0)
        why = f"{'held' if self.unanswered == HOLD else 'sold'}: {failure}"
        weights = {s: w * part for s, w in held.items()}
        return Target(weights, (f"{sleeve.name} failed: {failure}; {self.unanswered}",), dict.fromkeys(weights, why))

    def _shown(self, sleeve: Sleeve, seen: Seen, share: float) -> Seen:
        mine = sleeve.of(seen.symbols)
        held = {s: _part(self.sleeve, sleeve, s) * w / share if share > 0.0 else 0.0 for s, w in seen.held.items()}
        held = {s: w for s, w in held.items() if not sleeve.symbols or s in sleeve.symbols}
        rows = [seen.symbols.index(s) for s in mine]
        bounds = _bounds(seen.constraints, rows, share)
        return replace(seen, symbols=mine, held=held, constraints=bounds, invested=seen.invested * share)


def _check_inner(sleeve: Sleeve, symbols: tuple[str, ...], classes: Classes) -> None:
    mine = {name: {s: group for s, group in members.items() if s in symbols} for name, members in classes.items()}
    try:
        sleeve.strategy.check(symbols, mine)
    except WrongUse as wrong:
        raise WrongUse(f"The sleeve {sleeve.name}: {wrong.what}", wrong.way_out, **wrong.facts) from wrong


def _part(sleeves: tuple[Sleeve, ...], sleeve: Sleeve, symbol: str) -> float:
    """Which part of a symbol's holding counts for the sleeve."""
    shares = sum(each.share for each in sleeves if not each.symbols or symbol in each.symbols)
    return sleeve.share / shares if shares > 0.0 and (not sleeve.symbols or symbol in sleeve.symbols) else 0.0


def _bounds(whole: Constraints, rows: list[int], share: float) -> Constraints:
    """The upper bounds of the book as fractions of the sleeve; nothing else."""
    upper: FloatArray = np.minimum(whole.upper[rows] / share if share > 0.0 else whole.upper[rows], 1.0)
    fullest = whole.budget[0] / whole.budget[1] if whole.budget[1] > 0.0 else 0.0
    return Constraints(np.zeros(len(rows)), upper, (min(fullest, 1.0), 1.0))


def _netted(sleeves: tuple[Sleeve, ...], wishes: list[Target], seen: Seen) -> Target:
    weights = dict.fromkeys(seen.symbols, 0.0)
    why: dict[str, list[str]] = {s: [] for s in seen.symbols}
    turned: dict[str, date] = {}
    for sleeve, wish in zip(sleeves, wishes, strict=True):
        for symbol, weight in wish.weights.items():
            weights[symbol] += weight
            why[symbol].append(f"{sleeve.name} {weight:.2%}: {wish.reasons.get(symbol, 'wished')}")
        for symbol, day in wish.turned.items():
            turned[symbol] = max(day, turned.get(symbol, day))
    reasons = {s: " | ".join(said) or "in no sleeve" for s, said in why.items()}
    return Target(_trimmed(weights, seen.room), tuple(step for wish in wishes for step in wish.road), reasons, turned=turned)


def _trimmed(weights: Mapping[str, float], room: float) -> Weights:
    """Rounding alone can lift the sum above the room."""
    total = sum(weights.values())
    return {s: w * room / total for s, w in weights.items()} if total > room > 0.0 else dict(weights)
