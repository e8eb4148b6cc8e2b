"""Orders, fills, money: what the simulated broker decides. Deterministic; Decimals throughout; no sockets, no tasks.

Commissions are IB's fixed schedule for US stocks: 0.005 a share, at least 1.00, at most 1 % of the value.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from brokers.simulator.market import Listing, SimulatedMarket
from brokers.simulator.requests import OrderRequest
from brokers.simulator.store import Fill, Order, Position, Store

CENT = Decimal("0.01")
KINDS = ("MKT", "LMT", "MOC")


def commission(shares: Decimal, price: Decimal) -> Decimal:
    """What one order pays, to the cent.

    >>> commission(Decimal(100), Decimal(50)), commission(Decimal(1000), Decimal(50)), commission(Decimal(1), Decimal(20))
    (Decimal('1.00'), Decimal('5.00'), Decimal('0.20'))
    """
    wanted = max(shares * Decimal("0.005"), Decimal(1))
    return min(wanted, shares * price / 100).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class No:
    """Why an order is not taken: IB's code and a sentence."""

    code: int
    sentence: str


class Exchange:
    """One account on one market. `margin_rate` is the share of gross value that must be covered by equity."""

    def __init__(self, market: SimulatedMarket, store: Store, margin_rate: Decimal = Decimal("0.5")) -> None:
        self.market, self.store, self.margin_rate = market, store, margin_rate
        self._started = time.monotonic()
        self._listings = {listing.symbol: listing for listing in market.listings}

    def now(self) -> datetime:
        return self.market.now + timedelta(seconds=time.monotonic() - self._started)

    def in_session(self) -> bool:
        return self.market.session_open <= self.now() < self.market.session_close

    def listing(self, symbol: str) -> Listing:
        """The listing of a symbol; one that has left the market since is described by its name alone."""
        return self._listings.get(symbol) or Listing(symbol, currency=self.store.currency)

    # ------------------------------------------------------------ taking orders
    def objection(self, wish: OrderRequest, client_id: int) -> No | None:
        """The first reason not to take the order, or None."""
        store = self.store
        if any(o.client_id == client_id and o.order_id == wish.order_id and o.open for o in store.orders.values()):
            return No(105, "Order being modified does not match original order.")
        if not wish.what_if and wish.order_id <= store.highest_id.get(client_id, 0):
            return No(103, "Duplicate order id")
        return self._bad_terms(wish) or self._unaffordable(wish)

    def _bad_terms(self, wish: OrderRequest) -> No | None:
        found = self._found(wish)
        if found is None:
            return No(200, "No security definition has been found for the request")
        if wish.account not in {"", self.store.account}:
            return No(321, "Error validating request.-'bW' : cause - Invalid account code")
        if wish.kind not in KINDS or wish.action not in {"BUY", "SELL"}:
            return No(321, "Error validating request.-'bW' : cause - Invalid order type or action")
        if wish.kind == "MOC" and wish.tif not in {"", "DAY"}:
            return No(113, "The time-in-force is not valid for this order type")
        if wish.algo not in {"", "Adaptive"} or (wish.algo and wish.kind == "MOC"):
            return No(442, "The algo is not valid for this order")
        return self._bad_size(wish, found) or self._bad_price(wish, found)

    def _bad_size(self, wish: OrderRequest, listing: Listing) -> No | None:
        if wish.quantity is None or not wish.quantity.is_finite() or wish.quantity <= 0:
            return No(434, "The order size cannot be zero.")
        if wish.quantity % listing.size_increment:
            return No(10243, "Fractional-sized order cannot be placed via API. Please refer to our website for more details.")
        return None

    def _bad_price(self, wish: OrderRequest, listing: Listing) -> No | None:
        if wish.kind != "LMT":
            return None
        if wish.limit is None or not wish.limit.is_finite() or wish.limit <= 0:
            return No(321, "Error validating request.-'bW' : cause - The limit price is missing")
        if wish.limit % listing.min_tick:
            return No(110, "The price does not conform to the minimum price variation for this contract.")
        return None

    def _unaffordable(self, wish: OrderRequest) -> No | None:
        listing = self._found(wish)
        assert listing is not None and wish.quantity is not None
        if self.market.quote(listing) is None:
            return No(201, "Order rejected - reason:No market price is available for this contract.")
        margin, equity = self.margin_after(listing, self._signed(wish))
        if margin > max(self.margin(), equity):
            return No(
                201,
                "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR "
                "EQUITY WITH LOAN VALUE MUST EXCEED THE INITIAL MARGIN.",
            )
        return None

    def draft(self, wish: OrderRequest, client_id: int, status: str = "PreSubmitted") -> Order:
        """The order as it would be taken: permanent id 0."""
        listing = self._found(wish)
        assert listing is not None and wish.quantity is not None
        limit = wish.limit if wish.kind == "LMT" else None
        return Order(
            *(0, client_id, wish.order_id, wish.ref, listing.symbol, wish.action, wish.quantity, wish.kind, limit),
            *(wish.tif or "DAY", (wish.algo, wish.algo_parameters), status, self.now()),
        )

    def reject(self, wish: OrderRequest, client_id: int, why: No) -> Order:
        """Take the order's id and write it down as refused by the exchange."""
        draft = replace(self.draft(wish, client_id, "Inactive"), done_at=self.now(), note=f"Rejected: {why.sentence}")
        return self.store.accept(draft)

    # ------------------------------------------------------------ filling
    def filled(self, perm_id: int, until: Fill | None = None) -> tuple[Decimal, Decimal, Decimal]:
        """Shares filled (up to a fill), their average price and the last price; the last correction of a fill counts."""
        fills = self.store.fills.get(perm_id, [])
        latest = {fill.base: fill for fill in fills[: fills.index(until) + 1 if until else None]}
        shares = sum((fill.shares for fill in latest.values()), Decimal(0))
        if not shares:
            return Decimal(0), Decimal(0), Decimal(0)
        paid = sum((fill.shares * fill.price for fill in latest.values()), Decimal(0))
        return shares, paid / shares, list(latest.values())[-1].price

    def volume(self, symbol: str) -> Decimal:
        """Shares of a symbol dealt here since the session opened."""
        mine = (order.perm_id for order in self.store.orders.values() if order.symbol == symbol)
        dealt = (fill for perm_id in mine for fill in self._latest(perm_id) if fill.at >= self.market.session_open)
        return sum((fill.shares for fill in dealt), Decimal(0))

    def price_for(self, order: Order) -> Decimal | None:
        """The price this order deals at now, or None where it must wait."""
        quote = self.market.quote(self.listing(order.symbol))
        if quote is None:
            return None
        if order.kind == "MOC":
            return quote.last
        price = quote.ask if order.action == "BUY" else quote.bid
        reached = order.limit is None or (price - order.limit) * order.sign <= 0
        return price if reached else None

    def fill(self, order: Order, shares: Decimal, price: Decimal) -> tuple[Fill, Order]:
        """Deal `shares` at `price`, durably. The commission is that of the whole order, each slice adding what it adds."""
        before, average, _ = self.filled(order.perm_id)
        count = len({fill.base for fill in self.store.fills.get(order.perm_id, ())})
        after = before + shares
        paid = sum((fill.commission for fill in self._latest(order.perm_id)), Decimal(0))
        fee = max(commission(after, (before * average + shares * price) / after) - paid, Decimal(0))
        position, realized = self._moved(order.symbol, order.sign * shares, price, fee)
        fill = Fill(f"{order.perm_id:08x}.{count + 1:08x}.01.01", order.perm_id, shares, price, fee, realized, self.now())
        done = after >= order.quantity
        now = replace(order, status="Filled", done_at=self.now()) if done else replace(order, status="Submitted")
        self.store.book(fill, now, order.symbol, position, self.store.cash - order.sign * shares * price - fee)
        return fill, now

    def correct(self, fill: Fill) -> Fill:
        """The same fill at one tick worse, as IB corrects: the id differs only after its last dot."""
        order = self.store.orders[fill.perm_id]
        worse = self.listing(order.symbol).min_tick * order.sign
        number = int(fill.exec_id.rpartition(".")[2]) + 1
        corrected = replace(fill, exec_id=f"{fill.base}.{number:02d}", price=fill.price + worse, at=self.now())
        held = self.store.positions[order.symbol]
        moved = worse * fill.shares * order.sign
        average = held.average + moved / held.quantity if held.quantity else held.average
        cash = self.store.cash - order.sign * fill.shares * worse
        self.store.book(corrected, order, order.symbol, Position(held.quantity, average), cash)
        return corrected

    def finish(self, order: Order, note: str) -> Order:
        """Cancel or expire what is left of an order."""
        done = replace(order, status="Cancelled", done_at=self.now(), note=note)
        self.store.change(done)
        return done

    # ------------------------------------------------------------ money
    def equity(self) -> Decimal:
        return self.store.cash + sum((p.quantity * self.price(s) for s, p in self.store.positions.items()), Decimal(0))

    def gross(self) -> Decimal:
        return sum((abs(p.quantity) * self.price(s) for s, p in self.store.positions.items()), Decimal(0))

    def margin(self) -> Decimal:
        return (self.gross() * self.margin_rate).quantize(CENT)

    def price(self, symbol: str) -> Decimal:
        """The last price; the average cost of what has none any more."""
        quote = self.market.quote(self.listing(symbol))
        return quote.last if quote else self.store.positions.get(symbol, Position()).average

    def margin_after(self, listing: Listing, signed: Decimal) -> tuple[Decimal, Decimal]:
        """Initial margin and equity with loan value after a trade and all open orders."""
        pending = {symbol: position.quantity for symbol, position in self.store.positions.items()}
        for order in self.store.orders.values():
            if order.open:
                left = order.quantity - self.filled(order.perm_id)[0]
                pending[order.symbol] = pending.get(order.symbol, Decimal(0)) + order.sign * left
        pending[listing.symbol] = pending.get(listing.symbol, Decimal(0)) + signed
        gross = sum((abs(quantity) * self.price(symbol) for symbol, quantity in pending.items()), Decimal(0))
        return (gross * self.margin_rate).quantize(CENT), self.equity()

    # ------------------------------------------------------------ inside
    def _found(self, wish: OrderRequest) -> Listing | None:
        return self.market.find(wish.contract.con_id, wish.contract.symbol, wish.contract.currency)

    def _signed(self, wish: OrderRequest) -> Decimal:
        assert wish.quantity is not None
        return wish.quantity if wish.action == "BUY" else -wish.quantity

    def _latest(self, perm_id: int) -> list[Fill]:
        return list({fill.base: fill for fill in self.store.fills.get(perm_id, ())}.values())

    def _moved(self, symbol: str, signed: Decimal, price: Decimal, fee: Decimal) -> tuple[Position, Decimal]:
        """The position after a trade, and the gain realized by what it closed."""
        held = self.store.positions.get(symbol, Position())
        after = held.quantity + signed
        if held.quantity * signed >= 0:  # opening or adding
            cost = held.quantity * held.average + signed * price + fee
            return Position(after, cost / after if after else Decimal(0)), Decimal(0)
        closed = min(abs(signed), abs(held.quantity))
        sign = 1 if held.quantity > 0 else -1
        realized = sign * closed * (price - held.average) - fee
        average = held.average if after * held.quantity > 0 else (price if after else Decimal(0))
        return Position(after, average), realized
