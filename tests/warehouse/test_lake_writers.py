"""Several processes, killed processes, a full disk: every snapshot is whole, nothing is lost, nothing doubled."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from warehouse_rows import NOW, load, macro, price, when

from portfolio.errors import Outage
from warehouse.lake import Lake

HERE = Path(__file__).parent
WRITER = (
    """
import sys
sys.path.insert(0, {folder!r})
from rows import *
url, data, name, batches = sys.argv[1:]
days = [date(2020, 1, 1) + timedelta(days=n) for n in range(20)]
with Lake.open(url, data) as lake:
    print("ready", flush=True)
    sys.stdin.readline()
    for batch in range(int(batches)):
        for series in (f"{{name}}-{{batch}}", f"shared{{batch}}"):
            with lake.transaction(run=name, at=NOW) as tx:
                tx.merge("macro", tx.stage("macro", frame("macro", [macro(series, day, 1.0, when(0)) for day in days])))
                tx.merge("prices", tx.stage("prices", frame("prices", [price(series, day, 1.0) for day in days])))
            print(series, flush=True)
""".replace("{folder!r}", repr(str(HERE)))
    .replace("{{", "{")
    .replace("}}", "}")
)


def start(home, name, batches):
    arguments = [sys.executable, "-c", WRITER, *home, name, str(batches)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(process):
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()


def whole(lake):
    """Every batch is there in both tables or in neither, and no fact is doubled."""
    sql = "SELECT series, count(*) FROM raw.macro GROUP BY ALL ORDER BY ALL"
    in_macro = lake.query(sql)[1]
    in_prices = lake.query("SELECT instrument, count(*) FROM raw.prices GROUP BY ALL ORDER BY ALL")[1]
    assert in_macro == in_prices
    assert {count for _, count in in_macro} <= {20}
    return [series for series, _ in in_macro]


def test_two_writers_lose_nothing_and_write_the_same_batches_once(lake, home):
    writers = [start(home, name, 3) for name in ("a", "b")]
    for writer in writers:
        go(writer)
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert whole(lake) == sorted([f"{name}-{batch}" for name in "ab" for batch in range(3)] + [f"shared{n}" for n in range(3)])
    assert lake.snapshot() == 1 + 6 + 3, "the second merge of a shared batch made no snapshot"


@pytest.mark.parametrize("milliseconds", [40, 150])
def test_a_killed_writer_leaves_whole_batches(lake, home, milliseconds):
    writer = start(home, "a", 50)
    go(writer)
    told = 0 if milliseconds < 100 else len([writer.stdout.readline() for _ in range(2)])
    time.sleep(milliseconds / 1000)
    writer.send_signal(signal.SIGKILL)
    assert writer.wait(timeout=30) == -signal.SIGKILL
    told += len(writer.stdout.read().splitlines())
    with Lake.open(*home) as again:
        kept = whole(again)
        assert len(kept) >= told, "what was told as committed is there"
        assert len(kept) <= told + 1
        load(again, "macro", [macro("after", date(2020, 1, 1), 1.0, when(0))])


def test_a_writer_that_waits_too_long_says_so(lake, monkeypatch):
    monkeypatch.setattr("warehouse.lake.PATIENCE", 0.1)
    with (
        lake.transaction("one", NOW),
        pytest.raises(Outage, match="Another process has been writing"),
        lake.transaction("two", NOW),
    ):
        pass


FULL = """
import resource, signal, sys
sys.path.insert(0, {folder!r})
from rows import *
from portfolio.errors import Outage
url, data = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
days = [date(2020, 1, 1) + timedelta(days=n) for n in range(4000)]
with Lake.open(url, data) as lake:
    load(lake, "macro", [macro("before", days[0], 1.0, when(0))])
    before = lake.snapshot()
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    try:
        load(lake, "prices", [price(f"I{n}", day, float(n)) for n, day in enumerate(days)])
    except Outage as outage:
        print(outage, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert lake.snapshot() == before, lake.snapshot()
    assert load(lake, "prices", [price("A", days[0], 1.0)]).added == 1
    assert lake.query("SELECT count(*) FROM macro")[1] == [(1,)]
""".replace("{folder!r}", repr(str(HERE)))


def test_a_full_disk_is_an_outage_and_nothing_is_half_written(lake, home):
    done = subprocess.run([sys.executable, "-c", FULL, *home], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout
        == "The warehouse could not be written because the disk is full or failing. Free some space and run it again.\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_opening_costs_little(lake, home, tmp_path):
    code = """
import sys, time
import warehouse
assert not {"duckdb", "sqlalchemy", "polars", "numpy"} & set(sys.modules), "importing the warehouse costs nothing"
import duckdb, sqlalchemy.dialects.sqlite, warehouse.lake, warehouse.ledger.ledger
from warehouse.ledger import open_ledger
open_ledger(sys.argv[3]).close()
started = time.process_time()
lake = warehouse.lake.Lake.open(*sys.argv[1:3])
ledger = open_ledger(sys.argv[3])
ledger.head(), lake.snapshot()
print(time.process_time() - started)
"""
    arguments = [sys.executable, "-c", code, *home, f"sqlite:///{tmp_path}/ledger.sqlite"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60)
    assert float(done.stdout) < 0.5


def test_threads_share_one_lake(lake):
    from concurrent.futures import ThreadPoolExecutor

    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(5)]
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda n: load(lake, "macro", [macro(f"S{n}", day, 1.0, when(0)) for day in days]), range(6)))
    assert sum(merged.added for merged in done) == 30
    with lake.at(lake.snapshot()) as reader:
        assert len(reader.macro([f"S{n}" for n in range(6)], NOW)["value"]) == 30
    load(lake, "prices", [price("A", days[0], 1.0)])
