"""What the gate sees, for its tests: a sound view and a sound order, changed field by field."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolio.orders import GateView, admit
from portfolio.policy.gates import PROFILES
from portfolio.types import Action, Contract, Intent, OrderState, Plan, PlanLine, Quote, Side, TradingState

D = Decimal
NOW = datetime(2022, 12, 28, 16, 0, tzinfo=UTC)
RULES = {
    "trading_state", "allowed_symbol", "session_open", "fresh_quote", "price_distance", "order_value", "no_short",
    "minimum_cash", "daily_notional", "orders_a_symbol", "duplicate", "unknown_order", "volume_share", "fresh_rate",
    "margin_cushion",
}  # fmt: skip
SELL, PAIR = Side.SELL, "EUR.USD"
BOTH = pytest.mark.parametrize("profile", list(PROFILES))
OPEN, CLOSE = datetime(2022, 12, 28, 14, 30, tzinfo=UTC), datetime(2022, 12, 28, 21, 0, tzinfo=UTC)


def line(quantity="10", side=Side.BUY, price="100", symbol="AAPL", currency="USD", ref="a" * 16) -> PlanLine:
    return PlanLine(ref, f"US:{symbol}", symbol, side, D(quantity), D(price), currency, "why")


def plan(*lines: PlanLine) -> Plan:
    return Plan("p" * 16, "d" * 16, "core", "DU1", date(2022, 12, 28), tuple(lines), False)


def contract(**changes) -> Contract:
    return replace(Contract("AAPL", 265598, "USD", "SMART", D("0.01"), D(1), OPEN, CLOSE), **changes)


def seen(bid="99.99", ask="100.01", last=None, age: float = 1.0, currency="USD") -> Quote:
    prices = [None if p is None else D(p) for p in (bid, ask, last)]
    return Quote("AAPL", *prices, currency, NOW - timedelta(seconds=age))


def view(profile: str = "strict", knobs: dict | None = None, **changes) -> GateView:
    sound = GateView(
        policy=replace(PROFILES[profile], **(knobs or {})),
        base_currency="USD",
        unknown="warn",
        now=NOW,
        nav=D(100_000),
        cash=D(50_000),
        state=TradingState.ACTIVE,
        positions={"AAPL": D(100)},
        quotes={"AAPL": seen()},
        contracts={"AAPL": contract()},
        volumes={"AAPL": 1_000_000.0},
        sent=(),
        symbols=frozenset({"AAPL"}),
        funding=False,
    )
    return replace(sound, **changes)


def intent(ref="b" * 16, side=Side.BUY, quantity="10", price="100", state=OrderState.FILLED, minutes=60.0, **more) -> Intent:
    symbol = more.pop("symbol", "AAPL")
    body = (ref, "p" * 16, "DU1", f"US:{symbol}", symbol, side, D(quantity), D(price), "USD", date(2022, 12, 28), state)
    return Intent(*body, sent_at=NOW - timedelta(minutes=minutes), **more)


def refusals(order: PlanLine, at: GateView) -> set[str]:
    """The rules that refuse the order."""
    return {v.rule for v in admit(order, at) if v.action is Action.BLOCK}


# ---------------------------------------------------------------- an account in euros
def quotes(**more) -> dict[str, Quote]:
    pair = Quote(PAIR, D("1.24995"), D("1.25005"), None, "USD", NOW)
    return {"AAPL": seen(), PAIR: pair, **more}


def euros(knobs=None, **changes):
    """A euro account of 100,000 with AAPL in dollars, a dollar worth 0.80 euro."""
    terms = {
        "base_currency": "EUR",
        "quotes": quotes(),
        "contracts": {"AAPL": contract(), PAIR: replace(contract(symbol=PAIR, con_id=12087792), min_tick=D("0.00005"))},
        "currencies": {"AAPL": "USD"},
        "rates": {"USD": D("0.8")},
        "cash": D(80_000),
        "foreign": {"USD": D(10_000)},
    }
    return view("paper", knobs, **(terms | changes))


def pair(quantity="1000", side=SELL, **more):
    return line(quantity, side, more.pop("price", "1.25"), PAIR, **more)
