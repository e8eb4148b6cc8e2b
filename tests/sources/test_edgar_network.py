"""The SEC over HTTP: who asks, what is asked for, and what becomes of 8-K items, foreign filers and faults."""

import datetime as dt
import gzip
import json

import polars as pl
import pytest
import records
import replay

from portfolio.errors import Broken, Outage, Refused, WrongUse
from sources import open_source
from sources.edgar.concepts import CONCEPTS, TAGS
from sources.edgar.events import ITEMS
from sources.edgar.shelf import site
from sources.port import Access

UTC = dt.UTC
CONTACT = "Jo Doe jo@example.com"


@pytest.fixture
def sec(replaying):
    """sec(**routes) -> (the source, the server), with these answers over the usual ones."""

    def opened(routes=()):
        server = replaying({**records.SEC, **dict(routes)})
        return open_source("edgar", access=Access(url=server.url, contact=CONTACT)), server

    return opened


@pytest.mark.parametrize("contact", ["", "Jo Doe", "Jö jo@example.com", "jo@example.com\r\nX: y"])
def test_without_a_contact_nothing_is_asked(contact):
    with pytest.raises(WrongUse, match=r"TRIMTAB_CONTACT.*--from-file"):
        open_source("edgar", access=Access(contact=contact))


def test_each_request_says_who_asks_and_each_document_is_asked_for_once(sec):
    source, server = sec()
    for dataset in ("fundamentals", "news", "identifiers"):
        source.read(dataset, ["EXM.B"])
    assert {request.headers["User-Agent"] for request in server.requests} == {CONTACT}
    asked = [request.path for request in server.requests]
    assert sorted(asked) == sorted(set(asked))


def test_the_sec_is_asked_five_times_a_second_at_most():
    assert site(Access(contact=CONTACT)).pace == 5
    assert site(Access(contact=CONTACT)).base == "https://data.sec.gov"


def test_several_symbols_in_one_read_and_a_share_class_by_either_name(sec):
    rows = sec()[0].read("fundamentals", ["EXM-B", "IFR"])
    assert set(rows.get_column("instrument")) == {"US:EXM.B", "US:IFR"}


def test_a_fact_is_known_from_its_acceptance_in_older_parts_too(sec):
    rows = sec()[0].read("fundamentals", ["EXM.B"])
    known = dict(rows.select("accession", "known_at").unique().rows())
    assert known == {
        "0001234-21-000001": dt.datetime(2021, 10, 29, 10, tzinfo=UTC),  # accepted the evening before: public from 06:00
        "0001234-22-000001": dt.datetime(2022, 1, 25, 21, 30, tzinfo=UTC),
        "0001234-12-000009": dt.datetime(2012, 10, 30, 20, 0, 5, tzinfo=UTC),
    }


def test_older_parts_are_not_asked_for_when_only_news_of_late_is_wanted(sec):
    source, server = sec()
    source.read("news", ["EXM.B"], since=dt.date(2021, 1, 1))
    assert not [request for request in server.requests if "submissions-001" in request.path]


def test_an_8k_is_a_row_an_item_with_its_title_and_address(sec):
    rows = sec()[0].read("news", ["EXM.B"]).sort("published", "item")
    told = rows.select("published", "known_at", "headline", "item").rows()
    midnight = dt.datetime(1996, 10, 29, 3, tzinfo=UTC)  # nobody kept the hour: the date's 22:00 counts
    evening, morning = dt.datetime(2021, 11, 3, 22, 4, 28, tzinfo=UTC), dt.datetime(2021, 11, 4, 10, tzinfo=UTC)
    accepted = dt.datetime(2021, 10, 28, 20, 31, tzinfo=UTC)
    assert told == [
        (midnight, midnight, "Other events", "5"),
        (midnight, midnight, "Financial statements and exhibits", "7"),
        (accepted, accepted, "Results of operations and financial condition", "2.02"),
        (accepted, accepted, "Financial statements and exhibits", "9.01"),
        (evening, morning, "Results of operations and financial condition (amended)", "2.02"),
    ]
    assert set(rows.get_column("kind")) == {"filing"}
    assert set(rows.get_column("publisher")) == {"Example Inc."}
    assert rows.get_column("sentiment").null_count() == rows.height
    assert rows.filter(pl.col("item") == "9.01").item(0, "url").endswith("/edgar/data/1234/000123421000006/d8k.htm")


def test_a_company_is_identified_as_the_sec_does(sec):
    rows = sec()[0].read("identifiers", ["EXM.B", "IFR"])
    told = {(row["instrument"], row["kind"]): row["value"] for row in rows.iter_rows(named=True)}
    assert told == {
        ("US:EXM.B", "cik"): "0000001234",
        ("US:EXM.B", "name"): "Example Inc.",
        ("US:EXM.B", "sector"): "Electronic Computers",
        ("US:EXM.B", "exchange"): "NYSE",
        ("US:IFR", "cik"): "0000005678",
        ("US:IFR", "name"): "Beispiel SE",
    }


def test_a_foreign_filer_has_the_same_concepts_in_its_own_currency(sec):
    rows = sec()[0].read("fundamentals", ["IFR"])
    told = {concept: (value, unit) for concept, value, unit in rows.select("concept", "value", "unit").rows()}
    assert told == {
        "Revenue": (27_842, "EUR"),
        "CostOfRevenue": (7_946, "EUR"),
        "GrossProfit": (19_897, "EUR"),
        "OperatingIncome": (4_656, "EUR"),
        "NetIncome": (5_256, "EUR"),
        "NetIncomeWithMinorities": (5_383, "EUR"),
        "EarningsPerShareDiluted": (4.46, "EUR/shares"),
        "WeightedSharesDiluted": (1_180, "shares"),
        "Assets": (71_169, "EUR"),
        "Equity": (38_852, "EUR"),
        "EquityWithMinorities": (41_523, "EUR"),
        "Cash": (8_898, "EUR"),
        "OperatingCashFlow": (6_223, "EUR"),
        "CapitalExpenditure": (800, "EUR"),
        "SharesOutstanding": (1_200, "shares"),
        "ifrs-full:FinanceCosts": (1_949, "EUR"),
    }
    assert set(rows.get_column("form")) == {"20-F"}
    assert set(rows.get_column("known_at")) == {dt.datetime(2022, 2, 28, 11, 30, tzinfo=UTC)}


def test_no_tag_has_two_meanings():
    assert len(TAGS) == sum(len(tags) for tags in CONCEPTS.values())
    assert all(concept.isalpha() and concept[0].isupper() for concept in CONCEPTS)


def test_a_fund_without_facts_is_left_out_beside_others_and_refused_alone(sec):
    source, server = sec()
    server.play("/api/xbrl/companyfacts/CIK0000001234.json", replay.Answer(b"no such key", 404))
    assert set(source.read("fundamentals", ["EXM.B", "IFR"]).get_column("symbol")) == {"IFR"}
    with pytest.raises(Refused, match=r"no facts of EXM\.B"):
        source.read("fundamentals", ["EXM.B"])


def test_an_item_that_nobody_taught_us_names_the_file_to_teach(sec):
    odd = json.loads(json.dumps(records.SUBMISSIONS))
    odd["filings"]["recent"]["items"][2] = "2.99"
    with pytest.raises(Broken, match=r"'2\.99'.*sources/edgar/events\.py"):
        sec({"/submissions/CIK0000001234.json": odd})[0].read("news", ["EXM.B"])


def test_two_filings_of_one_evening_that_say_the_same_are_one_row(sec):
    twice = json.loads(json.dumps(records.SUBMISSIONS))
    for column in twice["filings"]["recent"].values():
        column.append(column[2])
    rows = sec({"/submissions/CIK0000001234.json": twice})[0].read("news", ["EXM.B"])
    assert rows.select("published", "headline").is_duplicated().sum() == 0
    assert rows.height == 5


FAULTS = {
    "an error page": (replay.page(), Refused, "HTML page"),
    "a list": (replay.Answer(b"[1]"), Refused, "list and no JSON object"),
    "half a body": (replay.half(json.dumps(records.FACTS)), Outage, "half a body"),
    "undeclared": (replay.page(403), Refused, "403"),
    "no facts": (replay.Answer(b"{}"), Refused, "no `facts`"),
    "elsewhere": (replay.redirect("http://localhost:9/x"), Refused, "elsewhere"),
}


@pytest.mark.parametrize(("answer", "kind", "says"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_the_site_is_refused_in_one_sentence(sec, monkeypatch, answer, kind, says):
    monkeypatch.setattr("sources.web.Web._pause", lambda *_: 0.0)
    with pytest.raises(kind, match=says) as caught:
        sec({"/api/xbrl/companyfacts/CIK0000001234.json": answer})[0].read("fundamentals", ["EXM.B"])
    assert "\n" not in str(caught.value)


def test_an_older_part_with_a_path_for_a_name_is_never_asked_for(sec):
    odd = json.loads(json.dumps(records.SUBMISSIONS))
    odd["filings"]["files"][0]["name"] = "../../../etc/passwd"
    source, server = sec({"/submissions/CIK0000001234.json": odd})
    with pytest.raises(Refused, match="older file"):
        source.read("news", ["EXM.B"])
    assert not [request for request in server.requests if "passwd" in request.path]


@pytest.mark.shared
def test_apples_real_submissions_over_http(shared_data, sec):
    def body(name):
        return gzip.decompress((shared_data / "edgar" / f"{name}.json.gz").read_bytes())

    part = "CIK0000320193-submissions-001"
    routes = {
        "/files/company_tickers.json": body("company_tickers"),
        "/submissions/CIK0000320193.json": body("submissions_CIK0000320193"),
        f"/submissions/{part}.json": body(f"submissions_{part}"),
        "/api/xbrl/companyfacts/CIK0000320193.json": body("companyfacts_CIK0000320193_AAPL"),
    }
    source, _ = sec(routes)
    rows = source.read("news", ["AAPL"])
    listed = [json.loads(routes[f"/submissions/{name}.json"]) for name in ("CIK0000320193", part)]
    columns = [each.get("filings", {}).get("recent", each) for each in listed]
    told = [
        (accepted, form[-2:] == "/A", item)
        for each in columns
        for form, items, accepted in zip(each["form"], each["items"], each["acceptanceDateTime"], strict=True)
        if form.startswith("8-K") and items
        for item in items.split(",")
    ]
    assert (len(told), len(set(told))) == (370, 369), "one item stands in two filings of one day"
    assert rows.height == 369
    assert rows.filter(pl.col("known_at") < pl.col("published")).height == 0
    assert set(rows.get_column("item")) <= set(ITEMS)
    earnings = rows.filter(pl.col("item") == "2.02", pl.col("published").dt.year() == 2023).get_column("published")
    assert dt.datetime(2023, 8, 3, 20, 30, 21, tzinfo=UTC) in earnings.to_list()
    facts = source.read("fundamentals", ["AAPL"])
    assert facts.height == 24_579
    by_day = facts.filter(pl.col("known_at").dt.convert_time_zone("America/New_York").dt.time() == dt.time(22))
    assert by_day.filter(pl.col("filed") < dt.date(2023, 8, 1)).height == 0, "every filing listed has its acceptance"
