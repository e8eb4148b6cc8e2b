"""A small world to trade in: a market, an account that holds something, a plan of sells and buys, and a desk."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from brokers.executor import Job
from brokers.ib.broker import IBBroker
from brokers.reconcile import Desk
from brokers.simulator.market import Listing, SimulatedMarket, pair_listing
from brokers.simulator.store import Position, Store
from portfolio.policy import parse_policy
from portfolio.types import Plan, PlanLine, Side, currency_pair

ACCOUNT, CLIENT = "DU1000001", 7
DAY = date(2024, 3, 14)
NOW = datetime(2024, 3, 14, 18, 30, tzinfo=UTC)
PAIRS = {"EUR.USD": "1.25"}
PRICES = {"AAA": "100.00", "BBB": "50.00", "CCC": "20.00", "DDD": "200.00", "EEE": "10.00", "FFF": "400.00", "GGG": "75.00"}
HELD = {"AAA": 300, "BBB": 400, "CCC": 500}
CASH = Decimal("20000")
WISH = (("SELL", "AAA", 200), ("SELL", "BBB", 100), ("SELL", "CCC", 500))
WISH += (("BUY", "DDD", 100), ("BUY", "EEE", 300), ("BUY", "FFF", 20), ("BUY", "GGG", 70), ("BUY", "BBB", 1))  # type: ignore[assignment]

POLICY = """
[portfolio]
name = "core"
objective = "allocation"
base_currency = "USD"
[universe]
symbols = ["AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG"]
[strategy]
kind = "fixed"
weights = { AAA = 0.5, BBB = 0.4 }
[rebalance]
when = "drift"
[risk]
max_weight = 1.0
cash_reserve = 0.0
unknown = "warn"
[gate]
profile = "paper"
GATE
[execution]
mode = "paper"
approval = "automatic"
order_type = "ORDER_TYPE"
"""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


EUROS = POLICY.replace('base_currency = "USD"', 'base_currency = "EUR"').replace("[universe]", '[universe]\ncurrency = "USD"')
# What a euro account does with dollar shares: the money is changed first.
CONVERT = (("SELL", "EUR.USD", 60_000), ("BUY", "DDD", 100), ("BUY", "FFF", 100))
BACK = (("BUY", "EUR.USD", 20_000), ("SELL", "DDD", 100))


def market(now: datetime = NOW, prices: dict[str, str] | None = None) -> SimulatedMarket:
    told = PRICES | PAIRS | (prices or {})
    opens, closes = (now.replace(hour=h, minute=m, second=0) for h, m in ((13, 30), (20, 0)))
    listings = tuple(pair_listing(symbol) if currency_pair(symbol) else Listing(symbol) for symbol in told)
    return SimulatedMarket(now, opens, closes, listings, {s: Decimal(p) for s, p in told.items()}, {})


def open_state(path: Path, cash: Decimal = CASH, held: dict[str, int] | None = None, currency: str = "USD") -> None:
    """A gateway's state file of an account that holds `held`."""
    store = Store(path, ACCOUNT, cash, currency)
    store.close()
    for symbol, quantity in (HELD if held is None else held).items():
        set_position(path, symbol, quantity)


def set_position(path: Path, symbol: str, quantity: int) -> None:
    """What a stranger's hand did while no gateway ran."""
    held = Position(Decimal(quantity), Decimal(PRICES[symbol]))
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM position WHERE symbol = ?", (symbol,))
        db.execute("INSERT INTO position VALUES (?, ?, ?)", (symbol, str(held.quantity), str(held.average)))


def line(side: str, symbol: str, quantity: int, plan: str = "p1", leg: int = 0, price: str | None = None) -> PlanLine:
    ref = f"{abs(hash_of(plan, symbol, side, leg)):016x}"
    money = Decimal(price or (PRICES | PAIRS).get(symbol, "1"))
    return PlanLine(ref, f"US-{symbol}", symbol, Side(side), Decimal(quantity), money, "USD", "to target", leg)


def deposit(path: Path, currency: str, amount: Decimal) -> None:
    """Money that came in while no gateway ran."""
    with sqlite3.connect(path) as db:
        held = db.execute("SELECT amount FROM money WHERE currency = ?", (currency,)).fetchone()
        db.execute("INSERT OR REPLACE INTO money VALUES (?, ?)", (currency, str(Decimal(held[0] if held else 0) + amount)))
    db.close()


def hash_of(*words: object) -> int:
    import hashlib

    return int(hashlib.sha256("|".join(map(str, words)).encode()).hexdigest()[:16], 16)


def plan(name: str = "p1", wish: tuple[tuple[str, str, int], ...] = WISH, session: date = DAY, prices: str | None = None) -> Plan:
    lines = tuple(line(side, symbol, quantity, name, price=prices) for side, symbol, quantity in wish)
    return Plan(name, f"d-{name}", "core", ACCOUNT, session, lines, funding=True)


def policy(gate: str = "", order_type: str = "adaptive", text: str = POLICY):
    return parse_policy(text.replace("GATE", gate).replace("ORDER_TYPE", order_type))


def desk(
    ledger,
    port: int,
    quiet: float = 0.4,
    client: int = CLIENT,
    timeout: float = 8.0,
    broker: type = IBBroker,
    currency: str = "USD",
) -> Desk:
    """An account in `currency` whose shares are in dollars."""
    units = dict.fromkeys(PRICES, "USD") if currency != "USD" else {}
    there = broker("127.0.0.1", port, client, ACCOUNT, "paper", timeout=timeout, currency=currency, currencies=units)
    return Desk(ledger, there, SystemClock(), ACCOUNT, currency, client, quiet, units)


def job(where: Desk, what: Plan, settle: float = 8.0, gate: str = "", order_type: str = "adaptive", rules=None) -> Job:
    volumes = dict.fromkeys(PRICES, 1e7)
    known = rules or policy(gate, order_type, POLICY if where.currency == "USD" else EUROS)
    return Job(what, known, where, volumes, lambda *_: None, settle)
