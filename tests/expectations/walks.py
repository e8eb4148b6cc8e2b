"""Random walks as batches of prices, and what is beside them; faults are put into them by SQL."""

import datetime as dt
import functools

import duckdb
import numpy as np
import polars as pl

from expectations.check import _declare
from expectations.context import Context
from expectations.contract import contract
from expectations.query import Names
from expectations.scan import Scan
from expectations.sessions import create_sessions
from portfolio.schema import PRICES
from portfolio.types import Declaration
from sources.frames import staged
from sources.sessions import close_of

NOW = dt.datetime(2022, 12, 31, tzinfo=dt.UTC)
ALL = frozenset({"open", "high", "low", "close", "volume"})


@functools.cache
def sessions(number):
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start="2010-01-01", end="2022-12-30")
    return [day.date() for day in calendar.sessions[-number:]]


def calm(rng, symbols, days):
    """Daily log returns of 1.5 %, Student t with 5 degrees of freedom, none over 8 %."""
    return np.clip(rng.standard_t(5, (symbols, days)) * 0.015 / np.sqrt(5 / 3), -0.08, 0.08), np.ones((symbols, days))


def wild(rng, symbols, days):
    """Daily log returns of 2 %, Student t with 3 degrees of freedom; each quarter an earnings day of 8 % more, on fivefold volume."""
    returns, flood = rng.standard_t(3, (symbols, days)) * 0.02 / np.sqrt(3), np.ones((symbols, days))
    told = rng.random((symbols, days)) < 1 / 63
    return np.where(told, returns + rng.normal(0, 0.08, returns.shape), returns), np.where(told, 5 * flood, flood)


def walk(seed, symbols=3, days=90, kind=calm):
    """Staged rows of `symbols` walks, raw, in cents (tenths below ten dollars)."""
    rng, dates = np.random.default_rng(seed), sessions(days)
    returns, flood = kind(rng, symbols, days)
    close = rng.uniform(20, 400, (symbols, 1)) * np.exp(np.cumsum(returns, axis=1))
    open_ = close * np.exp(rng.normal(0, 0.004, close.shape))
    reach = np.abs(rng.normal(0, 0.006, (2, *close.shape)))
    columns = {"open": open_, "high": np.maximum(open_, close) * (1 + reach[0]), "low": np.minimum(open_, close) * (1 - reach[1])}
    names = [f"S{i:03}" for i in range(symbols)]
    frame = pl.DataFrame(
        {name: np.round(values.ravel(), 4) for name, values in (columns | {"close": close}).items()}
        | {"volume": np.round(rng.lognormal(12, 0.5, close.shape) * flood).ravel()}
        | {"symbol": np.repeat(names, days), "instrument": np.repeat([f"US:{n}" for n in names], days)}
        | {"session": dates * symbols, "known_at": [close_of(d) for d in dates] * symbols},
    )
    words = {"currency": "USD", "adjustment": "raw", "source": "vendor"}
    return staged(frame.with_columns(*(pl.lit(v).alias(k) for k, v in words.items())), PRICES)


def judged(frame, fault="", law=None):
    """law -> how many, of the laws that break once `fault` (SQL) has been done to the tables rows, acts, others and earlier.

    others: the same rows from another source, raw, and adjusted for a dividend of 1 % that went ex on the fortieth session.
    """
    con = duckdb.connect()
    con.execute("set threads = 1; begin")
    con.register("given", frame.to_arrow())
    con.execute(
        "create temp table rows as select * from given; create temp table acts (instrument varchar, ex_session date, kind varchar, ratio double, amount double)"
    )
    ex, before = sessions(90)[40], sessions(90)[39]
    con.execute(
        f"insert into acts select instrument, '{ex}', 'dividend', null, close * 0.01 from rows where session = '{before}'"
    )
    con.execute(f"""create temp table others as select * replace ('second' as source) from rows union all by name
        select * replace ('adjuster' as source, 'adjusted' as adjustment, close * case when session < '{ex}' then 0.99 else 1 end as close) from rows""")
    con.execute("create temp table earlier as select * from rows")
    con.execute(fault or "select 1")
    beside = {"actions": "acts", "others": "others", "history": "earlier"}
    context = Context(now=NOW, declarations=(Declaration("vendor", "raw", ALL),), **beside)
    scan = Scan(contract("prices"), context, Names("walk"))
    create_sessions(con, scan.names.sessions, NOW)
    _declare(con, scan)

    def ask(sql):
        answer = con.execute(sql)
        return answer.fetchall() if answer.description else []

    outcomes = scan.run(ask, "(select * from rows)")
    con.close()
    assert not {name: o.note for name, o in outcomes.items() if o.status == "error"}
    return {name: outcome.bad for name, outcome in outcomes.items() if outcome.status == "failed"}
