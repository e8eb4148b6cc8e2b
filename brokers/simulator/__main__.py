"""`python -m brokers.simulator --market market.json --state state.sqlite`: the gateway as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from decimal import Decimal
from pathlib import Path

from brokers.simulator.faults import Faults, parse
from brokers.simulator.gateway import serve
from brokers.simulator.market import load
from portfolio.errors import Trouble


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m brokers.simulator", description=__doc__)
    parser.add_argument("--market", type=Path, required=True, help="JSON written by brokers.simulator.market.dump")
    parser.add_argument("--state", type=Path, required=True, help="the SQLite file that holds the account")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--account", default="DU1000001")
    parser.add_argument("--cash", type=Decimal, default=Decimal("1000000"), help="of an account that is opened now")
    parser.add_argument("--currency", help="of an account that is opened now; USD if none is named")
    parser.add_argument("--faults", type=parse, default=Faults(), help="a JSON object, see brokers/simulator/faults.py")
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when standard input ends")
    return parser.parse_args()


def _ready(port: int) -> None:
    sys.stdout.write(json.dumps({"ready": {"port": port}}) + "\n")
    sys.stdout.flush()


def _watch_input(loop: asyncio.AbstractEventLoop, until: asyncio.Event) -> None:
    while os.read(0, 4096):  # not sys.stdin: its lock, held by this thread, would abort the interpreter's end
        pass
    loop.call_soon_threadsafe(until.set)


async def _run(arguments: argparse.Namespace) -> None:
    until, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    if arguments.exit_with_parent:
        threading.Thread(target=_watch_input, args=(loop, until), daemon=True).start()
    await serve(
        load(arguments.market),
        arguments.state,
        host=arguments.host,
        port=arguments.port,
        account=arguments.account,
        cash=arguments.cash,
        currency=arguments.currency,
        faults=arguments.faults,
        on_ready=_ready,
        until=until,
    )


def main() -> int:
    try:
        asyncio.run(_run(_arguments()))
    except Trouble as trouble:
        sys.stderr.write(f"{trouble}\n")
        return trouble.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
