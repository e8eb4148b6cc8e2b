"""The decision's plan: whole orders, held against the limits once more as they will be filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_FLOOR, Decimal

from portfolio.book import Book
from portfolio.hedging import Scene, hedge, hedge_weights
from portfolio.market import Market
from portfolio.orders import Because, Sizing, Steps, plan_orders, why_traded
from portfolio.orders.planning import plan_id
from portfolio.risk import Situation, judge
from portfolio.risk.apply import frozen, towards_zero
from portfolio.risk.breaches import Broken, how_far, limit_of
from portfolio.types import CURRENCIES, Action, Hedge, Plan, PlanLine, Policy, Verdict, Weights, currency_pair, multiplier

TRIES = 6
LESS = 1e-4  # of the weights: how much less is asked for at first, where rounding broke a limit of the whole
MOST = 0.1  # of the weights: no rounding of a whole asks for more
FOLLOWS = 0.02  # of a hedge: what it may be larger than what was really bought asks for
SAME = 1e-8  # of a scale
DAYS = 60  # behind the volatility of a day


@dataclass(frozen=True, slots=True)
class Asked:
    """What the plan is made for, all fractions of equity: see portfolio.orders.parts for what each is.

    weights: what is traded to. alone: the strategy's wish, hedges: what is held against it. keep: not traded. why: symbol ->
    sentence. mending: names are cut to limits of their own, and hedges stay what they are.
    """

    decision: str
    weights: Weights
    judged: Weights
    alone: Weights
    hedges: tuple[Hedge, ...]
    current: Weights
    keep: frozenset[str]
    why: Mapping[str, str]
    mending: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """plan: None where no line is worth its ticket. weights: what is traded to, hedges and why: all as they were cut to what was
    really bought. after: weights once it is filled. notes: what whole shares kept from being traded, and why.
    """

    plan: Plan | None
    weights: Weights
    after: Weights
    hedges: tuple[Hedge, ...]
    why: Mapping[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Try:
    """One attempt: weights, and the most that may be held of a symbol afterwards, in units."""

    weights: Weights
    ceilings: Mapping[str, Decimal] = field(default_factory=dict)


def planned(asked: Asked, there: Situation, book: Book) -> Planned:
    """The one plan.

    What rounding to whole shares does to hedges and limits is judged again: a hedge is not larger than what was bought asks
    for; where a limit that was kept would break, or one that was broken get worse, less is asked for; where that does not help,
    only what makes positions smaller is left.
    """
    attempt, asked = _hedged(_Try(asked.weights), asked, there, book)
    lines = _lines(asked, attempt, there, book)
    before, notes = how_far(judge(asked.current, there)), dict[str, str]()
    for number in range(TRIES):
        worse = _worse(lines, asked, attempt, there, before) if lines else []
        if not worse:
            break
        notes |= {_name(v): f"whole shares would break {_name(v)}: {v.reason}" for v in worse}
        attempt = _less(attempt, worse, lines, book, number) if number < TRIES - 1 else _smaller(attempt, asked)
        lines = _lines(asked, attempt, there, book)
    else:
        if lines and _worse(lines, asked, attempt, there, before):
            lines = ()
    after = _after(lines, asked, attempt, there)
    return Planned(_plan(asked, lines, there, book), dict(attempt.weights), after, asked.hedges, asked.why, tuple(notes.values()))


def _plan(asked: Asked, lines: tuple[PlanLine, ...], there: Situation, book: Book) -> Plan | None:
    if not lines:
        return None
    policy, funding = there.policy, not any(book.account.positions.values())
    identity = plan_id(asked.decision)
    return Plan(identity, asked.decision, policy.name, book.account_name, there.market.session, lines, funding)


# ---------------------------------------------------------------- one attempt
def _lines(asked: Asked, attempt: _Try, there: Situation, book: Book) -> tuple[PlanLine, ...]:
    sizing = _sizing(asked, attempt, there, book)
    shares = {s: w for s, w in attempt.weights.items() if s not in CURRENCIES}
    return plan_orders(shares, asked.keep, Because(asked.why, _parts(asked, sizing, there, book)), sizing)


def _sizing(asked: Asked, attempt: _Try, there: Situation, book: Book) -> Sizing:
    policy, equity, weights = there.policy, there.equity, attempt.weights
    owed = {c: Decimal(repr(w)) * equity / book.rate(c) for c, w in weights.items() if c in CURRENCIES and w}
    return Sizing(
        decision=asked.decision,
        account_name=book.account_name,
        session=there.market.session,
        account=book.account,
        quotes=book.quotes,
        instruments=book.instruments,
        increments=lots_of(there, book),
        reserve=1.0 - policy.invested,
        minimum_trade=policy.execution.minimum_trade,
        max_weight=policy.risk.max_weight,
        costs=policy.costs,
        rates=book.rates,
        currencies={s: policy.currency(s) for s in weights if policy.currency(s) != policy.base_currency},
        pending=book.pending,
        balances=owed,
        daily=there.market.usual_day([s for s in weights if weights[s] != asked.current.get(s, 0.0)], DAYS),
        ceilings=attempt.ceilings,
    )


def lots_of(there: Situation, book: Book) -> dict[str, Decimal]:
    """The smallest quantity that is traded of a symbol: the contract's increment, or the policy's lot where it has one."""
    lots = {s: Decimal(lot) for s, lot in there.policy.constraints.lots.items()}
    return {**book.increments, **{s: max(lot, book.increments.get(s, lot)) for s, lot in lots.items()}}


def _parts(asked: Asked, sizing: Sizing, there: Situation, book: Book) -> dict[str, dict[str, Decimal]]:
    """Of what the decision asked for, whatever this attempt makes of it: the difference is of whole shares."""
    before, wanted = book.before, asked.weights
    moved = [s for s in wanted if s not in CURRENCIES and (wanted[s] or sizing.held(s)) and s not in asked.keep]
    units = {s: there.equity / (sizing.price(s) * sizing.rate(sizing.currency(s))) for s in moved}
    held = {s: float(sizing.held(s) / units[s]) for s in moved}
    if asked.mending:
        return why_traded(Steps(held, held, 0.0, held, wanted, wanted), units)
    steps = Steps(
        held=held,
        before=None if before is None else before.weights,
        flow=0.0 if before is None else float(before.flow / there.equity),
        asked=asked.alone,
        judged=asked.judged,
        traded=wanted,
        hedged_before={} if before is None else before.hedges,
        hedged=hedge_weights(asked.hedges),
        asked_before=None if before is None else before.asked,
        judged_before=None if before is None else before.judged,
    )
    return why_traded(steps, units)


# ---------------------------------------------------------------- hedges follow what is bought
def _hedged(attempt: _Try, asked: Asked, there: Situation, book: Book) -> tuple[_Try, Asked]:
    """The attempt, and what is asked, with shorts and loans cut to what the whole shares that are really bought ask for."""
    moving = (h for h in asked.hedges if h.symbol not in asked.keep)
    cut = tuple(h for h in moving if attempt.weights.get(h.symbol, 0.0) < 0 or h.kind == "put")
    if not cut or asked.mending:
        return attempt, asked
    universe = there.policy.symbols
    expected = _needs({s: w for s, w in asked.judged.items() if s in universe}, there, book)
    for _ in range(2):
        after = _after(_lines(asked, attempt, there, book), asked, attempt, there)
        needed = _needs({s: w for s, w in after.items() if s in universe}, there, book)
        less = {h.symbol: asked.weights[h.symbol] * _part(h, needed, expected) for h in cut}
        if all(abs(attempt.weights[s]) <= abs(w) * (1.0 + FOLLOWS) + SAME for s, w in less.items()):
            break
        attempt = replace(attempt, weights={**attempt.weights, **less})
    mine = {h.symbol: attempt.weights[h.symbol] for h in cut if attempt.weights[h.symbol] != asked.weights[h.symbol]}
    hedges = tuple(_cut(h, mine[h.symbol], asked.weights[h.symbol]) if h.symbol in mine else h for h in asked.hedges)
    why = {h.symbol: f"to {mine[h.symbol]:.2%}: {h.reason}" for h in hedges if h.symbol in mine}
    weights, judged = {**asked.weights, **mine}, {**asked.judged, **mine}
    return attempt, replace(asked, hedges=hedges, weights=weights, judged=judged, why={**asked.why, **why})


def _needs(bought: Weights, there: Situation, book: Book) -> dict[str, float]:
    """What each hedge would be of a book of these, by symbol; "" is how much there is of it at all."""
    found = hedge_weights(hedge(scene_of(there.policy, there.market, bought, there.equity, book)))
    return {**found, "": sum(abs(w) for w in bought.values())}


def _part(one: Hedge, needed: Weights, expected: Weights) -> float:
    """How much of a hedge is left where less is bought of what it hedges; of a hedge that the rules have made needless as much as
    of the whole, for they counted on it. Contracts stay whole: a book that whole shares made a little smaller takes none away.
    """
    if one.kind == "put" and needed.get("", 0.0) >= expected.get("", 0.0) * (1.0 - FOLLOWS):
        return 1.0
    key = one.symbol if abs(expected.get(one.symbol, 0.0)) > SAME else ""
    whole = expected.get(key, 0.0)
    part = needed.get(key, 0.0) / whole if whole else 0.0
    return min(max(part, 0.0), 1.0)


def _cut(one: Hedge, weight: float, before: float) -> Hedge:
    part = weight / before if before else 0.0
    why = f"{one.reason}; cut to {weight:.2%}, for less is bought of what it hedges"
    return replace(one, weight=weight, cost=one.cost * abs(part), reason=why)


def scene_of(policy: Policy, market: Market, weights: Weights, equity: Decimal, book: Book) -> Scene:
    """What the hedges of a book of `weights` look at."""
    held = {s: book.held(s) for s in {*book.account.positions, *book.pending}}
    return Scene(policy, market, weights, equity, book.quotes, held, book.rates)


# ---------------------------------------------------------------- the limits, once more
def _after(lines: Sequence[PlanLine], asked: Asked, attempt: _Try, there: Situation) -> dict[str, float]:
    """Weights once the lines are filled."""
    after = dict(asked.current)
    for line in lines:
        if not currency_pair(line.symbol):
            moved = line.signed * line.price * line.rate * multiplier(line.symbol) / there.equity
            after[line.symbol] = after.get(line.symbol, 0.0) + float(moved)
    return after | {c: w for c, w in attempt.weights.items() if c in CURRENCIES and lines}


def _worse(
    lines: Sequence[PlanLine], asked: Asked, attempt: _Try, there: Situation, before: Mapping[Broken, float]
) -> list[Verdict]:
    """The limits that these orders break, or that they worsen; not one of a symbol alone that is frozen."""
    verdicts = judge(_after(lines, asked, attempt, there), there)
    still, found = frozen(verdicts), how_far(verdicts)
    broken = [v for v in verdicts if limit_of(v) in found and (v.of or not v.symbols or not set(v.symbols) <= still)]
    return [v for v in broken if found[limit_of(v)] < before.get(limit_of(v), 1.0) - SAME]


def _less(attempt: _Try, worse: Sequence[Verdict], lines: Sequence[PlanLine], book: Book, number: int) -> _Try:
    """Less of what each verdict means: of single symbols at least one step less than was planned, of the whole a little."""
    weights, ceilings = dict(attempt.weights), dict(attempt.ceilings)
    bought = {line.symbol: line for line in lines}
    for verdict in worse:
        for symbol in verdict.symbols:
            if symbol in bought:
                ceilings[symbol] = min(_lower(bought[symbol], verdict, book), ceilings.get(symbol, Decimal("Infinity")))
        if not verdict.symbols:
            scale = min(verdict.scale if verdict.action is Action.SCALE else 1.0, 1.0) * (1.0 - min(LESS * 10.0**number, MOST))
            weights = {s: w * max(scale, 0.0) for s, w in weights.items()}
    return _Try(weights, ceilings)


def _lower(line: PlanLine, verdict: Verdict, book: Book) -> Decimal:
    """The most units that may be held of the line's symbol: fewer than it would bring."""
    held = abs(book.held(line.symbol) + line.signed)
    step = book.increments.get(line.symbol, Decimal(1))
    scaled = (held * Decimal(repr(max(verdict.scale, 0.0))) / step).to_integral_value(ROUND_FLOOR) * step
    return max(min(scaled, held - step), Decimal(0))


def _smaller(attempt: _Try, asked: Asked) -> _Try:
    """Every position only towards zero."""
    weights = {s: towards_zero(w, asked.current.get(s, 0.0)) for s, w in attempt.weights.items()}
    return _Try(weights, attempt.ceilings)


def _name(verdict: Verdict) -> str:
    return f"{verdict.rule.replace('_', ' ')}{f' ({verdict.of})' if verdict.of else ''}"
