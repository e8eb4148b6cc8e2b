"""The main job, end to end, as `make run` does it."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from terminal import ROOT, Demo, environment, trimtab

TWENTY = set("AAPL AMD BAC BBY CVX GE HD JNJ JPM KO LLY MRK MSFT PEP PFE PG RRC UNH WMT XOM".split())  # noqa: SIM905
STATUS_KEYS = {
    "status", "decision", "plan", "snapshot", "weights", "orders", "fills", "verdicts", "road", "report", "journal_head", "seconds",
}  # fmt: skip


def test_the_demo_trades_and_says_so_in_one_document(demo: Demo) -> None:
    document = demo.document
    assert document.keys() >= STATUS_KEYS
    assert document["status"] == "traded"
    assert document["session"] == "2022-12-28"
    assert set(document["weights"]) == TWENTY
    assert document["road"] == ["minimum_cvar"]
    assert document["breaks"] == []
    assert demo.said.err == "", "nothing but trouble is said on standard error with --json"


def test_every_order_is_filled_once_and_whole(demo: Demo) -> None:
    orders = {o["ref"]: o for o in demo.document["orders"]}
    fills = demo.document["fills"]
    assert orders and len({o["symbol"] for o in orders.values()}) == len(orders)
    assert {f["ref"] for f in fills} == set(orders)
    for ref, order in orders.items():
        mine = [f for f in fills if f["ref"] == ref]
        assert sum(f["quantity"] for f in mine) == order["quantity"] > 0
        assert {(f["symbol"], f["side"]) for f in mine} == {(order["symbol"], order["side"])}
        assert all(f["price"] > 0 and f["commission"] >= 0 for f in mine)


def test_ledger_and_gateway_agree_to_the_share_and_the_cent(demo: Demo) -> None:
    """The gateway's own books, read from its file, against the fills that the demo printed."""
    with sqlite3.connect(f"file:{demo.home / 'gateway' / 'account.sqlite'}?mode=ro", uri=True) as books:
        sql = "SELECT symbol, action, shares, price, commission FROM fill JOIN placed USING (perm_id)"
        rows = books.execute(sql).fetchall()
    theirs = sorted((s, side, Decimal(q), Decimal(p), Decimal(c)) for s, side, q, p, c in rows)
    ours = [
        (f["symbol"], f["side"], *(Decimal(str(f[k])) for k in ("quantity", "price", "commission")))
        for f in demo.document["fills"]
    ]
    assert sorted(ours) == theirs


def test_the_weights_obey_the_policy(demo: Demo) -> None:
    weights = demo.document["weights"].values()
    assert max(weights) <= 0.10 + 1e-9
    assert min(weights) >= -1e-12
    assert sum(weights) <= 0.98 + 1e-9


def test_a_second_demo_trades_nothing_and_says_so(demo: Demo, copied_home: Path, prefect_api: str) -> None:
    again = trimtab("demo", "--json", home=copied_home, more={"PREFECT_API_URL": prefect_api})
    assert again.code == 0, again.err
    assert again.document["status"] == "nothing to trade"
    assert again.document["orders"] == again.document["fills"] == []
    assert again.document["decision"] == demo.document["decision"]
    assert again.document["snapshot"] == demo.document["snapshot"], "an unchanged ingest makes no snapshot"


def test_the_decision_replays_to_the_share(demo: Demo) -> None:
    said = trimtab("decision", "replay", demo.document["decision"], "--json", home=demo.home)
    assert said.code == 0, said.err
    assert said.document["status"] == "equal"
    assert said.document["differences"] == []


def test_the_journal_verifies_until_one_character_changes(demo: Demo, copied_home: Path) -> None:
    whole = trimtab("journal", "verify", "--json", home=copied_home)
    assert whole.code == 0
    assert whole.document["rows"] > 10
    kept = trimtab("journal", "verify", "--head", demo.document["journal_head"], home=copied_home)
    assert kept.code == 0, "the head that the demo printed is in the chain"
    with sqlite3.connect(copied_home / "ledger.sqlite") as ledger:
        seq, body = ledger.execute("SELECT seq, body FROM journal WHERE kind = 'plan'").fetchone()
        place = re.search(r'"quantity":"(\d)', body).start(1)
        changed = body[:place] + str((int(body[place]) + 1) % 10) + body[place + 1 :]
        ledger.execute("UPDATE journal SET body = ? WHERE seq = ?", (changed, seq))
    broken = trimtab("journal", "verify", home=copied_home)
    assert broken.code == 1
    assert str(seq) in broken.err and "Traceback" not in broken.err


class _Loads(HTMLParser):
    """Every address that a page would load something from."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [
            v for k, v in attrs if k in {"src", "href", "xlink:href", "data", "action"} and v and not v.startswith("#")
        ]


def test_the_report_opens_without_a_network(demo: Demo) -> None:
    page = Path(demo.document["report"]).read_text(encoding="utf-8")
    loads = _Loads()
    loads.feed(page)
    assert loads.addresses == []
    assert "url(http" not in page and "@import" not in page
    for words in ("Trades and their reasons", "Risk, before and after", "Data quality", "Equity and weights over time", "Drift"):
        assert words in page


def test_help_opens_nothing_heavy(tmp_path: Path) -> None:
    words = "import sys; import cli.main; print(sorted(set(sys.modules) & {'prefect','duckdb','polars','pandas','riskfolio','great_expectations','numpy','sqlalchemy'}))"
    done = subprocess.run(
        [sys.executable, "-c", words], env=environment(tmp_path), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["demo", "run", "ingest", "validate", "query", "lake", "decide", "trade", "orders", "reconcile", "halt", "resume", "gateway", "serve"])  # fmt: skip
def test_every_command_takes_json(command: str, tmp_path: Path) -> None:
    said = trimtab(command, "--help", home=tmp_path / "home")
    assert said.code == 0
    assert "--json" in said.out


def test_queries_answer_as_it_was_known(demo: Demo) -> None:
    sql = "SELECT max(session) AS newest FROM prices WHERE symbol = 'AAPL'"
    now = trimtab("query", sql, "--json", home=demo.home).document
    then = trimtab("query", sql, "--as-known-at", "2020-03-16T20:30:00Z", "--json", home=demo.home).document
    assert now["rows"] == [["2022-12-28"]]
    assert then["rows"] == [["2020-03-16"]], "20:30 UTC is half an hour after the close in summer time"
    assert trimtab("query", "DROP TABLE prices", home=demo.home).code in {1, 2}


def test_the_lake_attaches_to_any_duckdb(demo: Demo) -> None:
    """The printed statement works in a DuckDB of one's own (its extensions as this environment has them)."""
    import duckdb

    from warehouse.extensions import connect

    statement = trimtab("lake", "--json", home=demo.home).document["attach"]
    attach = "\n".join(part for part in statement.splitlines() if not part.startswith("INSTALL"))
    con: duckdb.DuckDBPyConnection = connect(("ducklake", "sqlite_scanner"))
    for part in attach.split(";"):
        if part.strip():
            con.execute(part)
    assert con.execute("SELECT count(*) FROM prices WHERE symbol = 'AAPL'").fetchone() == (8313,)


def test_the_page_on_one_decision_shows_what_decide_says(demo: Demo) -> None:
    """docs/decision-record.md: its document is a part of the real one, and each key of the real one is explained."""
    page = (ROOT / "docs" / "decision-record.md").read_text(encoding="utf-8")
    told = json.loads(page.split("```json\n")[1].split("```")[0])
    words = page.split("```")[2]
    said = trimtab("decide", str(ROOT / "examples" / "minimum-cvar.toml"), "--as-of", "2022-12-28", "--json", home=demo.home)
    assert said.code == 0, said.err
    real = said.document
    inner = {*real, *real["certificate"], *real["timing"], *real["verdicts"][0], *real["orders"][0], *real["risk_after"]}
    assert [key for key in inner if f"`{key}`" not in words] == []
    assert told["road"] == real["road"]
    for key in ("current", "targets", "weights", "risk_before", "risk_after"):
        assert told[key] == pytest.approx({name: real[key][name] for name in told[key]}, abs=2e-6), key
    assert told["why"] == {name: real["why"][name] for name in told["why"]}
    assert told["certificate"]["binding"] == real["certificate"]["binding"]
    assert told["timing"]["why"] == real["timing"]["why"]
    assert all(any(verdict.items() <= each.items() for each in real["verdicts"]) for verdict in told["verdicts"])
