"""What the journeys share: a demo that ran once, and a Prefect API that need not start again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from terminal import ROOT, Demo, environment, trimtab


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    home = tmp_path_factory.mktemp("demo") / "home"
    started = time.monotonic()
    said = trimtab("demo", "--json", home=home)
    assert said.code == 0, said.err
    return Demo(home, said, time.monotonic() - started)


@pytest.fixture
def copied_home(demo: Demo, tmp_path: Path) -> Path:
    """A copy of the demo's home without its Prefect database, to spoil at will."""
    home = tmp_path / "home"
    shutil.copytree(demo.home, home, ignore=shutil.ignore_patterns("prefect"))
    return home


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prefect API that several runs share, so that each of them need not start one."""
    from flows.api import Waiting, free_ports

    home = tmp_path_factory.mktemp("prefect")
    port = free_ports(1)
    url = f"http://127.0.0.1:{port}/api"
    settings = {
        "PREFECT_HOME": str(home),
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "flows.temporary_server", str(port)]
    with subprocess.Popen(command, env=environment(home, settings), stdin=subprocess.PIPE, cwd=ROOT) as process:
        Waiting(url, process).ready()
        yield url
        process.stdin.close()
        process.wait(timeout=20)
