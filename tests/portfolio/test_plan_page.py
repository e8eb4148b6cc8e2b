"""The plan on the page: labels where a table folds, stresses that say more than their columns, what costs are made of."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from mind import HEDGED, book, market, policy, quote
from pages import facts

from portfolio.decide import decide
from portfolio.record import decision_document
from portfolio.reports import render
from portfolio.reports.charts import weights_over_time
from portfolio.reports.plan import plan_view, some_proxies


class Tables(HTMLParser):
    """Each table of the page: (classes, headers, rows of cells); a cell is (attributes, text)."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.into = [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append(((dict(attrs).get("class") or "").split(), [], []))
        elif tag == "tr" and self.tables:
            self.tables[-1][2].append([])
        elif tag in {"th", "td"}:
            self.into = [dict(attrs), ""]
            (self.tables[-1][1] if tag == "th" else self.tables[-1][2][-1]).append(self.into)

    def handle_endtag(self, tag):
        if tag in {"th", "td"}:
            self.into = None

    def handle_data(self, data):
        if self.into is not None:
            self.into[1] += data


def hedged():
    """A decision with a loan (1.3 times equity) and a fund sold short."""
    text = HEDGED.replace("benchmark_rate = 0.04", "benchmark_rate = 0.04\nleverage = 1.3\nborrow_fees = { HDG = 0.01 }")
    rules = policy(text, risk={"max_weight": 0.9, "max_gross": 2.0, "value_at_risk": None, "conditional_value_at_risk": None})
    steps = np.random.default_rng(3).normal(0.0, 0.006, (399, 1))
    closes = 100.0 * np.cumprod(np.vstack([np.ones(3), 1.0 + steps * [1.0, 0.5, 0.2]]), axis=0)
    shown = market(closes=closes, benchmark=closes[:, 0], watched={"HDG": closes[:, 0]})
    held = book(quotes={s: quote(s) for s in ("SPY", "IEF", "GLD", "HDG")}, symbols=("SPY", "IEF", "GLD", "HDG"))
    found = decide(rules, shown, held, code_version="test")
    return decision_document(found, rules, shown, held)


@pytest.fixture(scope="module")
def decision():
    return hedged()


@pytest.fixture(scope="module")
def page(decision):
    return render(facts(decision=decision))


def words(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_every_cell_of_a_table_that_folds_has_its_columns_label(page):
    folding = [(heads, rows) for classes, heads, rows in Tables(page).tables if "fold" in classes]
    assert len(folding) >= 8
    for heads, rows in folding:
        names = [text for _, text in heads]
        for row in rows:
            assert not row or [attributes.get("data-label") for attributes, _ in row] == names


def test_a_folded_table_shows_the_labels_and_a_wide_one_does_not(page):
    narrow = page.split("@media (max-width: 36rem)", 1)[1].split("</style>", 1)[0]
    assert "content: attr(data-label)" in narrow
    assert page.count("attr(data-label)") == narrow.count("attr(data-label)")


def test_no_two_columns_of_a_table_have_one_name(page):
    for _, heads, _ in Tables(page).tables:
        names = [text for _, text in heads if text]
        assert len(names) == len(set(names))


def stresses(decision, page):
    """Row by scenario of the page's table of stresses."""
    (rows,) = [rows for _, heads, rows in Tables(page).tables if heads[0][1] == "Scenario"]
    return {row[0][1]: [text for _, text in row] for row in rows if row}


def test_a_stress_says_the_worst_lines_and_not_its_columns_again(decision, page):
    told = stresses(decision, page)
    recorded = {one["name"]: one for one in decision["stresses"]}
    for name in ("equities-20", "equities-40", "2022", "1987"):
        parts = recorded[name]["parts"]
        worst = max(parts, key=parts.get)
        assert f"{worst} {parts[worst]:.2%}" in told[name][-1], name
        assert f"{recorded[name]['after']:.2%}" not in told[name][-1], name
        assert "what is held" not in told[name][-1], name


def test_three_of_many_proxies_are_shown_and_the_rest_unfolds(decision):
    proxied = {f"S{i:02}": "the S&P 500, as an equity of beta one" for i in range(17)}
    one = {**decision["stresses"][0], "proxied": proxied, "parts": {"S05": 0.3, "S11": -0.2, "S02": 0.1}}
    shown = render(facts(decision={**decision, "stresses": [one]}))
    cell = shown.split('data-label="Scenario"', 1)[1].split("</td></tr>", 1)[0]
    before, unfolded = cell.split("<details>", 1)
    assert "S05, S11, S02 and 14 others by the S&amp;P 500, as an equity of beta one" in before
    assert "S16" not in before
    assert all(symbol in unfolded for symbol in proxied)
    few = render(facts(decision={**decision, "stresses": [{**one, "proxied": {"S1": "gold", "S2": "gold"}}]}))
    assert "S1, S2 by gold" in few
    assert "<details>" not in few.split('data-label="Scenario"', 1)[1].split("</td></tr>", 1)[0]


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "A by gold"),
        (3, "A, B, C by gold"),
        (4, "A, B, C and 1 other by gold"),
        (5, "A, B, C and 2 others by gold"),
    ],
)
def test_how_many_others_there_are(count, told):
    assert some_proxies(dict.fromkeys("ABCDE"[:count], "gold"), {}) == told


def test_each_of_the_three_has_its_own_stand_in():
    told = {"A": "beta 1", "B": "beta 2", "C": "beta 1", "D": "beta 3", "E": "beta 4"}
    assert some_proxies(told, {"E": 0.5}) == "E by beta 4; A by beta 1; B by beta 2; and 2 others"
    assert some_proxies({}, {}) == ""


def test_interest_is_said_to_be_of_the_loan_without_the_proceeds_of_short_sales(decision, page):
    """Nothing of it is paid for by the short: 1.29 - 1 of equity at 4 % and IB's 1.5 % (act/360) is what the page shows."""
    assert decision["weights"]["HDG"] < 0
    longs = sum(w for w in decision["after"].values() if w > 0)
    interest = (longs - 1) * 100_000 * 0.055 * 365 / 360
    assert float(decision["margin_after"]["interest"]) == pytest.approx(interest, abs=0.02)
    said = words(page)
    assert "Interest of the loan, a year" in said
    assert "the proceeds of short sales are kept for them and lessen neither the loan nor its interest" in said
    assert f"Interest of the loan, a year 0.00 {float(decision['margin_after']['interest']):,.2f}" in said


def test_a_hedges_cost_says_what_it_is_made_of(decision, page):
    (hedge,) = decision["hedges"]
    assert hedge["cost"] == pytest.approx(abs(hedge["weight"]) * (0.01 + 2 * 0.0005), rel=1e-9)
    assert "borrow fee and round trip" in words(page)
    assert "The round trip is in and out at half the spread" in words(page)


@pytest.mark.parametrize(
    ("kind", "weight", "made"),
    [
        ("beta", -0.1, "borrow fee and round trip"),
        ("beta", 0.1, "round trip"),
        ("tail", 0.1, "round trip"),
        ("minimum_variance", -0.1, "borrow fee and round trip"),
        ("currency", -0.1, "interest of what is owed"),
        ("put", 0.01, "premium; of one that is held its time value"),
    ],
)
def test_what_each_kind_of_hedge_costs(decision, kind, weight, made):
    one = {**decision["hedges"][0], "kind": kind, "weight": weight}
    assert plan_view({**decision, "hedges": [one]})["hedges"][0]["cost_of"] == made
    assert plan_view({**decision, "hedges": [{**one, "cost": 0.0}]})["hedges"][0]["cost_of"] == ""


def test_a_loan_and_a_short_stand_below_the_line_of_the_chart():
    """Longs of 1.3 end at 130 %; what is owed, and what is sold short, hang below zero instead of covering them."""
    levered = weights_over_time([("opened", {}), ("today", {"SPY": 1.3, "HDG": -0.2})])
    texts = re.findall(r">(-?\d+)%<", levered)
    assert min(int(t) for t in texts) <= -20
    plain = weights_over_time([("opened", {}), ("today", {"SPY": 0.6, "IEF": 0.3})])
    assert min(int(t) for t in re.findall(r">(-?\d+)%<", plain)) == 0
    assert ">cash, below zero owed<" in levered
    assert ">cash<" in plain


def test_an_older_record_is_shown_as_far_as_it_goes(decision):
    old = {k: v for k, v in decision.items() if k not in {"hedges", "stresses", "margin_before", "margin_after", "kept"}}
    assert "Limits, and how much of each is used" in render(facts(decision=old))
