"""The last price of a symbol, as Yahoo shows it: late, and said to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from portfolio.types import Quote
from sources.bodies import Body
from sources.port import Access
from sources.symbols import wanted
from sources.web import Web
from sources.yahoo.chart import about, result
from sources.yahoo.source import HINT, SYMBOL, path, site

_SLACK = timedelta(minutes=2)  # of two clocks


@dataclass(frozen=True, slots=True)
class YahooQuotes:
    """Delayed quotes, behind the port `Quotes`: a last price and its time, the close before, the volume; no bid, no ask."""

    access: Access = field(default_factory=Access)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """One request a symbol. Unknown to Yahoo, without a price or a time, zero, negative, from the future: absent."""
        found = {}
        with Web(site(self.access)) as web:
            for symbol in wanted(symbols, "yahoo", SYMBOL, HINT):
                body = web.find(path(symbol), {"range": "1d", "interval": "1d"})
                quote = self._quote(body, symbol) if body is not None else None
                if quote is not None:
                    found[symbol] = quote
        return found

    def _quote(self, body: Body, symbol: str) -> Quote | None:
        told = result(body, symbol)
        if told is None:
            return None
        who, meta = about(told, body, symbol), told["meta"]
        price, time = _price(meta.get("regularMarketPrice")), _time(meta.get("regularMarketTime"))
        if price is None or time is None or time - _SLACK > self.access.now:
            return None
        close, volume = _price(meta.get("chartPreviousClose")), _count(meta.get("regularMarketVolume"))
        return Quote(
            symbol=symbol,
            bid=None,
            ask=None,
            last=price / who.unit,
            currency=who.currency,
            time=time,
            delayed=True,
            close=None if close is None else close / who.unit,
            volume=volume,
        )


def _price(value: Any) -> Decimal | None:
    number = Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return number if number is not None and number.is_finite() and number > 0 else None


def _count(value: Any) -> Decimal | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return Decimal(value) if whole else None


def _time(value: Any) -> datetime | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 4_102_444_800
    return datetime.fromtimestamp(value, UTC) if whole else None
