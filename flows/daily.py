"""The day of a portfolio: ingest, validate, decide, check, trade, reconcile, report."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed, State

from flows.when import not_a_session, session_of
from portfolio.errors import Outage, Refused
from portfolio.rates import ECB
from portfolio.types import Policy
from tasks import doors, fetch, steps
from tasks.fetch import WAREHOUSE, PriceSource
from tasks.market import wanted
from tasks.narration import tell
from tasks.settings import settings
from tasks.universe import RATES


def _run_name() -> str:
    """What and when: the policy's file and the session asked for."""
    given = flow_run.parameters
    return f"{Path(given['policy']).stem} {given['as_of'] or 'today'}"


@flow(name="daily", flow_run_name=_run_name)
def daily(policy: str = "examples/demo.toml", as_of: date | None = None, source: PriceSource = "sample") -> State[dict[str, Any]]:
    """One session of one portfolio, from prices to a report. Run it as often as you like: what is done stays done.

    Args:
        policy: Path of the policy file.
        as_of: The session to run for. Empty: the gateway's own date, else today.
        source: Where prices come from (and universe and macro series, where it has them). What it lacks is expected in the
            warehouse already; a vendor is asked only for what the warehouse lacks, and where the policy has several
            currencies the European Central Bank for its rates. The word warehouse ingests nothing.
    """
    rules = doors.read_policy(policy)
    session = session_of(as_of)
    if session is None:
        return Completed(name="Not a session", data=not_a_session())
    seconds, took = {}, time.perf_counter()

    def lap(name: str) -> None:
        nonlocal took
        seconds[name], took = round(time.perf_counter() - took, 2), time.perf_counter()

    ingested = [*_ingest(source, wanted(rules), session.previous), *_rates(source, rules)]
    lap("ingest")
    proposal = steps.decide_portfolio(policy, session.session)
    lap("decide")
    status = _trade(proposal)
    lap("trade")
    breaks = steps.close_books(policy, session.session)
    lap("reconcile")
    document = steps.write_report(proposal["decision"], status)
    lap("report")
    document |= {"ingested": ingested, "breaks": breaks, "seconds": seconds}
    if proposal["note"]:
        document["reasons"] = [proposal["note"]]
    if breaks:
        raise Refused(f"Ledger and broker differ: {'; '.join(breaks)}.", "Clear it, then `trimtab resume`.", document=document)
    return Completed(name=status.capitalize(), data=document)


def _ingest(source: str, symbols: list[str], newest: date) -> list[dict[str, Any]]:
    """Universe, prices and macro series of a source that has them; nothing where the warehouse is to do with what it has."""
    if source == WAREHOUSE:
        return []
    given = fetch.gives(settings(), source, doors.SystemClock().now())
    return [
        steps.ingest_dataset(dataset, source, newest, symbols, known_only=True)
        if dataset == "prices"
        else steps.ingest_dataset(dataset, source)
        for dataset in ("universe", "prices", "macro")
        if dataset in given
    ]


def _rates(source: str, rules: Policy) -> list[dict[str, Any]]:
    """The reference rates of a policy with several currencies, where prices come from a vendor. Without an answer the day goes
    on with those that are held: a rate that is too old blocks its symbols.
    """
    if source not in fetch.ASKED or not rules.currencies:
        return []
    try:
        return [steps.ingest_dataset("macro", RATES, symbols=list(ECB))]
    except Outage as away:
        tell(f"no reference rates: {away.what}")
        return []


def _trade(proposal: dict[str, Any]) -> str:
    """The run's status once the plan, if any, came to its end."""
    if proposal["plan"] is None:
        return str(proposal["status"])
    ended = steps.trade_plan(proposal["plan"])
    if ended == "working":
        raise Outage(f"Orders of plan {proposal['plan']} are still working at the broker.", "Run again to follow them.")
    return {"done": "traded", "partly": "partly traded"}.get(ended, ended)
