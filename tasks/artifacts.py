"""What a run shows in the Prefect UI: laws and incidents, the decision in words, the orders, the link to the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from portfolio.types import Incident, IncidentState, Intent, LawResult
from tasks import doors
from tasks.ingest import Ingested
from tasks.settings import Settings

STANDING = ("error", "failed", "unknown", "passed")  # of a law, as they are shown

SHOWN = 100  # incidents on a page
NEXT = """## What to type next

Its history, its law in the last runs, and the rows that it took out:
```
trimtab incidents show {one}
```
Take it in hand; settle it as fixed, expected, accepted or false_positive; let rows in, or mend them by evidence:
```
trimtab incidents acknowledge {one} --note "asked the vendor"
trimtab incidents resolve {one} expected --note "why"
trimtab quarantine list --law {law}
```
"""


def data_quality(result: Ingested) -> None:
    """The laws of a batch."""
    laws(result.dataset, f"from {result.source}: {result.rows:,} rows, {result.quarantined:,} quarantined", result.results)


def laws(dataset: str, what: str, results: Sequence[LawResult]) -> None:
    """Every law that was asked, the broken ones first."""
    rows = [_law(r) for r in sorted(results, key=lambda r: (STANDING.index(r.status), r.severity, r.law))]
    failed = sum(r.status in {"failed", "error"} for r in results)
    words = f"**{dataset}** {what}, {failed} laws broken"
    if rows:
        create_table_artifact(key=f"data-quality-{dataset.replace('_', '-')}", table=rows, description=words)


def incidents(settings: Settings) -> int:
    """What waits for a person, the worst first, and what to type next. Returns how many."""
    live = doors.open_ledger(settings).incidents()
    served = settings.reports_url and (settings.reports / "data-quality.html").exists()
    page = open_incidents(live, f"{settings.reports_url}/data-quality.html" if served else None)
    create_markdown_artifact(key="incidents", markdown=page, description=f"{len(live)} incidents wait for a person")
    return len(live)


def open_incidents(live: Sequence[Incident], quality_page: str | None) -> str:
    """The page in Markdown: a row an incident, then the commands for the first of them."""
    lines = [f"# {len(live)} open incidents" if live else "# No open incidents", ""]
    if quality_page:
        lines += [f"[The data-quality page]({quality_page}): every law, and the newest rows taken out.", ""]
    if live:
        names = ("incident", "what is broken", "whom", "rows", "effect", "in hand")
        lines += [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
        lines += [f"| {' | '.join(_cell(word) for word in _incident(i))} |" for i in live[:SHOWN]]
        lines += ["", f"{len(live) - SHOWN} more: `trimtab incidents list`."] if len(live) > SHOWN else []
        lines += ["", NEXT.format(one=live[0].incident, law=live[0].law)]
    return "\n".join(lines)


def maintenance(done: dict[str, Any]) -> None:
    """What maintenance did, a line a figure."""
    rows = [{"what": name.replace("_", " "), "how many": value} for name, value in done.items()]
    create_table_artifact(key="maintenance", table=rows, description="Every data file was held against its checksum first.")


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


def _incident(incident: Incident) -> tuple[str, ...]:
    does = {"block": "freezes", "quarantine": "takes rows out"}.get(incident.on_breach, "warns")
    more = f" and {len(incident.symbols) - 6} more" if len(incident.symbols) > 6 else ""
    whom = ", ".join(incident.symbols[:6]) + more
    hand = incident.owner or ("nobody" if incident.state is IncidentState.OPEN else "")
    silent = f", silent until {incident.snoozed_until}" if incident.snoozed_until else ""
    where = f"{incident.dataset} from {incident.source}" if incident.source else incident.dataset
    what = f"**{incident.law}**, {incident.severity}, {where}, since {incident.opened_at:%Y-%m-%d %H:%M} UTC: {incident.what}"
    return (f"`{incident.incident}`", what, whom or "the whole dataset", f"{incident.bad:,}", does, hand + silent)


def _law(result: LawResult) -> dict[str, Any]:
    named = {"law": result.law, "status": result.status, "severity": result.severity, "rows": result.bad or result.unknown}
    return named | {"symbols": ", ".join(result.symbols[:8]), "what": result.what}


def _order(intent: Intent) -> dict[str, Any]:
    what = {"symbol": intent.symbol, "side": intent.side.value, "quantity": str(intent.quantity)}
    return what | {"state": intent.state.value, "planned at": str(intent.price), "note": intent.note}


def _cell(words: Any) -> str:
    return str(words).replace("|", "\\|").replace("\n", " ")
