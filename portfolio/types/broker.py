"""What a broker can be asked and told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from portfolio.types.orders import Execution
from portfolio.types.words import OrderState, Side


@dataclass(frozen=True, slots=True)
class Contract:
    """The broker's own description of an instrument."""

    symbol: str
    con_id: int
    currency: str
    exchange: str
    min_tick: Decimal
    size_increment: Decimal
    session_open: datetime | None  # of the broker's current session, None where it is closed today
    session_close: datetime | None


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the broker knows it, in our own words. `filled` is the sum of executions where they are known."""

    order_ref: str
    perm_id: int
    symbol: str
    side: Side
    quantity: Decimal
    state: OrderState
    reason: str = ""
    filled: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class BrokerPicture:
    """All the broker knows of one account, asked afresh; complete, or the asking raised `Outage`.

    base: the account's own currency, "" where it is not told. unnamed: (symbol, currency) of shares and options that are held
    or were dealt and have the name of something in another currency: they go by a name that is not theirs. strays: symbol ->
    currency of what is held in another currency than every stock of ours, and of which nobody spoke.
    """

    account: str
    time: datetime
    orders: tuple[BrokerOrder, ...]  # open and completed
    executions: tuple[Execution, ...]
    positions: Mapping[str, Decimal]
    cash: Mapping[str, Decimal]
    net_liquidation: Decimal | None
    base: str = ""
    unnamed: tuple[tuple[str, str], ...] = ()
    strays: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """What is put on the wire. `order_type`: adaptive | market | limit; `limit` only for the last."""

    order_ref: str
    order_id: int
    account: str
    contract: Contract
    side: Side
    quantity: Decimal
    order_type: str
    limit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What the broker says an order would do to the account; nothing was sent. Money in the account's own currency.

    initial, maintenance: the margin after it; equity: with loan value, after it. commission: in `currency`, None where it is
    not told.
    """

    initial: Decimal
    maintenance: Decimal
    equity: Decimal
    commission: Decimal | None = None
    currency: str = ""

    @property
    def excess(self) -> Decimal:
        """Excess liquidity: what the equity may fall before the broker sells."""
        return self.equity - self.maintenance
