"""The page of faults names tests that exist, and a test for every fault."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [line for line in (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
NODE = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)+)`")
NAMED = sorted({(file, node) for row in ROWS for file, node in NODE.findall(row)})


@cache
def nodes(file: str) -> frozenset[str]:
    """The tests of a file as pytest names them behind the file: `::test_x`, `::TestY::test_x`."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    classes = [(f"::{node.name}", node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(
        f"{of}::{node.name}"
        for of, body in [("", tree.body), *classes]
        for node in body
        if isinstance(node, functions) and node.name.startswith("test_")
    )


def test_every_test_that_the_page_names_exists() -> None:
    assert len(NAMED) > 90
    assert [file + node for file, node in NAMED if not (ROOT / file).is_file() or node not in nodes(file)] == []


def test_every_fault_has_a_test_and_every_name_is_whole() -> None:
    assert len(ROWS) > 30
    for row in ROWS:
        fault, does, held = (cell.strip() for cell in row.strip("|").split(" | "))
        assert fault.endswith(".") and does.endswith(".")
        assert NODE.sub("", held).strip() == "" and NODE.search(held), f"not a list of tests: {held}"
