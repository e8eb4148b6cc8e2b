"""docs/risk.md names every key, kind and rule that there is, with the values that the code has."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from mind import market, policy

import portfolio
from portfolio.hedging.hedges import KINDS
from portfolio.policy.hedges import SIGNALS
from portfolio.policy.margin import SCHEDULES
from portfolio.reports.plan import WORDS
from portfolio.risk import Situation, judge
from portfolio.risk.drawdown import RULES
from portfolio.risk.stress import SCENARIOS
from portfolio.types import CostPolicy, HedgePolicy, MarginPolicy, RiskPolicy, TradingState

DOCS = Path(portfolio.__file__).parents[1] / "docs"
PAGE = (DOCS / "risk.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize(
    "name", [f.name for f in fields(RiskPolicy) if f.name not in {"cash_reserve", "lookback", "unknown", "stress"}]
)
def test_every_key_of_risk_is_there(name):
    assert f"`{name}`" in PAGE or f"{name} = " in PAGE or f"[risk.{name}]" in PAGE


@pytest.mark.parametrize("name", [f.name for f in fields(MarginPolicy)])
def test_every_key_of_margin_is_there(name):
    assert name in section("Margin")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_hedge_is_there(kind):
    assert f"| `{kind}` |" in section("Hedges") or f"`{kind}`" in PAGE


@pytest.mark.parametrize("name", [f.name for f in fields(HedgePolicy)])
def test_every_key_of_a_hedge_is_there(name):
    assert name in PAGE


@pytest.mark.parametrize("word", [*SIGNALS, *SCHEDULES, *(f.name for f in fields(CostPolicy))])
def test_every_word_is_there(word):
    assert word in PAGE


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_there(name):
    assert name in section("Stress")


def test_every_rule_is_there():
    there = Situation(policy(), market(), TradingState.ACTIVE, (), 100_000)
    rules = {v.rule for v in judge({"SPY": 0.5}, there)} | set(RULES)
    assert not {rule for rule in rules if f"`{rule}`" not in PAGE}


def test_every_part_of_a_line_is_explained():
    page = (DOCS / "decision-record.md").read_text(encoding="utf-8")
    assert not {cause for cause in WORDS if f"| `{cause}` |" not in page}


def test_the_defaults_are_the_code_s():
    usual, costs, hedge = MarginPolicy(), CostPolicy(), HedgePolicy("", "", "", 0.0)
    table = section("Margin")
    assert f"{usual.initial:.2f}, {usual.maintenance:.2f}" in table
    assert f"{usual.short_initial:.2f}, {usual.short_maintenance:.2f}" in table
    assert f"| {usual.borrow_fee:g} |" in table
    assert f"| {usual.cushion:.2f} |" in table
    assert re.search(rf"\| {costs.half_spread:g} \|", section("From weights to orders"))
    assert f"`lookback` ({hedge.lookback})" in section("Hedges")
    assert f"`max_weight` ({hedge.max_weight:.2f})" in section("Hedges")
