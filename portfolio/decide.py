"""One decision, one function: backtest, paper and live call the same `decide`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from portfolio.book import Before, Book, foreign_cash, valued_by
from portfolio.judgement import Judgement, judgement_of
from portfolio.market import Market
from portfolio.planned import Asked, Planned, planned
from portfolio.risk import Situation, blocked, judge, risk_profile
from portfolio.risk.apply import frozen
from portfolio.risk.backtests import backtests
from portfolio.risk.exit import exit_figures
from portfolio.risk.margin import margin_picture
from portfolio.risk.stress import stresses
from portfolio.types import Action, Decision, Policy, Verdict, Weights

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
    judgement = judgement_of(policy, market, book)
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
        reasons=(*_why(policy, judgement, found), *valued_by(book)),
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


def _all_frozen(policy: Policy, judgement: Judgement) -> bool:
    return frozen(judgement.verdicts) >= set(policy.symbols)


def _why(policy: Policy, judgement: Judgement, found: Planned | None) -> tuple[str, ...]:
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


def _asked(identity: str, found: Judgement, why: Mapping[str, str]) -> Asked:
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
        mending=bool(found.mending),
    )


def _reasons(judgement: Judgement) -> dict[str, str]:
    """Why each symbol is where it is: the strategy's word, then the rules that moved it, then how far the trade goes."""
    if judgement.mending:
        return _mended_words(judgement)
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


def _mended_words(judgement: Judgement) -> dict[str, str]:
    out = {}
    for symbol, weight in judgement.weights.items():
        rules = [f"{v.rule}: {v.reason}" for v in judgement.mending if _moves(v, symbol)]
        moved = weight != judgement.current.get(symbol, 0.0)
        rest = "it follows what is held in it" if moved else "as it is, until the next rebalance"
        out[symbol] = f"to {weight:.2%}: {'; '.join(rules) if moved and rules else rest}"
    return out


def _moves(verdict: Verdict, symbol: str) -> bool:
    return verdict.action not in {Action.PASS, Action.WARN} and (symbol in verdict.symbols or not verdict.symbols)
