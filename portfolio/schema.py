"""Every table of the warehouse: columns, units, keys. Written once; the lake, the contracts and the docs read it here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str  # DuckDB's word
    what: str  # meaning and unit


@dataclass(frozen=True, slots=True)
class Table:
    """`key` identifies a fact; `facts` are the columns whose change makes a new version of it (a revision)."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    facts: tuple[str, ...]
    partition_by: str | None = None
    sort_by: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def staged(self) -> tuple[str, ...]:
        """The columns a source fills in; the lake adds the rest."""
        return tuple(name for name in self.names if name not in {"loaded_at", "run"})


_INSTRUMENT = Column("instrument", "VARCHAR", "identity, stable over renames")
_SYMBOL = Column("symbol", "VARCHAR", "the ticker on that day")
_CURRENCY = Column("currency", "VARCHAR", "ISO 4217")
_SOURCE = Column("source", "VARCHAR", "who said so")
_KNOWN = Column("known_at", "TIMESTAMPTZ", "the instant from which this could be known")
_LOADED = Column("loaded_at", "TIMESTAMPTZ", "when this row was written here")
_RUN = Column("run", "VARCHAR", "the run that wrote it")
_STAMPS = (_SOURCE, _KNOWN, _LOADED, _RUN)

INSTRUMENTS = Table(
    "instruments",
    (
        _INSTRUMENT,
        _SYMBOL,
        _CURRENCY,
        Column("exchange", "VARCHAR", "calendar name, e.g. XNYS"),
        Column("tradable", "BOOLEAN", "an index is not"),
        *_STAMPS,
    ),
    key=("instrument", "source"),
    facts=("symbol", "currency", "exchange", "tradable"),
)

DECLARATIONS = Table(
    "declarations",
    (
        Column("dataset", "VARCHAR", "prices, macro, fundamentals"),
        Column("adjustment", "VARCHAR", "raw | adjusted | none"),
        Column("has", "VARCHAR", "comma-separated price columns the source fills"),
        Column("note", "VARCHAR", "in words"),
        *_STAMPS,
    ),
    key=("dataset", "source"),
    facts=("adjustment", "has", "note"),
)

PRICES = Table(
    "prices",
    (
        _INSTRUMENT,
        _SYMBOL,
        Column("session", "DATE", "the exchange's session"),
        Column("open", "DOUBLE", "per share, currency"),
        Column("high", "DOUBLE", "per share, currency"),
        Column("low", "DOUBLE", "per share, currency"),
        Column("close", "DOUBLE", "per share, currency"),
        Column("volume", "DOUBLE", "shares"),
        _CURRENCY,
        Column("adjustment", "VARCHAR", "raw | adjusted, as declared"),
        *_STAMPS,
    ),
    key=("instrument", "session", "source"),
    facts=("open", "high", "low", "close", "volume", "currency", "adjustment"),
    partition_by="session",
    sort_by=("instrument", "session"),
)

CORPORATE_ACTIONS = Table(
    "corporate_actions",
    (
        _INSTRUMENT,
        _SYMBOL,
        Column("ex_session", "DATE", "first session without the right"),
        Column("kind", "VARCHAR", "split | dividend | spin_off | rename | delisting (amount: the last payment per share)"),
        Column("ratio", "DOUBLE", "new shares per old share"),
        Column("amount", "DOUBLE", "cash per share, currency"),
        _CURRENCY,
        *_STAMPS,
    ),
    key=("instrument", "ex_session", "kind", "source"),
    facts=("ratio", "amount", "currency"),
)

FUNDAMENTALS = Table(
    "fundamentals",
    (
        _INSTRUMENT,
        _SYMBOL,
        Column("concept", "VARCHAR", "standard concept, or taxonomy:tag"),
        Column("period_start", "DATE", "null for a balance"),
        Column("period_end", "DATE", "the day it describes"),
        Column("value", "DOUBLE", "in unit"),
        Column("unit", "VARCHAR", "USD, shares, USD/shares, ..."),
        Column("form", "VARCHAR", "10-K, 10-Q, 8-K, ..."),
        Column("filed", "DATE", "filing date"),
        Column("accession", "VARCHAR", "the filing"),
        *_STAMPS,
    ),
    key=("instrument", "concept", "period_start", "period_end", "unit", "accession", "source"),
    facts=("value", "form", "filed"),
)

MACRO = Table(
    "macro",
    (
        Column("series", "VARCHAR", "name"),
        Column("date", "DATE", "the day or period start it describes"),
        Column("value", "DOUBLE", "in unit; null: known to be missing, or withdrawn"),
        Column("unit", "VARCHAR", "percent, index, ..."),
        *_STAMPS,
    ),
    key=("series", "date", "source"),
    facts=("value", "unit"),
)

NEWS = Table(
    "news",
    (
        _INSTRUMENT,
        _SYMBOL,
        Column("published", "TIMESTAMPTZ", "when"),
        Column("kind", "VARCHAR", "filing | headline"),
        Column("headline", "VARCHAR", "text"),
        Column("item", "VARCHAR", "item of an 8-K, e.g. 2.02; null for a headline"),
        Column("publisher", "VARCHAR", "who wrote it"),
        Column("url", "VARCHAR", "where it stands"),
        Column("sentiment", "DOUBLE", "-1 (bad) to 1 (good), null where it was not scored"),
        *_STAMPS,
    ),
    key=("instrument", "published", "kind", "headline", "source"),
    facts=(),
)

UNIVERSE = Table(
    "universe",
    (
        Column("name", "VARCHAR", "of the universe"),
        _INSTRUMENT,
        _SYMBOL,
        Column("from_session", "DATE", "first session of membership"),
        Column("to_session", "DATE", "last one, null while a member"),
        *_STAMPS,
    ),
    key=("name", "instrument", "from_session", "source"),
    facts=("symbol", "to_session"),
)

SYMBOLS = Table(
    "symbols",
    (
        _INSTRUMENT,
        _SYMBOL,
        Column("from_session", "DATE", "first session on which the instrument traded as `symbol`"),
        Column("to_session", "DATE", "last one, null while it does"),
        *_STAMPS,
    ),
    key=("instrument", "symbol", "from_session", "source"),
    facts=("to_session",),
)

IDENTIFIERS = Table(
    "identifiers",
    (
        _INSTRUMENT,
        Column("kind", "VARCHAR", "cik | con_id | isin | figi | share_class | name | sector | exchange"),
        Column("value", "VARCHAR", "as its issuer writes it"),
        *_STAMPS,
    ),
    key=("instrument", "kind", "source"),
    facts=("value",),
)

REPAIRS = Table(
    "repairs",
    (
        Column("dataset", "VARCHAR", "whose row it is"),
        _INSTRUMENT,
        _SYMBOL,
        Column("day", "DATE", "the day the row describes"),
        Column("law", "VARCHAR", "which law the row broke"),
        Column("row", "VARCHAR", "the row as it came, JSON"),
        Column("repaired", "VARCHAR", "the row as it was written, JSON"),
        Column("evidence", "VARCHAR", "the action or the second source that speaks for it"),
        Column("held", "BOOLEAN", "whether the row as it came was in the table before"),
        Column("undone", "BOOLEAN", "whether it was taken back"),
        Column("person", "VARCHAR", "who asked for it"),
        Column("note", "VARCHAR", "in words"),
        *_STAMPS,
    ),
    key=("dataset", "instrument", "day", "law", "row", "source"),
    facts=("repaired", "evidence", "undone", "person", "note"),
)

RELEASES = Table(
    "releases",
    (
        Column("dataset", "VARCHAR", "where the row wanted to go"),
        Column("law", "VARCHAR", "which law it broke"),
        Column("row", "VARCHAR", "the whole row, JSON, as in quarantine"),
        Column("ruling", "VARCHAR", "released | repaired"),
        Column("person", "VARCHAR", "who said so"),
        Column("note", "VARCHAR", "why"),
        *_STAMPS,
    ),
    key=("dataset", "law", "row", "source"),
    facts=("ruling", "person", "note"),
)

QUARANTINE = Table(
    "quarantine",
    (
        Column("run", "VARCHAR", "the run that met it"),
        Column("dataset", "VARCHAR", "where it wanted to go"),
        Column("law", "VARCHAR", "which law it broke"),
        Column("row", "VARCHAR", "the whole row, JSON"),
        Column("symbol", "VARCHAR", "whom it concerns, where it has one"),
        Column("source", "VARCHAR", "who said so"),
        Column("quarantined_at", "TIMESTAMPTZ", "when"),
    ),
    key=("dataset", "law", "row", "source"),
    facts=(),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        *(INSTRUMENTS, DECLARATIONS, PRICES, CORPORATE_ACTIONS, FUNDAMENTALS, MACRO, NEWS, UNIVERSE),
        *(SYMBOLS, IDENTIFIERS, REPAIRS, RELEASES, QUARANTINE),
    )
}
DATASETS = ("prices", "corporate_actions", "fundamentals", "macro", "universe", "news", "symbols", "identifiers")
