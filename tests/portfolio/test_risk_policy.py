"""[risk] as it is written: each key with its range and default, and what is refused by name."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from portfolio.errors import WrongUse
from portfolio.measures import METHODS
from portfolio.policy.objectives import OBJECTIVES
from portfolio.policy.risk import read_risk
from portfolio.section import Section
from portfolio.types import DrawdownLimit, LiquidityPolicy, RiskPolicy, SizingPolicy, TailLimit

CLASSES = {"sector": {"AAA": "technology"}, "region": {"AAA": "us"}}


def read(text: str, *, leveraged: bool = False):
    section = Section("risk", tomllib.loads(text))
    found = read_risk(section, OBJECTIVES["allocation"], CLASSES, leveraged=leveraged)
    section.done()
    return found


def test_what_is_not_named_is_not_limited():
    found = read("")
    assert (found.max_gross, found.max_group, found.sizing, found.liquidity) == (1.0, {}, None, LiquidityPolicy())
    unset = (found.min_effective_names, found.max_component, found.max_volatility, found.max_volatility_at_one, found.beta)
    assert unset == (None,) * 5
    assert found.peak_drawdown is found.value_at_risk is None


def test_every_key_is_read():
    found = read(
        """
        max_group = { sector = 0.35, currency = 0.5 }
        min_effective_names = 8
        max_component = 0.2
        max_volatility = 0.15
        max_volatility_at_one = 0.3
        beta = { min = 0.2, max = 1.1 }
        peak_drawdown = { reduce = 0.1, halt = 0.2 }
        value_at_risk = { level = 0.99, days = 10, limit = 0.08, method = "monte_carlo", degrees = 4 }
        conditional_value_at_risk = { level = 0.95, days = 1, limit = 0.03 }
        [sizing]
        kind = "volatility"
        budget = 0.02
        cap = 0.3
        [liquidity]
        participation = 0.2
        days = 3
        volume_share = 0.5
        """
    )
    assert found.max_group == {"sector": 0.35, "currency": 0.5}
    assert (found.min_effective_names, found.max_component) == (8.0, 0.2)
    assert (found.max_volatility, found.max_volatility_at_one, found.beta) == (0.15, 0.3, (0.2, 1.1))
    assert found.peak_drawdown == DrawdownLimit(0.1, 0.2)
    assert found.value_at_risk == TailLimit(0.99, 10, 0.08, "monte_carlo", 4.0)
    assert found.conditional_value_at_risk == TailLimit(0.95, 1, 0.03)
    assert found.sizing == SizingPolicy("volatility", budget=0.02, cap=0.3)
    assert found.liquidity == LiquidityPolicy(0.2, 3.0, 0.5)


def test_one_end_of_beta_is_enough():
    assert read("beta = { max = 0.5 }").beta == (-10.0, 0.5)
    assert read("beta = { min = -0.1 }").beta == (-0.1, 10.0)


@pytest.mark.parametrize("method", METHODS)
def test_each_method_is_read_and_only_one_has_degrees(method):
    line = f'value_at_risk = {{ level = 0.95, days = 1, limit = 0.02, method = "{method}" }}'
    assert read(line).value_at_risk == TailLimit(0.95, 1, 0.02, method)
    told = line.replace(" }", ", degrees = 5 }")
    if method == "monte_carlo":
        assert read(told).value_at_risk.degrees == 5.0
    else:
        with pytest.raises(WrongUse, match="degrees"):
            read(told)


SIZES = {
    'kind = "fixed_fraction"\nbudget = 0.01\nstop = 0.08': SizingPolicy("fixed_fraction", budget=0.01, stop=0.08),
    'kind = "volatility"\nbudget = 0.02': SizingPolicy("volatility", budget=0.02),
    'kind = "kelly"': SizingPolicy("kelly", fraction=0.5),
    'kind = "kelly"\nfraction = 0.25\ncap = 0.2': SizingPolicy("kelly", fraction=0.25, cap=0.2),
    'kind = "equal_risk"\ncap = 0.3': SizingPolicy("equal_risk", cap=0.3),
}


@pytest.mark.parametrize("text", SIZES)
def test_each_kind_of_sizing_reads_its_own_keys(text):
    assert read(f"[sizing]\n{text}").sizing == SIZES[text]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[sizing]\nkind = "kelly"\nstop = 0.1', "stop"),
        ('[sizing]\nkind = "volatility"\nbudget = 0.1\nfraction = 0.5', "fraction"),
        ('[sizing]\nkind = "equal_risk"\nbudget = 0.1', "budget"),
        ('[sizing]\nkind = "fixed_fraction"\nbudget = 0.1', "stop"),
        ('[sizing]\nkind = "volatility"', "budget"),
        ('[sizing]\nkind = "martingale"', "martingale"),
        ("[sizing]\nbudget = 0.1", "kind"),
        ('[sizing]\nkind = "fixed_fraction"\nbudget = 0.1\nstop = 0.0', "stop"),
        ('[sizing]\nkind = "kelly"\nfraction = 1.01', "fraction"),
        ("[liquidity]\nparticipation = 0", "participation"),
        ("[liquidity]\nvolume = 0.1", "volume"),
        ("[liquidity]\ndays = -1", "days"),
        ("max_group = { colour = 0.3 }", "colour"),
        ("max_group = { sector = -0.1 }", "sector"),
        ("max_group = { sector = nan }", "sector"),
        ("min_effective_names = 0.5", "min_effective_names"),
        ("max_component = 1.5", "max_component"),
        ("max_component = nan", "max_component"),
        ("max_volatility = -0.1", "max_volatility"),
        ("max_volatility = nan", "max_volatility"),
        ("max_volatility_at_one = inf", "max_volatility_at_one"),
        ("beta = { min = 1.0, max = 0.5 }", "min"),
        ("beta = { }", "limits nothing"),
        ("beta = { low = 0.1 }", "low"),
        ("beta = 0.5", "beta"),
        ("value_at_risk = { level = 0.95, days = 21, limit = 0.02 }", "days"),
        ("value_at_risk = { level = 0.95, days = 0, limit = 0.02 }", "days"),
        ('value_at_risk = { level = 0.8, days = 1, limit = 0.02, method = "extreme_value" }', "level"),
        ('value_at_risk = { level = 0.95, days = 1, limit = 0.02, method = "garch" }', "garch"),
        ('value_at_risk = { level = 0.95, days = 1, limit = 0.02, method = "monte_carlo", degrees = 2.0 }', "degrees"),
        ("peak_drawdown = { reduce = 0.3, halt = 0.2 }", "reduce"),
        ("max_names = 3", "max_names"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(text, named):
    with pytest.raises(WrongUse, match=named):
        read(text)


def test_a_gross_above_one_needs_a_margin_account():
    with pytest.raises(WrongUse, match=r"max_gross = 1.5 is leverage"):
        read("max_gross = 1.5")
    assert read("max_gross = 1.5", leveraged=True).max_gross == 1.5
    assert read("", leveraged=True).max_gross == 1.0
    for leveraged in (True, False):
        with pytest.raises(WrongUse, match="max_gross"):
            read("max_gross = 10.1", leveraged=leveraged)


PAGE = (Path(__file__).parents[2] / "docs" / "risk.md").read_text()


def test_the_page_s_own_example_is_a_policy():
    found = read(re.search(r"```toml\n\[risk\]\n(.*?)```", PAGE, re.S)[1].replace("[risk.", "["))
    assert found.value_at_risk.method == "filtered_historical"
    assert found.sizing.kind == "volatility"


def test_the_page_names_every_key_and_method():
    elsewhere = {"unknown", "stress", "cash_reserve", "daily_drawdown", "monthly_drawdown", "peak_drawdown"}
    keys = {each.name for each in fields(RiskPolicy)} - elsewhere
    for name in [*keys, *METHODS, "fixed_fraction", "kelly", "equal_risk", "participation", "volume_share"]:
        assert name in PAGE, name
