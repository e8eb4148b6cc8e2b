"""The statements that docs/warehouse.md shows run as they stand, and the names it lists are those there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from warehouse.indicators import INDICATORS
from warehouse.ratios import RATIOS
from warehouse.views import all_views

PAGE = (Path(__file__).parents[2] / "docs" / "warehouse.md").read_text(encoding="utf-8")
STATEMENTS = re.findall(r"```sql\n(.*?)```", PAGE, re.S)


@pytest.mark.parametrize("statement", STATEMENTS, ids=range(len(STATEMENTS)))
def test_a_statement_of_the_page_runs(shared_lake, statement):
    names, _ = shared_lake.query(statement)
    assert names


def named(heading: str) -> set[str]:
    """What stands in code in the table under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.split("|")[-2] for line in section.splitlines() if line.startswith("|")]
    return {name for line in lines for name in re.findall(r"`(\w+)`", line)}


def test_the_page_names_every_ratio_and_indicator():
    assert named("Ratios") == set(RATIOS)
    assert named("Indicators") == set(INDICATORS) - {"beta_252d"}


def test_the_page_names_every_view():
    section = PAGE.split("\n## What is there\n")[1].split("\n## ")[0]
    first = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {name for cell in first for name in re.findall(r"`(\w+)`", cell)} == set(all_views())


def test_the_piece_of_python_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("TRIMTAB_HOME", str(tmp_path / "home"))
    code = re.findall(r"```python\n(.*?)```", PAGE, re.S)[0]
    names: dict[str, object] = {}
    exec(compile(code, "docs/warehouse.md", "exec"), names)
    assert set(names["found"].values) == {"beta_252d", "earnings_yield", "debt_to_equity"}
