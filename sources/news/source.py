"""Headlines of instruments, each once, scored. A headline is known from the moment its publisher says it came out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote, urlsplit

import polars as pl

from portfolio.errors import Refused, WrongUse
from portfolio.schema import NEWS
from portfolio.types import Declaration, Instrument
from sources.bodies import Body
from sources.frames import asked, between_days, no_dataset, staged, staged_schema
from sources.news.feed import feed
from sources.news.headlines import Told, folded
from sources.news.search import quoted, search
from sources.news.sentiment import scores
from sources.news.sheet import sheet
from sources.symbols import unknown, wanted

if TYPE_CHECKING:
    from sources.port import Access
    from sources.web import Web

YAHOO = "https://query2.finance.yahoo.com"
SEARCH = "/v1/finance/search?q={symbol}&newsCount=50&quotesCount=6&enableFuzzyQuery=false"
SIZE_CAP = 16 << 20  # bytes
HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; trimtab)"}
SYMBOL = re.compile(r"\^?[A-Z0-9](?:[A-Z0-9.\-]{0,18}[A-Z0-9])?(?:=[XF])?")
PACE = 2.0  # requests a second; a mirror bears more


class News:
    """Over Yahoo's search; over a feed, where `access.url` has a path ({symbol} in it stands for each); or over a file."""

    name: ClassVar[str] = "news"
    datasets: ClassVar[tuple[str, ...]] = ("news",)
    speaks: ClassVar[str] = "day"

    def __init__(self, access: Access, file: Path | None = None, symbol: str | None = None) -> None:
        self._access = access
        self._file = file
        self._symbol = symbol

    def declaration(self) -> Declaration:
        note = "Headlines, each once in three days, with the tone of their words; known when the publisher says."
        return Declaration(self.name, "none", frozenset(), note)

    def instruments(self) -> tuple[Instrument, ...]:
        return ()

    def news(self, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None) -> pl.DataFrame:
        """A row a headline; `since` and `until` bound its day in New York. Without a time it stays, for the laws."""
        told = self._from_file(symbols) if self._file else self._from_network(symbols)
        kept = folded(told)
        rows = [(each.symbol, each.headline, each.published, each.publisher, each.url) for each in kept]
        names = ("symbol", "headline", "published", "publisher", "url")
        schema = {name: staged_schema(NEWS)[name] for name in names}
        frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
            (pl.lit("US:") + pl.col("symbol")).alias("instrument"),
            pl.lit("headline").alias("kind"),
            pl.Series("sentiment", scores([each.headline for each in kept]), dtype=pl.Float64()),
            pl.lit(self.name).alias("source"),
            pl.col("published").alias("known_at"),
        )
        return staged(between_days(frame, "published", since, until), NEWS)

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        if dataset != "news":
            raise no_dataset(self.name, dataset, self.datasets)
        return self.news(symbols, since, until)

    # ---------------------------------------------------------------- network
    def _from_network(self, symbols: Sequence[str] | None) -> list[Told]:
        each = wanted(symbols, self.name, SYMBOL, "Write it as Yahoo does, as AAPL or OCDO.L.")
        address = self._address
        if "{symbol}" not in address and len(each) > 1:
            what = f"The feed {urlsplit(address).netloc} does not say of whom it speaks, and {len(each)} symbols were named."
            raise WrongUse(what, "Name one with --symbols, or put {symbol} into the address of the feed.")
        return [told for symbol in each for told in self._told(self._web.get(_filled(address, symbol)), symbol)]

    @property
    def _address(self) -> str:
        given = self._access.url or YAHOO
        return given if urlsplit(given).path.strip("/") or "{symbol}" in given else given.rstrip("/") + SEARCH

    def _told(self, body: Body, symbol: str) -> list[Told]:
        if body.content.lstrip()[:1] == b"{":
            told = [each for each in search(body) if each.symbol == symbol]
            if not told and symbol not in quoted(body):
                raise unknown([symbol], self.name, "Look for its name on finance.yahoo.com.")
            return told
        return feed(body, symbol)

    @cached_property
    def _web(self) -> Web:
        from sources.web import Site, Web

        place = urlsplit(self._address)
        base = f"{place.scheme}://{place.netloc}"
        return Web(Site(f"The news of {place.hostname}", base, 50.0 if self._access.url else PACE, HEADERS, size_cap=SIZE_CAP))

    # ---------------------------------------------------------------- file
    def _from_file(self, symbols: Sequence[str] | None) -> list[Told]:
        told = self._read_file
        if told is None:
            return self._of_one(symbols)
        if symbols is None:
            return told
        chosen = asked(symbols, sorted({each.symbol for each in told}), self.name)
        return [each for each in told if each.symbol in chosen]

    @cached_property
    def _body(self) -> Body:
        assert self._file is not None
        try:
            with self._file.open("rb") as stream:
                content = stream.read(SIZE_CAP + 1)
        except OSError as trouble:
            what = f"The file {self._file.name} cannot be read: {trouble.strerror}."
            raise Refused(what, "Check its path.", file=str(self._file)) from trouble
        if len(content) > SIZE_CAP:
            raise Refused(f"The file {self._file.name} holds more than {SIZE_CAP >> 20} MB.", "Split it by months.")
        return Body(f"The file {self._file.name}", content).unpacked()

    @cached_property
    def _read_file(self) -> list[Told] | None:
        """The rows of a file that says of whom it speaks; None for a feed, which does not."""
        start = self._body.content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if start == b"<":
            return None
        assert self._file is not None
        return search(self._body) if start == b"{" else sheet(self._file)

    def _of_one(self, symbols: Sequence[str] | None) -> list[Told]:
        """A feed off the disk: of the symbol it was opened for, or of the one that is asked for."""
        named = [self._symbol] if self._symbol else list(symbols or [])
        if symbols is not None and not symbols:
            return []
        if len(named) != 1:
            what = f"The feed in {self._file.name if self._file else 'the file'} does not say of whom it speaks."
            raise WrongUse(what, "Name one with --symbols.")
        chosen = asked(symbols, named, self.name)
        return [told for symbol in chosen for told in feed(self._body, symbol)]


def _filled(address: str, symbol: str) -> str:
    return address.replace("{symbol}", quote(symbol, safe=""))
