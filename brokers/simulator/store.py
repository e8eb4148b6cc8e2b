"""The gateway's memory: one SQLite file, one durable commit an event. Nothing here knows the wire."""

from __future__ import annotations

import contextlib
import fcntl
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from portfolio.errors import Refused

FIRST_PERM_ID = 1_500_000_001
OPEN = ("PendingSubmit", "PreSubmitted", "Submitted")
SCHEMA = """
CREATE TABLE IF NOT EXISTS word (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS placed (
  perm_id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL, order_id INTEGER NOT NULL, ref TEXT NOT NULL,
  symbol TEXT NOT NULL, action TEXT NOT NULL, quantity TEXT NOT NULL, kind TEXT NOT NULL, price_limit TEXT,
  tif TEXT NOT NULL, algo TEXT NOT NULL, status TEXT NOT NULL, at TEXT NOT NULL, done_at TEXT, note TEXT NOT NULL,
  UNIQUE (client_id, order_id));
CREATE TABLE IF NOT EXISTS fill (
  exec_id TEXT PRIMARY KEY, perm_id INTEGER NOT NULL REFERENCES placed, shares TEXT NOT NULL, price TEXT NOT NULL,
  commission TEXT NOT NULL, realized TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS money (currency TEXT PRIMARY KEY, amount TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS position (symbol TEXT PRIMARY KEY, quantity TEXT NOT NULL, average TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Order:
    """An order the gateway took. `quantity` is positive; `action` is BUY or SELL."""

    perm_id: int
    client_id: int
    order_id: int
    ref: str
    symbol: str
    action: str
    quantity: Decimal
    kind: str
    limit: Decimal | None
    tif: str
    algo: tuple[str, tuple[tuple[str, str], ...]]
    status: str
    at: datetime
    done_at: datetime | None = None
    note: str = ""

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def sign(self) -> int:
        return 1 if self.action == "BUY" else -1


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. `shares` is positive; a correction has the same id but for what follows its last dot."""

    exec_id: str
    perm_id: int
    shares: Decimal
    price: Decimal
    commission: Decimal
    realized: Decimal
    at: datetime

    @property
    def base(self) -> str:
        return self.exec_id.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Position:
    quantity: Decimal = Decimal(0)
    average: Decimal = Decimal(0)  # cost a share, commissions included


class Store:
    """Orders, fills, positions and money by currency: a mirror in memory, written through to the file before it is changed.

    cash, currency: of an account that is opened now; without `currency` it is USD. `Refused` where the file's is another one.
    """

    def __init__(self, path: Path, account: str, cash: Decimal, currency: str | None = None) -> None:
        self._lock = path.with_name(path.name + ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise Refused(f"Another gateway uses the state file {path}.", "Stop it, or give another file.") from error
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + SCHEMA)
        self._open_account(account, cash, currency, path)
        self._load()

    def close(self) -> None:
        self._db.close()
        self._lock.close()

    def accept(self, order: Order) -> Order:
        """Give the order the next permanent id and write it down."""
        taken = replace(order, perm_id=self._next_perm_id)
        with self._transaction():
            self._write_order(taken)
        self._next_perm_id += 1
        self.orders[taken.perm_id] = taken
        key = taken.client_id
        self.highest_id[key] = max(self.highest_id.get(key, 0), taken.order_id)
        return taken

    def change(self, order: Order) -> None:
        """Write a new state of an order."""
        with self._transaction():
            self._write_order(order)
        self.orders[order.perm_id] = order

    def book(self, fill: Fill, order: Order, symbol: str, position: Position, money: Mapping[str, Decimal]) -> None:
        """Write a fill with the order, the position and the money (of the currencies that moved) after it, in one transaction."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO fill VALUES (?,?,?,?,?,?,?)",
                (
                    fill.exec_id,
                    fill.perm_id,
                    *map(str, (fill.shares, fill.price, fill.commission, fill.realized)),
                    fill.at.isoformat(),
                ),
            )
            self._write_order(order)
            row = (symbol, str(position.quantity), str(position.average))
            self._db.execute("INSERT OR REPLACE INTO position VALUES (?,?,?)", row)
            rows = [(currency, str(amount)) for currency, amount in money.items()]
            self._db.executemany("INSERT OR REPLACE INTO money VALUES (?,?)", rows)
        self.fills.setdefault(fill.perm_id, []).append(fill)
        self.orders[order.perm_id], self.positions[symbol] = order, position
        self.money.update(money)

    def pay(self, amount: Decimal) -> None:
        """Money that comes in, or below zero goes out, in the account's own currency."""
        with self._transaction():
            after = self.cash + amount
            self._db.execute("INSERT OR REPLACE INTO money VALUES (?,?)", (self.currency, str(after)))
        self.money[self.currency] = after

    @property
    def cash(self) -> Decimal:
        """Money in the account's own currency."""
        return self.money[self.currency]

    # ------------------------------------------------------------ inside
    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _write_order(self, order: Order) -> None:
        self._db.execute(
            "INSERT INTO placed VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (perm_id) DO UPDATE SET "
            "status=excluded.status, done_at=excluded.done_at, note=excluded.note",
            (
                *(order.perm_id, order.client_id, order.order_id, order.ref, order.symbol, order.action),
                *(str(order.quantity), order.kind, None if order.limit is None else str(order.limit), order.tif),
                *(json.dumps(order.algo), order.status, order.at.isoformat()),
                *(order.done_at.isoformat() if order.done_at else None, order.note),
            ),
        )

    def _open_account(self, account: str, cash: Decimal, currency: str | None, path: Path) -> None:
        with self._transaction():
            for name, value in (("account", account), ("currency", currency or "USD"), ("cash", str(cash))):
                self._db.execute("INSERT OR IGNORE INTO word VALUES (?,?)", (name, value))
            words = dict(self._db.execute("SELECT name, value FROM word"))
            # `cash` is what the account was opened with; of a file from before there were several currencies, all it had
            self._db.execute("INSERT OR IGNORE INTO money VALUES (?,?)", (words["currency"], words["cash"]))
        if words["account"] != account:
            raise Refused(f"The state file {path} belongs to account {words['account']}.", "Give that account or another file.")
        if currency not in {None, words["currency"]}:
            raise Refused(f"The account in {path} is kept in {words['currency']}.", "Give that currency or another file.")
        self.account, self.currency = words["account"], words["currency"]

    def _load(self) -> None:
        self.orders = {row[0]: _order(row) for row in self._db.execute("SELECT * FROM placed ORDER BY perm_id")}
        self.fills: dict[int, list[Fill]] = {}
        for row in self._db.execute("SELECT * FROM fill ORDER BY rowid"):
            self.fills.setdefault(row[1], []).append(_fill(row))
        self.positions = {
            symbol: Position(Decimal(quantity), Decimal(average))
            for symbol, quantity, average in self._db.execute("SELECT symbol, quantity, average FROM position")
        }
        self.money = {currency: Decimal(amount) for currency, amount in self._db.execute("SELECT currency, amount FROM money")}
        self._next_perm_id = max(self.orders, default=FIRST_PERM_ID - 1) + 1
        self.highest_id: dict[int, int] = {}
        for order in self.orders.values():
            self.highest_id[order.client_id] = max(self.highest_id.get(order.client_id, 0), order.order_id)


def _order(row: tuple) -> Order:
    perm_id, client_id, order_id, ref, symbol, action, quantity, kind, limit, tif, algo, status, at, done_at, note = row
    strategy, parameters = json.loads(algo)
    return Order(
        *(perm_id, client_id, order_id, ref, symbol, action, Decimal(quantity), kind, None if limit is None else Decimal(limit)),
        *(tif, (strategy, tuple((tag, value) for tag, value in parameters)), status, datetime.fromisoformat(at)),
        done_at=datetime.fromisoformat(done_at) if done_at else None,
        note=note,
    )


def _fill(row: tuple) -> Fill:
    exec_id, perm_id, shares, price, commission, realized, at = row
    money = (Decimal(shares), Decimal(price), Decimal(commission), Decimal(realized))
    return Fill(exec_id, perm_id, *money, datetime.fromisoformat(at))
