"""`make serve` as it stands: a real server, worker and deployments; a run started as the UI starts it; the UI looked at."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import charts
import httpx
import pytest
import replay
from terminal import TRIMTAB, environment

from flows.api import free_ports
from tasks.calendar import last_closed, sessions

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass(frozen=True)
class Served:
    """Where everything is, and the home behind it."""

    about: dict[str, Any]
    home: Path

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Asked again while a busy server answers 503, as Prefect's own client does."""
        for _ in range(5):
            answer = httpx.post(f"{self.about['api']}{path}", json=body, timeout=90)
            if answer.status_code != 503:
                break
            time.sleep(2)
        answer.raise_for_status()
        return answer.json()

    def get(self, path: str) -> Any:
        answer = httpx.get(f"{self.about['api']}{path}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def deployment(self, name: str) -> dict[str, Any]:
        return next(d for d in self.post("/deployments/filter", {}) if d["name"] == name)

    def shown(self, run: dict[str, Any]) -> dict[str, Any]:
        """The artifacts of a run by key."""
        found = self.post("/artifacts/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
        return {artifact["key"]: artifact for artifact in found if artifact["key"]}

    def run(self, name: str, parameters: dict[str, Any] | None = None, seconds: float = 180) -> dict[str, Any]:
        """Start a deployment as the UI does and follow it to its end."""
        made = self.post(f"/deployments/{self.deployment(name)['id']}/create_flow_run", {"parameters": parameters or {}})
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.get(f"/flow_runs/{made['id']}")
            if found["state_type"] in FINAL:
                return found
            time.sleep(0.5)
        raise AssertionError(f"{name} did not end: {found['state_name']}")


POLICY = """
[portfolio]
name = "two"
objective = "allocation"
base_currency = "USD"
benchmark = "NOSUCH"
[universe]
symbols = ["AAPL", "MSFT"]
[strategy]
kind = "fixed"
weights = { AAPL = 0.5, MSFT = 0.4 }
[rebalance]
when = "drift"
[risk]
max_weight = 0.65
[execution]
mode = "paper"
"""


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    """A stand-in for Yahoo up to the newest session that has closed; one close of MSFT is a hundred times too large."""
    newest = last_closed(datetime.now(UTC))
    days = sessions(newest - timedelta(days=90), newest)
    closes = {"AAPL": [120 + n % 7 for n in range(len(days))], "MSFT": [220 + n % 5 for n in range(len(days))]}
    closes["MSFT"][20] *= 100
    routes = {f"{charts.CHART}{symbol}": charts.chart(symbol, each, days) for symbol, each in closes.items()}
    with replay.serving(routes) as server:
        yield server.url


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, vendor: str) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served") / "home"
    port = free_ports(3)
    command = [*TRIMTAB, "serve", "--port", str(port), "--json"]
    (home.parent / "two.toml").write_text(POLICY, encoding="utf-8")
    more = {"TRIMTAB_IB_PORT": str(port + 2), "TRIMTAB_YAHOO_URL": vendor, "TRIMTAB_POLICY": "two.toml"}
    with subprocess.Popen(command, env=environment(home, more), cwd=home.parent, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        assert line, "serve ended before it was ready"
        yield Served(json.loads(line)["ready"], home)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def test_a_run_started_from_the_ui_completes_and_trades(served: Served) -> None:
    run = served.run("demo")
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Traded"), run["state"]["message"]
    shown = served.shown(run)
    assert shown.keys() >= {"data-quality-prices", "data-quality-macro", "data-quality-universe", "decision", "orders", "report"}
    assert "sample" in shown["incidents"]["data"], "what the bundled prices make a warning of waits for a person"
    assert "minimum_cvar" in shown["decision"]["data"]
    assert {row["state"] for row in json.loads(shown["orders"]["data"])} == {"FILLED"}
    link = shown["report"]["data"].split("(")[1].rstrip(")")
    page = httpx.get(link, timeout=10)
    assert page.status_code == 200 and "Trades and their reasons" in page.text


def test_a_day_without_a_session_ends_as_such(served: Served) -> None:
    run = served.run("demo", {"as_of": "2022-12-26"})
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Not a session")


def test_what_is_refused_fails_with_its_sentence(served: Served) -> None:
    run = served.run("demo", {"policy": "examples/nowhere.toml"})
    assert run["state_type"] == "FAILED"
    assert "There is no policy file" in run["state"]["message"]


def test_a_backfill_and_maintenance_run_from_the_ui_complete_and_say_what_they_did(served: Served) -> None:
    newest = last_closed(datetime.now(UTC))
    since, until = sessions(newest - timedelta(days=60), newest)[0], newest
    asked = {"since": since.isoformat(), "until": until.isoformat(), "symbols": ["AAPL"], "source": "yahoo"}
    run = served.run("backfill", asked)
    count = len(sessions(since, until))
    assert run["state_name"] == "Completed", run["state"]["message"]
    assert run["state"]["message"] == f"{count} rows added, 0 revised, 0 decisions would differ"
    shown = served.shown(run)
    assert shown.keys() == {"backfill", "backfill-rows", "backfill-decisions", "incidents"}
    assert json.loads(shown["backfill-rows"]["data"]) == [{"symbol": "AAPL", "added": count, "revised": 0}]
    assert shown["backfill"]["data"] == 100
    assert shown["backfill"]["description"] == f"prices from yahoo, {since} to {until}: 1 of 1 partitions"
    kept = served.run("maintain")
    assert (kept["state_type"], kept["state_name"]) == ("COMPLETED", "Completed"), kept["state"]["message"]
    assert served.shown(kept).keys() == {"maintenance"}


@pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow:FutureWarning")
def test_the_bar_moves_with_each_symbol_that_came_and_each_partition_that_is_written(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    from flows import backfill

    def shown() -> float:
        return max(served.post("/artifacts/filter", {"artifacts": {"key": {"any_": ["backfill"]}}}), key=lambda a: a["created"])[
            "data"
        ]

    monkeypatch.setattr(backfill, "SELDOM", 0.0)
    with temporary_settings({PREFECT_API_URL: served.about["api"]}):
        bar = backfill.Bar("prices from stooq", "a week", 4)
        seen = [shown()]
        for step in (
            lambda: bar.hear("prices from stooq", 1, 2),
            lambda: bar.hear("news from edgar", 1, 2),
            lambda: bar.hear("prices from stooq", 2, 2),
            lambda: bar.written(2),
            lambda: bar.full("2 of 2 partitions"),
        ):
            step()
            seen.append(shown())
    assert seen == [0, 12.5, 12.5, 25, 50, 100]
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
        bar.written(2)  # nobody draws it, and the backfill goes on


def test_the_schedules_that_ask_vendors_run_for_the_policy_that_was_named(served: Served) -> None:
    found = {name: served.deployment(f"ingest-{name}") for name in ("prices", "macro", "fundamentals")}
    assert all(schedule["active"] for one in found.values() for schedule in one["schedules"])
    assert {found[name]["parameters"]["policy"] for name in ("prices", "fundamentals")} == {str(served.home.parent / "two.toml")}


def test_a_scheduled_ingest_brings_the_policys_prices_and_shows_what_waits_for_a_person(served: Served) -> None:
    run = served.run("ingest-prices")
    assert (run["state_type"], run["state_name"], run["name"]) == ("COMPLETED", "In part", "prices from yahoo")
    assert "NOSUCH did not come" in run["state"]["message"]
    shown = served.shown(run)
    assert shown.keys() == {"data-quality-prices", "incidents"}
    page = shown["incidents"]["data"]
    (slip,) = [line for line in page.splitlines() if "**no_slip**" in line]
    assert "| MSFT | 1 | takes rows out | nobody |" in slip
    assert f"trimtab incidents show {page.split('`')[1]}" in page
    again = served.run("review", {"dataset": "universe"})  # twenty rows of the demo; the page is of everything that is open
    assert again["state_name"] == "Open incidents", again["state"]["message"]
    assert slip in served.shown(again)["incidents"]["data"] and "data-quality-universe" in served.shown(again)


def test_a_backfill_that_cannot_be_fails_with_its_sentence(served: Served) -> None:
    run = served.run("backfill", {"since": "2021-01-04", "until": "2020-01-04", "dataset": "prices"})
    assert run["state_type"] == "FAILED" and "before it begins" in run["state"]["message"]


def test_the_scheduler_creates_runs(served: Served) -> None:
    """A schedule that silently creates nothing looks healthy everywhere else."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        wanted = {
            "deployments": {"id": {"any_": [served.deployment("demo")["id"]]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        }
        runs = [r for r in served.post("/flow_runs/filter", wanted) if r["auto_scheduled"]]
        if runs:
            return
        time.sleep(1)
    raise AssertionError("no scheduled run within 90 s")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_browser_shows_the_deployment(served: Served, tmp_path: Path) -> None:
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
    words += ["--disable-component-update", f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom"]
    address = f"{served.about['ui']}/v2/deployments/deployment/{served.deployment('demo')['id']}"
    done = subprocess.run([CHROMIUM, *words, address], capture_output=True, text=True, timeout=120, check=False)
    assert "demo" in done.stdout and "daily" in done.stdout
