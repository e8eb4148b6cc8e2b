"""What a stress says beside its figures: the worst lines, what cannot be told, and what stands in for what."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from mind import AS_OF, policy

from portfolio.market import Market
from portfolio.risk import Situation
from portfolio.risk.stress import SCENARIOS, Scenario, stresses
from portfolio.risk.stress.scenarios import Shock
from portfolio.types import MarginPolicy, StressPolicy, TradingState

NAMES = ("AAA", "BBB", "CCC", "DDD", "EEE")
DAYS = np.busday_offset("2022-12-27", np.arange(-799, 1), roll="backward").astype("datetime64[D]")  # 2022 and what was before


def there(*, closes=None, classes=None, margin=None, benchmark=True, **market):
    """Five names that move as the benchmark does, each by its own beta: 1.0, 0.8, 0.6, 0.4 and 0.2."""
    steps = np.random.default_rng(11).normal(0.0, 0.01, len(DAYS) - 1)
    index = 100.0 * np.cumprod(np.concatenate([[1.0], 1.0 + steps]))
    own = 100.0 * np.cumprod(np.vstack([np.ones(5), 1.0 + np.outer(steps, [1.0, 0.8, 0.6, 0.4, 0.2])]), axis=0)
    closes = own if closes is None else closes(own)
    its = index if benchmark else np.full(len(DAYS), np.nan)
    shown = Market(AS_OF, date(2022, 12, 28), 17, NAMES, DAYS, closes, its, {}, **market)
    rules = replace(policy(risk={"stress": StressPolicy({})}), symbols=NAMES, classes=classes or {}, margin=margin)
    return Situation(rules, shown, TradingState.ACTIVE, (), Decimal(1_000_000))


def one(scenario, weights, situation):
    wanted = SCENARIOS[scenario] if isinstance(scenario, str) else Scenario("mine", "hand", tuple(scenario), "mine")
    (found,) = stresses({}, weights, situation, [wanted])
    return found


def falls(**returns):
    return [Shock("symbol", value, name) for name, value in returns.items()]


def test_the_three_worst_lines_are_named_with_what_they_lose_and_no_figure_of_the_columns():
    weights = dict.fromkeys(NAMES, 0.2)
    found = one(falls(AAA=-0.10, BBB=-0.40, CCC=-0.20, DDD=-0.30), weights, there())
    assert found.after == pytest.approx(0.20)
    assert found.sentence == "mine; worst lines: BBB 8.00%, DDD 6.00%, CCC 4.00%"


def test_the_line_that_helps_most_is_named_too():
    weights = {"AAA": 0.5, "BBB": -0.2, "CCC": -0.3}
    found = one(falls(AAA=-0.10, BBB=-0.40, CCC=-0.20), weights, there())
    assert found.sentence == "mine; worst line: AAA 5.00%; best: BBB gains 8.00%"
    assert one(falls(AAA=0.10), weights, there()).sentence == "mine; best: AAA gains 5.00%"


def test_a_line_that_would_be_written_as_nothing_is_not_named():
    assert one(falls(AAA=-0.5, BBB=-0.5), {"AAA": 0.5, "BBB": 0.00001}, there()).sentence == "mine; worst line: AAA 25.00%"
    assert one(falls(AAA=-0.5), {"AAA": 0.0}, there()).sentence == "mine"


def test_what_must_be_sold_is_called_no_loss():
    found = one("margin-double", {"AAA": 1.5, "BBB": 0.6, "CCC": 0.5}, there(margin=MarginPolicy()))
    assert found.after == pytest.approx(1 - 1 / 1.3)
    assert "the figures are the share of the book that must be sold, no loss" in found.sentence
    assert "most of AAA 13.31%, BBB 5.33%, CCC 4.44%" in found.sentence
    calm = one("margin-double", {"AAA": 1.0}, there(margin=MarginPolicy()))
    assert (calm.after, "most of" in calm.sentence) == (0.0, False)


def test_who_makes_it_unknown_is_named():
    sold = "SPY230120P00360000"
    found = one("equities-20", {"AAA": 0.5, sold: -0.01}, there())
    assert found.after is None
    assert f"what is decided cannot be told for {sold}" in found.sentence
    silent = one("low-liquidity", {"AAA": 0.5, "BBB": 0.5}, there(volumes={"AAA": 1e6}))
    assert silent.after is None
    assert silent.sentence.endswith("; what is decided cannot be told for BBB; nobody says the volume of BBB")
    thin = one("low-liquidity", {"AAA": 0.5, sold: -0.01}, there(volumes={"AAA": 1e6}))
    assert f"cannot be told for {sold}" in thin.sentence


def test_how_many_are_proxied_is_said():
    found = one("1987", {"AAA": 0.5, "BBB": 0.5}, there())
    assert found.sentence.endswith("; 2 of 2 proxied")
    assert "proxied" not in one("2022", {"AAA": 0.5, "BBB": 0.5}, there()).sentence


# --- rates-up, of who has no asset class -----------------------------------------------------------------------------


def test_who_has_no_class_is_told_by_the_worse_of_two_when_rates_rise():
    found = one("rates-up", {"AAA": 0.5, "BBB": -0.5}, there(classes={"asset_class": {"CCC": "gold"}}))
    assert set(found.proxied) == {"AAA", "BBB"}
    assert set(found.proxied.values()) == {"the worse of beta and own 2022, for want of an asset class"}


def test_who_has_a_class_is_not():
    classes = {"asset_class": {"AAA": "equities", "BBB": "bonds", "CCC": "gold"}, "duration": {"DDD": "3"}}
    assert one("rates-up", dict.fromkeys(NAMES[:4], 0.2), there(classes=classes)).proxied == {}


def test_who_was_not_there_in_2022_is_told_by_its_beta_alone():
    def young(own):
        own[:-100, 0] = np.nan
        return own

    found = one("rates-up", {"AAA": 0.5, "BBB": 0.5}, there(closes=young))
    assert found.proxied["AAA"] == "beta alone, for want of an asset class and of closes in 2022"
    assert "the worse of" in found.proxied["BBB"]


def test_without_a_beta_the_other_of_the_two_is_an_equity_of_beta_one():
    found = one("rates-up", {"AAA": 0.5}, there(benchmark=False))
    assert found.proxied["AAA"] == "the worse of an equity of beta one and own 2022, for want of an asset class"

    def gone(own):
        own[:-20, 0] = np.nan
        return own

    blind = one("rates-up", {"AAA": 0.5}, there(closes=gone, benchmark=False))
    assert blind.proxied["AAA"] == "an equity of beta one"


def test_a_shock_to_the_symbol_itself_needs_no_proxy():
    found = one([Shock("rates", 0.02), Shock("symbol", -0.1, "AAA")], {"AAA": 0.5, "BBB": 0.5}, there())
    assert set(found.proxied) == {"BBB"}
