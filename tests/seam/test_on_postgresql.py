"""The same day, and the same review of bad rows, with ledger and catalog in one PostgreSQL database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from portfolio.types import Resolution
from tasks import decide, doors, fetch, ingest, letting_in, trade, validate
from tasks.gateway import running_gateway
from tasks.settings import Settings, settings

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
def where(on_postgresql: dict[str, str]) -> Settings:
    return settings(on_postgresql)


def counted(where: Settings, sql: str) -> int:
    with doors.open_lake(where) as lake:
        return lake.query(f"SELECT count(*) FROM {sql}")[1][0][0]


def test_a_day(where: Settings, tmp_path: Path) -> None:
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


def test_a_bad_row_is_taken_out_reviewed_let_in_and_settled(where: Settings, tmp_path: Path) -> None:
    rows = ["2022-12-22,100,USD", "2022-12-23,-1,USD", "2022-12-27,101,USD", "2022-12-28,102,USD"]
    (tmp_path / "bars.csv").write_text("\n".join(["symbol,session,close,currency", *(f"NEW,{row}" for row in rows)]))
    done = ingest.ingest(where, fetch.Batch("prices", "files", tmp_path / "bars.csv"), NOW)
    assert (done.added, done.quarantined) == (3, 1)
    ledger = doors.open_ledger(where)
    (incident,) = [i for i in ledger.incidents() if i.source == "files" and i.severity == "critical"]
    assert (incident.law, incident.symbols, incident.days) == ("close_positive", ("NEW",), {"NEW": (date(2022, 12, 23),) * 2})
    validate.validate(where, "prices", NOW + timedelta(minutes=1))
    assert ledger.incident(incident.incident).live, "the row is out, so nothing was judged again"
    (row,) = letting_in.held(where, "prices", "close_positive", ("NEW",), 10)
    assert letting_in.release(where, "prices", [row["id"]], "ada", "for the record", NOW)["added"] == 1
    assert counted(where, "prices WHERE symbol = 'NEW'") == 4
    assert ledger.resolve(incident.incident, Resolution.ACCEPTED, "ada", "seen", NOW).live is False
    validate.validate(where, "prices", NOW + timedelta(minutes=2))
    assert not ledger.incident(incident.incident).live, "the same breach is no news"
    assert ledger.verify().rows > 3
