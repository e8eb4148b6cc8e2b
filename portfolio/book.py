"""The account's side of a decision."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from portfolio.errors import Refused
from portfolio.market import Market
from portfolio.rates import rate_of
from portfolio.types import (
    Account,
    PlanLine,
    Policy,
    Quote,
    Rate,
    SessionPlace,
    TradingState,
    Weights,
    currency_pair,
    money_of,
    multiplier,
    option_terms,
)

ZERO = Decimal(0)
MOST = Decimal(10) ** 15  # units of money, or shares, that nobody has
SMALL = 0.01  # of equity
FAR = 3.0  # a price that is so many times its newest close, or that part of it, is believed by nobody
FAR_RATE = 1.25  # the same of a rate of exchange


@dataclass(frozen=True, slots=True)
class Before:
    """The newest decision that traded. weights: what it traded to, without its hedges; hedges: symbol -> weight of those; flow:
    what was paid in (taken out: negative) since, in the base currency; asked: what its strategy wished, judged: what the
    rules left of that, both without hedges and where they are on record.
    """

    session: date
    weights: Weights
    hedges: Weights = field(default_factory=dict)
    flow: Decimal = ZERO
    asked: Weights | None = None
    judged: Weights | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """What the account holds, what it could deal at, and what it remembers.

    history: (session, equity at its end), oldest first. instruments and increments: by symbol. rebalances: sessions of
    the finished plans that traded, oldest first. place: where the session stands in the exchange's calendar. rates: by
    foreign currency. pending: signed quantity of orders that are still at work. anchor: the session of the newest `resume`.
    before: what the newest plan that traded was decided for. forecasts: (session, value at risk that was told for it).
    standing: the state in words, with its reason.
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
    standing: str = ""

    def held(self, symbol: str) -> Decimal:
        """What is held once the orders at work are filled."""
        return self.account.positions.get(symbol, ZERO) + self.pending.get(symbol, ZERO)

    def rate(self, currency: str) -> Decimal:
        """What one unit of `currency` is worth in the account's. `Refused` where nobody said it, or it is no price."""
        return rate_of(currency, self.account.currency, self.rates)


def without_flows(
    marks: Sequence[tuple[date, Decimal, datetime]], flows: Sequence[tuple[datetime, Decimal]]
) -> list[tuple[date, Decimal]]:
    """(session, equity) in today's money: what was paid in or taken out is neither a gain nor a loss.

    marks: (session, equity at its end, instant of the record), oldest first; flows: (instant, amount in the base currency).
    Every record before a flow is scaled by (equity + flow) / equity of the last one before it, so that each return stays what
    it was (time-weighted). A flow that leaves nothing begins the history anew.

    >>> t = [datetime(2024, 1, day) for day in (2, 3, 4)]
    >>> history = [(t[0].date(), Decimal(100), t[0]), (t[2].date(), Decimal(165), t[2])]
    >>> [str(round(equity)) for _, equity in without_flows(history, [(t[1], Decimal(50))])]
    ['150', '165']
    """
    out: list[tuple[date, Decimal]] = []
    paid = sorted(flows)
    for session, equity, at in marks:
        while paid and paid[0][0] <= at:
            _, amount = paid.pop(0)
            last = out[-1][1] if out else ZERO
            factor = (last + amount) / last if last > 0 else ZERO
            out = [(day, value * factor) for day, value in out] if factor > 0 else []
        out.append((session, equity))
    if paid and out and out[-1][1] > 0:
        factor = (out[-1][1] + sum((amount for _, amount in paid), ZERO)) / out[-1][1]
        out = [(day, value * factor) for day, value in out] if factor > 0 else []
    return out


def valued(policy: Policy, market: Market, book: Book) -> tuple[Decimal, dict[str, float]]:
    """(equity in the base currency, weights of everything the policy trades, and of what is owed in a currency that it hedges).

    Weights are of what is held once the orders at work are filled. `Refused` where a figure of the book is none, where a
    symbol outside the policy is held, or where a quote or a rate is missing or nowhere near what the market's history knows.
    """
    account = book.account
    if account.currency != policy.base_currency:
        what = f"The account is kept in {account.currency}, the policy's base_currency is {policy.base_currency}."
        raise Refused(what, "Name the account's currency in [portfolio].", currency=account.currency)
    _whole(book)
    held = _held(book)
    _known(policy, held)
    rates = {c: _rate(c, market, book) for c, amount in account.foreign.items() if amount}
    prices = {symbol: _worth(symbol, policy, market, book) for symbol in held}
    equity = account.equity(prices, rates)
    if not equity.is_finite() or equity <= 0:
        raise Refused(f"The account's equity is {equity:.2f} {account.currency}.", "Fund the account first.")
    weights = {s: float(book.held(s) * prices.get(s, ZERO) * multiplier(s) / equity) for s in [*policy.traded, *sorted(held)]}
    owed = {c: float(min(account.balance(c), ZERO) * rates.get(c, ZERO) / equity) for c in policy.hedged_currencies}
    return equity, weights | owed


def _held(book: Book) -> set[str]:
    """Of shares and options: what is held, or is at work."""
    return {s for s, q in (*book.account.positions.items(), *book.pending.items()) if q and not money_of(s)}


def valued_by(book: Book) -> tuple[str, ...]:
    """What must be said of how holdings are valued: by the broker's mark, and an option by its last trade alone."""
    told = ((s, book.quotes[s]) for s in sorted(_held(book)) if s in book.quotes)
    return tuple(f"{s}: {words}" for s, quote in told if (words := _by_mark(quote) if quote.marked else _by_last(s, quote)))


def _by_mark(quote: Quote) -> str:
    return f"nobody quotes it, and it is valued at {quote.mark}, the broker's own mark"


def _by_last(symbol: str, quote: Quote) -> str:
    """Nothing to say of a share, whose last trade is seconds old, and of a model's price, which a trial is told of."""
    if option_terms(symbol) is None or quote.delayed or quote.dealable != quote.last or (quote.bid and quote.ask):
        return ""
    return f"nobody makes a price on both sides, and it is valued at {quote.last}, its last trade"


def _whole(book: Book) -> None:
    """`Refused` where a figure is no number, or no money and no quantity that anybody could have."""
    account = book.account
    told = {
        f"the cash in {account.currency}": account.cash,
        **{f"the cash in {c}": amount for c, amount in account.foreign.items()},
        **{f"the position in {s}": quantity for s, quantity in account.positions.items()},
        **{f"what is at work in {s}": quantity for s, quantity in book.pending.items()},
        **({"what was paid in": book.before.flow} if book.before else {}),
    }
    for what, value in told.items():
        if not value.is_finite() or abs(value) > MOST:
            raise Refused(f"In the account, {what} is {value}, which cannot be.", "Look at the account with the broker.")
    for symbol, step in book.increments.items():
        if not step.is_finite() or not 0 < step <= MOST:
            raise Refused(f"The broker deals {symbol} in steps of {step}, which cannot be.", "Look at its contract.")


def _known(policy: Policy, held: Iterable[str]) -> None:
    puts = {hedge.instrument for hedge in policy.hedges if hedge.kind == "put"}
    stray = sorted(s for s in held if s not in policy.traded and not ((terms := option_terms(s)) and terms.underlying in puts))
    if stray:
        raise Refused(
            f"The account holds {', '.join(stray)}, which the policy does not name.",
            "Add it to [universe] symbols (weight 0 sells it), or move it to another account.",
            symbols=stray,
        )


def _rate(currency: str, market: Market, book: Book) -> Decimal:
    """The broker's rate, not far from the newest of the market's."""
    rate, known = book.rate(currency), market.rates.get(currency)
    newest = float(known[-1]) if known is not None and len(known) else math.nan
    if math.isfinite(newest) and newest > 0 and not 1 / FAR_RATE <= float(rate) / newest <= FAR_RATE:
        what = f"The rate of {currency} is {rate:.6g}, and its newest reference is {newest:.6g}."
        raise Refused(what, "Check the gateway's market data.", currency=currency)
    return rate


def _worth(symbol: str, policy: Policy, market: Market, book: Book) -> Decimal:
    """Of one share, in the base currency."""
    quote, currency = book.quotes.get(symbol), policy.currency(symbol)
    price = quote.worth if quote and quote.currency == currency else None
    if price is None:
        what = f"{symbol} is held but has no usable quote in {currency}, and the broker tells no mark of it."
        way = "Check the gateway's market data, or close the position at the broker."
        raise Refused(what, way, symbol=symbol)
    worth = price * book.rate(currency)
    if why := astray(symbol, worth, market):
        raise Refused(f"{symbol} is held, and {why}.", "Look at its quote, and for a split that is not on record.", symbol=symbol)
    return worth


def strange(policy: Policy, market: Market, book: Book) -> dict[str, str]:
    """Symbol -> why no order is sized on its quote: of what is not held it is not believed (what is held is `valued`, or
    refused), and of what is held there is none but the broker's mark.
    """
    out = {s: _by_mark(book.quotes[s]) for s in _held(book) if s in book.quotes and book.quotes[s].marked}
    for symbol in policy.traded:
        quote, currency = book.quotes.get(symbol), policy.currency(symbol)
        price = quote.dealable if quote and quote.currency == currency else None
        told = price is not None and (currency == policy.base_currency or currency in book.rates)
        why = astray(symbol, price * book.rate(currency), market) if price is not None and told else ""
        if why:
            out[symbol] = why
    return out


def astray(symbol: str, worth: Decimal, market: Market) -> str:
    """Why a price (in the base currency) cannot be believed; empty where it can, or where no close is known to compare with."""
    close = _close(symbol, market)
    if worth > MOST:
        return f"its quote is {worth:.6g}"
    if math.isfinite(close) and not 1 / FAR <= float(worth) / close <= FAR:
        return f"its quote is {worth:.6g}, and its newest close {close:.6g}"
    return ""


def _close(symbol: str, market: Market) -> float:
    """The newest close among the last ten sessions, NaN where there is none."""
    if symbol not in market.symbols:
        return math.nan
    newest = market.closes[-10:, market.symbols.index(symbol)]
    known = newest[newest > 0]
    return float(known[-1]) if len(known) else math.nan


def foreign_cash(market: Market, book: Book, equity: Decimal, lines: Sequence[PlanLine] = ()) -> dict[str, float]:
    """The balance of each foreign currency as a weight, once the lines are filled at their prices; a loan is negative. A small
    one without a history of its rate is left out.
    """
    left = {c: amount for c, amount in book.account.foreign.items() if amount}
    for line in lines:
        pair = currency_pair(line.symbol)
        left[line.currency] = left.get(line.currency, Decimal(0)) - line.signed * line.price * multiplier(line.symbol)
        if pair:
            left[pair[0]] = left.get(pair[0], Decimal(0)) + line.signed
    weights = {c: float(amount * book.rate(c) / equity) for c, amount in left.items() if c != book.account.currency}
    return {c: weight for c, weight in weights.items() if c in market.rates or abs(weight) >= SMALL}
