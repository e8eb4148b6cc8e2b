"""What holds for the whole mind: cheap to import, its examples true, its words and tables whole, its errors plain."""

import ast
import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mind import D, quote

import portfolio
from portfolio import schema, types
from portfolio.errors import Broken, Outage, Refused, Trouble, WrongUse
from portfolio.types import Account, Action, Quote, Side, TradingState

HEAVY = {
    "riskfolio", "pandas", "duckdb", "prefect", "polars", "ib_insync", "ib_async", "great_expectations", "matplotlib", "jinja2",
    "scipy", "cvxpy", "sqlalchemy", "skfolio", "asyncio.sslproto",
}  # fmt: skip
MODULES = sorted(m.name for m in pkgutil.walk_packages(portfolio.__path__, "portfolio."))
ROOT = Path(portfolio.__file__).parent


def imported_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT.parent, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement", ["import portfolio", "import portfolio.decide", "import portfolio.record, portfolio.policy, portfolio.reports"]
)
def test_importing_the_mind_opens_no_heavy_door(statement):
    loaded = imported_by(statement)
    assert "portfolio" in loaded
    assert not loaded & HEAVY


def test_importing_the_package_loads_nothing_but_itself():
    assert not {m for m in imported_by("import portfolio") if m.startswith(("portfolio.", "numpy"))}


def test_no_module_of_the_mind_costs_a_heavy_door():
    assert not imported_by("import " + ", ".join(MODULES)) & HEAVY


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_are_true(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_there_are_examples_at_all():
    assert doctest.testmod(importlib.import_module("portfolio.measures")).attempted > 0


@pytest.mark.parametrize("name", MODULES)
def test_every_file_is_small_and_says_what_it_is(name):
    module = importlib.import_module(name)
    source = Path(module.__file__).read_text()
    assert len(source.splitlines()) <= 300
    assert module.__doc__
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)}
    assert not calls & {"datetime.now", "datetime.utcnow", "date.today", "time.time", "print", "np.random.seed"}


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", types.__all__)
def test_a_value_is_frozen(name):
    kind = getattr(types, name)
    if isinstance(kind, type) and is_dataclass(kind):
        assert kind.__dataclass_params__.frozen
        assert hasattr(kind, "__slots__")
        assert fields(kind)


def test_a_frozen_value_does_not_change():
    account = Account({"AAPL": D(1)}, D(5), "USD")
    with pytest.raises(FrozenInstanceError):
        account.cash = D(6)


def test_equity_is_cash_plus_positions():
    account = Account({"AAPL": D(10), "KO": D(-2), "GONE": D(0)}, D("100.50"), "USD")
    assert account.equity({"AAPL": D("150.25"), "KO": D(60)}) == D("1483.00")
    with pytest.raises(KeyError):
        account.equity({"AAPL": D(1)})


def test_words_are_ordered_from_the_least_to_the_most_careful():
    assert list(Action) == ["pass", "warn", "scale", "drop", "reduce", "freeze", "block"]
    assert {s.value for s in TradingState} == {"UNRECONCILED", "ACTIVE", "REDUCING", "HALTED"}
    assert [s.value for s in Side] == ["BUY", "SELL"]


@pytest.mark.parametrize(
    ("bid", "ask", "last", "reference", "dealable"),
    [
        ("99", "101", None, 100, 100),
        ("99", "101", "50", 100, 100),
        ("100", "100", None, 100, 100),
        ("101", "99", "100", 100, None),  # crossed: worth the last trade, no price to deal at
        ("101", "99", None, None, None),
        (None, None, "100", 100, 100),
        ("99", None, "100", 100, 100),
        (None, "101", "100", 100, 100),
        ("-1", "-1", "100", 100, 100),  # no bid, no ask, as brokers say it
        ("0", "101", "100", 100, 100),
        ("NaN", "101", "100", 100, None),
        ("99", "NaN", None, None, None),
        ("99", "Infinity", "100", 100, None),
        (None, None, None, None, None),
        (None, None, "0", 0, None),
        (None, None, "-5", -5, None),
    ],
)
def test_what_a_quote_is_worth_and_what_one_could_deal_at(bid, ask, last, reference, dealable):
    found = quote("AAPL", bid, ask, last)
    assert found.reference == reference
    assert found.dealable == dealable
    assert not Quote("A", None, None, D("NaN"), "USD", datetime(2022, 1, 1, tzinfo=UTC)).dealable


# --- errors ---------------------------------------------------------------------------------------------------------


def test_the_kinds_of_trouble_and_their_exit_codes():
    assert {k.exit_code: k.kind for k in (Refused, WrongUse, Outage, Broken)} == {
        1: "refused",
        2: "wrong use",
        3: "outage",
        4: "broken",
    }
    trouble = Refused("AAPL has no price.", "Ingest it.", symbol="AAPL")
    assert str(trouble) == "AAPL has no price. Ingest it."
    assert (trouble.what, trouble.way_out, trouble.facts) == ("AAPL has no price.", "Ingest it.", {"symbol": "AAPL"})
    assert str(Broken("A bug.")) == "A bug."
    assert all(issubclass(k, Trouble) for k in (Refused, WrongUse, Outage, Broken))


# --- tables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", schema.TABLES.values(), ids=lambda t: t.name)
def test_a_table_is_whole(table):
    names = table.names
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert set(table.facts) <= set(names) - set(table.key)
    assert set(table.sort_by) <= set(names)
    assert table.partition_by is None or table.partition_by in names
    assert set(table.staged) == set(names) - {"loaded_at", "run"}
    assert all(c.what and re.fullmatch(r"VARCHAR|DOUBLE|DATE|BOOLEAN|TIMESTAMPTZ", c.type) for c in table.columns)
    assert all(re.fullmatch(r"[a-z_]+", n) for n in names)


def test_every_fact_says_who_said_it_and_since_when_it_was_known():
    for table in schema.TABLES.values():
        if table.name != "quarantine":
            assert {"source", "known_at", "loaded_at", "run"} <= set(table.names), table.name
            assert "source" in table.key
            assert "known_at" not in table.key


def test_the_views_the_design_promises_have_their_columns():
    promised = {
        "prices": "instrument, symbol, session, open, high, low, close, volume, currency, source, known_at",
        "corporate_actions": "instrument, symbol, ex_session, kind, ratio, amount, currency, source, known_at",
        "fundamentals": "instrument, symbol, concept, period_start, period_end, value, unit, form, filed, source, known_at",
        "macro": "series, date, value, source, known_at",
        "news": "instrument, symbol, published, kind, headline, source, known_at",
        "universe": "name, instrument, symbol, from_session, to_session",
        "quarantine": "run, dataset, law, row, quarantined_at",
    }
    for name, columns in promised.items():
        assert set(columns.split(", ")) <= set(schema.TABLES[name].names), name
    assert set(schema.DATASETS) <= set(schema.TABLES)
