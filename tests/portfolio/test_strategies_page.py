"""docs/strategies.md shows what runs, and names all there is: kinds, models, measures, steps, keys, the gallery."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from mind import FIXED, market, walk

from portfolio.optimize import RISKS
from portfolio.policy import parse_policy
from portfolio.policy.objectives import OBJECTIVES
from portfolio.signals.factors import FACTORS
from portfolio.signals.rule import MEASURES, Rule
from portfolio.strategies.catalog import STEPS, kinds
from portfolio.strategies.optimized import NAMES
from portfolio.strategies.protocol import Seen
from portfolio.strategies.road import target
from portfolio.types import ConstraintPolicy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    return re.split(r"\n## ", PAGE.split(f"\n## {heading}\n")[1])[0]


def first_cells(text: str) -> set[str]:
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([\w.-]+)`", cell)}


def code(language: str, text: str = PAGE) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def test_every_kind_model_measure_and_step_is_named():
    told = section("Kinds")
    assert set(re.findall(r"^\*\*(\w+)\*\*", told, re.M)) == set(kinds())
    assert first_cells(told) == {*NAMES, *MEASURES}
    assert first_cells(section("The objective")) == set(OBJECTIVES)
    assert all(f"`{step}`" in section("Constraints") for step in STEPS)
    assert all(f"`{factor}`" in told for factor in FACTORS)
    assert len(RISKS) == 26
    assert "26 convex measures" in told


@pytest.mark.parametrize("kind", kinds())
def test_every_key_of_a_kind_is_on_the_page(kind):
    told = section("Kinds")
    own = [f.name for f in fields(kinds()[kind]) if f.metadata.get("read")]
    known = {"rule": "strategy.rule", "sleeve": "strategy.sleeve"}
    missing = [name for name in own if not re.search(rf"`{name}`|`{name} = |{known.get(name, name + '!')}", told)]
    assert missing == []


def test_every_key_of_a_rule_is_on_the_page():
    told = section("Kinds")
    assert [f.name for f in fields(Rule) if not re.search(rf"`{f.name}`|`{f.name} = ", told) and f.name != "name"] == []


def test_the_gallery_is_the_folder():
    policies = {file.name for file in (ROOT / "examples").glob("*.toml")} - {"demo.toml", "views.toml"}
    assert first_cells(PAGE.split("\n## ")[0]) == policies
    assert len(policies) == 12


def test_the_constraints_that_are_shown_are_read_and_all_of_them_are_shown():
    shown, road = code("toml", section("Constraints"))
    named = FIXED.replace('["SPY", "IEF", "GLD"]', '["AAPL", "MSFT", "CVX", "XOM"]').replace(
        "SPY = 0.6, IEF = 0.3, GLD = 0.1", "AAPL = 0.1"
    )
    text = f"{named}\n{shown}\n[constraints.benchmark]\nAAPL = 0.5\nXOM = 0.5\n".replace(
        "sector = { Technology", "sector = { Technology"
    )
    found = parse_policy(text).constraints
    usual = ConstraintPolicy()
    unset = {f.name for f in fields(ConstraintPolicy) if getattr(found, f.name) == getattr(usual, f.name)}
    assert unset <= {"gross", "level", "lookback"}
    assert found.groups["sector"]["Technology"].high == 0.3
    keys = re.findall(r"^(\w+) = ", road, re.M)
    assert keys == ["relax", "fallback"]


def test_the_strategy_of_one_s_own_runs_and_is_short():
    text = code("python", section("A strategy of your own"))[0]
    made: dict[str, object] = {}
    exec(compile(text, "docs/strategies.md", "exec"), made)
    near_high = made["NearHigh"](names=2)
    assert len(text.split("    def wish")[0].splitlines()) + len(text.split("    def wish")[1].splitlines()) < 45
    names = ("AAA", "BBB", "CCC")
    closes = walk(3, 300)
    closes[-1] = closes[-252:].max(axis=0) * [0.9, 1.0, 0.5]
    from portfolio.optimize import Constraints

    seen = Seen(market(names, closes), names, dict.fromkeys(names, 0.0), Constraints(np.zeros(3), np.ones(3)))
    wish = near_high.wish(seen)
    assert wish.weights == {"AAA": 0.5, "BBB": 0.5, "CCC": 0.0}
    assert near_high.needs().sessions == 252
    assert target is not None
