"""Daily bars of the connected gateway as a source: trades, regular hours, adjusted for splits by Interactive Brokers.

`IBBars` answers as `sources.port.Source` does; it knows nothing of that room, so what it needs of the calendar is given to it.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from brokers.ib.pace import Pace, pace_of
from brokers.ib.symbols import Symbols
from portfolio.errors import Outage, Refused, WrongUse
from portfolio.schema import PRICES
from portfolio.types import Declaration, Instrument

if TYPE_CHECKING:
    import polars as pl

    from brokers.ib.client import Line

SYMBOL = re.compile(r"[A-Z0-9]{1,12}(?:[.\-][A-Z0-9]{1,4})?")  # nothing else goes onto the wire, whose fields end with a NUL
FIRST = date(1980, 1, 1)  # nothing is kept from before
NO_CONTRACT, NO_HISTORY = 200, 162
PACED = 600.0  # seconds after which a pacing violation is forgiven
_BAR = ("open", "high", "low", "close", "volume")
_NOTE = (
    "Trades of regular hours, adjusted by Interactive Brokers for splits up to the day of asking and not for dividends: a total "
    "return from it is too low. Whether volume counts shares or hundreds is a setting of the gateway: compare it with itself."
)


@dataclass(frozen=True)
class IBBars:
    """Whoever is asked for, each once; one connection a reading. `close_of` tells when a session has closed (aware, UTC).

    now: the instant of asking; a session that has not closed by then has no bar. timeout: seconds one answer may take.
    """

    host: str
    port: int
    client_id: int
    now: datetime
    close_of: Callable[[date], datetime]
    currency: str = "USD"
    timeout: float = 60.0
    pace: Pace | None = None
    name: ClassVar[str] = "ib"
    datasets: ClassVar[tuple[str, ...]] = ("prices",)
    _known: dict[str, Instrument] = field(default_factory=dict, init=False, repr=False)

    def declaration(self) -> Declaration:
        return Declaration(self.name, "adjusted", frozenset(_BAR), _NOTE)

    def instruments(self) -> tuple[Instrument, ...]:
        """Those that were read so far."""
        return tuple(self._known[symbol] for symbol in sorted(self._known))

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        """Bars per share in the contract's currency, known from the close of their session.

        `Refused` names the symbols that the broker does not know, or says why it gives none; `Outage` where it does not
        answer, or wants us to slow down.
        """
        if dataset not in self.datasets:
            raise WrongUse(f"The source ib has no {dataset}.", "It has prices.", source=self.name, dataset=dataset)
        if symbols is None:
            raise WrongUse("The source ib lists nothing of itself.", "Name the symbols with --symbols A,B.", source=self.name)
        names = tuple(dict.fromkeys(symbols))
        if strange := [ascii(name[:40]) for name in names if not SYMBOL.fullmatch(name)]:
            raise Refused(f"The source ib has no symbol {', '.join(strange)}.", "Write it as AAPL or BRK.B.", source=self.name)
        last = min(until or self.now.date(), self.now.date())
        first = since or FIRST
        told = asyncio.run(self._ask(names, first, last)) if names else {}
        rows = [self._row(symbol, bar) for symbol, bars in told.items() for bar in bars]
        return _staged([row for row in rows if first <= row["session"] <= last and row["known_at"] <= self.now])

    async def _ask(self, symbols: tuple[str, ...], first: date, last: date) -> dict[str, list[Any]]:
        from brokers.ib.client import Line

        line = Line(self.timeout)
        try:
            await line.open(self.host, self.port, self.client_id)
            contracts = await self._contracts(line, symbols)
            return {symbol: await self._history(line, symbol, contracts[symbol], first, last) for symbol in symbols}
        finally:
            await line.close()

    async def _contracts(self, line: Line, symbols: tuple[str, ...]) -> dict[str, Any]:
        """The one contract of each symbol, before any bar is asked for: an unknown name costs no history."""
        from brokers.ib.client import library

        found: dict[str, Any] = {}
        for symbol in symbols:
            await line.turn()
            wanted = library.Stock(Symbols.theirs(symbol), "SMART", self.currency)
            try:
                details = await line.answer(f"the contract of {symbol}", line.ib.reqContractDetailsAsync(wanted))
            except Refused as error:
                if error.facts.get("code") != NO_CONTRACT:
                    raise
                details = []
            if len(details) == 1:
                found[symbol] = details[0].contract
                currency = details[0].contract.currency
                self._known[symbol] = Instrument(f"US:{symbol}", symbol, currency, "XNYS")
        if wrong := [symbol for symbol in symbols if symbol not in found]:
            what = f"The source ib has no symbol {', '.join(wrong)}."
            raise Refused(what, "Look it up in the gateway: unknown, or several of that name.", unknown=tuple(wrong))
        return found

    async def _history(self, line: Line, symbol: str, contract: Any, first: date, last: date) -> list[Any]:
        """The daily bars from about `first` to `last`; none where the broker has none of these days."""
        if first > last:
            return []
        end, duration = f"{last:%Y%m%d} 23:59:59 US/Eastern", span(first, last)
        pace = self.pace or pace_of(self.host, self.port)
        await asyncio.sleep(pace.wait(time.monotonic(), str(contract.conId), f"{contract.conId} {end} {duration}"))
        await line.turn()
        # The library would answer a time-out with an empty list; the deadline is the line's, whose silence is an `Outage`.
        asked = line.ib.reqHistoricalDataAsync(contract, end, duration, "1 day", "TRADES", useRTH=True, timeout=0)
        try:
            return list(await line.answer(f"the bars of {symbol}", asked))
        except Refused as error:
            if error.facts.get("code") == NO_HISTORY:
                return _no_history(symbol, str(error))
            raise

    def _row(self, symbol: str, bar: Any) -> dict[str, Any]:
        who = self._known[symbol]
        session = bar.date.date() if isinstance(bar.date, datetime) else bar.date
        told = {"instrument": who.instrument, "symbol": symbol, "session": session, "currency": who.currency}
        return told | {name: figure(getattr(bar, name), name) for name in _BAR} | {"known_at": self.close_of(session)}


def span(first: date, last: date) -> str:
    """IB's word for the days from `first` to `last`: up to a year in days of trading, longer in years.

    >>> span(date(2024, 3, 1), date(2024, 3, 14)), span(date(2020, 3, 1), date(2024, 3, 14))
    ('14 D', '5 Y')
    """
    days = (last - first).days + 1
    return f"{days} D" if days <= 365 else f"{-(-days // 365)} Y"


def figure(told: Any, name: str) -> float | None:
    """A number of a bar, None where IB has none: -1 for a volume, and what is not finite."""
    value = float(told)
    return value if math.isfinite(value) and not (name == "volume" and value < 0) else None


def _no_history(symbol: str, sentence: str) -> list[Any]:
    """What error 162 means: it is one number for "too fast", "nothing there" and "not allowed"."""
    said = sentence.lower()
    if "pacing violation" in said:
        what = f"The gateway was asked too fast for the bars of {symbol}."
        raise Outage(what, "Ask again in ten minutes.", code=NO_HISTORY, seconds=PACED)
    if "returned no data" in said:
        return []
    if "cancel" in said or "connect" in said or "timed out" in said:
        raise Outage(f"The bars of {symbol} did not come: {sentence[:160]}", "Ask again.", code=NO_HISTORY)
    what = f"The gateway gives no bars of {symbol}: {sentence[:200]}"
    raise Refused(what, "Look at the account's market data subscriptions.", code=NO_HISTORY)


def _staged(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The rows in the staged columns and types of `prices`, sorted by its key."""
    import polars as pl

    types = {
        "VARCHAR": pl.String(),
        "DATE": pl.Date(),
        "DOUBLE": pl.Float64(),
        "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
    }
    kinds = {column.name: types[column.type] for column in PRICES.columns if column.name in PRICES.staged}
    whole = [row | {"source": "ib", "adjustment": "adjusted"} for row in rows]
    return pl.DataFrame(whole, schema=kinds, orient="row").select(PRICES.staged).sort(PRICES.key)
