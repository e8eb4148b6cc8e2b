"""The shipped table of episodes against the recordings that it was made from, where they are there."""

import gzip
import os
import zipfile
from bisect import bisect_right
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from portfolio.risk.stress.episodes import EPISODES, EQUITIES_A_POINT

SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
ROUNDED = 0.0006  # the table has three digits
D = date.fromisoformat

pytestmark = pytest.mark.shared


@pytest.fixture(autouse=True)
def recordings():
    if not SHARED.exists():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")


@cache
def etf(symbol: str) -> dict[date, float]:
    """Adjusted closes."""
    with zipfile.ZipFile(SHARED / "etf_yfinance_multiheader" / "yfinance_2025-09-26.zip") as there:
        rows = there.read(f"{symbol}.csv").decode().splitlines()[4:]
    return {D(r[:10]): float(r.split(",")[1]) for r in rows}


@cache
def fred(*names: str) -> dict[date, float]:
    """Yields in percent."""
    rows = [r.split(",") for name in names for r in (SHARED / "fred" / name).read_text().splitlines()[1:]]
    return {D(day): float(value) for day, value in rows if value not in {"", "."}}


@cache
def curve(years: str) -> dict[date, float]:
    rows = [r.split(",") for r in (SHARED / "macro" / "treasury_curves.csv").read_text().splitlines()]
    at = rows[0].index(years)
    return {D(r[0][:10]): 100 * float(r[at]) for r in rows[1:] if r[at]}


@cache
def moody() -> dict[date, float]:
    rows = [r.split(",") for r in (SHARED / "fred" / "FRED-MD_2019-09.csv").read_text().splitlines()]
    at = rows[0].index("BAA")
    days = ((r[0].split("/"), r[at]) for r in rows[2:] if r[0])
    return {date(int(year), int(month), 1): float(value) for (month, _, year), value in days}


def rolled(yields: dict[date, float], start: date, end: date, years: int) -> float:
    """Total return of a par bond of constant maturity, repriced at each yield, its coupon added by the day."""
    days, wealth = [d for d in sorted(yields) if start <= d <= end], 1.0
    for before, after in pairwise(days):
        coupon, new = yields[before] / 100, yields[after] / 100
        left = (1 + new / 2) ** (-2 * years)
        wealth *= coupon / new * (1 - left) + left + coupon * (after - before).days / 365.25
    return wealth - 1


def moved(prices: dict[date, float], start: date, end: date) -> float:
    days = sorted(prices)
    first, last = (prices[days[bisect_right(days, d) - 1]] for d in (start, end))
    return last / first - 1


@pytest.mark.parametrize("name", [n for n in EPISODES if n not in {"1987", "2010-05-06"}])
def test_the_sp500_and_its_dates(name):
    """The dates are those of its closing high and low: no close between is outside of them."""
    rows = gzip.decompress((SHARED / "skfolio" / "sp500_index.csv.gz").read_bytes()).decode().splitlines()[1:]
    index, there = {D(r.split(",")[0]): float(r.split(",")[1]) for r in rows}, EPISODES[name]
    assert index[there.trough] / index[there.start] - 1 == pytest.approx(there.returns["equities"], abs=ROUNDED)
    within = [v for d, v in index.items() if there.start <= d <= there.trough]
    assert (max(within), min(within)) == (index[there.start], index[there.trough])


def test_1987_by_the_whole_market():
    """French's market of all US stocks lost within a point of the S&P 500."""
    with zipfile.ZipFile(SHARED / "french" / "F-F_daily_CRSP_202311.zip") as there:
        rows = [r.split(",") for r in there.read(there.namelist()[0]).decode().splitlines()]
    wealth = 1.0
    for row in rows:
        if "19870825" < row[0] <= "19871204":
            wealth *= 1 + (float(row[1]) + float(row[4])) / 100
    assert wealth - 1 == pytest.approx(EPISODES["1987"].returns["equities"], abs=0.01)


def test_the_low_of_6_may_2010():
    rows = gzip.decompress((SHARED / "macro" / "sp500.csv.gz").read_bytes()).decode().splitlines()[1:]
    bars = {r.split(",")[0]: [float(x) for x in r.split(",")[1:]] for r in rows}
    low, close = bars["5/6/2010"][2], bars["5/5/2010"][3]
    assert (round(low, 2), round(close, 2)) == (1065.79, 1165.87)
    assert low / close - 1 == pytest.approx(EPISODES["2010-05-06"].returns["equities"], abs=ROUNDED)


@pytest.mark.parametrize("name", [n for n in EPISODES if EPISODES[n].start.year >= 2007])
def test_the_etfs(name):
    there = EPISODES[name]
    pairs = {
        "long_treasuries": "TLT",
        "short_treasuries": "SHY",
        "bonds": "AGG",
        "inflation_linked": "TIP",
        "credit": "LQD",
        "high_yield": "HYG",
        "gold": "GLD",
        "commodities": "DBC",
        "real_estate": "VNQ",
    }
    told = {c: moved(etf(s), there.start, there.trough) for c, s in pairs.items()}
    assert told == pytest.approx({c: there.returns[c] for c in pairs}, abs=ROUNDED)


@pytest.mark.parametrize("name", EPISODES)
def test_ten_year_treasuries(name):
    there, yields = EPISODES[name], fred("old_header_DGS10.csv", "new_header_DGS10.csv")
    assert rolled(yields, there.start, there.trough, 10) == pytest.approx(there.returns["treasuries"], abs=ROUNDED)


@pytest.mark.parametrize("name", ["1987", "1998", "2000-02"])
def test_what_there_was_before_the_etfs(name):
    there = EPISODES[name]
    told, at = there.returns, (there.start, there.trough)
    short = rolled(fred("old_header_DGS2.csv"), *at, 2)
    assert told["short_treasuries"] == pytest.approx(short, abs=ROUNDED)
    assert told["bonds"] == told["inflation_linked"] == min(told["short_treasuries"], told["treasuries"])
    long = rolled(curve("20year"), *at, 20) if name == "2000-02" else rolled(fred("old_header_DGS30.csv"), *at, 30)
    assert told["long_treasuries"] == pytest.approx(long, abs=ROUNDED)
    months = (there.start.replace(day=1), there.trough.replace(day=1))
    assert told["credit"] == pytest.approx(rolled(moody(), *months, 10), abs=ROUNDED)
    gold = {D(r[:7] + "-01"): float(r[8:]) for r in (SHARED / "macro" / "gold_monthly.csv").read_text().splitlines()[1:]}
    assert told["gold"] == pytest.approx(moved(gold, *months), abs=ROUNDED)
    rows = gzip.decompress((SHARED / "macro" / "wti.csv.gz").read_bytes()).decode().splitlines()[1:]
    oil = {
        date(int(year), int(month), int(day)): float(value)
        for (month, day, year), value in ((r.split(",")[0].split("/"), r.split(",")[1]) for r in rows)
        if value not in {"", "."}
    }
    assert told["commodities"] == pytest.approx(moved(oil, *at), abs=ROUNDED)


def test_the_yields_of_2022():
    yields, there = fred("new_header_DGS10.csv"), EPISODES["2022"]
    rise = (yields[there.trough] - yields[there.start]) / 100
    assert there.returns["equities"] / (rise / 0.01) == pytest.approx(EQUITIES_A_POINT, rel=1e-9)
