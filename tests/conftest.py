"""The order of the suite: the files that take longest first, so that all processes end together.

A file is one process's (`--dist loadfile`): what its tests share (a gateway, a server, a demo that has run) is made once.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

SERVER = "postgresql://postgres@127.0.0.1:5432"
FIRST = (
    *("test_killed_demo", "test_prefect", "test_bad_input", "test_sessions", "test_demo", "test_other_clients"),
    *("test_flows_on_postgresql", "test_network", "test_ingest_killed", "test_backfill", "test_quality_shapes_trading"),
)
# The laws look at the same examples on every run of the suite, so that what lands does not hang on luck; `make soak` looks
# at others each time (LAWS=wild).
settings.register_profile("suite", derandomize=True)
settings.register_profile("wild", print_blob=True)
settings.load_profile(os.environ.get("LAWS", "suite"))
STAND_INS = ("replay", "charts")  # for vendors: importable under these names by every test
FOLDERS = ("execution", "warehouse", "brokers", "expectations", "sources", "portfolio", "seam")


for _name in STAND_INS:
    _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name("sources") / f"{_name}.py")
    sys.modules[_name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_name])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> tuple[int, int]:
    file = Path(item.path)
    first = FIRST.index(file.stem) if file.stem in FIRST else len(FIRST)
    folder = FOLDERS.index(file.parent.name) if file.parent.name in FOLDERS else len(FOLDERS)
    return first, folder


@pytest.fixture(scope="module")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a home whose ledger and catalog are in a PostgreSQL database of its own, dropped afterwards."""
    psycopg = pytest.importorskip("psycopg")
    name = f"trimtab_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(f"{SERVER}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL at 127.0.0.1:5432 ({str(error).splitlines()[0]})")
    with server:
        server.execute(f"CREATE DATABASE {name}")
        home = tmp_path_factory.mktemp("postgresql") / "home"
        yield {"TRIMTAB_HOME": str(home), "TRIMTAB_DATABASE_URL": f"{SERVER}/{name}"}
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
