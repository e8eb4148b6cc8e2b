"""The day of a euro portfolio of dollar shares: rates and prices in, money changed, shares bought, books closed to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from euros import POLICY as EUROS

from portfolio.policy import parse_policy
from portfolio.types import currency_pair
from sources import open_source
from sources.sample.rates import rates
from tasks import decide, doors, fetch, ingest, report, summary, trade
from tasks.gateway import pair_prices, running_gateway
from tasks.settings import Settings, settings

SESSION = date(2022, 12, 28)
NOW = datetime(2026, 6, 15, tzinfo=UTC)
D = Decimal
POLICY = EUROS + 'quiet_seconds = 1\n[gate]\nprofile = "paper"\n[risk]\nmax_weight = 0.6\n'


@pytest.fixture(scope="module")
def where(tmp_path_factory) -> Iterator[Settings]:
    home = settings({"TRIMTAB_HOME": str(tmp_path_factory.mktemp("euros") / "home")})
    ingest.ingest(home, fetch.Batch("prices", "sample", symbols=("KO", "PG", "SP500")), NOW)
    ingest.ingest(home, fetch.Batch("macro", "sample"), NOW)
    with running_gateway(home, SESSION, currency="EUR") as port:
        yield replace(home, ib_port=port)


@pytest.fixture(scope="module")
def day(where) -> dict:
    rules = parse_policy(POLICY)
    proposal = decide.propose(where, rules, SESSION, NOW)
    status = trade.trade(where, proposal.plan)
    return {"proposal": proposal, "status": status, "closed": trade.close_books(where, rules, NOW)}


def test_money_is_changed_and_shares_are_bought(where, day):
    ledger = doors.open_ledger(where)
    assert day["status"] == "done"
    fills = ledger.executions(where.account, day["proposal"].plan)
    assert next(f.symbol for f in fills) == "EUR.USD" and {f.symbol for f in fills} == {"EUR.USD", "KO", "PG"}
    books = ledger.account(where.account, "EUR")
    assert books.cash > 0 and books.foreign["USD"] >= 0 and set(books.positions) == {"KO", "PG"}
    spent = sum(f.quantity * f.price + f.commission for f in fills if not currency_pair(f.symbol))
    changed = sum(-f.quantity * f.price for f in fills if currency_pair(f.symbol))
    assert books.foreign["USD"] == changed - spent
    assert books.cash == 1_000_000 + sum(f.quantity - f.commission for f in fills if currency_pair(f.symbol))


def test_the_books_close_in_euros_by_the_pair_s_quote(where, day):
    closed, ledger = day["closed"], doors.open_ledger(where)
    assert closed["breaks"] == [] and closed["state"] == "ACTIVE" and closed["currency"] == "EUR"
    assert pair_prices(SESSION)["EUR.USD"] == D("1.06400"), "the reference rate of that day"
    last = open_source("sample").read("prices", ["KO", "PG"], since=SESSION, until=SESSION)
    closes = {s: D(str(close)) for s, close in last.select("symbol", "close").iter_rows()}
    dollars = closed["foreign"]["USD"] + sum(q * closes[s] for s, q in closed["positions"].items())
    assert abs(closed["equity"] - (closed["cash"] + dollars / D("1.064"))) < D("30"), "half a cent a share"
    assert D(999_000) < closed["equity"] < 1_000_000, "spread and commissions, and nothing else, are gone"
    assert ledger.equity_history(where.account)[-1] == (SESSION, closed["equity"])


def test_a_second_run_finds_nothing_to_trade_and_the_record_replays(where, day):
    again = decide.propose(where, parse_policy(POLICY), SESSION, NOW)
    assert (again.plan, again.status) == (None, "nothing to trade")
    replayed = decide.replay(where, day["proposal"].decision)
    assert (replayed["status"], replayed["differences"]) == ("equal", [])


def test_the_run_s_document_and_the_report_say_the_currency(where, day):
    said = summary.summary(where, day["proposal"].decision, "traded")
    assert said["currency"] == "EUR" and {o["currency"] for o in said["orders"]} == {"USD"}
    fees = {f["symbol"]: f["commission_currency"] for f in said["fills"]}
    assert fees == {"EUR.USD": "EUR", "KO": "USD", "PG": "USD"}
    in_dollars = sum(D(str(f["commission"])) for f in said["fills"] if f["symbol"] != "EUR.USD")
    in_euros = sum(D(str(f["commission"])) for f in said["fills"] if f["symbol"] == "EUR.USD")
    assert said["costs"]["commissions"] == pytest.approx(float(in_euros + in_dollars / D("1.064")), abs=0.01)
    page = Path(report.write(where, day["proposal"].decision)).read_text()
    assert "EUR.USD" in page and " USD" in page and "EUR" in page


def test_a_fee_in_another_currency_is_told_at_its_dated_rate_or_left_apart(where, day):
    """Pounds are known to the warehouse by their reference rate; what a krone is worth nobody says."""
    ledger, plan = doors.open_ledger(where), day["proposal"].plan
    fees = {"KO": (D("2.00"), "NOK"), "PG": (D("3.00"), "GBP")}
    for fill in ledger.executions(where.account, plan):
        if fill.symbol in fees:
            paid = dict(zip(("commission", "commission_currency"), fees[fill.symbol], strict=True))
            ledger.book([replace(fill, exec_id=f"{fill.exec_id.rpartition('.')[0]}.99", **paid)], NOW)
    (converted,) = [f.commission for f in ledger.executions(where.account, plan) if currency_pair(f.symbol)]
    told = dict(rates().filter(pl.col("date") == SESSION).select("series", "value").iter_rows())
    expected = converted + D(3) / D(str(told["EUR.GBP"]))
    said = summary.summary(where, day["proposal"].decision, "traded")["costs"]
    assert said["commissions"] == pytest.approx(float(expected), abs=0.005) and said["unrated"] == {"NOK": 2}
    facts = report.gather(where, day["proposal"].decision)
    assert sum(t.fee for t in facts.trades) == pytest.approx(expected, abs=D("0.001"))
    why = {t.symbol: t.reason for t in facts.trades}
    assert why["KO"].endswith("; 2.00 NOK of fees without a rate in EUR stand apart from the sum of commissions")
    assert why["PG"].endswith("; its fee of 3.00 GBP is counted at the rate of 2022-12-28")
    assert "2.00 NOK of fees without a rate" in Path(report.write(where, day["proposal"].decision)).read_text()
