"""`trimtab demo` and `trimtab run`: the whole day of a portfolio."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Json, emit, guarded, progress, say, table

if TYPE_CHECKING:
    from datetime import date

    from flows.api import Waiting

AsOf = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The session to run for.")]


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)
    app.command("run")(run)


@guarded
def demo(
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """The whole main job on bundled real prices, against a simulated gateway. Needs no network and no account."""
    from tasks.doors import demo_policy, read_policy
    from tasks.gateway import last_session, running_gateway
    from tasks.settings import settings

    where = settings()
    session = as_of.date() if as_of else last_session()
    fresh = not (where.home / "ledger.sqlite").exists()
    with progress(quiet=json):
        from flows.api import prefect_api

        rules = read_policy(demo_policy())
        with prefect_api(where.home) as api, running_gateway(where, session, currency=rules.base_currency) as port:
            os.environ["TRIMTAB_IB_HOST"], os.environ["TRIMTAB_IB_PORT"] = "127.0.0.1", str(port)
            rule = rules.strategy.rule
            _open_libraries(fresh and getattr(rule, "opens_riskfolio", False))
            document = _day(str(demo_policy()), session, api)
    _show(document, json)


@guarded
def run(
    policy: Annotated[str, typer.Argument(help="The policy file.")],
    as_of: AsOf = None,
    source: Annotated[str, typer.Option(help="sample, yahoo, stooq, ib; or warehouse: take what is there.")] = "sample",
    json: Json = False,
) -> None:
    """One session of one portfolio: ingest, decide, trade through the gateway of TRIMTAB_IB_HOST and TRIMTAB_IB_PORT, report."""
    from flows.api import prefect_api
    from flows.when import not_a_session, session_of
    from tasks.doors import check_account, read_policy
    from tasks.fetch import check_price_source
    from tasks.settings import settings

    where = settings()
    check_price_source(source)
    check_account(where, read_policy(policy))  # what is wrong in itself is refused before anything starts
    where.home.mkdir(parents=True, exist_ok=True)
    session = session_of(as_of.date() if as_of else None)
    if session is None:
        _show(not_a_session(), json)
        return
    with progress(quiet=json), prefect_api(where.home) as api:
        document = _day(str(Path(policy).absolute()), session.session, api, source)
    _show(document, json)


def _open_libraries(optimizer: bool) -> None:
    """Open the heavy doors while the servers start on the other core."""
    from tasks.narration import tell

    tell("open the libraries")
    import flows.daily  # noqa: F401

    if optimizer:
        from portfolio.optimize import open_solver

        open_solver()


def _day(policy: str, session: date, api: Waiting, source: str = "sample") -> dict[str, Any]:
    """Run the flow in this process and return its document; its trouble is raised as it was."""
    from tasks.narration import tell

    tell("wait for Prefect")
    api.ready()
    from flows.daily import daily

    state = daily(policy=policy, as_of=session, source=source, return_state=True)
    result = state.result(raise_on_failure=False)
    if isinstance(result, BaseException):
        raise result
    return dict(result)


def _show(document: dict[str, Any], json: bool) -> None:
    if json:
        emit(document)
    else:
        _tell(document)
    if document["status"] in {"refused", "expired"}:
        raise typer.Exit(1)


def _tell(document: dict[str, Any]) -> None:
    """One table: what was ingested, checked, decided and why, traded, what it cost, where the report is."""
    if document["status"] == "not a session":
        say("Not a session: the exchange is closed that day. Nothing was done.")
        return
    rows = [*_rows_data(document), *_rows_decision(document), *_rows_trades(document)]
    table(f"Trimtab, session {document['session']}: {document['status']}", ("", "what", "how it went"), rows)
    if document["report"]:
        say(f"Report: {document['report']}")
    if document.get("error"):
        say(f"Refused: {document['error']}. {document['way_out']}")
    if document["status"] == "nothing to trade":
        say(f"Nothing to trade: {'; '.join(document['reasons'])}.")


def _rows_data(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = []
    for one in document["ingested"]:
        what = f"{one['dataset']} from {one['source']}"
        rows.append(("ingested", what, f"{one['rows']:,} rows: {one['added']:,} new, {one['revised']:,} revised"))
        if one["laws"]:
            words = f"{one['laws']} laws, {one['quarantined']} rows quarantined"
            words += "".join(f"; {name}: {', '.join(one[name])}" for name in ("broken", "warned", "unknown") if one[name])
            rows.append(("checked", what, words))
    if not any(one["dataset"] == "fundamentals" for one in document["ingested"]):
        rows.append(
            ("ingested", "fundamentals", "none are bundled: `trimtab ingest fundamentals --source edgar --from-file FILE`")
        )
    return rows


def _rows_decision(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    held = {s: w for s, w in document["weights"].items() if w > 1e-6}
    words = "; ".join(document["reasons"])
    rows = [("decided", f"{len(held)} names by {' > '.join(document['road'])}", words)]
    notable = [v for v in document["verdicts"] if v["action"] not in {"pass"}]
    rows += [("risk", v["rule"], f"{v['action']}: {v['reason']}") for v in notable[:6]]
    rows.append(("risk", "all rules", f"{len(document['verdicts'])} verdicts, {len(notable)} of them not a plain pass"))
    return rows


def _rows_trades(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    new = document["status"] != "nothing to trade"
    fills = document["fills"] if new else []
    unit = document["currency"]
    dealt = f"{len(fills)} fills of {len(document['orders'])} orders, {document['traded']:,.2f} {unit}"
    traded = dealt if new else "nothing this time"
    agree = "ledger and gateway agree to the share and the cent" if not document["breaks"] else "; ".join(document["breaks"])
    costs = document["costs"]
    cost = f"cost {costs['commissions']:,.2f} {unit} in commissions and {costs['slippage']:,.2f} {unit} against the mid price"
    return [("traded", traded, cost if new else "cost nothing"), ("reconciled", "ledger and gateway", agree)]
