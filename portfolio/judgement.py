"""From a wish to what is traded today: hedges beside it, the rules over it, and the time that has come or not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from portfolio.book import Book, strange, valued
from portfolio.hedging import hedge, hedge_weights, rest, together
from portfolio.market import Market
from portfolio.planned import lots_of, scene_of
from portfolio.risk import Mended, Situation, blocked, how_far, judge, mended, over, settle
from portfolio.risk.settling import SETTLED
from portfolio.strategies import target
from portfolio.timing import Occasion, rebalance
from portfolio.types import Action, Hedge, Policy, Target, Timing, Verdict, Weights


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wished, what is allowed of it, and whether it is traded to today; weights are fractions of equity."""

    there: Situation
    wish: Target
    hedges: tuple[Hedge, ...]
    alone: Weights  # the wish as fractions of equity, without hedges but with the room that those take
    asked: Weights  # the wish with its hedges
    weights: Weights  # what the rules, and what is worth its cost, left of it
    judged: Weights  # what the rules alone left
    current: Weights
    verdicts: tuple[Verdict, ...]
    timing: Timing | None
    why: str
    mending: tuple[Verdict, ...] = ()  # the limits that are mended, where nothing else is traded

    @property
    def trade(self) -> bool:
        return self.timing is not None and self.timing.trade


def judgement_of(policy: Policy, market: Market, book: Book) -> Judgement:
    equity, current = valued(policy, market, book)
    wish = target(policy, market, current)
    holding = wish.road[-1] == "hold"
    alone = dict(current) if holding else {s: w * policy.invested for s, w in wish.weights.items()}
    hedges = () if holding else hedge(scene_of(policy, market, alone, equity, book))
    asked = alone if holding else {**dict.fromkeys(current, 0.0), **together(alone, hedges, policy.invested)}
    still = {s: w for s, w in current.items() if s not in policy.symbols}
    there = Situation(
        policy,
        market,
        book.state,
        book.history,
        equity,
        book.anchor,
        hedging=still if holding else hedge_weights(hedges),
        quotes=book.quotes,
        strange=strange(policy, market, book),
        standing=book.standing,
    )
    weights, verdicts = settle(asked, current, there)
    alone = alone if holding else {s: w * rest(hedges, policy.invested) for s, w in alone.items()}
    found = Judgement(there, wish, hedges, alone, asked, weights, weights, current, verdicts, None, "")
    if blocked(verdicts):
        return replace(found, why="; ".join(v.reason for v in verdicts if v.action is Action.BLOCK))
    return _timed(found, book)


def _timed(found: Judgement, book: Book) -> Judgement:
    """Whether to trade now, and how far; all of the way where a limit forbids to stop before."""
    there, weights = found.there, found.weights
    broken = mended(found.current, there, _tickets(found, book))
    timing = rebalance(there.policy.rebalance, _occasion(found, book, broken))
    if timing.kind == "mend" and broken:
        return _mending(found, timing, broken)
    if timing.trade and timing.weights != weights and _forbidden(timing.weights, found, broken):
        whole = f"{timing.why}; all of the way, because a limit forbids to stop before"
        timing = replace(timing, weights=weights, why=whole, kind="repair")
    return replace(found, weights=timing.weights if timing.trade else weights, timing=timing, why=timing.why)


def _forbidden(weights: Weights, found: Judgement, broken: Mended | None) -> bool:
    """Whether a limit forbids to stop at `weights`: one that they break, but not what is held over and too little to be sold."""
    left = over(judge(weights, found.there))
    held = {} if broken or not left else how_far(over(judge(found.current, found.there)))
    return any(far < held.get(key, 1.0) - SETTLED for key, far in how_far(left).items())


def _tickets(found: Judgement, book: Book) -> dict[str, float]:
    """The least that can be sold of what is held: an increment that is worth a ticket, as a fraction of equity."""
    there, lots = found.there, lots_of(found.there, book)
    least = there.policy.execution.minimum_trade / float(there.equity)
    held = {s: abs(float(book.held(s))) for s in found.current}
    return {s: max(least, abs(found.current[s]) / q * float(lots.get(s, 1))) for s, q in held.items() if q}


def _mending(found: Judgement, timing: Timing, broken: Mended) -> Judgement:
    """Only who is over a limit is sold: the strategy's wish waits, and its hedges stay what they are."""
    left, wished = timing.weights, hedge_weights(found.hedges)
    rest = dict(left)
    hedges = tuple(_as_held(h, rest, wished[h.symbol]) for h in found.hedges)
    return replace(found, hedges=hedges, weights=left, timing=timing, why=timing.why, mending=broken.broken)


def _as_held(one: Hedge, left: dict[str, float], wished: float) -> Hedge:
    """The hedge with its part of what is held of its instrument; where none is wished for all of that, taken out of `left`."""
    held = left.get(one.symbol, 0.0) if wished else left.pop(one.symbol, 0.0)
    part, size = (one.weight / wished, abs(held / wished)) if wished else (1.0, 1.0)
    stays = "it follows what is held in it" if one.kind == "currency" else "as it is"
    return replace(one, weight=held * part, cost=one.cost * size, reason=f"{stays} until the next rebalance, then {one.reason}")


def _occasion(found: Judgement, book: Book, broken: Mended | None) -> Occasion:
    policy, market, weights, current = found.there.policy, found.there.market, found.weights, found.current
    last = book.rebalances[-1] if book.rebalances else None
    between = 0 if last is None else int(np.count_nonzero(market.sessions > np.datetime64(last)))
    moving = [s for s in sorted(weights) if weights[s] != current.get(s, 0.0)] if policy.rebalance.when == "cost_aware" else []
    return Occasion(
        wish=weights,
        current=current,
        session=market.session,
        rebalances=book.rebalances,
        since=None if last is None else (between + 1 if last < market.session else 0),
        place=book.place,
        repair=(weights if broken.whole else broken.weights, broken.why) if broken else None,
        turned=found.wish.turned,
        members=policy.classes.get(policy.rebalance.band_by, {}),
        covariance=market.covariance(policy.risk.lookback, moving) if moving else None,
    )
