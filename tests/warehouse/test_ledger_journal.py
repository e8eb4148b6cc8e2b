"""The chain of hashes: whoever edits, removes, moves or cuts is found, by us and by ten lines of anyone's Python."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from portfolio.errors import Outage, Refused
from warehouse.journal import canonical
from warehouse.ledger import open_ledger

AT = datetime(2026, 1, 5, 15, tzinfo=UTC)


def checked_by_anyone(path):
    """Ten lines that know nothing of this project."""
    head, count = "0" * 64, 0
    with open(path, encoding="utf-8") as lines:  # noqa: PTH123 anyone writes it so
        for line in lines:
            row = json.loads(line)
            told = row.pop("hash")
            text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            head, count = hashlib.sha256((head + text).encode()).hexdigest(), count + 1
            assert (row["seq"], told) == (count, head), f"row {count} is bad"
    return count, head


def filled(url, rows=6):
    with open_ledger(url) as ledger:
        for n in range(rows):
            body = {"n": n, "price": Decimal("1.10"), "odd": 'ü "q" \\ \u2028 \x00 = - @', "float": 0.1 + n, "none": None}
            ledger.journal("note", body, AT)
        return ledger.head()


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path}/ledger.sqlite"


def test_an_export_is_verified_by_ten_lines_of_anyones_python(ledger, ledger_url, tmp_path):
    head = filled(ledger_url)
    assert ledger.export(tmp_path / "journal.jsonl") == ledger.verify()
    assert checked_by_anyone(tmp_path / "journal.jsonl") == (6, head)
    assert ledger.head() == head
    assert [p.name for p in tmp_path.glob("journal*")] == ["journal.jsonl"]


def test_an_empty_journal(ledger):
    assert ledger.verify().rows == 0
    assert ledger.head() == "0" * 64
    assert ledger.verify(head="0" * 64).rows == 0
    with pytest.raises(Refused, match="ends at row 0"):
        ledger.verify(head="ab")


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        ("UPDATE journal SET body = replace(body, '1.10', '9.10') WHERE seq = 3", "broken at row 3: it was changed or moved"),
        ("UPDATE journal SET at = '2027-01-05T15:00:00.000000Z' WHERE seq = 3", "broken at row 3"),
        ("UPDATE journal SET kind = 'other' WHERE seq = 1", "broken at row 1"),
        ("UPDATE journal SET body = replace(body, ':', ': ') WHERE seq = 2", "broken at row 2"),
        ("DELETE FROM journal WHERE seq = 4", "broken at row 4: it is missing"),
        ("DELETE FROM journal WHERE seq = 1", "broken at row 1: it is missing"),
        ("UPDATE journal SET seq = CASE seq WHEN 2 THEN -3 WHEN 3 THEN -2 ELSE seq END", "broken at row 2"),
        ("DELETE FROM journal WHERE seq = 3; UPDATE journal SET seq = -seq", "broken at row 3"),
    ],
)
def test_tampering_names_the_first_bad_row(sqlite_url, tmp_path, tamper, said):
    filled(sqlite_url)
    con = sqlite3.connect(tmp_path / "ledger.sqlite")
    con.executescript(tamper)
    if "-3" in tamper:
        con.executescript("UPDATE journal SET seq = -seq WHERE seq < 0")
    if "-seq" in tamper and "DELETE" in tamper:
        con.executescript("UPDATE journal SET seq = CASE WHEN -seq > 3 THEN -seq - 1 ELSE -seq END")
    con.commit()
    con.close()
    with open_ledger(sqlite_url) as ledger:
        with pytest.raises(Refused, match=said):
            ledger.verify()
        if "': '" in tamper:  # says the same in other spaces: an export writes it canonically again
            return
        ledger.export(tmp_path / "j.jsonl")
    with pytest.raises(AssertionError, match="is bad"):
        checked_by_anyone(tmp_path / "j.jsonl")


def test_a_cut_tail_is_found_against_a_head(sqlite_url, tmp_path):
    head = filled(sqlite_url)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as con:
        con.execute("DELETE FROM journal WHERE seq > 4")
    con.close()
    with open_ledger(sqlite_url) as ledger:
        assert ledger.verify().rows == 4, "by itself a shorter chain is sound"
        with pytest.raises(Refused, match=f"ends at row 4 and does not contain the head {head}: its tail was cut"):
            ledger.verify(head=head)


def test_a_head_of_last_week_is_still_in_the_chain(ledger):
    early = ledger.journal("note", {}, AT)
    ledger.journal("note", {}, AT)
    assert ledger.verify(head=early).rows == 2


WRITER = """
import sys
from datetime import UTC, datetime
from warehouse.ledger import open_ledger
with open_ledger(sys.argv[1]) as ledger:
    for n in range(15):
        ledger.journal(sys.argv[2], {"n": n}, datetime(2026, 1, 5, tzinfo=UTC))
"""


def test_two_processes_keep_one_chain(ledger_url):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, ledger_url, name]) for name in ("a", "b")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0], "they also made the tables at the same moment"
    with open_ledger(ledger_url) as ledger:
        assert ledger.verify().rows == 30


FULL = """
import resource, signal, sys
from datetime import UTC, datetime
from portfolio.errors import Outage
from warehouse.ledger import open_ledger
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open_ledger(sys.argv[1]) as ledger:
    ledger.journal("before", {}, datetime(2026, 1, 5, tzinfo=UTC))
    resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, resource.RLIM_INFINITY))
    try:
        ledger.journal("big", {"x": "y" * 2_000_000}, datetime(2026, 1, 5, tzinfo=UTC))
    except Outage as outage:
        print(outage)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    ledger.journal("after", {}, datetime(2026, 1, 5, tzinfo=UTC))
    assert ledger.verify().rows == 2
"""


def test_a_full_disk_is_an_outage(sqlite_url):
    done = subprocess.run([sys.executable, "-c", FULL, sqlite_url], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The ledger could not be written because the disk is full")


def test_a_server_that_is_away_is_an_outage_without_the_password():
    url = "postgresql://me:top" + "secret@127.0.0.1:1/none"
    with pytest.raises(Outage, match="The ledger did not answer") as caught:
        open_ledger(url)
    assert "topsecret" not in str(caught.value)


def test_a_damaged_and_a_newer_ledger_are_refused(sqlite_url, tmp_path):
    filled(sqlite_url)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as con:
        con.execute("UPDATE trimtab_version SET version_num = '9999'")
    con.close()
    with pytest.raises(Refused, match="migration 9999, which this Trimtab does not know"):
        open_ledger(sqlite_url)
    (tmp_path / "bad.sqlite").write_bytes(b"garbage" * 1000)
    with pytest.raises(Refused, match="is damaged"):
        open_ledger(f"sqlite:///{tmp_path}/bad.sqlite")


def test_the_migrations_make_the_tables_of_the_code(ledger_url):
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from warehouse.ledger import store
    from warehouse.ledger.tables import METADATA

    open_ledger(ledger_url).close()
    with sa.create_engine(ledger_url.replace("postgresql:", "postgresql+psycopg:")).connect() as con:
        context = MigrationContext.configure(con, opts={"version_table": store.VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []
    folder = store.Path(store.__file__).parent.parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == store.REVISION


def test_canonical_json_is_what_it_says():
    odd = {"b": Decimal("1.50"), "a": [1, 2.5, None, True], "n": float("-inf"), "t": AT, "s": "\ud800x", "é": {3, 1}}
    wanted = '{"a":[1,2.5,null,true],"b":"1.50","n":"-Infinity","s":"?x","t":"2026-01-05T15:00:00.000000Z","é":[1,3]}'
    assert canonical(odd) == wanted
    assert json.dumps(json.loads(wanted), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == wanted
