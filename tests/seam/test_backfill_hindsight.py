"""A backfill from a vendor with splits and dividends: the difference it made, and the past decisions that it would have changed."""

from __future__ import annotations

import csv
import io
import math
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import charts
import numpy as np
import pytest
import replay

from tasks import backfill, decide, doors, fetch, ingest
from tasks.calendar import sessions
from tasks.gateway import running_gateway
from tasks.settings import Settings, settings

pytestmark = pytest.mark.shared
ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", ROOT / ".." / "shared" / "data"))
SESSION, NOW = date(2020, 10, 28), datetime(2020, 10, 28, 3, tzinfo=UTC)
SINCE, HELD, UNTIL = date(2018, 6, 1), date(2020, 9, 1), date(2020, 10, 27)  # Apple is held from the day after its split on
SPLIT = date(2020, 8, 31)
PAID = {
    date(2018, 8, 10): 0.73,
    date(2018, 11, 8): 0.73,
    date(2019, 2, 8): 0.73,
    date(2019, 5, 10): 0.77,
}  # from Apple's own list
PAID |= {date(2019, 8, 9): 0.77, date(2019, 11, 7): 0.77, date(2020, 2, 7): 0.77, date(2020, 5, 8): 0.82, date(2020, 8, 7): 0.82}
POLICY = """
[portfolio]
name = "{name}"
objective = "allocation"
base_currency = "USD"
[universe]
symbols = ["{symbol}"]
[strategy]
kind = "fixed"
weights = {{ {symbol} = 0.9 }}
[rebalance]
when = "drift"
[risk]
max_weight = 0.95
{limit}
[gate]
profile = "paper"
[execution]
mode = "paper"
"""
LIMIT = "value_at_risk = { level = 0.95, days = 1, limit = 0.02 }"


@pytest.fixture(scope="module")
def recorded() -> dict[str, dict[date, tuple[float, float]]]:
    """symbol -> session -> (close, adjusted close) of Yahoo's recorded history, split-adjusted as Yahoo tells it."""
    file = SHARED / "yahoo_sp500_1999_2020" / "yahoo_2020-10-28.zip"
    if not file.is_file():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    told = {}
    with zipfile.ZipFile(file) as archive:
        for symbol in ("AAPL", "KO"):
            rows = csv.DictReader(io.StringIO(archive.read(f"stock_dfs/{symbol}.csv").decode()))
            days = {date.fromisoformat(row["Date"]): (float(row["Close"]), float(row["Adj Close"])) for row in rows}
            told[symbol] = {day: closes for day, closes in days.items() if day >= SINCE}
    return told


@pytest.fixture
def where(recorded, tmp_path: Path) -> Iterator[Settings]:
    """A home whose Yahoo answers with the recorded bars, Apple's split, and its dividends in shares of today."""
    actions = {"AAPL": {"splits": {SPLIT: "4:1"}, "dividends": {day: paid / 4 for day, paid in PAID.items()}}}
    answers = {
        charts.CHART + symbol: charts.chart(symbol, [close for close, _ in told.values()], list(told), **actions.get(symbol, {}))
        for symbol, told in recorded.items()
    }
    with replay.serving(answers) as vendor:
        yield settings({"TRIMTAB_HOME": str(tmp_path / "home"), "TRIMTAB_YAHOO_URL": vendor.url})


def decided(where: Settings, folder: Path) -> dict[str, str]:
    """Portfolio -> its decision of that session: one with a limit on its tail, one without, one of another symbol."""
    made = {}
    with running_gateway(where, SESSION) as port:
        for name, symbol, limit in (("limited", "AAPL", LIMIT), ("plain", "AAPL", ""), ("other", "KO", LIMIT)):
            path = folder / f"{name}.toml"
            path.write_text(POLICY.format(name=name, symbol=symbol, limit=limit), encoding="utf-8")
            made[name] = decide.propose(replace(where, ib_port=port), doors.read_policy(path), SESSION, NOW).decision
    return made


def test_history_with_a_split_and_dividends_changes_the_decision_that_hung_on_it_and_no_other(
    where: Settings, recorded, tmp_path: Path
) -> None:
    """With forty sessions of Apple nothing was known of its tail; with two years its weight is the limit over its risk."""
    for symbol, since in (("AAPL", HELD), ("KO", SINCE)):
        ingest.ingest(where, fetch.Batch("prices", "yahoo", symbols=(symbol,), since=since, until=UNTIL), NOW)
    made = decided(where, tmp_path)
    later = NOW + timedelta(days=30)
    begun = backfill.begin(where, backfill.Wish("prices", SINCE, UNTIL, None, "yahoo"), later)
    assert [(p.symbols, p.since, p.until) for p in begun.partitions] == [(("AAPL",), SINCE, SPLIT)]
    backfill.fill(where, begun, begun.waiting[0], later)
    done = backfill.finish(where, begun.backfill, later)
    missing = len(sessions(SINCE, SPLIT))
    assert (done["status"], done["symbols"]) == ("done", {"AAPL": {"added": missing, "revised": 0}})
    (changed,) = done["decisions"]
    assert (changed["decision"], changed["portfolio"], changed["status"]) == (made["limited"], "limited", "changed")
    adjusted = np.array([told for day, (_, told) in recorded["AAPL"].items() if day <= UNTIL])
    losses = np.sort((1 - adjusted[1:] / adjusted[:-1])[-504:])[::-1]  # by the vendor's own adjusted closes
    tail = losses[math.ceil(0.05 * len(losses)) - 1]
    weight = re.fullmatch(r"AAPL: weight 89\.10% -> ([\d.]+)%", changed["changes"][0])
    assert weight and float(weight[1]) == pytest.approx(100 * 0.02 / tail, abs=0.02)
    assert any(re.fullmatch(r"AAPL: BUY \d+ -> BUY \d+", words) for words in changed["changes"])
    assert all(decide.replay(where, decision)["status"] == "equal" for decision in made.values()), "the records still replay"
    with doors.open_lake(where) as lake:
        split, cash = lake.query("SELECT max(ratio), list(amount ORDER BY ex_session) FROM corporate_actions")[1][0]
        before, after = (lake.query(f"SELECT close FROM prices_adjusted WHERE symbol = 'AAPL' AND session = '{day}'")[1][0][0]
                         for day in (date(2020, 8, 28), SPLIT))  # fmt: skip
    assert (split, [round(each, 4) for each in cash if each]) == (4.0, list(PAID.values()))
    assert after / before == pytest.approx(129.04 / 124.8075, rel=1e-5), "one series over the split"
