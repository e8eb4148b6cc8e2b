"""Ratios, quarters and twelve months of three companies' real filings, against the same filings read a second time by json alone."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sources import open_source
from warehouse.lake import Lake

SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
FILES = {"AAPL": "CIK0000320193_AAPL", "SNOW": "CIK0001640147_SNOW", "MRVL": "CIK0001835632_MRVL"}
LATE = datetime(2026, 6, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def filings(tmp_path_factory):
    """A lake with the three recordings in it."""
    if not (SHARED / "edgar").is_dir():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    folder = tmp_path_factory.mktemp("filings")
    with Lake.open(f"sqlite:///{folder}/catalog.sqlite", f"{folder}/lake") as lake:
        for symbol, name in FILES.items():
            source = open_source("edgar", SHARED / "edgar" / f"companyfacts_{name}.json.gz", symbol=symbol)
            with lake.transaction(run=symbol, at=LATE) as tx:
                tx.merge("fundamentals", tx.stage("fundamentals", source.read("fundamentals")))
        yield lake


def read(symbol, *tags):
    """(start, end) -> value by the newest filing, of the first of `tags` that tells a period. Read by json alone."""
    with gzip.open(SHARED / "edgar" / f"companyfacts_{FILES[symbol]}.json.gz") as body:
        facts = json.load(body)["facts"]["us-gaap"]
    found = {}
    for tag in reversed(tags):
        for entry in sorted(
            (facts.get(tag) or {"units": {"USD": []}})["units"]["USD"], key=lambda entry: (entry["filed"], entry["accn"])
        ):
            start = date.fromisoformat(entry["start"]) if "start" in entry else None
            found[start, date.fromisoformat(entry["end"])] = entry["val"]
    return found


REVENUE = ("Revenues", "RevenueFromContractWithCustomerExcludingAssessedTax", "SalesRevenueNet")
MILLION = 1e6


@pytest.mark.shared
def test_apples_years_are_as_filed(filings):
    """Revenue and net income of fiscal years 2009 to 2020, in millions, from Apple's annual reports (2009 as amended)."""
    filed = {
        2009: (42905, 8235), 2010: (65225, 14013), 2011: (108249, 25922), 2012: (156508, 41733), 2013: (170910, 37037), 2014: (182795, 39510),
        2015: (233715, 53394), 2016: (215639, 45687), 2017: (229234, 48351), 2018: (265595, 59531), 2019: (260174, 55256), 2020: (274515, 57411),
    }  # fmt: skip
    rows = filings.query(
        "SELECT r.period_end, r.value, n.value, m.value FROM ratios r JOIN ratios n USING (instrument, period_end) "
        "JOIN ratios m USING (instrument, period_end) WHERE r.symbol = 'AAPL' AND month(period_end) = 9 "
        "AND r.ratio = 'revenue_ttm' AND n.ratio = 'net_income_ttm' AND m.ratio = 'net_margin'"
    )[1]
    found = {end.year: (sales / MILLION, income / MILLION, margin) for end, sales, income, margin in rows}
    for year, (sales, income) in filed.items():
        assert found[year] == (sales, income, pytest.approx(income / sales, rel=1e-12)), year


@pytest.mark.shared
def test_apples_twelve_months_to_june_2019_and_what_they_are_worth(filings):
    def values(day):
        sql = f"SELECT ratio, value FROM ratios WHERE symbol = 'AAPL' AND period_end = DATE '{day}'"
        return dict(filings.query(sql)[1])

    june, year = values(date(2019, 6, 29)), values(date(2019, 9, 28))
    assert june["revenue_ttm"] == (265595 + 196134 - 202695) * MILLION
    assert june["net_income_ttm"] == (59531 + 41570 - 45406) * MILLION
    assert year["debt"] == (91807 + 10260 + 5980) * MILLION
    assert year["return_on_equity"] == pytest.approx(55256 / ((90488 + 107147) / 2), rel=1e-12)
    assert year["accruals"] == pytest.approx((55256 - 69391) / ((338516 + 365725) / 2), rel=1e-12)
    assert year["net_debt_to_ebitda"] == pytest.approx((108047 - 48844) / (63930 + 12547), rel=1e-12)
    assert year["interest_cover"] == pytest.approx(63930 / 3576, rel=1e-12)
    assert year["quick_ratio"] == pytest.approx((162819 - 4106) / 105718, rel=1e-12)
    assert year["free_cash_flow_ttm"] == (69391 - 10495) * MILLION


@pytest.mark.shared
def test_what_apple_had_earned_in_2008_depends_on_when_one_asks(filings):
    """Amended on 2010-01-25 for the accounting of iPhones: 5.36 a share became 6.78."""
    asked = "value, known_at FROM {} WHERE symbol = 'AAPL' AND period_end = DATE '2008-09-27' AND "
    sql = "SELECT " + asked.format("ratios") + "ratio = 'earnings_per_share'"
    plain = (
        "SELECT DISTINCT "
        + asked.format("fundamentals")
        + "concept = 'EarningsPerShareDiluted' AND period_start < DATE '2008-01-01' ORDER BY known_at"
    )
    before, after = datetime(2010, 1, 25, tzinfo=UTC), datetime(2010, 1, 27, tzinfo=UTC)
    assert filings.query(sql, datetime(2009, 10, 1, tzinfo=UTC))[1] == []
    assert [round(value, 2) for value, _ in filings.query(sql, before)[1]] == [5.36]
    ((value, known),) = filings.query(sql, after)[1]
    assert (round(value, 2), known) == (6.78, datetime(2010, 1, 26, 3, tzinfo=UTC))
    assert [value for value, _ in filings.query(plain, before)[1]] == [5.36]
    assert [value for value, _ in filings.query(plain, after)[1]] == [5.36, 6.78], "both filings stand in the table"


@pytest.mark.shared
@pytest.mark.parametrize("symbol", FILES)
def test_quarters_add_up_to_the_year_in_every_recording(filings, symbol):
    tags = {"Revenue": REVENUE, "NetIncome": ("NetIncomeLoss",), "GrossProfit": ("GrossProfit",), "OperatingIncome": ("OperatingIncomeLoss",),
            "OperatingCashFlow": ("NetCashProvidedByUsedInOperatingActivities",), "IncomeTax": ("IncomeTaxExpenseBenefit",)}  # fmt: skip
    checked, off = 0, []
    for concept, names in tags.items():
        sql = f"SELECT period_end, value FROM quarters WHERE instrument = 'US:{symbol}' AND concept = '{concept}'"
        quarters = dict(filings.query(sql)[1])
        years = {
            end: value for (start, end), value in read(symbol, *names).items() if start and 340 <= (end - start).days + 1 <= 385
        }
        for end, value in years.items():
            parts = [each for day, each in quarters.items() if end - timedelta(days=340) < day <= end]
            if len(parts) == 4:
                checked += 1
                if abs(sum(parts) - value) > 1e-9 * abs(value):
                    off.append((concept, end, sum(parts), value))
    assert (checked, off) == ({"AAPL": 101, "SNOW": 30, "MRVL": 36}[symbol], [])
