"""One scan for all laws: what Great Expectations asks for once, and every expectation of the suite reads."""

# ruff: noqa: S608  identifiers come from the schema, the contracts and names checked by `check`
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from expectations.context import Context, Outcome
from expectations.contract import SCHEMA, Contract, Law
from expectations.query import Names, bad_sql, filled, lacks, scan_sql, taken_out, words
from portfolio.types import Span

Ask = Callable[[str], Sequence[tuple[Any, ...]]]
_DUCKDB_WORDS = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}


def _reason(trouble: Exception) -> str:
    """The first line of what the database said."""
    said = str(getattr(trouble, "orig", None) or trouble)
    return said.splitlines()[0][:200] if said else type(trouble).__name__


@dataclass
class Scan:
    """Runs every law of a contract over one batch. `run` is called once, with the door to the database it is given."""

    contract: Contract
    context: Context
    names: Names
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    rows: int = 0

    def run(self, ask: Ask, batch: str) -> dict[str, Outcome]:
        """Judge the rows of `batch` (a relation or a query in brackets); leaves the views `good` and `bad`."""
        self.outcomes = {law.name: Outcome() for law in self.contract.laws}
        if problem := self._misshapen(ask, batch):
            self._refuse_all(ask, batch, problem)
            return self.outcomes
        misbound = self._scan(ask, batch)
        ask(f"create or replace temp view {self.names.bad} as {bad_sql(self.contract, self.names.scan)}")
        good = f"select {', '.join(self.contract.table.staged)} from {self.names.scan} where not {taken_out(self.contract)}"
        ask(f"create or replace temp view {self.names.good} as {good}")
        self._count(ask, misbound)
        self._want(ask)
        for law in self.contract.batch:
            self._judge_batch(ask, law)
        return self.outcomes

    # ---------------------------------------------------------------- shape
    def _misshapen(self, ask: Ask, batch: str) -> str:
        """What is wrong with the columns, or nothing."""
        found = {name: _DUCKDB_WORDS.get(kind, kind) for name, kind, *_ in ask(f"describe select * from {batch}")}
        promised = {c.name: c.type for c in self.contract.table.columns if c.name in self.contract.table.staged}
        missing = [name for name in promised if name not in found]
        wrong = [f"{n} is {found[n]} and not {kind}" for n, kind in promised.items() if n in found and found[n] != kind]
        said = [f"missing: {', '.join(missing)}"] if missing else []
        return "; ".join(said + wrong)

    def _refuse_all(self, ask: Ask, batch: str, problem: str) -> None:
        """A batch of the wrong shape: no law can be asked, nothing goes on."""
        self.rows = int(ask(f"select count(*) from {batch}")[0][0])
        ask(f"create or replace temp view {self.names.good} as select * from {batch} where false")
        ask(f"create or replace temp view {self.names.bad} as select *, ['{SCHEMA.name}'] as laws from {batch}")
        for outcome in self.outcomes.values():
            outcome.unknown = max(self.rows, 1)
        self.outcomes[SCHEMA.name] = Outcome(bad=max(self.rows, 1), whole_batch=True, note=problem)

    # ---------------------------------------------------------------- row laws
    def _scan(self, ask: Ask, batch: str) -> dict[str, str]:
        """Write the marks of every row; the laws that the database could not even read, with its reason."""
        make = f"create or replace temp table {self.names.scan} as "
        laws = dict(enumerate(self.contract.rows))
        misbound: dict[str, str] = {}
        try:
            ask(make + self._sql(batch, laws))
            raised = ask(f"select 1 from {self.names.scan} where broken is null limit 1")
        except Exception:
            raised, misbound = [(1,)], self._misbound(ask, batch)
        if raised:
            ask(make + self._sql(batch, laws, tuple(misbound), singly=True))
        return misbound

    def _misbound(self, ask: Ask, batch: str) -> dict[str, str]:
        """Which laws cannot be bound, each tried alone (a binder error leaves the transaction alive)."""
        found = {}
        for i, law in enumerate(self.contract.rows):
            try:
                ask(f"explain {self._sql(batch, {i: law})}")
            except Exception as trouble:
                found[law.name] = _reason(trouble)
        return found

    def _sql(self, batch: str, laws: dict[int, Law], misbound: tuple[str, ...] = (), singly: bool = False) -> str:
        sql = scan_sql(self.contract, self.context, batch, laws, misbound, singly)
        return filled(sql, words(self.contract, self.context, self.names))

    def _count(self, ask: Ask, misbound: dict[str, str]) -> None:
        who, day = self.contract.who, self.contract.day
        marks = ask(f"select broken, unknown, erred, count(*) from {self.names.scan} group by all")
        self.rows = sum(count for *_, count in marks)
        for i, law in enumerate(self.contract.rows):
            outcome = self.outcomes[law.name]
            outcome.bad = sum(count for broken, _, _, count in marks if broken >> i & 1)
            outcome.unknown = sum(count for _, unknown, _, count in marks if unknown >> i & 1)
            outcome.erred = sum(count for _, _, erred, count in marks if erred >> i & 1)
            outcome.note = misbound.get(law.name, "its predicate raised" if outcome.erred else self._lack(law))
            if law.name in misbound:
                outcome.erred, outcome.whole_batch = max(outcome.erred, 1), True
        named = ask(
            f"select broken | erred, erred, {who}, min({day})::date, max({day})::date "
            f"from {self.names.scan} where broken | erred <> 0 group by all"
        )
        for marked, erred, symbol, first, last in named:
            self._name(marked, erred, symbol, (first, last) if last else None)

    def _name(self, marked: int, erred: int, symbol: str | None, days: Span | None) -> None:
        old = days is not None and self.context.watch_from is not None and days[1] < self.context.watch_from
        for i, law in enumerate(self.contract.rows):
            quiet = old and law.on_breach == "warn" and not erred >> i & 1
            if marked >> i & 1 and symbol and not quiet:
                outcome = self.outcomes[law.name]
                outcome.symbols.add(symbol)
                if days is not None:
                    first, last = outcome.days.get(symbol, days)
                    outcome.days[symbol] = (min(first, days[0]), max(last, days[1]))

    def _lack(self, law: Law) -> str:
        missing = lacks(law, self.context)
        return f"not given: {', '.join(missing)}" if missing else ""

    # ---------------------------------------------------------------- batch laws
    def _want(self, ask: Ask) -> None:
        """`wanted`: the symbols of the batch and those the context names."""
        named = "".join(f" union select '{symbol.replace(chr(39), chr(39) * 2)}'" for symbol in self.context.symbols)
        spoken = f"select distinct {self.contract.who} as symbol from {self.names.scan}"
        batch = f"select symbol from ({spoken}) where trim(symbol) <> ''"
        ask(f"create or replace temp table {self.names.wanted} as select distinct symbol from ({batch}{named})")

    def _judge_batch(self, ask: Ask, law: Law) -> None:
        outcome = self.outcomes[law.name]
        if lacks(law, self.context):
            outcome.unknown, outcome.note = max(self.rows, 1), self._lack(law)
            return
        try:
            breaches = ask(filled(law.breaks, words(self.contract, self.context, self.names)))
        except Exception as trouble:
            outcome.erred, outcome.whole_batch, outcome.note = max(self.rows, 1), True, _reason(trouble)
            return
        outcome.bad = sum(int(count) for _, count in breaches)
        outcome.symbols = {symbol for symbol, _ in breaches if symbol}
        outcome.whole_batch = any(symbol is None for symbol, _ in breaches)
