"""A Prefect API to run flows against: the one that is configured, or a temporary one that lives as long as the block."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from portfolio.errors import Outage

STARTUP_SECONDS = 240.0
PORTS = range(20_000, 32_000)  # Linux connects from 32768 on, others from 49152
QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL", "DO_NOT_TRACK": "1"}  # trouble is told once, by the command


@contextmanager
def prefect_api(home: Path) -> Iterator[Waiting]:
    """Begin to provide an API and yield at once; `Waiting.ready` blocks until it answers. Must be entered before anything
    imports prefect, whose settings are read at import.
    """
    os.environ |= QUIET
    configured = os.environ.get("PREFECT_API_URL")
    if configured:
        yield Waiting(configured, None)
        return
    port = free_ports()
    url = f"http://127.0.0.1:{port}/api"
    os.environ |= _client(url, home)
    environment = {**os.environ, **_server(home)}
    environment.pop("PREFECT_API_URL")
    (home / "prefect").mkdir(parents=True, exist_ok=True)
    log = (home / "prefect" / "server.log").open("ab")
    command = [sys.executable, "-m", "flows.temporary_server", str(port)]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log)
    try:
        yield Waiting(url, process)
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        assert process.stdin is not None
        process.stdin.close()
        log.close()


class Waiting:
    """An API that may still be starting."""

    def __init__(self, url: str, process: subprocess.Popen[bytes] | None) -> None:
        self.url = url
        self._process = process

    def ready(self) -> None:
        """Return when the API answers; `Outage` when it does not within four minutes."""
        deadline = time.monotonic() + (STARTUP_SECONDS if self._process else 10.0)
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:  # noqa: S310
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, http.client.HTTPException, OSError):
                time.sleep(0.1)
        where = "the temporary Prefect server (see prefect/server.log under the home)" if self._process else self.url
        raise Outage(f"No answer from {where}.", "Run again, or set PREFECT_API_URL to a server that is up.")


def free_ports(count: int = 1) -> int:
    """The first of `count` neighbouring free ports, below those that systems give to outgoing connections.

    Among these, who knocks at a port where nobody listens yet may be given that very port, be answered by himself, and
    hold it against the server that was to have it. Processes side by side look in places of their own.
    """
    begin = PORTS.start + 10 * (os.getpid() % (len(PORTS) // 10))
    for port in (*range(begin, PORTS.stop - count, count), *range(PORTS.start, begin, count)):
        with ExitStack() as probes:
            try:
                for number in range(count):
                    probes.enter_context(socket.socket()).bind(("127.0.0.1", port + number))
            except OSError:
                continue
            return port
    raise Outage(f"There is no free port from {PORTS.start} to {PORTS.stop}.", "End what holds them, and run again.")


def _client(url: str, home: Path) -> dict[str, str]:
    """Settings of this process: its API, which nobody will read logs from."""
    return {"PREFECT_API_URL": url, "PREFECT_HOME": str(home / "prefect"), "PREFECT_LOGGING_TO_API_ENABLED": "false"}


def _server(home: Path) -> dict[str, str]:
    return {
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect' / 'runs.sqlite'}",
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
