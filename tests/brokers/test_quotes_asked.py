"""`trimtab quotes`: the gateway over its own protocol, Yahoo over HTTP, each quote with who gave it, its kind and its age."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import charts
import pytest
import replay

from brokers.simulator.market import SimulatedMarket, dump
from portfolio.errors import Outage, Refused, WrongUse
from tasks.quotes import Answer, Question, ask
from tasks.settings import Settings, settings

PROJECT = Path(__file__).resolve().parents[2]
CLOSED = datetime(2020, 9, 1, 20, tzinfo=UTC)  # when Yahoo's stand-in last saw a price
FAULTS = {"no_subscription": ["BRK.B"], "no_quote": ["PENNY"], "quote_age": 1800.0, "moves": [[0.8, 1.1], [1.2, 1.1]]}


class At:
    """A clock that stands still."""

    def now(self) -> datetime:
        return CLOSED + timedelta(minutes=20)


@pytest.fixture(scope="module")
def gateway(market: SimulatedMarket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """A gateway in a process of its own; `.port` is where it listens."""
    folder = tmp_path_factory.mktemp("gateway")
    dump(market, folder / "market.json")
    words = ["--market", str(folder / "market.json"), "--state", str(folder / "state.sqlite"), "--exit-with-parent"]
    command = [sys.executable, "-m", "brokers.simulator", *words, "--faults", json.dumps(FAULTS)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=PROJECT, **pipes) as process:
        process.port = json.loads(process.stdout.readline())["ready"]["port"]
        yield process
        process.kill()


@pytest.fixture(scope="module")
def yahoo() -> Iterator[object]:
    index = charts.chart("^GSPC", [3526.65], charts.WEEK[4:], chartPreviousClose=3500.31, regularMarketVolume=4083110000)
    penny = charts.chart("PENNY", [0.52], charts.WEEK[4:])
    routes = {f"{charts.CHART}^GSPC": index, f"{charts.CHART}PENNY": penny, f"{charts.CHART}AAPL": charts.AAPL}
    with replay.serving(routes | {f"{charts.CHART}ODD": replay.page()}) as server:
        yield server


@pytest.fixture
def where(gateway: subprocess.Popen[str], yahoo: object, tmp_path: Path) -> Settings:
    return settings({"TRIMTAB_HOME": str(tmp_path), "TRIMTAB_IB_PORT": str(gateway.port), "TRIMTAB_YAHOO_URL": yahoo.url})


@pytest.fixture
def alone(where: Settings) -> Settings:
    """Nobody listens where the gateway should be."""
    return replace(where, ib_port=9)


def asked(where: Settings, *symbols: str, source: str | None = None) -> Answer:
    return ask(where, Question(symbols, source), At())


def test_the_gateway_comes_first_and_yahoo_for_what_it_lacks(where: Settings) -> None:
    answer = asked(where, "^gspc", "AAPL", "ZZZZ", "PENNY", "aapl")
    assert [(one.quote.symbol, one.source) for one in answer.shown] == [("^GSPC", "yahoo"), ("AAPL", "ib"), ("PENNY", "yahoo")]
    index, apple, penny = (one.quote for one in answer.shown)
    assert (apple.bid, apple.ask, apple.last, apple.close) == (D("172.98"), D("173.02"), D(173), D("171.13"))
    assert (apple.volume, apple.market_data, apple.currency) == (0, "live", "USD")
    assert (index.bid, index.ask, index.last, index.close) == (None, None, D("3526.65"), D("3500.31"))
    assert (index.volume, index.market_data, penny.last) == (4083110000, "delayed", D("0.52"))
    assert answer.missing == {"ZZZZ": "Yahoo has no quote of ZZZZ."} and not answer.late
    assert answer.note.startswith("The gateway's clock says 2024-03-14 18:30 UTC"), "a person must hear that it is another day"


def test_each_quote_is_as_old_as_its_own_source_says(where: Settings) -> None:
    ages = {one.quote.symbol: one.age for one in asked(where, "AAPL", "BRK.B", "^GSPC").shown}
    assert ages["AAPL"] < 5, "live, on the gateway's clock of 2024"
    assert 1795 < ages["BRK.B"] < 1810, "delayed: as old as its last trade"
    assert ages["^GSPC"] == 1200, "on the clock of this machine"


def test_what_is_not_subscribed_to_comes_delayed_and_says_so(where: Settings) -> None:
    (one,) = asked(where, "BRK.B", source="ib").shown
    assert (one.quote.market_data, one.quote.last) == ("delayed", D("405.31"))


def test_without_a_gateway_yahoo_answers_and_the_reason_is_told(alone: Settings) -> None:
    answer = asked(alone, "AAPL", "../../x")
    assert [(one.quote.symbol, one.quote.last, one.quote.market_data) for one in answer.shown] == [
        ("AAPL", D("134.18"), "delayed")
    ]
    assert "127.0.0.1:9" in answer.note
    assert list(answer.missing) == ["../../X"] and "has no symbol" in answer.missing["../../X"]


def test_a_page_where_a_quote_should_be_loses_one_symbol(alone: Settings) -> None:
    answer = asked(alone, "ODD", "AAPL")
    assert [one.quote.symbol for one in answer.shown] == ["AAPL"] and "ODD" in answer.missing and not answer.late


def test_the_gateway_alone_is_an_outage_where_it_is_away(alone: Settings) -> None:
    with pytest.raises(Outage, match=r"127\.0\.0\.1:9"):
        asked(alone, "AAPL", source="ib")


def test_an_account_that_the_gateway_does_not_serve_is_refused(where: Settings) -> None:
    with pytest.raises(Refused, match="DU7654321"):
        asked(replace(where, account="DU7654321"), "AAPL")


@pytest.mark.parametrize(("symbols", "source"), [((" ",), None), (("AAPL",), "nobody")])
def test_a_question_that_is_none(symbols: tuple[str, ...], source: str | None) -> None:
    with pytest.raises(WrongUse):
        Question(symbols, source)


# ------------------------------------------------------------ the command
def environment(where: Settings) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TRIMTAB_", "PREFECT_"))}
    said = {"TRIMTAB_HOME": str(where.home), "TRIMTAB_IB_PORT": str(where.ib_port), "TRIMTAB_YAHOO_URL": where.addresses["yahoo"]}
    return {**kept, **said, "PYTHONPATH": str(PROJECT), "NO_COLOR": "1", "COLUMNS": "80"}


def command(where: Settings, *words: str) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "text": True}
    return subprocess.Popen([sys.executable, "-m", "cli.main", "quotes", *words], env=environment(where), **pipes)


def test_the_command_shows_what_there_is_and_a_sentence_for_what_is_not(where: Settings) -> None:
    with command(where, "AAPL", "ZZZZ") as shown, command(where, "AAPL", "ZZZZ", "--json") as told:
        table, document = shown.communicate(timeout=60)[0], json.loads(told.communicate(timeout=60)[0])
    assert (shown.returncode, told.returncode) == (1, 1)
    assert "172.98" in table and "ib, live, USD" in table and "Yahoo has no quote of ZZZZ." in table
    (one,) = document["quotes"]
    assert (document["status"], list(document["missing"])) == ("partly", ["ZZZZ"])
    assert (one["symbol"], one["bid"], one["close"], one["market_data"], one["source"]) == ("AAPL", 172.98, 171.13, "live", "ib")


def test_nothing_to_show_is_one_sentence(alone: Settings) -> None:
    with command(alone, "ZZZZ") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (1, "", "refused: Yahoo has no quote of ZZZZ. Look the symbol up.\n")


def test_watching_tells_every_change_and_ctrl_c_ends_it_well(where: Settings) -> None:
    with command(where, "AAPL", "--watch", "--json") as process:
        lines = [json.loads(process.stdout.readline())]
        while (lines[-1].get("last"), lines[-1].get("ask")) != (190.3, 190.322):
            lines.append(json.loads(process.stdout.readline()))
        time.sleep(0.6)
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert "ready" in lines[0] and lines[1]["last"] == 173
    assert all(one["source"] == "ib" and one["age"] < 5 for one in lines[1:])
    assert rest == "", "the second move is to the same price, and so no change"


def test_a_gateway_that_dies_while_it_is_watched_is_an_outage(where: Settings, gateway: subprocess.Popen[str]) -> None:
    """The last test here: the gateway is gone after it."""
    with command(where, "AAPL", "--watch") as process:
        assert "clock says 2024-03-14" in process.stdout.readline()
        first = process.stdout.readline()
        gateway.kill()
        err = process.communicate(timeout=30)[1]
    assert "AAPL: bid 172.98" in first
    assert process.returncode == 3 and err.startswith("outage: ") and "Traceback" not in err
