"""What of a batch has to be asked for, beside what the warehouse holds, and whether what came fits it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from portfolio.errors import Refused
from tasks import doors
from tasks.fetch import ASKED, Batch, Fetched
from tasks.settings import Settings

if TYPE_CHECKING:
    from sources.port import Source

OVERLAP = timedelta(days=10)  # days that are asked for again: a vendor corrects its newest bars
YOUNG = timedelta(hours=12)  # a newest bar that came longer ago is asked for again
REMEMBERED = timedelta(days=370)  # a symbol whose newest bar is older is asked for from its beginning


def only_new(settings: Settings, batch: Batch, now: datetime) -> Batch:
    """A vendor's prices less those that the warehouse holds: of each symbol from a few days before its newest session on, of
    a symbol whose bar of `expected_session` came within `YOUNG` nothing (an older one may have been corrected overnight).
    Whom a live critical incident concerns is asked for again, from its first day on: the vendor may have mended it. Any
    other batch, or one with days of its own, as it is.
    """
    newest = batch.expected_session
    asked = batch.symbols and batch.source in ASKED and batch.dataset == "prices"
    if newest is None or not asked or batch.since or batch.until:
        return batch
    with doors.open_lake(settings) as lake, lake.at(lake.snapshot()) as reader:
        held = reader.held_sessions(batch.source, batch.symbols or (), newest - REMEMBERED, newest)
        young = reader.loaded_since(batch.source, batch.symbols or (), newest, now - YOUNG)
    last = {symbol: max(days) for symbol, days in held.items() if days}
    sick = _sick(settings, batch.source)
    wanted = tuple(symbol for symbol in batch.symbols or () if symbol not in young or symbol in sick)
    starts = {symbol: min(last[symbol] - OVERLAP, sick.get(symbol, newest)) for symbol in wanted if symbol in last}
    return replace(batch, symbols=wanted, starts=starts, held=len(batch.symbols or ()) - len(wanted))


def _sick(settings: Settings, source: str) -> dict[str, date]:
    """Symbol -> the first day that a live critical incident about its prices from this source has; none said: a late one."""
    found: dict[str, date] = {}
    for incident in doors.open_ledger(settings).incidents(dataset="prices"):
        if incident.severity == "critical" and incident.source == source:
            for symbol in incident.symbols:
                first = incident.days.get(symbol, (incident.newest or date.max,))[0]
                found[symbol] = min(first, found.get(symbol, first))
    return found


def continued(settings: Settings, batch: Batch, source: Source) -> Batch:
    """A vendor's adjusted prices from the first session on that the warehouse holds of it, and up to now.

    Such a vendor tells its whole history anew after each action: a few days of today's beside those of last year would
    have a step where they meet. Any other batch as it is.
    """
    if batch.dataset != "prices" or batch.source not in ASKED or not batch.symbols or source.declaration().adjustment == "raw":
        return batch
    with doors.open_lake(settings) as lake, lake.at(lake.snapshot()) as reader:
        held = reader.held_sessions(batch.source, batch.symbols, date.min, date.max)
    first = {symbol: min(days) for symbol, days in held.items() if days}
    if not first:
        return batch
    starts = {symbol: min(day, batch.since or batch.starts.get(symbol, day)) for symbol, day in first.items()}
    return replace(batch, starts=starts, until=None)


def unbroken(settings: Settings, batch: Batch, fetched: Fetched) -> Fetched:
    """What was fetched, without the symbols whose adjusted history came back otherwise and with fewer sessions than are held:
    those that are not told again would stay as they were, and stand as a step beside the others.
    """
    if not batch.starts or fetched.source.declaration().adjustment == "raw":
        return fetched
    with doors.open_lake(settings) as lake, lake.at(lake.snapshot()) as reader:
        held = reader.held_closes(batch.source, batch.symbols or ())
    frame, broken = fetched.frames["prices"], dict[str, str]()
    for (name,), rows in frame.partition_by("symbol", as_dict=True).items():
        told = dict(rows.select("session", "close").iter_rows())
        gone = sorted(set(held.get(name, {})) - set(told))
        if gone and any(day in told and told[day] != close for day, close in held[name].items()):
            say = f"{batch.source} tells the history of {name} otherwise than before and leaves out"
            broken[name] = f"{say} {len(gone)} of the sessions held, first {gone[0]}: nothing of it was used."
    if broken and not fetched.late and not set(frame.get_column("symbol").unique()) - set(broken):
        raise Refused(next(iter(broken.values())), "Ask again later, or take its prices from another source.", failed=broken)
    frames = {key: rows.filter(~rows.get_column("symbol").is_in(list(broken))) for key, rows in fetched.frames.items()}
    return replace(fetched, frames=frames, failed={**fetched.failed, **broken}) if broken else fetched
