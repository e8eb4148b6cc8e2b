"""From policy, market and book to what a strategy is shown: whom it may wish for, and which weights are allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from portfolio.market import Market
from portfolio.measures import SESSIONS_A_YEAR
from portfolio.optimize import Constraints
from portfolio.signals import factors
from portfolio.strategies.protocol import Needs, Seen, Strategy
from portfolio.types import ConstraintPolicy, FloatArray, Health, Policy, Range, Weights

RELAXED = {  # what `relax` may name beside a class of [universe.groups]: the fields it sets back
    "symbols": ("symbols",),
    "net": ("net",),
    "turnover": ("turnover",),
    "tracking_error": ("tracking_error", "benchmark"),
    "volatility": ("volatility",),
    "conditional_value_at_risk": ("conditional_value_at_risk",),
    "exposures": ("exposures",),
    "names": ("names",),
    "minimum_position": ("minimum_position",),
}


def needs(policy: Policy) -> Needs:
    """What the market must show of this policy: what its strategy looks at, its limits on exposure, and what its puts are on."""
    rule: Strategy = policy.strategy.rule  # type: ignore[assignment]
    asked = rule.needs()
    beside = [ratio for factor in policy.constraints.exposures for ratio in factors.ratios_of(factor)]
    beneath = [hedge.instrument for hedge in policy.hedges if hedge.kind == "put" and hedge.instrument not in policy.symbols]
    watched = tuple(dict.fromkeys([*asked.watched, *beneath]))
    return replace(asked, watched=watched, ratios=tuple(dict.fromkeys([*asked.ratios, *beside])))


def loosened(constraints: ConstraintPolicy, name: str) -> ConstraintPolicy:
    """`constraints` without the one called `name` (a key of RELAXED, or a class)."""
    if name in RELAXED:
        usual = ConstraintPolicy()
        return replace(constraints, **{each: getattr(usual, each) for each in RELAXED[name]})
    return replace(constraints, groups={each: ranges for each, ranges in constraints.groups.items() if each != name})


def shown(policy: Policy, market: Market, current: Weights, asked: ConstraintPolicy, *, capped: bool) -> Seen:
    """What the policy's strategy is shown under the constraints `asked`.

    current: fractions of equity. A blocked symbol is not shown: what is held of it stays, and its part is taken off every
    sum. capped: with the policy's max_weight as an upper bound (for a model that decides under it), or without (what breaks
    it is for the rules to judge).
    """
    free = tuple(s for s in policy.symbols if market.health.get(s, Health.SOUND) is not Health.BLOCKED)
    invested = policy.invested
    held = {s: current.get(s, 0.0) / invested if invested > 0 else 0.0 for s in policy.symbols}
    frame = _Frame(policy, market, free, held, asked)
    return Seen(market, free, held, _constraints(frame, capped), policy.classes, policy.files, invested)


@dataclass(frozen=True, slots=True)
class _Frame:
    policy: Policy
    market: Market
    free: tuple[str, ...]
    held: Mapping[str, float]
    asked: ConstraintPolicy

    @property
    def mine(self) -> FloatArray:
        return np.array([self.held[s] for s in self.free])

    def stays(self, members: Mapping[str, str] | None = None, name: str = "") -> float:
        """The weight that blocked symbols (of one group) keep."""
        free = set(self.free)
        return sum(w for s, w in self.held.items() if s not in free and (members is None or members.get(s) == name))


def _constraints(frame: _Frame, capped: bool) -> Constraints:
    asked, stays, mine = frame.asked, frame.stays(), frame.mine
    lower, upper = _bounds(frame, capped)
    rows, low, high, labels = _rows(frame)
    funded = bool(np.abs(mine).sum() + abs(stays) > 0)
    return Constraints(
        lower=lower,
        upper=upper,
        budget=(max(asked.net.low - stays, 0.0), max(asked.net.high - stays, 0.0)),
        rows=rows,
        low=low,
        high=high,
        labels=labels,
        gross=max(asked.gross - abs(stays), 0.0) if asked.gross < 1.0 or bool((lower < 0).any()) else None,
        held=mine,
        turnover=_turnover(asked, mine, asked.net.high - stays) if funded else None,  # a first investment is none
        benchmark=np.array([asked.benchmark.get(s, 0.0) for s in frame.free]) if asked.benchmark else None,
        tracking_error=_a_day(asked.tracking_error),
        volatility=_a_day(asked.volatility),
        conditional_value_at_risk=asked.conditional_value_at_risk,
        level=asked.level,
        names=None if asked.names is None else max(asked.names - _held_back(frame), 0),
        minimum_position=asked.minimum_position,
    )


def _turnover(asked: ConstraintPolicy, mine: FloatArray, room: float) -> float | None:
    """The limit, and what must be sold to have the reserve in cash: that is asked for by another rule."""
    return None if asked.turnover is None else asked.turnover + max(float(mine.sum()) - max(room, 0.0), 0.0)


def _bounds(frame: _Frame, capped: bool) -> tuple[FloatArray, FloatArray]:
    asked = frame.asked
    ranges = [asked.symbols.get(s, asked.weight) for s in frame.free]
    cap = frame.policy.risk.max_weight / max(frame.policy.invested, 1.0) if capped else 1.0
    pairs = [_pinned(frame, s, Range(min(r.low, cap), min(r.high, cap))) for s, r in zip(frame.free, ranges, strict=True)]
    return np.array([p.low for p in pairs]), np.array([p.high for p in pairs])


def _pinned(frame: _Frame, symbol: str, usual: Range) -> Range:
    held = frame.held[symbol]
    return Range(held, held) if symbol in frame.asked.do_not_trade else usual


def _rows(frame: _Frame) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None, tuple[str, ...]]:
    """(rows, low, high, labels) of the groups and exposures."""
    found: list[tuple[FloatArray, float, float, str]] = []
    for name, ranges in frame.asked.groups.items():
        members = frame.policy.classes[name]
        for group, limit in ranges.items():
            row = np.array([1.0 if members.get(s) == group else 0.0 for s in frame.free])
            stays = frame.stays(members, group)
            found.append((row, limit.low - stays, limit.high - stays, f"{name} {group}"))
    for factor, limit in frame.asked.exposures.items():
        row = exposure(frame.market, frame.free, factor, frame.asked.lookback)
        found.append((row, limit.low, limit.high, f"exposure {factor}"))
    if not found:
        return None, None, None, ()
    rows, low, high, labels = zip(*found, strict=True)
    return np.vstack(rows), np.array(low), np.array(high), tuple(labels)


def exposure(market: Market, symbols: tuple[str, ...], factor: str, lookback: int) -> FloatArray:
    """Each symbol's score of `factor`, shape (symbols,): 0 (of `beta`: 1) where it is unknown."""
    columns = [market.symbols.index(s) for s in symbols]
    closes = market.closes[-(lookback + 1) :][:, columns]
    if factor == "beta":
        return np.nan_to_num(factors.beta(closes, market.benchmark[-(lookback + 1) :]), nan=1.0)
    ratios = {name: market.ratio(name)[columns] for name in market.ratios}
    return np.nan_to_num(factors.score(factor, closes, ratios), nan=0.0)


def _held_back(frame: _Frame) -> int:
    free = set(frame.free)
    return sum(1 for s, w in frame.held.items() if s not in free and w != 0.0)


def _a_day(yearly: float | None) -> float | None:
    return None if yearly is None else yearly / float(np.sqrt(SESSIONS_A_YEAR))
