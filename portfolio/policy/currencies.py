"""[universe] currency and [universe.currencies]: what each symbol trades in."""

from __future__ import annotations

from collections.abc import Mapping

from portfolio.errors import WrongUse
from portfolio.section import Section
from portfolio.types import CURRENCIES, currency_pair


def read_currencies(universe: Section, symbols: tuple[str, ...], base: str) -> dict[str, str]:
    """Symbol -> currency, of the `symbols` (of the universe, and instruments of hedges) that trade in another one than `base`.

    `currency` is that of all symbols (`base` where nobody says it); a list under [universe.currencies] is of those alone.
    `WrongUse` names a currency nobody knows, a symbol that stands twice, one that is not among `symbols`, and a pair of
    currencies among them.
    """
    if pairs := [symbol for symbol in symbols if currency_pair(symbol)]:
        raise WrongUse(f"[universe] symbols holds {pairs[0]}, a pair of currencies.", "Leave it out: money is changed as needed.")
    usual = universe.word("currency", CURRENCIES, base)
    table = universe.absent("currencies", {})
    if not isinstance(table, Mapping):
        raise universe.wrong("currencies", 'a table of lists, such as EUR = ["SAP"]')
    named = _named(Section("universe.currencies", table), symbols)
    found = {symbol: named.get(symbol, usual) for symbol in symbols}
    return {symbol: currency for symbol, currency in found.items() if currency != base}


def _named(section: Section, symbols: tuple[str, ...]) -> dict[str, str]:
    out: dict[str, str] = {}
    for currency in section.table:
        if currency not in CURRENCIES:
            known = ", ".join(CURRENCIES)
            raise WrongUse(f"[universe.currencies] {currency} is no currency that is known here.", f"There are: {known}.")
        for symbol in section.words(currency):
            if symbol not in symbols:
                raise WrongUse(
                    f"[universe.currencies] {currency} names {symbol}, absent from [universe] symbols.", "Add it there."
                )
            if symbol in out:
                raise WrongUse(f"[universe.currencies] puts {symbol} into {out[symbol]} and {currency}.", "It trades in one.")
            out[symbol] = currency
    return out
