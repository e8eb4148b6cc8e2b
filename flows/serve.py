"""Prefect's server and worker with our deployments, and the simulated gateway where none answers: one process tree on
loopback that stops as one.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from flows.api import Waiting
from portfolio.errors import Outage, WrongUse
from tasks.doors import demo_policy, read_policy
from tasks.gateway import gateway_day, last_session, running_gateway
from tasks.settings import Settings

ROOT = Path(__file__).parent.parent
POOL = "trimtab"


def serve(settings: Settings, port: int, gateway: bool, ready: Callable[[dict[str, object]], None]) -> None:
    """Start everything, call `ready` with the addresses, and stay until SIGINT or SIGTERM, or until a part dies (`Outage`)."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if settings.policy:
        read_policy(settings.policy)  # a wrong one is refused before anything starts
    ui, reports = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
    for wanted in (port, port + 1):
        _check_free(wanted)
    settings.reports.mkdir(parents=True, exist_ok=True)
    about: dict[str, object] = {"ui": ui, "api": f"{ui}/api", "reports": reports}
    with ExitStack() as stack:
        if gateway and gateway_day(settings) is None:
            about["gateway"] = stack.enter_context(running_gateway(settings, last_session(), settings.ib_port))
        parts = _Parts(stack, settings.home / "prefect", _environment(settings, port, reports))
        server = parts.start("server", "prefect", "--no-prompt", "server", "start")
        Waiting(f"{ui}/api", server).ready()
        parts.finish("prefect", "--no-prompt", "work-pool", "create", POOL, "--type", "process", "--overwrite")
        parts.finish("prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(ROOT / "prefect.yaml"))
        if settings.policy:
            _switch_on(f"{ui}/api")
        folder = str(settings.reports)  # over HTTP, for a page of the Prefect UI may not open a file
        parts.start("reports", "http.server", str(port + 1), "--bind", "127.0.0.1", "--directory", folder)
        parts.start("worker", "prefect", "--no-prompt", "worker", "start", "--pool", POOL, "--type", "process")
        ready(about)
        while not stop.wait(1.0):
            parts.check()


def _switch_on(api: str) -> None:
    """Let the schedules run that ask vendors: somebody has said for whose universe."""
    import httpx

    try:
        with httpx.Client(base_url=api, timeout=60) as web:
            found = web.post("/deployments/filter", json={"deployments": {"tags": {"all_": ["vendors"]}}}).raise_for_status()
            for one in found.json():
                for schedule in one["schedules"]:
                    where = f"/deployments/{one['id']}/schedules/{schedule['id']}"
                    web.patch(where, json={"active": True}).raise_for_status()
    except httpx.HTTPError as error:
        raise Outage(f"Prefect's server did not switch the schedules on ({error}).", "Run again.") from error


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise WrongUse(f"Port {port} is in use.", "Stop what listens there, or name another with --port.") from error


class _Parts:
    """Python modules run as processes: those that stay up have a group and a log of their own and stop with the stack."""

    def __init__(self, stack: ExitStack, logs: Path, environment: dict[str, str]) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._stack, self._logs, self._environment = stack, logs, environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self._logs / f"{name}.log").open("ab"))
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        command = [sys.executable, "-m", *words]
        process = subprocess.Popen(command, env=self._environment, cwd=ROOT, start_new_session=True, **streams)  # type: ignore[call-overload]
        self._stack.callback(_stop, process)
        self._running[name] = process
        return process

    def finish(self, *words: str) -> None:
        """Run to the end; `Outage` with its last words where it fails."""
        command = [sys.executable, "-m", *words]
        done = subprocess.run(
            command,
            env=self._environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise Outage(f"`{' '.join(words[:4])}` failed: {said[-1] if said else 'it said nothing'}.", "Run again.")

    def check(self) -> None:
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Outage(f"The {name} ended with code {process.returncode}.", f"Read {self._logs / name}.log.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The whole group: Prefect's worker leaves its children behind when only it is told to stop."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _environment(settings: Settings, port: int, reports: str) -> dict[str, str]:
    return {
        **os.environ,
        "PWD": str(ROOT),  # prefect.yaml gives it to the worker as working directory
        "TRIMTAB_HOME": str(settings.home),
        "TRIMTAB_REPORTS_URL": reports,
        "TRIMTAB_POLICY": str(Path(settings.policy or demo_policy()).expanduser().absolute()),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # a busy SQLite answers 503 after 10 s otherwise
        "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "DO_NOT_TRACK": "1",
    }
