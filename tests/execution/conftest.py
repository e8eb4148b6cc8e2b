"""A gateway in a process of its own, a ledger on SQLite, executors here and in child processes, and the exact check."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.executor import Outcome, execute
from brokers.simulator.faults import Faults, parse
from brokers.simulator.gateway import serve
from brokers.simulator.market import SimulatedMarket, dump
from portfolio.errors import Outage
from portfolio.ledger import reconcile
from portfolio.types import OrderState, Plan, TradingState, currency_pair
from warehouse.ledger import open_ledger
from warehouse.ledger.ledger import SqlLedger

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]


def _neighbour(name: str, path: Path):
    """Make a file of this folder importable by the tests here."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


trading = _neighbour("execution_trading", HERE / "trading.py")


class ThreadedGateway:
    """A gateway on a socket, in a thread and an event loop of its own: quicker to start than a process."""

    def __init__(self, market: SimulatedMarket, state: Path, faults: Faults) -> None:
        self._told: queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = queue.Queue()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(market, state, faults)), daemon=True)
        self._thread.start()
        self._loop, self._until, self.port = self._told.get(timeout=10)

    async def _serve(self, market: SimulatedMarket, state: Path, faults: Faults) -> None:
        until, loop = asyncio.Event(), asyncio.get_running_loop()
        await serve(market, state, faults=faults, on_ready=lambda port: self._told.put((loop, until, port)), until=until)

    def kill(self) -> None:
        self._loop.call_soon_threadsafe(self._until.set)

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the gateway did not stop"


class World:
    """One account at one gateway, and our record of it. Everything started here ends with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state, self.url = folder, folder / "account.sqlite", f"sqlite:///{folder}/ledger.sqlite"
        self.started: list[subprocess.Popen[str]] = []
        self.gateway: subprocess.Popen[str] | ThreadedGateway | None = None
        self.port = 0
        self.before: dict[str, Decimal] = {}
        self.ledger: SqlLedger = open_ledger(self.url)

    # ------------------------------------------------------------ the gateway
    def serve(self, market: SimulatedMarket | None = None, process: bool = False, **faults: object) -> World:
        """(Re)start the gateway with these faults; it goes on with the account as it is. In a thread of its own, or in a
        process of its own where it is to be killed or to outlive nobody.
        """
        if not self.state.exists():
            trading.open_state(self.state)
        if not self.before:
            self.before = self.positions()
        self.stop_gateway()
        market = market or trading.market()
        if process or "kill_at" in faults:
            self.port = self._serve_in_a_process(market, faults)
        else:
            self.gateway = ThreadedGateway(market, self.state, parse(json.dumps(faults)))
            self.port = self.gateway.port
        return self

    def _serve_in_a_process(self, market: SimulatedMarket, faults: dict[str, object]) -> int:
        dump(market, self.folder / "market.json")
        words = ["--market", str(self.folder / "market.json"), "--state", str(self.state), "--exit-with-parent"]
        self.gateway = self._start([sys.executable, "-m", "brokers.simulator", *words, "--faults", json.dumps(faults)])
        assert self.gateway.stdout is not None
        told = self.gateway.stdout.readline()
        assert told, "the gateway did not start"
        return json.loads(told)["ready"]["port"]

    def stop_gateway(self) -> None:
        """SIGKILL, where it is a process."""
        if self.gateway is not None:
            self.gateway.kill()
            self.gateway.wait(10)
        self.gateway = None

    def _start(self, command: list[str], **more) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT, **more)
        self.started.append(process)
        return process

    def close(self) -> None:
        self.stop_gateway()
        for process in self.started:
            process.kill()
            process.wait(10)
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
        self.ledger.close()

    # ------------------------------------------------------------ executors
    def desk(self, **terms):
        return trading.desk(terms.pop("ledger", self.ledger), self.port, **terms)

    def run(self, plan: Plan | None = None, seconds: float = 90, **terms) -> Outcome:
        """The executor in this process. gate, order_type, settle and rules go to the job, the rest to the desk."""
        about = {name: terms.pop(name) for name in ("gate", "order_type", "settle", "rules") if name in terms}
        task = trading.job(self.desk(**terms), plan or trading.plan(), **about)
        return asyncio.run(asyncio.wait_for(execute(task), seconds))

    def run_until_over(self, plan: Plan | None = None, tries: int = 5, **terms) -> Outcome:
        """As the flow does: again after each `Outage`, and while orders are working."""
        for _ in range(tries):
            try:
                outcome = self.run(plan, **terms)
            except Outage:
                continue
            if outcome.status != "working":
                return outcome
        raise AssertionError(f"not over after {tries} tries")

    def child(self, python: str | Path = sys.executable, **words) -> subprocess.Popen[str]:
        """The executor in a process of its own, see child.py."""
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
        return self._start(
            [str(python), str(HERE / "child.py"), json.dumps({"port": self.port, "ledger": self.url, **words})], env=environment
        )

    def killed_at(self, point: str, on: int = 1, **words) -> None:
        assert self.child(point=point, on=on, **words).wait(60) == -signal.SIGKILL

    def resume(self) -> None:
        """What `trimtab resume` writes."""
        self.ledger.set_trading_state(trading.ACCOUNT, TradingState.UNRECONCILED, "resumed by hand", trading.SystemClock().now())

    # ------------------------------------------------------------ the truth, from the gateway's own file
    def ask(self, query: str, *words: object) -> list[tuple]:
        db = sqlite3.connect(f"file:{self.state}?mode=ro", uri=True)
        try:
            return db.execute(query, words).fetchall()
        finally:
            db.close()

    def positions(self) -> dict[str, Decimal]:
        return {s: Decimal(q) for s, q in self.ask("SELECT symbol, quantity FROM position") if Decimal(q)}

    def money(self) -> dict[str, Decimal]:
        return {currency: Decimal(amount) for currency, amount in self.ask("SELECT currency, amount FROM money")}

    def cash(self) -> Decimal:
        return self.money()["USD"]

    def accepted(self) -> dict[str, list[int]]:
        """Permanent ids by reference, without the attempt."""
        found: dict[str, list[int]] = {}
        for ref, perm_id in self.ask("SELECT ref, perm_id FROM placed ORDER BY perm_id"):
            found.setdefault(ref.split("#")[0], []).append(perm_id)
        return found

    def states(self, plan: str = "p1") -> dict[str, OrderState]:
        return {i.symbol + i.side.value[0]: i.state for i in self.ledger.intents(trading.ACCOUNT, plan)}

    def trading_state(self) -> TradingState:
        return self.ledger.trading_state(trading.ACCOUNT)

    def agree(self, currency: str = "USD") -> None:
        """The ledger has what the broker has, to the share and the cent in every currency, and the journal verifies."""
        books, money = self.ledger.account(trading.ACCOUNT, currency), self.money()
        held = {symbol: quantity for symbol, quantity in self.positions().items() if not currency_pair(symbol)}
        assert reconcile(books, held, money) == ()
        assert {currency: books.cash, **books.foreign} == {unit: amount for unit, amount in money.items() if amount}
        self.ledger.verify()

    def exact(self, plan: Plan | None = None, currency: str = "USD") -> None:
        """Each line was dealt once and in full, and nothing else was."""
        plan = plan or trading.plan()
        wished = dict(self.before)
        for line in plan.lines:
            wished[line.symbol] = wished.get(line.symbol, Decimal(0)) + line.signed
        assert self.positions() == {symbol: quantity for symbol, quantity in wished.items() if quantity}
        assert {ref: len(ids) for ref, ids in self.accepted().items()} == {line.ref: 1 for line in plan.lines}
        assert set(self.states(plan.plan).values()) == {OrderState.FILLED}
        assert {i.perm_id for i in self.ledger.intents(trading.ACCOUNT, plan.plan)} == {
            perm_id for ids in self.accepted().values() for perm_id in ids
        }
        assert self.ledger.plan_status(plan.plan) == "done" and self.trading_state() is TradingState.ACTIVE
        self.agree(currency)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """In memory where the machine has such a folder: who is killed loses nothing there, and nobody waits for a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        made = World(Path(folder))
        yield made
        made.close()
