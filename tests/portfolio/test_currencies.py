"""What each symbol trades in, and the way from a currency to the base currency."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from mind import FIXED, D, changed

from portfolio.errors import Refused, WrongUse
from portfolio.policy import parse_policy
from portfolio.policy.gates import read_gate
from portfolio.rates import along, rate_series, worth
from portfolio.section import Section
from portfolio.types import CURRENCIES, currency_pair, pair_symbol

EVERY = list(itertools.permutations(CURRENCIES, 2))
LIST = 'symbols = ["SPY", "IEF", "GLD"]'


def currencies(universe: str = "", base: str = "USD") -> dict[str, str]:
    text = changed(changed(FIXED, LIST, f"{LIST}\n{universe}"), 'base_currency = "USD"', f'base_currency = "{base}"')
    return dict(parse_policy(text).currencies)


def test_everything_trades_in_the_base_currency_where_nobody_says_otherwise():
    assert currencies() == currencies(base="EUR") == currencies('currency = "USD"') == {}


def test_one_word_for_all_and_lists_for_some():
    assert currencies('currency = "USD"', base="EUR") == dict.fromkeys(("SPY", "IEF", "GLD"), "USD")
    assert currencies('[universe.currencies]\nEUR = ["GLD"]') == {"GLD": "EUR"}
    both = 'currency = "USD"\n[universe.currencies]\nEUR = ["GLD"]\nGBP = ["IEF"]'
    assert currencies(both, base="EUR") == {"SPY": "USD", "IEF": "GBP"}


def test_a_policy_knows_the_currency_of_each_symbol_and_its_hash_counts_it():
    told = parse_policy(changed(FIXED, LIST, f'{LIST}\n[universe.currencies]\nEUR = ["GLD"]'))
    assert [told.currency(s) for s in ("SPY", "GLD")] == ["USD", "EUR"]
    assert told.hash != parse_policy(FIXED).hash


def test_the_instrument_of_a_hedge_has_a_currency_too():
    hedge = '[[hedge]]\nname = "market"\nkind = "beta"\ninstrument = "ESU"\nceiling = 0.01\n[gate]'
    text = changed(changed(FIXED, LIST, f'{LIST}\n[universe.currencies]\nEUR = ["ESU"]'), "[gate]", hedge)
    assert parse_policy(text).currencies == {"ESU": "EUR"}


@pytest.mark.parametrize(
    ("universe", "word"),
    [
        ('currency = "XAU"', "XAU"),
        ('currency = "GBX"', "GBX"),
        ('[universe.currencies]\nGBX = ["GLD"]', "GBX"),
        ('[universe.currencies]\nEUR = ["GLD"]\nGBP = ["GLD"]', "EUR and GBP"),
        ('[universe.currencies]\nEUR = ["GLD", "GLD"]', "repetitions"),
        ('[universe.currencies]\nEUR = ["SAP"]', "SAP, absent"),
        ('[universe.currencies]\nEUR = "GLD"', "a list of texts"),
        ("currencies = 3", "table of lists"),
    ],
)
def test_what_is_wrong_is_said(universe, word):
    with pytest.raises(WrongUse, match=word):
        currencies(universe)


def test_a_pair_of_currencies_is_no_holding():
    with pytest.raises(WrongUse, match="a pair of currencies"):
        parse_policy(changed(FIXED, LIST, 'symbols = ["SPY", "IEF", "GLD", "EUR.USD"]'))


def test_short_sales_need_a_margin_account():
    def asked(**more):
        return read_gate(Section("gate", {"allow_short": True}), **more).allow_short

    assert asked(margin=True)
    assert not read_gate(Section("gate", {}), margin=True).allow_short
    with pytest.raises(WrongUse, match=r"no \[margin\]"):
        asked()


# --- rates ----------------------------------------------------------------------------------------------------------

WORTH = {"EUR": 1.25, "USD": 1.0, "GBP": 1.5, "CHF": 1.1, "JPY": 0.008, "CAD": 0.75, "AUD": 0.7}  # in one unit of account


def told(series: str) -> float:
    """What a series would say in a world with these worths."""
    fred = {"DEXUSEU": "EUR.USD", "DEXUSUK": "GBP.USD", "DEXUSAL": "AUD.USD", "DEXJPUS": "USD.JPY"}
    fred |= {"DEXSZUS": "USD.CHF", "DEXCAUS": "USD.CAD"}
    one, other = fred.get(series, series).split(".")
    return WORTH[one] / WORTH[other]


@pytest.mark.parametrize(("currency", "base"), EVERY)
def test_every_way_leads_to_the_same_rate(currency, base):
    routes = rate_series(currency, base)
    assert len(routes) == 2
    for route in routes:
        values = {series: np.array([told(series), np.nan]) for series, _ in route}
        assert along(route, values)[0] == pytest.approx(WORTH[currency] / WORTH[base], rel=1e-12)
        assert np.isnan(along(route, values)[1])


def test_a_currency_without_a_series_is_refused_by_name():
    for currency, base in (("HKD", "EUR"), ("EUR", "HKD")):
        with pytest.raises(Refused, match="what HKD is worth; known are USD, EUR"):
            rate_series(currency, base)


def test_a_currency_is_worth_one_of_itself():
    assert rate_series("USD", "USD") == ((),)
    assert along((), {}) == 1.0


@pytest.mark.parametrize(("one", "other"), EVERY)
def test_a_pair_is_dealt_one_way_round(one, other):
    pair = pair_symbol(one, other)
    assert pair == pair_symbol(other, one)
    assert set(currency_pair(pair)) == {one, other}


@given(price=some.decimals("0.0001", "1000", places=5), pair=some.sampled_from(EVERY))
def test_there_and_back_is_one(price, pair):
    there, back = (worth(*way, {pair_symbol(*pair): price}) for way in (pair, pair[::-1]))
    assert abs(there * back - 1) < D("1e-20")


@pytest.mark.parametrize("bad", [None, D(0), D(-1), D("NaN"), D("Infinity")])
def test_no_price_is_no_rate(bad):
    assert worth("USD", "EUR", {"EUR.USD": bad}) is None
    assert worth("USD", "EUR", {}) is None
    assert worth("EUR", "EUR", {}) == 1
