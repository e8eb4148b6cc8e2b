import datetime as dt
import gzip
import json
import time
import tracemalloc

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.errors import Refused
from sources import open_source
from sources.edgar.document import document
from sources.edgar.filings import known_by_acceptance, known_by_date

UTC = dt.UTC


def opened(file, **named):
    return open_source("edgar", file, **{"symbol": "EXM", **named})


def test_a_restatement_is_a_further_row_and_equal_facts_are_one(write, facts):
    rows = opened(write("f.json", facts)).read("fundamentals")
    revenue = rows.filter(pl.col("concept") == "Revenue").select("value", "filed", "accession").rows()
    assert revenue == [(100.0, dt.date(2021, 10, 29), "1"), (90.0, dt.date(2022, 1, 25), "2")]


def test_the_first_tag_takes_the_concept_and_the_others_keep_their_own(write, facts):
    rows = opened(write("f.json", facts)).read("fundamentals")
    assert sorted(rows.get_column("concept").unique()) == ["Assets", "Revenue", "us-gaap:Goodwill", "us-gaap:SalesRevenueNet"]


def test_without_a_submissions_file_known_at_is_ten_in_the_evening_of_new_york(write, facts):
    known = opened(write("f.json", facts)).read("fundamentals").select("filed", "known_at").unique().sort("filed").rows()
    assert known == [
        (dt.date(2021, 10, 29), dt.datetime(2021, 10, 30, 2, tzinfo=UTC)),
        (dt.date(2022, 1, 25), dt.datetime(2022, 1, 26, 3, tzinfo=UTC)),
    ]


def test_a_submissions_file_gives_the_acceptance_and_the_ticker(write, facts):
    recent = {"accessionNumber": ["1", "2"], "acceptanceDateTime": ["2021-10-28T18:04:28.000Z", "2022-01-25T16:30:00.000Z"]}
    submissions = write("s.json.gz", {"tickers": ["REAL"], "filings": {"recent": recent}})
    source = opened(write("f.json", facts), symbol=None, submissions=submissions)
    assert [i.symbol for i in source.instruments()] == ["REAL"]
    known = source.read("fundamentals").select("filed", "known_at").unique().sort("filed").rows()
    assert known == [
        (dt.date(2021, 10, 29), dt.datetime(2021, 10, 29, 10, tzinfo=UTC)),  # accepted the evening before: public from 06:00
        (dt.date(2022, 1, 25), dt.datetime(2022, 1, 25, 21, 30, tzinfo=UTC)),
    ]


@given(st.datetimes(dt.datetime(2001, 1, 1), dt.datetime(2030, 1, 1)))
def test_acceptance_is_never_before_the_filing_day_nor_after_its_cut_off(accepted):
    filed = accepted.date()
    known = known_by_acceptance(filed, accepted.replace(tzinfo=UTC))
    assert known <= known_by_date(filed)
    assert known.astimezone(known_by_date(filed).tzinfo) >= dt.datetime(filed.year, filed.month, filed.day, 10, tzinfo=UTC)


def test_a_file_that_names_nobody_asks_for_the_symbol(write, facts):
    with pytest.raises(Refused, match=r"does not say the ticker of Example Inc\. Give it with --symbols\."):
        opened(write("f.json", facts), symbol=None).instruments()


def test_the_label_in_a_files_name_is_its_ticker(write, facts):
    source = opened(write("companyfacts_CIK0000320193_AAPL.json.gz", facts), symbol=None)
    assert [i.symbol for i in source.instruments()] == ["AAPL"]


def one_fact(**changed):
    fact = {"end": "2020-01-01", "filed": "2020-02-01", "accn": "1", "form": "10-K", "val": 1, **changed}
    return json.dumps({"facts": {"us-gaap": {"Assets": {"units": {"USD": [fact]}}}}})


GARBAGE = {
    "truncated": json.dumps({"facts": {"us-gaap": {}}})[:-3],
    "empty": "",
    "html": "\n <!DOCTYPE html><html>Your Request Originates from an Undeclared Automated Tool</html>",
    "binary": b"\xff\xfe\x00\x01",
    "array": "[1, 2]",
    "number": "3",
    "deep": "[" * 100_000 + "]" * 100_000,
    "deep object": '{"facts":' * 100_000,
    "no facts": "{}",
    "facts are a list": '{"facts": []}',
    "tags are a list": '{"facts": {"us-gaap": []}}',
    "units are missing": '{"facts": {"us-gaap": {"Assets": {}}}}',
    "entry is a word": '{"facts": {"us-gaap": {"Assets": {"units": {"USD": ["x"]}}}}}',
    "not a number": '{"facts": {"us-gaap": {"Assets": {"units": {"USD": [{"end": "2020-01-01", "val": NaN}]}}}}}',
    "too large": '{"facts": {"us-gaap": {"Assets": {"units": {"USD": [{"end": "2020-01-01", "val": 1e999}]}}}}}',
    "many digits": '{"facts": {"us-gaap": {"A": {"units": {"USD": [{"val": ' + "9" * 5000 + "}]}}}}}",
    "large whole": one_fact(val=int("9" * 400)),
    "text value": one_fact(val="1"),
    "yes for a value": one_fact(val=True),
    "date is a number": one_fact(end=5),
    "date is no date": one_fact(end="2020-02-31"),
}  # fmt: skip


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_refused_in_one_sentence(write, body):
    with pytest.raises(Refused) as caught:
        opened(write("f.json", body)).read("fundamentals")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "f.json" in str(caught.value)


def test_half_a_gzip_is_refused(write, facts):
    with pytest.raises(Refused, match="not whole gzip"):
        opened(write("f.json", gzip.compress(json.dumps(facts).encode())[:-20])).read("fundamentals")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(Refused, match="No such file"):
        opened(tmp_path / "none.json").read("fundamentals")


def test_a_small_file_that_unpacks_beyond_the_cap_never_fills_the_memory(write):
    bomb = write("bomb.json.gz", b" " * 50_000_000)
    assert bomb.stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(Refused, match="more than 5 MB"):
        document(bomb, cap=5 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.shared
@pytest.mark.parametrize(("name", "count"), [("0000320193_AAPL", 24_579), ("0001835632_MRVL", 8_053), ("0001640147_SNOW", 8_163)])
def test_the_real_files_are_read_whole_and_fast(shared_data, name, count):
    started = time.process_time()
    rows = open_source("edgar", shared_data / "edgar" / f"companyfacts_CIK{name}.json.gz").read("fundamentals")
    assert rows.height == count
    assert time.process_time() - started < 5  # 0.6 s here


@pytest.mark.shared
def test_apples_restated_earnings_both_stay(shared_data):
    rows = open_source("edgar", shared_data / "edgar" / "companyfacts_CIK0000320193_AAPL.json.gz").read("fundamentals")
    diluted = rows.filter(
        pl.col("concept") == "EarningsPerShareDiluted",
        pl.col("period_start") == dt.date(2007, 9, 30),
        pl.col("period_end") == dt.date(2008, 9, 27),
    )
    told = diluted.sort("known_at").select("value", "filed").rows()
    assert told[:2] == [(5.36, dt.date(2009, 10, 27)), (6.78, dt.date(2010, 1, 25))]


@pytest.mark.shared
def test_real_acceptances_are_never_later_than_the_date_alone(shared_data):
    folder = shared_data / "edgar"
    facts = folder / "companyfacts_CIK0001835632_MRVL.json.gz"
    plain = open_source("edgar", facts).read("fundamentals")
    exact = open_source("edgar", facts, submissions=folder / "submissions_CIK0001835632_MRVL.json.gz").read("fundamentals")
    both = pl.DataFrame(
        {"plain": plain.get_column("known_at"), "exact": exact.get_column("known_at"), "filed": plain.get_column("filed")}
    )
    assert both.filter(pl.col("exact") > pl.col("plain")).height == 0
    assert both.filter(pl.col("exact") < pl.col("plain")).height > 7_000
    assert both.filter(pl.col("exact").dt.convert_time_zone("America/New_York").dt.date() < pl.col("filed")).height == 0
