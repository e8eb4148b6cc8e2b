"""Load the past: what is missing, in partitions that may run side by side, be killed, and go on; then what it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from portfolio.errors import Outage, Refused, WrongUse
from tasks import doors, gaps
from tasks.calendar import last_closed
from tasks.fetch import Batch, fetch, narrowed, opened
from tasks.held import continued, unbroken
from tasks.ingest import write
from tasks.settings import Settings

if TYPE_CHECKING:
    from warehouse.ledger.backfills import Backfill, Partition

TOGETHER = 20  # symbols a partition: one is judged and written in one transaction
USUAL = {"prices": "yahoo", "corporate_actions": "yahoo", "fundamentals": "edgar", "macro": "fred", "news": "edgar"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What to backfill. `symbols` None: those the warehouse knows from this source. `source` None: the usual one."""

    dataset: str
    since: date
    until: date
    symbols: tuple[str, ...] | None = None
    source: str | None = None

    @property
    def asked(self) -> dict[str, Any]:
        names = sorted(self.symbols) if self.symbols else None
        return {"since": self.since.isoformat(), "until": self.until.isoformat(), "symbols": names}


def begin(settings: Settings, wish: Wish, now: datetime) -> Backfill:
    """Find what is missing and write the partitions down; the same wish, unfinished, goes on where it stood."""
    _check(wish, now)
    with doors.open_lake(settings) as lake:
        before = lake.snapshot()
        with lake.at(before) as reader:
            source = wish.source or _usual(reader.sources(wish.dataset), wish.dataset)
            symbols = wish.symbols or tuple(reader.symbols_of(wish.dataset, source))
            if not symbols:
                raise WrongUse(
                    f"The warehouse knows no symbol of {wish.dataset} from {source}.",
                    "Name some with --symbols A,B.",
                    source=source,
                )
            if wish.dataset == "prices":
                until = min(wish.until, last_closed(now))
                pieces = gaps.partitions(gaps.price_gaps(reader, source, symbols, wish.since, until), TOGETHER)
            else:
                pieces = gaps.whole(symbols, wish.since, wish.until, TOGETHER)
    ledger = doors.open_ledger(settings)
    return ledger.begin_backfill(wish.dataset, source, wish.asked, pieces, before, now)


def _check(wish: Wish, now: datetime) -> None:
    if wish.dataset not in USUAL:
        raise WrongUse(f"There is no dataset {wish.dataset!r} to backfill.", f"There are {', '.join(USUAL)}.")
    if wish.until < wish.since:
        raise WrongUse(f"The backfill ends on {wish.until}, before it begins on {wish.since}.", "Turn the days round.")
    if wish.since > now.date():
        raise WrongUse(f"{wish.since} lies in the future.", "A backfill loads the past.")


def _usual(sources: Sequence[str], dataset: str) -> str:
    """The one source that has given this dataset, else the vendor that usually does."""
    return sources[0] if len(sources) == 1 else USUAL[dataset]


def fill(settings: Settings, backfill: Backfill, partition: Partition, now: datetime) -> Partition:
    """Load one partition and write down what became of it. Twice is once: what is there already is unchanged.

    `Outage` where the vendor did not answer for all of it: what came is written, the partition stays to be asked again.
    """
    batch = Batch(backfill.dataset, backfill.source, symbols=partition.symbols, since=partition.since, until=partition.until)
    ledger = doors.open_ledger(settings)
    try:
        source = opened(settings, batch, now)
        batch = continued(settings, narrowed(batch, source), source)
        fetched = unbroken(settings, batch, fetch(source, batch))
        done = write(settings, batch, fetched, now, run=f"backfill-{backfill.backfill}-{partition.part}")
    except (Outage, Refused) as trouble:
        status = "outage" if isinstance(trouble, Outage) else "refused"
        ledger.finish_partition(backfill.backfill, replace(partition, status=status, note=str(trouble)), now)
        if isinstance(trouble, Outage):
            raise
        return replace(partition, status=status, note=str(trouble))
    said = {**done.failed, **done.late}
    status = "outage" if done.late else "done"
    counts = {"rows": done.rows, "added": done.added, "revised": done.revised, "quarantined": done.quarantined}
    note = "; ".join(f"{symbol}: {why}" for symbol, why in said.items())
    ended = replace(partition, status=status, run=done.run, note=note, **counts)
    ledger.finish_partition(backfill.backfill, ended, now)
    if done.late:
        raise Outage(f"{backfill.source} did not answer for {', '.join(done.late)}.", "The others are written; run it again.")
    return ended


def finish(settings: Settings, identity: str, now: datetime) -> dict[str, Any]:
    """Close a backfill: the difference it made, and which past decisions it would have changed."""
    from tasks.hindsight import reconsider

    ledger = doors.open_ledger(settings)
    found = ledger.backfill(identity)
    status = "done" if all(p.status == "done" and not p.note for p in found.partitions) else "partly"
    ledger.finish_backfill(identity, status, now)
    with doors.open_lake(settings) as lake:
        snapshot = lake.snapshot()
        with lake.at(snapshot) as reader:
            difference = reader.written_by(found.dataset, f"backfill-{identity}-")
            prices = found.dataset == "prices"
            instruments = reader.instruments_written_by("prices", f"backfill-{identity}-") if prices else set()
    touched = {symbol: counts for symbol, counts in difference.items() if counts["added"] or counts["revised"]}
    decisions = reconsider(settings, instruments, snapshot) if instruments else []
    return {
        "status": status,
        "backfill": identity,
        "dataset": found.dataset,
        "source": found.source,
        "partitions": len(found.partitions),
        "added": sum(counts["added"] for counts in difference.values()),
        "revised": sum(counts["revised"] for counts in difference.values()),
        "quarantined": sum(p.quarantined for p in found.partitions),
        "symbols": touched,
        "troubles": [p.note for p in found.partitions if p.note],
        "decisions": decisions,
        "before": found.before,
        "snapshot": snapshot,
    }
