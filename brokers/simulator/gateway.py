"""The gateway: sessions on one side, the exchange on the other, and who hears what."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from brokers.simulator import account as money
from brokers.simulator import answers, messages
from brokers.simulator.exchange import Exchange
from brokers.simulator.faults import Faults
from brokers.simulator.life import Floor
from brokers.simulator.market import SimulatedMarket
from brokers.simulator.session import NOTICES, Session
from brokers.simulator.store import Fill, Order, Store
from brokers.simulator.wire import Fields
from portfolio.errors import Outage, WrongUse
from portfolio.types import CURRENCIES

Answer = Callable[["Gateway", Session, Fields], None]
CONNECTIVITY = {
    1100: "Connectivity between IBKR and Trader Workstation has been lost.",
    1101: "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
    1102: "Connectivity between IBKR and Trader Workstation has been restored - data maintained.",
}
# message id -> (the name Faults.unanswered knows it by, the answer)
TABLE: dict[int, tuple[str, Answer]] = {
    1: ("market_data", answers.market_data),
    2: ("", answers.cancel_market_data),
    3: ("", answers.place_order),
    4: ("cancel_order", answers.cancel_order),
    5: ("open_orders", answers.own_open_orders),
    6: ("account_updates", money.account_updates),
    7: ("executions", answers.executions),
    8: ("", answers.next_id),
    9: ("contract_details", answers.contract_details),
    15: ("", answers.auto_open_orders),
    16: ("open_orders", answers.all_open_orders),
    17: ("", answers.managed_accounts),
    20: ("historical_data", answers.historical_bars),
    49: ("current_time", answers.current_time),
    58: ("", answers.cancel_all),
    59: ("", answers.market_data_type),
    61: ("positions", money.positions),
    62: ("account_summary", money.account_summary),
    63: ("", money.cancel_summary),
    64: ("", money.cancel_positions),
    74: ("positions", money.positions_multi),
    76: ("account_updates_multi", money.account_updates_multi),
    79: ("", answers.empty_list(77, echo=True)),
    80: ("", answers.family_codes),
    81: ("", answers.matching_symbols),
    82: ("", answers.empty_list(80, echo=False)),
    83: ("", answers.empty_list(82, echo=True)),
    85: ("", answers.empty_list(85, echo=False)),
    91: ("", answers.market_rule),
    92: ("", money.profit),
    99: ("completed_orders", answers.completed_orders),
    104: ("", answers.user_info),
} | dict.fromkeys((14, 25, 75, 77, 93, 95), ("", answers.nothing))


class Gateway:
    """One exchange and its clients. It is also the `Post` that carries news of orders to them."""

    def __init__(self, exchange: Exchange, faults: Faults) -> None:
        self.exchange, self.faults = exchange, faults
        self.floor = Floor(exchange, faults, self)
        self._sessions: dict[int, Session] = {}
        self._open: dict[Session, asyncio.Task[None]] = {}

    # ------------------------------------------------------------ clients
    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client from its first byte to its last."""
        session = Session(reader, writer, self.faults.messages_per_second)
        task = asyncio.current_task()
        assert task is not None
        self._open[session] = task
        try:
            if await self._enter(session):
                await session.listen(lambda kind, fields: self._answer(session, kind, fields))
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, TimeoutError):
            pass  # a client that leaves in the middle of a word
        finally:
            del self._open[session]
            if self._sessions.get(session.client_id) is session:
                del self._sessions[session.client_id]
            await session.close()

    async def _enter(self, session: Session) -> bool:
        async with asyncio.timeout(10):
            known = await session.shake_hands(self.faults.server_version, messages.stamp(self.exchange.now()))
        if not known:
            return False
        if session.client_id in self._sessions:
            session.error(-1, 326, "Unable to connect as the client id is already in use. Retry with a unique client id.")
            return False
        self._sessions[session.client_id] = session
        answers.managed_accounts(self, session, Fields(b""))
        answers.next_id(self, session, Fields(b""))
        for code, sentence in NOTICES:
            session.error(-1, code, sentence)
        for seconds, code in self.faults.notices:
            asyncio.get_running_loop().call_later(seconds, self._connectivity, session, code)
        return True

    async def _answer(self, session: Session, kind: int, fields: Fields) -> None:
        name, answer = TABLE.get(kind, ("", None))
        if answer is None:
            session.error(-1, 321, f"Error validating request.-'bW' : cause - Message {kind} is not spoken here")
        elif name not in self.faults.unanswered:
            answer(self, session, fields)

    def _connectivity(self, session: Session, code: int) -> None:
        session.down = code == 1100
        session.error(-1, code, CONNECTIVITY[code])

    async def stop(self) -> None:
        await self.floor.stop()
        leaving = dict(self._open)
        await asyncio.gather(*(session.close() for session in leaving))
        await asyncio.gather(*leaving.values(), return_exceptions=True)

    # ------------------------------------------------------------ news
    def order(self, order: Order) -> None:
        lost = self.faults.lost_updates or (self.faults.lost_filled and order.status == "Filled")
        for session in self._hearers(order.client_id) if not lost else ():
            session.send(*self.order_frames(session, order) * (1 + self.faults.duplicate_statuses))

    def fill(self, fill: Fill) -> None:
        order = self.exchange.store.orders[fill.perm_id]
        for session in self._hearers(order.client_id) if not self.faults.lost_updates else ():
            session.send(self._execution(session, fill, -1))
        for session in self._sessions.values():
            if session.wants_positions and not session.down:
                session.send(*money.position_frames(self, order.symbol))
            if session.wants_account and not session.down:
                session.send(*money.portfolio_frames(self, order.symbol))

    def commission(self, fill: Fill) -> None:
        order = self.exchange.store.orders[fill.perm_id]
        for session in self._hearers(order.client_id) if not self.faults.lost_updates else ():
            session.send(self._commission(fill))

    def error(self, client_id: int, request: int, code: int, sentence: str) -> None:
        for session in self._hearers(client_id):
            session.error(request if session.client_id == client_id else -1, code, sentence)

    def cut(self, client_id: int) -> None:
        session = self._sessions.pop(client_id, None)
        if session:
            session.cut()

    def _hearers(self, client_id: int) -> list[Session]:
        """The client whose order it is, and client 0, unless they are cut off from the broker."""
        return [s for key, s in self._sessions.items() if key in {client_id, 0} and not s.down]

    def order_frames(self, session: Session, order: Order) -> list[bytes]:
        exchange = self.exchange
        filled, average, last = exchange.filled(order.perm_id)
        opened = messages.open_order(session.version, order, exchange.listing(order.symbol), exchange.store.account)
        return [opened, messages.order_status(order, filled, average, last)]

    def fill_frames(self, session: Session, fill: Fill, request: int) -> list[bytes]:
        frames = [self._execution(session, fill, request)]
        if self.floor.reported(fill):
            frames.append(self._commission(fill))
        return frames

    def _commission(self, fill: Fill) -> bytes:
        listing = self.exchange.listing(self.exchange.store.orders[fill.perm_id].symbol)
        return messages.commission(fill, self.exchange.fee_currency(listing))

    def _execution(self, session: Session, fill: Fill, request: int) -> bytes:
        order = self.exchange.store.orders[fill.perm_id]
        filled, average, _ = self.exchange.filled(fill.perm_id, fill)
        listing = self.exchange.listing(order.symbol)
        return messages.execution(session.version, request, fill, order, listing, self.exchange.store.account, (filled, average))


async def serve(  # noqa: PLR0913  (each is a word of the gateway's command line)
    market: SimulatedMarket,
    state_path: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    account: str = "DU1000001",
    cash: Decimal = Decimal("1000000"),
    currency: str | None = None,
    deposit: Decimal = Decimal(0),
    faults: Faults | None = None,
    on_ready: Callable[[int], None] = lambda port: None,
    until: asyncio.Event | None = None,
) -> None:
    """Serve clients until `until` is set (for ever without it), or the task is cancelled.

    `state_path` is made on the first start with `account` and `cash`; later starts go on where the last one ended,
    however it ended. `deposit` is paid in (below zero: taken out) at this start. Refused where another gateway uses it;
    Outage where the port is taken.
    """
    faults = faults or Faults()
    if currency not in {None, *CURRENCIES}:
        raise WrongUse(f"An account cannot be kept in {currency}.", f"Give one of: {', '.join(CURRENCIES)}.")
    Path(state_path).parent.mkdir(parents=True, exist_ok=True)
    store = Store(Path(state_path), account, cash, currency)
    if deposit:
        store.pay(deposit)
    gateway = Gateway(Exchange(market, store, Decimal(str(faults.margin_rate))), faults)
    with contextlib.closing(store):
        try:
            server = await asyncio.start_server(gateway.welcome, host, port, backlog=64)
        except OSError as error:
            raise Outage(f"The gateway cannot listen on {host}:{port}: {error.strerror}.", "Give another port.") from error
        try:
            gateway.floor.resume()
            on_ready(server.sockets[0].getsockname()[1])
            await (until or asyncio.Event()).wait()
        finally:
            server.close()
            await gateway.stop()
