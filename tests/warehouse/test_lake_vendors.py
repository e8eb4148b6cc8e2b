"""Adjusted closes against a vendor's own: raw prices, splits and dividends in, the vendor's adjusted column is the answer."""

from __future__ import annotations

import csv
import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from warehouse_rows import NOW, load, price, when

SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "dividends", "splits", "apart"),
    [
        ("ORCL-2000", 0, 2, 1e-9),
        # This vendor divides by the close of the ex-session, close / (close + amount); the difference is of second order.
        ("IBM-2008", 4, 0, 1e-3),
        ("AIG-2008", 3, 0, 3e-3),
    ],
)
def test_the_vendors_adjusted_close_is_ours(lake, name, dividends, splits, apart):
    file = SHARED / "quandl_wiki" / f"WIKI-{name}-quandl.csv"
    if not file.is_file():
        pytest.skip(f"no recordings at {SHARED}")
    with file.open() as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: row["Date"])
    actions = [action for row in rows[1:] for action in told(row)]
    assert [sum(a["kind"] == kind for a in actions) for kind in ("dividend", "split")] == [dividends, splits]
    load(lake, "prices", [price("X", date.fromisoformat(row["Date"]), float(row["Close"])) for row in rows])
    load(lake, "corporate_actions", actions)
    with lake.at(lake.snapshot()) as reader:
        ours = reader.prices(["X"], NOW).fields["close"]
    theirs = np.array([float(row["Adj. Close"]) for row in rows])
    np.testing.assert_allclose(ours / ours[-1], theirs / theirs[-1], rtol=apart)


def told(row):
    """The corporate actions of one row of the file."""
    day = {"instrument": "X", "symbol": "X", "ex_session": date.fromisoformat(row["Date"]), "source": "test"}
    found = [("split", {"ratio": float(row["Split Ratio"])}), ("dividend", {"amount": float(row["Ex-Dividend"])})]
    return [day | {"kind": kind, "known_at": when(0)} | value for kind, value in found if set(value.values()) - {0.0, 1.0}]
