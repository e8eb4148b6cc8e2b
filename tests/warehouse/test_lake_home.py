"""A catalog that is missing, damaged or older than its data is refused, and the way back works."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from warehouse_rows import load, macro, when

from portfolio.errors import Outage, Refused, WrongUse
from warehouse import layout
from warehouse.catalog import parse
from warehouse.faults import redacted, translated
from warehouse.lake import Lake

DAY = date(2020, 1, 1)


def fill(home, *days):
    with Lake.open(*home) as lake:
        for day in days:
            load(lake, "macro", [macro("CPI", DAY, float(day), when(day))])
        return lake.snapshot()


def value(home):
    with Lake.open(*home) as lake:
        return lake.query("SELECT value FROM macro")[1]


def test_a_missing_catalog_is_refused_and_its_backup_restores_it(lake, home, tmp_path):
    fill(home, 1)
    lake.close()
    catalog, backup = tmp_path / "catalog.sqlite", tmp_path / "backup.sqlite"
    shutil.move(catalog, backup)
    with pytest.raises(Refused, match=r"catalog .* is missing while its data folder .* is there. Restore the catalog"):
        Lake.open(*home)
    assert not catalog.exists(), "refusing made no new catalog"
    shutil.copy(backup, catalog)
    assert value(home) == [(1.0,)]


def test_an_older_catalog_is_refused_until_a_person_gives_up_what_came_after(lake, home, tmp_path):
    lake.close()
    catalog, backup = tmp_path / "catalog.sqlite", tmp_path / "backup.sqlite"
    older = fill(home, 1)
    shutil.copy(catalog, backup)
    newest = fill(home, 2)
    for beside in tmp_path.glob("catalog.sqlite*"):
        beside.unlink()
    shutil.copy(backup, catalog)
    with pytest.raises(Refused, match=f"ends at snapshot {older}, the data at {newest}") as caught:
        Lake.open(*home)
    (tmp_path / "lake" / "HEAD").unlink()  # what the sentence says
    assert "delete " + str(tmp_path / "lake" / "HEAD") in str(caught.value)
    assert value(home) == [(1.0,)]
    fill(home, 2)
    assert value(home) == [(2.0,)]


@pytest.mark.parametrize("content", [b"garbage" * 3000, b"", b"SQLite format 3\x00" + b"\x07" * 5000])
def test_a_damaged_catalog_is_refused(lake, home, tmp_path, content):
    lake.close()
    for beside in tmp_path.glob("catalog.sqlite*"):
        beside.unlink()
    (tmp_path / "catalog.sqlite").write_bytes(content)
    with pytest.raises(Refused, match="Restore"):
        Lake.open(*home)
    assert (tmp_path / "catalog.sqlite").read_bytes() == content, "what is damaged is left as evidence"


def test_a_missing_data_file_is_refused(lake, home, tmp_path):
    with lake.transaction("run", when(1)) as tx:
        tx.cursor.execute("INSERT INTO lake.raw.macro (series, value) SELECT 'x', i FROM range(100) t(i)")
    for file in Path(tmp_path, "lake").rglob("*.parquet"):
        file.unlink()
    with pytest.raises(Refused, match="is missing"):
        lake.query("SELECT sum(value) FROM raw.macro")


def test_a_newer_layout_is_refused(lake, home):
    with lake.transaction("run", when(1)) as tx:
        tx.cursor.execute("INSERT INTO lake.raw.layout VALUES (99)")
    lake.close()
    with pytest.raises(Refused, match=f"layout 99 and this Trimtab knows up to {layout.LAYOUT}"):
        Lake.open(*home)


def test_an_older_layout_is_brought_to_ours_and_keeps_what_it_holds(lake, home):
    """A lake as the first layout left it: fewer tables, news without four columns, and facts in it."""
    fill(home, 1)
    with lake.transaction("run", when(2)) as tx:
        for table in ("symbols", "identifiers", "repairs", "releases"):
            tx.cursor.execute(f"DROP VIEW lake.main.{table}; DROP TABLE lake.raw.{table}")
        for column in ("item", "publisher", "url", "sentiment"):
            tx.cursor.execute(f"ALTER TABLE lake.raw.news DROP COLUMN {column}")
        tx.cursor.execute("DELETE FROM lake.raw.layout; INSERT INTO lake.raw.layout VALUES (1)")
    before = lake.snapshot()
    lake.close()
    with Lake.open(*home) as brought:
        assert brought.query("SELECT max(version) FROM raw.layout")[1] == [(layout.LAYOUT,)]
        assert brought.query("SELECT item, publisher, url, sentiment FROM news")[1] == []
        assert brought.query("SELECT * FROM symbols")[1] == []
        assert brought.query("SELECT value FROM macro")[1] == [(1.0,)]
        with brought.at(before) as reader:
            assert reader.macro(["CPI"], when(3))["value"].tolist() == [1.0]
        assert brought.snapshot() == before + 1
    with Lake.open(*home) as again:
        assert again.snapshot() == before + 1, "brought once"


def test_a_moved_home_still_opens(lake, home, tmp_path):
    fill(home, 1)
    lake.close()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.move(tmp_path / "catalog.sqlite", moved)
    shutil.move(tmp_path / "lake", moved)
    assert value((f"sqlite:///{moved}/catalog.sqlite", f"{moved}/lake")) == [(1.0,)]


def test_urls_are_parsed_and_passwords_stay_out_of_sight():
    assert parse("sqlite:////a/b.sqlite").path == Path("/a/b.sqlite")
    assert parse("sqlite:///b.sqlite").path == Path("b.sqlite").absolute()
    catalog = parse("postgresql+psycopg://me:s%40cret@db:5433/trim?sslmode=require")
    assert catalog.path is None
    assert "password='s@cret'" in catalog.target().replace("''", "'")
    assert "cret" not in catalog.target(secret=False)
    for bad in ("mysql://x/y", "x", "", "sqlite:///"):
        with pytest.raises(WrongUse, match="database URL"):
            parse(bad)
    assert redacted("host='h' password='s@ cret' user=x") == "host='h' password=*** user=x"
    assert redacted("postgresql://me:secret@h/d") == "postgresql://me:***@h/d"


def test_a_password_does_not_reach_the_traceback():
    import traceback

    url = "postgresql://me:top" + "secret@127.0.0.1:1/none"
    with pytest.raises(Outage) as caught:
        Lake.open(url, "/nonexistent/never")
    assert "topsecret" not in "".join(traceback.format_exception(caught.value))


def test_our_own_bugs_are_not_dressed_up():
    with pytest.raises(KeyError), translated("The warehouse"):
        {}["x"]
    with pytest.raises(FileNotFoundError), translated("The warehouse"):
        Path("/nonexistent/file").read_text()
