"""What a run shows in the Prefect UI: the laws, the decision in words, the orders, the link to the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from portfolio.types import Intent, LawResult
from tasks import doors
from tasks.ingest import Ingested
from tasks.settings import Settings


def data_quality(result: Ingested) -> None:
    rows = [_law(r) for r in sorted(result.results, key=lambda r: (r.status == "passed", r.law))]
    failed = sum(r.status in {"failed", "error"} for r in result.results)
    counted = f"{result.rows} rows, {result.quarantined} quarantined, {failed} laws broken"
    words = f"**{result.dataset}** from {result.source}: {counted}"
    if rows:
        create_table_artifact(key=f"data-quality-{result.dataset.replace('_', '-')}", table=rows, description=words)


def decision(settings: Settings, identity: str) -> None:
    record = doors.open_ledger(settings).decision(identity)
    if record is None:
        return
    document = record["document"]
    lines = [f"# Decision {identity}", f"**{document['status']}**: {'; '.join(document['reasons'])}", ""]
    lines += [f"Road: {' > '.join(document['road'])}. Snapshot {document['snapshot']}, as of {document['as_of']}.", ""]
    lines += ["| rule | says | why |", "|---|---|---|"]
    lines += [f"| {v['rule']} | {v['action']} | {_cell(v['reason'])} |" for v in document["verdicts"]]
    create_markdown_artifact(key="decision", markdown="\n".join(lines), description=f"Why, for {document['portfolio']}")


def orders(settings: Settings, plan: str) -> None:
    ledger = doors.open_ledger(settings)
    rows = [_order(i) for i in ledger.intents(settings.account, plan)]
    create_table_artifact(key="orders", table=rows, description=f"Plan {plan}: {len(rows)} orders")


def report(settings: Settings, path: str) -> None:
    """A link that a browser may follow: over HTTP where the reports are served, else to the file."""
    link = f"{settings.reports_url}/{Path(path).name}" if settings.reports_url else Path(path).as_uri()
    create_link_artifact(key="report", link=link, link_text="Open the report", description=path)


def backfill(document: dict[str, Any]) -> None:
    """Rows added and revised by symbol, and which past decisions would have been others."""
    rows = [{"symbol": symbol, **counts} for symbol, counts in document["symbols"].items()]
    said = f"**{document['dataset']}** from {document['source']}: {document['added']} added, {document['revised']} revised"
    create_table_artifact(key="backfill-rows", table=rows, description=said)
    lines = ["# Decisions that would have been others", ""]
    for one in document["decisions"]:
        lines += [f"**{one['decision']}** of {one['portfolio']}, {one['session']} ({one['status']})", ""]
        lines += [f"- {_cell(change)}" for change in one["changes"]] + [""]
    if not document["decisions"]:
        lines.append("None: every recorded decision would be the same.")
    create_markdown_artifact(
        key="backfill-decisions", markdown="\n".join(lines), description="What the new rows would have changed"
    )


def _law(result: LawResult) -> dict[str, Any]:
    named = {"law": result.law, "status": result.status, "severity": result.severity, "rows": result.bad or result.unknown}
    return named | {"symbols": ", ".join(result.symbols[:8]), "what": result.what}


def _order(intent: Intent) -> dict[str, Any]:
    what = {"symbol": intent.symbol, "side": intent.side.value, "quantity": str(intent.quantity)}
    return what | {"state": intent.state.value, "planned at": str(intent.price), "note": intent.note}


def _cell(words: Any) -> str:
    return str(words).replace("|", "\\|").replace("\n", " ")
