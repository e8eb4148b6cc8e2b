"""One decision, one function: backtest, paper and live call the same `decide`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from portfolio.book import Before, Book, foreign_cash, strange, valued
from portfolio.hedging import hedge, hedge_weights, rest, together
from portfolio.market import Market
from portfolio.planned import Asked, Planned, planned, scene_of
from portfolio.risk import Situation, blocked, judge, risk_profile, settle
from portfolio.risk.apply import frozen
from portfolio.risk.backtests import backtests
from portfolio.risk.exit import exit_figures
from portfolio.risk.margin import margin_picture
from portfolio.risk.stress import stresses
from portfolio.strategies import target
from portfolio.timing import Occasion, rebalance
from portfolio.types import Action, Decision, Hedge, Policy, Target, Timing, Verdict, Weights

OPENING = frozenset({"initial_margin"})  # rules on what is opened; what is held need not be brought back within them

__all__ = ["Before", "Book", "decide", "decision_id"]


def decision_id(policy: Policy, market: Market) -> str:
    """16 hex digits: one decision a portfolio, policy, `as_of` and snapshot."""
    key = f"{policy.name}|{policy.hash}|{market.as_of.isoformat()}|{market.snapshot}"
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def decide(policy: Policy, market: Market, book: Book, *, code_version: str) -> Decision:
    """What to hold, why, and the orders that bring the account there.

    Pure: the same policy, market and book give the same decision, to the share. `Refused` where a held or wished symbol
    has no usable quote, or the account holds what the policy does not know.
    """
    judgement = _judgement(policy, market, book)
    there, current, identity = judgement.there, judgement.current, decision_id(policy, market)
    why = _reasons(judgement)
    found = planned(_asked(identity, judgement, why), there, book) if judgement.trade else None
    plan, after = (found.plan, found.after) if found else (None, current)
    money, left = foreign_cash(market, book, there.equity), foreign_cash(market, book, there.equity, plan.lines if plan else ())
    stopped = blocked(judgement.verdicts) or _all_frozen(policy, judgement)
    return Decision(
        decision=identity,
        portfolio=policy.name,
        as_of=market.as_of,
        session=market.session,
        snapshot=market.snapshot,
        policy_hash=policy.hash,
        code_version=code_version,
        status="trade" if plan else ("refused" if stopped else "nothing to trade"),
        targets=judgement.asked,
        weights=found.weights if found else judgement.weights,
        current=current,
        verdicts=judgement.verdicts,
        road=judgement.wish.road,
        reasons=_why(policy, judgement, found),
        plan=plan,
        why=found.why if found else why,
        certificate=judgement.wish.certificate,
        timing=judgement.timing,
        hedges=found.hedges if found else judgement.hedges,
        judged=judgement.judged,
        after=after,
        kept=judge(after, there),
        **_figures({**current, **money}, {**after, **left}, there, book),
    )


def _figures(current: Weights, after: Weights, there: Situation, book: Book) -> dict[str, Any]:
    """What is told of the risk, of what is held and of what is held once the plan is filled."""
    policy, margin = there.policy, there.policy.margin
    return {
        "risk_before": risk_profile(current, there.market, policy) | exit_figures(current, there),
        "risk_after": risk_profile(after, there.market, policy) | exit_figures(after, there),
        "stresses": stresses(current, after, there),
        "margin_before": margin_picture(current, there.equity, margin) if margin else None,
        "margin_after": margin_picture(after, there.equity, margin) if margin else None,
        "backtests": backtests(after, there, book.forecasts),
    }


def _all_frozen(policy: Policy, judgement: _Judgement) -> bool:
    return frozen(judgement.verdicts) >= set(policy.symbols)


def _why(policy: Policy, judgement: _Judgement, found: Planned | None) -> tuple[str, ...]:
    """The sentence of the rebalance or of what stopped it, what whole shares kept from being traded, and why a wish to trade
    left no order.
    """
    if found is None:
        return (judgement.why,)
    if found.plan is not None or found.notes:
        return (judgement.why, *found.notes)
    if judgement.wish.road[-1] == "hold":
        return (f"what is held stays: {judgement.wish.road[0]}",)
    still = sorted(frozen(judgement.verdicts))
    if _all_frozen(policy, judgement):
        return (f"every symbol is frozen by its data: {', '.join(still)}",)
    left = f"; frozen by their data: {', '.join(still)}" if still else ""
    return (judgement.why, f"yet no order is worth its ticket{left}")


@dataclass(frozen=True, slots=True)
class _Judgement:
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

    @property
    def trade(self) -> bool:
        return self.timing is not None and self.timing.trade


def _judgement(policy: Policy, market: Market, book: Book) -> _Judgement:
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
    )
    weights, verdicts = settle(asked, current, there)
    alone = alone if holding else {s: w * rest(hedges, policy.invested) for s, w in alone.items()}
    found = _Judgement(there, wish, hedges, alone, asked, weights, weights, current, verdicts, None, "")
    if blocked(verdicts):
        return replace(found, why="; ".join(v.reason for v in verdicts if v.action is Action.BLOCK))
    timing = _timing(found, book)
    return replace(found, weights=timing.weights if timing.trade else weights, timing=timing, why=timing.why)


def _timing(found: _Judgement, book: Book) -> Timing:
    """Whether to trade now, and how far; all of the way where a limit forbids to stop before."""
    there, weights = found.there, found.weights
    occasion = _occasion(found, book, _limits(judge(found.current, there)))
    timing = rebalance(there.policy.rebalance, occasion)
    if timing.trade and timing.weights != weights and _limits(judge(timing.weights, there)):
        return replace(timing, weights=weights, why=f"{timing.why}; all of the way, because a limit forbids to stop before")
    return timing


def _limits(verdicts: Sequence[Verdict]) -> bool:
    """Whether a limit is broken that trading could mend: not one of a symbol alone that is frozen."""
    broken = [v for v in verdicts if v.action in {Action.SCALE, Action.DROP, Action.REDUCE} and v.rule not in OPENING]
    return any(not v.symbols or not set(v.symbols) <= frozen(verdicts) for v in broken)


def _occasion(found: _Judgement, book: Book, repair: bool) -> Occasion:
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
        repair=repair,
        turned=found.wish.turned,
        members=policy.classes.get(policy.rebalance.band_by, {}),
        covariance=market.covariance(policy.risk.lookback, moving) if moving else None,
    )


def _asked(identity: str, found: _Judgement, why: Mapping[str, str]) -> Asked:
    """What the plan is made for."""
    return Asked(
        decision=identity,
        weights=found.weights,
        judged=found.judged,
        alone=found.alone,
        hedges=found.hedges,
        current=found.current,
        keep=frozen(found.verdicts),
        why=why,
    )


def _reasons(judgement: _Judgement) -> dict[str, str]:
    """Why each symbol is where it is: the strategy's word, then the rules that moved it, then how far the trade goes."""
    wish, weights, out = judgement.wish, judgement.weights, {}
    hedging: dict[str, list[str]] = {}
    for one in judgement.hedges:
        hedging.setdefault(one.symbol, []).append(one.reason)
    for symbol in weights:
        rules = [v for v in judgement.verdicts if _moves(v, symbol)]
        usual = "no hedge asks for it any more" if symbol not in judgement.there.policy.symbols else "the strategy's wish"
        own = [] if symbol in hedging else [wish.reasons.get(symbol, usual)]
        said = [*own, *hedging.get(symbol, []), *(f"{v.rule}: {v.reason}" for v in rules)]
        if abs(weights[symbol] - judgement.judged[symbol]) > 1e-9:
            said.append(f"traded part of the way to {judgement.judged[symbol]:.2%}")
        out[symbol] = f"to {weights[symbol]:.2%}: " + "; ".join(said)
    return out


def _moves(verdict: Verdict, symbol: str) -> bool:
    return verdict.action not in {Action.PASS, Action.WARN} and (symbol in verdict.symbols or not verdict.symbols)
