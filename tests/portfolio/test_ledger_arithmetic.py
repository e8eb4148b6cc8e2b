"""The books against the broker: to the share and the cent, in every currency."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import D

from portfolio.ledger import add, moved, reconcile
from portfolio.types import Account, Execution

BOOKS = Account({"AAPL": D(10), "KO": D("-3")}, D("100.00"), "USD")
SAME = ({"AAPL": D(10), "KO": D("-3")}, {"USD": D("100.00")})


def found(positions=None, cash=None):
    return {b.what: (b.ours, b.theirs) for b in reconcile(BOOKS, positions or SAME[0], cash or SAME[1])}


def test_equal_books_have_no_difference():
    assert reconcile(BOOKS, *SAME) == ()
    assert found({**SAME[0], "MSFT": D(0)}, {"USD": D("100"), "EUR": D(0)}) == {}
    assert reconcile(Account({}, D(0), "USD"), {}, {}) == ()


def test_one_share_off_is_named_with_both_sides():
    assert found({"AAPL": D(11), "KO": D("-3")}) == {"AAPL": (D(10), D(11))}
    (one,) = reconcile(BOOKS, {"AAPL": D(11), "KO": D("-3")}, SAME[1])
    assert one.sentence == "AAPL: the ledger says 10, the broker 11"
    assert found({"AAPL": D("10.0001"), "KO": D("-3")}) == {"AAPL": (D(10), D("10.0001"))}
    assert found({"AAPL": D(10)}) == {"KO": (D("-3"), D(0))}
    assert found({**SAME[0], "MSFT": D(1)}) == {"MSFT": (D(0), D(1))}


@pytest.mark.parametrize(
    ("theirs", "differs"),
    [("100.005", False), ("99.995", False), ("100.0099", False), ("100.01", True), ("99.99", True), ("0", True)],
)
def test_cash_agrees_to_the_cent(theirs, differs):
    assert ("cash USD" in found(cash={"USD": D(theirs)})) is differs


def test_cash_that_the_broker_does_not_name_is_missing():
    assert found(cash={"EUR": D(0)}) == {"cash USD": (D("100.00"), D(0))}


def test_cash_in_a_currency_that_the_books_do_not_have_is_a_difference():
    assert found(cash={"USD": D(100), "EUR": D("5.00")}) == {"cash EUR": (D(0), D("5.00"))}
    assert found(cash={"USD": D(100), "EUR": D("-0.01"), "GBP": D("0.009")}) == {"cash EUR": (D(0), D("-0.01"))}


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_agrees_with_nothing(bad):
    assert "cash USD" in found(cash={"USD": D(bad)})
    assert "cash EUR" in found(cash={"USD": D(100), "EUR": D(bad)})
    assert "AAPL" in found({"AAPL": D(bad), "KO": D("-3")})


@given(
    ours=some.dictionaries(some.sampled_from("ABC"), some.integers(-5, 5).map(D)),
    theirs=some.dictionaries(some.sampled_from("ABC"), some.integers(-5, 5).map(D)),
)
@settings(max_examples=80, deadline=None)
def test_the_differences_bring_the_books_to_the_broker(ours, theirs):
    breaks = reconcile(Account(ours, D(0), "USD"), theirs, {})
    mended = dict(ours)
    for one in breaks:
        assert one.ours != one.theirs
        mended[one.what] = mended.get(one.what, D(0)) + one.theirs - one.ours
    assert {s: q for s, q in mended.items() if q} == {s: q for s, q in theirs.items() if q}
    assert [b.what for b in breaks] == sorted(b.what for b in breaks)


def test_each_currency_agrees_to_the_cent():
    books = Account({}, D(100), "EUR", {"USD": D("50.004"), "GBP": D(-3)})

    def differs(**cash):
        return [b.what for b in reconcile(books, {}, {c: D(v) for c, v in cash.items()})]

    assert differs(EUR="100", USD="50.00", GBP="-3.00") == []
    assert differs(EUR="100.01", USD="50.00", GBP="-3.00") == ["cash EUR"]
    assert differs(EUR="100", USD="49.99", GBP="-3.00") == ["cash USD"]
    assert differs(EUR="100", USD="50.00") == ["cash GBP"]
    assert differs(USD="50.00", CHF="1", GBP="-3") == ["cash EUR", "cash CHF"]


# --- what a fill moves ----------------------------------------------------------------------------------------------


def fill(symbol, quantity, price, fee=None, currency="USD", paid_in=""):
    at = datetime(2022, 12, 28, 20, tzinfo=UTC)
    return Execution("e", "", 1, "DU1", symbol, D(quantity), D(price), None if fee is None else D(fee), currency, at, paid_in)


def test_what_a_fill_moves():
    assert moved(fill("AAPL", 10, "130.01", "1.00")) == ({"AAPL": D(10)}, {"USD": D("-1301.10")})
    assert moved(fill("AAPL", -10, "130.01", None)) == ({"AAPL": D(-10)}, {"USD": D("1300.10")})
    assert moved(fill("EUR.USD", 1000, "1.0625", "2")) == ({}, {"USD": D("-1064.5"), "EUR": D(1000)})
    assert moved(fill("EUR.USD", -1000, "1.0625", "1.88", paid_in="EUR")) == ({}, {"USD": D("1062.5"), "EUR": D("-1001.88")})
    assert moved(fill("SPY230120P00360000", 2, "3.50", "1.30")) == ({"SPY230120P00360000": D(2)}, {"USD": D("-701.30")})


CENTS = some.integers(1, 10**7).map(lambda cents: D(cents) / 100)
STOCKS = some.tuples(some.sampled_from(["AAPL", "SAP"]), some.integers(-500, 500), CENTS)
PAIRS = some.tuples(some.just("EUR.USD"), some.integers(-9999, 9999), some.decimals("0.5", "2", places=5))


@given(fills=some.lists(some.tuples(STOCKS | PAIRS, some.integers(0, 500)), max_size=12), rate=some.fractions(1, 2))
@settings(max_examples=80, deadline=None)
def test_whatever_is_dealt_money_is_conserved(fills, rate):
    """At the prices of the fills and any rate, what is held is worth what was there less commissions, and the gain of each
    conversion against that rate.
    """
    money, held, expected = {"USD": D(0), "EUR": D(0)}, {}, Fraction(0)
    for (symbol, quantity, price), cents in fills:
        fee, unit = D(cents) / 100, "EUR" if symbol == "SAP" else "USD"
        shares, cash = moved(fill(symbol, quantity, price, fee, unit, "EUR" if symbol == "EUR.USD" else ""))
        add(money, cash)
        add(held, shares)
        in_dollars = {"USD": Fraction(1), "EUR": rate}
        expected -= Fraction(fee) * in_dollars["EUR" if symbol in {"SAP", "EUR.USD"} else "USD"]
        if symbol == "EUR.USD":
            expected += quantity * (rate - Fraction(price))
        else:
            expected -= quantity * Fraction(price) * in_dollars[unit]
    assert set(held) <= {"AAPL", "SAP"}, "a pair of currencies is no holding"
    assert Fraction(money["USD"]) + rate * Fraction(money["EUR"]) == expected
    assert all(held[s] == sum(q for (name, q, _), _ in fills if name == s) for s in held)


@given(euros=some.integers(1, 10**6), bid=some.decimals("0.5", "2", places=5), wide=some.integers(0, 100), fee=CENTS)
@settings(max_examples=60, deadline=None)
def test_there_and_back_costs_the_spread_and_the_commissions(euros, bid, wide, fee):
    ask, money = bid + D(wide) * D("0.00005"), {}
    add(money, moved(fill("EUR.USD", euros, ask, fee, paid_in="EUR"))[1])
    add(money, moved(fill("EUR.USD", -euros, bid, fee, paid_in="EUR"))[1])
    assert money == {"EUR": -2 * fee, "USD": -euros * (ask - bid)}
