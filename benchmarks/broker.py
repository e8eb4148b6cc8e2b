"""Orders a second through `brokers.ib` and the simulated gateway, beside the limit of the same run: 50 messages a second.

Evenly paced, every order its own message; nothing may be cut off (error 100) and every order must be filled once.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from brokers.ib.broker import IBBroker
from brokers.simulator.gateway import serve
from brokers.simulator.market import Listing, SimulatedMarket
from portfolio.types import OrderTicket, Side

ACCOUNT = "DU1000001"
MARKET = SimulatedMarket(
    now=datetime(2024, 3, 14, 15, tzinfo=UTC),
    session_open=datetime(2024, 3, 14, 13, 30, tzinfo=UTC),
    session_close=datetime(2024, 3, 14, 20, tzinfo=UTC),
    listings=(Listing("SPY"),),
    prices={"SPY": Decimal("512.40")},
    bars={},
)


async def measure(orders: int, home: Path) -> dict[str, float]:
    """Place `orders` orders of one share and wait for all fills; figures of the run."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    until = asyncio.Event()
    gateway = asyncio.ensure_future(serve(MARKET, home / "state.sqlite", on_ready=ready.set_result, until=until))
    broker = IBBroker("127.0.0.1", await ready, 1, ACCOUNT, "paper")
    try:
        started = time.perf_counter()
        await broker.connect()
        connected = time.perf_counter()
        contract = (await broker.contracts(["SPY"]))["SPY"]
        refs = [f"{number:016x}#1" for number in range(orders)]
        begun = time.perf_counter()
        for ref in refs:
            number = broker.next_order_id(1)
            await broker.place(OrderTicket(ref, number, ACCOUNT, contract, Side.BUY, Decimal(1), "adaptive"))
        placed = time.perf_counter()
        assert await broker.settled(refs, 30)
        settled = time.perf_counter()
        picture = await broker.picture()
        done = time.perf_counter()
        assert picture.positions == {"SPY": Decimal(orders)} and len(picture.executions) == orders
    finally:
        await broker.disconnect()
        until.set()
        await gateway
    return {
        "orders": orders,
        "orders_a_second": round(orders / (placed - begun), 1),
        "limit_messages_a_second": 50.0,
        "connect_seconds": round(connected - started, 4),
        "last_order_to_all_settled_seconds": round(settled - placed, 4),
        "picture_seconds": round(done - settled, 4),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        figures = asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 400, Path(home)))
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
