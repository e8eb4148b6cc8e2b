"""What the market is, and what a source says of its own data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is traded. `instrument` is the identity; `symbol` is only its name today."""

    instrument: str
    symbol: str
    currency: str
    exchange: str  # the calendar's name, e.g. XNYS
    tradable: bool = True  # an index is not


@dataclass(frozen=True, slots=True)
class Quote:
    """A price somebody would deal at, with its age. Prices in `currency` per share.

    close: of the session before. volume: dealt in this session, as the source counts it (shares, or hundreds of them). mark:
    what the broker itself values our position at, where nobody quotes what could be dealt at; no order is sized on it.
    """

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    currency: str
    time: datetime
    delayed: bool = False
    frozen: bool = False  # the last ones before the exchange closed
    close: Decimal | None = None
    volume: Decimal | None = None
    mark: Decimal | None = None

    @property
    def market_data(self) -> str:
        """live | frozen | delayed | delayed-frozen."""
        return "-".join(word for word, true in (("delayed", self.delayed), ("frozen", self.frozen)) if true) or "live"

    @property
    def reference(self) -> Decimal | None:
        """Mid where both sides are there and not crossed, else the last trade: what a holding is worth."""
        if self._numbers and self.bid is not None and self.ask is not None and 0 < self.bid <= self.ask:
            return (self.bid + self.ask) / 2
        return self.last

    @property
    def dealable(self) -> Decimal | None:
        """The reference, where an order may be sized on it: positive, no side that is not a number, not crossed."""
        price = self.reference
        if price is None or not price.is_finite() or price <= 0 or not self._numbers or self.crossed:
            return None
        return price

    @property
    def worth(self) -> Decimal | None:
        """What a holding is worth: the price that an order may be sized on, else the broker's own mark of the position."""
        return self.dealable or (self.mark if self.marked else None)

    @property
    def marked(self) -> bool:
        """Whether nothing but the broker's mark says what it is worth."""
        return self.dealable is None and self.mark is not None and self.mark.is_finite() and self.mark > 0

    @property
    def crossed(self) -> bool:
        """The bid is above the ask: somebody's feed is wrong."""
        return self._numbers and self.bid is not None and self.ask is not None and 0 < self.ask < self.bid

    @property
    def _numbers(self) -> bool:
        return all(side is None or side.is_finite() for side in (self.bid, self.ask))


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of `currency` is worth in the base currency, of when, and who said so."""

    currency: str
    value: Decimal
    time: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a source says of its own prices."""

    source: str
    adjustment: str  # "raw" | "adjusted"
    has: frozenset[str]  # of open, high, low, close, volume
    note: str = ""
