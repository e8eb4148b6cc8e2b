"""The books against the broker: to the share and the cent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import D

from portfolio.ledger import reconcile
from portfolio.types import Account

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


def test_cash_in_a_foreign_currency_is_nobody_s():
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
