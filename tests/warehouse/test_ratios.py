"""Ratios, quarters and twelve months as they were known, against sums made by hand."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warehouse_rows import load, when

from portfolio.errors import WrongUse

_NAMES = count()


def fact(concept, value, known, end, start=None, instrument="A", **more):
    row = {"instrument": instrument, "symbol": instrument, "concept": concept, "period_start": start, "period_end": end}
    row |= {"value": value, "unit": "USD", "accession": f"{concept}{start}{end}{known}", "source": "edgar", "known_at": known}
    return row | more


def told(lake, ratio=None, known=None, instrument="A"):
    """(ratio, period_end, value), or those of one ratio without its name."""
    only = f" AND ratio = '{ratio}'" if ratio else ""
    sql = f"SELECT ratio, period_end, value FROM ratios WHERE instrument = '{instrument}'{only} ORDER BY ALL"
    rows = lake.query(sql, known)[1]
    return [row[1:] for row in rows] if ratio else rows


def single(lake, concept, instrument="A"):
    sql = f"SELECT period_end, value FROM quarters WHERE instrument = '{instrument}' AND concept = '{concept}' ORDER BY 1"
    return dict(lake.query(sql)[1])


# -------------------------------------------------------------------- by hand
END = date(2019, 12, 31)
YEAR = date(2019, 1, 1)


def test_ratios_are_known_when_their_last_part_is(lake):
    facts = [
        fact("Revenue", 200.0, when(20), END, YEAR),
        fact("GrossProfit", 80.0, when(25), END, YEAR),
        fact("NetIncome", 30.0, when(20), END, YEAR),
        fact("NetIncome", 9.0, when(20), END, date(2019, 10, 1)),
        fact("Equity", 100.0, when(20), date(2018, 12, 31)),
        fact("Equity", 300.0, when(22), END),
        fact("Equity", 200.0, when(40), END),  # restated
        fact("CurrentAssets", 10.0, when(20), END),
        fact("CurrentLiabilities", 0.0, when(20), END),
    ]
    load(lake, "fundamentals", facts)
    sql = "SELECT ratio, value, known_at FROM ratios WHERE ratio LIKE '%margin' OR ratio IN ('return_on_equity', 'current_ratio') ORDER BY 1"
    assert lake.query(sql, when(21))[1] == [("net_margin", 0.15, when(20))]
    assert lake.query(sql, when(30))[1] == [
        ("gross_margin", 0.4, when(25)),
        ("net_margin", 0.15, when(20)),
        ("return_on_equity", 0.15, when(22)),  # 30 over the mean of 100 and 300
    ]
    assert lake.query(sql)[1][2] == ("return_on_equity", 0.2, when(40))


def test_a_figure_is_known_since_its_value_stands_and_a_repetition_moves_nothing(lake):
    load(lake, "fundamentals", [fact("Equity", value, when(day), END) for day, value in ((1, 5.0), (2, 6.0), (3, 6.0))])
    load(
        lake,
        "fundamentals",
        [fact("Equity", value, when(day), END, instrument="B") for day, value in ((1, 5.0), (2, 6.0), (3, 5.0))],
    )
    rows = lake.query("SELECT instrument, value, known_at FROM ratios WHERE ratio = 'book_value' ORDER BY 1")[1]
    assert rows == [("A", 6.0, when(2)), ("B", 5.0, when(3))]


def test_the_newest_filing_counts_even_where_an_older_one_is_mended_later(lake):
    old, new = {"filed": date(2020, 2, 1), "accession": "old"}, {"filed": date(2021, 2, 1), "accession": "new"}
    load(lake, "fundamentals", [fact("Equity", 5.0, when(31), END, **old), fact("Equity", 6.0, when(397), END, **new)])
    load(lake, "fundamentals", [fact("Equity", 5.5, when(900), END, **old)], at=when(900))
    assert told(lake, "book_value") == [(END, 6.0)]


def starts(first, *lengths):
    """(start, end) of periods of so many days, one after the other."""
    for days in lengths:
        yield first, first + timedelta(days=days - 1)
        first += timedelta(days=days)


# A year of 53 weeks: its first quarter has 14. The next has 52.
WEEKS = list(starts(date(2016, 9, 25), 98, 91, 91, 91, 91, 91, 91, 91))


def sums(year, upto):
    return WEEKS[4 * year][0], WEEKS[4 * year + upto - 1][1]


@pytest.mark.parametrize(
    ("filed", "derived"),
    [
        pytest.param({(0, 1): 1.0, (0, 2): 3.0, (0, 3): 6.0, (0, 4): 10.0}, [1.0, 2.0, 3.0, 4.0], id="sums since the year began"),
        pytest.param({(0, 4): 10.0, "singles": [1.0, 2.0, 3.0]}, [1.0, 2.0, 3.0, 4.0], id="three quarters and the year"),
        pytest.param(
            {(0, 4): 10.0, (0, 3): 6.0, "singles": [None, 2.5, 2.5]}, [None, 2.5, 2.5, 4.0], id="nine months give the last one"
        ),
        pytest.param(
            {(0, 4): 10.0, (0, 1): 1.0, "singles": [None, None, 3.0]},
            [1.0, None, 3.0, None],
            id="a missing quarter stays unknown",
        ),
    ],
)
def test_quarters_are_told_or_derived(lake, filed, derived):
    rows = {sums(*key): value for key, value in filed.items() if key != "singles"}
    rows |= {WEEKS[n]: value for n, value in enumerate(filed.get("singles", ())) if value is not None}
    load(lake, "fundamentals", [fact("Revenue", value, when(1), end, start) for (start, end), value in rows.items()])
    assert single(lake, "Revenue") == {WEEKS[n][1]: value for n, value in enumerate(derived) if value is not None}


@pytest.mark.parametrize("filed", ["sums", "sums with dates a few days off", "quarters"])
def test_twelve_months_are_the_year_then_year_and_sum_less_sum_then_four_quarters(lake, filed):
    """Quarters of 1, 2, ... 8; a week in 53 moves every date, and four quarters always are four quarters."""
    quarters = [float(n) for n in range(1, 9)]
    if filed == "quarters":
        rows = {WEEKS[n]: value for n, value in enumerate(quarters)}
    else:
        rows = {sums(year, upto): sum(quarters[4 * year : 4 * year + upto]) for year in (0, 1) for upto in (1, 2, 3, 4)}
    if filed == "sums with dates a few days off":
        rows = {
            (start, end + timedelta(days=(start + (end - start) * 2).toordinal() % 5 - 2)): value
            for (start, end), value in rows.items()
        }
    load(lake, "fundamentals", [fact("Revenue", value, when(1), end, start) for (start, end), value in rows.items()])
    found = told(lake, "revenue_ttm")
    assert [value for _, value in found] == [10.0, 14.0, 18.0, 22.0, 26.0]
    assert [value for _, value in told(lake, "revenue_growth")] == [pytest.approx(1.6)]


def test_a_month_and_an_inception_to_date_are_nothing_to_add_up(lake):
    load(lake, "fundamentals", [fact("Revenue", 5.0, when(1), END, start) for start in (date(2019, 12, 1), date(2015, 1, 1))])
    assert told(lake) == []
    assert single(lake, "Revenue") == {}


def test_per_share_figures_take_the_longest_weighting_and_the_cover_where_the_balance_sheet_counts_no_shares(lake):
    shares = {"unit": "shares"}
    facts = [
        fact("NetIncome", 60.0, when(1), END, YEAR),
        fact("WeightedSharesDiluted", 30.0, when(1), END, YEAR, **shares),
        fact("WeightedSharesDiluted", 10.0, when(1), END, date(2019, 10, 1), **shares),
        fact("Equity", 80.0, when(1), END),
        fact("SharesOutstanding", 40.0, when(1), date(2020, 1, 31), **shares),
    ]
    load(lake, "fundamentals", facts)
    assert (told(lake, "earnings_per_share"), told(lake, "book_value_per_share")) == ([(END, 2.0)], [(END, 2.0)])
    load(lake, "fundamentals", [fact("SharesOutstanding", 20.0, when(2), END, **shares)])
    assert told(lake, "book_value_per_share") == [(END, 4.0)]
    load(lake, "fundamentals", [fact("SharesOutstanding", 20e3, when(3), END, **shares)])
    assert told(lake, "book_value_per_share") == [], "a thousandfold of the weighted shares is a slip of scale"


PARTS = {
    "the total": ({"Debt": 9, "LongTermDebt": 5, "ShortTermDebt": 3}, 9),
    "current and noncurrent": ({"DebtCurrent": 2, "LongTermDebtNoncurrent": 5}, 7),
    "long and short": ({"LongTermDebt": 6, "ShortTermDebt": 3}, 9),
    "long-term in two parts, and paper": ({"LongTermDebtNoncurrent": 5, "LongTermDebtCurrent": 1, "CommercialPaper": 3}, 9),
    "the current part, told as short-term debt too": (
        {"LongTermDebtNoncurrent": 5, "LongTermDebtCurrent": 1, "ShortTermDebt": 1},
        6,
    ),
    "short-term debt inside the long-term total": ({"LongTermDebt": 8, "LongTermDebtNoncurrent": 5, "ShortTermDebt": 3}, 8),
    "parts that fit nothing": ({"LongTermDebt": 8, "LongTermDebtNoncurrent": 5, "ShortTermDebt": 1}, None),
    "the current part told twice beside the long-term total": (
        {"LongTermDebt": 8, "LongTermDebtCurrent": 3, "ShortTermDebt": 3},
        8,
    ),
    "no word of short-term debt": ({"LongTermDebt": 8}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize(("parts", "debt"), PARTS.values(), ids=PARTS)
def test_debt_is_told_or_put_together_without_counting_anything_twice(lake, parts, debt):
    load(lake, "fundamentals", [fact(concept, float(value), when(1), END) for concept, value in {**parts, "Equity": 4}.items()])
    assert told(lake, "debt") == ([] if debt is None else [(END, float(debt))])
    assert told(lake, "debt_to_equity") == ([] if debt is None else [(END, debt / 4)])


def test_no_ratio_over_nothing_or_less(lake):
    facts = [
        fact("Revenue", 0.0, when(1), END, YEAR),
        fact("NetIncome", 5.0, when(1), END, YEAR),
        fact("Equity", -4.0, when(1), END),
    ]
    load(lake, "fundamentals", [*facts, fact("Equity", -2.0, when(1), date(2018, 12, 31)), fact("Debt", 9.0, when(1), END)])
    assert {name for name, *_ in told(lake)} == {"revenue_ttm", "net_income_ttm", "book_value", "debt"}


def test_two_currencies_are_two_rows_and_never_one_sum(lake):
    facts = [fact("Revenue", 8.0, when(1), END, YEAR), fact("NetIncome", 2.0, when(1), END, YEAR, unit="EUR")]
    load(lake, "fundamentals", [*facts, fact("Revenue", 4.0, when(1), END, YEAR, unit="EUR")])
    rows = lake.query("SELECT ratio, currency, value FROM ratios ORDER BY ALL")[1]
    assert rows == [
        ("net_income_ttm", "EUR", 2.0),
        ("net_margin", "EUR", 0.5),
        ("revenue_ttm", "EUR", 4.0),
        ("revenue_ttm", "USD", 8.0),
    ]


def test_a_decision_reads_columns(lake):
    load(lake, "fundamentals", [fact("Revenue", 8.0, when(1), END, YEAR, instrument=name) for name in "BA"])
    with lake.at(lake.snapshot()) as reader:
        found = reader.ratios(["A", "B", "C"], ["revenue_ttm", "net_margin"], when(2))
        nothing = reader.ratios(["A"], ["revenue_ttm"], when(0))
        with pytest.raises(WrongUse, match=r"There is no ratio 'beauty'. There are gross_margin, "):
            reader.ratios(["A"], ["beauty"], when(2))
    assert found["instrument"].tolist() == ["A", "B"]
    assert found["value"].dtype == np.float64
    assert found["value"].tolist() == [8.0, 8.0]
    assert found["period_end"].astype("datetime64[D]").tolist() == [END, END]
    assert len(nothing["value"]) == 0


# -------------------------------------------------------------------- the future
FUTURE = st.lists(
    st.tuples(
        st.sampled_from(["Revenue", "NetIncome", "Equity", "Assets"]),
        st.integers(0, 11),  # the quarter it ends
        st.integers(0, 4),  # quarters it covers, 0 a balance
        st.floats(-1e3, 1e3),
        st.integers(0, 400),  # days after the cut
    ),
    max_size=12,
)
QUARTERS = list(starts(date(2017, 1, 1), *[91] * 12))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(FUTURE)
def test_the_future_cannot_matter(shared_lake, future):
    name, cut = f"F{next(_NAMES)}", when(100)
    past = [fact("Revenue", 10.0 + n, when(-60 * (8 - n)), end, start, name) for n, (start, end) in enumerate(QUARTERS[:8])]
    past += [fact("Equity", 50.0 + n, when(-60 * (8 - n)), end, None, name) for n, (_, end) in enumerate(QUARTERS[:8])]
    load(shared_lake, "fundamentals", past)
    sql = f"SELECT * EXCLUDE (symbol) FROM ratios WHERE instrument = '{name}' ORDER BY ALL"
    before = shared_lake.query(sql, cut)[1]
    rows = {}
    for concept, quarter, covers, value, days in future:
        first = QUARTERS[max(quarter - max(covers, 1) + 1, 0)][0]
        start = None if concept in {"Equity", "Assets"} else first
        row = fact(concept, value, cut + timedelta(days=days, seconds=1), QUARTERS[quarter][1], start, name)
        rows[concept, start, quarter, row["accession"]] = row
    load(shared_lake, "fundamentals", list(rows.values()), at=when(2000))
    assert len(before) > 10
    assert shared_lake.query(sql, cut)[1] == before
