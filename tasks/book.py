"""The account's side of a decision: what the broker shows, and what the ledger remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from portfolio.book import Before, Book, without_flows
from portfolio.errors import Refused
from portfolio.hedging import model_quote, wanted_options
from portfolio.market import Market
from portfolio.types import CURRENCIES, Account, BrokerPicture, Contract, Policy, Quote, Rate, Side, TradingState
from tasks.calendar import place
from tasks.foretold import forecasts
from tasks.rates import newest_rates
from tasks.settings import Settings

if TYPE_CHECKING:
    from warehouse.ledger import SqlLedger


TRIAL_CASH = Decimal(1_000_000)  # what `trimtab decide` assumes where no account is on record


@dataclass(frozen=True, slots=True)
class Look:
    """What the broker shows before a decision: the reconciled account, quotes and contracts of the universe and of the pairs of
    its currencies, and what foreign money is worth by them.
    """

    time: datetime
    state: TradingState
    quotes: Mapping[str, Quote]
    contracts: Mapping[str, Contract]
    rates: Mapping[str, Rate] = field(default_factory=dict)
    pending: Mapping[str, Decimal] = field(default_factory=dict)  # signed quantity of orders that are at work


def at_work(picture: BrokerPicture) -> dict[str, Decimal]:
    """Signed quantity that orders at the broker may still fill, whoever gave them, conversions among them."""
    out: dict[str, Decimal] = {}
    for order in picture.orders:
        left = max(order.quantity - order.filled, Decimal(0))
        if not order.state.final and left:
            out[order.symbol] = out.get(order.symbol, Decimal(0)) + (left if order.side is Side.BUY else -left)
    return out


def book_of(settings: Settings, ledger: SqlLedger, policy: Policy, market: Market, looked: Look) -> Book:
    """What the account holds and what its past says, as the policy's decision needs it."""
    history = [(day, value) for day, value in history_of(ledger, settings.account, policy, market) if day < market.session]
    return Book(
        account_name=settings.account,
        account=ledger.account(settings.account, policy.base_currency),
        quotes=looked.quotes,
        instruments=dict(market.instruments),
        state=looked.state,
        history=tuple(history),
        rebalances=tuple(ledger.rebalances(policy.name)),
        increments={s: c.size_increment for s, c in looked.contracts.items()},
        place=place(market.session),
        anchor=ledger.resumed(settings.account),
        rates=looked.rates,
        pending=looked.pending,
        before=remembered(ledger, settings.account, policy, market),
        forecasts=forecasts(ledger, policy.name, settings.account),
        standing=standing(ledger, settings.account),
    )


def standing(ledger: SqlLedger, account: str) -> str:
    """Why the account may not trade as it likes, in words; "" where it may, or nothing is on record."""
    held = ledger.standing(account)
    return held.words if held and held.state in {TradingState.REDUCING, TradingState.HALTED} else ""


def trial_book(settings: Settings, ledger: SqlLedger, policy: Policy, market: Market) -> Book:
    """The ledger's account, or a trial of 1,000,000 in cash where none is on record; last closes as quotes, last rates, and
    options at a model's price.
    """
    rates, known = newest_rates(market), ledger.opened(settings.account)
    account = ledger.account(settings.account, policy.base_currency) if known else Account({}, TRIAL_CASH, policy.base_currency)
    history = [(day, value) for day, value in history_of(ledger, settings.account, policy, market) if day < market.session]
    return Book(
        account_name=settings.account,
        account=account,
        quotes=_trial_quotes(policy, market, account),
        instruments=dict(market.instruments),
        state=ledger.trading_state(settings.account),
        history=tuple(history),
        rebalances=tuple(ledger.rebalances(policy.name)),
        place=place(market.session),
        rates=rates,
        anchor=ledger.resumed(settings.account),
        before=remembered(ledger, settings.account, policy, market) if known else None,
        forecasts=forecasts(ledger, policy.name, settings.account),
        standing=standing(ledger, settings.account),
    )


def _trial_quotes(policy: Policy, market: Market, account: Account) -> dict[str, Quote]:
    """Last closes of all that is traded or looked at, and what a model says of the options that would be asked for."""
    watched = {s: float(closes[np.isfinite(closes)][-1]) for s, closes in market.watched.items() if np.isfinite(closes).any()}
    told = {s: _last_quote(s, close, policy, market) for s, close in (watched | market.last_closes()).items()}
    options = wanted_options(policy, market, account.positions)
    return told | {s: quote for s in options if (quote := model_quote(s, policy, market)) is not None}


def _last_quote(symbol: str, close: float, policy: Policy, market: Market) -> Quote:
    """In the symbol's own currency; `close` is in the base currency."""
    currency = policy.currency(symbol)
    local = round(close / float(market.rates[currency][-1]), 6) if currency in market.rates else close
    return Quote(symbol, None, None, Decimal(str(local)), currency, market.as_of, delayed=True)


def history_of(ledger: SqlLedger, account: str, policy: Policy, market: Market) -> list[tuple[date, Decimal]]:
    """(session, equity), oldest first, cash flows taken out."""
    return without_flows(ledger.equity_marks(account), _worth(ledger, account, policy, market))


def remembered(ledger: SqlLedger, account: str, policy: Policy, market: Market) -> Before | None:
    """The newest decision that traded, and what was paid in since; None where none did."""
    found = ledger.newest_traded(policy.name, account)
    if found is None:
        return None
    document, decided = found
    hedges: dict[str, float] = {}
    for one in document.get("hedges") or ():
        hedges[one["symbol"]] = hedges.get(one["symbol"], 0.0) + one["weight"]
    flow = sum((amount for at, amount in _worth(ledger, account, policy, market) if at > decided), Decimal(0))
    session = date.fromisoformat(document["session"])
    weights, asked = _without(document["weights"], hedges), _without(document["targets"], hedges)
    return Before(session, weights, hedges, flow, asked, _without(document.get("judged") or document["weights"], hedges))


def foreign_money(ledger: SqlLedger, account: str, policy: Policy) -> frozenset[str]:
    """Currencies in which the account holds money, or got or gave some, beside the policy's base."""
    if not ledger.opened(account):
        return frozenset()
    told = {currency for _, currency, _ in ledger.flows(account)} | set(ledger.account(account, policy.base_currency).foreign)
    return frozenset(told & set(CURRENCIES)) - {policy.base_currency}


def _worth(ledger: SqlLedger, account: str, policy: Policy, market: Market) -> list[tuple[datetime, Decimal]]:
    """(instant, amount in the base currency by the rate of its day) of what came and went. `Refused` where there is none."""
    return [(at, amount * _rate_of_day(currency, at, policy, market)) for at, currency, amount in ledger.flows(account)]


def _rate_of_day(currency: str, at: datetime, policy: Policy, market: Market) -> Decimal:
    if currency == policy.base_currency:
        return Decimal(1)
    panel = market.rates.get(currency)
    row = max(int(np.searchsorted(market.sessions, np.datetime64(at.date()), side="right")) - 1, 0)
    known = panel[: row + 1][np.isfinite(panel[: row + 1])] if panel is not None else np.empty(0)
    if not len(known):
        what = f"Money came or went in {currency} on {at.date()}, and no rate of it in {policy.base_currency} is known."
        raise Refused(what, "Ingest one (`trimtab ingest macro`).", currency=currency)
    return Decimal(repr(float(known[-1])))


def _without(weights: Mapping[str, float], hedges: Mapping[str, float]) -> dict[str, float]:
    return {s: w - hedges.get(s, 0.0) for s, w in weights.items()}
