"""Rules judge a wish one by one; what one takes away can bring another over its limit. Here they are asked until all hold."""

from __future__ import annotations

from dataclasses import replace

from portfolio.risk.apply import apply_verdicts, blocked, frozen
from portfolio.risk.judge import judge
from portfolio.risk.situation import Situation
from portfolio.types import Action, Verdict, Weights

ROUNDS = 40
SETTLED = 1e-9  # what a scale may be under 1 and mean nothing


def settle(wish: Weights, current: Weights, there: Situation) -> tuple[dict[str, float], tuple[Verdict, ...]]:
    """(what the rules leave of `wish`, every verdict on the way to it).

    A calm asset that is capped, or a long position that shrinks beside its hedge, makes the rest riskier. So what is left is
    judged again, and scaled again, until no rule scales or drops what may still move. Each round only makes weights smaller.
    Limits on shares alone (effective names, components) can contradict each other, and then nothing but cash keeps them all:
    where 40 rounds are not enough, nothing is bought, and a verdict says so.
    """
    verdicts = first = judge(wish, there)
    weights = apply_verdicts(wish, current, first)
    if blocked(first):
        return weights, first
    still = [v for v in first if v.action is Action.FREEZE]
    for _ in range(ROUNDS):
        more = [v for v in judge(weights, there) if _moves(v, weights, frozen(still))]
        if not more:
            return weights, verdicts
        weights = apply_verdicts(weights, current, [*still, *more])
        verdicts += tuple(replace(v, reason=f"{v.reason}, after the other limits") for v in more)
    rules = ", ".join(sorted({v.rule for v in verdicts[len(first) :]}))
    why = f"the limits contradict each other ({rules}): no weights but cash keep them all, so nothing is bought"
    verdicts = (*first, Verdict("settle", Action.REDUCE, 1.0, (), why))
    return apply_verdicts(wish, current, verdicts), verdicts


def _moves(verdict: Verdict, weights: Weights, still: frozenset[str]) -> bool:
    """Whether it makes something smaller that may move, by more than rounding."""
    if verdict.action not in {Action.SCALE, Action.DROP}:
        return False
    meant = verdict.symbols or tuple(weights)
    return (1.0 - verdict.scale) > SETTLED and any(weights.get(s, 0.0) and s not in still for s in meant)
