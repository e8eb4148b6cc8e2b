"""What the simulated gateway knows of the world: one frozen value, kept as JSON.

Prices are Decimals per share in the listing's currency (of EUR.USD dollars a euro); instants are aware UTC datetimes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

from brokers.simulator.options import option_price
from portfolio.errors import WrongUse
from portfolio.types import CURRENCIES, contract_kind, currency_pair, option_terms, pair_symbol

STK, CASH, OPT = "STK", "CASH", "OPT"
KINDS = {"stock": STK, "currency": CASH, "option": OPT}
HALF_SPREADS = {STK: Decimal("0.0001"), CASH: Decimal("0.00002"), OPT: Decimal("0.005")}  # of the price


def stable_con_id(symbol: str, currency: str = "USD") -> int:
    """A contract id that is a pure function of the name: 100,000,000 to 999,999,999.

    >>> stable_con_id("SPY") == stable_con_id("SPY")
    True
    """
    digest = hashlib.sha256(f"{symbol}|{currency}".encode()).digest()
    return 100_000_000 + int.from_bytes(digest[:8], "big") % 900_000_000


def wire_symbol(symbol: str) -> str:
    """The broker writes share classes with a space.

    >>> wire_symbol("BRK.B")
    'BRK B'
    """
    return symbol.replace(".", " ").replace("-", " ")


@dataclass(frozen=True)
class Listing:
    """One stock, or a pair of currencies. `con_id` 0 means: derive it from the symbol. `exchange` is its primary exchange."""

    symbol: str
    name: str = ""
    currency: str = "USD"
    exchange: str = "NYSE"
    con_id: int = 0
    min_tick: Decimal = Decimal("0.01")
    size_increment: Decimal = Decimal(1)

    @property
    def contract_id(self) -> int:
        return self.con_id or stable_con_id(self.symbol, self.currency)

    @property
    def kind(self) -> str:
        """The broker's word: STK, CASH or OPT."""
        return KINDS[contract_kind(self.symbol)]

    @property
    def wire(self) -> str:
        """The broker's symbol: of a pair the currency that is bought, of an option its underlying."""
        pair, option = currency_pair(self.symbol), option_terms(self.symbol)
        return pair[0] if pair else wire_symbol(option.underlying if option else self.symbol)

    @property
    def local(self) -> str:
        """The broker's local symbol: of a pair both currencies, of an option OCC's name."""
        if self.kind == OPT:
            return f"{self.wire:<6}{self.symbol[-15:]}"
        return self.symbol if self.kind == CASH else wire_symbol(self.symbol)

    @property
    def route(self) -> str:
        """Where orders go."""
        return self.exchange if self.kind == CASH else "SMART"


def pair_listing(symbol: str) -> Listing:
    """The pair on the broker's own market for currencies."""
    bought, paid = currency_pair(symbol) or ("", "")
    tick = Decimal("0.005") if paid == "JPY" else Decimal("0.00005")
    return Listing(symbol, f"{bought} in {paid}", currency=paid, exchange="IDEALPRO", min_tick=tick)


PAIRS = tuple(pair_symbol(*two) for two in combinations(CURRENCIES, 2))


@dataclass(frozen=True)
class Book:
    """Best bid, best ask and last trade of one symbol, on the tick."""

    bid: Decimal
    ask: Decimal
    last: Decimal


@dataclass(frozen=True)
class SimulatedMarket:
    """The world at `now`, where the simulated clock starts. One session; daily closes before it in `bars`."""

    now: datetime
    session_open: datetime
    session_close: datetime
    listings: tuple[Listing, ...]
    prices: Mapping[str, Decimal]
    bars: Mapping[str, tuple[tuple[date, float], ...]]

    def __post_init__(self) -> None:
        if any(moment.utcoffset() is None for moment in (self.now, self.session_open, self.session_close)):
            raise WrongUse("The market's instants have no time zone.", "Give aware UTC datetimes.")
        if len(self.by_con_id) != len(self.listings):
            raise WrongUse("Two listings have one contract id.", "Give one of them a con_id of its own.")
        odd = [s for s, price in self.prices.items() if not (price.is_finite() and price > 0)]
        if odd:
            raise WrongUse(f"The price of {', '.join(sorted(odd))} is not a positive number.", "Correct it or leave it out.")

    @cached_property
    def by_con_id(self) -> Mapping[int, Listing]:
        return {listing.contract_id: listing for listing in self.listings}

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], tuple[Listing, ...]]:
        """By kind and the broker's symbol, or its local one."""
        found: dict[tuple[str, str], tuple[Listing, ...]] = {}
        for listing in self.listings:
            for name in {listing.wire, listing.local}:
                found[listing.kind, name] = (*found.get((listing.kind, name), ()), listing)
        return found

    def find(self, con_id: int, symbol: str, currency: str, kind: str = "") -> Listing | None:
        """The listing a client means: by contract id where it gives one, else by its kind, symbol and currency."""
        named = (self.by_con_id.get(con_id),) if con_id else self.by_name.get((kind or STK, symbol), ())
        fits = (one for one in named if one and currency in {"", one.currency} and kind in {"", one.kind})
        return next(fits, None)

    def option(self, symbol: str, at: datetime) -> Listing | None:
        """Every option on a listed stock that has not expired is listed too."""
        terms = option_terms(symbol)
        stock = next(iter(self.by_name.get((STK, wire_symbol(terms.underlying)), ())), None) if terms else None
        if terms is None or stock is None or terms.expiry < at.date():
            return None
        return Listing(symbol, f"{stock.name} option", currency=stock.currency, exchange="CBOE")

    def _price(self, listing: Listing) -> Decimal | None:
        terms = option_terms(listing.symbol)
        if terms is None:
            return self.prices.get(listing.symbol)
        spot = self.prices.get(terms.underlying)
        return None if spot is None else option_price(terms, spot, self.now)

    def quote(self, listing: Listing) -> Book | None:
        """Some of the price either side, rounded outward to the tick, and at least one tick. None without a price."""
        price = self._price(listing)
        if price is None:
            return None
        tick, half = listing.min_tick, HALF_SPREADS[listing.kind]
        last = on_tick(price, tick, ROUND_HALF_EVEN)
        bid = min(on_tick(price * (1 - half), tick, ROUND_FLOOR), last - tick)
        ask = max(on_tick(price * (1 + half), tick, ROUND_CEILING), last + tick)
        return Book(max(bid, tick), ask, max(last, tick))


def on_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    """`price` as a whole number of ticks.

    >>> on_tick(Decimal("10.013"), Decimal("0.01"), ROUND_CEILING)
    Decimal('10.02')
    """
    return (price / tick).to_integral_value(rounding) * tick


def dump(market: SimulatedMarket, path: Path) -> None:
    """Write the market as JSON; `load` reads it back to an equal value."""
    path.write_text(json.dumps(to_json(market)), encoding="utf-8")


def load(path: Path) -> SimulatedMarket:
    """Read a market that `dump` wrote. `WrongUse` where the file is not one."""
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise WrongUse(f"The market file {path} cannot be read: {error}.", "Write it with market.dump.") from error


def to_json(market: SimulatedMarket) -> dict[str, Any]:
    return {
        "now": market.now.isoformat(),
        "session_open": market.session_open.isoformat(),
        "session_close": market.session_close.isoformat(),
        "listings": [
            {
                "symbol": one.symbol,
                "name": one.name,
                "currency": one.currency,
                "exchange": one.exchange,
                "con_id": one.con_id,
                "min_tick": str(one.min_tick),
                "size_increment": str(one.size_increment),
            }
            for one in market.listings
        ],
        "prices": {symbol: str(price) for symbol, price in market.prices.items()},
        "bars": {symbol: [[day.isoformat(), close] for day, close in bars] for symbol, bars in market.bars.items()},
    }


def from_json(body: Mapping[str, Any]) -> SimulatedMarket:
    def moment(key: str) -> datetime:
        return datetime.fromisoformat(body[key]).astimezone(UTC)

    return SimulatedMarket(
        now=moment("now"),
        session_open=moment("session_open"),
        session_close=moment("session_close"),
        listings=tuple(
            Listing(**{**one, "min_tick": Decimal(one["min_tick"]), "size_increment": Decimal(one["size_increment"])})
            for one in body["listings"]
        ),
        prices={symbol: Decimal(price) for symbol, price in body["prices"].items()},
        bars={s: tuple((date.fromisoformat(day), float(close)) for day, close in bars) for s, bars in body["bars"].items()},
    )
