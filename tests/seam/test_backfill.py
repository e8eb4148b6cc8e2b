"""Backfills: gaps from the calendar and the warehouse, partitions, a kill in the middle, twice is once, and what they changed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from portfolio.errors import WrongUse
from tasks import backfill, decide, doors, fetch, gaps, ingest
from tasks.backfill import Wish
from tasks.calendar import sessions
from tasks.gateway import running_gateway
from tasks.settings import Settings, settings

ROOT = Path(__file__).parents[2]
SESSION, NOW = date(2022, 12, 28), datetime(2023, 1, 2, tzinfo=UTC)
CLOCK = (NOW + timedelta(minutes=number) for number in count(1))
SINCE, UNTIL = date(2018, 1, 2), date(2022, 12, 28)


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    return settings({"TRIMTAB_HOME": str(tmp_path / "home")})


def load(where: Settings, symbols: tuple[str, ...] | None, since: date, until: date = UNTIL) -> None:
    ingest.ingest(where, fetch.Batch("prices", "sample", symbols=symbols, since=since, until=until), NOW)


def wish(symbols: tuple[str, ...] | None = ("AAPL", "KO"), since: date = SINCE, until: date = UNTIL, **more) -> Wish:
    return Wish("prices", since, until, symbols, "sample", **more)


def filled(where: Settings, asked: Wish) -> dict:
    now = next(CLOCK)
    found = backfill.begin(where, asked, now)
    for partition in found.waiting:
        backfill.fill(where, found, partition, now)
    return backfill.finish(where, found.backfill, now)


def rows(where: Settings) -> list:
    with doors.open_lake(where) as lake:
        return lake.query("SELECT symbol, session, close FROM prices ORDER BY ALL")[1]


def test_gaps_are_the_calendars_sessions_less_those_held(where: Settings) -> None:
    load(where, ("KO",), date(2020, 1, 2), date(2020, 6, 30))
    with doors.open_lake(where) as lake, lake.at(lake.snapshot()) as reader:
        found = gaps.price_gaps(reader, "sample", ["KO", "AAPL"], date(2020, 1, 2), date(2020, 12, 31))
    assert found == [
        gaps.Gap("KO", date(2020, 7, 1), date(2020, 12, 31), 128),
        gaps.Gap("AAPL", date(2020, 1, 2), date(2020, 12, 31), 253),
    ]
    assert len(sessions(date(2020, 1, 1), date(2020, 12, 31))) == 253, "2020 had 253 sessions at the NYSE"


def test_sessions_on_which_an_instrument_was_not_listed_are_no_gap(where: Settings) -> None:
    with doors.open_lake(where) as lake:
        import polars as pl

        from portfolio.schema import SYMBOLS
        from sources.frames import staged

        row = {"instrument": "US:NEW", "symbol": "NEW", "from_session": date(2020, 11, 2), "to_session": None}
        frame = pl.DataFrame([row | {"source": "members", "known_at": NOW}], schema_overrides={"to_session": pl.Date})
        with lake.transaction("names", NOW) as tx:
            tx.merge("symbols", tx.stage("symbols", staged(frame, SYMBOLS)))
        with lake.at(lake.snapshot()) as reader:
            (gap,) = gaps.price_gaps(reader, "sample", ["NEW"], date(2020, 1, 2), date(2020, 12, 31))
    assert (gap.since, gap.missing) == (date(2020, 11, 2), 42)


def test_a_backfill_brings_what_is_missing_and_says_how_much(where: Settings) -> None:
    load(where, ("KO",), date(2021, 1, 4))
    done = filled(where, wish())
    early, whole = len(sessions(SINCE, date(2020, 12, 31))), len(sessions(SINCE, UNTIL))
    assert (done["status"], done["partitions"]) == ("done", 2)
    assert done["symbols"] == {"AAPL": {"added": whole, "revised": 0}, "KO": {"added": early, "revised": 0}}
    assert len(rows(where)) == 2 * whole


def test_twice_is_once_and_overlapping_or_out_of_order_is_no_matter(where: Settings) -> None:
    filled(where, wish())
    held = rows(where)
    again = filled(where, wish())
    assert (again["partitions"], again["added"], rows(where)) == (0, 0, held)
    later = filled(where, wish(since=date(2019, 6, 3), until=date(2020, 6, 30)))
    assert (later["partitions"], rows(where) == held) == (0, True)


def test_in_any_order_the_same_rows(where: Settings, tmp_path: Path) -> None:
    other = settings({"TRIMTAB_HOME": str(tmp_path / "other")})
    filled(where, wish())
    for since, until in ((date(2021, 3, 1), UNTIL), (SINCE, date(2019, 2, 28)), (date(2018, 6, 1), date(2021, 6, 30))):
        filled(other, wish(since=since, until=until))
    assert rows(where) == rows(other)


def test_a_wish_that_cannot_be_is_refused(where: Settings) -> None:
    for asked, words in (
        (wish(since=UNTIL, until=SINCE), "before it begins"),
        (wish(since=date(2099, 1, 4), until=date(2099, 1, 5)), "in the future"),
        (Wish("weather", SINCE, UNTIL, ("KO",), "sample"), "no dataset 'weather'"),
        (Wish("prices", SINCE, UNTIL, None, "sample"), "knows no symbol of prices from sample"),
    ):
        with pytest.raises(WrongUse, match=words):
            backfill.begin(where, asked, NOW)


def test_a_refused_symbol_does_not_stop_the_others(where: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "TOGETHER", 1)
    done = filled(where, wish(("AAPL", "NOSUCH", "KO")))
    assert done["status"] == "partly"
    assert set(done["symbols"]) == {"AAPL", "KO"}
    assert any("NOSUCH" in words for words in done["troubles"])


def test_the_same_words_after_a_refusal_look_for_gaps_anew(where: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was refused is told and over; the next run asks for what is missing then, the sessions since included."""
    monkeypatch.setattr(backfill, "TOGETHER", 1)
    asked = wish(("AAPL", "NOSUCH"), since=date(2022, 3, 1))
    early = datetime(2022, 6, 30, tzinfo=UTC)

    def run(now: datetime) -> tuple[str, dict]:
        found = backfill.begin(where, asked, now)
        ended = [backfill.fill(where, found, partition, now).status for partition in found.waiting]
        assert sorted(ended) == ["done", "refused"]
        assert not doors.open_ledger(where).backfill(found.backfill).waiting, "nothing is asked for ever"
        return found.backfill, backfill.finish(where, found.backfill, now)

    first, second = run(early), run(NOW)
    assert first[0] != second[0]
    assert [done["status"] for _, done in (first, second)] == ["partly", "partly"]
    assert first[1]["symbols"] == {"AAPL": {"added": len(sessions(date(2022, 3, 1), date(2022, 6, 29))), "revised": 0}}
    assert second[1]["symbols"] == {"AAPL": {"added": len(sessions(date(2022, 6, 30), UNTIL)), "revised": 0}}
    assert all("NOSUCH" in done["troubles"][0] for _, done in (first, second))


CHILD = """
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from tasks import backfill
from tasks.settings import settings
where = settings({"TRIMTAB_HOME": sys.argv[1]})
backfill.TOGETHER = 1
names = ("AAPL", "AMD", "BAC", "BBY", "CVX")
found = backfill.begin(where, backfill.Wish("prices", date(2018, 1, 2), date(2022, 12, 28), names, "sample"), datetime(2023, 1, 2, tzinfo=UTC))
for partition in found.waiting:
    backfill.fill(where, found, partition, datetime(2023, 1, 2, tzinfo=UTC))
    print(partition.part, flush=True)
print("end", flush=True)
"""


def test_killed_in_the_middle_it_goes_on_where_it_stood(where: Settings, tmp_path: Path) -> None:
    def start() -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", CHILD, str(where.home)], cwd=ROOT, stdout=subprocess.PIPE, text=True)

    with start() as first:
        assert first.stdout is not None
        for _ in range(2):
            first.stdout.readline()
        time.sleep(0.05)  # somewhere in the third
        first.send_signal(signal.SIGKILL)
    with start() as second:
        said = second.communicate(timeout=120)[0].split()
    assert said[-1] == "end"
    assert not {"1", "2"} & set(said), "what was done is not done again"
    other = settings({"TRIMTAB_HOME": str(tmp_path / "other")})
    filled(other, wish(("AAPL", "AMD", "BAC", "BBY", "CVX")))
    assert rows(where) == rows(other)


def split(where: Settings, symbol: str) -> None:
    """A corporate action in the warehouse, as every vendor's prices bring them."""
    import polars as pl

    from portfolio.schema import CORPORATE_ACTIONS
    from sources.frames import staged

    row = {"instrument": f"US:{symbol}", "symbol": symbol, "ex_session": date(2012, 8, 13), "kind": "split", "ratio": 2.0}
    frame = staged(pl.DataFrame([row | {"currency": "USD", "source": "yahoo", "known_at": NOW}]), CORPORATE_ACTIONS)
    with doors.open_lake(where) as lake, lake.transaction("split", NOW) as tx:
        tx.merge("corporate_actions", tx.stage("corporate_actions", frame))


def test_it_names_the_past_decisions_that_it_would_have_changed(where: Settings) -> None:
    policy = doors.read_policy(ROOT / "examples" / "demo.toml")
    load(where, None, date(2021, 6, 1))
    with running_gateway(where, SESSION) as port:
        proposal = decide.propose(replace(where, ib_port=port), policy, SESSION, NOW)
    assert proposal.status == "trade"
    unread = filled(where, wish(("AAPL",), date(1995, 1, 3), date(1995, 12, 29)))
    assert (unread["added"], unread["decisions"]) == (252, []), "1995 lies before the policy's look-back"
    split(where, "KO")
    done = filled(where, wish(None, date(2018, 1, 2), UNTIL))
    (changed,) = done["decisions"]
    assert (changed["decision"], changed["portfolio"], changed["status"]) == (proposal.decision, policy.name, "changed")
    assert any("weight" in words for words in changed["changes"]) and any("BUY" in words for words in changed["changes"])
    assert decide.replay(where, proposal.decision)["status"] == "equal", "the record itself still replays"
