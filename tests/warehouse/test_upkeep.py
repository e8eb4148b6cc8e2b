"""Maintenance, manifest, backup and restore: nothing named is lost, a flipped bit is found, the drill is performed."""

from __future__ import annotations

import random
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warehouse_rows import NOW, load, price

from portfolio.errors import Outage, Refused, WrongUse
from warehouse import backup, manifest
from warehouse.lake import LAKE, Lake
from warehouse.ledger import open_ledger
from warehouse.maintenance import maintain

DAY = date(2020, 1, 6)
LATER = datetime(2100, 1, 1, tzinfo=UTC)  # everything made today is old by then


def days(lake, count, first=0):
    """One transaction a session, 300 bars each: as many small files. The snapshot after each."""
    made = []
    for number in range(first, first + count):
        load(lake, "prices", [price(f"S{k}", DAY + timedelta(days=number), 1.0 + number) for k in range(300)])
        made.append(lake.snapshot())
    return made


def total(lake, snapshot=None):
    return lake.query("SELECT count(*), sum(close) FROM prices", snapshot=snapshot)[1][0]


def data_files(lake):
    return sorted(Path(lake.data_path).rglob("*.parquet"))


def test_many_small_files_become_few_and_say_the_same(lake):
    days(lake, 8)
    before, files = total(lake), len(data_files(lake))
    done = maintain(lake, LATER, (), timedelta(days=30))
    assert total(lake) == before
    assert len(data_files(lake)) < files / 2
    assert (done.files_before, done.files_after) == (files, len(data_files(lake)))
    assert manifest.verify(lake.data_path).sound


def test_a_snapshot_that_a_decision_names_is_never_dropped(lake):
    made = days(lake, 6)
    wanted = {snapshot: total(lake, snapshot) for snapshot in made}
    done = maintain(lake, LATER, {made[1], made[3]}, timedelta(0))
    assert done.snapshots_dropped >= 3
    for snapshot in (made[1], made[3], lake.snapshot()):
        assert total(lake, snapshot) == wanted.get(snapshot, wanted[made[-1]])
    with pytest.raises(Refused, match=f"no snapshot {made[0]}"):
        total(lake, made[0])


def test_a_young_snapshot_stays(lake):
    made = days(lake, 3)
    done = maintain(lake, datetime.now(UTC), (), timedelta(days=30))
    assert done.snapshots_dropped == 0
    assert total(lake, made[0])[0] == 300


def test_what_a_killed_writer_left_is_swept_once_it_is_old(lake):
    days(lake, 2)
    orphan = Path(lake.data_path) / "raw" / "prices" / "year=2020" / "left-over.parquet"
    shutil.copy(data_files(lake)[0], orphan)
    assert maintain(lake, datetime.now(UTC), (), timedelta(days=30)).orphans == 0, "it may belong to somebody at work"
    assert orphan.exists()
    assert maintain(lake, LATER, (), timedelta(days=30)).orphans == 1
    assert not orphan.exists()
    assert manifest.verify(lake.data_path).unlisted == ()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_every_flipped_bit_is_found(shared_lake, place, bit):
    if not data_files(shared_lake):
        days(shared_lake, 1)
    file = random.Random(place).choice(data_files(shared_lake))
    whole = file.read_bytes()
    at = place % len(whole)
    file.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
    try:
        assert manifest.verify(shared_lake.data_path).changed == (file.relative_to(shared_lake.data_path).as_posix(),)
        with pytest.raises(Refused, match="not what was written, first"):
            maintain(shared_lake, LATER, (), timedelta(0))
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize("harm", ["truncated", "empty", "missing"])
def test_a_harmed_file_stops_maintenance_before_it_makes_the_harm_last(lake, harm):
    days(lake, 3)
    before, file = lake.snapshot(), data_files(lake)[0]
    whole = file.read_bytes()
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(whole[: len(whole) // 2] if harm == "truncated" else b"")
    with pytest.raises(Refused, match=file.name):
        maintain(lake, LATER, (), timedelta(0))
    assert lake.snapshot() == before
    file.write_bytes(whole)
    maintain(lake, LATER, (), timedelta(0))


def test_anyones_sha256sum_reads_the_manifest(lake):
    days(lake, 2)
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", manifest.NAME], cwd=lake.data_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"")


def test_a_half_written_last_line_is_written_again(lake):
    days(lake, 2)
    file = Path(lake.data_path) / manifest.NAME
    file.write_bytes(file.read_bytes()[:-20])
    assert manifest.verify(lake.data_path).unlisted != ()
    days(lake, 1, first=2)
    found = manifest.verify(lake.data_path)
    assert (found.changed, found.unlisted) == ((), ())


# --- backup and restore ---------------------------------------------------------------------------------------------


@pytest.fixture
def remembered(lake, home, tmp_path):
    """A lake with some days in it, a ledger with a journal row, and their URLs."""
    ledger_url = f"sqlite:///{tmp_path}/ledger.sqlite"
    days(lake, 3)
    with open_ledger(ledger_url) as ledger:
        ledger.journal("note", {"words": "before"}, NOW)
    return lake, {"catalog": home[0], "ledger": ledger_url}


def elsewhere(tmp_path):
    urls = {name: f"sqlite:///{tmp_path}/again/{name}.sqlite" for name in ("catalog", "ledger")}
    return urls, f"{tmp_path}/again/lake"


def test_the_drill_back_up_lose_everything_and_restore(remembered, tmp_path):
    lake, databases = remembered
    before, snapshot = total(lake), lake.snapshot()
    with open_ledger(databases["ledger"]) as ledger:
        head = ledger.head()
    taken = backup.take(lake, databases, tmp_path / "backups", NOW)
    days(lake, 2, first=3)  # what comes after is not in it
    data = lake.data_path
    lake.close()
    shutil.rmtree(data)
    for file in tmp_path.glob("*.sqlite*"):
        file.unlink()
    put_back = backup.restore(taken.folder, databases, data)
    assert (put_back.files, put_back.copied) == (taken.files, taken.files)
    with Lake.open(databases["catalog"], data) as again, open_ledger(databases["ledger"]) as ledger:
        assert (total(again), again.snapshot()) == (before, snapshot)
        assert ledger.verify(head).head == head
        days(again, 1, first=9)
        assert manifest.verify(again.data_path).sound


def test_a_second_backup_copies_only_what_is_new_and_the_first_still_restores(remembered, tmp_path):
    lake, databases = remembered
    before = total(lake)
    first = backup.take(lake, databases, tmp_path / "backups", NOW)
    days(lake, 1, first=3)
    maintain(lake, LATER, (), timedelta(0))  # the first one's files are gone from the lake
    second = backup.take(lake, databases, tmp_path / "backups", NOW + timedelta(hours=1))
    assert first.copied == first.files and second.copied < first.files + 2
    assert backup.newest(tmp_path / "backups") == second.folder
    urls, data = elsewhere(tmp_path)
    backup.restore(first.folder, urls, data)
    with Lake.open(urls["catalog"], data) as again:
        assert total(again) == before


def test_a_backup_while_another_writes_is_whole(remembered, tmp_path):
    import threading

    lake, databases = remembered
    stop = threading.Event()

    def write():
        number = 10
        while not stop.is_set():
            days(lake, 1, first=number)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        folders = [backup.take(lake, databases, tmp_path / "backups", NOW + timedelta(hours=n)).folder for n in range(3)]
    finally:
        stop.set()
        writer.join()
    for number, folder in enumerate(folders):
        urls = {name: f"sqlite:///{tmp_path}/r{number}/{name}.sqlite" for name in databases}
        backup.restore(folder, urls, f"{tmp_path}/r{number}/lake")
        with Lake.open(urls["catalog"], f"{tmp_path}/r{number}/lake") as again:
            assert total(again)[0] % 300 == 0


def test_a_backup_leaves_the_log_of_an_open_reader_alone(remembered, tmp_path):
    """Two SQLites in one process do not see each other's locks: the one that closes deletes the other's write-ahead log."""
    lake, databases = remembered
    catalog = Path(databases["catalog"].removeprefix("sqlite:///"))
    logs = [catalog.with_name(f"{catalog.name}{end}") for end in ("-wal", "-shm")]
    cursor = lake.cursor()
    cursor.execute("BEGIN")
    cursor.execute(f"SELECT count(*) FROM {LAKE}.prices").fetchall()  # the transaction holds its connection to the catalog
    before = [log.stat().st_ino for log in logs]
    backup.take(lake, databases, tmp_path / "backups", NOW)
    assert [log.stat().st_ino for log in logs] == before
    cursor.execute("COMMIT")


def test_a_catalog_that_cannot_be_copied_leaves_no_backup(remembered, tmp_path):
    lake, databases = remembered
    with pytest.raises(Outage, match=r"nowhere\.sqlite could not be copied: .*unable to open"):
        backup.take(lake, databases | {"other": f"sqlite:///{tmp_path}/nowhere.sqlite"}, tmp_path / "backups", NOW)
    with pytest.raises(WrongUse, match="no backup in"):
        backup.newest(tmp_path / "backups")


def test_a_damaged_backup_is_refused_and_nothing_is_written(remembered, tmp_path):
    lake, databases = remembered
    taken = backup.take(lake, databases, tmp_path / "backups", NOW)
    harmed = next((tmp_path / "backups" / "data").rglob("*.parquet"))
    harmed.write_bytes(harmed.read_bytes()[:-1] + b"x")
    urls, data = elsewhere(tmp_path)
    with pytest.raises(Refused, match="is damaged: 1 files"):
        backup.restore(taken.folder, urls, data)
    assert not (tmp_path / "again").exists()


def test_a_restore_overwrites_nothing(remembered, tmp_path):
    lake, databases = remembered
    taken = backup.take(lake, databases, tmp_path / "backups", NOW)
    with pytest.raises(Refused, match="there already"):
        backup.restore(taken.folder, databases, lake.data_path)
    with pytest.raises(WrongUse, match="is no backup"):
        backup.restore(tmp_path / "backups", *elsewhere(tmp_path))
    with pytest.raises(WrongUse, match="no backup in"):
        backup.newest(tmp_path / "nowhere")


def test_postgresql_is_dumped_and_restored_with_its_own_tools(postgres, tmp_path):
    if not shutil.which("pg_dump"):
        pytest.skip("pg_dump is not on this machine")
    import psycopg

    with Lake.open(postgres, f"{tmp_path}/lake") as lake:
        days(lake, 2)
        before = total(lake)
        with open_ledger(postgres) as ledger:
            head = ledger.journal("note", {"words": "x"}, NOW)
        taken = backup.take(lake, {"catalog": postgres}, tmp_path / "backups", NOW)
    other = f"{postgres}_again"
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {other.rsplit('/', 1)[1]}")
    try:
        backup.restore(taken.folder, {"catalog": other}, f"{tmp_path}/again")
        with Lake.open(other, f"{tmp_path}/again") as again, open_ledger(other) as ledger:
            assert total(again) == before
            assert ledger.verify(head).head == head
    finally:
        with psycopg.connect(postgres, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {other.rsplit('/', 1)[1]} WITH (FORCE)")
