"""The gateway judged by clients that share no code with ours, each in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
UNDER_BOTH = ("test_broker_suite.py", "test_currencies_and_margin.py", "test_live_quotes.py", "test_ib_bars.py")


@pytest.fixture(scope="module")
def environment(request, tmp_path_factory):
    """Make (once, kept with pytest's cache) an environment with these packages, and give its python."""

    def make(name: str, *packages: str) -> Path:
        cache = getattr(request.config, "cache", None)
        home = Path(cache.mkdir(f"environment-{name}")) if cache else tmp_path_factory.mktemp(name)
        python, done = home / "venv" / "bin" / "python", home / "done"
        if done.exists() and done.read_text() == str(packages) and python.exists():
            return python
        uv = Path(sys.executable).with_name("uv")
        tool = str(uv) if uv.exists() else shutil.which("uv")
        if tool is None:
            pytest.skip("no uv to build an environment with")
        for words in (
            ["venv", "--quiet", "--clear", "--python", sys.executable, str(home / "venv")],
            ["pip", "install", "--quiet", "--python", str(python), *packages],
        ):
            result = subprocess.run([tool, *words], capture_output=True, text=True, timeout=180, check=False)
            if result.returncode:
                pytest.skip(f"{', '.join(packages)} cannot be installed: {result.stderr.strip()[-300:]}")
        done.write_text(str(packages))
        return python

    return make


RARER = [pytest.param(version, marks=pytest.mark.soak) for version in (158, 160, 162, 166, 170, 177)]


@pytest.mark.parametrize("version", [157, 163, 164, 176, 178, *RARER])
def test_the_official_client_consumes_every_field(environment, start_gateway, version):
    python = environment("official", "ibapi-stable==10.50.2", "tzdata")
    gateway = start_gateway(server_version=version)
    run = subprocess.run(
        [python, HERE / "official_client.py", str(gateway.port)], capture_output=True, text=True, timeout=60, check=True
    )
    answer = json.loads(run.stdout)
    assert answer["problems"] == [] and answer["version"] == version
    told = answer["told"]
    assert told["details"][0][:2] == ["AAPL", "Apple Inc. é"]
    assert ["20240313", 171.13] in told["bar"] and [1, 172.98] in told["price"] and [2, 173.02] in told["price"]
    assert ["10", 173.02, "n#1"] in [one[1:] for one in told["execution"]] and 1.0 in told["commission"]
    assert ["AAPL", "10"] in told["position"] and told["cash"][0] == "998268.8"
    assert told["completed"][0] == ["n#1", "Filled", "10", "Filled Size: 10"]
    assert ["r#1", ""] in [order[2:] for order in told["open"]] and ["n#1", "Adaptive"] in [o[2:] for o in told["open"]]
    assert told["whatif"] and float(told["margin"][0]) == 432.5
    pair = next(one for one in told["details"] if one[0] == "EUR")
    assert pair[1] == "EUR in USD" and pair[3:] == ["20240313:1715-20240314:1700", 5e-05]
    assert told["option"] == [["20240621", 500.0, "P", "100", "SPY   240621P00500000"]]
    assert [1, 1.08995] in told["price"] and [2, 1.09005] in told["price"]
    assert ["1000", 1.09005, "fx#1"] in [one[1:] for one in told["execution"]] and ["EUR", "1000"] in told["position"]
    (paid,) = {one[2] for one in told["execution"] if one[3] == "put#1"}
    assert told["money"]["EUR"] == "1000" and told["rate"]["EUR"] == "1.09"
    assert float(told["money"]["USD"]) == pytest.approx(997176.75 - 100 * paid - 1, abs=1e-6)
    assert ["SPY", "1"] in told["position"]


@pytest.fixture(scope="module", autouse=True)
def suite_under_ib_async(request, environment):
    """Started before the other judges, so that it runs beside them. None where nobody asked for it."""
    if not any(item.name == "test_the_broker_suite_under_ib_async" for item in request.session.items):
        yield None
        return
    try:
        python = environment("ib_async", "ib_async==2.1.0", "pytest>=8.3", "tzdata", "numpy>=2", "polars==2.1.0", "hypothesis>=6")
    except pytest.skip.Exception as reason:  # the other judges may still be there
        yield str(reason)
        return
    run = subprocess.Popen(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(HERE / name) for name in UNDER_BOTH)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    yield run
    run.kill()
    run.communicate(timeout=10)


def test_the_broker_suite_under_ib_async(suite_under_ib_async):
    if isinstance(suite_under_ib_async, str):
        pytest.skip(suite_under_ib_async)
    output, _ = suite_under_ib_async.communicate(timeout=180)
    assert suite_under_ib_async.returncode == 0, output[-6000:]
    assert " passed" in output and "skipped" not in output
