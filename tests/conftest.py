"""The order of the suite: the files that take longest first, so that all processes end together.

A file is one process's (`--dist loadfile`): what its tests share (a gateway, a server, a demo that has run) is made once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

FIRST = (
    *("test_killed_demo", "test_prefect", "test_bad_input", "test_sessions", "test_demo", "test_other_clients"),
    *("test_network", "test_ingest_killed", "test_backfill", "test_quality_shapes_trading"),
)
FOLDERS = ("execution", "warehouse", "brokers", "expectations", "sources", "portfolio", "seam")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> tuple[int, int]:
    file = Path(item.path)
    first = FIRST.index(file.stem) if file.stem in FIRST else len(FIRST)
    folder = FOLDERS.index(file.parent.name) if file.parent.name in FOLDERS else len(FOLDERS)
    return first, folder
