"""The same day with ledger and catalog in one PostgreSQL database."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tasks import decide, doors, fetch, ingest, trade
from tasks.gateway import running_gateway
from tasks.settings import settings

SERVER = "postgresql://postgres@127.0.0.1:5432"
SESSION, NOW = date(2022, 12, 28), datetime(2023, 1, 2, tzinfo=UTC)
POLICY = """
[portfolio]
name = "three"
objective = "allocation"
base_currency = "USD"
[universe]
symbols = ["AAPL", "KO", "XOM"]
[strategy]
kind = "fixed"
weights = { AAPL = 0.5, KO = 0.3, XOM = 0.2 }
[rebalance]
when = "drift"
[risk]
max_weight = 0.6
[gate]
profile = "paper"
[execution]
mode = "paper"
quiet_seconds = 2
"""


@pytest.fixture
def database() -> Iterator[str]:
    psycopg = pytest.importorskip("psycopg")
    name = f"trimtab_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(f"{SERVER}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL at 127.0.0.1:5432 ({str(error).splitlines()[0]})")
    with server:
        server.execute(f"CREATE DATABASE {name}")
        yield f"{SERVER}/{name}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_day(database: str, tmp_path: Path) -> None:
    where = settings({"TRIMTAB_HOME": str(tmp_path), "TRIMTAB_DATABASE_URL": database})
    path = tmp_path / "policy.toml"
    path.write_text(POLICY, encoding="utf-8")
    policy = doors.read_policy(path)
    first = ingest.ingest(where, fetch.Batch("prices", "sample", symbols=policy.symbols), NOW)
    again = ingest.ingest(where, fetch.Batch("prices", "sample", symbols=policy.symbols), NOW)
    assert (first.added, again.added, again.revised) == (3 * 8313, 0, 0)
    assert again.snapshot == first.snapshot
    with running_gateway(where, SESSION) as port:
        here = replace(where, ib_port=port)
        proposal = decide.propose(here, policy, SESSION, NOW)
        assert trade.trade(here, proposal.plan) == "done"
        closed = trade.close_books(here, policy, NOW)
        assert decide.propose(here, policy, SESSION, NOW).status == "nothing to trade"
    assert closed["breaks"] == []
    held = {s: float(q) for s, q in closed["positions"].items()}
    assert held.keys() == {"AAPL", "KO", "XOM"}
    assert decide.replay(where, proposal.decision)["status"] == "equal"
    assert doors.open_ledger(where).verify().rows > 10
