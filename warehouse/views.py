"""The SQL behind every view: the newest known version of each fact, adjusted prices (ratios and indicators: see there).

Each function gives a SELECT over the raw tables. `prefix` names the lake ("" inside a stored view, which looks in its own
lake), `known` is the instant as an SQL expression: rows known later do not exist. Stored views take it from the session
variable `as_known_at`, so `SET VARIABLE as_known_at = TIMESTAMPTZ '2020-06-01 00:00:00+00'` sends a whole session back.
"""

from __future__ import annotations

from portfolio.schema import TABLES, Table
from warehouse import indicators, ratios

ALL = "'infinity'::TIMESTAMPTZ"  # all that is known
KNOWN = "coalesce(getvariable('as_known_at')::TIMESTAMPTZ, 'infinity'::TIMESTAMPTZ)"

# DESIGN's columns of each view, in order; a table's other columns follow them.
COLUMNS: dict[str, tuple[str, ...]] = {
    "prices": (
        *("instrument", "symbol", "session", "open", "high", "low", "close", "volume"),
        *("currency", "source", "known_at"),
    ),
    "corporate_actions": ("instrument", "symbol", "ex_session", "kind", "ratio", "amount", "currency", "source", "known_at"),
    "fundamentals": (
        *("instrument", "symbol", "concept", "period_start", "period_end", "value", "unit", "form", "filed"),
        *("source", "known_at"),
    ),
    "macro": ("series", "date", "value", "source", "known_at"),
    "news": ("instrument", "symbol", "published", "kind", "headline", "source", "known_at"),
    "universe": ("name", "instrument", "symbol", "from_session", "to_session"),
    "symbols": ("instrument", "symbol", "from_session", "to_session"),
    "identifiers": ("instrument", "kind", "value"),
    "repairs": ("dataset", "instrument", "symbol", "day", "law", "evidence", "undone"),
    "releases": ("dataset", "law", "row", "ruling", "person", "note"),
    "quarantine": ("run", "dataset", "law", "row", "quarantined_at"),
    "instruments": (),
    "declarations": (),
}


def columns(table: Table) -> tuple[str, ...]:
    first = COLUMNS[table.name]
    return first + tuple(name for name in table.names if name not in first)


def revised(table: Table) -> str | None:
    """Name of the list of a large table's keys that have more than one version, None for a small table.

    Almost no price is ever revised: with the list at hand only those few rows are sorted, and every other row is read
    straight from its file (ten times faster than a window over all of them, and filters on any column reach the files).
    """
    return f"{table.name}_revised" if table.partition_by else None


def newest(table: Table, prefix: str = "", known: str = KNOWN, where: str = "true") -> str:
    """The newest known version of each fact of `table`; `where` is put on the raw rows (of columns of the key only)."""
    names = ", ".join(f'f."{name}"' for name in columns(table))
    moment = "quarantined_at" if table.name == "quarantine" else "known_at"
    rows = f"SELECT {names} FROM {prefix}raw.{table.name} f"
    seen = f"WHERE f.{moment} <= {known} AND {where}"
    if table.name == "quarantine":
        return f"{rows} {seen}"
    keys = ", ".join(f'f."{name}"' for name in table.key)
    last = f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY f.known_at DESC, f.loaded_at DESC) = 1"
    several = revised(table)
    if several is None:
        return f"{rows} {seen} {last}"
    match = f"JOIN {prefix}raw.{several} r ON {same(table.key, 'f', 'r')}"
    # The few revised rows first: with them last, DuckDB 1.5 never finishes an answer that is larger than its buffer.
    return f"{rows} SEMI {match} {seen} {last} UNION ALL {rows} ANTI {match} {seen}"


def same(names: tuple[str, ...], left: str, right: str) -> str:
    """Equal in every one of `names`, where NULL equals NULL."""
    return " AND ".join(f'{left}."{name}" IS NOT DISTINCT FROM {right}."{name}"' for name in names) or "true"


def prices_adjusted(prefix: str = "", known: str = KNOWN, where: str | None = None, bars: str = "true") -> str:
    """Prices comparable over time: a row of an adjusting source as it is, a raw row times the factors of later actions.

    Factor of one ex-session (Yahoo's and LEAN's way): (1 - amount x ratio / close of the session before) / ratio, where
    `ratio` is new shares per old share and `amount` the cash that a share held on the ex-session (after its split) gets. Only
    actions of one source count (the price's own, where it has any of the instrument), and only those the series has
    reached: its last price always stands as dealt. An action without usable numbers makes what lies before it NULL,
    never a guess. `where` is put on the raw rows of prices and actions, `bars` on those of prices alone.
    """
    once = "NOT MATERIALIZED" if where is None else "MATERIALIZED"  # a stored view must let its reader's filter through
    where = where or "true"
    return f"""
WITH p AS {once} ({newest(TABLES["prices"], prefix, known, f"{where} AND {bars}")}),
a AS ({newest(TABLES["corporate_actions"], prefix, known, where)}),
series AS (
  SELECT instrument, source, max(session) AS last_session FROM p
  WHERE adjustment = 'raw' AND close > 0 AND isfinite(close)
    AND instrument IN (SELECT instrument FROM a WHERE kind <> 'rename')
  GROUP BY instrument, source),
chosen AS (
  SELECT s.instrument, s.source, any_value(s.last_session) AS last_session,
    coalesce(max(a.source) FILTER (a.source = s.source), min(a.source)) AS action_source
  FROM series s JOIN a ON a.instrument = s.instrument AND a.kind <> 'rename' GROUP BY s.instrument, s.source),
events AS (
  SELECT c.instrument, c.source, a.ex_session,
    coalesce(product(a.ratio) FILTER (a.kind = 'split'), 1) AS ratio,
    coalesce(sum(a.amount) FILTER (a.kind <> 'split'), 0) AS amount,
    bool_and(CASE a.kind WHEN 'split' THEN coalesce(a.ratio > 0 AND isfinite(a.ratio), false)
                         ELSE coalesce(a.amount >= 0 AND isfinite(a.amount), false) END) AS usable
  FROM chosen c JOIN a ON a.instrument = c.instrument AND a.source = c.action_source
    AND a.ex_session <= c.last_session AND a.kind <> 'rename'
  GROUP BY c.instrument, c.source, a.ex_session),
paid AS (
  SELECT *, last_value(close IGNORE NULLS) OVER (PARTITION BY instrument, source ORDER BY day, close IS NOT NULL
                                                 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
  FROM (SELECT instrument, source, ex_session AS day, ratio, amount, usable, NULL::DOUBLE AS close FROM events UNION ALL
        SELECT p.instrument, p.source, p.session, NULL, NULL, NULL, p.close
        FROM p SEMI JOIN chosen c ON c.instrument = p.instrument AND c.source = p.source
        WHERE adjustment = 'raw' AND close > 0 AND isfinite(close))),
steps AS (
  SELECT instrument, source, day AS ex_session, ratio,
    CASE WHEN usable AND amount * ratio < before THEN (1 - amount * ratio / before) / ratio END AS step
  FROM paid WHERE usable IS NOT NULL AND before IS NOT NULL),
factors AS (
  SELECT instrument, source, ex_session,
    CASE WHEN count(*) FILTER (step IS NULL) OVER w = 0 THEN product(step) OVER w END AS factor,
    CASE WHEN count(*) FILTER (step IS NULL) OVER w = 0 THEN product(ratio) OVER w END AS shares
  FROM steps WINDOW w AS (PARTITION BY instrument, source ORDER BY ex_session DESC)),
joined AS (
  SELECT p.*, CASE WHEN f.ex_session IS NULL OR p.adjustment <> 'raw' THEN 1.0 ELSE f.factor END AS factor,
    CASE WHEN f.ex_session IS NULL OR p.adjustment <> 'raw' THEN 1.0 ELSE f.shares END AS shares
  FROM p ASOF LEFT JOIN factors f ON f.instrument = p.instrument AND f.source = p.source AND p.session < f.ex_session)
SELECT instrument, symbol, session, open * factor AS open, high * factor AS high, low * factor AS low,
  close * factor AS close, volume * shares AS volume, currency, source, known_at,
  adjustment, close AS raw_close, volume AS raw_volume, factor, loaded_at, run
FROM joined"""


def all_views() -> dict[str, str]:
    """Every view of schema `main`, by name."""
    stored = {name: newest(TABLES[name]) for name in COLUMNS}
    derived = {"ratios": ratios.ratios("", KNOWN), "quarters": ratios.quarters("", KNOWN)}
    return stored | derived | {"prices_adjusted": prices_adjusted(), "indicators": indicators.view(prices_adjusted())}
