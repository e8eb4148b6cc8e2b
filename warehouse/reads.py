"""What a decision reads: columns of one snapshot, as they were known at one instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from portfolio.errors import Refused, WrongUse
from portfolio.schema import TABLES
from portfolio.types import Declaration, FloatArray, Instrument
from warehouse import views
from warehouse.extensions import text
from warehouse.faults import translated
from warehouse.identity import spells
from warehouse.quarantine import row_id

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FIELDS = ("open", "high", "low", "close", "volume", "raw_close", "factor")
_NAMES = count(1)


@dataclass(frozen=True, slots=True)
class Prices:
    """Long columns, sorted by symbol (in the order asked) and session; one source a symbol, never a mix.

    session datetime64[D]; symbol index into `symbols`; each field in `fields` per share (volume: shares), NaN where the
    source has none; known_at datetime64[us], UTC; sources by symbol, for the symbols that have rows.
    """

    symbols: tuple[str, ...]
    symbol: NDArray[np.int32]
    session: NDArray[np.datetime64]
    known_at: NDArray[np.datetime64]
    fields: Mapping[str, FloatArray]
    sources: Mapping[str, str]


class Reader:
    """One snapshot, read only. Close it after use (or use it as a context)."""

    def __init__(self, cursor: DuckDBPyConnection, attach: Callable[[str], None], snapshot: int) -> None:
        self.snapshot = snapshot
        self._cursor = cursor
        self._name = f"at_{snapshot}_{next(_NAMES)}"
        attach(self._name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the snapshot. Safe to call twice."""
        with suppress(Exception):
            self._cursor.execute(f"DETACH {self._name}")
        with suppress(Exception):
            self._cursor.close()

    def prices(
        self,
        symbols: Sequence[str],
        known_by: datetime,
        fields: Sequence[str] = ("close",),
        *,
        adjusted: bool = True,
        source: str | None = None,
        since: date | None = None,
    ) -> Prices:
        """Prices of `symbols` as known by an instant, adjusted as of their last session known then.

        `fields` of open, high, low, close, volume, raw_close, factor. A symbol means the instrument that carries it
        then, under every name it had. Without `source`, each symbol's comes from its source with the newest session
        (then most rows, then first by name). A symbol without prices has no rows.
        """
        wrong = [name for name in fields if name not in _FIELDS]
        if wrong:
            raise WrongUse(f"Prices have no field {wrong[0]!r}.", f"They have {', '.join(_FIELDS)}.")
        known = _instant(known_by)
        wanted = self._instruments_of(symbols, known)
        inside = f"f.instrument IN ({_listed(list(wanted))})"
        prefix = f"{self._name}."
        if adjusted:
            base = views.prices_adjusted(prefix, known, inside)
        else:
            base = f"SELECT *, close AS raw_close, 1.0 AS factor FROM ({views.newest(TABLES['prices'], prefix, known, inside)})"
        only = f"WHERE source = {text(source)}" if source else ""
        late = f"WHERE session >= DATE {text(since.isoformat())}" if since else ""
        return self._priced(tuple(symbols), wanted, base, fields, only, late)

    def _priced(
        self,
        symbols: tuple[str, ...],
        wanted: dict[str, int],
        base: str,
        fields: Sequence[str],
        only: str,
        late: str,
    ) -> Prices:
        pairs = ", ".join(f"({text(one)}, {index})" for one, index in wanted.items()) or "(NULL, -1)"
        chosen = ", ".join(f'"{name}"' for name in fields)
        found = self._columns(f"""
        WITH v (instrument, position) AS (VALUES {pairs}),
        b AS (SELECT b.*, v.position FROM ({base}) b JOIN v USING (instrument) {only}),
        best AS (SELECT instrument, source FROM b GROUP BY instrument, source
                 QUALIFY row_number() OVER (PARTITION BY instrument ORDER BY max(session) DESC, count(*) DESC, source) = 1)
        SELECT position, session, known_at, source, {chosen} FROM b SEMI JOIN best USING (instrument, source) {late}
        ORDER BY position, session""")
        position = found["position"].astype(np.int32)
        first = np.unique(position, return_index=True)[1]
        return Prices(
            symbols,
            position,
            found["session"].astype("datetime64[D]"),
            found["known_at"].astype("datetime64[us]"),
            {name: found[name].astype(np.float64) for name in fields},
            {symbols[position[row]]: str(found["source"][row]) for row in first},
        )

    def _instruments_of(self, symbols: Sequence[str], known: str) -> dict[str, int]:
        """Instrument -> position of its symbol. A symbol nobody registered is looked for among the prices themselves."""
        if len(set(symbols)) != len(symbols):
            raise WrongUse("A symbol was asked for twice.", "Name each symbol once.")
        position = {symbol: index for index, symbol in enumerate(symbols)}
        rows = list(self._bearers(symbols, known).items())
        unnamed = [symbol for symbol in symbols if symbol not in dict(rows)]
        registered = self._newest("instruments", known)
        rows += self._rows(f"SELECT DISTINCT symbol, instrument FROM ({registered}) WHERE symbol IN ({_listed(unnamed)})")
        missing = set(symbols) - {symbol for symbol, _ in rows}
        if missing:
            rows += self._rows(
                f"SELECT DISTINCT symbol, instrument FROM {self._name}.raw.prices "
                f"WHERE symbol IN ({_listed(sorted(missing))}) AND known_at <= {known}"
            )
        for symbol in symbols:
            several = sorted(one for name, one in rows if name == symbol)
            if len(several) > 1:
                raise Refused(
                    f"The symbol {symbol} names {len(several)} instruments: {', '.join(several)}.",
                    "Register which one carries it now, or ask for a source.",
                    symbol=symbol,
                )
        return {instrument: position[symbol] for symbol, instrument in rows}

    def bearers(self, symbols: Sequence[str], known_by: datetime) -> dict[str, str]:
        """Symbol -> the instrument that bore it last at that instant, for the symbols whose history is known."""
        return self._bearers(symbols, _instant(known_by))

    def _bearers(self, symbols: Sequence[str], known: str) -> dict[str, str]:
        there = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'symbols' AND schema_name = 'raw' AND database_name ="
        if not self._rows(f"{there} {text(self._name)}"):
            return {}  # a snapshot of before symbols were kept
        borne = spells(f"{self._name}.", known)
        return dict(
            self._rows(
                f"SELECT symbol, arg_max(instrument, from_session) FROM ({borne}) WHERE symbol IN ({_listed(symbols)}) "
                f"AND from_session <= ({known} AT TIME ZONE 'America/New_York')::DATE GROUP BY symbol"
            )
        )

    def identities(self, symbols: Sequence[str], known_by: datetime) -> dict[str, str]:
        """Symbol -> instrument, for the symbols the warehouse knows at that instant; `Refused` where one is ambiguous."""
        found = self._instruments_of(symbols, _instant(known_by))
        return {symbols[position]: instrument for instrument, position in found.items()}

    def instruments(self, known_by: datetime | None = None) -> list[Instrument]:
        """Every instrument, by identity; where two sources describe one, the description known last."""
        rows = self._rows(
            f"SELECT instrument, symbol, currency, exchange, tradable FROM ({self._newest('instruments', _instant(known_by))}) "
            "QUALIFY row_number() OVER (PARTITION BY instrument ORDER BY known_at DESC, loaded_at DESC, source) = 1 "
            "ORDER BY instrument"
        )
        return [Instrument(*row) for row in rows]

    def declarations(self, dataset: str = "prices", known_by: datetime | None = None) -> dict[str, Declaration]:
        """What each source says of its own rows of `dataset`, by source."""
        rows = self._rows(
            f"SELECT source, adjustment, has, note FROM ({self._newest('declarations', _instant(known_by))}) "
            f"WHERE dataset = {text(dataset)} ORDER BY source"
        )
        return {
            row[0]: Declaration(row[0], row[1], frozenset(filter(None, (row[2] or "").split(","))), row[3] or "") for row in rows
        }

    def macro(self, series: Sequence[str], known_by: datetime) -> dict[str, NDArray[Any]]:
        """Columns series, date (datetime64[D]), value, unit, source, known_at; sorted by series, source, date."""
        names = _listed(series)
        return self._columns(
            f"SELECT series, date, value, unit, source, known_at FROM "
            f"({self._newest('macro', _instant(known_by), f'f.series IN ({names})')}) ORDER BY series, source, date"
        )

    def fundamentals(self, instruments: Sequence[str], concepts: Sequence[str], known_by: datetime) -> dict[str, NDArray[Any]]:
        """Columns instrument, symbol, concept, period_start, period_end, value, unit, form, filed, source, known_at."""
        known = _instant(known_by)
        inside = f"f.instrument IN ({_listed(instruments)}) AND f.concept IN ({_listed(concepts)})"
        names = ", ".join(views.COLUMNS["fundamentals"])
        return self._columns(
            f"SELECT {names} FROM ({self._newest('fundamentals', known, inside)}) "
            "ORDER BY instrument, concept, period_end, period_start, known_at"
        )

    def universe(self, name: str, on: date, known_by: datetime) -> list[str]:
        """Instruments that are members of universe `name` on a session, sorted."""
        day = f"DATE {text(on.isoformat())}"
        rows = self._rows(
            f"SELECT DISTINCT instrument FROM ({self._newest('universe', _instant(known_by), f'f.name = {text(name)}')}) "
            f"WHERE from_session <= {day} AND (to_session IS NULL OR to_session >= {day}) ORDER BY instrument"
        )
        return [row[0] for row in rows]

    def quarantined(
        self, dataset: str, law: str | None = None, source: str | None = None, symbols: Sequence[str] = (), most: int = 200
    ) -> list[dict[str, Any]]:
        """Rows in quarantine, newest first: run, dataset, law, symbol, source, row, quarantined_at, ruling (null: held), id."""
        asked = {"q.dataset": dataset, "q.law": law, "q.source": source}
        where = [f"{column} = {text(value)}" for column, value in asked.items() if value]
        where += [f"q.symbol IN ({_listed(symbols)})"] if symbols else []
        names = ("run", "dataset", "law", "symbol", "source", "row", "quarantined_at")
        known = (*names, "ruling", "id")
        released = views.newest(TABLES["releases"], f"{self._name}.", views.ALL)
        rows = self._rows(
            f"SELECT {', '.join(f'q.{name}' for name in names)}, r.ruling, {row_id()} FROM {self._name}.raw.quarantine q "
            f"LEFT JOIN ({released}) r ON {views.same(('dataset', 'law', 'row', 'source'), 'q', 'r')} "
            f"WHERE {' AND '.join(where) or 'true'} ORDER BY quarantined_at DESC, q.symbol, q.row LIMIT {most:d}"
        )
        return [dict(zip(known, row, strict=True)) for row in rows]

    def sources(self, dataset: str) -> list[str]:
        """Who has given rows of `dataset`, by name."""
        return [row[0] for row in self._rows(f"SELECT DISTINCT source FROM {self._name}.raw.{dataset} ORDER BY source")]

    def counts(self) -> dict[str, int]:
        """Rows held of each raw table, every version counted."""
        sums = " UNION ALL ".join(f"SELECT {text(name)}, count(*) FROM {self._name}.raw.{name}" for name in TABLES)
        return {row[0]: int(row[1]) for row in self._rows(sums)}

    def _newest(self, table: str, known: str, where: str = "true") -> str:
        return views.newest(TABLES[table], f"{self._name}.", known, where)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with translated("The warehouse"):
            return self._cursor.execute(sql).fetchall()

    def _columns(self, sql: str) -> dict[str, NDArray[Any]]:
        with translated("The warehouse"):
            found = self._cursor.execute(sql).fetchnumpy()
        return {name: _plain(column) for name, column in found.items()}


def _plain(column: Any) -> NDArray[Any]:
    """A plain array of a perhaps masked one: NaN, NaT or None where nothing is known."""
    if not isinstance(column, np.ma.MaskedArray):
        return np.asarray(column)
    empty: Any = np.datetime64("NaT") if column.dtype.kind == "M" else np.nan if column.dtype.kind == "f" else None
    masked: Any = column if empty is not None else column.astype(object)
    return np.asarray(masked.filled(empty))


def _listed(words: Sequence[str]) -> str:
    """What stands in an IN list."""
    return ", ".join(map(text, words)) or "NULL"


def _instant(moment: datetime | None) -> str:
    """An aware instant as an SQL expression; None means all that is known."""
    if moment is None:
        return "'infinity'::TIMESTAMPTZ"
    if moment.tzinfo is None:
        raise WrongUse("The instant of a read has no time zone.", "Give an aware datetime.")
    return f"{text(moment.isoformat())}::TIMESTAMPTZ"
