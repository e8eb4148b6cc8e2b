"""Which symbols a source on the network is asked for: named, and safe to stand in an address."""

from __future__ import annotations

import re
from collections.abc import Sequence

from portfolio.errors import Refused, WrongUse

_SHOWN = 40  # characters of a word that is none


def wanted(symbols: Sequence[str] | None, source: str, pattern: re.Pattern[str], hint: str) -> tuple[str, ...]:
    """The symbols, each once, in the order given. `WrongUse` where none were named; `Refused`, with the `hint`, for a word
    that is no symbol.

    `pattern` is the list of what is allowed, of the whole word: a path, a control character or a mark that turns the
    writing round is never put into an address.
    """
    if symbols is None:
        raise WrongUse(f"The source {source} lists nothing of itself.", "Name the symbols with --symbols A,B.", source=source)
    for symbol in symbols:
        if not pattern.fullmatch(symbol):
            shown = ascii(symbol[:_SHOWN]) + ("..." if len(symbol) > _SHOWN else "")
            raise Refused(f"The source {source} has no symbol {shown}.", hint, source=source)
    return tuple(dict.fromkeys(symbols))


def unknown(symbols: Sequence[str], source: str, way_out: str) -> Refused:
    """The refusal of symbols that the vendor does not know, all of them in one sentence."""
    return Refused(f"The source {source} has no symbol {', '.join(symbols)}.", way_out, source=source, unknown=tuple(symbols))
