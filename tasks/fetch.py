"""From a source to frames: all that was asked for, or as much as came, and why the rest did not."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from portfolio.errors import Outage, Refused, WrongUse
from tasks import doors
from tasks.narration import tell
from tasks.settings import VENDORS, Settings

if TYPE_CHECKING:
    import polars as pl

    from sources.port import Source

GATEWAY = "ib"  # the broker's own bars, behind its own door
ASKED = (*VENDORS, GATEWAY)  # sources that are asked symbol by symbol
AWAY = 3  # symbols in a row without an answer: the vendor is away, and the rest is not asked for
WAREHOUSE = "warehouse"  # the word for: fetch nothing, what is there will do
PriceSource = Literal["sample", "warehouse", "yahoo", "stooq", "ib"]


@dataclass(frozen=True, slots=True)
class Batch:
    """What to fetch. `file` is for sources that read one; `symbols` None means all the source has."""

    dataset: str
    source: str
    file: Path | None = None
    symbols: tuple[str, ...] | None = None
    since: date | None = None
    until: date | None = None
    expected_session: date | None = None  # the newest session that must be there
    adjustment: str = "raw"  # of the closes in a file: raw | adjusted
    known_only: bool = False  # of `symbols`, those the source has; the others are expected in the warehouse already
    layout: str = "plain"  # of a file: how it is laid out
    starts: Mapping[str, date] = field(default_factory=dict)  # symbol -> its own first day, instead of `since`
    held: int = 0  # symbols that were left out, because all of theirs is there


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: a frame a dataset, the companions of the one asked for first.

    failed: symbol -> why the vendor refused it. late: symbol -> why it did not answer for it; to be asked again.
    """

    source: Source
    frames: Mapping[str, pl.DataFrame]
    failed: Mapping[str, str] = field(default_factory=dict)
    late: Mapping[str, str] = field(default_factory=dict)


def opened(settings: Settings, batch: Batch, now: datetime) -> Source:
    """The source of a batch; `WrongUse` where it does not have the dataset."""
    from sources import open_source
    from sources.port import Access

    access = Access(now, settings.addresses.get(batch.source), settings.keys.get(batch.source, ""), settings.contact)
    only = batch.symbols[0] if batch.source in {"edgar", "news"} and batch.symbols and len(batch.symbols) == 1 else None
    more = {"symbol": only, "adjustment": batch.adjustment, "access": access, "layout": batch.layout}
    source = doors.open_bars(settings, now) if batch.source == GATEWAY else open_source(batch.source, batch.file, **more)
    if batch.dataset not in source.datasets:
        raise WrongUse(
            f"The source {batch.source} has no {batch.dataset}.", f"It has {', '.join(source.datasets)}.", dataset=batch.dataset
        )
    return source


def check_price_source(source: str) -> None:
    """`WrongUse` for a word that is no source of prices."""
    if source not in get_args(PriceSource):
        raise WrongUse(f"There are no prices from {source!r}.", f"Use {', '.join(get_args(PriceSource))}.", source=source)


def gives(settings: Settings, source: str, now: datetime) -> tuple[str, ...]:
    """The datasets of a source that reads no file."""
    from sources import open_source
    from sources.port import Access

    if source == GATEWAY:
        return doors.open_bars(settings, now).datasets
    access = Access(now, settings.addresses.get(source), settings.keys.get(source, ""), settings.contact)
    return open_source(source, access=access).datasets


def narrowed(batch: Batch, source: Source) -> Batch:
    """The batch with the symbols that the source has, where only those are asked for."""
    if not batch.known_only or batch.symbols is None or batch.source in ASKED:
        return batch
    known = {instrument.symbol for instrument in source.instruments()}
    return replace(batch, symbols=tuple(s for s in batch.symbols if s in known))


def fetch(source: Source, batch: Batch) -> Fetched:
    """Read a batch. A vendor on the network is asked symbol by symbol, so that one unknown name does not lose the others.

    Where nothing came at all, the first `Refused` or `Outage` is raised.
    """
    datasets = (*companions(source, batch.dataset), batch.dataset)
    if batch.source not in ASKED or not batch.symbols or batch.file is not None:
        return Fetched(source, {name: source.read(name, batch.symbols, batch.since, batch.until) for name in datasets})
    return _one_by_one(source, batch, datasets)


def companions(source: Source, dataset: str) -> tuple[str, ...]:
    """The datasets that this source gives in the same breath, and without which this one misleads (prices: their splits)."""
    together: Mapping[str, tuple[str, ...]] = getattr(source, "companions", {})
    return together.get(dataset, ())


def _one_by_one(source: Source, batch: Batch, datasets: tuple[str, ...]) -> Fetched:
    import polars as pl

    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in datasets}
    failed: dict[str, Refused] = {}
    late: dict[str, Outage] = {}
    symbols, asked = batch.symbols or (), set[str]()
    for number, symbol in enumerate(_asked(symbols, late), 1):
        asked.add(symbol)
        try:
            since = batch.starts.get(symbol, batch.since)
            frames = [source.read(name, [symbol], since, batch.until) for name in datasets]
        except Refused as trouble:
            failed[symbol] = trouble
        except Outage as trouble:
            late[symbol] = trouble
        else:
            for name, frame in zip(datasets, frames, strict=True):
                parts[name].append(frame)
        tell(f"{batch.dataset} from {batch.source}", number, len(symbols))
    said = {symbol: trouble.what for symbol, trouble in failed.items()}
    if not parts[datasets[0]]:
        first = next(iter(late.values() or failed.values()))
        first.facts["failed"] = said
        raise first
    reasons = {symbol: trouble.what for symbol, trouble in late.items()}
    reasons |= {symbol: next(reversed(reasons.values())) for symbol in symbols if symbol not in asked}
    late_in_order = {symbol: reasons[symbol] for symbol in symbols if symbol in reasons}
    return Fetched(source, {name: pl.concat(frames) for name, frames in parts.items()}, said, late_in_order)


def _asked(symbols: Sequence[str], late: Mapping[str, Outage]) -> Iterator[str]:
    """In order, as long as the vendor answers. After `AWAY` in a row without an answer the last one is tried: where that
    does not come either, the vendor is away and nobody else is asked for.
    """
    rest, silent = deque(symbols), 0
    while rest:
        yield (symbol := rest.popleft())
        silent = silent + 1 if symbol in late else 0
        if silent == AWAY and rest:
            yield (probe := rest.pop())
            if probe in late:
                return
            silent = 0
