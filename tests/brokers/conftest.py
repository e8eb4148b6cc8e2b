"""A small market, a gateway in this loop, and a gateway in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.simulator.faults import Faults
from brokers.simulator.gateway import serve
from brokers.simulator.market import Listing, SimulatedMarket, dump, pair_listing

PROJECT = Path(__file__).resolve().parents[2]
STOCKS = {"AAPL": "173.00", "BRK.B": "405.31", "SPY": "512.40", "PENNY": "0.50", "SAP": "175.00"}
PAIRS = {"EUR.USD": "1.09000", "USD.JPY": "148.000"}
NOW = datetime(2024, 3, 14, 18, 30, tzinfo=UTC)  # a Thursday, summer time in New York


@pytest.fixture(scope="session")
def market() -> SimulatedMarket:
    return SimulatedMarket(
        now=NOW,
        session_open=datetime(2024, 3, 14, 13, 30, tzinfo=UTC),
        session_close=datetime(2024, 3, 14, 20, 0, tzinfo=UTC),
        listings=(
            Listing("AAPL", "Apple Inc. é", exchange="NASDAQ"),
            Listing("BRK.B", "Berkshire Hathaway", exchange="NYSE"),
            Listing("SPY", "SPDR S&P 500", exchange="ARCA"),
            Listing("PENNY", "Cheap", exchange="NYSE"),
            Listing("SAP", "SAP SE", currency="EUR", exchange="IBIS"),
            *map(pair_listing, PAIRS),
        ),
        prices={s: Decimal(price) for s, price in (STOCKS | PAIRS).items()},
        bars={"AAPL": ((date(2024, 3, 12), 173.23), (date(2024, 3, 13), 171.13)), "SPY": ((date(2024, 3, 13), 515.97),)},
    )


Running = Callable[..., contextlib.AbstractAsyncContextManager[int]]


@pytest.fixture
def gateway(market: SimulatedMarket, tmp_path: Path) -> Running:
    """`async with gateway(hold=True) as port`: a gateway in this event loop; one state file a test. currency: the account's."""

    @contextlib.asynccontextmanager
    async def running(
        world: SimulatedMarket = market, state: str = "state.sqlite", currency: str | None = None, **faults: object
    ) -> AsyncIterator[int]:
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        until = asyncio.Event()
        terms = {"currency": currency, "faults": Faults(**faults)}  # type: ignore[arg-type]
        task = asyncio.ensure_future(serve(world, tmp_path / state, on_ready=ready.set_result, until=until, **terms))
        await asyncio.wait({task, ready}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        try:
            if task.done():
                task.result()
            yield ready.result()
        finally:
            until.set()
            await asyncio.wait_for(task, 10)

    return running


@dataclass
class GatewayProcess:
    process: subprocess.Popen[str]
    port: int

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def start_gateway(market: SimulatedMarket, tmp_path: Path) -> Iterator[Callable[..., GatewayProcess]]:
    """Start `python -m brokers.simulator` with faults; every call goes on with the same state file."""
    dump(market, tmp_path / "market.json")
    started: list[subprocess.Popen[str]] = []

    def start(**faults: object) -> GatewayProcess:
        words = ["--market", str(tmp_path / "market.json"), "--state", str(tmp_path / "process.sqlite"), "--exit-with-parent"]
        process = subprocess.Popen(
            [sys.executable, "-m", "brokers.simulator", *words, "--faults", json.dumps(faults)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the gateway did not start: exit {process.wait(10)}"
        return GatewayProcess(process, json.loads(line)["ready"]["port"])

    yield start
    for process in started:
        process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
