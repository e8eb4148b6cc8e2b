"""The steps of a day as Prefect tasks. Only names and dates travel between them; only `Outage` is retried."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from prefect import task
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff

from portfolio.errors import Outage
from tasks import artifacts, decide, doors, fetch, held, ingest, quality, report, summary, trade, upkeep, validate
from tasks import backfill as fills
from tasks.narration import tell
from tasks.settings import settings


async def only_outage(_task: object, _run: TaskRun, state: State[Any]) -> bool:
    """Whether the attempt ended with something that another attempt may find mended."""
    try:
        await state.aresult()
    except Outage:
        return True
    except Exception:
        return False
    return False


again = {
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(backoff_factor=2),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": only_outage,
}


@task(task_run_name="ingest {dataset} from {source}", **again)
def ingest_dataset(
    dataset: str,
    source: str,
    expected_session: date | None = None,
    symbols: list[str] | None = None,
    known_only: bool = False,
    since: date | None = None,
    until: date | None = None,
) -> dict[str, Any]:
    """Fetch, judge and write one dataset; a table of its laws becomes an artifact, the page of all laws is written anew.

    A vendor with an `expected_session` and no `since` is asked only for prices that the warehouse lacks or may have old.
    """
    tell(f"ingest {dataset}")
    names = None if symbols is None else tuple(symbols)
    span = {"since": since, "until": until, "expected_session": expected_session}
    now = doors.SystemClock().now()
    batch = held.only_new(settings(), fetch.Batch(dataset, source, symbols=names, known_only=known_only, **span), now)
    result = ingest.ingest(settings(), batch, now)
    if result.results:
        quality.write_page(settings(), now)
        artifacts.data_quality(result)
    if result.incidents:
        artifacts.incidents(settings())
    return ingest.counts(result)


@task(task_run_name="judge what is held", **again)
def judge_warehouse(dataset: str | None) -> dict[str, Any]:
    """Judge one dataset, or all that have rows; laws and open incidents become artifacts. Returns how many of each stand."""
    now = doors.SystemClock().now()
    broken, names = 0, [dataset] if dataset else validate.held(settings())
    for name in names:
        tell(f"judge {name}")
        judged = validate.validate(settings(), name, now)
        artifacts.laws(name, f"as it is held: {judged['rows']:,} rows, {judged['bad_rows']:,} bad", judged["results"])
        broken += sum(r.status in {"failed", "error"} for r in judged["results"])
    quality.write_page(settings(), now)
    return {"datasets": names, "broken": broken, "open": artifacts.incidents(settings())}


@task(task_run_name="fill partition {part}", **again)
def fill_partition(backfill: str, part: int) -> str:
    """Load one partition of a backfill; safe to repeat. Returns what became of it."""
    ledger = doors.open_ledger(settings())
    found = ledger.backfill(backfill)
    partition = next(p for p in found.partitions if p.part == part)
    status: str = fills.fill(settings(), found, partition, doors.SystemClock().now()).status
    return status


@task(task_run_name="show the difference", **again)
def show_difference(document: dict[str, Any]) -> None:
    """What a backfill changed, as artifacts: rows a symbol, the decisions that would have been others, the open incidents."""
    artifacts.backfill(document)
    artifacts.incidents(settings())


@task(task_run_name="maintain the warehouse", **again)
def maintain_warehouse(keep_days: int) -> dict[str, Any]:
    """Check, compact, sweep; safe to repeat. The figures become an artifact."""
    done = upkeep.maintain(settings(), doors.SystemClock().now(), timedelta(days=keep_days))
    artifacts.maintenance(done)
    return done


@task(task_run_name="decide {session}", **again)
def decide_portfolio(policy: str, session: date) -> dict[str, Any]:
    """Read market and account, decide, write it down; the decision in words becomes an artifact."""
    tell("decide")
    proposal = decide.propose(settings(), doors.read_policy(policy), session, doors.SystemClock().now())
    artifacts.decision(settings(), proposal.decision)
    return {"decision": proposal.decision, "plan": proposal.plan, "status": proposal.status, "note": proposal.note}


@task(task_run_name="trade plan {plan}", **again)
def trade_plan(plan: str) -> str:
    """Send what is not yet sent and wait for it. Safe to repeat: it begins with a reconcile."""
    status = trade.trade(settings(), plan, tell)
    artifacts.orders(settings(), plan)
    return status


@task(task_run_name="close the books of {session}", **again)
def close_books(policy: str, session: date) -> list[str]:
    """Reconcile ledger and broker, record the day's equity; returns the differences, none if all is well."""
    tell("reconcile")
    closed = trade.close_books(settings(), doors.read_policy(policy), doors.SystemClock().now())
    for words in closed["warnings"]:
        tell(words)
    breaks: list[str] = closed["breaks"]
    return breaks


@task(task_run_name="report {decision}", **again)
def write_report(decision: str, status: str) -> dict[str, Any]:
    """Write the HTML report; its link becomes an artifact. Returns the run's document."""
    tell("report")
    document = summary.summary(settings(), decision, status)
    document["report"] = str(report.write(settings(), decision))
    artifacts.report(settings(), document["report"])
    return document
