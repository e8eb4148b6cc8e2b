"""Somebody's own SELECT, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from threading import Thread

import duckdb
import pytest
from warehouse_rows import NOW, load, macro, price, when

from portfolio.errors import Refused, Trouble, WrongUse
from portfolio.schema import TABLES
from warehouse import extensions, query, views
from warehouse.layout import LAKE

DAY = date(2020, 1, 2)
NOTHING_BUT_SELECT = [
    "COPY (SELECT 1) TO '{tmp}/out.csv'",
    "COPY raw.prices FROM '../x.csv'",
    "ATTACH '{tmp}/x.db'",
    "DETACH lake",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET VARIABLE as_known_at = now()",
    "PRAGMA version",
    "CALL lake.set_commit_message('a', 'b')",
    "DROP TABLE raw.prices",
    "DELETE FROM raw.prices",
    "INSERT INTO raw.prices SELECT * FROM raw.prices",
    "CREATE TABLE x AS SELECT 1",
    "EXPORT DATABASE '{tmp}'",
    "EXPLAIN ANALYZE DELETE FROM raw.prices",
    "SELECT 1; DROP TABLE raw.prices",
    "SELECT * FROM read_csv('../x.csv')",
    "SELECT * FROM read_parquet('{tmp}/lake/**/*.parquet')",
    "SELECT * FROM read_text('/etc/hostname')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM '../x.csv'",
    "SELECT * FROM '/etc/hostname'",
    "SELECT * FROM '{tmp}/catalog.sqlite'",
    "SELECT * FROM sqlite_scan('{tmp}/catalog.sqlite', 'ducklake_snapshot')",
    "SELECT * FROM sqlite_query('{tmp}/catalog.sqlite', 'SELECT 1')",
    "SELECT * FROM postgres_query('x', 'SELECT 1')",
    "SELECT * FROM query('COPY (SELECT 1) TO ''{tmp}/out.csv''')",
    "SELECT * FROM query_table('prices')",
    "SELECT * FROM lake.snapshots()",
    "SELECT * FROM __ducklake_metadata_lake.ducklake_snapshot",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_databases",
    "SELECT * FROM duckdb_databases, (WITH duckdb_databases AS (SELECT 1) SELECT 1)",
    "SELECT * FROM (SHOW DATABASES)",
    "SELECT (SELECT max(content) FROM read_text('/etc/hostname'))",
    "SELECT close FROM prices WHERE close IN (SELECT 1 FROM read_csv('../x.csv'))",
    "WITH a AS (SELECT * FROM read_csv('../x.csv')) SELECT * FROM a",
    "SELECT nope FROM prices",
    "SELECT 'a'::INTEGER",
    "",
    "nonsense",
]


@pytest.fixture(scope="module")
def asked(shared_lake):
    """`Lake.query`, on one connection for many statements: a statement that passes the first wall would run."""
    with extensions.connect(("ducklake", "sqlite_scanner")) as con:
        shared_lake.attach(con, LAKE, read_only=True)
        con.execute(f"USE {LAKE}.main")

        def ask(sql):
            query.check(con, sql)
            return query.answered(con, sql)

        yield ask


@pytest.mark.parametrize("sql", NOTHING_BUT_SELECT)
def test_refused_with_a_sentence(asked, tmp_path, sql):
    with pytest.raises(Refused) as caught:
        asked(sql.format(tmp=tmp_path))
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


def test_plain_questions_are_answered(lake):
    load(lake, "prices", [price("A", DAY, 10.0), price("B", DAY, 20.0)])
    assert lake.query("SELECT symbol, close FROM prices ORDER BY symbol") == (["symbol", "close"], [("A", 10.0), ("B", 20.0)])
    assert lake.query("WITH a AS (SELECT close FROM lake.main.prices) SELECT sum(close) FROM a")[1] == [(30.0,)]
    assert lake.query("SELECT count(*) FROM raw.prices, range(3)")[1] == [(6,)]
    assert lake.query("FROM prices SELECT count(*)")[1] == [(2,)]
    assert lake.query("VALUES (1)")[1] == [(1,)]


def test_a_symbol_that_looks_like_sql_is_a_symbol(lake):
    name = "A'; DROP TABLE raw.prices; --"
    load(lake, "prices", [price(name, DAY, 10.0)])
    with lake.at(lake.snapshot()) as reader:
        assert reader.prices([name, "../../x", "CON", "\u202e", ""], NOW).fields["close"].tolist() == [10.0]
    assert lake.query("SELECT count(*) FROM raw.prices")[1] == [(1,)]


def test_as_known_at_hides_what_was_known_later_in_every_view(lake):
    load(lake, "prices", [price("A", DAY, 10.0)], at=when(3))
    load(lake, "prices", [price("A", DAY, 11.0), price("B", DAY, 1.0, when(30))], at=when(30))
    for view in ("prices", "prices_adjusted"):
        assert lake.query(f"SELECT symbol, close FROM {view}", as_known_at=when(10))[1] == [("A", 10.0)]
        assert lake.query(f"SELECT count(*) FROM {view}", as_known_at=when(0))[1] == [(0,)]
        assert lake.query(f"SELECT symbol, close FROM {view} ORDER BY 1")[1] == [("A", 11.0), ("B", 1.0)]
    with pytest.raises(WrongUse, match="no time zone"):
        lake.query("SELECT 1", as_known_at=when(1).replace(tzinfo=None))


def test_a_query_may_name_its_snapshot(lake):
    load(lake, "macro", [macro("CPI", DAY, 1.0, when(3))])
    before = lake.snapshot()
    load(lake, "macro", [macro("CPI", DAY, 2.0, when(9))])
    assert lake.query("SELECT value FROM macro", snapshot=before)[1] == [(1.0,)]
    with pytest.raises(Refused, match="no snapshot 99"):
        lake.query("SELECT 1", snapshot=99)


def test_the_second_wall_stands_without_the_first(lake, home, tmp_path, monkeypatch):
    monkeypatch.setattr(query, "check", lambda con, sql: None)
    (tmp_path / "x.csv").write_text("a\n1\n")
    for sql in (f"COPY (SELECT 1) TO '{tmp_path}/out.csv'", f"SELECT * FROM '{tmp_path}/x.csv'", f"ATTACH '{tmp_path}/x.db'"):
        with pytest.raises((Trouble, duckdb.Error)):
            lake.query(sql)
    with pytest.raises((Trouble, duckdb.Error)):
        lake.query("SET enable_external_access = true")
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "x.db").exists()


def test_any_duckdb_can_attach_and_go_back_in_time(lake):
    load(lake, "prices", [price("A", DAY, 10.0)], at=when(3))
    load(lake, "prices", [price("A", DAY, 11.0)], at=when(30))
    statement = lake.attach_statement()
    with extensions.connect(("ducklake", "sqlite_scanner")) as con:
        con.execute(statement.split("\n", 1)[1])  # the first line installs and loads, which the wheels have done here
        assert con.execute("SELECT close FROM prices").fetchall() == [(11.0,)]
        con.execute("SET VARIABLE as_known_at = TIMESTAMPTZ '2020-01-20 00:00:00+00'")
        assert con.execute("SELECT close FROM prices").fetchall() == [(10.0,)]
        with pytest.raises(duckdb.Error, match="read-only"):
            con.execute("DELETE FROM raw.prices")
    assert statement.startswith("INSTALL ducklake; INSTALL sqlite;")
    assert LAKE in statement
    assert Path(statement.split("ducklake:sqlite:")[1].split("'")[0]).is_file()


def test_an_answer_larger_than_duckdbs_buffer_comes_whole():
    """DuckDB hands a large answer over while it works on it; in the wrong order the parts of a view wait for each other for ever."""
    table, many = TABLES["prices"], 3_000_000
    con = duckdb.connect()
    con.execute("SET threads = 1; CREATE SCHEMA raw")
    con.execute(f"CREATE TABLE raw.prices ({', '.join(f'{column.name} {column.type}' for column in table.columns)})")
    con.execute("CREATE TABLE raw.prices_revised AS SELECT instrument, session, source FROM raw.prices")
    said = "'A' AS instrument, DATE '2020-01-02' - n::INTEGER AS session, n::DOUBLE AS close, 'test' AS source"
    con.execute(f"INSERT INTO raw.prices BY NAME SELECT {said}, now() AS known_at FROM range({many}) t (n)")
    answers = []
    sql = f"SELECT session, close FROM ({views.newest(table, known=views.ALL)})"
    asked = Thread(target=lambda: answers.append(con.execute(sql).fetchnumpy()), daemon=True)
    asked.start()
    asked.join(30)
    con.interrupt()
    assert len(answers) == 1, "it still waits"
    assert answers[0]["close"].sum() == many * (many - 1) / 2
