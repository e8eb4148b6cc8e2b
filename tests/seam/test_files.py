"""Files and the gateway's bars through the whole ingest: what is wrong with a row takes that row out and never the batch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from portfolio.errors import Outage
from tasks import doors
from tasks.fetch import Batch
from tasks.ingest import ingest
from tasks.settings import Settings, settings

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", ROOT / ".." / "shared" / "data"))
NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
HEAD = "timestamp,open,high,low,close,volume\n"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an empty warehouse and ledger, to copy."""
    home = tmp_path_factory.mktemp("empty") / "home"
    where = settings({"TRIMTAB_HOME": str(home)})
    doors.open_lake(where).close()
    doors.open_ledger(where).close()
    return home


@pytest.fixture
def where(empty: Path, tmp_path: Path) -> Settings:
    shutil.copytree(empty, tmp_path / "home")
    return settings({"TRIMTAB_HOME": str(tmp_path / "home")})


def asked(where: Settings, sql: str) -> list[tuple]:
    with doors.open_lake(where) as lake:
        return lake.query(sql)[1]


def quarantined(where: Settings) -> dict[str, int]:
    return dict(asked(where, "SELECT law, count(*) FROM quarantine GROUP BY law"))


@pytest.fixture
def bars(where: Settings, tmp_path: Path):
    """bars(rows, name) -> what became of a file of bars in the layout of Alpha Vantage."""

    def _bars(rows: list[str], name: str = "SPY.csv", **more):
        (tmp_path / name).write_text(HEAD + "".join(f"{row}\n" for row in rows))
        return ingest(where, Batch("prices", "files", tmp_path / name, layout="alphavantage", **more), NOW)

    return _bars


def week(*days: str, level: float = 100.0) -> list[str]:
    return [f"{day},{level + n},{level + n + 1},{level + n - 1},{level + n + 0.5},{1000 + n}" for n, day in enumerate(days)]


# -------------------------------------------------------------------- what a file may have wrong
def test_one_bad_date_does_not_fail_the_ingest(bars, where: Settings) -> None:
    good = week("2024-03-04", "2024-03-05", "2024-03-06", "2024-03-07", "2024-03-08")
    done = bars([*good, "2024-02-30,104,105,103,104.5,1004", "timestamp,open,high,low,close,volume", "garbage"])
    assert (done.rows, done.added, done.blocked) == (8, 5, ())
    assert quarantined(where)["session_present"] >= 2
    assert len(asked(where, "SELECT * FROM prices")) == 5


def test_a_price_that_is_none_is_taken_out_and_no_number_comes_of_it(where: Settings, tmp_path: Path) -> None:
    """Each cell is the close of one day of one symbol."""
    days = ["2024-03-04", "2024-03-05", "2024-03-06", "2024-03-07", "2024-03-08"]
    (tmp_path / "files").mkdir()
    for number, cell in enumerate(cells := ["NaN", "inf", "-inf", "None", "1e999", "0", "-5", "", "1e12"]):
        rows = week(*days)
        rows[2] = f"2024-03-06,102,103,101,{cell},1002"
        (tmp_path / "files" / f"C{number}.csv").write_text(HEAD + "".join(f"{row}\n" for row in rows))
    ingest(where, Batch("prices", "files", tmp_path / "files", layout="alphavantage"), NOW)
    sessions = asked(where, "SELECT symbol, list(session ORDER BY session) FROM prices GROUP BY 1 ORDER BY 1")
    assert sessions == [(f"C{n}", [date.fromisoformat(day) for day in days if day != days[2]]) for n in range(len(cells))]
    closes = [row[0] for row in asked(where, "SELECT close FROM prices_adjusted")]
    assert all(close is not None and 99 < close < 106 for close in closes)


@pytest.mark.parametrize(
    ("days", "closes"),
    [
        (("2024-03-08", "2024-03-11", "2024-03-12"), (21, 20, 20)),  # New York has switched, London has not
        (("2024-10-25", "2024-10-28", "2024-11-01", "2024-11-04"), (20, 20, 20, 21)),  # London had switched before
        (("2024-11-27", "2024-11-29", "2024-12-02"), (21, 18, 21)),  # the day after Thanksgiving is a half day
    ],
)
def test_a_session_has_one_bar_over_daylight_saving_and_half_days(bars, where: Settings, days, closes) -> None:
    assert bars(week(*days)).added == len(days)
    rows = asked(where, "SELECT session, date_part('hour', known_at AT TIME ZONE 'UTC') FROM prices ORDER BY 1")
    assert rows == [(date.fromisoformat(day), hour) for day, hour in zip(days, closes, strict=True)]
    assert quarantined(where) == {}


def test_on_a_closed_day_there_is_no_bar(bars, where: Settings) -> None:
    """Ad-hoc closes (September 11, Sandy, Bush, Carter), a holiday moved to Monday, a weekend."""
    closed = ["2001-09-12", "2012-10-29", "2012-10-30", "2018-12-05", "2022-12-26", "2024-03-09", "2025-01-09"]
    done = bars(week(*closed, "2012-10-26", "2012-10-31", "2018-12-04", "2018-12-06", "2025-01-08", "2025-01-10", level=1000.0))
    assert (done.rows, done.added) == (13, 6)
    assert quarantined(where)["exchange_session"] == len(closed)
    assert not {str(row[0]) for row in asked(where, "SELECT session FROM prices")} & set(closed)


def plain(where: Settings, file: Path, lines: list[str]):
    file.write_text("symbol,date,close,currency\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return ingest(where, Batch("prices", "files", file), NOW)


def test_pence_and_no_currency_are_taken_out(where: Settings, tmp_path: Path) -> None:
    wrong = ["GBp", "GBX", "usd", "", "US Dollar"]
    lines = [f"C{n},2024-03-0{day},10{day},{currency}" for n, currency in enumerate(wrong) for day in (7, 8)]
    done = plain(where, tmp_path / "mine.csv", [*lines, *(f"SPY,2024-03-0{day},10{day},USD" for day in (7, 8))])
    assert (done.added, quarantined(where)) == (2, {"currency_iso": 10})
    assert asked(where, "SELECT DISTINCT symbol FROM prices") == [("SPY",)]


STRANGE = (
    "../../x",
    "BRK/B",
    "CON",
    "A" * 300,
    "\u202eLPAA",
    "=1+1",
    "+cmd",
    "@SUM(A1)",
    "'; DROP TABLE prices; --",
    "A%00",
    "A\x00B",
)


def test_a_strange_name_stays_text_and_leads_nowhere(where: Settings, tmp_path: Path) -> None:
    """What a name looks like runs nothing, and no file is called by it."""
    before = {path for path in tmp_path.parent.rglob("*") if "home" not in path.parts}
    file = tmp_path / "mine.csv"
    done = plain(where, file, [f'"{symbol}",2024-03-0{day},10{day},USD' for symbol in STRANGE for day in (4, 5)])
    assert done.added == 2 * len(STRANGE)
    rows = asked(where, "SELECT DISTINCT symbol, instrument FROM prices")
    kept = [symbol.replace("\x00", "\ufffd") for symbol in STRANGE]  # no database keeps a NUL
    assert set(rows) == {(symbol, f"US:{symbol}") for symbol in kept}
    with doors.open_lake(where) as lake, lake.at(lake.snapshot()) as reader:
        for symbol in kept:
            assert reader.prices([symbol], NOW).fields["close"].tolist() == [104.0, 105.0]
    assert not {path for path in tmp_path.parent.rglob("*") if "home" not in path.parts} - before - {file}
    names = [path.name for path in (tmp_path / "home").rglob("*")]
    assert not [name for name in names for part in ("AAAAAAAA", "DROP", "LPAA", "SUM", "1+1", "BRK") if part in name]


def test_splits_and_dividends_come_with_the_prices_in_one_snapshot(where: Settings, tmp_path: Path) -> None:
    head = "ticker,date,open,high,low,close,volume,ex-dividend,split_ratio\n"
    rows = [
        ("2024-03-04", 100, 0, 1),
        ("2024-03-05", 101, 0, 1),
        ("2024-03-06", 50, 0, 2),
        ("2024-03-07", 49, 1, 1),
        ("2024-03-08", 49.5, 0, 1),
    ]
    (tmp_path / "t.csv").write_text(head + "".join(f"A,{d},{c},{c + 1},{c - 1},{c},9000,{v},{s}\n" for d, c, v, s in rows))
    done = ingest(where, Batch("prices", "files", tmp_path / "t.csv", layout="wiki"), NOW)
    assert (done.added, dict(done.beside), done.blocked) == (5, {"corporate_actions": 2}, ())
    closes = [row[0] for row in asked(where, "SELECT close FROM prices_adjusted ORDER BY session")]
    assert closes == pytest.approx([100 / 2 * 0.98, 101 / 2 * 0.98, 50 * 0.98, 49, 49.5])


# -------------------------------------------------------------------- a real crawl
@pytest.mark.shared
def test_a_real_crawl_with_its_copies_holiday_and_header_and_an_empty_one(where: Settings) -> None:
    """2015-04-06 was written three times over, with its header again, and has bars of Good Friday; 2015-06-10 is empty."""
    folder = SHARED / "pystock" / "2015"
    if not folder.is_dir():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    done = ingest(where, Batch("prices", "files", folder / "20150406.tar.gz", layout="pystock"), NOW)
    assert (done.rows, done.revised) == (12_099, 0), "of 36,261 lines: equal ones are one"
    assert len(done.blocked) < 5, "what is wrong with some rows freezes nobody else"
    wanted = {
        "exchange_session": 24,
        "one_bar": 16,
        "close_positive": 3,
        "open_sound": 3,
        "session_present": 1,
        "close_present": 1,
    }
    laws = quarantined(where)
    assert {law: laws.get(law) for law in wanted} == wanted
    held = dict(asked(where, "SELECT session, count(*) FROM prices GROUP BY 1"))
    assert set(held) == {date(2015, 4, 2), date(2015, 4, 6)}, "no bar of Good Friday"
    assert sum(held.values()) == done.added > 12_000
    known = asked(where, "SELECT DISTINCT known_at FROM prices")
    assert known == [(datetime(2015, 4, 7, 13, 30, tzinfo=UTC),)]
    nothing = ingest(where, Batch("prices", "files", folder / "20150610.tar.gz", layout="pystock"), NOW)
    assert (nothing.rows, nothing.added) == (0, 0)
    assert [r.law for r in nothing.results if r.status == "failed"] == ["rows_present"], "an empty crawl is told, and is no error"


@pytest.mark.shared
def test_crawls_in_any_order_give_the_same_rows_and_what_was_known_on_a_day_is_what_had_come_by_then(
    where: Settings, empty: Path, tmp_path: Path
) -> None:
    folder = SHARED / "pystock" / "2015"
    if not folder.is_dir():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    shutil.copytree(empty, tmp_path / "other")
    other = settings({"TRIMTAB_HOME": str(tmp_path / "other")})
    for home, days in ((where, ("20150714", "20150715")), (other, ("20150715", "20150714", "20150715"))):
        for day in days:
            ingest(
                home, Batch("prices", "files", folder / f"{day}.tar.gz", symbols=("AAPL", "MSFT", "GE"), layout="pystock"), NOW
            )
    sql = "SELECT symbol, session, close, volume, known_at FROM raw.prices ORDER BY ALL"
    rows = asked(where, sql)
    assert rows == asked(other, sql) and len(rows) == 12, "two crawls of two sessions of three symbols"
    with doors.open_lake(where) as lake:
        seen = lake.query("SELECT max(session) FROM prices", datetime(2015, 7, 15, 13, 30, tzinfo=UTC))[1]
    assert seen == [(date(2015, 7, 14),)]


@pytest.mark.shared
def test_the_crawled_reports_of_a_year_lag_their_period_by_38_days(where: Settings) -> None:
    file = SHARED / "pystock" / "reports_2015.zip"
    if not file.is_file():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    done = ingest(where, Batch("fundamentals", "files", file, layout="pystock"), NOW)
    assert (done.rows, done.blocked) == (336_889, ())
    firms, lag = asked(
        where,
        "SELECT count(DISTINCT instrument), median(lag) FROM "
        "(SELECT DISTINCT instrument, accession, filed, filed - period_end AS lag FROM raw.fundamentals)",
    )[0]
    assert (firms, lag) == (4_260, 38), "of 4,262, of which two gave no figure"
    assert set(quarantined(where)) == {"one_fact", "no_copies"}, "a report and its correction in one crawl"


# -------------------------------------------------------------------- the gateway's own bars
@pytest.fixture
def gateway(where: Settings, tmp_path: Path):
    """The settings of a home whose gateway is a simulated one in a process of its own, with bars of AAPL and SPY."""
    from brokers.simulator.market import Listing, SimulatedMarket, dump

    closes = tuple((date(2024, 3, day), 170.0 + day) for day in (4, 5, 6, 7, 8, 11, 12, 13))
    market = SimulatedMarket(
        now=datetime(2024, 3, 14, 18, 30, tzinfo=UTC),
        session_open=datetime(2024, 3, 14, 13, 30, tzinfo=UTC),
        session_close=datetime(2024, 3, 14, 20, tzinfo=UTC),
        listings=(Listing("AAPL"), Listing("SPY")),
        prices={"AAPL": Decimal(173), "SPY": Decimal(512)},
        bars={"AAPL": closes, "SPY": closes},
    )
    dump(market, tmp_path / "market.json")
    started = []

    def start(**faults: object) -> Settings:
        words = ["--market", str(tmp_path / "market.json"), "--state", str(tmp_path / "state.sqlite"), "--exit-with-parent"]
        command = [sys.executable, "-m", "brokers.simulator", *words, "--faults", json.dumps(faults)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        started.append(process)
        port = json.loads(process.stdout.readline())["ready"]["port"]
        return settings({"TRIMTAB_HOME": str(where.home), "TRIMTAB_IB_PORT": str(port)})

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)


def test_the_gateways_bars_are_ingested_symbol_by_symbol(gateway) -> None:
    where = gateway()
    done = ingest(where, Batch("prices", "ib", symbols=("AAPL", "GONE", "SPY")), datetime(2024, 3, 14, 18, 30, tzinfo=UTC))
    assert (done.source, done.added, done.blocked) == ("ib", 16, ())
    assert list(done.failed) == ["GONE"]
    rows = asked(where, "SELECT symbol, count(*), max(session), max(known_at) FROM prices GROUP BY 1 ORDER BY 1")
    assert rows == [(s, 8, date(2024, 3, 13), datetime(2024, 3, 13, 20, tzinfo=UTC)) for s in ("AAPL", "SPY")]
    assert asked(where, "SELECT adjustment FROM declarations WHERE source = 'ib'") == [("adjusted",)]


def test_a_gateway_that_wants_us_to_slow_down_is_an_outage(gateway) -> None:
    where = gateway(historical_pacing=True)
    with pytest.raises(Outage, match="too fast"):
        ingest(where, Batch("prices", "ib", symbols=("AAPL",)), datetime(2024, 3, 14, 18, 30, tzinfo=UTC))
    assert asked(where, "SELECT count(*) FROM prices") == [(0,)]
