"""The price laws against known-bad series: faults found, controls and repaired twins flagged, repairs equal to the twin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isclose
from typing import TYPE_CHECKING, Any

from benchmarks.recordings import COLUMNS, FAULTS, Recording, bad_names, bad_series, folder, joined

if TYPE_CHECKING:
    import duckdb

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ROUNDING = 1e-5  # relative
SHARES = 1e-4  # relative: the twins' volumes are rounded to whole shares
# Twins that keep a fault of another kind, each looked up: days in pence among pounds (LSC, CLC, NVT), and a price of the
# split's week that the return of 101.69 pence on it contradicts (AV).
NAMED_RIGHTLY = {
    "AV-L-1wk-bad-stock-split": ("split_once",),
    "CLC-L-1d-bad-div": ("scale_kept",),
    "LSC-L-1d-bad-div": ("no_slip", "scale_kept"),
    "NVT-L-1d-bad-div": ("scale_kept",),
}
LAWS = frozenset(law for _, law in FAULTS.values())
SIDES = ("raw", "adjusted")  # each is judged with the other beside it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the laws say of one series. faulty, twin: law -> severity, of both sides.

    wrong: bars whose raw prices differ from the twin's, counted in both sides; proposed: repairs for bars; equal: of these
    those that are the twin's bar.
    """

    name: str
    faulty: Mapping[str, str]
    twin: Mapping[str, str]
    wrong: int = 0
    proposed: int = 0
    equal: int = 0

    @property
    def kind(self) -> str:
        return FAULTS[self.name][0] if self.name in FAULTS else "clean controls"

    @property
    def found(self) -> bool:
        """The law that the fault's kind asks for names the series."""
        return self.name in FAULTS and FAULTS[self.name][1] in self.faulty

    @property
    def kept(self) -> bool:
        """The law that found the fault still names the repaired twin."""
        return self.name in FAULTS and FAULTS[self.name][1] in self.twin

    @property
    def other(self) -> tuple[str, ...]:
        """Critical laws that name the twin (of a control: the control itself)."""
        named = self.twin if self.name in FAULTS else self.faulty
        return tuple(sorted(law for law, severity in named.items() if severity == "critical"))


def staged(recording: Recording) -> duckdb.DuckDBPyConnection:
    """A connection with `raw`, `adjusted`, `actions` and `sessions` (the days of the bars: not XNYS), in a transaction."""
    import duckdb

    con = duckdb.connect()
    con.execute("begin")
    for name in ("raw", "adjusted", "actions"):
        con.register("given", getattr(recording, name).to_arrow())
        con.execute(f"create temp table {name} as select * from given")
        con.unregister("given")
    con.execute(
        """create temp table sessions as
           select session, row_number() over (order by session)::bigint as number,
             (session::timestamp + interval 20 hour) at time zone 'UTC' as close_at
           from (select distinct session from raw)"""
    )
    return con


def checked(con: duckdb.DuckDBPyConnection, side: str) -> Any:
    """The report on one side, the other one beside it."""
    from expectations.check import check
    from expectations.context import Context
    from portfolio.types import Declaration

    has = frozenset(COLUMNS)
    said = (Declaration("yahoo", "raw", has), Declaration("yahoo adjusted", "adjusted", has))
    other = next(name for name in SIDES if name != side)
    context = Context(now=NOW, declarations=said, actions="actions", others=other, sessions="sessions")
    return check(con, "prices", side, run=f"quality {side}", context=context)


def named(twins: bool, side: str | None = None) -> dict[str, dict[str, str]]:
    """series -> law -> severity, of the faulty series and the controls, or of the twins; of one side or both."""
    con = staged(joined(bad_series(name, twin=twins) for name in bad_names(twins)))
    found: dict[str, dict[str, str]] = {}
    for each in (side,) if side else SIDES:
        for result in checked(con, each).results:
            for symbol in result.symbols if result.status == "failed" else ():
                found.setdefault(symbol, {})[result.law] = result.severity
    con.close()
    return found


def repairs(name: str) -> tuple[int, int, int]:
    """Bars of the faulty series that are wrong, those that get a proposal, and of these those that equal the twin's bar."""
    from expectations.repair import propose

    wrong = proposed = equal = 0
    faulty, twin = bad_series(name), bad_series(name, twin=True)
    con = staged(faulty)
    touched = any(not _same(*pair, COLUMNS[:4]) for pair in zip(faulty.raw.to_dicts(), twin.raw.to_dicts(), strict=True))
    for side in SIDES:
        right = {row["session"]: row for row in getattr(twin, side).to_dicts()}
        came = getattr(faulty, side).to_dicts()
        wrong += sum(not _same(row, right[row["session"]], COLUMNS[:4]) for row in came) if touched else 0
        report = checked(con, side)
        for proposal in propose(con, report.bad, report.good, actions="actions"):
            proposed += 1
            equal += _same(proposal.repaired, right[proposal.row["session"]])
    con.close()
    return wrong, proposed, equal


def _same(ours: Mapping[str, Any], theirs: Mapping[str, Any], columns: Sequence[str] = COLUMNS) -> bool:
    """Equal to rounding."""
    return all(isclose(ours[name], theirs[name], rel_tol=SHARES if name == "volume" else ROUNDING) for name in columns)


def verdicts() -> list[Verdict]:
    faulty, twins = named(False), named(True)
    told = {name: repairs(name) for name in FAULTS}
    return [Verdict(name, faulty.get(name, {}), twins.get(name, {}), *told.get(name, ())) for name in bad_names(False)]


HEAD = (
    *("kind of fault", "law", "series", "found", "twin still named by it", "twin named by another critical law"),
    *("wrong bars", "repairs proposed", "equal to the twin"),
)


def table(found: list[Verdict]) -> str:
    """One line a kind of fault, as Markdown."""
    lines = [_row(HEAD), _row(["---"] * len(HEAD))]
    for kind in dict.fromkeys(fault for fault, _ in FAULTS.values()):
        mine = [v for v in found if v.kind == kind]
        lines.append(_row(_cells(kind, ", ".join(dict.fromkeys(FAULTS[v.name][1] for v in mine)), mine)))
    lines.append(_row(_cells("**all**", "", [v for v in found if v.name in FAULTS])))
    controls = [v for v in found if v.name not in FAULTS]
    flagged = sum(bool(set(v.faulty) & LAWS or v.other) for v in controls)
    lines.append(_row(["clean controls", "any of these, or critical", len(controls), f"{flagged} named", *[""] * 5]))
    return "\n".join(lines)


def _cells(kind: str, laws: str, mine: list[Verdict]) -> list[object]:
    named = [f"{v.name.split('-')[0]}: {', '.join(v.other)}" for v in mine if v.other]
    bars = [sum(getattr(v, what) for v in mine) for what in ("wrong", "proposed", "equal")]
    return [
        kind,
        laws,
        len(mine),
        sum(v.found for v in mine),
        sum(v.kept for v in mine),
        "; ".join(named) if laws else len(named),
        *bars,
    ]


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def main() -> None:
    if not folder().is_dir():
        print(f"  not run: the recordings are not at {folder()} (TRIMTAB_SHARED_DATA)")
        return
    print(table(verdicts()))


if __name__ == "__main__":
    main()
