"""Orders and fills: what the simulated broker decides. Deterministic; Decimals throughout; no sockets, no tasks."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from zoneinfo import ZoneInfo

from brokers.simulator.market import CASH, Listing, SimulatedMarket
from brokers.simulator.requests import OrderRequest
from brokers.simulator.store import Fill, Order, Position, Store
from brokers.simulator.valuation import Valuation, paid
from portfolio.types import multiplier

ZONE = ZoneInfo("America/New_York")
EVENING, END = clock(17, 15), clock(17, 0)  # between which currencies are dealt, over midnight

KINDS = ("MKT", "LMT", "MOC")


@dataclass(frozen=True, slots=True)
class No:
    """Why an order is not taken: IB's code and a sentence."""

    code: int
    sentence: str


class Exchange(Valuation):
    """One account on one market."""

    def __init__(self, market: SimulatedMarket, store: Store, margin_rate: Decimal = Decimal("0.5")) -> None:
        super().__init__(market, store, margin_rate)
        self._started = time.monotonic()

    def now(self) -> datetime:
        return self.market.now + timedelta(seconds=time.monotonic() - self._started)

    def hours(self, listing: Listing) -> tuple[datetime, datetime]:
        """From when to when it is dealt: currencies from 17:15 of the evening before to 17:00 in New York."""
        if listing.kind != CASH:
            return self.market.session_open, self.market.session_close
        day = self.market.session_open.astimezone(ZONE).date()
        first, last = day - timedelta(days=1), day
        return datetime.combine(first, EVENING, ZONE).astimezone(UTC), datetime.combine(last, END, ZONE).astimezone(UTC)

    def in_session(self, listing: Listing) -> bool:
        first, last = self.hours(listing)
        return first <= self.now() < last

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
        if found.kind == CASH and wish.kind == "MOC":
            return No(387, "Unsupported order type for this exchange and security type.")
        if wish.algo not in {"", "Adaptive"} or (wish.algo and (wish.kind == "MOC" or found.kind == CASH)):
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
        if self.market.quote(listing) is None or not all(self.rate(c) for c, _ in paid(listing, Decimal(1), Decimal(1))):
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
        charged = sum((fill.commission for fill in self._latest(order.perm_id)), Decimal(0))
        listing = self.listing(order.symbol)
        fee = max(self.fee(listing, after, (before * average + shares * price) / after) - charged, Decimal(0))
        apart = self.fee_currency(listing) != listing.currency  # such a fee is no part of what the position cost
        position, realized = self._moved(order.symbol, order.sign * shares, price, Decimal(0) if apart else fee)
        fill = Fill(f"{order.perm_id:08x}.{count + 1:08x}.01.01", order.perm_id, shares, price, fee, realized, self.now())
        done = after >= order.quantity
        now = replace(order, status="Filled", done_at=self.now()) if done else replace(order, status="Submitted")
        self.store.book(fill, now, order.symbol, position, self._money(listing, order.sign * shares, price, fee))
        return fill, now

    def correct(self, fill: Fill) -> Fill:
        """The same fill at one tick worse, as IB corrects: the id differs only after its last dot."""
        order = self.store.orders[fill.perm_id]
        listing = self.listing(order.symbol)
        worse = listing.min_tick * order.sign
        number = int(fill.exec_id.rpartition(".")[2]) + 1
        corrected = replace(fill, exec_id=f"{fill.base}.{number:02d}", price=fill.price + worse, at=self.now())
        held = self.store.positions[order.symbol]
        moved = worse * fill.shares * order.sign
        average = held.average + moved / held.quantity if held.quantity else held.average
        dearer = -order.sign * fill.shares * worse * multiplier(order.symbol)
        money = {listing.currency: self.store.money.get(listing.currency, Decimal(0)) + dearer}
        self.store.book(corrected, order, order.symbol, Position(held.quantity, average), money)
        return corrected

    def finish(self, order: Order, note: str) -> Order:
        """Cancel or expire what is left of an order."""
        done = replace(order, status="Cancelled", done_at=self.now(), note=note)
        self.store.change(done)
        return done

    # ------------------------------------------------------------ inside
    def _found(self, wish: OrderRequest) -> Listing | None:
        return self.found(wish.contract)

    def _money(self, listing: Listing, signed: Decimal, price: Decimal, fee: Decimal) -> dict[str, Decimal]:
        """What there is, after a trade, of the currencies that it moves."""
        after: dict[str, Decimal] = {}
        for currency, amount in (*paid(listing, signed, price), (self.fee_currency(listing), -fee)):
            after[currency] = after.get(currency, self.store.money.get(currency, Decimal(0))) + amount
        return after

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
