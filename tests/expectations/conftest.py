import importlib.util
import sys
from pathlib import Path

import duckdb
import pytest


def _load(name: str):
    """A neighbour of this file, importable by the tests here under its own name."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


for each in ("clean", "walks"):
    if each not in sys.modules:
        _load(each)


@pytest.fixture
def cursor():
    """A cursor with an open transaction, rolled back at the end."""
    connection = duckdb.connect()
    each = connection.cursor()
    each.execute("begin")
    yield each
    each.close()
    connection.close()
