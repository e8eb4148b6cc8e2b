"""Real lakes, real ledgers, a real PostgreSQL where one answers on this machine."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.lake import Lake
from warehouse.ledger import open_ledger


def _neighbour(name: str, path: Path) -> None:
    """Make a file of this folder importable by the tests here."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


_neighbour("warehouse_rows", Path(__file__).with_name("rows.py"))

from warehouse_rows import PG  # noqa: E402


@pytest.fixture
def home(tmp_path: Path) -> tuple[str, str]:
    """(catalog URL, data path) of a lake that is not there yet."""
    return f"sqlite:///{tmp_path}/catalog.sqlite", f"{tmp_path}/lake"


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lake that has its tables and nothing in them, to copy."""
    folder = tmp_path_factory.mktemp("empty")
    Lake.open(f"sqlite:///{folder}/catalog.sqlite", f"{folder}/lake").close()
    return folder


@pytest.fixture
def lake(home: tuple[str, str], empty: Path, tmp_path: Path) -> Iterator[Lake]:
    shutil.copytree(empty, tmp_path, dirs_exist_ok=True)
    with Lake.open(*home) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_lake(tmp_path_factory: pytest.TempPathFactory, empty: Path) -> Iterator[Lake]:
    """One lake for many examples; each example takes names of its own."""
    folder = tmp_path_factory.mktemp("lake")
    shutil.copytree(empty, folder, dirs_exist_ok=True)
    with Lake.open(f"sqlite:///{folder}/catalog.sqlite", f"{folder}/lake") as opened:
        yield opened


@pytest.fixture
def postgres() -> Iterator[str]:
    """URL of an empty database of our own, dropped afterwards."""
    import psycopg

    try:
        admin = psycopg.connect(f"{PG}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL on 127.0.0.1:5432 ({str(error).splitlines()[0]})")
    name = f"trimtab_test_{uuid.uuid4().hex[:12]}"
    with admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield f"{PG}/{name}"
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres"))
    return f"sqlite:///{tmp_path}/ledger.sqlite"


@pytest.fixture
def ledger(ledger_url: str):
    opened = open_ledger(ledger_url)
    yield opened
    opened.close()
