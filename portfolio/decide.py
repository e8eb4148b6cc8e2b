"""One decision, one function: backtest, paper and live call the same `decide`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

import numpy as np

from portfolio.errors import Refused
from portfolio.market import Market
from portfolio.orders import Sizing, plan_orders
from portfolio.orders.planning import plan_id
from portfolio.risk import Situation, apply_verdicts, blocked, judge, risk_profile
from portfolio.risk.apply import frozen
from portfolio.strategies import target
from portfolio.timing import Occasion, rebalance
from portfolio.types import (
    Account,
    Action,
    Decision,
    Plan,
    Policy,
    Quote,
    Rate,
    SessionPlace,
    Target,
    Timing,
    TradingState,
    Verdict,
    Weights,
)


@dataclass(frozen=True, slots=True)
class Book:
    """The account's side of a decision: what it holds, what it could deal at, and what it remembers.

    history: (session, equity at its end), oldest first. instruments and increments: by symbol. rebalances: sessions of
    the finished plans that traded, oldest first. place: where the session stands in the exchange's calendar. rates: by
    foreign currency. pending: signed quantity of orders that are still at work. anchor: the session of the newest `resume`.
    before: what the newest plan that traded was decided for. forecasts: (session, value at risk that was told for it).
    """

    account_name: str
    account: Account
    quotes: Mapping[str, Quote]
    instruments: Mapping[str, str]
    state: TradingState
    history: Sequence[tuple[date, Decimal]] = ()
    rebalances: tuple[date, ...] = ()
    increments: Mapping[str, Decimal] = field(default_factory=dict)
    place: SessionPlace | None = None
    rates: Mapping[str, Rate] = field(default_factory=dict)
    pending: Mapping[str, Decimal] = field(default_factory=dict)
    anchor: date | None = None
    before: Before | None = None
    forecasts: tuple[tuple[date, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Before:
    """The newest decision that traded. weights: what it asked for; hedges: symbol -> the part of it that hedged; flow: what was
    paid in (taken out: negative) since, in the base currency.
    """

    session: date
    weights: Weights
    hedges: Weights = field(default_factory=dict)
    flow: Decimal = Decimal(0)


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
    identity = decision_id(policy, market)
    why = _reasons(judgement)
    plan = _plan(identity, judgement, why, policy, market, book) if judgement.trade else None
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
        weights=judgement.weights,
        current=judgement.current,
        verdicts=judgement.verdicts,
        road=judgement.wish.road,
        reasons=_why(policy, judgement, plan),
        risk_before=risk_profile(judgement.current, market, policy),
        risk_after=risk_profile(judgement.weights, market, policy),
        plan=plan,
        why=why,
        certificate=judgement.wish.certificate,
        timing=judgement.timing,
    )


def _all_frozen(policy: Policy, judgement: _Judgement) -> bool:
    return frozen(judgement.verdicts) >= set(policy.symbols)


def _why(policy: Policy, judgement: _Judgement, plan: Plan | None) -> tuple[str, ...]:
    """The sentence of the rebalance or of what stopped it, and why a wish to trade left no order."""
    if plan is not None or not judgement.trade:
        return (judgement.why,)
    if judgement.wish.road[-1] == "hold":
        return (f"what is held stays: {judgement.wish.road[0]}",)
    still = sorted(frozen(judgement.verdicts))
    if _all_frozen(policy, judgement):
        return (f"every symbol is frozen by its data: {', '.join(still)}",)
    left = f"; frozen by their data: {', '.join(still)}" if still else ""
    return (judgement.why, f"yet no order is worth its ticket{left}")


@dataclass(frozen=True, slots=True)
class _Judgement:
    wish: Target
    asked: Weights  # the wish as fractions of equity, the cash reserve taken off
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
    equity, current = _valued(policy, book)
    wish = target(policy, market, current)
    holding = wish.road[-1] == "hold"
    asked = dict(current) if holding else {s: w * (1.0 - policy.risk.cash_reserve) for s, w in wish.weights.items()}

    def judged(weights: Weights) -> tuple[Verdict, ...]:
        return judge(weights, Situation(policy, market, book.state, book.history, equity, book.anchor))

    verdicts = judged(asked)
    weights = apply_verdicts(asked, current, verdicts)
    if blocked(verdicts):
        why = "; ".join(v.reason for v in verdicts if v.action is Action.BLOCK)
        return _Judgement(wish, asked, weights, weights, current, verdicts, None, why)
    timing = rebalance(policy.rebalance, _occasion(policy, market, book, wish, weights, current, _limits(judged(current))))
    if timing.trade and timing.weights != weights and _limits(judged(timing.weights)):
        timing = replace(timing, weights=weights, why=f"{timing.why}; all of the way, because a limit forbids to stop before")
    traded = timing.weights if timing.trade else weights
    return _Judgement(wish, asked, traded, weights, current, verdicts, timing, timing.why)


def _limits(verdicts: Sequence[Verdict]) -> bool:
    """Whether a limit is broken that trading could mend: not one of a symbol alone that is frozen."""
    broken = [v for v in verdicts if v.action in {Action.SCALE, Action.DROP, Action.REDUCE}]
    return any(not v.symbols or not set(v.symbols) <= frozen(verdicts) for v in broken)


def _occasion(
    policy: Policy, market: Market, book: Book, wish: Target, weights: Weights, current: Weights, repair: bool
) -> Occasion:
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
        turned=wish.turned,
        members=policy.classes.get(policy.rebalance.band_by, {}),
        covariance=market.covariance(policy.risk.lookback, moving) if moving else None,
    )


def _valued(policy: Policy, book: Book) -> tuple[Decimal, dict[str, float]]:
    """(equity, current weights). A held symbol outside the universe is nobody's decision: refused."""
    if book.account.currency != policy.base_currency:
        what = f"The account is kept in {book.account.currency}, the policy's base_currency is {policy.base_currency}."
        raise Refused(what, "Name the account's currency in [portfolio].", currency=book.account.currency)
    held = {s: q for s, q in book.account.positions.items() if q}
    stray = sorted(set(held) - set(policy.symbols))
    if stray:
        raise Refused(
            f"The account holds {', '.join(stray)}, which the policy does not name.",
            "Add it to [universe] symbols (weight 0 sells it), or move it to another account.",
            symbols=stray,
        )
    prices = {}
    for symbol in held:
        quote = book.quotes.get(symbol)
        price = quote.dealable if quote and quote.currency == book.account.currency else None
        if price is None:
            what = f"{symbol} is held but has no usable quote in {book.account.currency}."
            raise Refused(what, "Check the gateway's market data.", symbol=symbol)
        prices[symbol] = price
    equity = book.account.equity(prices)
    if not equity.is_finite() or equity <= 0:
        raise Refused(f"The account's equity is {equity:.2f} {book.account.currency}.", "Fund the account first.")
    return equity, {
        s: float(book.account.positions.get(s, Decimal(0)) * prices.get(s, Decimal(0)) / equity) for s in policy.symbols
    }


def _plan(
    identity: str, judgement: _Judgement, why: Mapping[str, str], policy: Policy, market: Market, book: Book
) -> Plan | None:
    """The decision's one plan, or None where no line is worth its ticket."""
    sizing = Sizing(
        decision=identity,
        account_name=book.account_name,
        session=market.session,
        account=book.account,
        quotes=book.quotes,
        instruments=book.instruments,
        increments=_lots(policy, book),
        reserve=policy.risk.cash_reserve,
        minimum_trade=policy.execution.minimum_trade,
        max_weight=policy.risk.max_weight,
    )
    lines = plan_orders(judgement.weights, frozen(judgement.verdicts), why, sizing)
    funding = not any(book.account.positions.values())
    return Plan(plan_id(identity), identity, policy.name, book.account_name, market.session, lines, funding) if lines else None


def _lots(policy: Policy, book: Book) -> dict[str, Decimal]:
    """The smallest quantity that is traded of a symbol: the contract's increment, or the policy's lot where it has one."""
    lots = {s: Decimal(lot) for s, lot in policy.constraints.lots.items()}
    return {**book.increments, **{s: max(lot, book.increments.get(s, lot)) for s, lot in lots.items()}}


def _reasons(judgement: _Judgement) -> dict[str, str]:
    """Why each symbol is where it is: the strategy's word, then the rules that moved it, then how far the trade goes."""
    wish, weights, out = judgement.wish, judgement.weights, {}
    for symbol in weights:
        rules = [v for v in judgement.verdicts if _moves(v, symbol)]
        said = [wish.reasons.get(symbol, "the strategy's wish"), *(f"{v.rule}: {v.reason}" for v in rules)]
        if abs(weights[symbol] - judgement.judged[symbol]) > 1e-9:
            said.append(f"traded part of the way to {judgement.judged[symbol]:.2%}")
        out[symbol] = f"to {weights[symbol]:.2%}: " + "; ".join(said)
    return out


def _moves(verdict: Verdict, symbol: str) -> bool:
    return verdict.action not in {Action.PASS, Action.WARN} and (symbol in verdict.symbols or not verdict.symbols)
