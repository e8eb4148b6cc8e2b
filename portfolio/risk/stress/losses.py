"""What each scenario would cost a book, and what the policy lets it cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from portfolio.risk.situation import Situation
from portfolio.risk.stress.exit import called, days_to_sell, liquidation_cost
from portfolio.risk.stress.prices import Moves, moved
from portfolio.risk.stress.revalued import Shocks, option_losses
from portfolio.risk.stress.scenarios import SCENARIOS, Scenario
from portfolio.risk.stress.tail import tail_slopes
from portfolio.risk.stress.words import sentence
from portfolio.risk.stress.world import World
from portfolio.types import FloatArray, StressPolicy, StressResult, Weights

TAIL = frozenset({"correlation", "volatility", "days"})
COST = frozenset({"volume", "spread"})
PRICES = frozenset({"episode", "equities", "rates", "group", "symbol", "currency"})


@dataclass(frozen=True, slots=True)
class Losses:
    """One scenario over several books. parts: (symbols, books), NaN where unknown; proxied: symbol -> by what; why: what is
    unknown, or what else there is to say.
    """

    parts: FloatArray
    proxied: Mapping[str, str]
    why: str = ""

    def of(self, book: int) -> float | None:
        """The loss of one book, a fraction of equity; None where a part of it is unknown."""
        parts = self.parts[:, book]
        return math.fsum(parts) if np.isfinite(parts).all() else None


def stresses(
    before: Weights, after: Weights, there: Situation, scenarios: Sequence[Scenario] | None = None
) -> tuple[StressResult, ...]:
    """What each scenario (all of ours, unless some are given) would cost what is held (`before`) and what is decided (`after`).

    A symbol of weight zero is not looked at. None where a part of the loss is unknown.
    """
    asked = list(SCENARIOS.values()) if scenarios is None else scenarios
    world = World(there, {s for book in (before, after) for s, w in book.items() if w != 0.0})
    weights = world.weights(before, after)
    return tuple(_result(scenario, losses(scenario, world, weights), world) for scenario in asked)


def losses(scenario: Scenario, world: World, weights: FloatArray) -> Losses:
    """weights: (symbols of the world, books). An option that was bought is revalued where its price is known and the scenario
    says what its underlying does, else taken to expire worthless; what one that was sold may cost cannot be told.
    """
    weights = np.where(np.isfinite(weights), weights, np.nan)
    if scenario.margin:
        return _margin(scenario, world, weights)
    asked = {s.what: s.value for s in scenario.shocks}
    found = _Found.none(world, np.where(world.is_option[:, None], 0.0, weights))
    if PRICES & asked.keys():
        found.by_prices(moved(world, scenario.shocks))
    if "largest" in asked:
        found.by_returns(_largest(world, found.shares, asked["largest"]))
    if COST & asked.keys() and len(world.symbols):
        found.by_exit(asked)
    if TAIL & asked.keys() and len(world.symbols):
        found.by_tail(tail_slopes(world, found.worth, asked))
    held = {s for s, row in zip(world.symbols, found.shares, strict=True) if row.any()}
    options, told = option_losses(world, weights, found.shocks, asked.get("volatility", 1.0), found.money)
    told = {s: f"{how}; {u}: {found.proxied[u]}" if (u := world.beneath(s)) in found.proxied else how for s, how in told.items()}
    return Losses(found.parts + options, {s: how for s, how in found.proxied.items() if s in held} | told, found.why)


@dataclass(slots=True)
class _Found:
    """What is known of a scenario so far. shares: weights without options, (symbols, books); worth: what the shocks so far left
    of them, each compounded with the next; parts: of their loss; money: what the currency of each does, (symbols,).
    """

    world: World
    shares: FloatArray
    worth: FloatArray
    parts: FloatArray
    shocks: Shocks
    money: FloatArray
    proxied: dict[str, str] = field(default_factory=dict)
    why: str = ""

    @classmethod
    def none(cls, world: World, shares: FloatArray) -> _Found:
        return cls(world, shares, shares, np.zeros(shares.shape), Shocks.none(shares), np.zeros(len(shares)))

    def by_prices(self, moves: Moves) -> None:
        loss = moves.loss(self.shares)
        self.parts, self.worth, self.proxied = self.parts + loss, self.worth - loss, dict(moves.proxied)
        self.shocks, self.money = self.shocks.plus(moves.long[:, None], moves.short[:, None]), moves.money

    def by_returns(self, returns: FloatArray) -> None:
        """returns: of each symbol in each book, shape of the weights."""
        loss = np.where(self.shares == 0, 0.0, -self.worth * returns)
        self.parts, self.worth = self.parts + loss, self.worth - loss
        self.shocks = self.shocks.plus(returns, returns)

    def by_exit(self, asked: dict[str, float]) -> None:
        """What an option is sold for in a thin market is not known."""
        self.parts = self.parts + liquidation_cost(self.world, self.worth, asked)
        self.why, self.shocks = _volume_words(self.world, self.worth, asked), self.shocks.plus(np.nan, np.nan)

    def by_tail(self, slopes: FloatArray | None) -> None:
        self.by_returns(np.full(self.shares.shape, np.nan) if slopes is None else -slopes)
        self.why = "fewer than 60 sessions that all know" if slopes is None else self.why
        young = [s for s, is_young in zip(self.world.symbols, self.world.young, strict=True) if is_young]
        self.proxied = dict.fromkeys(young, "moves as the benchmark: too young") | self.proxied


def _largest(world: World, weights: FloatArray, value: float) -> FloatArray:
    """Returns of the largest position of each book alone, against whoever holds it: a price that was sold short rises by as
    much; shape of `weights`. Money in another currency is no position.
    """
    out = np.zeros(weights.shape)
    sizes = np.abs(weights)
    sizes[list(world.currencies)] = 0.0
    for book in range(weights.shape[1] if len(weights) else 0):
        row = int(sizes[:, book].argmax())
        out[row, book] = value * np.sign(weights[row, book])
    return out


def _volume_words(world: World, weights: FloatArray, asked: dict[str, float]) -> str:
    held = zip(world.symbols, world.day_volume, weights, strict=True)
    unknown = [s for s, dealt, row in held if math.isnan(dealt) and row.any()]
    if unknown:
        return f"nobody says the volume of {', '.join(unknown[:5])}{' and others' if len(unknown) > 5 else ''}"
    slowest = days_to_sell(world, weights, asked)[-1]
    return f"the slowest position takes {slowest:.1f} days at {world.there.policy.risk.liquidity.participation:.0%} of the volume"


def _margin(scenario: Scenario, world: World, weights: FloatArray) -> Losses:
    policy = world.there.policy.margin
    if policy is None:
        return Losses(np.where(np.isfinite(weights), 0.0, np.nan), {}, "no loan, nothing is called")
    weights[list(world.currencies)] = 0.0  # money asks for no margin
    return Losses(called(weights, policy, scenario.shocks[0].value), {}, "")


def _result(scenario: Scenario, found: Losses, world: World) -> StressResult:
    after = found.of(1)
    parts = {s: float(p) for s, p in zip(world.symbols, found.parts[:, 1], strict=True) if p}
    proxied = f"{len(found.proxied)} of {len(world.held)} proxied" if found.proxied else ""
    return StressResult(
        name=scenario.name,
        kind=scenario.kind,
        before=found.of(0),
        after=after,
        sentence=sentence(scenario, parts, found.why, proxied),
        proxied=dict(sorted(found.proxied.items())),
        parts={} if after is None else parts,
        limit=limit_of(scenario, world.there.policy.risk.stress),
    )


def limit_of(scenario: Scenario, policy: StressPolicy) -> float | None:
    """What the policy lets it cost. `any` means losses: a share to be sold has a limit only by its own name."""
    return policy.max_loss.get(scenario.name, None if scenario.margin else policy.max_loss.get("any"))
