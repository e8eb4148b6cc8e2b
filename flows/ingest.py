"""One dataset from one source into the warehouse, judged by its contract."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from prefect import flow
from prefect.states import Completed, State

from flows.when import session_of
from tasks import doors, fetch, steps
from tasks.calendar import last_closed
from tasks.settings import settings
from tasks.universe import whom

Dataset = Literal["prices", "corporate_actions", "fundamentals", "macro", "news", "identifiers", "universe"]
Source = Literal["sample", "yahoo", "stooq", "ib", "edgar", "fred", "news", "ecb"]


@flow(name="ingest", flow_run_name="{dataset} from {source}")
def ingest(
    dataset: Dataset = "prices",
    source: Source = "sample",
    symbols: list[str] | None = None,
    policy: str | None = "examples/demo.toml",
    index: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> State[dict[str, Any]]:
    """Fetch, judge and write one dataset. A vendor is asked for the policy's universe, and for prices only what is new.

    Args:
        dataset: What is loaded.
        source: Where it comes from. Prices: sample, yahoo, stooq, ib. Fundamentals and identifiers: edgar. Macro: fred, ecb,
            sample. News: edgar (8-K items), news (headlines). Universe: sample.
        symbols: Only these symbols (of macro: series). Empty: those of the index, else of the policy; of macro the Treasury curve
            and the VIX; of the sample all that it has.
        policy: Path of the policy file whose universe is meant where no symbols are named.
        index: Name of an index whose members, as the warehouse knows them today, are meant instead of the policy's universe.
        since: First day. Empty: of prices from the newest session held on (older days: backfill), of anything else all there is.
        until: Last day. Empty: today.
    """
    now = doors.SystemClock().now()
    names = symbols or whom(settings(), dataset, source, policy=policy, index=index, now=now)
    counts = steps.ingest_dataset(dataset, source, _newest(dataset, source), names, since=since, until=until)
    return Completed(name=_name(counts), message=_said(counts), data=counts)


def _newest(dataset: str, source: str) -> date | None:
    """The newest session that must be there: of a vendor the last that has closed, of the sample the last before its own day."""
    if dataset != "prices":
        return None
    if source in fetch.ASKED:
        return last_closed(doors.SystemClock().now())
    session = session_of(None)
    return session.previous if session else None


def _name(counts: dict[str, Any]) -> str:
    """The state's name: what a person should look at first."""
    if counts["failed"]:
        return "In part"
    if counts["blocked"]:
        return "Frozen symbols"
    if counts["quarantined"]:
        return "Quarantined rows"
    return "Completed" if counts["rows"] else "Nothing new"


def _said(counts: dict[str, Any]) -> str:
    said = [f"{counts['added']:,} added, {counts['revised']:,} revised, {counts['quarantined']:,} quarantined"]
    said += [f"frozen: {', '.join(counts['blocked'][:20])}"] if counts["blocked"] else []
    said += [f"{len(counts['incidents'])} incidents opened or changed"] if counts["incidents"] else []
    said += [f"{symbol} did not come: {why}" for symbol, why in counts["failed"].items()]
    return "; ".join(said)
