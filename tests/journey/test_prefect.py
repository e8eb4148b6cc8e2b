"""`make serve` as it stands: a real server, worker and deployments; a run started as the UI starts it; the UI looked at."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from terminal import TRIMTAB, environment, free_ports

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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served") / "home"
    port = free_ports(3)
    command = [*TRIMTAB, "serve", "--port", str(port), "--json"]
    more = {"TRIMTAB_IB_PORT": str(port + 2)}
    with subprocess.Popen(command, env=environment(home, more), cwd=home.parent, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        assert line, "serve ended before it was ready"
        yield Served(json.loads(line)["ready"], home)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def test_a_run_started_from_the_ui_completes_and_trades(served: Served) -> None:
    run = served.run("demo")
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Traded"), run["state"]["message"]
    shown = {a["key"]: a for a in served.post("/artifacts/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}}) if a["key"]}
    assert shown.keys() == {"data-quality-prices", "data-quality-macro", "data-quality-universe", "decision", "orders", "report"}
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
    asked = {"since": "2021-01-04", "until": "2021-12-31", "symbols": ["KO", "PG"], "source": "sample"}
    first, run = served.run("backfill", asked), served.run("backfill", asked)
    assert {r["state_name"] for r in (first, run)} == {"Completed"}, first["state"]["message"]
    assert run["state"]["message"] == "0 rows added, 0 revised, 0 decisions would differ", "twice is once"
    shown = {a["key"] for a in served.post("/artifacts/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}}) if a["key"]}
    assert shown == {"backfill", "backfill-rows", "backfill-decisions"}
    kept = served.run("maintain")
    assert (kept["state_type"], kept["state_name"]) == ("COMPLETED", "Completed"), kept["state"]["message"]


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
