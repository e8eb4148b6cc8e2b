"""The flows ingest, backfill and maintain with ledger and catalog in one PostgreSQL database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date

import pytest

from tasks import doors
from tasks.calendar import sessions
from tasks.settings import settings
from warehouse import manifest

SINCE, UNTIL = date(2021, 1, 4), date(2022, 12, 28)


@pytest.fixture
def flow_runs(on_postgresql: dict[str, str], prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Flows of this process, with runs at the shared API; they read the environment."""
    from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings

    monkeypatch.setattr(os, "environ", {**os.environ, **on_postgresql})
    with temporary_settings({PREFECT_API_URL: prefect_api, PREFECT_LOGGING_TO_API_ENABLED: False}):
        yield


def test_ingest_backfill_twice_and_maintain(on_postgresql: dict[str, str], flow_runs: None) -> None:
    from flows.backfill import backfill
    from flows.ingest import ingest
    from flows.maintain import maintain

    done = ingest("prices", "sample", ["PG"])
    assert (done["added"], done["quarantined"]) == (8313, 0)
    first, again = (backfill(SINCE, UNTIL, "prices", ["PG", "PEP", "JNJ"], "sample") for _ in range(2))
    whole = len(sessions(SINCE, UNTIL))
    assert (first["status"], first["partitions"]) == ("done", 1)
    assert first["symbols"] == {symbol: {"added": whole, "revised": 0} for symbol in ("JNJ", "PEP")}
    assert (again["partitions"], again["added"]) == (0, 0)
    kept = maintain()
    where = settings(on_postgresql)
    with doors.open_lake(where) as lake:
        assert lake.query("SELECT count(*) FROM prices")[1] == [(8313 + 2 * whole,)]
        assert manifest.verify(lake.data_path).sound and kept["files_after"] > 0
    assert doors.open_ledger(where).verify().rows > 3
