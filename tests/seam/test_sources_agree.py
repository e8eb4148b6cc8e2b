"""Total returns of several sources in one warehouse, held against each other: the wrong one is named."""

from __future__ import annotations

import os
import shutil
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tasks import doors
from tasks.agreement import compare
from tasks.fetch import Batch
from tasks.ingest import ingest
from tasks.settings import Settings, settings
from tasks.validate import validate

SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
HEAD = "Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio\n"


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    return settings({"TRIMTAB_HOME": str(tmp_path / "home")})


@pytest.mark.shared
def test_yahoos_dividends_before_the_split_of_bank_of_america_are_found(where: Settings, tmp_path: Path) -> None:
    """LEAN's raw prices with its actions, the bundled adjusted closes, and Yahoo's own adjusted series of 2020."""
    if not SHARED.is_dir():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    with zipfile.ZipFile(SHARED / "yahoo_sp500_1999_2020" / "yahoo_2020-10-28.zip") as archive:
        (tmp_path / "yahoo").mkdir()
        for symbol in ("AAPL", "BAC"):
            (tmp_path / "yahoo" / f"{symbol}.csv").write_bytes(archive.read(f"stock_dfs/{symbol}.csv"))
    lean = tmp_path / "lean"
    for kind in ("daily", "factor_files", "map_files"):
        (lean / kind).mkdir(parents=True)
        for file in (SHARED / "lean" / "Data" / "equity" / "usa" / kind).glob("*"):
            if file.stem in {"aapl", "bac"}:
                shutil.copy(file, lean / kind)
    ingest(where, Batch("prices", "sample", symbols=("AAPL", "BAC")), NOW)
    ingest(where, Batch("prices", "files", tmp_path / "yahoo", layout="yfinance"), NOW)
    assert compare(where)[0].without == ("AAPL", "BAC"), "adjusted prices alone do not tell what a dividend is a share of"
    ingest(where, Batch("prices", "files", lean, layout="lean"), NOW)
    told, found = compare(where)
    assert (sorted(told.symbols.values()), list(told.of_source)) == (["AAPL", "BAC"], ["lean", "sample", "yfinance"])
    assert {(p.instrument, p.wrong) for p in found} == {("BAC", "yfinance")}
    assert {str(p.until) for p in found} == {"2004-06-30"}, "two for one on 2004-08-30"
    document = validate(where, "prices", NOW)
    said = {r.source: (r.status, r.symbols) for r in document["results"] if r.law == "total_return_agrees"}
    assert said == {"lean": ("passed", ()), "sample": ("passed", ()), "yfinance": ("failed", ("BAC",))}
    (incident,) = [i for i in doors.open_ledger(where).incidents() if i.law == "total_return_agrees"]
    assert (incident.source, incident.symbols, incident.on_breach) == ("yfinance", ("BAC",), "warn")
    assert compare(where, ["AAPL"])[1] == ()
    assert list(compare(where, ["BAC"])[0].symbols) == ["US:BAC"], "not the bank that bore the ticker until 1998"


def test_the_price_beside_total_returns_has_its_splits_taken_out_and_its_dividends_not(where: Settings, tmp_path: Path) -> None:
    days = ["2024-03-04", "2024-03-05", "2024-03-06", "2024-03-07"]
    rows = zip(days, (100, 101, 50, 49), (0, 0, 0, 1), (1, 1, 2, 1), strict=True)
    dealt = tmp_path / "A.csv"
    dealt.write_text(HEAD + "".join(f"{d},{c},{c + 1},{c - 1},{c},9000,{paid},{ratio}\n" for d, c, paid, ratio in rows))
    (tmp_path / "other.csv").write_text("symbol,session,close,currency\n" + "".join(f"A,{day},50,USD\n" for day in days))
    ingest(where, Batch("prices", "files", dealt, layout="wiki"), NOW)
    ingest(where, Batch("prices", "files", tmp_path / "other.csv", adjustment="adjusted"), NOW)
    with doors.open_lake(where) as lake, lake.at(lake.snapshot()) as reader:
        told = reader.histories()
        prices = told.cursor.execute(f"SELECT session, price FROM {told.prices} ORDER BY 1").fetchall()
        levels = told.cursor.execute(
            f"SELECT source, list(level ORDER BY session) FROM {told.levels} GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert prices == [(date.fromisoformat(d), p) for d, p in zip(days, (50.0, 50.5, 50.0, 49.0), strict=True)]
    assert levels == [("files", [50.0] * 4), ("wiki", pytest.approx([49.0, 101 / 2 * 0.98, 49.0, 49.0]))]
