"""Money is exact, corrections replace, nothing is counted twice; the other records come back as they were written."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolio.errors import Broken, Refused
from portfolio.types import Account, Execution, LawResult, TradingState
from warehouse.ledger import open_ledger

AT = datetime(2026, 1, 5, 15, tzinfo=UTC)
DAY = date(2026, 1, 5)


def fill(exec_id, quantity="10", price="100.01", commission="1.00", symbol="SPY", ref="a" * 16, **more):
    money = None if commission is None else Decimal(commission)
    told = {"order_ref": f"{ref}#1", "perm_id": 2**40, "account": "DU1", "currency": "USD", "time": AT} | more
    return Execution(exec_id=exec_id, symbol=symbol, quantity=Decimal(quantity), price=Decimal(price), commission=money, **told)


def test_books_add_up_to_the_cent(ledger):
    assert not ledger.opened("DU1")
    with pytest.raises(Refused, match="Account DU1 has no opening balances"):
        ledger.account("DU1", "USD")
    ledger.open_account("DU1", {"GLD": Decimal(5), "OLD": Decimal(0)}, Decimal("10000.10"), "USD", AT)
    ledger.open_account("DU1", {"GLD": Decimal(5)}, Decimal("10000.10"), "USD", AT)
    assert ledger.opened("DU1")
    with pytest.raises(Refused, match="already has opening balances"):
        ledger.open_account("DU1", {}, Decimal(0), "USD", AT)
    assert ledger.book([fill("e1"), fill("e2", "-5", "200.005", "0.35", "GLD")], AT) == 2
    ledger.adjustment("DU1", "dividend", None, Decimal(0), Decimal("3.33"), AT, "SPY")
    ledger.adjustment("DU1", "dividend", None, Decimal(0), Decimal("3.33"), AT, "SPY")
    cash = Decimal("10000.10") - Decimal("1000.10") - 1 + Decimal("1000.025") - Decimal("0.35") + Decimal("3.33")
    assert ledger.account("DU1", "USD") == Account({"SPY": Decimal(10)}, cash, "USD")
    assert ledger.account("DU1", "EUR") == Account({"SPY": Decimal(10)}, Decimal(0), "EUR", {"USD": cash})


def test_each_currency_is_added_up_by_itself(ledger):
    D = Decimal
    ledger.open_account("DU1", {}, D("100000"), "EUR", AT, {"USD": D("50.25"), "GBP": D(0)})
    ledger.open_account("DU1", {}, D("100000"), "EUR", AT, {"USD": D("50.25")})
    with pytest.raises(Refused, match="already has opening balances"):
        ledger.open_account("DU1", {}, D("100000"), "EUR", AT, {"USD": D("50.26")})
    bought = fill("c1", "-20000", "1.0625", "1.88", "EUR.USD", commission_currency="EUR")
    assert ledger.book([bought, fill("e1", "100", "150.01"), fill("o1", "2", "3.50", "1.30", "SPY230120P00360000")], AT) == 3
    ledger.adjustment("DU1", "dividend", None, D(0), D("3.33"), AT, "SPY", "USD")
    ledger.adjustment("DU1", "deposit", None, D(0), D("500"), AT, "a deposit")
    ledger.adjustment("DU1", "deposit", None, D(0), D("500"), AT, "a deposit")
    euros = D("100000") - 20000 - D("1.88") + 500
    dollars = D("50.25") + D("21250.00") - D("15002.00") - D("701.30") + D("3.33")
    held = {"SPY": D(100), "SPY230120P00360000": D(2)}
    assert ledger.account("DU1", "EUR") == Account(held, euros, "EUR", {"USD": dollars})
    assert ledger.account("DU1", "USD") == Account(held, dollars, "USD", {"EUR": euros})
    assert ledger.executions("DU1")[0] == bought
    ledger.verify()


def test_the_currency_of_a_late_commission_comes_with_it(ledger):
    ledger.open_account("DU1", {}, Decimal(1000), "EUR", AT)
    ledger.book([fill("c1", "-500", "1.10", None, "EUR.USD")], AT)
    assert ledger.account("DU1", "EUR") == Account({}, Decimal(500), "EUR", {"USD": Decimal("550.00")})
    ledger.book([fill("c1", "-500", "1.10", "1.82", "EUR.USD", commission_currency="EUR")], AT)
    assert ledger.account("DU1", "EUR") == Account({}, Decimal("498.18"), "EUR", {"USD": Decimal("550.00")})


def test_an_adjustment_of_before_keeps_its_name(ledger):
    """One that names no currency is the same one as it was before currencies could be named: it is not booked again."""
    import sqlalchemy as sa

    from warehouse.journal import canonical
    from warehouse.ledger.tables import ADJUSTMENTS

    words = {"account": "DU1", "kind": "fee", "symbol": None, "quantity": Decimal(0), "cash": Decimal(-5), "at": AT, "note": ""}
    ledger.adjustment(*words.values())
    with ledger.reading() as con:
        (named,) = con.execute(sa.select(ADJUSTMENTS.c.adjustment)).scalars()
    assert named == hashlib.sha256(canonical(words).encode()).hexdigest()


def test_a_currency_that_is_told_after_its_amount_moves_the_fee(ledger):
    ledger.open_account("DU1", {}, Decimal(100_000), "EUR", AT)
    sold = fill("a.b.c.01", "-1000", "1.25", "2", "EUR.USD")
    assert ledger.book([sold], AT) == 1
    assert ledger.account("DU1", "EUR").foreign == {"USD": Decimal(1248)}
    paid = fill("a.b.c.01", "-1000", "1.25", "2", "EUR.USD", commission_currency="EUR")
    assert ledger.book([paid], AT) == 1
    books = ledger.account("DU1", "EUR")
    assert (books.cash, books.foreign) == (Decimal(98_998), {"USD": Decimal(1250)})
    assert ledger.book([paid, sold], AT) == 0, "nothing new is told"
    assert ledger.book([fill("e1", commission_currency="USD"), fill("e1")], AT) == 1


def test_booking_twice_is_booking_once_and_commissions_come_later(ledger):
    ledger.open_account("DU1", {}, Decimal(0), "USD", AT)
    for execution, changed in (
        (fill("e1", commission=None), 1),
        (fill("e1", commission=None), 0),
        (fill("e1", commission="-1"), 0),
        (fill("e1", commission="NaN"), 0),
        (fill("e1", commission="1.25"), 1),
        (fill("e1", commission=None), 0),
        (fill("e1", commission="1.25"), 0),
    ):
        assert ledger.book([execution], AT) == changed
    assert ledger.account("DU1", "USD").cash == Decimal("-1001.35")
    (held,) = ledger.executions("DU1")
    assert held == fill("e1", commission="1.25")
    rows = ledger.verify().rows
    with pytest.raises(Refused, match="execution e1 twice, with different numbers"):
        ledger.book([fill("e9"), fill("e1", "11")], AT)
    assert ledger.verify().rows == rows, "one transaction: e9 was not booked either"


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_the_highest_correction_counts_alone(ledger, order):
    ledger.open_account("DU1", {}, Decimal(0), "USD", AT)
    for revision in order:
        ledger.book([fill(f"0000e1a7.5f2d1b0c.01.0{revision}", str(10 - revision), "100", None)], AT)
    ledger.book([fill("0000e1a7.5f2d1b0c.02.01", "1", "100", None)], AT)
    assert ledger.account("DU1", "USD").positions == {"SPY": Decimal(8)}
    assert [e.exec_id[-5:] for e in ledger.executions("DU1")] == ["01.03", "02.01"]


def test_other_ids_are_not_taken_for_corrections(ledger):
    ledger.open_account("DU1", {}, Decimal(0), "USD", AT)
    ledger.book([fill("x.1", "1"), fill("x.2", "2"), fill("7", "3"), fill("8", "4", order_ref="", ref="")], AT)
    assert ledger.account("DU1", "USD").positions == {"SPY": Decimal(10)}


EXACT = st.decimals(-(10**6), 10**6, places=6, allow_nan=False)


@pytest.fixture(scope="module")
def one_ledger(tmp_path_factory):
    with open_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/l.sqlite") as opened:
        yield opened, iter(range(10**6))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(EXACT, st.lists(st.tuples(EXACT, st.decimals(0, 5000, places=4), st.none() | st.decimals(0, 10, places=2)), max_size=6))
def test_cash_plus_positions_is_conserved(one_ledger, opening, fills):
    ledger, numbers = one_ledger
    name = f"DU{next(numbers)}"
    ledger.open_account(name, {}, opening, "USD", AT)
    booked = [
        Execution(f"{name}-{n}", "", 0, name, f"S{n}", quantity, price, commission, "USD", AT)
        for n, (quantity, price, commission) in enumerate(fills)
    ]
    for batch in (booked, booked):
        ledger.book(batch, AT)
    account = ledger.account(name, "USD")
    held = {name: Fraction(quantity) for name, quantity in account.positions.items()}
    value = Fraction(account.cash) + sum(held.get(f"S{n}", 0) * Fraction(price) for n, (_, price, _) in enumerate(fills))
    assert value == Fraction(opening) - sum(Fraction(c or 0) for _, _, c in fills)


def test_no_float_and_no_nan_gets_in(ledger):
    for bad in (1.5, Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises(Broken, match="not an exact amount"):
            ledger.open_account("DU1", {}, bad, "USD", AT)
    with pytest.raises(Broken, match="without a time zone"):
        ledger.open_account("DU1", {}, Decimal(1), "USD", AT.replace(tzinfo=None))
    assert not ledger.opened("DU1")
    assert ledger.verify().rows == 0


def test_trading_states(ledger):
    assert ledger.trading_state("DU1") is TradingState.UNRECONCILED
    for state in (TradingState.ACTIVE, TradingState.ACTIVE, TradingState.HALTED):
        ledger.set_trading_state("DU1", state, "because", AT)
    assert ledger.trading_state("DU1") is TradingState.HALTED
    assert ledger.verify().rows == 2


def test_equity_and_weights(ledger):
    days = [DAY + timedelta(days=n) for n in range(3)]
    for n, day in enumerate(days):
        ledger.record_equity("DU1", "core", day, Decimal("100.10") + n, Decimal(5), {"SPY": 0.5 + n / 10}, AT)
    ledger.record_equity("DU1", "core", days[2], Decimal("99.99"), Decimal(5), {"SPY": 0.1}, AT + timedelta(hours=1))
    assert ledger.equity_history("DU1") == [
        (days[0], Decimal("100.10")),
        (days[1], Decimal("101.10")),
        (days[2], Decimal("99.99")),
    ]
    assert ledger.equity_history("DU1", until=days[0]) == [(days[0], Decimal("100.10"))]
    assert ledger.equity_history("DU1", portfolio="other") == []
    assert ledger.weights_history("core")[-1] == (days[2], {"SPY": 0.1})
    rows = ledger.verify().rows
    for _ in range(2):
        ledger.record_equity("DU1", "core", days[2], Decimal("99.99"), Decimal(5), {"SPY": 0.1}, AT, {"EUR": Decimal("7.50")})
    assert ledger.verify().rows == rows + 1, "cash in another currency is news, once"


def test_decisions(ledger):
    document = {"weights": {"SPY": 0.6}, "price": Decimal("1.10"), "at": AT, "risk": float("nan"), "words": ["ü", "\u2028"]}
    for snapshot in (3, 4):
        ledger.record_decision(f"d{snapshot}", "core", DAY, AT, snapshot, "hash", "trade", document, AT)
    ledger.record_decision("d3", "core", DAY, AT, 3, "hash", "trade", {"other": 1}, AT)
    found = ledger.decision("d3")
    assert found["document"] == {
        "weights": {"SPY": 0.6},
        "price": "1.10",
        "at": "2026-01-05T15:00:00.000000Z",
        "risk": "NaN",
        "words": ["ü", "\u2028"],
    }
    assert (found["session"], found["as_of"], found["snapshot"], found["status"]) == (DAY, AT, 3, "trade")
    assert [d["decision"] for d in ledger.decisions("core")] == ["d3", "d4"]
    assert ledger.decision("d9") is None
    assert ledger.verify().rows == 2


def test_the_newest_decision_of_a_session_is_that_of_the_account(ledger):
    for number, account in enumerate(("DU1", "DU1", "DU2"), start=3):
        document = {"inputs": {"book": {"account_name": account}}}
        at = AT + timedelta(minutes=number)
        ledger.record_decision(f"d{number}", "core", DAY, AT, number, "hash", "trade", document, at)
    assert ledger.decision_for("core", DAY, "DU1")["decision"] == "d4"
    assert ledger.decision_for("core", DAY, "DU2")["decision"] == "d5"
    assert ledger.decision_for("core", DAY, "DU") is None
    assert ledger.decision_for("core", DAY + timedelta(days=1), "DU1") is None
    assert ledger.decision_for("other", DAY, "DU1") is None


def test_validations_and_reconciles(ledger):
    def result(law, bad):
        return LawResult("prices", law, "words", "critical", "block", "failed" if bad else "passed", bad, 10, ("A",))

    ledger.record_validation("r1", [result("x", 0), result("y", 2)], 3, AT)
    ledger.record_validation("r1", [result("x", 0), result("y", 2)], 3, AT)
    ledger.record_validation("r2", [result("x", 1)], 4, AT + timedelta(hours=1))
    assert [(v.run, v.snapshot, v.result) for v in ledger.validations()] == [("r2", 4, result("x", 1)), ("r1", 3, result("y", 2))]
    assert len(ledger.validations(latest=False)) == 3
    assert ledger.verify().rows == 4, "two runs, and each of the two breaches opened an incident"
    ledger.record_reconcile("DU1", False, {"SPY": {"ours": Decimal(1), "theirs": Decimal(2)}}, AT)
    assert ledger.last_reconcile("DU1") == (AT, False, {"SPY": {"ours": "1", "theirs": "2"}})
    assert ledger.last_reconcile("DU2") is None


def test_a_ledger_of_before_currencies_keeps_its_rows(tmp_path):
    """Brought up from the migration before: openings, executions, adjustments and books say what they said."""
    import sqlite3

    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config

    from warehouse.ledger import store

    url = f"sqlite:///{tmp_path}/old.sqlite"
    engine, config = store._engine(store._target(url)), Config()
    config.set_main_option("script_location", str(store.Path(store.__file__).parent.parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with store.Store(engine).writing() as con:
        config.attributes["connection"] = con
        command.upgrade(config, "0003")
    engine.dispose()
    at = "2026-01-05T15:00:00.000000Z"
    with sqlite3.connect(tmp_path / "old.sqlite") as db:
        db.execute("INSERT INTO openings VALUES ('DU1', '{\"GLD\":\"5\"}', '1000.10', 'USD', ?)", (at,))
        words = ("e1", "e1", 0, True, "a#1", "a", 7, "DU1", "SPY", "10", "20.01", "1.00", "USD", at, at)
        db.execute(f"INSERT INTO executions VALUES ({', '.join('?' * len(words))})", words)
        db.execute("INSERT INTO adjustments VALUES ('x', 'DU1', 'dividend', NULL, '0', '3.33', ?, '')", (at,))
        db.execute("INSERT INTO equity VALUES ('DU1', 'core', '2026-01-05', '1002.33', '802.33', '{}', ?)", (at,))
    db.close()
    with open_ledger(url) as ledger:
        cash = Decimal("1000.10") - Decimal("200.10") - 1 + Decimal("3.33")
        assert ledger.account("DU1", "USD") == Account({"GLD": Decimal(5), "SPY": Decimal(10)}, cash, "USD")
        assert ledger.account("DU1", "EUR").foreign == {"USD": cash}
        assert ledger.executions("DU1")[0].commission_currency == ""
        assert ledger.equity_history("DU1") == [(DAY, Decimal("1002.33"))]
    assert sa.inspect(sa.create_engine(url)).has_table("openings")
