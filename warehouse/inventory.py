"""What a snapshot holds: whom, from whom, which sessions, what a run wrote, what is in quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from portfolio.schema import TABLES
from warehouse import views
from warehouse.extensions import text
from warehouse.identity import spells
from warehouse.naming import Naming
from warehouse.quarantine import row_id
from warehouse.snapshot import instant, listed

MANY = 1_000  # instruments
BEFORE = timedelta(days=90)  # a dividend's factor needs the close of the session before its ex-session


# The day that says which of an instrument's names is the newest.
NEWEST = {
    "prices": "session",
    "corporate_actions": "ex_session",
    "fundamentals": "period_end",
    "news": "published",
    "universe": "from_session",
    "symbols": "from_session",
}


def _of_runs(runs: str) -> str:
    """A condition on raw rows `f`: the name of their run begins so."""
    return f"starts_with(f.run, {text(runs)})"


def _days(since: date | None, until: date | None) -> list[str]:
    """Conditions on raw rows `f`, so that only the files of those years are read."""
    bounds = ((">=", since), ("<=", until))
    return [f"f.session {sign} DATE {text(day.isoformat())}" for sign, day in bounds if day]


class Inventory(Naming):
    """Questions about the rows themselves, not about what they say."""

    def base(
        self, wanted: Mapping[str, int], known_by: datetime | None, *, adjusted: bool, since: date | None, until: date | None
    ) -> str:
        """A SELECT over the bars of these instruments, adjusted where an action asks it, with raw_close, raw_volume, factor.

        Of very many it is over all bars: whoever asks joins his own, and a list of thousands costs more than it spares.
        """
        mine = f"f.instrument IN ({listed(list(wanted))})" if len(wanted) <= MANY else "true"
        prefix, known = f"{self._name}.", instant(known_by)
        days = " AND ".join(_days(since and since - BEFORE, until)) or "true"
        if adjusted and self._rows(f"SELECT 1 FROM {prefix}raw.corporate_actions f WHERE {mine} LIMIT 1"):
            return views.prices_adjusted(prefix, known, mine, days)
        plain = views.newest(TABLES["prices"], prefix, known, f"{mine} AND {days}")
        return f"SELECT *, close AS raw_close, volume AS raw_volume, 1.0 AS factor FROM ({plain})"

    def quarantined(
        self, dataset: str, law: str | None = None, source: str | None = None, symbols: Sequence[str] = (), most: int = 200
    ) -> list[dict[str, Any]]:
        """Rows in quarantine, newest first: run, dataset, law, symbol, source, row, quarantined_at, ruling (null: held), id."""
        asked = {"q.dataset": dataset, "q.law": law, "q.source": source}
        where = [f"{column} = {text(value)}" for column, value in asked.items() if value]
        where += [f"q.symbol IN ({listed(symbols)})"] if symbols else []
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

    def symbols_of(self, dataset: str, source: str) -> list[str]:
        """The names under which `source` has given rows of `dataset`: symbols, or series. Today's name of each instrument."""
        if dataset == "macro":
            rows = self._rows(f"SELECT DISTINCT series FROM {self._name}.raw.macro WHERE source = {text(source)} ORDER BY 1")
        else:
            newest = f"arg_max(symbol, ({NEWEST[dataset]}, loaded_at))"
            mine = f"{self._name}.raw.{dataset} WHERE source = {text(source)}"
            rows = self._rows(f"SELECT {newest} FROM {mine} GROUP BY instrument ORDER BY 1")
        return [row[0] for row in rows]

    def held_sessions(self, source: str, symbols: Sequence[str], since: date, until: date) -> dict[str, frozenset[date]]:
        """Symbol -> sessions of which `source` has given a bar, under any name its instrument had; absent where none."""
        wanted = self.identities(symbols, None)
        pairs = ", ".join(f"({text(instrument)}, {text(symbol)})" for symbol, instrument in wanted.items()) or "(NULL, NULL)"
        rows = self._rows(
            f"WITH w (instrument, name) AS (VALUES {pairs}) SELECT w.name, list(DISTINCT f.session) "
            f"FROM {self._name}.raw.prices f JOIN w USING (instrument) WHERE f.source = {text(source)} "
            f"AND f.session BETWEEN DATE {text(since.isoformat())} AND DATE {text(until.isoformat())} GROUP BY w.name"
        )
        return {name: frozenset(days) for name, days in rows}

    def loaded_since(self, source: str, symbols: Sequence[str], session: date, moment: datetime) -> set[str]:
        """Those of `symbols` whose bar of `session` from `source` was written at `moment` or later."""
        wanted = self.identities(symbols, None)
        rows = self._rows(
            f"SELECT DISTINCT f.instrument FROM {self._name}.raw.prices f WHERE f.source = {text(source)} "
            f"AND f.instrument IN ({listed(list(wanted.values()))}) AND f.session = DATE {text(session.isoformat())} "
            f"AND f.loaded_at >= {instant(moment)}"
        )
        loaded = {instrument for (instrument,) in rows}
        return {symbol for symbol, instrument in wanted.items() if instrument in loaded}

    def held_closes(self, source: str, symbols: Sequence[str]) -> dict[str, dict[date, float | None]]:
        """Symbol -> session -> the newest close that `source` has given, under any name its instrument had; absent where none."""
        wanted = self.identities(symbols, None)
        mine = f"f.source = {text(source)} AND f.instrument IN ({listed(list(wanted.values()))})"
        newest = views.newest(TABLES["prices"], f"{self._name}.", views.ALL, mine)
        rows = self._rows(f"SELECT instrument, session, close FROM ({newest})")
        called = {instrument: symbol for symbol, instrument in wanted.items()}
        found: dict[str, dict[date, float | None]] = {}
        for instrument, session, close in rows:
            found.setdefault(called[instrument], {})[session] = close
        return found

    def spells(self, symbols: Sequence[str]) -> dict[str, list[tuple[date, date | None]]]:
        """Symbol -> (first, last or None) of every spell of the instrument that bears it, where its history is known."""
        if not self.names_kept:
            return {}
        bearers = self.bearers(symbols, None)
        known = spells(f"{self._name}.", views.ALL)
        rows = self._rows(
            f"SELECT instrument, from_session, to_session FROM ({known}) WHERE instrument IN ({listed(list(bearers.values()))}) "
            "ORDER BY instrument, from_session"
        )
        return {symbol: [(begins, ends) for one, begins, ends in rows if one == bearer] for symbol, bearer in bearers.items()}

    def instruments_written_by(self, dataset: str, runs: str) -> set[str]:
        """The instruments of which the runs whose names begin with `runs` wrote rows, whatever they were called that day."""
        mine = f"SELECT DISTINCT instrument FROM {self._name}.raw.{dataset} f WHERE {_of_runs(runs)}"
        return {row[0] for row in self._rows(mine)}

    def written_by(self, dataset: str, runs: str) -> dict[str, dict[str, int]]:
        """Symbol (or series) -> how many facts the runs whose names begin with `runs` added, and how many they revised."""
        table = TABLES[dataset]
        who = "series" if dataset == "macro" else "symbol"
        before = (
            f"SELECT 1 FROM {self._name}.raw.{dataset} b WHERE {views.same(table.key, 'b', 'f')} AND b.loaded_at < f.loaded_at"
        )
        rows = self._rows(
            f"SELECT who, count(*) FILTER (NOT old), count(*) FILTER (old) FROM (SELECT f.{who} AS who, EXISTS ({before}) AS old "
            f"FROM {self._name}.raw.{dataset} f WHERE {_of_runs(runs)}) GROUP BY who ORDER BY who"
        )
        return {name: {"added": int(added), "revised": int(revised)} for name, added, revised in rows}
