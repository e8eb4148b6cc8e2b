"""Data from outside as a person brings it in: a vendor over real HTTP, unknown names, a vendor that is away, gaps, review."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import charts
import pytest
import replay
from terminal import trimtab

WEEK = [date(2020, 8, 26), date(2020, 8, 27), date(2020, 8, 28), date(2020, 8, 31), date(2020, 9, 1)]


@pytest.fixture
def vendor() -> Iterator[dict[str, str]]:
    """A stand-in for Yahoo: two symbols it knows, one it does not, one for which it is never well."""
    routes = {
        f"{charts.CHART}AAPL": charts.AAPL,
        f"{charts.CHART}MSFT": charts.MSFT,
        f"{charts.CHART}NOSUCH": replay.Answer(b'{"chart": {"result": null, "error": {"code": "Not Found"}}}', 404),
        f"{charts.CHART}LATE": replay.again(503),
    }
    with replay.serving(routes) as server:
        yield {"TRIMTAB_YAHOO_URL": server.url}


def test_prices_come_as_dealt_with_their_actions_and_the_unknown_name_is_said(vendor: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = trimtab("ingest", "prices", "--source", "yahoo", "--symbols", "AAPL,NOSUCH", "--json", home=home, more=vendor)
    assert (said.code, said.document["status"], said.document["added"]) == (1, "partly", 5)
    assert list(said.document["failed"]) == ["NOSUCH"]
    asked = "SELECT session, close FROM prices WHERE symbol = 'AAPL' ORDER BY session"
    rows = trimtab("query", asked, "--json", home=home).document["rows"]
    assert [close for _, close in rows] == [506.09, 500.04, 499.23, 129.04, 134.18], (
        "as dealt: before the split four times as much"
    )
    actions = trimtab("query", "SELECT kind, ratio, amount FROM corporate_actions ORDER BY ex_session", "--json", home=home)
    assert actions.document["rows"] == [["dividend", None, 0.82], ["split", 4.0, None]]
    adjusted = "SELECT round(close, 4) FROM prices_adjusted WHERE symbol = 'AAPL' ORDER BY session"
    comparable = [row[0] for row in trimtab("query", adjusted, "--json", home=home).document["rows"]]
    assert comparable[2:] == [124.8075, 129.04, 134.18], "and comparable over the split"


def test_a_vendor_that_is_away_is_an_outage_and_the_others_are_written(vendor: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = trimtab("ingest", "prices", "--source", "yahoo", "--symbols", "AAPL,LATE", home=home, more=vendor)
    assert said.code == 3
    assert "LATE" in said.err and "503" in said.err and "Traceback" not in said.err
    assert trimtab("query", "SELECT count(*) FROM prices", "--json", home=home).document["rows"] == [[5]]


def test_an_ill_written_symbol_never_reaches_an_address(vendor: dict[str, str], tmp_path: Path) -> None:
    said = trimtab("ingest", "prices", "--source", "yahoo", "--symbols", "../../x", home=tmp_path / "home", more=vendor)
    assert said.code == 1 and "has no symbol" in said.err


def test_a_backfill_brings_what_is_missing_once(vendor: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    words = ("backfill", "prices", "--from", "2020-08-26", "--to", "2020-09-01", "--symbols", "AAPL,MSFT")
    first = trimtab(*words, "--source", "yahoo", "--json", home=home, more=vendor).document
    assert (first["status"], first["added"], first["decisions"]) == ("done", 10, [])
    again = trimtab(*words, "--json", home=home, more=vendor).document
    assert (again["status"], again["partitions"], again["added"]) == ("done", 0, 0)
    assert again["source"] == "yahoo", "the one source that has given prices"
    shown = trimtab(*words, home=home, more=vendor)
    assert shown.code == 0 and "No recorded decision would have been another." in shown.out


def test_a_breach_is_reviewed_settled_and_the_row_let_in(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "bars.csv"
    rows = [f"KO,{day},{close},USD" for day, close in zip(WEEK, (47.9, 48.1, -1, 48.4, 48.2), strict=True)]
    file.write_text("\n".join(["symbol,session,close,currency", *rows]), encoding="utf-8")
    assert trimtab("ingest", "prices", "--source", "files", "--from-file", str(file), home=home).code == 0
    listed = trimtab("incidents", "list", "--json", home=home).document["incidents"]
    (one,) = [i for i in listed if i["law"] == "close_positive"]
    assert (one["state"], one["scope"], one["severity"], one["bad"]) == ("open", "KO", "critical", 1), "however old it is"
    shown = trimtab("incidents", "show", one["incident"][:6], home=home)
    assert shown.code == 0 and "close_positive" in shown.out and "-1" in shown.out
    unreasoned = trimtab("incidents", "resolve", one["incident"], "accepted", home=home)
    assert unreasoned.code == 2 and "--note" in unreasoned.err
    settled = trimtab("incidents", "resolve", one["incident"], "accepted", "--note", "a typing error", "--json", home=home)
    assert settled.document["incident"]["state"] == "resolved"
    (row,) = trimtab("quarantine", "list", "--law", "close_positive", "--json", home=home).document["rows"]
    let_in = trimtab("quarantine", "release", row["id"], "--note", "kept for the record", "--json", home=home)
    assert let_in.document["added"] == 1
    assert trimtab("quarantine", "release", row["id"], "--note", "again", home=home).code == 1
    assert trimtab("journal", "verify", home=home).code == 0


def test_backup_maintenance_and_restore(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    assert trimtab("ingest", "macro", home=home).code == 0
    counted = trimtab("query", "SELECT count(*), round(sum(value), 6) FROM macro", "--json", home=home).document["rows"]
    assert trimtab("maintain", "--json", home=home).document["status"] == "done"
    taken = trimtab("backup", str(tmp_path / "backups"), "--json", home=home).document
    assert taken["files"] > 0
    back = trimtab("restore", str(tmp_path / "backups"), "--json", home=other).document
    assert back["journal_rows"] > 0
    assert trimtab("query", "SELECT count(*), round(sum(value), 6) FROM macro", "--json", home=other).document["rows"] == counted
    again = trimtab("restore", str(tmp_path / "backups"), home=other)
    assert again.code == 1 and "overwrites nothing" in again.err
