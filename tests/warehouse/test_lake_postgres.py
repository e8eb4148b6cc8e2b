"""The same lake with its catalog in PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from warehouse_rows import NOW, load, macro, price, when

from portfolio.errors import Refused
from warehouse import extensions
from warehouse.lake import Lake
from warehouse.ledger import open_ledger
from warehouse.merge import Merged

DAY = date(2020, 1, 2)
WRITER = """
import sys
sys.path.insert(0, sys.argv[3])
from rows import *
with Lake.open(*sys.argv[1:3]) as lake:
    for batch in range(3):
        load(lake, "macro", [macro(f"S{batch}", date(2020, 1, 1), 1.0, when(0))])
"""


def test_write_read_query_and_time_travel(postgres, tmp_path):
    with Lake.open(postgres, f"{tmp_path}/lake") as lake:
        assert load(lake, "prices", [price("A", DAY, 10.0)], at=when(3)) == Merged(1, 0, 0)
        then = lake.snapshot()
        assert load(lake, "prices", [price("A", DAY, 10.0)], at=when(4)) == Merged(0, 0, 1)
        assert lake.snapshot() == then
        assert load(lake, "prices", [price("A", DAY, 11.0)], at=when(30)) == Merged(0, 1, 0)
        with lake.at(then) as reader:
            assert reader.prices(["A"], NOW).fields["close"].tolist() == [10.0]
        assert lake.query("SELECT close FROM prices_adjusted")[1] == [(11.0,)]
        assert lake.query("SELECT close FROM prices", as_known_at=when(9))[1] == [(10.0,)]
        with pytest.raises(Refused, match="no snapshot 999"):
            lake.at(999)
        with pytest.raises(Refused):
            lake.query("SELECT * FROM postgres_query('__ducklake_metadata_lake', 'SELECT 1')")
        with extensions.connect(("ducklake", "postgres_scanner")) as con:
            con.execute(lake.attach_statement().split("\n", 1)[1])
            assert con.execute("SELECT close FROM prices").fetchall() == [(11.0,)]
    with Lake.open(postgres, f"{tmp_path}/lake") as again, open_ledger(postgres) as ledger:
        assert again.snapshot() == then + 1
        assert ledger.verify().rows == 0, "ledger and catalog share one database"


def test_two_processes_make_and_write_it_once(postgres, tmp_path):
    arguments = [sys.executable, "-c", WRITER, postgres, f"{tmp_path}/lake", str(Path(__file__).parent)]
    writers = [subprocess.Popen(arguments) for _ in range(2)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    with Lake.open(postgres, f"{tmp_path}/lake") as lake:
        assert lake.query("SELECT series, count(*) FROM raw.macro GROUP BY ALL ORDER BY ALL")[1] == [
            ("S0", 1),
            ("S1", 1),
            ("S2", 1),
        ]


def test_an_older_catalog_is_refused(postgres, tmp_path):
    with Lake.open(postgres, f"{tmp_path}/lake") as lake:
        load(lake, "macro", [macro("CPI", DAY, 1.0, when(1))])
    (tmp_path / "lake" / "HEAD").write_text("99\n")
    with pytest.raises(Refused, match="older than its data"):
        Lake.open(postgres, f"{tmp_path}/lake")
