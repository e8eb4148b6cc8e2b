"""Every recorded answer of Yahoo: what is read of it, what is refused, and how ours compares with others' figures."""

import csv
import datetime as dt
import io
import json
import zipfile

import numpy as np
import polars as pl
import pytest
from charts import at, split

from portfolio.errors import Refused
from warehouse.lake import Lake

pytestmark = pytest.mark.shared
UTC = dt.UTC
NOW = dt.datetime(2025, 2, 24, tzinfo=UTC)
AAPL_AUTUMN = "chart-AAPL-2020-08-31-to-2020-11-07.json"
MSFT_YEAR = "historical-via-chart-MSFT-dividends-2021-02-01-to-2022-01-31.csv.json"

# file -> (symbol, identity, first session, first close, bars, actions)
READ = {
    "chart-AAPL-2020-01-01-to-2020-01-03.json": ("AAPL", "US:AAPL", dt.date(2020, 1, 2), 75.0875, 1, 0),
    AAPL_AUTUMN: ("AAPL", "US:AAPL", dt.date(2020, 8, 31), 129.04, 49, 2),
    "chart-BABA-2020-01-01-to-2020-01-03.json": ("BABA", "US:BABA", dt.date(2020, 1, 2), 219.77, 1, 0),
    "chart-BTC-USD-2020-01-01-to-2020-01-03.json": ("BTC-USD", "CCC:BTC-USD", dt.date(2020, 1, 1), 7200.174, 3, 0),
    "chart-EURUSD=X-2020-01-01-to-2020-01-03.json": ("EURUSD=X", "CCY:EURUSD=X", dt.date(2020, 1, 1), 1.122083, 3, 0),
    "chart-OCDO.L-2020-01-01-to-2020-01-03.json": ("OCDO.L", "XLON:OCDO", dt.date(2020, 1, 2), 12.595, 1, 0),  # 1259.5 pence
    "chart-QQQ-2020-01-01-to-2020-01-03.json": ("QQQ", "US:QQQ", dt.date(2020, 1, 2), 216.16, 1, 0),
    MSFT_YEAR: ("MSFT", "US:MSFT", dt.date(2021, 2, 1), 239.65, 252, 4),
    "response_yahoo_historical01.txt": ("MUV2.DE", "XETR:MUV2", dt.date(2017, 11, 27), 188.55, 123, 0),  # closes only, one null
    "yahoo_australian_quotes.txt": ("ALL.AX", "XASX:ALL", dt.date(2021, 10, 13), 44.70088, 64, 0),
}
REFUSED = {
    "chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m.json": "bars of '1m' and not of a day",
    "chart-notimestamp-quotes-length.fake.json": "lists of different lengths",
    "fundamentalsTimeSeries-AAPL-balance-sheet-quarterly.json": "no chart",
    "fundamentalsTimeSeries-AAPL-cash-flow-annual.json": "no chart",
    "fundamentalsTimeSeries-AAPL-financials-quarterly.json": "no chart",
    "pageWith404andJson.fake.json": "no chart",
    "pageWithUnknownError.json": "no chart",
    "search-badResult.fake.json": "no chart",
    "weirdJsonResult.fake.json": "no chart",
}
# v7_2021: CSV of an address that Yahoo has closed.


def recorded(shared_data, name):
    """The body of a recording (most are kept with their request around them)."""
    document = json.loads((shared_data / "yahoo_json" / name).read_text())
    return document["response"]["bodyJson"] if "response" in document else document


@pytest.mark.parametrize(("name", "told"), READ.items(), ids=READ)
def test_what_is_a_daily_chart_is_read(shared_data, yahoo, name, told):
    symbol, identity, session, close, bars, actions = told
    source = yahoo({symbol: recorded(shared_data, name)}, now=NOW)
    prices = source.read("prices", [symbol])
    first = prices.row(0, named=True)
    assert (first["instrument"], first["session"], first["close"]) == (identity, session, close)
    assert (prices.height, source.read("corporate_actions", [symbol]).height) == (bars, actions)
    assert len(source.server.requests) == 1
    assert source.source.instruments()[0].instrument == identity


@pytest.mark.parametrize(("name", "says"), REFUSED.items(), ids=REFUSED)
def test_what_is_none_is_refused(shared_data, yahoo, name, says):
    with pytest.raises(Refused, match=says):
        yahoo({"AAPL": recorded(shared_data, name)}).read("prices", ["AAPL"])


def test_every_recording_is_accounted_for(shared_data):
    there = {each.name for each in (shared_data / "yahoo_json").iterdir()}
    assert there - {"SOURCE.txt", "v7_2021"} == READ.keys() | REFUSED.keys()


@pytest.mark.parametrize(("name", "symbol", "dividends"), [(AAPL_AUTUMN, "AAPL", 1), (MSFT_YEAR, "MSFT", 4)])
def test_our_adjustment_in_the_warehouse_is_yahoos_own(shared_data, yahoo, tmp_path, name, symbol, dividends):
    """Raw prices and actions in, `prices_adjusted` out: equal to Yahoo's adjclose up to what came after the recording."""
    answer = recorded(shared_data, name)
    source = yahoo({symbol: answer}, now=NOW)
    with Lake.open(f"sqlite:///{tmp_path}/catalog.sqlite", f"{tmp_path}/lake") as lake:
        with lake.transaction(run="run", at=NOW) as tx:
            for dataset in ("prices", "corporate_actions"):
                tx.merge(dataset, tx.stage(dataset, source.read(dataset, [symbol])))
        with lake.at(lake.snapshot()) as reader:
            ours = reader.prices([symbol], NOW).fields["close"].ravel()
    result = answer["chart"]["result"][0]
    theirs = np.array(result["indicators"]["adjclose"][0]["adjclose"])
    assert len(result["events"]["dividends"]) == dividends
    unpaid = np.array(result["indicators"]["quote"][0]["close"])
    assert abs(unpaid[0] / unpaid[-1] / (theirs[0] / theirs[-1]) - 1) > 1e-3  # the dividends are in it
    np.testing.assert_allclose(ours / ours[-1], theirs / theirs[-1], rtol=2e-6)


SPLITS = {dt.date(2000, 6, 21): "2:1", dt.date(2005, 2, 28): "2:1", dt.date(2014, 6, 9): "7:1", dt.date(2020, 8, 31): "4:1"}


def test_twenty_years_of_apple_come_back_as_dealt(shared_data, yahoo):
    """Yahoo's split-adjusted history of 2020 (four splits, 112 of its shares for one of 1999) against WIKI's unadjusted one."""
    source = yahoo({"AAPL": apple(shared_data)})
    ours = source.read("prices", ["AAPL"])
    assert len(source.server.requests) == 1
    with zipfile.ZipFile(shared_data / "quandl_wiki" / "wiki_2018-03-27.zip") as archive:
        wiki = pl.read_csv(archive.read("WIKI-AAPL.csv"), try_parse_dates=True)
    both = ours.join(wiki.select(session="Date", dealt="Close", shares="Volume"), on="session")
    apart = (pl.col("close") - pl.col("dealt")).abs()
    assert both.height > 4500
    assert both.select((apart <= 0.0051).mean()).item() > 0.99  # the rest are days on which the two vendors disagree
    cents = both.filter(pl.col("session") >= dt.date(2001, 4, 9)).get_column("close")
    assert (cents == cents.round(2)).mean() > 0.999
    sixteenths = both.filter(pl.col("session") < dt.date(2000, 6, 21)).get_column("close")
    assert (sixteenths * 64 == (sixteenths * 64).round(0)).mean() > 0.95  # WIKI has rounded them to cents
    volume = both.select(((pl.col("volume") / pl.col("shares") - 1).abs() < 0.01).mean()).item()
    assert volume > 0.9


def apple(shared_data):
    """The recorded CSV in the shape of a chart, with the four splits among its events."""
    with zipfile.ZipFile(shared_data / "yahoo_sp500_1999_2020" / "yahoo_2020-10-28.zip") as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("stock_dfs/AAPL.csv").decode())))
    times = [at(dt.date.fromisoformat(row["Date"])) for row in rows]
    quote = {name: [float(row[name.title()]) for row in rows] for name in ("open", "high", "low", "close", "volume")}
    events = {"splits": {str(at(day)): split(at(day), words) for day, words in SPLITS.items()}}
    meta = {
        "symbol": "AAPL",
        "currency": "USD",
        "exchangeName": "NMS",
        "exchangeTimezoneName": "America/New_York",
        "dataGranularity": "1d",
    }
    return {
        "chart": {
            "result": [{"meta": meta, "timestamp": times, "events": events, "indicators": {"quote": [quote]}}],
            "error": None,
        }
    }
