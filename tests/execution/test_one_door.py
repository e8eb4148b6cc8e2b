"""No order passes but through one door: the syntax trees of the project say so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("portfolio", "sources", "expectations", "warehouse", "brokers", "tasks", "flows", "cli", "channels", "vault", "desk")
OTHER_SIDE = "brokers/simulator/"  # the gateway's own floor, the other end of the wire
EXECUTOR = PROJECT / "brokers" / "executor.py"


def trees() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for path in sorted((PROJECT / room).rglob("*.py")):
            name = path.relative_to(PROJECT).as_posix()
            if not name.startswith(OTHER_SIDE):
                yield name, ast.parse(path.read_text(encoding="utf-8"))


def uses(word: str) -> list[str]:
    """Files that name the attribute or function `word`, once a use; a string of that name (getattr) counts as well."""
    found = []
    for name, tree in trees():
        for node in ast.walk(tree):
            named = (
                (isinstance(node, ast.Attribute) and node.attr == word)
                or (isinstance(node, ast.Name) and node.id == word)
                or (isinstance(node, ast.Constant) and node.value == word)
            )
            found += [name] if named else []
    return found


def method_calls(word: str) -> list[str]:
    """Files that call a method `word`, or fetch one by its name, once a call."""
    found = []
    for name, tree in trees():
        for node in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
            fetched = isinstance(node.func, ast.Name) and node.func.id == "getattr" and ast.unparse(node.args[1]) == repr(word)
            found += [name] if fetched or (isinstance(node.func, ast.Attribute) and node.func.attr == word) else []
    return found


def calls(tree: ast.AST) -> list[str]:
    """Names called inside, in the order they stand in the text."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return [n.func.attr if isinstance(n.func, ast.Attribute) else getattr(n.func, "id", "") for n in found]


def test_place_order_is_said_once():
    assert uses("placeOrder") == ["brokers/ib/broker.py"]


def test_place_is_called_once_and_by_the_executor():
    assert method_calls("place") == ["brokers/executor.py"]


def test_nothing_is_sent_but_what_the_gate_has_admitted():
    """Of the executor: place <- _send_one (after the intent is written down) <- send (after admit and its refusals)."""
    tree = ast.parse(EXECUTOR.read_text(encoding="utf-8"))
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    callers = {
        name: [f for f, node in functions.items() if name in calls(node)] for name in ("place", "_send_one", "_write_down")
    }
    assert callers == {"place": ["_send_one"], "_send_one": ["send"], "_write_down": ["_send_one"]}
    inside = calls(functions["_send_one"])
    assert inside.index("_write_down") < inside.index("place")
    assert "sending" in calls(functions["_write_down"])
    gate = calls(functions["send"])
    assert max(gate.index("admit"), gate.index("admit_plan")) < gate.index("_send_one")
    loop = next(n for n in ast.walk(functions["send"]) if isinstance(n, ast.For))
    refusal = next(n for n in loop.body if isinstance(n, ast.If))
    assert isinstance(refusal.test, ast.Name) and isinstance(refusal.body[-1], ast.Continue), "a refused line goes no further"


def test_the_placement_stands_in_no_retry():
    """Neither a loop nor an except around `place` leads back to it."""
    function = next(n for n in ast.walk(ast.parse(EXECUTOR.read_text())) if getattr(n, "name", "") == "_send_one")
    assert not [n for n in ast.walk(function) if isinstance(n, ast.For | ast.While | ast.AsyncFor)]
