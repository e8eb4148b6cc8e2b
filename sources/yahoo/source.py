"""Daily prices and corporate actions from Yahoo's chart: one request a symbol, back to what was dealt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import ClassVar
from urllib.parse import quote

import polars as pl

from portfolio.schema import CORPORATE_ACTIONS, PRICES, Table
from portfolio.types import Declaration, Instrument
from sources.frames import between, no_dataset, staged, staged_schema
from sources.port import Access
from sources.sessions import open_of, with_close
from sources.symbols import unknown, wanted
from sources.web import Site, Web
from sources.yahoo.chart import FIELDS, Chart, chart
from sources.yahoo.dealt import amounts, as_dealt

ADDRESS = "https://query2.finance.yahoo.com"
OTHERS = ("query1.finance.yahoo.com", "query2.finance.yahoo.com")
PACE = 2.0  # requests a second; Yahoo says no number, and answers 429 to those who hurry
SYMBOL = re.compile(r"(?!.*-[A-Z]$)\^?[A-Z0-9](?:[A-Z0-9.\-]{0,18}[A-Z0-9])?(?:=[XF])?")
HINT = "Look it up at finance.yahoo.com: London is OCDO.L, an index ^GSPC; a class of shares (BRK-B there) is BRK.B here."
FROM = date(1970, 1, 1)  # Yahoo's seconds begin here
_CLASS = re.compile(r"^([A-Z]{1,5})\.([A-EG-KM-SUW-Z])$")  # F, L, T and V are exchanges
_LAST_SECOND = 9_999_999_999
_DAY = timedelta(days=1)
_NOTE = (
    "As dealt on the day: Yahoo's prices are adjusted for splits, and the splits that it lists are undone (a spin-off that it "
    "lists as one, too). Dividends are those of its events. Pence and other parts are converted to their currency. From 1970."
)


def site(access: Access) -> Site:
    """Yahoo, or what stands in for it (which keeps its own pace)."""
    says = {"User-Agent": "Mozilla/5.0 (compatible; trimtab)", "Accept": "application/json"}
    return Site("Yahoo", access.url or ADDRESS, 50.0 if access.url else PACE, headers=says, hosts=OTHERS)


def theirs(symbol: str) -> str:
    """Yahoo's word for our symbol: a class of shares has a dash there, an exchange a dot (London is L).

    >>> theirs("BRK.B"), theirs("OCDO.L"), theirs("AAPL")
    ('BRK-B', 'OCDO.L', 'AAPL')
    """
    return _CLASS.sub(r"\1-\2", symbol)


def path(symbol: str) -> str:
    return f"/v8/finance/chart/{quote(theirs(symbol), safe='')}"


@dataclass(frozen=True)
class Yahoo:
    """Whoever is asked of it, each once: prices and actions come out of one answer, which it keeps."""

    access: Access = field(default_factory=Access)
    name: ClassVar[str] = "yahoo"
    datasets: ClassVar[tuple[str, ...]] = ("prices", "corporate_actions")
    companions: ClassVar[Mapping[str, tuple[str, ...]]] = {"prices": ("corporate_actions",)}  # of one answer
    _held: dict[str, tuple[date, Chart]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def _web(self) -> Web:
        return Web(site(self.access))

    def declaration(self) -> Declaration:
        return Declaration(self.name, "raw", frozenset(FIELDS), _NOTE)

    def instruments(self) -> tuple[Instrument, ...]:
        """Those that were read so far."""
        told = sorted((held.about for _, held in self._held.values()), key=lambda about: about.symbol)
        return tuple(
            Instrument(
                about.exchange.identity(about.symbol), about.symbol, about.currency, about.exchange.calendar, about.tradable
            )
            for about in told
        )

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        """Rows known by `access.now` (a session that has not closed is not there). `Refused` names all unknown symbols."""
        if dataset not in self.datasets:
            raise no_dataset(self.name, dataset, self.datasets)
        table, rows, day = _KINDS[dataset]
        charts = self._charts(wanted(symbols, self.name, SYMBOL, HINT), since or FROM)
        frames = [staged(self._stamped(rows(each), each), table) for each in charts.values()]
        together = pl.concat([pl.DataFrame(schema=staged_schema(table)), *frames])
        known = together.filter(pl.col("known_at") <= self.access.now)
        return staged(between(known, day, since, until), table)

    def _charts(self, symbols: Sequence[str], since: date) -> Mapping[str, Chart]:
        """The answers about `symbols`; what was asked before, from as early on, is not asked again."""
        strangers = []
        for symbol in symbols:
            if symbol in self._held and self._held[symbol][0] <= since:
                continue
            found = self._ask(symbol, since)
            if found is None:
                strangers.append(symbol)
            else:
                self._held[symbol] = (since, found)
        if strangers:
            raise unknown(strangers, self.name, HINT)
        return {symbol: self._held[symbol][1] for symbol in symbols}

    def _ask(self, symbol: str, since: date) -> Chart | None:
        """From the day before `since` (Sydney's session opens then) up to now: a split that came after the bars must be seen."""
        begin = max(0, _seconds(since - _DAY)) if since > FROM else 0
        end = min(_LAST_SECOND, int(self.access.now.timestamp()) + 86_400)
        params = {"period1": str(begin), "period2": str(max(begin + 86_400, end)), "interval": "1d", "events": "div|split"}
        body = self._web.find(path(symbol), params)
        return None if body is None else chart(body, symbol)

    def _stamped(self, rows: pl.DataFrame, told: Chart) -> pl.DataFrame:
        return rows.with_columns(
            pl.lit(told.about.exchange.identity(told.about.symbol)).alias("instrument"),
            pl.lit(told.about.symbol).alias("symbol"),
            pl.lit(told.about.currency).alias("currency"),
            pl.lit(self.name).alias("source"),
        )


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _prices(told: Chart) -> pl.DataFrame:
    """Bars as dealt; known from the close of their session (half days of XNYS right, elsewhere the regular hour)."""
    rows = as_dealt(told.bars, told.splits, told.about.unit).with_columns(pl.lit("raw").alias("adjustment"))
    if told.about.exchange.new_york:
        return with_close(rows, "session")
    closes = [told.about.ended(session) for session in rows.get_column("session")]
    return rows.with_columns(pl.Series("known_at", closes, dtype=pl.Datetime("us", "UTC")))


def _actions(told: Chart) -> pl.DataFrame:
    """Splits (new shares for one old) and dividends (cash for a share of that day); known from the open of the ex-session."""
    rows = [(each.ex_session, each.at, "split", each.value, None) for each in told.splits]
    rows += [(each.ex_session, each.at, "dividend", None, each.value) for each in told.dividends]
    types = {"ex_session": pl.Date(), "known_at": pl.Datetime("us", "UTC"), "kind": pl.String(), "ratio": pl.Float64()}
    frame = pl.DataFrame(rows, schema={**types, "amount": pl.Float64()}, orient="row")
    if told.about.exchange.new_york:
        opens = [open_of(day) for day in frame.get_column("ex_session")]
        frame = frame.with_columns(pl.Series("known_at", opens, dtype=pl.Datetime("us", "UTC")))
    return amounts(frame, told.splits, told.about.unit)


_KINDS: dict[str, tuple[Table, Callable[[Chart], pl.DataFrame], str]] = {
    "prices": (PRICES, _prices, "session"),
    "corporate_actions": (CORPORATE_ACTIONS, _actions, "ex_session"),
}
