"""Run by `test_other_clients.py` in an environment of its own: the official client buys, with a decoder made strict.

Every message must be consumed to its last field, or the run fails. Prints one JSON line. Arguments: port, buy or look.
"""

from __future__ import annotations

import json
import sys
import threading

from ibapi import decoder as official
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.wrapper import EWrapper

problems: list[str] = []


def strict(decoder, fields, number):
    """As Decoder.interpret, and every field must be taken."""
    if number == 0:
        return
    handle = decoder.msgId2handleInfo.get(number)
    if handle is None:
        problems.append(f"message {number} is unknown")
    elif handle.wrapperMeth is not None:
        if len(fields) - 1 != len(handle.wrapperParams) - 1:
            problems.append(f"message {number} has {len(fields)} fields, {handle.wrapperMeth.__name__} wants others: {fields}")
        decoder.interpretWithSignature(fields, handle)
    else:
        rest = iter(fields)
        try:
            handle.processMeth(decoder, rest)
        except Exception as error:
            problems.append(f"message {number}: {error!r} in {fields}")
        left = list(rest)
        if left:
            problems.append(f"message {number} has {len(left)} fields too many: {fields}")


official.Decoder.interpret = strict


class Client(EWrapper, EClient):
    def __init__(self):
        EClient.__init__(self, self)
        self.told: dict[str, list] = {}
        self.ends: dict[str, threading.Event] = {}

    def end(self, name: str) -> threading.Event:
        return self.ends.setdefault(name, threading.Event())

    def note(self, name: str, value) -> None:
        self.told.setdefault(name, []).append(value)

    def nextValidId(self, orderId):
        self.note("id", orderId)
        self.end("ready").set()

    def error(self, reqId, errorTime, errorCode, errorString, advancedOrderRejectJson=""):
        self.note("errors", [reqId, errorCode, errorString])
        if errorCode == 200:
            self.end("unknown contract").set()

    def contractDetails(self, reqId, contractDetails):
        what = contractDetails
        self.note("details", [what.contract.symbol, what.longName, str(what.sizeIncrement), what.liquidHours, what.minTick])
        if what.contract.secType == "OPT":
            told = what.contract
            self.note("option", [told.lastTradeDateOrContractMonth, told.strike, told.right, told.multiplier, told.localSymbol])

    def contractDetailsEnd(self, reqId):
        self.end("details").set()

    def openOrder(self, orderId, contract, order, orderState):
        self.note("whatif" if order.whatIf else "open", [orderId, orderState.status, order.orderRef, order.algoStrategy])
        if order.whatIf:
            self.note("margin", orderState.initMarginAfter)
            self.end("whatif").set()

    def orderStatus(self, orderId, status, filled, *more):
        self.note("status", [orderId, status, str(filled)])

    def openOrderEnd(self):
        self.end("open").set()

    def execDetails(self, reqId, contract, execution):
        self.note("execution", [execution.execId, str(execution.shares), execution.price, execution.orderRef])

    def execDetailsEnd(self, reqId):
        self.end("executions").set()

    def commissionAndFeesReport(self, report):
        self.note("commission", report.commissionAndFees)
        self.end("commission").set()

    def completedOrder(self, contract, order, orderState):
        self.note("completed", [order.orderRef, orderState.status, str(order.filledQuantity), orderState.completedStatus])

    def completedOrdersEnd(self):
        self.end("completed").set()

    def position(self, account, contract, position, avgCost):
        self.note("position", [contract.symbol, str(position)])

    def positionEnd(self):
        self.end("positions").set()

    def updateAccountValue(self, key, val, currency, accountName):
        if key == "TotalCashBalance" and currency == "USD":
            self.note("cash", val)
        if key in {"CashBalance", "ExchangeRate"} and currency != "BASE":
            self.told.setdefault({"CashBalance": "money", "ExchangeRate": "rate"}[key], {})[currency] = val

    def accountDownloadEnd(self, accountName):
        self.end("account").set()

    def accountUpdateMultiEnd(self, reqId):
        self.end("multi").set()

    def accountSummaryEnd(self, reqId):
        self.end("summary").set()

    def tickPrice(self, reqId, tickType, price, attrib):
        self.note("price", [tickType, price])

    def tickSnapshotEnd(self, reqId):
        self.end("snapshot").set()

    def historicalData(self, reqId, bar):
        self.note("bar", [bar.date, bar.close])

    def historicalDataEnd(self, reqId, start, end):
        self.end("bars").set()

    def currentTime(self, time):
        self.end("time").set()

    def symbolSamples(self, reqId, contractDescriptions):
        self.end("samples").set()

    def familyCodes(self, familyCodes):
        self.end("family").set()

    def marketRule(self, marketRuleId, priceIncrements):
        self.end("rule").set()

    def userInfo(self, reqId, whiteBrandingId):
        self.end("user").set()


def stock(symbol: str) -> Contract:
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = symbol, "STK", "SMART", "USD"
    return contract


def euro() -> Contract:
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "EUR", "CASH", "IDEALPRO", "USD"
    return contract


def put() -> Contract:
    contract = stock("SPY")
    contract.secType, contract.lastTradeDateOrContractMonth = "OPT", "20240621"
    contract.strike, contract.right, contract.multiplier = 500.0, "P", "100"
    return contract


def wish(quantity: int, ref: str, **terms) -> Order:
    from ibapi.tag_value import TagValue

    order = Order()
    order.action, order.totalQuantity, order.orderType, order.tif, order.orderRef = "BUY", quantity, "MKT", "DAY", ref
    for name, value in terms.items():
        setattr(order, name, value)
    if order.algoStrategy:
        order.algoParams = [TagValue("adaptivePriority", "Patient")]
    return order


def talk(client: Client) -> None:
    """Everything a client of ours could ask, and a purchase in the middle."""

    def ask(name: str, request, *words) -> None:
        client.end(name).clear()
        request(*words)
        if not client.end(name).wait(10):
            problems.append(f"no answer: {name}")

    apple, first = stock("AAPL"), client.told["id"][0]
    ask("details", client.reqContractDetails, 9001, apple)
    ask("unknown contract", client.reqContractDetails, 9002, stock("NOPE"))
    ask("snapshot", client.reqMktData, 9003, apple, "", True, False, [])
    ask("bars", client.reqHistoricalData, 9004, apple, "", "1 M", "1 day", "TRADES", 1, 1, False, [])
    ask("whatif", client.placeOrder, first, apple, wish(5, "w#1", whatIf=True))
    ask("commission", client.placeOrder, first + 1, apple, wish(10, "n#1", algoStrategy="Adaptive"))
    client.placeOrder(first + 2, apple, wish(10, "r#1", orderType="LMT", lmtPrice=150.0))
    ask("open", client.reqAllOpenOrders)
    ask("completed", client.reqCompletedOrders, False)
    ask("executions", client.reqExecutions, 9005, ExecutionFilter())
    ask("positions", client.reqPositions)
    ask("account", client.reqAccountUpdates, True, "DU1000001")
    ask("multi", client.reqAccountUpdatesMulti, 9006, "DU1000001", "", False)
    ask("summary", client.reqAccountSummary, 9007, "All", "NetLiquidation,$LEDGER")
    ask("details", client.reqContractDetails, 9010, euro())
    ask("snapshot", client.reqMktData, 9011, euro(), "", True, False, [])
    ask("whatif", client.placeOrder, first + 3, euro(), wish(1000, "wfx#1", whatIf=True))
    ask("commission", client.placeOrder, first + 4, euro(), wish(1000, "fx#1"))
    ask("details", client.reqContractDetails, 9013, put())
    ask("commission", client.placeOrder, first + 5, put(), wish(1, "put#1"))
    ask("executions", client.reqExecutions, 9012, ExecutionFilter())
    ask("completed", client.reqCompletedOrders, False)
    ask("positions", client.reqPositions)
    ask("account", client.reqAccountUpdates, True, "DU1000001")
    ask("time", client.reqCurrentTime)
    ask("samples", client.reqMatchingSymbols, 9008, "AA")
    ask("family", client.reqFamilyCodes)
    ask("rule", client.reqMarketRule, 26)
    if client.serverVersion() >= 167:
        ask("user", client.reqUserInfo, 9009)


def main() -> None:
    client = Client()
    client.connect("127.0.0.1", int(sys.argv[1]), 3)
    threading.Thread(target=client.run, daemon=True).start()
    if client.end("ready").wait(10):
        talk(client)
    else:
        problems.append("never ready")
    version = client.serverVersion()
    client.disconnect()
    sys.stdout.write(json.dumps({"version": version, "problems": problems, "told": client.told}) + "\n")


if __name__ == "__main__":
    main()
