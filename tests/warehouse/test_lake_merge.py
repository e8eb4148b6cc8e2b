"""What a merge adds, what it leaves, what it refuses."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from warehouse_rows import NOW, frame, load, macro, price, when

from portfolio.errors import Refused, WrongUse
from portfolio.schema import TABLES
from warehouse.merge import Merged
from warehouse.views import COLUMNS

DAY = date(2020, 1, 2)


def test_a_new_fact_a_revision_and_nothing_new(lake):
    assert load(lake, "prices", [price("A", DAY, 10.0)]) == Merged(1, 0, 0)
    first = lake.snapshot()
    assert load(lake, "prices", [price("A", DAY, 10.0)]) == Merged(0, 0, 1)
    assert lake.snapshot() == first, "an unchanged merge makes no snapshot"
    assert load(lake, "prices", [price("A", DAY, 11.0)], at=NOW) == Merged(0, 1, 0)
    assert lake.snapshot() == first + 1
    rows = lake.query("SELECT close, known_at, loaded_at FROM raw.prices ORDER BY known_at")[1]
    assert rows == [(10.0, when(1, 22 * 3600), NOW), (11.0, NOW, NOW)]


def test_a_later_known_at_is_kept_and_a_stepped_back_clock_hides_nothing(lake):
    load(lake, "macro", [macro("CPI", DAY, 1.0, when(10))], at=when(10))
    load(lake, "macro", [macro("CPI", DAY, 2.0, when(40))], at=when(50))
    assert lake.query("SELECT value, known_at FROM macro")[1] == [(2.0, when(40))]
    load(lake, "macro", [macro("CPI", DAY, 3.0, when(40))], at=when(20))
    assert lake.query("SELECT value, known_at FROM macro")[1] == [(3.0, when(40).replace(microsecond=1))]


def test_a_vendor_that_changes_its_mind_back_is_believed(lake):
    for value in (1.0, 2.0, 1.0):
        load(lake, "prices", [price("A", DAY, value)])
    assert lake.query("SELECT close FROM prices")[1] == [(1.0,)]
    assert lake.query("SELECT count(*) FROM raw.prices")[1] == [(3,)]


def test_nulls_are_equal_to_nulls_and_nan_is_null(lake):
    load(lake, "prices", [price("A", DAY, 10.0, open=float("nan"))])
    assert load(lake, "prices", [price("A", DAY, 10.0, open=None)]) == Merged(0, 0, 1)
    assert load(lake, "prices", [price("A", DAY, None)]) == Merged(0, 1, 0)
    assert lake.query("SELECT open, close FROM raw.prices WHERE open IS NULL")[1] == [(None, 10.0), (None, None)]


def test_a_balance_without_a_start_is_one_fact(lake):
    row = {"instrument": "A", "concept": "Equity", "period_end": DAY, "value": 5.0, "unit": "USD", "accession": "x"}
    row |= {"source": "edgar", "known_at": when(30)}
    assert load(lake, "fundamentals", [row]) == Merged(1, 0, 0)
    assert load(lake, "fundamentals", [row]) == Merged(0, 0, 1)


def test_one_batch_may_hold_new_changed_and_unchanged_rows_of_many_years(lake):
    load(lake, "prices", [price("A", date(year, 3, 2), 1.0) for year in range(2001, 2011)])
    batch = [price("A", date(year, 3, 2), 2.0 if year == 2005 else 1.0) for year in range(2003, 2013)]
    assert load(lake, "prices", batch) == Merged(2, 1, 7)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([price("A", DAY, 1.0), price("A", DAY, 2.0)], "1 facts stand twice in one batch for prices, first A 2020-01-02 test."),
        ([price("A", DAY, 1.0) | {"instrument": None}], "1 rows for prices lack one of instrument, session, source, known_at."),
        ([price("A", DAY, 1.0) | {"known_at": None}], "1 rows for prices lack one of"),
    ],
)
def test_what_no_batch_may_hold(lake, rows, said):
    before = lake.snapshot()
    with pytest.raises(Refused, match=said):
        load(lake, "prices", rows)
    assert lake.snapshot() == before


def test_missing_and_wrong_columns_are_refused_by_name(lake):
    good = frame("prices", [price("A", DAY, 1.0)])
    for bad, said in (
        (good.drop("close", "source"), "lack close, source"),
        (good.with_columns(pl.lit("1.0").alias("close")), "close as VARCHAR instead of DOUBLE"),
        (good.with_columns(pl.col("known_at").dt.replace_time_zone(None)), "known_at as TIMESTAMP instead of TIMESTAMPTZ"),
        (good.with_columns(pl.col("session").cast(pl.String)), "session as VARCHAR instead of DATE"),
    ):
        with pytest.raises(Refused, match=said), lake.transaction("run", NOW) as tx:
            tx.stage("prices", bad)


def test_whole_numbers_arrow_tables_and_categories_are_taken(lake):
    rows = frame("prices", [price("A", DAY, 1.0)]).with_columns(
        pl.lit(3).alias("close"), pl.lit(7).cast(pl.Int32).alias("volume"), pl.col("symbol").cast(pl.Categorical), extra=pl.lit(1)
    )
    with lake.transaction("run", NOW) as tx:
        name = tx.stage("prices", rows.to_arrow())
        assert [row[0] for row in tx.cursor.execute(f"DESCRIBE {name}").fetchall()] == list(TABLES["prices"].staged)
        tx.merge("prices", name)
    assert lake.query("SELECT close, volume FROM prices")[1] == [(3.0, 7.0)]


def test_an_exception_rolls_everything_back(lake):
    before = lake.snapshot()
    with pytest.raises(ZeroDivisionError), lake.transaction("run", NOW) as tx:
        tx.merge("prices", tx.stage("prices", frame("prices", [price("A", DAY, 1.0)])))
        raise ZeroDivisionError
    assert lake.snapshot() == before
    assert lake.query("SELECT count(*) FROM prices")[1] == [(0,)]
    assert load(lake, "prices", [price("A", DAY, 1.0)]) == Merged(1, 0, 0)


def test_the_cursor_sees_what_the_transaction_wrote_and_makes_temporary_tables(lake):
    with lake.transaction("run", NOW) as tx:
        tx.merge("prices", tx.stage("prices", frame("prices", [price("A", DAY, 1.0)])))
        tx.cursor.execute("CREATE OR REPLACE TEMP TABLE seen AS SELECT * FROM lake.main.prices")
        assert tx.cursor.execute("SELECT count(*) FROM seen").fetchone() == (1,)
    assert tx.snapshot == lake.snapshot()


def test_quarantine_keeps_a_row_once_a_law(lake):
    rows = frame("prices", [price("A", DAY, -1.0), price("B", DAY, 1e12)])
    for run, fresh in (("one", 3), ("two", 0)):
        with lake.transaction(run, NOW) as tx:
            name = tx.stage("prices", rows)
            tx.cursor.execute(f"""CREATE OR REPLACE TEMP TABLE bad AS SELECT *, 'positive' AS law FROM {name} WHERE close < 0
                                  UNION ALL SELECT *, 'plausible' FROM {name}""")
            assert tx.quarantine("prices", "bad") == fresh
    found = lake.query("SELECT run, dataset, law, \"row\"->>'close', symbol, source FROM quarantine ORDER BY ALL")[1]
    assert found == [
        ("one", "prices", "plausible", "-1.0", "A", "test"),
        ("one", "prices", "plausible", "1000000000000.0", "B", "test"),
        ("one", "prices", "positive", "-1.0", "A", "test"),
    ]


def test_the_views_have_the_promised_columns_first(lake):
    # What notebooks and dashboards outside this repository read by name.
    promised = {
        "prices": "instrument, symbol, session, open, high, low, close, volume, currency, source, known_at",
        "prices_adjusted": "instrument, symbol, session, open, high, low, close, volume, currency, source, known_at",
        "corporate_actions": "instrument, symbol, ex_session, kind, ratio, amount, currency, source, known_at",
        "fundamentals": "instrument, symbol, concept, period_start, period_end, value, unit, form, filed, source, known_at",
        "ratios": "instrument, symbol, ratio, period_end, value, known_at",
        "macro": "series, date, value, source, known_at",
        "news": "instrument, symbol, published, kind, headline, source, known_at",
        "universe": "name, instrument, symbol, from_session, to_session",
        "quarantine": "run, dataset, law, row, quarantined_at",
    }
    for view, words in promised.items():
        names = lake.query(f"SELECT * FROM {view} LIMIT 0")[0]
        assert ", ".join(names[: words.count(",") + 1]) == words
    for table in TABLES.values():
        assert set(lake.query(f"SELECT * FROM {table.name} LIMIT 0")[0]) == set(table.names)
    assert set(COLUMNS) == set(TABLES)


def test_wrong_use(lake):
    with pytest.raises(WrongUse, match="no time zone"), lake.transaction("run", NOW.replace(tzinfo=None)):
        pass
    with pytest.raises(WrongUse, match="no table 'nix'"), lake.transaction("run", NOW) as tx:
        tx.merge("nix", "x")
