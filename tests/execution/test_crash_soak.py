"""The crash matrix at length: every point, at every order, killed several times in a row, under both client libraries."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.soak
POINTS = ("before_intent", "after_sending", "after_bytes", "after_ack", "after_fill", "between_book_and_state", "before_finish")
PACKAGES = (
    "ib_async==2.1.0",
    "sqlalchemy>=2.0,<2.1",
    "alembic>=1.13",
    "numpy>=2",
    "tzdata",
    "psycopg[binary]>=3.2",
    "duckdb==1.5.5",
)
FAULTS = (
    {},
    {"fill_delay": 0.1, "slices": 3, "commission_delay": 0.3},
    {"drop_after_accept": 1, "from_order": 3},
    {"swallow": 1, "from_order": 2},
    {"invisible_seconds": 0.3},
    {"id_reset": True, "lost_filled": True},
)


@pytest.fixture(scope="module")
def ib_async(request, tmp_path_factory) -> Path:
    """The python of an environment that has ib_async, kept with pytest's cache; skipped where it cannot be built."""
    cache = getattr(request.config, "cache", None)
    home = Path(cache.mkdir("environment-execution")) if cache else tmp_path_factory.mktemp("ib_async")
    python, done = home / "venv" / "bin" / "python", home / "done"
    if done.exists() and done.read_text() == str(PACKAGES) and python.exists():
        return python
    beside = Path(sys.executable).with_name("uv")
    tool = str(beside) if beside.exists() else shutil.which("uv")
    if tool is None:
        pytest.skip("no uv to build an environment with")
    for words in (
        ["venv", "--quiet", "--clear", "--python", sys.executable, str(home / "venv")],
        ["pip", "install", "--quiet", "--python", str(python), *PACKAGES],
    ):
        result = subprocess.run([tool, *words], capture_output=True, text=True, timeout=300, check=False)
        if result.returncode:
            pytest.skip(f"{', '.join(PACKAGES)} cannot be installed: {result.stderr.strip()[-300:]}")
    done.write_text(str(PACKAGES))
    return python


def over(world, python: Path | str, tries: int = 6, **words) -> None:
    """Child after child until the plan is done, as the flow repeats after each outage."""
    for _ in range(tries):
        output, _ = world.child(python=python, **words).communicate(timeout=90)
        told = json.loads(output.splitlines()[-1])
        if told.get("status") == "done":
            return
        assert told.get("trouble") == "outage" or told.get("status") == "working", told
    raise AssertionError(f"not over after {tries} tries")


@pytest.mark.parametrize("on", range(1, 9))
@pytest.mark.parametrize("point", POINTS[:-1])
def test_every_point_at_every_order(world, point, on):
    world.serve(process=True)
    world.child(point=point, on=on).wait(90)
    assert world.run_until_over().status == "done"
    world.exact()


@pytest.mark.parametrize("seed", range(12))
def test_killed_again_and_again_at_a_gateway_with_faults(world, seed):
    luck = random.Random(seed)
    faults = luck.choice(FAULTS)
    world.serve(process=True, **faults)
    for _ in range(luck.randint(2, 4)):
        world.child(point=luck.choice(POINTS), on=luck.randint(1, 6), quiet=1.0, settle=3.0).wait(90)
        if luck.random() < 0.3:
            world.serve(process=True, **faults)
    assert world.run_until_over(quiet=1.0, settle=3.0).status == "done"
    world.exact()


@pytest.mark.parametrize("point", POINTS)
def test_every_point_under_ib_async(world, ib_async, point):
    world.serve(process=True)
    world.killed_at(point, on=1 if point == "before_finish" else 4, python=ib_async)
    over(world, ib_async)
    world.exact()


@pytest.mark.parametrize("faults", FAULTS[1:], ids=lambda faults: ",".join(faults))  # noqa: PLW0108
def test_faults_under_ib_async(world, ib_async, faults):
    world.serve(process=True, **faults)
    over(world, ib_async, quiet=1.0, settle=3.0)
    world.exact()
