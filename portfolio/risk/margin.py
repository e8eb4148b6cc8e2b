"""What a margin account asks of a book: requirements, what the loan and the borrowed shares cost, and how far a call is.

Requirements are a share of each position's value: Regulation T (12 CFR 220.12) asks 50 % of a long or short position when it is
opened, FINRA Rule 4210 keeps 25 % of a long and 30 % of a short one. Not looked at: the least of 2,000 USD of equity for any
loan, what 4210 asks more of shares below 5 USD that are short and of leveraged funds, and what a broker asks more of what it
likes less. Interest is by tiers of the loan, act/360.
"""

from __future__ import annotations

import math
from decimal import Decimal

from portfolio.risk.limits import ROUNDING, passed, scaled, within
from portfolio.risk.situation import Situation
from portfolio.types import MarginPicture, MarginPolicy, Verdict, Weights, money_of

YEAR = Decimal(360)  # days, of money markets
DAYS = 365


def long_and_short(weights: Weights) -> tuple[float, float]:
    """(longs, shorts), fractions of equity, both positive, NaN where a weight is no number. No balance of cash is either."""
    shares = [w for s, w in weights.items() if not money_of(s)]
    if not all(math.isfinite(w) for w in shares):
        return math.nan, math.nan
    return math.fsum(w for w in shares if w > 0), math.fsum(-w for w in shares if w < 0)


def initial_requirement(weights: Weights, margin: MarginPolicy) -> float:
    """Of equity, for opening all of it.

    >>> initial_requirement({"SPY": 1.5, "QQQ": -0.2}, MarginPolicy())
    0.85
    """
    longs, shorts = long_and_short(weights)
    return margin.initial * longs + margin.short_initial * shorts


def maintenance_requirement(weights: Weights, margin: MarginPolicy) -> float:
    """Of equity, for keeping it."""
    longs, shorts = long_and_short(weights)
    return margin.maintenance * longs + margin.short_maintenance * shorts


def call_distance(weights: Weights, margin: MarginPolicy) -> float | None:
    """The move of every price against the book (longs fall, shorts rise by this fraction) at which equity is the maintenance
    requirement; 0 where it is below already, None where no fall leads there.

    With longs L and shorts S, equity after a move x is 1 - x (L + S), the requirement m L (1 - x) + n S (1 + x).

    >>> round(call_distance({"SPY": 2.0}, MarginPolicy()), 4)  # a loan of half: 1 - 2x = 0.25 * 2 (1 - x)
    0.3333
    """
    longs, shorts = long_and_short(weights)
    spare = 1.0 - maintenance_requirement(weights, margin)
    slope = longs + shorts - margin.maintenance * longs + margin.short_maintenance * shorts
    if spare <= 0:
        return 0.0
    distance = spare / slope if slope > 0 else math.inf
    return distance if distance < 1.0 else None


def interest(loan: Decimal, days: int, margin: MarginPolicy) -> Decimal:
    """What `loan` (base currency, >= 0) costs over `days`, each tier at its own rate, act/360; to the cent.

    >>> interest(Decimal(150_000), 30, MarginPolicy(benchmark_rate=0.05))  # 100,000 at 6.5 %, 50,000 at 6 %
    Decimal('791.67')
    """
    cost, below = Decimal(0), Decimal(0)
    for up_to, spread in margin.tiers:
        top = loan if math.isinf(up_to) else min(loan, Decimal(repr(up_to)))
        rate = Decimal(repr(margin.benchmark_rate)) + Decimal(repr(spread))
        cost += max(top - below, Decimal(0)) * rate * days / YEAR
        below = max(below, top)
    return cost.quantize(Decimal("0.01"))


def borrow_fee(weights: Weights, equity: Decimal, days: int, margin: MarginPolicy) -> Decimal:
    """What the shares that are sold short cost over `days`, act/360 of their value; to the cent."""
    cost = Decimal(0)
    for symbol, weight in weights.items():
        if weight < 0 and not money_of(symbol):
            rate = margin.borrow_fees.get(symbol, margin.borrow_fee)
            cost += -Decimal(repr(float(weight))) * equity * Decimal(repr(rate)) * days / YEAR
    return cost.quantize(Decimal("0.01"))


def margin_picture(weights: Weights, equity: Decimal, margin: MarginPolicy) -> MarginPicture:
    """What the account looks like with these weights (fractions of `equity`).

    The loan is what the longs are worth more than equity, or what is owed in a currency where that is more: the proceeds of a
    short sale are kept for it, they pay for nothing, and money in one currency pays no interest on a debt in another.
    """
    longs, shorts = long_and_short(weights)
    owed = sum(-w for s, w in weights.items() if money_of(s) and w < 0)
    loan = max(longs - 1.0, owed)

    def money(fraction: float) -> Decimal:
        return (Decimal(repr(float(fraction))) * equity).quantize(Decimal("0.01"))

    maintenance = money(maintenance_requirement(weights, margin))
    return MarginPicture(
        equity=equity,
        gross=money(longs + shorts),
        leverage=longs + shorts,
        initial=money(initial_requirement(weights, margin)),
        maintenance=maintenance,
        excess_liquidity=equity - maintenance,
        call_distance=call_distance(weights, margin),
        interest=interest(money(loan), DAYS, margin),
        borrow_fee=borrow_fee(weights, equity, DAYS, margin),
    )


def margin_rules(weights: Weights, there: Situation) -> list[Verdict]:
    """initial_margin: what is opened is within equity. margin_cushion: the excess liquidity that is left. None without margin."""
    margin = there.policy.margin
    if margin is None:
        return []
    rules = [
        ("initial_margin", initial_requirement(weights, margin), 1.0),
        ("margin_cushion", maintenance_requirement(weights, margin), 1.0 - margin.cushion),
    ]
    return [_held(name, figure, limit) for name, figure, limit in rules]


def _held(name: str, figure: float, limit: float) -> Verdict:
    said = f"the {'initial' if name == 'initial_margin' else 'maintenance'} margin is {figure:.2%} of equity"
    if within(figure, limit + ROUNDING):
        return passed(name, f"{said}, limit {limit:.2%}", (), figure, limit)
    return scaled(name, figure, limit, f"{said}, over the limit of {limit:.2%}")
