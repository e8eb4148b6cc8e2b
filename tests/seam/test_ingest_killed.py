"""SIGKILL at a random moment of an ingest: each batch is there whole or not at all, and another run brings the rest."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks import doors, fetch, ingest
from tasks.settings import Settings, settings
from warehouse import manifest

ROOT = Path(__file__).parents[2]
NOW = datetime(2023, 1, 2, tzinfo=UTC)
BATCHES = [("AAPL", "AMD"), ("BAC", "BBY"), ("CVX", "GE"), ("HD", "JNJ"), ("JPM", "KO"), ("LLY", "MRK")]
EACH = 8313  # sessions from 1990 to 2022
CHILD = """
import sys
from datetime import UTC, datetime
from tasks import fetch, ingest
from tasks.settings import settings
import expectations.suite  # the seconds of its import are no interesting moment
where = settings({"TRIMTAB_HOME": sys.argv[1]})
print("ready", flush=True)
for symbols in BATCHES:
    ingest.ingest(where, fetch.Batch("prices", "sample", symbols=symbols), datetime(2023, 1, 2, tzinfo=UTC))
    print("written", flush=True)
print("end", flush=True)
"""


def start(where: Settings) -> subprocess.Popen[str]:
    code = f"BATCHES = {BATCHES!r}{CHILD}"
    process = subprocess.Popen([sys.executable, "-c", code, str(where.home)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def held(where: Settings) -> dict[str, int]:
    with doors.open_lake(where) as lake:
        return dict(lake.query("SELECT symbol, count(close) FROM prices GROUP BY symbol")[1])


def killed(where: Settings, luck: random.Random) -> None:
    """Kill one ingest somewhere in its life, look, let another one finish, and look again."""
    with start(where) as process:
        time.sleep(luck.uniform(0.0, 6.0))
        process.send_signal(signal.SIGKILL)
    found = held(where)
    for symbols in BATCHES:
        assert {found.get(symbol, 0) for symbol in symbols} in ({0}, {EACH}), "a batch is there whole or not at all"
    with start(where) as process:
        assert process.communicate(timeout=120)[0].split()[-1] == "end"
    assert held(where) == {symbol: EACH for symbols in BATCHES for symbol in symbols}
    with doors.open_lake(where) as lake:
        assert manifest.verify(lake.data_path).sound
        twice = "SELECT 1 FROM raw.prices GROUP BY instrument, session, source HAVING count(*) > 1"
        assert lake.query(f"SELECT count(*) FROM ({twice})")[1] == [(0,)]
    assert doors.open_ledger(where).verify().rows > 0


@pytest.mark.parametrize("number", [*range(2), *(pytest.param(n, marks=pytest.mark.soak) for n in range(2, 50))])
def test_killed_at_a_random_moment(tmp_path: Path, number: int) -> None:
    killed(settings({"TRIMTAB_HOME": str(tmp_path / "home")}), random.Random(number))


def test_two_processes_ingest_while_a_third_reads(tmp_path: Path) -> None:
    """The reader always sees whole batches; together the two writers bring every row once."""
    where = settings({"TRIMTAB_HOME": str(tmp_path / "home")})
    ingest.ingest(where, fetch.Batch("universe", "sample"), NOW)  # the lake is there
    with start(where) as one, start(where) as other:
        seen = []
        while one.poll() is None or other.poll() is None:
            found = held(where)
            seen.append(sum(found.values()))
            assert set(found.values()) <= {EACH}
        assert (one.returncode, other.returncode) == (0, 0)
    assert seen == sorted(seen)
    assert held(where) == {symbol: EACH for symbols in BATCHES for symbol in symbols}
