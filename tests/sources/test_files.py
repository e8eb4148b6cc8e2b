import datetime as dt
import gzip
from decimal import Decimal

import polars as pl
import pytest

from portfolio.errors import Refused, WrongUse
from sources import open_source
from sources.files.packed import Piece
from sources.files.sheets import text
from sources.files.table import table
from sources.news.feed import instant

HEAD = "symbol,session,close,currency\n"


@pytest.fixture
def opened(write):
    return lambda body, name="mine.csv", **named: open_source("files", write(name, body), **named)


def test_bars_are_as_written_and_known_from_the_close(opened, prices_csv):
    source = opened(prices_csv)
    row = source.read("prices", ["SPY"], dt.date(2022, 11, 25), dt.date(2022, 11, 25)).row(0, named=True)
    assert (row["open"], row["high"], row["low"], row["close"], row["volume"]) == (401.83, 402.91, 401.54, 402.33, 30545400.0)
    assert row["known_at"] == dt.datetime(2022, 11, 25, 18, tzinfo=dt.UTC)  # a half day
    assert (row["instrument"], row["currency"], row["adjustment"]) == ("US:SPY", "USD", "raw")


def test_adjustment_is_the_owners_word(opened, prices_csv):
    assert opened(prices_csv, adjustment="adjusted").declaration().adjustment == "adjusted"
    with pytest.raises(WrongUse, match="raw or adjusted"):
        opened(prices_csv, adjustment="perhaps")


def test_gzip_and_parquet_give_the_same_rows(opened, prices_csv, tmp_path):
    plain = opened(prices_csv).read("prices")
    assert opened(prices_csv, "mine.csv.gz").read("prices").equals(plain)
    typed = pl.read_csv(prices_csv.encode(), try_parse_dates=True)
    typed.write_parquet(tmp_path / "mine.parquet")
    assert open_source("files", tmp_path / "mine.parquet").read("prices").equals(plain)


def test_decimals_and_integers_of_parquet_are_numbers(tmp_path):
    file = tmp_path / "d.parquet"
    pl.DataFrame(
        {"symbol": ["A"], "session": [dt.date(2022, 1, 3)], "close": [Decimal("1.25")], "volume": [7], "currency": ["USD"]}
    ).write_parquet(file)
    assert open_source("files", file).read("prices").select("close", "volume").row(0) == (1.25, 7.0)


REFUSED = {
    "unknown column": (HEAD.replace("close", "close,foo") + "A,2022-01-03,1,2,USD\n", "unknown columns: foo"),
    "missing columns": ("symbol,close\nA,1\n", "lacks the columns currency, session"),
    "a column twice": ("symbol,session,date,close,currency\nA,2022-01-03,2022-01-03,1,USD\n", "columns twice: session"),
    "embedded header": (HEAD + "A,2022-01-03,1,USD\n" + HEAD, "header again on line 3"),
    "words for numbers": (
        HEAD + "A,2022-01-03,1,USD\nA,2022-01-04,.,USD\nA,2022-01-05,n/a,USD\n",
        "'.' for the number close on lines 3, 4",
    ),
    "formula for a number": (HEAD + "A,2022-01-03,=1+1,USD\n", "'=1\\+1' for the number close on line 2"),
    "infinity": (HEAD + "A,2022-01-03,inf,USD\n", "'inf' for the number close on line 2"),
    "a thousands comma": (HEAD + 'A,2022-01-03,"1,000",USD\n', "'1,000' for the number close on line 2"),
    "another date": (HEAD + "A,03/01/2022,1,USD\n", "'03/01/2022' for a session"),
    "no such day": (HEAD + "A,2022-02-30,1,USD\n", "'2022-02-30' for a session"),
    "too many cells": (HEAD + "A,2022-01-03,1,USD,5\n", "neither whole CSV nor Parquet"),
    "empty": ("", "is empty"),
    "blank": ("\n\n", "is empty"),
    "html": ("<html><body>no</body></html>", "unknown columns"),
    "not text": (b"\xff\xfe\x00\x00", "f"),
    "broken parquet": (b"PAR1 and then nothing", "neither whole CSV nor Parquet"),
}


@pytest.mark.parametrize(("body", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_by_name_and_line(opened, body, says):
    with pytest.raises(Refused, match=says) as caught:
        opened(body).read("prices")
    assert "\n" not in str(caught.value)


def test_half_a_gzip_is_refused(write, prices_csv):
    file = write("mine.csv", gzip.compress(prices_csv.encode())[:-20])
    with pytest.raises(Refused):
        open_source("files", file).read("prices")


def test_missing_numbers_are_null_and_for_the_laws(opened):
    rows = opened(HEAD + "A,2022-01-03,nan,USD\nA,2022-01-04,,USD\nA,2022-01-05, 1.5 ,USD\n").read("prices")
    assert rows.get_column("close").to_list() == [None, None, 1.5]


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-2+3", "@SUM(A1)"])
def test_a_formula_in_a_text_cell_stays_text(opened, cell):
    rows = opened(HEAD + f"{cell},2022-01-03,1,USD\n").read("prices")
    assert rows.get_column("symbol").to_list() == [cell]


def test_a_day_that_is_no_session_is_left_to_the_laws(opened):
    rows = opened(HEAD + "A,2022-12-25,1,USD\n").read("prices")
    assert rows.get_column("known_at").to_list() == [dt.datetime(2022, 12, 25, 21, tzinfo=dt.UTC)]


def test_a_daily_series_is_known_at_the_end_of_its_day(opened, macro_csv):
    rows = opened(macro_csv).read("macro", ["DGS10"])
    assert rows.get_column("known_at").to_list()[0] == dt.datetime(2022, 11, 24, 3, tzinfo=dt.UTC)


def test_a_monthly_series_must_say_when_it_was_known(opened):
    monthly = "series,date,value\nCPI,2022-10-01,298\nCPI,2022-11-01,299\n"
    with pytest.raises(Refused, match=r"CPI is not daily.*known_at"):
        opened(monthly).read("macro")
    told = monthly.replace("value\n", "value,known_at\n").replace("298", "298,2022-11-10T08:30:00-05:00")
    rows = opened(told.replace("299", "299,2022-12-13T13:30:00Z")).read("macro")
    assert rows.get_column("known_at").to_list() == [
        dt.datetime(2022, 11, 10, 13, 30, tzinfo=dt.UTC),
        dt.datetime(2022, 12, 13, 13, 30, tzinfo=dt.UTC),
    ]


def test_known_at_without_an_offset_is_refused(opened):
    with pytest.raises(Refused, match="'2022-11-10 08:30' for known_at on line 2"):
        opened("series,date,value,known_at\nCPI,2022-10-01,298,2022-11-10 08:30\n").read("macro")


def test_size_is_bounded_before_and_while_reading(write):
    big = write("big.csv", HEAD + "A,2022-01-03,1,USD\n" * 10_000)
    with pytest.raises(Refused, match="more than 0 MB"):
        table(big, size_cap=1000)
    bomb = write("bomb.csv.gz", HEAD.encode() + b"A,2022-01-03,1,USD\n" * 1_000_000)
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(Refused, match="more than 1 MB"):
        table(bomb, size_cap=1 << 20)


def test_the_rows_of_a_parquet_file_are_counted_from_its_metadata(tmp_path):
    pl.DataFrame({"symbol": ["A"] * 1000}).write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(Refused, match="says it has 1,000 rows, above 999"):
        table(tmp_path / "rows.parquet", row_cap=999)


def test_a_nul_becomes_the_mark_of_a_character_nobody_can_read(write, tmp_path):
    """A text ends there for many a database, and a whole batch would be lost for one cell."""
    wanted = [("A\ufffdB", "1"), ("C", "2\ufffd")]
    body = b"symbol,note\nA\x00B,1\nC,2\x00\n"
    assert table(write("nul.csv", body)).rows() == wanted
    assert table(write("nul.csv.gz", body)).rows() == wanted
    assert text(Piece("nul.csv", "nul.csv", body)).rows() == wanted
    pl.DataFrame({"symbol": ["A\x00B", "C"], "note": ["1", "2\x00"]}).write_parquet(tmp_path / "nul.parquet")
    assert table(tmp_path / "nul.parquet").rows() == wanted


def test_nested_columns_are_refused(tmp_path):
    pl.DataFrame({"symbol": [["A"]]}).write_parquet(tmp_path / "nested.parquet")
    with pytest.raises(Refused, match="nested or binary columns: symbol"):
        table(tmp_path / "nested.parquet")


def test_a_leap_second_stops_nobody(opened):
    """Python has no second 60: polars reads it as the one after it, and a feed's item goes on without a time, for the laws."""
    read = opened("series,date,value,known_at\nCPI,2016-12-01,298,2016-12-31T23:59:60Z\n").read("macro")
    assert read.item(0, "known_at") == dt.datetime(2017, 1, 1, tzinfo=dt.UTC)
    assert instant("Sat, 31 Dec 2016 23:59:60 +0000") is None
    assert instant("Sat, 31 Dec 2016 23:59:59 +0000") == dt.datetime(2016, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
