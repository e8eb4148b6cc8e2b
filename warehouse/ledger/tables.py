"""The ledger's tables. Money and quantities are exact decimals kept as text; instants are UTC text that sorts as time does."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from portfolio.errors import Broken
from warehouse.journal import stamp


class Exact(TypeDecorator[Decimal]):
    """A finite decimal as text, no rounding ever."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Decimal) or not value.is_finite():
            raise Broken(f"{value!r} is not an exact amount.", "Pass a finite Decimal.")
        return str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Instant(TypeDecorator[datetime]):
    """An aware instant as `2026-11-22T17:14:30.556566Z`."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else stamp(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


METADATA = MetaData()

JOURNAL = Table(
    "journal",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(27), nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),  # canonical JSON
    Column("hash", String(64), nullable=False, unique=True),
)

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("decision", Text, primary_key=True),
    Column("portfolio", Text, nullable=False),
    Column("session", Date, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("snapshot", Integer, nullable=False),
    Column("policy_hash", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("document", Text, nullable=False),  # canonical JSON
    Column("at", Instant, nullable=False),
    Index("decisions_by_portfolio", "portfolio", "session"),
)

PLANS = Table(
    "plans",
    METADATA,
    Column("plan", Text, primary_key=True),
    Column("decision", Text, nullable=False),
    Column("portfolio", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("session", Date, nullable=False),
    Column("funding", Boolean, nullable=False),
    Column("parent", Text),
    Column("lines", Text, nullable=False),  # canonical JSON
    Column("status", Text, nullable=False),  # open | done | partly | refused | expired
    Column("finished_at", Instant),
    Column("number", Integer, nullable=False, unique=True),  # order of recording
)

ORDERS = Table(
    "orders",
    METADATA,
    Column("ref", String(16), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("plan", Text, nullable=False, index=True),
    Column("account", Text, nullable=False, index=True),
    Column("instrument", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", Exact, nullable=False),
    Column("price", Exact, nullable=False),
    Column("currency", Text, nullable=False),
    Column("session", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("order_id", Integer),
    Column("client_id", Integer),
    Column("perm_id", BigInteger),
    Column("sent_at", Instant),
    Column("note", Text, nullable=False),
)

# Append-only: what was asked of, and seen of, each order. `applied` is false where a late word did not move the state.
ORDER_EVENTS = Table(
    "order_events",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("ref", String(16), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("applied", Boolean, nullable=False),
    Column("account", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("order_id", Integer),  # of a SENDING event only
    Column("client_id", Integer),
    Column("perm_id", BigInteger),
    Column("note", Text, nullable=False),
    UniqueConstraint("account", "client_id", "order_id", name="one_order_an_id"),
    UniqueConstraint("ref", "attempt", "order_id", name="one_id_an_attempt"),
)

EXECUTIONS = Table(
    "executions",
    METADATA,
    Column("exec_id", Text, primary_key=True),
    Column("fill", Text, nullable=False, index=True),  # the execution id without its correction number
    Column("revision", Integer, nullable=False),
    Column("counts", Boolean, nullable=False),  # false once a correction stands for it
    Column("order_ref", Text, nullable=False),
    Column("ref", Text, nullable=False, index=True),
    Column("perm_id", BigInteger, nullable=False),
    Column("account", Text, nullable=False, index=True),
    Column("symbol", Text, nullable=False),
    Column("quantity", Exact, nullable=False),
    Column("price", Exact, nullable=False),
    Column("commission", Exact),
    Column("commission_currency", Text, nullable=False, server_default=""),  # "": as `currency`
    Column("currency", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("booked_at", Instant, nullable=False),
)

OPENINGS = Table(
    "openings",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("positions", Text, nullable=False),  # canonical JSON: symbol -> decimal
    Column("cash", Exact, nullable=False),
    Column("currency", Text, nullable=False),
    Column("foreign_cash", Text, nullable=False, server_default="{}"),  # canonical JSON: currency -> decimal
    Column("at", Instant, nullable=False),
)

ADJUSTMENTS = Table(
    "adjustments",
    METADATA,
    Column("adjustment", String(64), primary_key=True),  # sha256 of its content: the same one twice is once
    Column("account", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("symbol", Text),
    Column("quantity", Exact, nullable=False),
    Column("cash", Exact, nullable=False),
    Column("currency", Text, nullable=False, server_default=""),  # of `cash`; "": that of the opening balances
    Column("at", Instant, nullable=False),
    Column("note", Text, nullable=False),
)

STATES = Table(
    "trading_states",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

# Each time that a person brought a REDUCING or HALTED account back; session: the newest on record then.
RESUMES = Table(
    "resumes",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False, index=True),
    Column("session", Date),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

EPOCHS = Table(
    "epochs",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("holder", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

EQUITY = Table(
    "equity",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("portfolio", Text, primary_key=True),
    Column("session", Date, primary_key=True),
    Column("equity", Exact, nullable=False),
    Column("cash", Exact, nullable=False),
    Column("foreign_cash", Text, nullable=False, server_default="{}"),  # canonical JSON: currency -> decimal
    Column("weights", Text, nullable=False),  # canonical JSON: symbol -> fraction of equity
    Column("at", Instant, nullable=False),
)

VALIDATIONS = Table(
    "validations",
    METADATA,
    Column("run", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("law", Text, primary_key=True),
    Column("result", Text, nullable=False),  # canonical JSON of the LawResult
    Column("snapshot", Integer, nullable=False),
    Column("at", Instant, nullable=False),
)

RECONCILES = Table(
    "reconciles",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False, index=True),
    Column("clean", Boolean, nullable=False),
    Column("differences", Text, nullable=False),  # canonical JSON
    Column("at", Instant, nullable=False),
)
