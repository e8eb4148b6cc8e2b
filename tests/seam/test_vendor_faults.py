"""What a vendor may answer instead of data: nothing of it gets into the warehouse, and what came of others does."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import charts
import pytest
import replay

from portfolio.errors import Refused
from tasks import doors
from tasks.fetch import Batch
from tasks.ingest import ingest
from tasks.settings import settings

NOW = datetime(2020, 9, 2, tzinfo=UTC)
WHOLE = json.dumps(charts.AAPL)
ANSWERS = {
    "an error page with 200": (replay.page(), "HTML page"),
    "the first half of the data": (WHOLE[: len(WHOLE) // 2], "no whole JSON"),
    "a number that is none": (WHOLE.replace("125.01", "NaN"), "NaN is no number"),
    "a key twice": (WHOLE.replace('"chart":', '"chart": 1, "chart":'), "stands in it twice"),
    "a hundred thousand brackets": ("[" * 100_000, "nested too deeply"),
    "a redirect to this machine": (replay.redirect("http://localhost:9/latest/meta-data"), "redirect|elsewhere"),
    "bars of another length": (WHOLE.replace("[126.5225, 125.01", "[125.01", 1), "different lengths"),
}


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory):
    """A home that holds one symbol from the vendor, and the vendor."""
    with replay.serving({charts.CHART + "MSFT": charts.MSFT}) as vendor:
        home = tmp_path_factory.mktemp("faults") / "home"
        found = settings({"TRIMTAB_HOME": str(home), "TRIMTAB_YAHOO_URL": vendor.url})
        ingest(found, Batch("prices", "yahoo", symbols=("MSFT",)), NOW)
        yield found, vendor


def state(where) -> tuple:
    tables = ("prices", "corporate_actions", "quarantine")
    with doors.open_lake(where) as lake:
        counts = lake.query("SELECT " + ", ".join(f"(SELECT count(*) FROM raw.{table})" for table in tables))[1]
        return lake.snapshot(), counts, doors.open_ledger(where).head()


@pytest.mark.parametrize(("answer", "says"), ANSWERS.values(), ids=ANSWERS)
def test_what_is_no_data_leaves_everything_as_it_was(where, answer, says) -> None:
    home, vendor = where
    vendor.play(charts.CHART + "AAPL", answer)
    before = state(home)
    with pytest.raises(Refused, match=says) as caught:
        ingest(home, Batch("prices", "yahoo", symbols=("AAPL",)), NOW)
    assert "\n" not in str(caught.value)
    assert state(home) == before


def test_beside_it_the_others_are_written_whole(where) -> None:
    home, vendor = where
    vendor.play(charts.CHART + "AAPL", charts.AAPL)
    vendor.play(charts.CHART + "BAD", replay.page())
    done = ingest(home, Batch("prices", "yahoo", symbols=("BAD", "AAPL")), NOW)
    assert (done.added, list(done.failed), dict(done.beside)) == (5, ["BAD"], {"corporate_actions": 2})
    with doors.open_lake(home) as lake:
        assert lake.query("SELECT symbol, count(*) FROM prices GROUP BY 1 ORDER BY 1")[1] == [("AAPL", 5), ("MSFT", 5)]
