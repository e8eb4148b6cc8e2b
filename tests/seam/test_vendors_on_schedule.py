"""What brings a vendor's data by itself: the deployments, whom they ask for, and that only what is new is asked for."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import charts
import pytest
import replay
import yaml

from portfolio.errors import Outage, Refused, WrongUse
from portfolio.types import Incident, IncidentState
from tasks import artifacts, doors
from tasks.fetch import Batch, check_price_source, fetch, gives, opened
from tasks.held import only_new
from tasks.ingest import ingest
from tasks.settings import Settings, settings
from tasks.universe import SERIES, whom

ROOT = Path(__file__).parents[2]
NOW = datetime(2020, 9, 1, 21, tzinfo=UTC)
WEEK = [date(2020, 8, 26), date(2020, 8, 27), date(2020, 8, 28), date(2020, 8, 31), date(2020, 9, 1)]
DEPLOYMENTS = {one["name"]: one for one in yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]}


Vendor = Callable[[dict[str, Any]], Settings]


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    """vendor({"AAPL": answer}) -> an empty home whose Yahoo answers so; `.server` of the function is the newest server."""
    with ExitStack() as running:

        def started(answers: dict[str, Any]) -> Settings:
            routes = {f"{charts.CHART}{symbol}": answer for symbol, answer in answers.items()}
            started.server = running.enter_context(replay.serving(routes))
            home = tmp_path_factory.mktemp("home")
            return settings({"TRIMTAB_HOME": str(home), "TRIMTAB_YAHOO_URL": started.server.url})

        yield started


@pytest.fixture(scope="module")
def held(vendor: Vendor) -> Settings:
    """A warehouse that holds AAPL up to the newest session; its tests write nothing more."""
    where = vendor({"AAPL": charts.AAPL})
    assert ingest(where, prices("AAPL"), NOW).added == 5
    return where


def prices(*symbols: str, newest: date = WEEK[4]) -> Batch:
    return Batch("prices", "yahoo", symbols=symbols, expected_session=newest)


# ------------------------------------------------------------ the deployments
def test_every_deployment_has_a_flow_that_takes_its_parameters_and_describes_the_others() -> None:
    for name, one in DEPLOYMENTS.items():
        module, _, function = one["entrypoint"].rpartition(".")
        flow = getattr(importlib.import_module(module), function)
        required = {"since": "2020-01-02", "until": "2020-01-03"} if name == "backfill" else {}
        flow.validate_parameters({**required, **one.get("parameters", {})})
        described = flow.parameters.model_dump()["properties"]
        assert all(about.get("description") for about in described.values()), name
        assert one["enforce_parameter_schema"] is True and one["description"].endswith("."), name


def test_vendors_are_asked_at_hours_that_fit_what_they_publish_and_by_nobody_unasked() -> None:
    found = {name: one["schedules"] for name, one in DEPLOYMENTS.items() if "vendors" in one["tags"]}
    assert found.keys() == {"ingest-prices", "ingest-macro", "ingest-fundamentals"}
    for name, schedules in found.items():
        (one,) = schedules
        hour = int(one["cron"].split()[1])
        assert hour >= {"ingest-prices": 17, "ingest-macro": 19, "ingest-fundamentals": 22}[name]
        assert (one["timezone"], one["active"]) == ("America/New_York", False)


# ------------------------------------------------------------ whom they ask for
def test_a_vendor_is_asked_for_the_policys_universe(vendor: Vendor) -> None:
    where, demo = vendor({}), str(ROOT / "examples" / "demo.toml")
    asked = whom(where, "prices", "yahoo", policy=demo, now=NOW)
    assert (len(asked), asked[0], asked[-1]) == (21, "AAPL", "SP500"), "and for prices its benchmark"
    assert whom(where, "fundamentals", "edgar", policy=demo, now=NOW) == asked[:-1]
    assert whom(where, "macro", "fred", policy=demo, now=NOW) == list(SERIES)
    assert whom(where, "prices", "sample", policy=demo, now=NOW) is None


WATCHING = """
[portfolio]
name = "watching"
objective = "allocation"
base_currency = "USD"
benchmark = "SPY"
[universe]
symbols = ["TLT", "IEF"]
[strategy]
kind = "signal"
base = { TLT = 0.5, IEF = 0.5 }
[[strategy.rule]]
symbols = ["TLT"]
of = "EFA/EEM"
measure = "z_score"
window = 60
slope = 0.1
[[strategy.rule]]
symbols = ["TLT", "IEF"]
series = "VXVCLS - VIXCLS"
measure = "level"
enter = "> 0.5"
exit = "< -0.5"
[execution]
mode = "paper"
"""


def test_a_vendor_is_asked_for_what_a_strategy_only_watches_too(vendor: Vendor, tmp_path: Path) -> None:
    where, file = vendor({}), tmp_path / "watching.toml"
    file.write_text(WATCHING, encoding="utf-8")
    assert whom(where, "prices", "yahoo", policy=str(file), now=NOW) == ["TLT", "IEF", "SPY", "EFA", "EEM"]
    assert whom(where, "macro", "fred", policy=str(file), now=NOW) == [*SERIES, "VXVCLS"]
    assert whom(where, "fundamentals", "edgar", policy=str(file), now=NOW) == ["TLT", "IEF"]


def test_a_vendor_is_asked_for_the_members_of_an_index_as_of_today(vendor: Vendor, tmp_path: Path) -> None:
    where, file = vendor({}), tmp_path / "small.csv"
    file.write_text(
        "ticker,start_date,end_date\nAAPL,2015-01-02,\nGONE,2015-01-02,2019-06-03\nMSFT,2018-01-02,\n", encoding="utf-8"
    )
    ingest(where, Batch("universe", "members", file=file), NOW)
    assert whom(where, "prices", "yahoo", index="sp500", now=NOW) == ["AAPL", "MSFT"]
    with pytest.raises(WrongUse, match=r"no members of 'large'\. It knows sp500"):
        whom(where, "prices", "yahoo", index="large", now=NOW)


def test_nobody_named_is_refused(vendor: Vendor) -> None:
    with pytest.raises(WrongUse, match="Name symbols, a policy or an index"):
        whom(vendor({}), "prices", "yahoo", policy="", now=NOW)


def test_a_word_that_is_no_source_of_prices_is_refused() -> None:
    with pytest.raises(WrongUse, match="astrology"):
        check_price_source("astrology")


def test_what_a_vendor_has_is_what_a_day_asks_it_for(vendor: Vendor) -> None:
    where = vendor({})
    assert gives(where, "yahoo", NOW) == ("prices", "corporate_actions")
    assert gives(where, "ib", NOW) == ("prices",)
    assert {"prices", "macro", "universe"} <= set(gives(where, "sample", NOW))


# ------------------------------------------------------------ only what is new
def test_what_is_held_is_not_asked_for_again_and_the_rest_from_where_it_ends(held: Settings) -> None:
    narrowed = only_new(held, prices("AAPL", "MSFT"), NOW)
    assert (narrowed.symbols, narrowed.starts, narrowed.held) == (("MSFT",), {}, 1), "MSFT from its beginning"
    overnight = only_new(held, prices("AAPL"), NOW + timedelta(hours=18))
    assert overnight.starts == {"AAPL": date(2020, 8, 22)}, "before the next decision: the vendor may have corrected it"
    later = only_new(held, prices("AAPL", "MSFT", newest=date(2020, 9, 2)), NOW)
    assert (later.symbols, later.starts) == (("AAPL", "MSFT"), {"AAPL": date(2020, 8, 22)})
    much_later = only_new(held, prices("AAPL", newest=date(2022, 9, 2)), NOW)
    assert much_later.starts == {}, "two years on, the whole history is asked for"
    with_a_day = replace(prices("AAPL"), since=WEEK[0])
    assert only_new(held, with_a_day, NOW) is with_a_day, "whoever names a day gets it"


def test_the_vendor_is_asked_for_a_few_days_that_it_may_have_corrected(held: Settings, vendor: Vendor) -> None:
    batch = only_new(held, prices("AAPL", newest=date(2020, 9, 2)), NOW)
    assert fetch(opened(held, batch, NOW), batch).frames["prices"].height == 5
    begin = int(vendor.server.requests[-1].query["period1"])
    assert datetime.fromtimestamp(begin, UTC).date() == date(2020, 8, 21), "ten days back, and one for other time zones"


def test_adjusted_prices_are_asked_for_whole_so_that_no_step_stands_where_two_pieces_meet(vendor: Vendor) -> None:
    """Before the first of September Stooq's closes were four times as high; then it divided its whole history by the split."""
    head, *rows = charts.AAPL_CSV.strip().splitlines()
    before = [
        f"{day},{','.join(str(float(x) * 4) for x in cells[:4])},{cells[4]}" for day, *cells in (r.split(",") for r in rows[:4])
    ]
    empty = vendor({})
    with replay.serving({charts.STOOQ: "\n".join([head, *before, ""])}) as old:
        where = settings({"TRIMTAB_HOME": str(empty.home), "TRIMTAB_STOOQ_URL": old.url})
        batch = Batch("prices", "stooq", symbols=("AAPL",), expected_session=WEEK[3])
        assert ingest(where, only_new(where, batch, NOW), datetime(2020, 8, 31, 21, tzinfo=UTC)).added == 4
    fewer = "\n".join([head, *(row for row in rows if not row.startswith("2020-08-27")), ""])
    with replay.serving({charts.STOOQ: fewer}) as new:
        where = settings({"TRIMTAB_HOME": str(empty.home), "TRIMTAB_STOOQ_URL": new.url})
        with pytest.raises(Refused, match="leaves out 1 of the sessions held, first 2020-08-27: nothing of it was used"):
            ingest(where, replace(batch, expected_session=None, since=WEEK[4]), NOW)
    with replay.serving({charts.STOOQ: charts.AAPL_CSV}) as new:
        where = settings({"TRIMTAB_HOME": str(empty.home), "TRIMTAB_STOOQ_URL": new.url})
        done = ingest(where, replace(batch, expected_session=None, since=WEEK[4], until=WEEK[4]), NOW)
        assert new.requests[0].query["d1"] == "20200826"
    assert (done.added, done.revised) == (1, 4)
    with doors.open_lake(where) as lake:
        closes = [row[0] for row in lake.query("SELECT close FROM prices ORDER BY session")[1]]
    assert closes == [float(row.split(",")[4]) for row in rows]


def test_who_is_frozen_is_asked_for_again_and_freed_when_the_vendor_has_mended_it(vendor: Vendor) -> None:
    """A close of Friday was a hundredfold on Monday evening; the newest session is held, and yet it is asked for again."""
    closes = [124.55, 123.04, 12284.0, 127.02, 132.09]
    where = vendor({"AAPL": charts.chart("AAPL", closes, charts.WEEK)})
    assert ingest(where, prices("AAPL"), NOW).quarantined
    assert only_new(where, prices("AAPL"), NOW).starts == {"AAPL": date(2020, 8, 22)}
    vendor.server.play(f"{charts.CHART}AAPL", charts.chart("AAPL", [*closes[:2], 122.84, *closes[3:]], charts.WEEK))
    done = ingest(where, only_new(where, prices("AAPL"), NOW), NOW)
    assert done.added == 1
    assert [i for i in doors.open_ledger(where).incidents(dataset="prices") if i.severity == "critical"] == []
    assert only_new(where, prices("AAPL"), NOW).symbols == ()


def test_days_that_a_vendor_does_not_have_freeze_nobody(held: Settings) -> None:
    done = ingest(held, replace(prices("AAPL"), expected_session=None, since=date(2020, 8, 29), until=date(2020, 8, 30)), NOW)
    assert (done.rows, done.blocked) == (0, ())
    assert [i for i in doors.open_ledger(held).incidents() if i.on_breach == "block"] == []


def test_when_all_else_is_held_an_unknown_symbol_is_named_and_nothing_fails(held: Settings) -> None:
    done = ingest(held, only_new(held, prices("AAPL", "NOSUCH"), NOW), NOW)
    assert list(done.failed) == ["NOSUCH"] and (done.rows, done.results) == (0, ())
    with pytest.raises(Refused, match="NOSUCH"):
        ingest(held, only_new(held, prices("NOSUCH"), NOW), NOW)


def test_a_vendor_that_is_away_is_not_asked_for_everybody(vendor: Vendor) -> None:
    away = replay.again(429, after=999)
    where = vendor({"AAPL": charts.AAPL, **dict.fromkeys(("B", "C", "D", "E", "MSFT"), away)})
    batch = prices("AAPL", "B", "C", "D", "E", "MSFT")
    found = fetch(opened(where, batch, NOW), batch)
    assert (list(found.late), found.frames["prices"].height) == (["B", "C", "D", "E", "MSFT"], 5)
    asked = [request.path.rpartition("/")[2] for request in vendor.server.requests]
    assert asked == ["AAPL", "B", "C", "D", "MSFT"], "after three in a row the last is tried, and then the vendor is away"
    vendor.server.play(f"{charts.CHART}C", charts.chart("C", [44.0, 44.5, 45, 45.5, 46], charts.WEEK))
    some = fetch(opened(where, batch, NOW), batch)
    assert list(some.late) == ["B", "D", "E", "MSFT"], "one answer in between, and the vendor is asked on"


def test_symbols_that_never_come_do_not_keep_the_others_from_coming(vendor: Vendor) -> None:
    away = replay.again(429, after=999)
    where = vendor({"AAPL": charts.AAPL, "MSFT": charts.MSFT, **dict.fromkeys(("B", "C", "D"), away)})
    batch = prices("B", "C", "D", "AAPL", "MSFT")
    found = fetch(opened(where, batch, NOW), batch)
    assert (list(found.late), found.frames["prices"].height) == (["B", "C", "D"], 10)


def test_where_nothing_comes_an_outage_is_told_and_no_refusal(vendor: Vendor) -> None:
    where = vendor(dict.fromkeys(("B", "C"), replay.again(429, after=999)))
    with pytest.raises(Outage) as caught:
        ingest(where, prices("NOSUCH", "B", "C"), NOW)
    assert "NOSUCH" not in str(caught.value)


# ------------------------------------------------------------ what a person sees of it
def incident(identity: str, **more: Any) -> Incident:
    about = {"dataset": "prices", "source": "yahoo", "law": "no_slip", "scope": "KO", "what": "A price | slips.", "owner": ""}
    standing = {"severity": "critical", "on_breach": "quarantine", "state": IncidentState.OPEN, "resolution": None, "note": ""}
    seen = {"symbols": ("KO",), "bad": 1200, "newest": WEEK[0], "run": "r", "opened_at": NOW, "seen_at": NOW, "changed_at": NOW}
    return Incident(identity, **{**about, **standing, **seen, **more})


def test_the_page_of_incidents_says_what_whom_since_when_how_many_and_what_to_type_next() -> None:
    taken = {"state": IncidentState.ACKNOWLEDGED, "owner": "ada", "snoozed_until": date(2020, 9, 9), "on_breach": "block"}
    eight = tuple("ABCDEFGH")
    page = artifacts.open_incidents(
        [incident("aaaabbbbcccc"), incident("ddddeeeeffff", symbols=eight, **taken)], "http://x/q.html"
    )
    first, second = (line for line in page.splitlines() if line.startswith("| `"))
    assert first == (
        "| `aaaabbbbcccc` | **no_slip**, critical, prices from yahoo, since 2020-09-01 21:00 UTC: A price \\| slips. "
        "| KO | 1,200 | takes rows out | nobody |"
    )
    assert second.endswith("| A, B, C, D, E, F and 2 more | 1,200 | freezes | ada, silent until 2020-09-09 |")
    assert "[The data-quality page](http://x/q.html)" in page
    assert "trimtab incidents show aaaabbbbcccc" in page and "trimtab quarantine list --law no_slip" in page


def test_a_page_of_many_incidents_is_cut_and_says_so() -> None:
    page = artifacts.open_incidents([incident(f"{n:012x}") for n in range(130)], None)
    assert page.startswith("# 130 open incidents") and "30 more: `trimtab incidents list`." in page
    assert sum(line.startswith("| `") for line in page.splitlines()) == artifacts.SHOWN
    assert artifacts.open_incidents([], None) == "# No open incidents\n"


def test_a_member_is_asked_for_under_its_ticker_of_today(vendor: Vendor, tmp_path: Path) -> None:
    where = vendor({})
    (tmp_path / "symbols.csv").write_text(
        "instrument,symbol,from_session,to_session\nUS:META,FB,2012-05-18,2022-06-08\nUS:META,META,2022-06-09,\n",
        encoding="utf-8",
    )
    (tmp_path / "small.csv").write_text("ticker,start_date,end_date\nFB,2013-12-23,\n", encoding="utf-8")
    later = datetime(2023, 1, 5, 21, tzinfo=UTC)
    ingest(where, Batch("symbols", "members", file=tmp_path / "symbols.csv"), later)
    ingest(where, Batch("universe", "members", file=tmp_path / "small.csv"), later)
    assert whom(where, "prices", "yahoo", index="sp500", now=later) == ["META"]
    assert whom(where, "prices", "yahoo", index="sp500", now=datetime(2020, 1, 6, 21, tzinfo=UTC)) == ["FB"]
