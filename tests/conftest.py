"""Which tests share a process: a folder's fixtures (a gateway, a server, an import of seconds) are made once."""

from __future__ import annotations

from pathlib import Path

import pytest

TOGETHER = {"sources": "data", "expectations": "data", "flows": "prefect"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One xdist group a folder; the long folders first, so that two processes end together."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    order = ["journey", "prefect", "execution", "warehouse", "brokers", "data", "portfolio", "seam"]
    for item in items:
        folder = Path(item.path).parent.name
        group = "prefect" if item.path.name == "test_prefect.py" else TOGETHER.get(folder, folder)
        item.add_marker(pytest.mark.xdist_group(group))
        item.user_properties.append(("group", group))
    rank = {name: number for number, name in enumerate(order)}
    items.sort(key=lambda item: rank.get(dict(item.user_properties)["group"], len(order)))
