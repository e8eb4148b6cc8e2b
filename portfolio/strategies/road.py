"""From the policy's strategy to a wish that obeys the policy, and the road where the strategy has no answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from portfolio.errors import Refused
from portfolio.market import Market
from portfolio.optimize import Infeasible
from portfolio.strategies.catalog import SIMPLER
from portfolio.strategies.conform import MOVED, conformed
from portfolio.strategies.optimized import Optimized
from portfolio.strategies.protocol import Seen, Strategy
from portfolio.strategies.shown import loosened, shown
from portfolio.types import ConstraintPolicy, Policy, Target, Weights


def target(policy: Policy, market: Market, current: Weights) -> Target:
    """The wish of the policy's strategy over its whole universe, within the policy's constraints.

    current: what is held now, fractions of equity. The wish's weights are fractions of the invested part (they add up to at
    most 1); the cash reserve is taken off later, once. What is blocked stays as it is held. `Refused` where no road leads
    anywhere.
    """
    scene = _Scene(policy, market, current)
    try:
        wish = _answer(scene, policy.strategy.rule, policy.constraints)  # type: ignore[arg-type]
    except Infeasible as failure:
        wish = _walk(scene, failure)
    return replace(wish, weights={s: float(wish.weights[s]) for s in sorted(wish.weights)})


@dataclass(frozen=True, slots=True)
class _Scene:
    policy: Policy
    market: Market
    current: Weights

    def seen(self, asked: ConstraintPolicy, *, capped: bool) -> Seen:
        return shown(self.policy, self.market, self.current, asked, capped=capped)


def _answer(scene: _Scene, rule: Strategy, asked: ConstraintPolicy) -> Target:
    """The rule's wish under `asked`, moved to the nearest allowed weights where it needs it; all symbols of the universe."""
    seen = scene.seen(asked, capped=True)
    if not seen.symbols:
        raise Infeasible("no symbol of the universe is free to trade")
    within = scene.seen(asked, capped=asked != ConstraintPolicy())
    if isinstance(rule, Optimized):  # it has kept the limits on risk itself, over the days it decides on
        own = replace(within.constraints, tracking_error=None, volatility=None, conditional_value_at_risk=None)
        within = replace(within, constraints=own)
    wish = conformed(rule.wish(seen), within, asked.lookback)
    still = {s: seen.held[s] for s in scene.policy.symbols if s not in seen.symbols}
    why = dict.fromkeys(still, "its data is blocked, so it stays as it is held")
    return replace(wish, weights={**still, **wish.weights}, reasons={**why, **wish.reasons})


def _walk(scene: _Scene, failure: Infeasible) -> Target:
    """The policy's fallback road: the first step that can be walked. What was tried before is on the road."""
    strategy = scene.policy.strategy
    road = [f"{_name(strategy.rule)} failed: {failure}"]  # type: ignore[arg-type]
    asked = scene.policy.constraints
    for step in strategy.fallback:
        if step == "hold":
            held = {s: scene.current.get(s, 0.0) for s in scene.policy.symbols}
            return Target(held, (*road, "hold"), dict.fromkeys(held, f"held: {failure}"))
        if step == "relax":
            found, asked = _relaxed(scene, asked, road)
        else:
            found = _simpler(scene, step, asked, road)
        if found is not None:
            return found
    raise Refused(f"No road of the strategy led anywhere: {'; '.join(road)}.", 'End [strategy] fallback with "hold".')


def _name(rule: Strategy) -> str:
    return str(getattr(rule, "model", rule.kind))


def _relaxed(scene: _Scene, asked: ConstraintPolicy, road: list[str]) -> tuple[Target | None, ConstraintPolicy]:
    """Let go of one constraint after the other, in the policy's order, until the strategy has an answer."""
    for name in scene.policy.strategy.relax:
        asked = loosened(asked, name)
        try:
            found = _answer(scene, scene.policy.strategy.rule, asked)  # type: ignore[arg-type]
        except Infeasible as failure:
            road.append(f"relaxed {name}: {failure}")
            continue
        road.append(f"relaxed {name}")
        return replace(found, road=(*road, *found.road)), asked
    return None, asked


def _simpler(scene: _Scene, step: str, asked: ConstraintPolicy, road: list[str]) -> Target | None:
    """A simpler model under the policy's constraints, or under what is left of them once they were relaxed."""
    tried = [scene.policy.constraints, *([asked] if asked != scene.policy.constraints else [])]
    for constraints in tried:
        try:
            found = _answer(scene, SIMPLER[step], constraints)
        except Infeasible as failure:
            road.append(f"{step} failed: {failure}")
            continue
        if max(found.weights.values(), default=0.0) * max(scene.policy.invested, 1.0) > scene.policy.risk.max_weight + MOVED:
            road.append(f"{step} not possible under max_weight")
            return None
        why = {s: f"{step.replace('_', ' ')}, for want of better: {reason}" for s, reason in found.reasons.items()}
        return replace(found, road=(*road, *(found.road if found.road[0] == step else (step,))), reasons=why)
    return None
