"""What the policy lets a scenario cost: a wish that would lose more is scaled down."""

from __future__ import annotations

import math
from dataclasses import replace

from portfolio.risk.limits import unknown, within
from portfolio.risk.situation import Situation
from portfolio.risk.stress.losses import PRICES, Losses, limit_of, losses
from portfolio.risk.stress.scenarios import SCENARIOS, Scenario
from portfolio.risk.stress.world import World
from portfolio.types import Action, FloatArray, Verdict, Weights, option_terms

ROUNDING = 1e-12  # of equity: what the last bits of a scaled book may be over


def stress_rules(weights: Weights, there: Situation) -> list[Verdict]:
    """One verdict a scenario that is over its limit or cannot be told, and the fullest that passes where none is over; none where
    no limit is set.

    Where only prices move, what loses is scaled, and what gains is left to help; of a single name that name alone. Else all of
    the book: tails scale with it, the cost of getting out by more.
    """
    limits = {s.name: limit for s in SCENARIOS.values() if (limit := limit_of(s, there.policy.risk.stress)) is not None}
    if not limits:
        return []
    world = World(there, {s for s, w in weights.items() if w != 0.0})
    held = world.weights(weights)
    told = [v for name, limit in limits.items() for v in _verdicts(SCENARIOS[name], world, held, limit)]
    broken = [v for v in told if v.action is not Action.PASS]
    kept = [] if any(v.action is Action.SCALE for v in broken) else [v for v in told if v.action is Action.PASS]
    return broken + sorted(kept, key=lambda v: v.used or 0.0)[-1:]


def _verdicts(scenario: Scenario, world: World, held: FloatArray, limit: float) -> list[Verdict]:
    """Of a scenario that takes the largest position alone, one of each that would lose too much in its place."""
    one = _verdict(scenario, losses(scenario, world, held), limit, world)
    if one.action is not Action.SCALE or [shock.what for shock in scenario.shocks] != ["largest"]:
        return [one]
    most = limit / abs(scenario.shocks[0].value)
    sizes = {
        s: abs(float(w)) for i, (s, w) in enumerate(zip(world.symbols, held[:, 0], strict=True)) if i not in world.currencies
    }
    large = {s: w for s, w in sizes.items() if not within(w, most + ROUNDING) and not option_terms(s)}
    return [replace(one, scale=most / w, symbols=(s,)) for s, w in large.items()]


def _verdict(scenario: Scenario, found: Losses, limit: float, world: World) -> Verdict:
    loss = found.of(0)
    if loss is None:
        silent = unknown("stress", world.there.policy.risk, f"{scenario.name}: {found.why or 'a loss that is no number'}")
        return replace(silent, of=scenario.name)
    what = "share to be sold" if scenario.margin else "loss"
    words = f"{scenario.name} ({scenario.words}): {what} {loss:.2%} of a limit of {limit:.2%}"
    if within(loss, limit + ROUNDING):
        return Verdict("stress", Action.PASS, 1.0, (), words, loss, limit, scenario.name)
    losers = {s: part for s, part in zip(world.symbols, found.parts[:, 0].tolist(), strict=True) if part > 0.0}
    if losers and all(shock.what in PRICES for shock in scenario.shocks):
        lost = math.fsum(losers.values())
        scale = max((limit - (loss - lost)) / lost, 0.0)
        return Verdict("stress", Action.SCALE, scale, tuple(losers), words, loss, limit, scenario.name)
    # The share that must be sold is 1 - 1 / requirement, and the requirement scales with the book.
    scale = (1.0 - loss) / (1.0 - limit) if scenario.margin else limit / loss
    return Verdict("stress", Action.SCALE, scale, (), words, loss, limit, scenario.name)
