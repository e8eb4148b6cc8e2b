"""From what was heard to a `BrokerPicture`: orders, executions, positions and cash in our words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from brokers.ib import states
from brokers.ib.heard import Heard
from brokers.ib.symbols import Symbols
from portfolio.errors import Broken, Outage
from portfolio.types import BrokerOrder, BrokerPicture, Execution, OrderState

Values = Iterable[tuple[str, str, str, str]]  # account, tag, value, currency


def picture(heard: Heard, account: str, symbols: Symbols, values: Values, now: datetime) -> BrokerPicture:
    """All that was heard of the account, and its values, at the broker's `now`."""
    told, held = list(values), positions(heard, account, symbols)
    return BrokerPicture(
        account=account,
        time=now,
        orders=orders(heard, account, symbols),
        executions=executions(heard, account, symbols),
        positions=held,
        cash=cash(told, account),
        unnamed=unnamed(heard, account, symbols),
        strays=strays(held, symbols),
        **worth(told, account),
    )


def orders(heard: Heard, account: str, symbols: Symbols) -> tuple[BrokerOrder, ...]:
    """Open and completed orders of the account, and those of this connection that were refused before they were any."""
    found: dict[int, BrokerOrder] = {}
    for perm_id, (contract, order) in heard.opened.items():
        if order.account == account:
            found[perm_id] = _order(heard, symbols, contract, order, False, "")
    for perm_id, (contract, order, state) in heard.completed.items():
        if order.account == account:
            found[perm_id] = _order(heard, symbols, contract, order, True, state.completedStatus)
    shown = {order.order_ref for order in found.values()}
    return (*found.values(), *(order for order in _refused(heard) if order.order_ref not in shown))


def _order(heard: Heard, symbols: Symbols, contract: Any, order: Any, completed: bool, reason: str) -> BrokerOrder:
    wanted = states.exact(order.totalQuantity or getattr(order, "filledQuantity", 0))
    filled = heard.filled({order.permId})
    said = states.state_of(heard.statuses[order.permId], completed)
    error = heard.errors.get(order.orderId, (0, ""))[1] if order.orderId in heard.tickets else ""
    return BrokerOrder(
        order_ref=order.orderRef,
        perm_id=order.permId,
        symbol=symbols.ours(contract),
        side=states.side_of(order.action),
        quantity=wanted,
        state=_with_fills(said, filled, wanted),
        reason=reason or error,
        filled=filled,
    )


def _with_fills(said: OrderState, filled: Decimal, wanted: Decimal) -> OrderState:
    """Executions overrule a status: a fill may win the race against a cancel, and a status may never come."""
    if filled >= wanted > 0:
        return OrderState.FILLED
    return OrderState.PARTIAL if said is OrderState.ACKED and filled else said


def _refused(heard: Heard) -> Iterable[BrokerOrder]:
    """Orders of this connection that the gateway answered with an error. A code nobody taught us proves nothing."""
    for order_id, ticket in heard.tickets.items():
        code, sentence = heard.errors.get(order_id, (0, ""))
        if code:
            state = OrderState.REJECTED if code in states.DEAD else OrderState.UNKNOWN
            reason = f"{code}: {sentence}"
            yield BrokerOrder(ticket.order_ref, 0, ticket.contract.symbol, ticket.side, ticket.quantity, state, reason)


def executions(heard: Heard, account: str, symbols: Symbols) -> tuple[Execution, ...]:
    """Of each fill the last correction, oldest first, each with its commission or None."""
    told = [
        Execution(
            exec_id=fill.execId,
            order_ref=fill.orderRef,
            perm_id=fill.permId,
            account=fill.acctNumber,
            symbol=symbols.ours(contract),
            quantity=states.signed(fill.side, fill.shares),
            price=states.exact(fill.price),
            commission=heard.commission(fill.execId)[0],
            currency=contract.currency,
            time=_instant(fill.time),
            commission_currency=_apart(heard.commission(fill.execId)[1], contract.currency),
        )
        for contract, fill in heard.latest().values()
        if fill.acctNumber == account
    ]
    return tuple(sorted(told, key=lambda fill: (fill.time, fill.exec_id)))


def _apart(paid_in: str, currency: str) -> str:
    """The currency of a commission where it is another one than the fill's."""
    return "" if paid_in == currency else paid_in


def _instant(moment: Any) -> datetime:
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise Broken(f"The broker's time {moment!r} has no zone.", "Set the gateway's time format to one with a zone.")
    return moment.astimezone(UTC)


def positions(heard: Heard, account: str, symbols: Symbols) -> Mapping[str, Decimal]:
    """Signed shares by symbol, without zeros; the newest message of each contract counts. What IB calls a position in a pair
    of currencies is none: the money itself is told with the account's values.
    """
    told = ((contract, quantity) for owner, contract, quantity in heard.positions if owner == account)
    held = {contract.conId: (contract, quantity) for contract, quantity in told if contract.secType != "CASH"}
    by_name: dict[str, Decimal] = {}
    for contract, quantity in held.values():
        name = symbols.ours(contract)
        by_name[name] = by_name.get(name, Decimal(0)) + states.exact(quantity)
    return {name: quantity for name, quantity in by_name.items() if quantity}


def unnamed(heard: Heard, account: str, symbols: Symbols) -> tuple[tuple[str, str], ...]:
    """(symbol, currency) of what is held, open or was dealt, and goes by the name of something in another currency, in order."""
    dealt = [contract for contract, fill in heard.latest().values() if fill.acctNumber == account]
    open_ = [contract for contract, order in heard.opened.values() if order.account == account]
    last = {contract.conId: (contract, quantity) for owner, contract, quantity in heard.positions if owner == account}
    held = [contract for contract, quantity in last.values() if states.exact(quantity)]
    return tuple(sorted({found for contract in (*held, *open_, *dealt) if (found := symbols.unnamed(contract)) is not None}))


def strays(held: Iterable[str], symbols: Symbols) -> Mapping[str, str]:
    """Symbol -> currency of what is held in another currency than every stock, and of which nobody spoke."""
    return {symbol: currency for symbol in held if (currency := symbols.stray(symbol)) is not None}


def cash(values: Values, account: str) -> Mapping[str, Decimal]:
    """Cash by currency: IB's CashBalance of each currency, BASE left out. `Outage` where none was told."""
    found = {
        currency: states.exact(value)
        for owner, tag, value, currency in values
        if owner == account and tag == "CashBalance" and currency not in {"", "BASE"}
    }
    if not found:
        raise Outage("The gateway's account values name no cash.", "Try again.")
    return found


def worth(values: Values, account: str) -> dict[str, Any]:
    """net_liquidation and base of a picture: the net liquidation value in the account's own currency, and which that is; None
    and "" where they are not told.
    """
    told = ((value, currency) for owner, tag, value, currency in values if owner == account and tag == "NetLiquidation")
    value, currency = next(told, (None, ""))
    return {"net_liquidation": None if value is None else states.exact(value), "base": "" if currency == "BASE" else currency}
