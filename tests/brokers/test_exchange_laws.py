"""Money has laws: whatever is dealt and corrected, cash and positions are what the executions add up to, to the cent."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as some

from brokers.simulator.exchange import Exchange
from brokers.simulator.requests import ContractRequest, OrderRequest
from brokers.simulator.store import Store

CASH = Decimal("1000000.00")
DEALS = some.lists(
    some.tuples(
        some.sampled_from(["BUY", "SELL"]),
        some.sampled_from(["AAPL", "SPY", "PENNY"]),
        some.integers(1, 500),
        some.integers(1, 3),  # slices
        some.booleans(),  # corrected
    ),
    max_size=8,
)


def wish(number: int, action: str, symbol: str, quantity: int) -> OrderRequest:
    contract = ContractRequest(0, symbol, "STK", "SMART", "", "USD")
    words = ("", f"r{number}#1", True, False, "", (), False)
    return OrderRequest(number, contract, action, Decimal(quantity), "MKT", None, "DAY", *words)


def deal(exchange: Exchange, deals: list) -> None:
    for number, (action, symbol, quantity, slices, corrected) in enumerate(deals, start=1):
        order = exchange.store.accept(exchange.draft(wish(number, action, symbol, quantity), 1))
        price = exchange.price_for(order)
        pieces = [quantity // slices] * (slices - 1) if quantity >= slices else []
        for shares in (*pieces, quantity - sum(pieces)):
            fill, order = exchange.fill(order, Decimal(shares), price)
            if corrected:
                exchange.correct(fill)
        assert order.status == "Filled"


@settings(max_examples=25, deadline=None)
@given(deals=DEALS)
def test_cash_and_positions_are_the_sum_of_the_executions(market, deals):
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home) / "s.sqlite", "DU1", CASH, "USD")
        exchange = Exchange(market, store)
        deal(exchange, deals)
        cash, held = CASH, {}
        for perm_id, order in store.orders.items():
            for fill in {fill.base: fill for fill in store.fills[perm_id]}.values():
                signed = fill.shares if order.action == "BUY" else -fill.shares
                held[order.symbol] = held.get(order.symbol, Decimal(0)) + signed
                cash -= signed * fill.price + fill.commission
        assert store.cash == cash == cash.quantize(Decimal("0.01"))
        assert {s: p.quantity for s, p in store.positions.items()} == held
        before = (store.cash, dict(store.positions), dict(store.orders), dict(store.fills))
        store.close()
        again = Store(Path(home) / "s.sqlite", "DU1", Decimal(1), "USD")
        assert (again.cash, again.positions, again.orders, again.fills) == before
        again.close()
