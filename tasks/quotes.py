"""Quotes for a person who asks now: Interactive Brokers where its gateway answers, else Yahoo, delayed. Nothing is written."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from portfolio.errors import Outage, Refused, WrongUse
from portfolio.ports import Clock
from portfolio.types import Quote
from tasks import doors
from tasks.settings import Settings

if TYPE_CHECKING:
    from brokers.ib.broker import IBBroker

NAMES = ("ib", "yahoo")
ON_THE_WIRE = re.compile(r"[A-Z0-9]{1,12}(?:[.\-][A-Z0-9]{1,4})?")  # what the broker is asked for; Yahoo knows more
CLIENTS = 64  # ids beside the executor's, so that several terminals may look at once
TOGETHER = timedelta(minutes=2)  # two clocks that are nearer tell the same day
EVERY = 15.0  # seconds between two looks at Yahoo, whose quotes are late anyway


@dataclass(frozen=True, slots=True)
class Question:
    """symbols, from source (ib | yahoo; None: the first, and the second for what the first lacks)."""

    symbols: tuple[str, ...]
    source: str | None = None

    def __post_init__(self) -> None:
        if self.source not in {None, *NAMES}:
            raise WrongUse(f"There are no quotes from {self.source!r}.", "Ask ib or yahoo, or leave it out for both.")
        names = (symbol.strip().upper() for symbol in self.symbols)
        object.__setattr__(self, "symbols", tuple(dict.fromkeys(name for name in names if name)))
        if not self.symbols:
            raise WrongUse("No symbol was named.", "Name some: `trimtab quotes SPY AAPL`.")


@dataclass(frozen=True, slots=True)
class Shown:
    """A quote, who gave it (ib | yahoo), and how old it was then, in seconds on the clock of whoever gave it."""

    quote: Quote
    source: str
    age: float


@dataclass(frozen=True, slots=True)
class Answer:
    """shown: in the order asked for. missing: symbol -> why there is no quote. late: why Yahoo did not answer. note: why
    Interactive Brokers was not heard, or that the gateway lives on another day. Both are empty where all went well.
    """

    shown: tuple[Shown, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    late: str = ""
    note: str = ""

    def of(self, source: str) -> dict[str, Quote]:
        return {one.quote.symbol: one.quote for one in self.shown if one.source == source}


def ask(settings: Settings, question: Question, clock: Clock) -> Answer:
    """A quote of each symbol. `Outage` where ib alone is meant and does not answer; `Refused` where the gateway serves another
    account.
    """

    async def whole() -> Answer:
        async with _gateway(settings, question) as (broker, note):
            return await _asked(settings, question, clock, broker, note)

    return asyncio.run(whole())


def watch(
    settings: Settings, question: Question, clock: Clock, begin: Callable[[Answer], None], change: Callable[[Shown], None]
) -> None:
    """`begin` hears the answer of `ask`, `change` every quote that says something else from then on, until the process is
    interrupted or nobody has more to say. `Outage` where the gateway is lost.
    """

    async def whole() -> None:
        async with _gateway(settings, question) as (broker, note):
            answer = await _asked(settings, question, clock, broker, note)
            begin(answer)
            async with asyncio.TaskGroup() as both:
                if broker and (known := answer.of("ib")):
                    both.create_task(_stream(broker, known, clock, change))
                if known := answer.of("yahoo"):
                    both.create_task(_poll(settings, known, clock, change))

    try:
        asyncio.run(whole())
    except BaseExceptionGroup as group:
        raise _first(group) from None


def _first(trouble: BaseException) -> BaseException:
    """The first of the troubles that came together."""
    while isinstance(trouble, BaseExceptionGroup):
        trouble = trouble.exceptions[0]
    return trouble


@contextlib.asynccontextmanager
async def _gateway(settings: Settings, question: Question) -> AsyncIterator[tuple[IBBroker | None, str]]:
    """A connection of our own to the gateway while the block lasts, or None and why there is none."""
    if question.source == "yahoo":
        yield None, ""
        return
    broker = doors.open_live_quotes(settings, settings.ib_client_id + 2 + os.getpid() % CLIENTS)
    note = ""
    try:
        try:
            await broker.connect()
            await broker.take_any_age()
        except Outage as trouble:
            if question.source == "ib":
                raise
            note = trouble.what
        yield (None if note else broker), note
    finally:
        await broker.disconnect()


async def _asked(settings: Settings, question: Question, clock: Clock, broker: IBBroker | None, note: str) -> Answer:
    """What the gateway shows, and what Yahoo shows of the rest."""
    found: dict[str, Shown] = {}
    if broker:
        try:
            found = await _snapshots(broker, [name for name in question.symbols if ON_THE_WIRE.fullmatch(name)])
            note = _elsewhen(await broker.time(), clock.now())
        except Outage as trouble:
            if question.source == "ib":
                raise
            note = trouble.what
    rest = [name for name in question.symbols if name not in found]
    if question.source == "ib":
        more = Answer(missing={name: f"Interactive Brokers has no quote of {ascii(name)[1:-1]}." for name in rest})
    else:
        more = await asyncio.to_thread(_from_yahoo, settings, rest, clock)
    found |= {one.quote.symbol: one for one in more.shown}
    return Answer(tuple(found[name] for name in question.symbols if name in found), more.missing, more.late, note)


def _elsewhen(there: datetime, here: datetime) -> str:
    """What must be said of a gateway whose clock is not ours; empty where they agree."""
    if abs(there - here) <= TOGETHER:
        return ""
    return f"The gateway's clock says {there:%Y-%m-%d %H:%M} UTC: it is a simulated one, or its clock or ours is wrong."


async def _snapshots(broker: IBBroker, names: Sequence[str]) -> dict[str, Shown]:
    told = await broker.quotes(names) if names else {}
    quotes = {name: quote for name, quote in told.items() if quote.reference is not None}  # a mark of our own is no quote
    now = await broker.time()
    return {name: _shown(quote, "ib", now) for name, quote in quotes.items()}


def _from_yahoo(settings: Settings, names: Sequence[str], clock: Clock) -> Answer:
    """Symbol by symbol, so that one unknown word does not lose the others; after an outage the rest is not asked."""
    shown: list[Shown] = []
    missing: dict[str, str] = {}
    late = ""
    for name in names:
        quotes: Mapping[str, Quote] = {}
        try:
            quotes = {} if late else doors.open_yahoo_quotes(settings, clock.now()).quotes([name])
        except Outage as trouble:
            late = trouble.what
        except Refused as trouble:
            missing[name] = trouble.what
        if name in quotes:
            shown.append(_shown(quotes[name], "yahoo", clock.now()))
        else:
            missing.setdefault(name, late or f"Yahoo has no quote of {name}.")
    return Answer(tuple(shown), missing, late)


def _shown(quote: Quote, source: str, now: datetime) -> Shown:
    return Shown(quote, source, round(max((now - quote.time).total_seconds(), 0.0), 1))


async def _stream(broker: IBBroker, known: dict[str, Quote], clock: Clock, change: Callable[[Shown], None]) -> None:
    """Every change that the gateway tells, with its age on the gateway's clock, which is asked for once."""
    ahead = await broker.time() - clock.now()
    async with contextlib.aclosing(broker.stream(list(known))) as quotes:
        async for quote in quotes:
            if not _same(quote, known[quote.symbol]):
                known[quote.symbol] = quote
                change(_shown(quote, "ib", clock.now() + ahead))


async def _poll(settings: Settings, known: dict[str, Quote], clock: Clock, change: Callable[[Shown], None]) -> None:
    """Ask Yahoo again and again; while it is away nothing is told, and what was told grows old."""
    while True:
        await asyncio.sleep(EVERY)
        for one in (await asyncio.to_thread(_from_yahoo, settings, list(known), clock)).shown:
            if not _same(one.quote, known[one.quote.symbol]):
                known[one.quote.symbol] = one.quote
                change(one)


def _same(one: Quote, other: Quote) -> bool:
    """Whether two quotes say the same of the market, whenever they were told."""
    return all(getattr(one, name) == getattr(other, name) for name in ("bid", "ask", "last", "close", "volume", "market_data"))
