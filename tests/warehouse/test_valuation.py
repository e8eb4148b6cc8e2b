"""What a symbol is worth by its filings, session by session: only what had been told by then, and never a guess."""

from __future__ import annotations

import math
import os
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warehouse_rows import NOW, load, price, when

from sources import open_source
from warehouse.valuation import NAMES

SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
_COUNT = count()
YEAR, END = date(2019, 1, 1), date(2019, 12, 31)
DAYS = [day for day in (date(2020, 1, 6) + timedelta(days=n) for n in range(60)) if day.weekday() < 5]
YIELDS = ("market_value", "earnings_yield", "book_to_price", "sales_to_price", "free_cash_flow_yield", "dividend_yield")


def at(day, hour):
    """That hour of New York in winter."""
    return datetime(day.year, day.month, day.day, hour + 5, tzinfo=UTC)


def fact(name, concept, value, known, end=END, start=YEAR, **more):
    row = {"instrument": name, "symbol": name, "concept": concept, "period_start": start, "period_end": end, "value": value}
    row |= {"unit": "USD", "accession": f"{concept}{end}{known}", "source": "edgar", "known_at": known, "filed": known.date()}
    return row | more


def filing(name, known, **changed):
    """A year's figures of a company of ten shares."""
    flows = {"NetIncome": 8.0, "Revenue": 100.0, "OperatingCashFlow": 12.0, "CapitalExpenditure": 2.0, "GrossProfit": 40.0}
    stocks = {"Equity": 50.0, "Assets": 200.0, "Debt": 25.0}
    rows = [fact(name, concept, changed.get(concept, value), known) for concept, value in flows.items()]
    rows += [fact(name, concept, changed.get(concept, value), known, start=None) for concept, value in stocks.items()]
    before = {"start": None, "end": date(2018, 12, 31)}
    rows += [fact(name, "Equity", 30.0, known, **before), fact(name, "Assets", 200.0, known, **before)]
    return [*rows, fact(name, "SharesOutstanding", changed.get("SharesOutstanding", 10.0), known, start=None, unit="shares")]


def happened(name, day, kind, ratio=None, amount=None):
    row = {"instrument": name, "symbol": name, "ex_session": day, "kind": kind, "ratio": ratio, "amount": amount}
    return row | {"currency": "USD", "source": "test", "known_at": when(0)}


def told(lake, symbols, names, known=NOW, **how):
    """symbol -> session -> value or values (None: unknown)."""
    with lake.at(lake.snapshot()) as reader:
        found = reader.indicators(symbols, names, known, **how)
    out = {symbol: {} for symbol in symbols}
    for row, (n, day) in enumerate(zip(found.symbol, found.session.astype(object), strict=True)):
        values = tuple(None if math.isnan(found.values[name][row]) else float(found.values[name][row]) for name in names)
        out[found.symbols[n]][day] = values if len(names) > 1 else values[0]
    return out


@pytest.fixture
def company(lake):
    """Dealt at 16 a share from 2020-01-06 on; its year is told on the evening of the ninth; it paid a dividend, and one before."""
    load(lake, "prices", [price("A", day, 16.0) for day in DAYS])
    paid = [happened("A", day, "dividend", amount=amount) for day, amount in ((date(2018, 12, 3), 0.3), (DAYS[1], 0.8))]
    load(lake, "corporate_actions", paid)
    load(lake, "fundamentals", filing("A", at(DAYS[3], 17)))
    return lake


def test_yields_by_hand_and_from_the_session_after_the_evening_on_which_it_was_told(company):
    rows = told(company, ["A"], YIELDS)["A"]
    assert rows[DAYS[0]] == (None,) * 5 + (0.0,)
    assert rows[DAYS[3]] == (None,) * 5 + (0.05,), "after the close is not at the close"
    assert rows[DAYS[4]] == pytest.approx((160.0, 0.05, 0.3125, 0.625, 0.0625, 0.05))
    assert told(company, ["A"], ["net_margin"])["A"][DAYS[4]] == 0.08, "any ratio can be asked"


def test_a_split_moves_the_price_and_not_the_company(company):
    load(company, "prices", [price("A", day, 4.0, when(500)) for day in DAYS[10:]], at=NOW + timedelta(days=1))
    load(company, "corporate_actions", [happened("A", DAYS[10], "split", ratio=4.0)])
    rows = told(company, ["A"], YIELDS, NOW + timedelta(days=2))["A"]
    assert rows[DAYS[9]] == rows[DAYS[10]] == pytest.approx((160.0, 0.05, 0.3125, 0.625, 0.0625, 0.05))
    load(company, "fundamentals", filing("A", at(DAYS[12], 9), SharesOutstanding=40.0))
    rows = told(company, ["A"], ["market_value"], NOW + timedelta(days=2))["A"]
    assert {rows[DAYS[11]], rows[DAYS[12]], rows[DAYS[20]]} == {160.0}, "a filing after the split counts the new shares"


def test_a_split_without_a_ratio_makes_the_value_unknown_from_there(company):
    load(company, "corporate_actions", [happened("A", DAYS[10], "split")])
    rows = told(company, ["A"], ["market_value", "dividend_yield", "net_margin"])["A"]
    assert rows[DAYS[9]] == (160.0, 0.05, 0.08)
    assert rows[DAYS[10]] == (None, None, 0.08)


def test_a_restatement_counts_from_its_own_day_on(company):
    load(company, "fundamentals", [fact("A", "NetIncome", 16.0, at(DAYS[20], 12))])
    rows = told(company, ["A"], ["earnings_yield"])["A"]
    assert (rows[DAYS[19]], rows[DAYS[20]]) == (0.05, 0.1)


def test_what_is_too_old_says_nothing(lake):
    late = [date(2021, 5, 13), date(2021, 5, 14), date(2021, 5, 17)]  # 499, 500 and 503 days after the year's end
    load(lake, "prices", [price("A", day, 16.0) for day in late])
    load(lake, "corporate_actions", [happened("A", DAYS[1], "dividend", amount=0.8)])
    load(lake, "fundamentals", filing("A", at(DAYS[3], 17)))
    rows = told(lake, ["A"], ["earnings_yield", "dividend_yield"])["A"]
    assert [rows[day] for day in late] == [(0.05, 0.0), (0.05, 0.0), (None, 0.0)]


def test_other_currencies_adjusted_prices_and_silence_about_splits_are_unknown(lake):
    kinds = {"EURO": {"currency": "EUR"}, "ADJUSTED": {"adjustment": "adjusted"}, "SILENT": {"source": "quiet"}}
    for name, more in kinds.items():
        load(lake, "prices", [price(name, day, 16.0, **more) for day in DAYS])
        load(lake, "fundamentals", filing(name, at(DAYS[3], 17)))
    load(lake, "corporate_actions", [happened("ANOTHER", DAYS[1], "dividend", amount=1.0)])
    rows = told(lake, list(kinds), ["market_value", "dividend_yield", "net_margin"])
    assert [rows[name][DAYS[-1]] for name in kinds] == [(None, None, None), (None, None, 0.08), (None, None, 0.08)]


def test_figures_come_from_one_source_and_a_symbol_without_any_has_rows_of_nothing(company):
    load(company, "fundamentals", [fact("A", "NetIncome", 800.0, at(DAYS[10], 9), source="other")])
    load(company, "prices", [price("B", day, 16.0) for day in DAYS])
    rows = told(company, ["B", "A"], ["earnings_yield"])
    assert set(rows["B"].values()) == {None} and len(rows["B"]) == len(DAYS)
    assert rows["A"][DAYS[-1]] == 0.05


# -------------------------------------------------------------------- scores
MEMBERS = [f"M{n}" for n in range(30)]


def z(column):
    column = np.asarray(column, dtype=float)
    return np.clip((column - np.nanmean(column)) / np.nanstd(column, ddof=1), -3, 3)


def test_scores_are_means_of_cut_standings(lake):
    rng = np.random.default_rng(3)
    flows = {
        name: {"NetIncome": 8 * rng.uniform(0.2, 2), "Revenue": 100 * rng.uniform(0.5, 2), "Debt": rng.uniform(0, 90)}
        for name in MEMBERS
    }
    flows["M0"]["NetIncome"] = 5000.0  # far out: cut at three
    for name in MEMBERS:
        load(lake, "prices", [price(name, DAYS[4], 16.0)])
        rows = filing(name, at(DAYS[3], 17), **flows[name])
        load(
            lake,
            "fundamentals",
            [
                row
                for row in rows
                if (name, row["concept"]) not in {("M1", "Revenue"), ("M2", "Revenue"), ("M2", "OperatingCashFlow")}
            ],
        )
    load(lake, "corporate_actions", [happened("M9", DAYS[1], "dividend", amount=0.8)])
    parts = [
        "earnings_yield",
        "book_to_price",
        "sales_to_price",
        "free_cash_flow_yield",
        "return_on_equity",
        "gross_profitability",
        "accruals",
        "debt_to_equity",
    ]
    rows = told(lake, MEMBERS, ["value_score", "quality_score", *parts])
    seen = np.array([rows[name][DAYS[4]] for name in MEMBERS], dtype=float)
    yields, quality = seen[:, 2:6], seen[:, 6:]
    assert np.isnan(seen[:, 0]).all(), "every company has the same book value and cash flow: two parts are too few"
    roe, accruals, debt = z(quality[:, 0]), -z(quality[:, 2]), -z(quality[:, 3])
    expected = np.nanmean(np.array([roe, accruals, debt]), axis=0)
    expected[2] = np.nan  # without accruals two parts are left, as nobody's gross profitability differs
    assert np.nanmax(roe) == 3.0 and np.isnan(yields[1, 2])
    np.testing.assert_allclose(seen[:, 1], expected, rtol=1e-9)
    few = told(lake, MEMBERS[:4], ["quality_score"])
    assert {few[name][DAYS[4]] for name in few} == {None}, "four companies are no cross-section"


# -------------------------------------------------------------------- the future
LATER = st.lists(
    st.tuples(
        st.sampled_from(["NetIncome", "Revenue", "Equity", "SharesOutstanding"]),
        st.floats(-50, 500),
        st.integers(0, 30),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(LATER, st.integers(8, len(DAYS) - 5))
def test_what_is_told_later_changes_no_session_before(shared_lake, later, cut):
    name, quick = f"V{next(_COUNT)}", ["market_value", "earnings_yield", "book_to_price", "net_margin", "return_on_equity"]
    load(shared_lake, "prices", [price(name, day, 16.0 + n) for n, day in enumerate(DAYS)])
    load(shared_lake, "corporate_actions", [happened(name, DAYS[1], "dividend", amount=0.8)])
    load(shared_lake, "fundamentals", filing(name, at(DAYS[3], 17)))
    before = told(shared_lake, [name], quick)[name]
    rows = {}
    for concept, value, days, new in later:
        known, end = at(DAYS[cut], 17) + timedelta(days=days), date(2020, 3, 31) if new else END
        start = None if concept in {"Equity", "SharesOutstanding"} else end - timedelta(days=364)
        unit = "shares" if concept == "SharesOutstanding" else "USD"
        rows[concept, known, end] = fact(name, concept, value, known, end, start, unit=unit)
    load(shared_lake, "fundamentals", list(rows.values()), at=NOW)
    after = told(shared_lake, [name], quick)[name]
    assert {day: after[day] for day in DAYS[: cut + 1]} == {day: before[day] for day in DAYS[: cut + 1]}
    since = told(shared_lake, [name], quick, since=DAYS[cut - 2])[name]
    assert since == {day: after[day] for day in DAYS[cut - 2 :]}, "nor does it matter where one begins"


# -------------------------------------------------------------------- Apple
@pytest.fixture(scope="module")
def apple(tmp_path_factory):
    from warehouse.lake import Lake

    if not (SHARED / "edgar").is_dir():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    folder, lean = tmp_path_factory.mktemp("apple"), SHARED / "lean" / "Data" / "equity" / "usa"
    filings = SHARED / "edgar" / "companyfacts_CIK0000320193_AAPL.json.gz"
    with Lake.open(f"sqlite:///{folder}/catalog.sqlite", f"{folder}/lake") as lake:
        prices = open_source("files", lean / "daily", layout="lean").read("prices", ["AAPL"])
        actions = open_source("files", lean / "factor_files" / "aapl.csv", layout="lean").read("corporate_actions")
        facts = open_source("edgar", filings, symbol="AAPL").read("fundamentals")
        with lake.transaction(run="apple", at=datetime(2026, 6, 15, tzinfo=UTC)) as tx:
            for table, frame in (("prices", prices), ("corporate_actions", actions), ("fundamentals", facts)):
                tx.merge(table, tx.stage(table, frame))
        yield lake


@pytest.mark.shared
def test_apples_value_as_it_could_be_known(apple):
    """Shares from the covers of its reports, closes as dealt, and its year of 55,256 million on 260,174."""
    rows = told(apple, ["AAPL"], YIELDS, datetime(2026, 6, 15, tzinfo=UTC))["AAPL"]
    value = 293.65 * 4_443_236_000
    assert rows[date(2019, 12, 31)] == pytest.approx(
        (value, 55256e6 / value, 90488e6 / value, 260174e6 / value, (69391 - 10495) * 1e6 / value, (0.73 + 3 * 0.77) / 293.65),
        rel=2e-3,
    )
    assert rows[date(2019, 12, 31)][:4] == pytest.approx((value, 55256e6 / value, 90488e6 / value, 260174e6 / value), rel=1e-9)
    friday, monday = rows[date(2020, 8, 28)], rows[date(2020, 8, 31)]
    assert monday[0] / friday[0] == pytest.approx(129.04 * 4 / 499.23, rel=1e-6), (
        "four shares for one, and not a fourfold company"
    )
    assert rows[date(2014, 6, 6)][0] == pytest.approx(645.57 * 892_447_000, rel=0.01), (
        "its report of April counts shares in thousands"
    )


@pytest.mark.shared
def test_apple_at_any_session_is_what_a_reader_of_that_evening_saw(apple):
    """Seventeen years read at once, against the same read as known at each of some evenings."""
    names = [name for name in NAMES if name not in {"value_score", "quality_score", "market_value", "dividend_yield", *YIELDS}]
    whole = told(apple, ["AAPL"], names, datetime(2026, 6, 15, tzinfo=UTC))["AAPL"]
    days = [
        date(2009, 10, 28),
        date(2010, 1, 25),
        date(2010, 1, 26),
        date(2012, 5, 1),
        date(2014, 6, 9),
        date(2019, 8, 1),
        date(2020, 11, 2),
    ]
    for day in days:
        evening = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)  # not later than 16:00 in New York
        ratios = dict(zip(names, whole[day], strict=True))
        with apple.at(apple.snapshot()) as reader:
            found = reader.ratios(["US:AAPL"], names, evening)
        newest = {}
        for name, value in zip(found["ratio"], found["value"], strict=True):  # sorted by period: the last one stays
            newest[name] = value
        known = {name: value for name, value in ratios.items() if value is not None}
        assert len(known) > 20
        assert known == {name: pytest.approx(newest[name], rel=1e-12) for name in known}, day


def test_a_dividend_yield_is_unknown_of_a_year_whose_beginning_nobody_has_told(lake):
    days = [date(2020, 1, 6), date(2021, 1, 4), date(2021, 1, 5), date(2021, 1, 6)]
    load(lake, "prices", [price("A", day, 16.0) for day in days])
    load(lake, "corporate_actions", [happened("A", date(2020, 7, 1), "dividend", amount=0.8)])
    rows = told(lake, ["A"], ["dividend_yield"])["A"]
    assert [rows[day] for day in days] == [None, None, 0.05, 0.05], "365 days after the first bar"


def test_the_splits_of_another_source_hold_until_the_prices_own_tells_of_this_instrument(lake):
    """A split four for one that only another source tells; what the price's own source tells of B is no word about A."""
    load(lake, "prices", [price("A", day, 16.0 if day < DAYS[10] else 4.0) for day in DAYS])
    load(lake, "corporate_actions", [happened("A", DAYS[10], "split", ratio=4.0) | {"source": "other"}])
    load(lake, "fundamentals", filing("A", at(DAYS[3], 17)))
    values = [told(lake, ["A"], ["market_value"])["A"][day] for day in (DAYS[9], DAYS[10])]
    load(lake, "corporate_actions", [happened("B", DAYS[2], "dividend", amount=1.0)])
    assert [told(lake, ["A"], ["market_value"])["A"][day] for day in (DAYS[9], DAYS[10])] == values == [160.0, 160.0]
