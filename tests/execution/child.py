"""The executor in a process of its own, ended or stopped at a named point. Ledger and broker are wrapped here; the product
has no hooks. One JSON document of arguments in, one JSON line about the outcome out.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import trading

from brokers.executor import execute
from brokers.ib.broker import IBBroker
from portfolio.errors import Trouble
from warehouse.ledger import open_ledger
from warehouse.ledger.ledger import SqlLedger

POINTS = (
    "before_intent",
    "after_sending",
    "after_bytes",
    "after_ack",
    "after_fill",
    "between_book_and_state",
    "before_finish",
)


class Trap:
    """Springs at the so-manieth arrival at its point."""

    def __init__(self, point: str, on: int, how: str) -> None:
        self.point, self.left, self.how = point, on, how

    def at(self, point: str) -> None:
        self.left -= point == self.point
        if point == self.point and self.left == 0:
            os.kill(os.getpid(), signal.SIGSTOP if self.how == "stop" else signal.SIGKILL)


def trapped_ledger(trap: Trap) -> type[SqlLedger]:
    class Ledger(SqlLedger):
        def sending(self, *words, **more):
            trap.at("before_intent")
            sent = super().sending(*words, **more)
            trap.at("after_sending")
            return sent

        def observe(self, *words, **more):
            trap.at("between_book_and_state")
            return super().observe(*words, **more)

        def finish_plan(self, *words, **more):
            trap.at("before_finish")
            return super().finish_plan(*words, **more)

    return Ledger


def trapped_broker(trap: Trap) -> type[IBBroker]:
    class Broker(IBBroker):
        async def place(self, ticket):
            await super().place(ticket)
            trap.at("after_bytes")
            if trap.point in {"after_ack", "after_fill"}:
                await self._until(
                    lambda heard: self._acknowledged(heard, ticket.order_ref), asyncio.get_running_loop().time() + 5
                )
                trap.at("after_ack")
            if trap.point == "after_fill":
                assert await self.settled([ticket.order_ref], 5)
                trap.at("after_fill")

        @staticmethod
        def _acknowledged(heard, order_ref):
            return bool(heard.notes[order_ref].perm_ids)

    return Broker


def main() -> None:
    words = json.loads(sys.argv[1])
    trap = Trap(words.get("point", ""), words.get("on", 1), words.get("how", "kill"))
    ledger = trapped_ledger(trap)(open_ledger(words["ledger"])._engine)
    where = trading.desk(
        ledger,
        words["port"],
        words.get("quiet", 0.4),
        words.get("client", trading.CLIENT),
        broker=trapped_broker(trap),
        currency=words.get("currency", "USD"),
    )
    wish = tuple(map(tuple, words["wish"])) if "wish" in words else trading.WISH
    task = trading.job(where, trading.plan(wish=wish), settle=words.get("settle", 8.0))
    try:
        told = {"status": asyncio.run(execute(task)).status}
    except Trouble as trouble:
        told = {"trouble": trouble.kind, "words": str(trouble)}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
