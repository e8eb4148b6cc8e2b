"""The simulated gateway's world: one bundled session, served on loopback by a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from portfolio.errors import Outage, Refused
from tasks.calendar import hours
from tasks.settings import Settings

if TYPE_CHECKING:
    from brokers.simulator.market import SimulatedMarket

MINUTES_BEFORE_CLOSE = 30  # where the simulated clock starts
HISTORY = 300  # sessions of bars that it can serve


def last_session() -> date:
    """The newest session of the bundled prices."""
    from sources import open_source

    day = open_source("sample").read("prices")["session"].max()
    assert isinstance(day, date)
    return day


def simulated_market(session: date) -> SimulatedMarket:
    """The bundled prices as a market in that session, half an hour before its close; each name trades at its close, and each
    pair of currencies at the reference rates of that day.
    """
    import polars as pl

    from brokers.simulator.market import Listing, SimulatedMarket, pair_listing
    from sources import open_source

    times = hours(session)
    source = open_source("sample")
    tradable = [i for i in source.instruments() if i.tradable]
    frame = source.read("prices", [i.symbol for i in tradable], until=session)
    today = dict(frame.filter(pl.col("session") == session).select("symbol", "close").iter_rows())
    if times is None or not today:
        raise Refused(f"The bundled prices have no session {session}.", f"Use a session up to {last_session()}.")
    before = frame.filter(pl.col("session") < session).sort("session").group_by("symbol", maintain_order=True).tail(HISTORY)
    bars: dict[str, list[tuple[date, float]]] = {i.symbol: [] for i in tradable}
    for symbol, day, close in before.select("symbol", "session", "close").iter_rows():
        bars[symbol].append((day, close))
    pairs = pair_prices(session)
    return SimulatedMarket(
        now=times.moment(MINUTES_BEFORE_CLOSE),
        session_open=times.opens,
        session_close=times.closes,
        listings=(*(Listing(i.symbol, currency=i.currency) for i in tradable), *map(pair_listing, pairs)),
        prices={symbol: Decimal(str(close)) for symbol, close in today.items()} | pairs,
        bars={symbol: tuple(rows) for symbol, rows in bars.items()},
    )


def pair_prices(session: date) -> dict[str, Decimal]:
    """What each pair of currencies is dealt at, on its tick, by the bundled reference rates: the newest of the session or up to
    five days before; none where there are none.
    """
    import polars as pl

    from brokers.simulator.market import PAIRS, on_tick, pair_listing
    from sources.sample.rates import rates
    from tasks.rates import STALE

    known = rates().filter(pl.col("date").is_between(session - timedelta(days=STALE), session))
    newest = known.sort("date").group_by("series", maintain_order=True).last()
    euro = {"EUR": Decimal(1)} | {
        s.removeprefix("EUR."): Decimal(str(v)) for s, v in newest.select("series", "value").iter_rows()
    }
    out = {}
    for symbol in PAIRS:
        bought, paid = symbol.split(".")
        if bought in euro and paid in euro:
            out[symbol] = on_tick(euro[paid] / euro[bought], pair_listing(symbol).min_tick, ROUND_HALF_EVEN)
    return out


def state_file(settings: Settings) -> Path:
    """Where the simulated account lives, whatever session it is in."""
    settings.gateway.mkdir(parents=True, exist_ok=True)
    return settings.gateway / "account.sqlite"


def serve_gateway(
    settings: Settings,
    session: date,
    port: int,
    cash: Decimal,
    ready: Callable[[int], None],
    currency: str | None = None,
    deposit: Decimal = Decimal(0),
) -> None:
    """Serve that session until the process is stopped; `ready` hears the port. `cash` and `currency` (USD if none is named) are
    those of an account opened now; `deposit` is paid in before anybody connects.
    """
    import asyncio

    from brokers.simulator.gateway import serve

    market, state = simulated_market(session), state_file(settings)
    money = {"cash": cash, "currency": currency, "deposit": deposit}
    asyncio.run(serve(market, state, port=port, account=settings.account, on_ready=ready, **money))


@contextmanager
def running_gateway(settings: Settings, session: date, port: int = 0, currency: str | None = None) -> Iterator[int]:
    """The port of a simulated gateway that lives as long as the block; it also ends with this process, however that ends.

    currency: of an account that is opened now; USD if none is named.
    """
    from brokers.simulator.market import dump

    state = state_file(settings)
    market = settings.gateway / f"market-{session}.json"
    dump(simulated_market(session), market)
    command = [sys.executable, "-m", "brokers.simulator", "--market", str(market), "--state", str(state)]
    command += ["--account", settings.account, "--port", str(port), "--exit-with-parent"]
    command += ["--currency", currency] if currency else []
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield _ready(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def _ready(process: subprocess.Popen[str]) -> int:
    """The port in the line that the gateway prints when it listens."""
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    if not line:
        words = process.stderr.read().strip().splitlines()
        raise Outage(f"The simulated gateway did not start: {words[-1] if words else 'it said nothing'}", "Run again.")
    return int(json.loads(line)["ready"]["port"])


def gateway_day(settings: Settings) -> date | None:
    """The exchange's date on the clock of the gateway that answers at the settings' address; None where nobody does."""
    import asyncio

    from tasks import doors
    from tasks.calendar import exchange_day

    async def ask() -> date | None:
        broker = doors.open_broker(settings, doors.mode_of(settings.account))
        try:
            await broker.connect()
            return exchange_day(await broker.time())
        except Outage:
            return None
        finally:
            await broker.disconnect()

    return asyncio.run(ask())
