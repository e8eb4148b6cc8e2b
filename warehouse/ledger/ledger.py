"""The one ledger, put together from its parts."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from warehouse.ledger.accounts import Accounts
from warehouse.ledger.backfills import Backfills
from warehouse.ledger.foretold import Foretold
from warehouse.ledger.incidents import Incidents
from warehouse.ledger.memory import Memory
from warehouse.ledger.orders import Orders
from warehouse.ledger.plans import Plans
from warehouse.ledger.records import Records
from warehouse.ledger.states import States
from warehouse.ledger.store import open_engine


class SqlLedger(Plans, Orders, Accounts, States, Foretold, Memory, Records, Incidents, Backfills):
    """`portfolio.ports.Ledger` on SQLite or PostgreSQL. Every method is one committed transaction; threads may share it."""

    @classmethod
    def open(cls, url: str) -> SqlLedger:
        """`Outage` when the server is away or the disk is full, `Refused` when the file is damaged or newer than this code."""
        return cls(open_engine(url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
