"""Of quiet bars nobody asks the neighbours: the verdicts are those of asking them of every bar, row by row."""

import datetime as dt
from dataclasses import replace

import duckdb
import pytest
from walks import ALL, NOW, sessions, walk, wild

from expectations.check import _declare
from expectations.context import Context
from expectations.contract import contract
from expectations.query import Names
from expectations.scan import Scan
from expectations.sessions import create_sessions
from portfolio.types import Declaration

# What may befall some bars of a symbol: a tenth of them, or a stretch of days (every third of these).
FAULTS = (
    "close = close * 100", "close = close / 10", "close = null", "close = 'nan'", "close = 0", "close = 1e300", "close = 50, volume = 5000",
    "close = close * 1.029", "close = close * 1.031", "high = high * 100", "volume = 0", "volume = null", "currency = 'EUR'",
    "source = 'stranger'", "adjustment = 'adjusted'", "session = session + 7", "open = open / 2, high = high / 2, low = low / 2, close = close / 2",
)  # fmt: skip


def spoiled(seed):
    """Twelve wild walks with faults, their actions, and two other sources."""
    con = duckdb.connect()
    con.execute("set threads = 1; begin")
    con.register("given", walk(seed, 12, 150, wild).to_arrow())
    con.execute(f"create temp table rows as select * from given; select setseed({seed / 10})")
    con.execute("create temp table others as select * replace ('second' as source) from rows")
    con.execute(
        "insert into others select * replace ('adjuster' as source, 'adjusted' as adjustment, close * 0.97 as close) from rows"
    )
    con.execute("update others set close = close * 1.02 where random() < 0.01")
    con.execute("create temp table earlier as select * from rows where session < date '2022-09-01'")
    con.execute("""create temp table acts as select instrument, session as ex_session, unnest(['split', 'dividend']) as kind,
        unnest([2.0, null]) as ratio, unnest([null, close * 0.03]) as amount from rows where random() < 0.01""")
    for number, fault in enumerate(FAULTS):
        days = "random() < 0.1" if number % 3 else f"session between '{sessions(150)[60]}' and '{sessions(150)[90]}'"
        con.execute(f"update rows set {fault} where symbol = 'S{number % 12:03}' and {days}")
    con.execute("delete from rows where random() < 0.01; insert into rows select * from rows where random() < 0.01")
    return con


def marks(con, context, **changed):
    scan = Scan(replace(contract("prices"), **changed), context, Names(f"quiet_{len(changed)}"))
    create_sessions(con, scan.names.sessions, NOW)
    _declare(con, scan)

    def ask(sql):
        answer = con.execute(sql)
        return answer.fetchall() if answer.description else []

    scan.run(ask, "(select * from rows)")
    return con.execute(f"select rid, symbol, session, broken, unknown, erred from {scan.names.scan} order by rid").fetchall()


@pytest.mark.parametrize("beside", [("history", "actions", "others"), ("actions",), ()])
def test_what_quiet_bars_are_not_asked_would_have_changed_nothing(beside):
    con = spoiled(1 + len(beside))
    given = {"history": "earlier", "actions": "acts", "others": "others"}
    context = Context(
        now=NOW,
        declarations=(Declaration("vendor", "raw", ALL),),
        expected_session=dt.date(2022, 12, 30),
        **{k: given[k] for k in beside},
    )
    asked, all_asked = marks(con, context), marks(con, context, stirs="true")
    assert asked == all_asked
    broken = 0
    for row in asked:
        broken |= row[3]
    named = {law.name for i, law in enumerate(contract("prices").rows) if broken >> i & 1}
    assert {"no_gap", "moves", "feed_moves", "no_spike", "currency_kept", "no_slip_in_one_column"} <= named
    quiet = marks(con, context, stirs="false")
    assert quiet != asked, "the neighbours do matter here"
