"""The account's side of a decision: what the broker shows, and what the ledger remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from portfolio.decide import Book
from portfolio.market import Market
from portfolio.types import Contract, Policy, Quote, TradingState
from tasks.calendar import place
from tasks.settings import Settings

if TYPE_CHECKING:
    from warehouse.ledger import SqlLedger


@dataclass(frozen=True, slots=True)
class Look:
    """What the broker shows before a decision: the reconciled account, quotes and contracts of the universe."""

    time: datetime
    state: TradingState
    quotes: Mapping[str, Quote]
    contracts: Mapping[str, Contract]


def book_of(settings: Settings, ledger: SqlLedger, policy: Policy, market: Market, looked: Look) -> Book:
    """What the account holds and what its past says, as the policy's decision needs it."""
    history = [(day, value) for day, value in ledger.equity_history(settings.account) if day < market.session]
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
    )
