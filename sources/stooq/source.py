"""Daily prices from Stooq's CSV, adjusted by Stooq in its own way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import ClassVar

import polars as pl

from portfolio.errors import Refused
from portfolio.schema import PRICES
from portfolio.types import Declaration, Instrument
from sources.bodies import Body
from sources.frames import between, no_dataset, staged, staged_schema
from sources.port import Access
from sources.sessions import with_close
from sources.stooq.table import bars, no_data
from sources.symbols import unknown, wanted
from sources.web import Site, Web

ADDRESS = "https://stooq.com"
PACE = 1.0  # requests a second; Stooq counts hits a day and says no number
PATH = "/q/d/l/"
SYMBOL = re.compile(r"[A-Z0-9]{1,6}(?:\.[A-Z]{1,2})?")
HINT = "It has symbols of the United States: aapl.us there is AAPL here, brk-b.us is BRK.B."
FIELDS = ("open", "high", "low", "close", "volume")
_NOTE = (
    "Adjusted by Stooq: for splits always, for dividends in part (most before 2012 are absent), so a total return from it is "
    "too low. Sessions are missing here and there across all symbols."
)


@dataclass(frozen=True)
class Stooq:
    """Symbols of the United States: AAPL is aapl.us there. `access.key`, where it has one, is Stooq's `apikey`."""

    access: Access = field(default_factory=Access)
    name: ClassVar[str] = "stooq"
    datasets: ClassVar[tuple[str, ...]] = ("prices",)
    _read: set[str] = field(default_factory=set, init=False, repr=False)

    def declaration(self) -> Declaration:
        return Declaration(self.name, "adjusted", frozenset(FIELDS), _NOTE)

    def instruments(self) -> tuple[Instrument, ...]:
        """Those that were read so far, in USD on XNYS: Stooq says neither."""
        return tuple(Instrument(f"US:{symbol}", symbol, "USD", "XNYS") for symbol in sorted(self._read))

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        """Bars known by `access.now`, in USD per share. `Refused` names unknown symbols, or says that no hits are left."""
        if dataset not in self.datasets:
            raise no_dataset(self.name, dataset, self.datasets)
        names = wanted(symbols, self.name, SYMBOL, HINT)
        found = {symbol: self._ask(symbol, since, until) for symbol in names}
        if strangers := [symbol for symbol, body in found.items() if body is None]:
            raise unknown(strangers, self.name, HINT)
        self._read.update(names)
        frames = [self._prices(symbol, body) for symbol, body in found.items() if body is not None]
        rows = pl.concat([pl.DataFrame(schema=staged_schema(PRICES)), *frames])
        return staged(between(rows.filter(pl.col("known_at") <= self.access.now), "session", since, until), PRICES)

    @cached_property
    def _web(self) -> Web:
        """Stooq, or what stands in for it (which keeps its own pace)."""
        says = {"User-Agent": "Mozilla/5.0 (compatible; trimtab)", "Accept": "text/csv"}
        pace = 50.0 if self.access.url else PACE
        base, hosts = self.access.url or ADDRESS, ("stooq.com", "stooq.pl")
        return Web(Site("Stooq", base, pace, headers=says, secrets=(self.access.key,), hosts=hosts))

    def _ask(self, symbol: str, since: date | None, until: date | None) -> Body | None:
        """The body; None where Stooq does not know the symbol.

        It says "No data" of a symbol that it does not know and of days without a bar alike: then it is asked for all days.
        """
        asked = {"s": f"{symbol.lower().replace('.', '-')}.us", "i": "d"} | (
            {"apikey": self.access.key} if self.access.key else {}
        )
        days = _days(since, until)
        body = _checked(self._web.get(PATH, asked | days))
        if no_data(body) and days:
            body = _checked(self._web.get(PATH, asked))
        return None if no_data(body) else body

    def _prices(self, symbol: str, body: Body) -> pl.DataFrame:
        rows = with_close(bars(body, symbol), "session").with_columns(
            pl.lit(f"US:{symbol}").alias("instrument"),
            pl.lit(symbol).alias("symbol"),
            pl.lit("USD").alias("currency"),
            pl.lit("adjusted").alias("adjustment"),
            pl.lit(self.name).alias("source"),
        )
        return staged(rows, PRICES)


def _days(since: date | None, until: date | None) -> Mapping[str, str]:
    """Stooq wants both ends or none."""
    if since is None and until is None:
        return {}
    return {"d1": f"{since or date(1900, 1, 1):%Y%m%d}", "d2": f"{until or date(2099, 12, 31):%Y%m%d}"}


def _checked(body: Body) -> Body:
    """The body, unless it is a sentence of Stooq's instead of data."""
    start = body.content[:400].lower()
    if b"exceeded the daily hits limit" in start:
        way_out = "Come back tomorrow, ask for fewer symbols, or take another source: asking again today is refused too."
        raise Refused("Stooq has no hits left for us today.", way_out, site="Stooq")
    if b"apikey" in start or body.page:
        way_out = "Get a key at stooq.com (it asks for a captcha) and give it to us, or take another source."
        raise Refused("Stooq sent no data and wants a key or a browser.", way_out, site="Stooq")
    return body
