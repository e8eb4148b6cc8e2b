"""What commissions are worth in the base currency, each at a rate that has a day; what no rate is known of stands apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from portfolio.ledger import add
from portfolio.types import CURRENCIES, Execution
from tasks import doors
from tasks.rates import rates_at
from tasks.settings import Settings

FeeRates = Mapping[str, tuple[Decimal, date | None]]  # currency -> its rate in the base currency, and of when; None: the plan's


def fees_of(executions: Iterable[Execution]) -> dict[str, Decimal]:
    """Commissions by the currency that they were paid in; one not yet known counts as nothing."""
    fees: dict[str, Decimal] = {}
    for one in executions:
        if one.commission is not None:
            add(fees, {one.commission_currency or one.currency: one.commission})
    return fees


def fee_rates(settings: Settings, document: Mapping[str, Any], units: Iterable[str]) -> FeeRates:
    """The rates of `units` for a recorded decision: those of its plan, else of its book, else the warehouse's reference rate of
    the decision's session or up to five days before. A currency that nobody knows is absent.
    """
    book = document["inputs"]["book"]
    base = book["account"]["currency"]
    lines = document["plan"]["lines"] if document["plan"] else []
    found: dict[str, tuple[Decimal, date | None]] = {
        currency: (Decimal(rate["value"]), datetime.fromisoformat(rate["time"]).date())
        for currency, rate in (book.get("rates") or {}).items()
    }
    found |= {line["currency"]: (Decimal(line.get("rate", 1)), None) for line in lines}
    found |= {base: (Decimal(1), None)}
    if lacking := frozenset(units) & frozenset(CURRENCIES) - frozenset(found):
        found |= _of_the_warehouse(settings, document, lacking, base)
    return found


def _of_the_warehouse(
    settings: Settings, document: Mapping[str, Any], units: frozenset[str], base: str
) -> dict[str, tuple[Decimal, date | None]]:
    """As they were known when it was decided."""
    market = document["inputs"]["market"]
    day = np.array([document["session"]], dtype="datetime64[D]")
    with doors.open_lake(settings) as lake, lake.at(market["snapshot"]) as reader:
        rates = rates_at(reader, (), base, datetime.fromisoformat(market["as_of"]), units)
    values = {currency: float(rates.panel(currency, day)[0]) for currency in rates.routes}
    return {c: (Decimal(repr(value)), rates.day(c)) for c, value in values.items() if np.isfinite(value)}


def fee_words(fees: Mapping[str, Decimal], rates: FeeRates, base: str) -> Sequence[str]:
    """What must be said of fees that the plan has no rate of."""
    words = []
    for currency, fee in sorted(fees.items()):
        if fee and currency not in rates:
            words.append(f"{fee:,.2f} {currency} of fees without a rate in {base} stand apart from the sum of commissions")
        elif fee and (day := rates[currency][1] if currency in rates else None):
            words.append(f"its fee of {fee:,.2f} {currency} is counted at the rate of {day}")
    return words
