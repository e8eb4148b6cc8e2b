"""The laws of a source, over every room and each dataset that it gives."""

import datetime as dt

import charts
import polars as pl
import pytest
import records
from polars.testing import assert_frame_equal

from portfolio.errors import Refused, WrongUse
from portfolio.rates import ECB
from portfolio.schema import TABLES
from sources import NAMES, open_source
from sources.fred.series import SERIES
from sources.port import Access, keeps_vintages

TYPES = {
    "VARCHAR": pl.String,
    "DATE": pl.Date,
    "DOUBLE": pl.Float64,
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
    "BOOLEAN": pl.Boolean,
}
DESCRIBES = {
    "prices": "session",
    "corporate_actions": "ex_session",
    "macro": "date",
    "fundamentals": "period_end",
    "universe": "from_session",
    "symbols": "from_session",
    "news": "published",
}
SUBJECTS = (
    *("sample-prices", "sample-macro", "sample-universe", "edgar-fundamentals", "files-prices", "files-macro"),
    *("yahoo-prices", "yahoo-corporate_actions", "stooq-prices"),
    *(
        "sec-fundamentals",
        "sec-news",
        "sec-identifiers",
        "fred-macro",
        "ecb-macro",
        "news-news",
        "members-universe",
        "members-symbols",
    ),
    *(f"files:{subject}" for subject in records.LAYOUTS),
)
# What the vendors on the network answer, and whom to ask them for: they list nothing of themselves.
ROUTES = {
    "yahoo": {
        charts.CHART + "AAPL": charts.AAPL,
        charts.CHART + "MSFT": charts.MSFT,
    },
    "stooq": {
        charts.STOOQ + "?s=aapl.us&i=d": charts.AAPL_CSV,
        charts.STOOQ + "?s=msft.us&i=d": charts.MSFT_CSV,
        charts.STOOQ: "No data",
    },
}
ROUTES |= {"sec": records.SEC, "fred": records.fred(SERIES), "news": records.NEWS, "ecb": records.ecb(ECB)}
EVERYONE = dict.fromkeys(("yahoo", "stooq", "news"), ("AAPL", "MSFT")) | {"sec": ("EXM.B", "IFR")}
OPENED_AS = {"sec": "edgar"}  # the same source, over the network
WHO = {"macro": "series", "identifiers": "instrument"}


def day_of(dataset):
    """The day that a row describes; of an instant, its day in New York."""
    day = pl.col(DESCRIBES[dataset])
    return day.dt.convert_time_zone("America/New_York").dt.date() if dataset == "news" else day


@pytest.fixture(params=SUBJECTS)
def subject(request, write, prices_csv, macro_csv, facts, replaying):
    """(how to open the source, the dataset, whom to ask for where the source must be told)."""
    room, _, told = request.param.rpartition(":")
    name, dataset = told.split("-")
    if room:
        return lambda: open_source(room, write(*records.LAYOUTS[told]), layout=name), dataset, None
    if name in ROUTES:
        access = Access(url=replaying(ROUTES[name]).url, contact="Jo Doe jo@example.com")
        return lambda: open_source(OPENED_AS.get(name, name), access=access), dataset, EVERYONE.get(name)
    bodies = {"files-prices": prices_csv, "files-macro": macro_csv, "edgar-fundamentals": facts}
    body = (bodies | {"members-universe": records.SPELLS, "members-symbols": records.TICKERS}).get(request.param)
    file = write("given.json" if name == "edgar" else "given.csv", body) if body else None
    symbol = "EXM" if name == "edgar" else None
    return lambda: open_source(name, file, symbol=symbol), dataset, None


@pytest.fixture
def read(subject):
    source, dataset, everyone = subject[0](), *subject[1:]
    return lambda symbols=everyone, **named: source.read(dataset, symbols, **named)


def test_columns_and_types_are_the_staged_ones(read, subject):
    table = TABLES[subject[1]]
    frame = read()
    assert tuple(frame.columns) == table.staged
    assert frame.schema == {c.name: TYPES[c.type] for c in table.columns if c.name in table.staged}
    assert frame.height > 0


def test_a_key_comes_once_and_its_parts_are_there(read, subject):
    table, frame = TABLES[subject[1]], read()
    versions = ("known_at",) if keeps_vintages(subject[0]()) else ()
    assert frame.select(*table.key, *versions).is_duplicated().sum() == 0
    required = [name for name in table.key if name != "period_start"]
    assert frame.select(pl.col(required).null_count()).row(0) == (0,) * len(required)


def test_nothing_is_known_before_the_day_it_describes(read, subject):
    frame = read()
    assert frame.get_column("known_at").null_count() == 0
    if subject[1] not in DESCRIBES:
        pytest.skip("describes no day")
    day = day_of(subject[1])
    assert frame.filter(pl.col("known_at").dt.convert_time_zone("America/New_York").dt.date() < day).height == 0


def test_a_number_is_finite_or_null(read):
    frame = read()
    numbers = [name for name, kind in frame.schema.items() if kind == pl.Float64]
    for name in numbers:
        assert frame.get_column(name).drop_nulls().is_finite().all()


def test_reading_twice_gives_the_same(subject):
    again = [subject[0]().read(subject[1], subject[2]) for _ in range(2)]
    assert_frame_equal(*again)


def test_symbols_choose_and_an_unknown_one_is_refused_with_those_there_are(read, subject):
    who = WHO.get(subject[1], "symbol")
    everything = read()
    one = everything.item(0, who).removeprefix("US:")
    assert_frame_equal(read([one]), everything.filter(pl.col(who).str.strip_prefix("US:") == one))
    assert read([]).height == 0
    with pytest.raises(Refused, match="NOSUCH" if subject[2] else rf"NOSUCH.*{one}"):
        read(["NOSUCH"])


def test_a_source_that_cannot_list_its_symbols_wants_them_named(subject):
    if subject[2] is None:
        pytest.skip("lists its own")
    with pytest.raises(WrongUse, match="--symbols"):
        subject[0]().read(subject[1])


def test_since_and_until_are_both_included(read, subject):
    if subject[1] not in DESCRIBES or subject[1] == "universe":
        pytest.skip("not bounded by days")
    everything, day = read(), day_of(subject[1])
    middle = everything.select(day).to_series().sort().item(everything.height // 2)
    assert_frame_equal(read(since=middle, until=middle), everything.filter(day == middle))
    assert read(since=dt.date(2100, 1, 1)).height == 0


def test_the_declaration_names_the_source_and_what_its_bars_have(subject):
    source = subject[0]()
    said = source.declaration()
    assert said.source == source.name
    if "prices" in source.datasets:
        frame = source.read("prices", subject[2])
        filled = {c for c in ("open", "high", "low", "close", "volume") if frame.get_column(c).null_count() < frame.height}
        assert said.has == filled
        assert set(frame.get_column("adjustment").unique()) == {said.adjustment}


def test_instruments_are_those_of_the_rows(subject):
    source = subject[0]()
    if subject[1] not in {"prices", "fundamentals"}:
        pytest.skip("speaks of no instruments of its own")
    rows = source.read(subject[1], subject[2])  # first: a source on the network knows of those it was asked for
    pairs = {(i.instrument, i.symbol) for i in source.instruments()}
    assert set(rows.select("instrument", "symbol").unique().rows()) == pairs


def test_a_dataset_it_has_not_is_wrong_use(subject):
    with pytest.raises(WrongUse, match="has no weather"):
        subject[0]().read("weather")


def test_an_unknown_source_is_named_with_those_there_are():
    with pytest.raises(WrongUse, match="sample, edgar, files, yahoo, stooq"):
        open_source("bloomberg")
    assert NAMES[:5] == ("sample", "edgar", "files", "yahoo", "stooq")


def test_a_file_source_without_a_file_says_so():
    with pytest.raises(WrongUse, match="--from-file"):
        open_source("files")
