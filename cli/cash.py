"""Money that comes and goes, from the terminal: what the broker's statement says, booked in the ledger."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

import typer

from cli.output import Json, emit, guarded, say
from portfolio.errors import Refused, WrongUse

MOST = Decimal(10) ** 12
AMOUNT = re.compile(r"(\d{1,13}|\d{1,3}(,\d{3}){1,4})(\.\d{1,2})?")  # commas only between thousands
Amount = Annotated[str, typer.Argument(help="How much, such as 2500.00.")]
Currency = Annotated[str, typer.Option(help="Of the money; the account's own if none is named.")]
Note = Annotated[str, typer.Option(help="For the journal, such as the statement it stands in. Twice the same note is once.")]


def register(app: typer.Typer) -> None:
    cash = typer.Typer(help="Money that came or went, as the broker's statement says.", no_args_is_help=True)
    cash.command("deposit")(deposit)
    cash.command("withdraw")(withdraw)
    cash.command("dividend")(dividend)
    cash.command("fee")(fee)
    app.add_typer(cash, name="cash")


@guarded
def deposit(amount: Amount, currency: Currency = "", note: Note = "", json: Json = False) -> None:
    """What was paid in. It is no gain: returns and drawdowns leave it out, and a policy with cash_flows invests it."""
    _book("deposit", _money(amount), currency, note, json)


@guarded
def withdraw(amount: Amount, currency: Currency = "", note: Note = "", json: Json = False) -> None:
    """What was taken out. It is no loss."""
    _book("withdrawal", -_money(amount), currency, note, json)


@guarded
def dividend(
    amount: Amount,
    symbol: Annotated[str, typer.Option(help="Of whose shares.")],
    currency: Currency = "",
    note: Note = "",
    json: Json = False,
) -> None:
    """What shares paid, after tax. It is a gain."""
    _book("dividend", _money(amount), currency, note, json, symbol)


@guarded
def fee(amount: Amount, currency: Currency = "", note: Note = "", json: Json = False) -> None:
    """What the broker took: interest on a loan, borrowed shares, data. It is a loss."""
    _book("fee", -_money(amount), currency, note, json)


def _money(text: str) -> Decimal:
    amount = Decimal(text.replace(",", "")) if AMOUNT.fullmatch(text) else Decimal(0)
    if not 0 < amount <= MOST:
        raise WrongUse(
            f"{text!r} is no amount of money.", "Give a number above zero with a dot before the cents, such as 2500.00."
        )
    return amount


def _book(kind: str, cash: Decimal, currency: str, note: str, json: bool, symbol: str | None = None) -> None:
    from portfolio.types import CURRENCIES
    from tasks.doors import SystemClock, open_ledger
    from tasks.settings import settings

    if currency and currency not in CURRENCIES:
        raise WrongUse(f"{currency!r} is no currency that Trimtab knows.", f"There are: {', '.join(CURRENCIES)}.")
    where = settings()
    ledger = open_ledger(where)
    if not ledger.opened(where.account):
        raise Refused(f"Account {where.account} has no opening balances.", "Reconcile it with the broker first.")
    if note and ledger.noted(where.account, kind, note):
        raise Refused(f"A {kind} with the note {note!r} is booked already.", "Give this one a note of its own.")
    ledger.adjustment(where.account, kind, symbol, Decimal(0), cash, SystemClock().now(), note, currency)
    document = {
        "status": "done",
        "account": where.account,
        "kind": kind,
        "cash": cash,
        "currency": currency or None,
        "note": note,
    }
    if json:
        emit(document)
    else:
        say(
            f"Booked in {where.account}: {kind} of {cash:+,.2f} {currency}".rstrip()
            + ". `trimtab reconcile` compares with the gateway."
        )
