"""Whether a day asks for reference rates, and what becomes of it where nobody answers."""

from __future__ import annotations

import pytest

from flows import daily
from portfolio.errors import Outage
from portfolio.policy import parse_policy

POLICY = """
[portfolio]
name = "euros"
objective = "allocation"
base_currency = "EUR"
[universe]
symbols = ["KO"]
currency = "USD"
[strategy]
kind = "fixed"
weights = { KO = 0.5 }
[execution]
mode = "paper"
"""


@pytest.fixture
def asked(monkeypatch):
    """(dataset, source, series) of each ingest."""
    found = []
    monkeypatch.setattr(daily.steps, "ingest_dataset", lambda *words, symbols: found.append((*words, symbols)) or {"rows": 1})
    return found


@pytest.mark.parametrize(("source", "base", "wanted"), [("yahoo", "EUR", 1), ("ib", "EUR", 1), ("yahoo", "USD", 0)])
def test_a_vendor_s_day_asks_for_the_rates_of_a_foreign_currency(asked, source, base, wanted):
    rules = parse_policy(POLICY.replace('base_currency = "EUR"', f'base_currency = "{base}"'))
    assert len(daily._rates(source, rules)) == wanted
    assert asked == [("macro", "ecb", ["EUR.USD", "EUR.GBP", "EUR.CHF", "EUR.JPY", "EUR.CAD", "EUR.AUD"])] * wanted


@pytest.mark.parametrize("source", ["sample", "warehouse"])
def test_the_sample_brings_its_own_and_the_warehouse_asks_nobody(asked, source):
    assert daily._rates(source, parse_policy(POLICY)) == [] and asked == []


def test_without_an_answer_the_day_goes_on_with_what_is_held(monkeypatch):
    def away(*words, **more):
        raise Outage("The ECB does not answer.", "Ask again.")

    monkeypatch.setattr(daily.steps, "ingest_dataset", away)
    assert daily._rates("yahoo", parse_policy(POLICY)) == []
