"""Who is meant by a symbol, at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from portfolio.errors import Refused, WrongUse
from warehouse.identity import spells
from warehouse.snapshot import Snapshot, instant, listed


class Naming(Snapshot):
    """Symbols and the instruments that bear them."""

    @cached_property
    def names_kept(self) -> bool:
        """Whether any symbol's history is known; an older snapshot may not even have the table."""
        import duckdb

        try:
            return bool(self._cursor.execute(f"SELECT 1 FROM {self._name}.raw.symbols LIMIT 1").fetchall())
        except duckdb.CatalogException:
            return False

    def identities(self, symbols: Sequence[str], known_by: datetime | None) -> dict[str, str]:
        """Symbol -> instrument, for the symbols the warehouse knows at that instant; `Refused` where one is ambiguous."""
        found = self._instruments_of(symbols, instant(known_by))
        return {symbols[position]: instrument for instrument, position in found.items()}

    def bearers(self, symbols: Sequence[str], known_by: datetime | None) -> dict[str, str]:
        """Symbol -> the instrument that bore it last at that instant, for the symbols whose history is known."""
        return self._bearers(symbols, instant(known_by))

    def _instruments_of(self, symbols: Sequence[str], known: str) -> dict[str, int]:
        """Instrument -> position of its symbol. A symbol nobody registered is looked for among the prices themselves."""
        if len(set(symbols)) != len(symbols):
            raise WrongUse("A symbol was asked for twice.", "Name each symbol once.")
        position = {symbol: index for index, symbol in enumerate(symbols)}
        rows = list(self._bearers(symbols, known).items())
        unnamed = [symbol for symbol in symbols if symbol not in dict(rows)]
        registered = self._newest("instruments", known)
        rows += self._rows(f"SELECT DISTINCT symbol, instrument FROM ({registered}) WHERE symbol IN ({listed(unnamed)})")
        missing = set(symbols) - {symbol for symbol, _ in rows}
        if missing:
            rows += self._rows(
                f"SELECT DISTINCT symbol, instrument FROM {self._name}.raw.prices "
                f"WHERE symbol IN ({listed(sorted(missing))}) AND known_at <= {known}"
            )
        for symbol in symbols:
            several = sorted(one for name, one in rows if name == symbol)
            if len(several) > 1:
                raise Refused(
                    f"The symbol {symbol} names {len(several)} instruments: {', '.join(several)}.",
                    "Load who bore it when: `trimtab ingest symbols` (docs/operating.md).",
                    symbol=symbol,
                )
        return {instrument: position[symbol] for symbol, instrument in rows}

    def _bearers(self, symbols: Sequence[str], known: str) -> dict[str, str]:
        if not self.names_kept:
            return {}
        borne = spells(f"{self._name}.", known)
        return dict(
            self._rows(
                f"SELECT symbol, arg_max(instrument, from_session) FROM ({borne}) WHERE symbol IN ({listed(symbols)}) "
                f"AND from_session <= ({known} AT TIME ZONE 'America/New_York')::DATE GROUP BY symbol"
            )
        )
