"""Money that comes and goes, from the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from terminal import trimtab

from tasks.doors import open_ledger
from tasks.settings import Settings, settings

AT = datetime(2026, 1, 5, 15, tzinfo=UTC)


@pytest.fixture
def home(tmp_path) -> Settings:
    where = settings({"TRIMTAB_HOME": str(tmp_path / "home")})
    open_ledger(where).open_account(where.account, {}, Decimal(1000), "USD", AT)
    return where


def cash(home: Settings, *words: str):
    return trimtab("cash", *words, "--json", home=home.home)


def test_what_came_and_went_is_in_the_books(home: Settings) -> None:
    for words in (
        ("deposit", "2,500.00", "--note", "a"),
        ("withdraw", "300", "--note", "b"),
        ("deposit", "40", "--currency", "EUR", "--note", "c"),
        ("dividend", "1.25", "--symbol", "SPY"),
        ("fee", "0.25", "--note", "d"),
    ):
        said = cash(home, *words)
        assert (said.code, said.document["status"]) == (0, "done"), said.err
    books = open_ledger(home).account(home.account, "USD")
    assert (books.cash, dict(books.foreign)) == (Decimal("3201.00"), {"EUR": Decimal(40)})
    assert [amount for _, _, amount in open_ledger(home).flows(home.account)] == [2500, -300, 40]


def test_the_same_note_is_taken_once(home: Settings) -> None:
    assert cash(home, "deposit", "10", "--note", "statement 7").code == 0
    again = cash(home, "deposit", "10", "--note", "statement 7")
    assert again.code == 1
    assert "statement 7" in again.err
    assert open_ledger(home).account(home.account, "USD").cash == 1010


@pytest.mark.parametrize("amount", ["0", "-5", "NaN", "1e999", "five", "Infinity"])
def test_what_is_no_amount_is_refused(home: Settings, amount: str) -> None:
    said = trimtab("cash", "deposit", "--json", "--", amount, home=home.home)
    assert said.code == 2
    assert "no amount of money" in said.err
    assert open_ledger(home).account(home.account, "USD").cash == 1000


def test_an_unknown_currency_and_an_unknown_account_are_refused(home: Settings, tmp_path) -> None:
    assert cash(home, "deposit", "10", "--currency", "XYZ").code == 2
    fresh = trimtab("cash", "deposit", "10", "--json", home=tmp_path / "other")
    assert fresh.code == 1
    assert "opening balances" in fresh.err
